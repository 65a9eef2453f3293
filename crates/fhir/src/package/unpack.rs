//! From compressed bytes to members, within the limits: an archive says whatever it likes about
//! its sizes, so what counts is what comes out.

use std::cell::Cell;
use std::io::{self, Read};

use base::limits::{PACKAGE_MEMBERS, PACKAGE_UNPACKED_BYTES};
use flate2::bufread::MultiGzDecoder;

use super::PackageError;

/// How much may come out.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bytes: u64,
    pub(super) members: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: PACKAGE_UNPACKED_BYTES, members: PACKAGE_MEMBERS }
    }
}

/// Gives the JSON files of the folder `package` to `take`, by name, without those in folders below
/// it (examples, renderings) and without indexes.
pub(super) fn members(
    archive: &[u8],
    bounds: Bounds,
    mut take: impl FnMut(&str, Vec<u8>),
) -> Result<(), PackageError> {
    let unpacked: Box<dyn Read + '_> = match archive {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(archive)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = zstd::stream::read::Decoder::with_buffer(archive);
            Box::new(decoder.map_err(PackageError::Damaged)?)
        }
        _ => return Err(PackageError::NotAnArchive),
    };
    let exceeded = Cell::new(false);
    let failed = |error| match exceeded.get() {
        true => PackageError::TooLarge,
        false => PackageError::Damaged(error),
    };
    let bounded = Bounded { from: unpacked, left: bounds.bytes, exceeded: &exceeded };
    let mut archive = tar::Archive::new(bounded);
    for (count, entry) in archive.entries().map_err(failed)?.enumerate() {
        if count >= bounds.members {
            return Err(PackageError::TooMany);
        }
        let mut entry = entry.map_err(failed)?;
        let path = entry.path_bytes().into_owned();
        let path = String::from_utf8_lossy(&path);
        let Some(name) = member(&path).filter(|_| entry.header().entry_type().is_file()) else {
            continue;
        };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(failed)?;
        take(name, bytes);
    }
    Ok(())
}

/// The file name of what belongs to the package.
fn member(path: &str) -> Option<&str> {
    let name = path.strip_prefix("./").unwrap_or(path).strip_prefix("package/")?;
    let is_wanted = name.ends_with(".json") && !name.starts_with('.') && !name.contains('/');
    is_wanted.then_some(name)
}

/// Reads up to a limit, and past it fails.
struct Bounded<'c, R> {
    from: R,
    left: u64,
    exceeded: &'c Cell<bool>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                self.exceeded.set(true);
                return Err(io::Error::other("it unpacks to more than the limit"));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::definitions::Registry;

    const MANIFEST: &str = r#"{"name":"a.b","version":"1"}"#;

    fn tar(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(u64::try_from(text.len()).unwrap());
            header.set_mode(0o600);
            archive.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).unwrap()
    }

    fn names(archive: &[u8], bounds: Bounds) -> Result<Vec<String>, PackageError> {
        let mut names = Vec::new();
        members(archive, bounds, |name, _| names.push(name.to_owned())).map(|()| names)
    }

    #[test]
    fn what_belongs_to_the_package_is_taken_from_both_kinds_of_archive() {
        let long = format!("package/{}.json", "x".repeat(150));
        let archive = tar(&[
            ("package/package.json", MANIFEST),
            ("package/.index.json", "{}"),
            ("package/example/Patient-a.json", "{}"),
            ("package/ValueSet-a.json", "{}"),
            ("package/ValueSet-a.xml", "<x/>"),
            ("other/ValueSet-b.json", "{}"),
            (&long, "{}"),
        ]);
        let expected = ["package.json", "ValueSet-a.json", long.strip_prefix("package/").unwrap()];
        assert_eq!(names(&gzip(&archive), Bounds::default()).unwrap(), expected);
        assert_eq!(names(&zstd(&archive), Bounds::default()).unwrap(), expected);
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_past_it() {
        let archive = tar(&[("package/package.json", MANIFEST), ("package/a.json", "{}")]);
        let of = |members| names(&gzip(&archive), Bounds { members, ..Bounds::default() });
        assert_eq!(of(2).unwrap().len(), 2);
        assert!(matches!(of(1), Err(PackageError::TooMany)));
        let read = |left| {
            let exceeded = Cell::new(false);
            let mut bounded = Bounded { from: &[7; 100][..], left, exceeded: &exceeded };
            (bounded.read_to_end(&mut Vec::new()).ok(), exceeded.get())
        };
        assert_eq!(read(100), (Some(100), false));
        assert_eq!(read(99), (None, true));
        let bomb = tar(&[("package/a.json", &" ".repeat(8 << 20))]);
        let bounds = Bounds { bytes: 1 << 20, members: 9 };
        assert!(matches!(names(&zstd(&bomb), bounds), Err(PackageError::TooLarge)));
    }

    #[test]
    fn what_is_damaged_or_no_package_is_told_apart() {
        let archive = gzip(&tar(&[("package/package.json", MANIFEST)]));
        let (head, _) = archive.split_at(archive.len() / 2);
        assert!(matches!(names(head, Bounds::default()), Err(PackageError::Damaged(_))));
        for bytes in [&b""[..], b"{}", b"PK\x03\x04", &[0x1f]] {
            assert!(matches!(names(bytes, Bounds::default()), Err(PackageError::NotAnArchive)));
        }
        let known = Registry::new(crate::Definitions::r4());
        let read = |files| super::super::read(&gzip(&tar(files)), "4.0.1", &known);
        let none = read(&[("package/ValueSet-a.json", "{}")]);
        assert!(matches!(none, Err(PackageError::NotAPackage(_))));
        let unnamed = read(&[("package/package.json", "{}")]);
        assert!(matches!(unnamed, Err(PackageError::NotAPackage(_))));
        let alone = read(&[("package/package.json", MANIFEST), ("package/bad.json", "{")]).unwrap();
        assert_eq!(alone.manifest.id(), "a.b#1");
        assert_eq!(alone.left_out.first().unwrap().0, "bad.json");
        assert!(matches!(read(&[("package/x", "")]), Err(PackageError::NotAPackage(_))));
    }
}
