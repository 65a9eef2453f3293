//! What stories work on: small patients made here, and the shared data beside the project.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use serde_json::{Value, json};

/// A Patient with this id and family name.
pub fn patient(id: &str, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": family, "given": ["Åsa"]}]})
}

/// A transaction that puts `count` patients `p0`, `p1`, …
pub fn patients(count: usize) -> Value {
    let entries: Vec<Value> = (0..count)
        .map(|n| {
            let id = format!("p{n}");
            json!({"resource": patient(&id, "Original"),
                "request": {"method": "PUT", "url": format!("Patient/{id}")}})
        })
        .collect();
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

/// Bytes nobody can foretell.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("randomness");
    bytes
}

/// A file below the shared folder, or none with a line that says so. In CI its absence is a
/// failure.
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FIREKEEP_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let file = folder.join(path);
    if file.exists() {
        return Some(file);
    }
    let required = std::env::var_os("FIREKEEP_REQUIRE_SHARED").is_some();
    assert!(!required, "{} is not there and FIREKEEP_REQUIRE_SHARED is set", file.display());
    println!("skipped: {} is not there", file.display());
    None
}

/// The files of a `.tar.zst`, one after the other.
pub struct TarFiles(tar::Archive<zstd::Decoder<'static, std::io::BufReader<File>>>);

impl TarFiles {
    /// Opens the archive.
    pub fn open(path: &std::path::Path) -> Self {
        let file = File::open(path).expect("the archive opens");
        Self(tar::Archive::new(zstd::Decoder::new(file).expect("zstd")))
    }

    /// Calls `each` with every file's name and content.
    pub fn each(mut self, mut each: impl FnMut(&str, Vec<u8>)) {
        for entry in self.0.entries().expect("a tar archive") {
            let mut entry = entry.expect("an entry");
            if entry.header().entry_type().is_file() {
                let name = entry.path().expect("a path").display().to_string();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).expect("the content");
                each(&name, content);
            }
        }
    }
}
