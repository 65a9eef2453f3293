//! The only file with `unsafe`: opening an environment's memory map, and asking what disk it is on.
//!
//! A map is resized by closing the environment and opening it larger, never in place: where the
//! address space is refused, the old size can then be opened again.

use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use base::limits::READERS;
use heed::{Env, EnvOpenOptions, WithoutTls};

/// Reader slots beyond the bounded pool: a backup's, and those of opening.
const READERS_BESIDE: u32 = 8;
/// LMDB's table of readers: a head of 128 bytes, and a line of the cache for each slot.
const LOCK_FILE: &str = "lock.mdb";
const LOCK_FILE_BYTES: usize = 128 + 64 * (READERS + READERS_BESIDE) as usize;
/// A few more tables than any environment has. Each transaction, a read's too, clears room for so
/// many.
pub(super) const TABLES_MOST: u32 = 18;

/// Opens the environment in `folder`: synchronous, without thread-local readers, slots of dead
/// processes cleared.
#[expect(unsafe_code, reason = "LMDB maps the file into memory")]
pub(super) fn environment(folder: &Path, map_bytes: usize) -> heed::Result<Env<WithoutTls>> {
    reserve_lock_file(&folder.join(LOCK_FILE))?;
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(map_bytes).max_readers(READERS + READERS_BESIDE).max_dbs(TABLES_MOST);
    // SAFETY: the map is sound while nothing else writes or truncates the file. The caller holds
    // the folder's exclusive lock, network file systems are refused before, no unsafe flag (NOSYNC,
    // NOLOCK, WRITEMAP) is set, and heed refuses a second opening within this process.
    let environment = unsafe { options.open(folder) }?;
    environment.clear_stale_readers()?;
    Ok(environment)
}

/// Takes the room of the table of readers from the disk before it is mapped. LMDB only makes it
/// long, and where the disk has no room for a page of it, writing there kills the process.
fn reserve_lock_file(path: &Path) -> io::Result<()> {
    let holds = |file: &fs::Metadata| {
        let held = file.blocks().saturating_mul(512);
        file.len() >= LOCK_FILE_BYTES as u64 && held >= file.len()
    };
    if fs::metadata(path).is_ok_and(|file| holds(&file)) {
        return Ok(());
    }
    // Nobody has it open: the caller holds the folder. What it says is of readers that are gone.
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&vec![0; LOCK_FILE_BYTES])
}

/// The name of the network file system that `folder` is on; `None` on a local disk.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library has no statfs")]
pub(super) fn network_file_system(folder: &Path) -> io::Result<Option<&'static str>> {
    let path = CString::new(folder.as_os_str().as_bytes())?;
    let mut answer = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `path` ends in a zero byte and outlives the call; `answer` is a statfs to write to.
    let result = unsafe { libc::statfs(path.as_ptr(), answer.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all zeros is a statfs, and the call that succeeded has filled it in.
    let answer = unsafe { answer.assume_init() };
    Ok(network_name(i128::from(answer.f_type)))
}

/// Only Linux tells file systems apart by a number that is the same everywhere.
#[cfg(not(target_os = "linux"))]
pub(super) fn network_file_system(_folder: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// The magic numbers of statfs(2), 32 bits each; some kernels widen them with their sign.
fn network_name(magic: i128) -> Option<&'static str> {
    match magic & 0xffff_ffff {
        0x6969 => Some("nfs"),
        0x517b => Some("smb"),
        0xff53_4d42 => Some("cifs"),
        0xfe53_4d42 => Some("smb2"),
        0x0102_1997 => Some("9p"),
        0x00c3_6400 => Some("ceph"),
        0x5346_414f => Some("afs"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_number() {
        for (magic, name) in [
            (0x6969, Some("nfs")),
            (0xff53_4d42, Some("cifs")),
            (i128::from(0xff53_4d42_u32.cast_signed()), Some("cifs")),
            (0xfe53_4d42, Some("smb2")),
            (0x0102_1997, Some("9p")),
            (0xef53, None),      // ext4
            (0x0102_1994, None), // tmpfs
            (0x794c_7630, None), // overlay
        ] {
            assert_eq!(network_name(magic), name, "{magic:#x}");
        }
    }

    #[test]
    fn the_table_of_readers_has_its_room_on_the_disk_before_it_is_mapped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK_FILE);
        let open = || {
            drop(environment(folder.path(), 1 << 20).unwrap());
            let file = fs::metadata(&path).unwrap();
            assert_eq!(file.len(), LOCK_FILE_BYTES as u64, "LMDB made it longer");
            assert!(file.blocks() * 512 >= file.len(), "{} blocks", file.blocks());
        };
        open();
        fs::File::create(&path).unwrap().set_len(LOCK_FILE_BYTES as u64).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().blocks(), 0, "the file system has no holes");
        open();
        open();
    }

    #[test]
    fn the_temporary_folder_is_local_and_a_missing_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(network_file_system(folder.path()).unwrap(), None);
        assert!(network_file_system(&folder.path().join("missing")).is_err());
    }
}
