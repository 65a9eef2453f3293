//! From compressed bytes to members, within the limits: an archive says whatever it likes about
//! its sizes, so what counts is what comes out.

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
    let mut archive = tar::Archive::new(Bounded { from: unpacked, left: bounds.bytes });
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
struct Bounded<R> {
    from: R,
    left: u64,
}

/// How [`Bounded`] fails.
#[derive(Debug)]
struct TooMuch;

impl std::fmt::Display for TooMuch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("more than the limit")
    }
}

impl std::error::Error for TooMuch {}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        let after = self.left.checked_sub(u64::try_from(read).unwrap_or(u64::MAX));
        self.left = after.ok_or_else(|| io::Error::other(TooMuch))?;
        Ok(read)
    }
}

/// The limit, or damage; `tar` wraps what its reader said.
fn failed(error: io::Error) -> PackageError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(one) = cause {
        let inner = one.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if inner.is_some_and(|inner| inner.is::<TooMuch>()) || one.is::<TooMuch>() {
            return PackageError::TooLarge;
        }
        cause = one.source();
    }
    PackageError::Damaged(error)
}
