//! Which files are loaded, and in which order: by file name, what others refer to first.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cli::Usage;

/// Levels of folders that are walked; a deeper tree is a mistake.
const DEPTH: usize = 64;

/// What a file holds, told by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One bundle, or one resource.
    Json,
    /// One resource per line.
    Ndjson,
    /// An archive of both.
    Tar,
}

/// A file on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) compressed: bool,
    pub(crate) bytes: u64,
}

/// Two groups, the first of which is loaded completely before the second: Synthea's hospitals and
/// practitioners are what its patients refer to by search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    First,
    Rest,
}

impl Group {
    /// The group of a file, by its name, which may have a number before it.
    pub(crate) fn of(name: &str) -> Self {
        let first = ["hospitalInformation", "practitionerInformation"];
        if first.iter().any(|it| name.contains(it)) { Self::First } else { Self::Rest }
    }
}

/// What a file name says: the format, and whether it is compressed. `None` is a file that is not
/// loaded.
pub(crate) fn format(name: &str) -> Option<(Format, bool)> {
    let (plain, compressed) = match name.strip_suffix(".zst") {
        Some(plain) => (plain, true),
        None => (name, false),
    };
    let format = match plain.rsplit_once('.').map_or("", |(_stem, extension)| extension) {
        "json" => Format::Json,
        "ndjson" => Format::Ndjson,
        "tar" => Format::Tar,
        _ => return None,
    };
    Some((format, compressed))
}

/// All files of the given paths, in the order in which they are loaded.
pub(crate) fn collect(paths: &[PathBuf]) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        let about =
            fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if about.is_dir() {
            walk(path, DEPTH, &mut sources)?;
        } else if let Some(source) = source(path, about.len()) {
            sources.push(source);
        } else {
            bail!(Usage(format!(
                "{} is none of .json, .ndjson and .tar, each with or without .zst",
                path.display()
            )));
        }
    }
    if sources.is_empty() {
        bail!("no .json, .ndjson or .tar file (with or without .zst) was found");
    }
    sources.sort_by(|one, other| order(&one.path).cmp(&order(&other.path)));
    Ok(sources)
}

/// By group, then by file name; the path only decides between equal names.
fn order(path: &Path) -> (bool, String, &Path) {
    let name = file_name(path);
    (Group::of(&name) == Group::Rest, name, path)
}

/// The last part of a path as text.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn source(path: &Path, bytes: u64) -> Option<Source> {
    let (format, compressed) = format(&file_name(path))?;
    Some(Source { path: path.to_owned(), format, compressed, bytes })
}

fn walk(folder: &Path, depth: usize, sources: &mut Vec<Source>) -> Result<()> {
    if depth == 0 {
        bail!("{} is nested deeper than {DEPTH} folders", folder.display());
    }
    let unreadable = || format!("cannot read {}", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let about = entry.metadata().with_context(unreadable)?;
        if about.is_dir() {
            walk(&entry.path(), depth - 1, sources)?;
        } else if let Some(bytes) = file_bytes(&entry.path()) {
            sources.extend(source(&entry.path(), bytes));
        }
    }
    Ok(())
}

/// The size of a file, also of one that a link names. Links to folders are not followed, for they
/// may lead round in a circle; a link to nothing fails when it is read, so that it is told.
fn file_bytes(path: &Path) -> Option<u64> {
    match fs::metadata(path) {
        Ok(about) => about.is_file().then_some(about.len()),
        Err(_gone) => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_says_what_the_file_holds() {
        for (name, expected) in [
            ("a.json", Some((Format::Json, false))),
            ("a.json.zst", Some((Format::Json, true))),
            ("Patient.ndjson", Some((Format::Ndjson, false))),
            ("Patient.000.ndjson.zst", Some((Format::Ndjson, true))),
            ("all.tar.zst", Some((Format::Tar, true))),
            ("all.tar", Some((Format::Tar, false))),
            ("README.md", None),
            ("a.zst", None),
            ("json", None),
        ] {
            assert_eq!(format(name), expected, "{name}");
        }
    }

    #[test]
    fn files_are_sorted_by_name_not_path_with_what_is_referred_to_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["z/Adam.json", "a/Zoe.json", "a/deep/0-practitionerInformation1.json", "b/notes.txt"]
        {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        fs::write(folder.path().join("hospitalInformation1.json"), "{}").unwrap();
        let found = collect(&[folder.path().to_owned()]).unwrap();
        let names: Vec<String> = found.iter().map(|it| file_name(&it.path)).collect();
        let expected = [
            "0-practitionerInformation1.json",
            "hospitalInformation1.json",
            "Adam.json",
            "Zoe.json",
        ];
        assert_eq!(names, expected);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_files_are_loaded_and_links_to_folders_are_not() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), "{}").unwrap();
        symlink("a.json", folder.path().join("b.json")).unwrap();
        symlink("gone.json", folder.path().join("c.json")).unwrap();
        symlink(".", folder.path().join("round")).unwrap();
        let found = collect(&[folder.path().to_owned()]).unwrap();
        let names: Vec<String> = found.iter().map(|it| file_name(&it.path)).collect();
        assert_eq!(names, ["a.json", "b.json", "c.json"]);
    }

    #[test]
    fn a_file_of_another_kind_is_wrong_usage_when_it_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "").unwrap();
        assert!(collect(&[path]).unwrap_err().is::<Usage>());
        assert!(collect(&[folder.path().to_owned()]).is_err());
        assert!(collect(&[folder.path().join("missing")]).is_err());
    }
}
