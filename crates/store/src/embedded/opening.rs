//! What is checked before a folder is trusted: its disk, its lock, its file, its format.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::{Fault, ids};
use heed::types::Bytes;
use heed::{CommitOrAbort, CommitToken, Env, OnCommit, RoTxn, RwTxn, WithoutTls};

use super::engine::{Engine, Handle, Opened, used};
use super::migrate;
use super::open;
use super::tables::{Layout, META, META_FORMAT, META_GUID, META_KIND};
use super::trouble::Trouble;
use crate::StoreOptions;
use crate::lock::{FolderLock, LockError};
use crate::open::{OpenError, OpenFailure};

/// LMDB's name for its data file.
pub(super) const DATA_FILE: &str = "data.mdb";

/// Makes the folder where it is missing, refuses it on a network file system, and locks it.
pub(super) fn folder(path: &Path) -> Result<(PathBuf, FolderLock), OpenError> {
    let fail = |why| OpenError { path: path.to_owned(), why };
    let io = |doing| move |source| fail(OpenFailure::Io { doing, source });
    make_folder(path).map_err(io("making the folder"))?;
    let path = path.canonicalize().map_err(io("finding the folder"))?;
    let network = open::network_file_system(&path).map_err(io("asking for the file system"))?;
    if let Some(name) = network {
        return Err(fail(OpenFailure::NetworkFileSystem(name)));
    }
    let lock = FolderLock::take(&path).map_err(|error| match error {
        LockError::Held { pid } => fail(OpenFailure::Held { pid }),
        LockError::Io(source) => fail(OpenFailure::Io { doing: "locking the folder", source }),
    })?;
    Ok((path, lock))
}

/// Makes a folder and its parents, each synced into the one above it.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    make_folder(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => sync_folder(parent),
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Opens the environment in a locked folder, making its tables when it is new.
pub(super) fn environment(
    folder: &Path,
    layout: Layout,
    options: &StoreOptions,
) -> Result<Opened, OpenError> {
    let fail = |why| OpenError { path: folder.to_owned(), why };
    let file = folder.join(DATA_FILE);
    let is_new = !file.exists();
    let opened = begun(folder, layout, options);
    if opened.is_err() && is_new {
        // Half of a new file, for which the disk had no room, would be refused from now on.
        let _stays = fs::remove_file(&file);
    }
    let synced = |source| fail(OpenFailure::Io { doing: "syncing the folder", source });
    sync_folder(folder).map_err(synced)?;
    opened.map_err(fail)
}

fn begun(folder: &Path, layout: Layout, options: &StoreOptions) -> Result<Opened, OpenFailure> {
    let env = open::environment(folder, options.map_bytes).map_err(failed)?;
    match identify(&env, layout)? {
        Found::Nothing => create(&env, layout, &ids::guid(&*options.random).into_bytes())?,
        Found::Format(format) if format < layout.format => add_tables(&env, layout)?,
        Found::Format(_) => {}
    }
    let map_bytes = env.info().map_size;
    Ok(Opened { tables: open_tables(&env, layout)?, map_bytes, env })
}

/// Opens an environment that was identified before.
pub(super) fn again(folder: &Path, layout: Layout, map_bytes: usize) -> Result<Opened, Fault> {
    let env = open::environment(folder, map_bytes).map_err(Trouble::from)?;
    let tables = open_tables(&env, layout).map_err(|why| Fault::because(why.to_string()))?;
    Ok(Opened { map_bytes: env.info().map_size, tables, env })
}

/// Brings the environment to the newest format, one migration after the other.
pub(super) fn migrate(engine: &Engine, folder: &Path, layout: Layout) -> Result<(), OpenError> {
    migrate::run(engine, layout).map_err(|(to, trouble)| {
        let why = OpenFailure::Migration { to, fault: trouble.into() };
        OpenError { path: folder.to_owned(), why }
    })
}

enum Found {
    Nothing,
    Format(u32),
}

fn identify(env: &Env<WithoutTls>, layout: Layout) -> Result<Found, OpenFailure> {
    let length = env.real_disk_size().map_err(failed)?;
    if length < used(env) as u64 {
        // Reading past the end of the file would kill the process.
        let why = format!("its file has {length} bytes of {}", used(env));
        return Err(OpenFailure::Unreadable(why));
    }
    if env.unnamed_database_stat().entries == 0 {
        return Ok(Found::Nothing);
    }
    let txn = env.read_txn().map_err(failed)?;
    let meta = opened_tables(env, txn, &["meta"])?;
    let Some(meta) = meta.first() else {
        return Err(OpenFailure::NotAStore("an LMDB file without Firekeep's tables".to_owned()));
    };
    let txn = env.read_txn().map_err(failed)?;
    let value = |key| meta.get(&txn, key).map_err(failed);
    let (format, kind) = (value(META_FORMAT)?, value(META_KIND)?);
    let format = format.and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let (Some(format), Some(kind)) = (format, kind) else {
        return Err(OpenFailure::NotAStore("it has no format number".to_owned()));
    };
    if kind != layout.kind.as_bytes() {
        let found = String::from_utf8_lossy(kind).into_owned();
        return Err(OpenFailure::OtherKind { found, expected: layout.kind });
    }
    if format > layout.format {
        return Err(OpenFailure::Newer { found: format, known: layout.format });
    }
    Ok(Found::Format(format))
}

/// Makes all tables and the rows of `meta` in one transaction: a crash leaves all or nothing.
fn create(env: &Env<WithoutTls>, layout: Layout, guid: &[u8; 16]) -> Result<(), OpenFailure> {
    with_new_tables(env, layout, |tables, txn| {
        let meta = tables.get(META.0).ok_or(heed::Error::Mdb(heed::MdbError::BadDbi))?;
        meta.put(txn, META_FORMAT, &layout.format.to_be_bytes())?;
        meta.put(txn, META_KIND, layout.kind.as_bytes())?;
        meta.put(txn, META_GUID, guid)
    })
}

