//! The exclusive lock on a folder: one server process per data folder, one opening per environment.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// The file that is locked; it also tells who holds the lock.
const FILE: &str = "lock";

/// A held lock. Dropping it, or the end of the process, gives it back.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Why a folder could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process, or another part of this one, holds it.
    Held {
        /// Its process id, as far as the lock file tells.
        pid: Option<u32>,
    },
    /// The lock file could not be opened.
    Io(io::Error),
}

impl FolderLock {
    /// Locks `folder`, which must exist.
    ///
    /// # Errors
    /// [`LockError`]: it is held, or cannot be locked at all.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(folder.join(FILE)).map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { pid: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        if let Err(error) = sign(&mut file) {
            // The lock holds without a name in it, and a full disk must not keep the store closed.
            tracing::debug!(%error, "the lock file does not tell who holds it");
        }
        Ok(Self { _file: file })
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { pid: Some(pid) } => write!(f, "process {pid} is using it"),
            Self::Held { pid: None } => f.write_str("another process is using it"),
            Self::Io(error) => write!(f, "its lock file cannot be used: {error}"),
        }
    }
}

impl std::error::Error for LockError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once_and_tells_by_whom() {
        let folder = tempfile::tempdir().unwrap();
        let held = FolderLock::take(folder.path()).unwrap();
        let pid = std::process::id();
        let second = FolderLock::take(folder.path());
        assert!(matches!(second, Err(LockError::Held { pid: Some(it) }) if it == pid));
        drop(held);
        FolderLock::take(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_io_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = FolderLock::take(&folder.path().join("missing"));
        assert!(matches!(missing, Err(LockError::Io(_))));
    }
}
