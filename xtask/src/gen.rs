//! `cargo xtask gen`: the packs of FHIR definitions, from the packages that HL7 published.
//!
//! To add a FHIR version: one more [`Pack`] in [`PACKS`]. The same packages give the same bytes;
//! `--check` says whether the committed packs are what the packages give today.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use fhir::definitions::About;
use fhir::definitions::build::Builder;
use serde_json::Value;

use crate::place::Place;
use crate::run;

/// A package as it was published, told apart from all others by its digest.
struct Package {
    name: &'static str,
    version: &'static str,
    integrity: &'static str,
}

/// One FHIR version: where its definitions come from, and the file that holds them.
struct Pack {
    file: &'static str,
    version: &'static str,
    /// Definitions as JSON, beside other things.
    content: Package,
    /// Has a file for each definition of the core and for nothing else.
    membership: Package,
    expansions: Package,
}

const PACKS: [Pack; 1] = [Pack {
    file: "r4.pack",
    version: "4.0.1",
    content: Package {
        name: "hl7.fhir.r4.examples",
        version: "4.0.1",
        integrity: "sha512-DXBdIZOeQaSKIgCU7w6HOC7sw/6BzylmipLkBW4f//pT+Bc94x+8LImwTdvaNThPJoOzpBz\
                    vxAzNqjeu3X/zLw==",
    },
    membership: Package {
        name: "hl7.fhir.r4.corexml",
        version: "4.0.1",
        integrity: "sha512-7t8Q/Zovj9AtB393UDp6ebdCom1+MV7U+5xtY+/z7jx8olPCNcI7M64lBjJ1qPtWVs6Ggk9\
                    fG8XSOcTF+SXMhw==",
    },
    expansions: Package {
        name: "hl7.fhir.r4.expansions",
        version: "4.0.1",
        integrity: "sha512-E0LjAGKIEla9XdM98cOzE8fv+syczVSzzqjE/29rhK1jK52kSByzSM+dQuQM0j4BiBIpMwZ\
                    ydQnKHV11rV5IlQ==",
    },
}];

/// A pack that grows past this does not belong into the repository.
const PACK_BYTES: usize = 8 << 20;
const LICENCE: &str = "CC0-1.0. FHIR definitions by Health Level Seven International, \
                       http://hl7.org/fhir/R4/license.html; FHIR is a registered trademark of HL7.";

/// Writes all packs.
pub(crate) fn write(place: &Place) -> Result<bool> {
    for pack in &PACKS {
        let (file, bytes) = (committed(place, pack), pack.bytes(place)?);
        std::fs::write(&file, &bytes).with_context(|| format!("write {}", file.display()))?;
        println!("{}: {} bytes", file.display(), bytes.len());
    }
    Ok(true)
}

/// Whether all committed packs are what the packages give; says which is not.
pub(crate) fn check(place: &Place) -> Result<bool> {
    let mut same = true;
    for pack in &PACKS {
        let file = committed(place, pack);
        let found = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        if found != pack.bytes(place)? {
            println!("{} is not what the packages give: run cargo xtask gen", file.display());
            same = false;
        }
    }
    Ok(same)
}

fn committed(place: &Place, pack: &Pack) -> PathBuf {
    place.root.join("crates/fhir/gen").join(pack.file)
}

impl Pack {
    fn bytes(&self, place: &Place) -> Result<Vec<u8>> {
        let content = self.content.folder(place)?;
        let members = names(&self.membership.folder(place)?, "xml")?;
        let mut builder = Builder::new();
        for name in names(&content, "json")?.intersection(&members) {
            let definition = document(&content.join(format!("{name}.json")))?;
            builder.add(&definition);
        }
        let expansions = self.expansions.folder(place)?;
        for name in names(&expansions, "json")? {
            if name.starts_with("ValueSet-") {
                builder.add_expansion(&document(&expansions.join(format!("{name}.json")))?);
            }
        }
        let sources = [&self.content, &self.membership, &self.expansions];
        let bytes = builder.pack(&About {
            version: self.version.to_owned(),
            sources: sources.map(Package::spec).join(", "),
            licence: LICENCE.to_owned(),
        })?;
        ensure!(bytes.len() <= PACK_BYTES, "{} has {} bytes", self.file, bytes.len());
        Ok(bytes)
    }
}

/// The files of a folder that have this extension, without it.
fn names(folder: &Path, extension: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let files = std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    for file in files {
        let path = file?.path();
        if path.extension().is_some_and(|known| known == extension) {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            names.insert(stem.context("a file name that is not UTF-8")?.to_owned());
        }
    }
    Ok(names)
}

fn document(path: &Path) -> Result<json::Document> {
    let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    // Some packages have files with a byte order mark, which JSON has not.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).to_vec();
    let document = json::Document::parse(text, &json::Limits::default());
    document.with_context(|| format!("parse {}", path.display()))
}

impl Package {
    fn spec(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// The folder of its files, fetched and unpacked into `target/gen` when it is not yet there.
    fn folder(&self, place: &Place) -> Result<PathBuf> {
        let all = place.target.join("gen");
        let folder = all.join(self.spec());
        if !folder.is_dir() {
            // Unpacked beside its place and moved there when it is whole.
            let unpacked = all.join(format!("{}.new", self.spec()));
            std::fs::create_dir_all(&unpacked)
                .with_context(|| format!("make {}", unpacked.display()))?;
            let file = self.fetch(&all)?;
            let mut tar = Command::new("tar");
            run::must(tar.arg("-xzf").arg(&file).arg("-C").arg(&unpacked))?;
            std::fs::rename(&unpacked, &folder)
                .with_context(|| format!("move {} to its place", unpacked.display()))?;
        }
        Ok(folder.join("package"))
    }

    /// Fetches the package file into `folder`.
    fn fetch(&self, folder: &Path) -> Result<PathBuf> {
        let spec = self.spec();
        let help = || format!("could not fetch {spec}; see what says: npm pack {spec}");
        let arguments = ["pack", "--json", "--ignore-scripts", &spec];
        let answer = run::output(folder, "npm", &arguments).with_context(help)?;
        let answer: Value = serde_json::from_str(&answer).with_context(help)?;
        let text = |key: &str| answer.get(0)?.get(key)?.as_str();
        let (Some(file), Some(integrity)) = (text("filename"), text("integrity")) else {
            bail!(help());
        };
        if integrity != self.integrity {
            bail!("{spec} is not the package that this was written for: its digest is {integrity}");
        }
        Ok(folder.join(file))
    }
}
