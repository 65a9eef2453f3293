//! The files of an archive of the data beside the project.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

/// An archive, read whole.
pub(crate) struct Archive(BTreeMap<String, Vec<u8>>);

impl Archive {
    /// Reads an archive by its path under `data/`.
    pub(crate) fn open(path: &str) -> Archive {
        let file = std::fs::File::open(data().join(path)).expect("the data is beside the project");
        let decoder = zstd::Decoder::new(file).expect("the archive is zstd");
        let mut archive = tar::Archive::new(decoder);
        let mut files = BTreeMap::new();
        for entry in archive.entries().expect("the archive is tar") {
            let mut entry = entry.expect("the entry is whole");
            let name = entry.path().expect("the name is text").to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("the entry is whole");
            files.insert(name, bytes);
        }
        Archive(files)
    }

    /// The files by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The files whose names end so, without folder and ending.
    pub(crate) fn files(&self, ending: &str) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().filter_map(move |(path, bytes)| {
            let name = path.rsplit('/').next()?.strip_suffix(ending)?.strip_suffix('.')?;
            Some((name, bytes.as_slice()))
        })
    }
}

/// The folder with the data.
#[expect(clippy::disallowed_methods, reason = "a test reads its own settings")]
pub(crate) fn data() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("FIREKEEP_SHARED").map_or_else(beside, PathBuf::from).join("data")
}
