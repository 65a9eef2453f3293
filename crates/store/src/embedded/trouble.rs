//! What can go wrong in the engine, sorted by what the writer does about it.

use std::fmt;
use std::io;

use base::Fault;

/// A failed engine operation. The transaction it happened in is aborted.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The map is full: grow it and try again.
    MapFull,
    /// The disk, the quota or the file-size limit is used up: refuse, go on, try again later.
    DiskFull(heed::Error),
    /// LMDB will not go on with this environment until it is closed and opened again.
    Broken(Fault),
    /// Anything else.
    Other(Fault),
}

impl From<heed::Error> for Trouble {
    fn from(error: heed::Error) -> Self {
        match &error {
            heed::Error::Mdb(heed::MdbError::MapFull) => Self::MapFull,
            heed::Error::Mdb(heed::MdbError::Panic) => {
                Self::Broken(Fault::new("the store must be opened again", error))
            }
            heed::Error::Io(io) if is_no_room(io) => Self::DiskFull(error),
            heed::Error::Io(_)
            | heed::Error::Mdb(_)
            | heed::Error::Encoding(_)
            | heed::Error::Decoding(_)
            | heed::Error::EnvAlreadyOpened => Self::Other(Fault::new("the store's engine", error)),
        }
    }
}

/// Whether the operating system says that there is no room. EIO is among it: LMDB reports a write
/// that came out short, which is how a disk fills up in the middle of one, as EIO.
pub(crate) fn is_no_room(error: &io::Error) -> bool {
    let full = [libc::ENOSPC, libc::EDQUOT, libc::EFBIG, libc::EIO];
    error.raw_os_error().is_some_and(|code| full.contains(&code))
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Other(fault)
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::MapFull => {
                Fault::no_room("writing to the store", "its map is full and may not grow")
            }
            Trouble::DiskFull(error) => Fault::no_room("writing to the store", error),

            Trouble::Broken(fault) | Trouble::Other(fault) => fault,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MapFull => f.write_str("the map is full"),
            Self::DiskFull(error) => write!(f, "{error}"),
            Self::Broken(fault) | Self::Other(fault) => write!(f, "{fault}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_finds_its_remedy() {
        let sorted = |code| Trouble::from(heed::Error::Io(io::Error::from_raw_os_error(code)));
        for code in [libc::ENOSPC, libc::EDQUOT, libc::EFBIG, libc::EIO] {
            assert!(matches!(sorted(code), Trouble::DiskFull(_)), "{code}");
            assert!(Fault::from(sorted(code)).is_no_room());
        }
        assert!(matches!(sorted(libc::EINVAL), Trouble::Other(_)));
        let of = |error| Trouble::from(heed::Error::Mdb(error));
        assert!(matches!(of(heed::MdbError::MapFull), Trouble::MapFull));
        assert!(matches!(of(heed::MdbError::Panic), Trouble::Broken(_)));
        assert!(matches!(of(heed::MdbError::Corrupted), Trouble::Other(_)));
        assert!(Fault::from(Trouble::MapFull).is_no_room());
    }
}