/// Makes the tables that an older format lacks; the migrations fill them.
fn add_tables(env: &Env<WithoutTls>, layout: Layout) -> Result<(), OpenFailure> {
    with_new_tables(env, layout, |_, _| Ok(()))
}

fn with_new_tables(
    env: &Env<WithoutTls>,
    layout: Layout,
    fill: impl FnOnce(&[Handle<'_>], &mut RwTxn<'_>) -> heed::Result<()>,
) -> Result<(), OpenFailure> {
    let txn = env.write_txn().map_err(failed)?;
    let made = env.create_databases_and_commit(txn, |opener, txn| {
        let make = |name: &&str| opener.create_database::<Bytes, Bytes>(txn, Some(name));
        let tables = layout.tables.iter().map(make).collect::<heed::Result<Vec<_>>>()?;
        fill(&tables, txn)?;
        Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(Handles(tables)))
    });
    made.map(|_| ()).map_err(failed)
}

fn open_tables(env: &Env<WithoutTls>, layout: Layout) -> Result<Vec<Handle<'static>>, OpenFailure> {
    let txn = env.read_txn().map_err(failed)?;
    let tables = opened_tables(env, txn, layout.tables)?;
    if tables.len() < layout.tables.len() {
        return Err(OpenFailure::Unreadable("a table is missing".to_owned()));
    }
    Ok(tables)
}

/// Opens those of the named tables that exist.
fn opened_tables<'e>(
    env: &'e Env<WithoutTls>,
    txn: RoTxn<'e, WithoutTls>,
    names: &[&str],
) -> Result<Vec<Handle<'static>>, OpenFailure> {
    let opened = env.open_databases_and_commit(txn, |opener, txn| {
        let open = |name: &&str| {
            let mut options = opener.database_options().types::<Bytes, Bytes>();
            options.name(name).open(txn).transpose()
        };
        let tables = names.iter().filter_map(open).collect::<heed::Result<Vec<_>>>()?;
        Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(Handles(tables)))
    });
    let opened = opened.map_err(failed)?;
    Ok(opened.commit().unwrap_or_default())
}

struct Handles<'e>(Vec<Handle<'e>>);

impl OnCommit for Handles<'_> {
    type Committed = Vec<Handle<'static>>;

    fn on_commit(self, token: &CommitToken) -> Self::Committed {
        self.0.into_iter().map(|table| table.on_commit(token)).collect()
    }
}

/// The name of what LMDB said while opening.
fn failed(error: heed::Error) -> OpenFailure {
    use heed::MdbError::{Corrupted, Incompatible, Invalid, PageNotFound, VersionMismatch};
    match error {
        heed::Error::Io(source) => OpenFailure::Io { doing: "opening the file", source },
        heed::Error::EnvAlreadyOpened => OpenFailure::Held { pid: Some(std::process::id()) },
        heed::Error::Mdb(Invalid | VersionMismatch | Incompatible) => {
            OpenFailure::NotAStore(error.to_string())
        }
        heed::Error::Mdb(Corrupted | PageNotFound) => OpenFailure::Unreadable(error.to_string()),
        heed::Error::Mdb(_) | heed::Error::Encoding(_) | heed::Error::Decoding(_) => {
            OpenFailure::Unreadable(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::embedded::tables::SERVICE;

    /// Makes an environment and changes its `meta`.
    fn with_meta(layout: Layout, key: &[u8], value: Option<&[u8]>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::open(folder.path(), layout, &StoreOptions::default()).unwrap();
        let change = engine.write(|writer| match value {
            Some(value) => writer.put(META, key, value),
            None => writer.delete(META, key).map(drop),
        });
        change.unwrap();
        folder
    }

    fn failure(folder: &Path) -> OpenError {
        Store::open(folder, StoreOptions::default()).err().unwrap()
    }

    #[test]
    fn a_newer_store_is_refused_with_both_versions() {
        let folder = with_meta(SERVICE, META_FORMAT, Some(&9_u32.to_be_bytes()));
        let error = failure(folder.path());
        assert!(matches!(error.why, OpenFailure::Newer { found: 9, known: 8 }));
        let text = error.to_string();
        assert!(text.contains("format 9") && text.contains("up to 8"), "{text}");
    }

    #[test]
    fn an_lmdb_file_of_another_program_is_refused_and_left_alone() {
        let foreign = Layout { tables: &["theirs"], ..SERVICE };
        let folder = tempfile::tempdir().unwrap();
        let env = open::environment(folder.path(), 1 << 20).unwrap();
        with_new_tables(&env, foreign, |_, _| Ok(())).unwrap();
        drop(env);
        let before = fs::read(folder.path().join(DATA_FILE)).unwrap();
        assert!(matches!(failure(folder.path()).why, OpenFailure::NotAStore(_)));
        assert_eq!(fs::read(folder.path().join(DATA_FILE)).unwrap(), before);
    }

    #[test]
    fn a_store_without_a_format_number_is_none() {
        let folder = with_meta(SERVICE, META_FORMAT, None);
        assert!(matches!(failure(folder.path()).why, OpenFailure::NotAStore(_)));
    }

    #[test]
    fn a_store_that_lacks_a_table_is_damaged() {
        let fewer = Layout { tables: &["meta", "version"], ..SERVICE };
        let folder = with_meta(fewer, b"unknown", Some(b"row"));
        assert!(matches!(failure(folder.path()).why, OpenFailure::Unreadable(_)));
    }
}
