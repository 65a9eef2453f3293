//! Backup into a new folder while writes go on, and restoring from one.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base::Fault;

use super::engine::Engine;
use super::opening::{DATA_FILE, make_folder, sync_folder};
use super::tables::CONTROL;
use super::trouble::{Trouble, is_no_room};
use crate::Store;
use crate::lock::{FolderLock, LockError};
use crate::open::{OpenError, OpenFailure, StoreOptions};

/// The copy's name until it is whole and synced: a folder without [`DATA_FILE`] is no backup.
const UNFINISHED: &str = "data.mdb.unfinished";

pub(crate) fn backup(engine: &Engine, to: &Path) -> Result<(), Fault> {
    let fault = |error: io::Error| {
        let doing = format!("backing up to {}", to.display());
        if is_no_room(&error) { Fault::no_room(doing, error) } else { Fault::new(doing, error) }
    };
    make_folder(to).map_err(fault)?;
    if !is_empty(to).map_err(fault)? {
        return Err(Fault::because(format!("{}: a backup needs an empty folder", to.display())));
    }
    let unfinished = to.join(UNFINISHED);
    engine.copy(&unfinished).map_err(|trouble: Trouble| {
        // What there is of it may be removed or not: it does not pass for a backup.
        let _ = fs::remove_file(&unfinished);
        Fault::from(trouble)
    })?;
    finish(to).map_err(fault)
}

/// Copies a backup of one environment, of a service or of the control plane, into the new or empty
/// folder `to`, and checks the copy: all tables of a service against each other.
///
/// # Errors
/// [`OpenError`]; `to` is then left without a store.
pub fn restore(from: &Path, to: &Path) -> Result<(), OpenError> {
    let fail = |path: &Path, why| OpenError { path: path.to_owned(), why };
    let io = |doing| {
        move |source| OpenError { path: to.to_owned(), why: OpenFailure::Io { doing, source } }
    };
    let source = from.join(DATA_FILE);
    if !source.is_file() {
        let why = format!("it has no {DATA_FILE}");
        return Err(fail(from, OpenFailure::NotAStore(why)));
    }
    if let Err(LockError::Held { pid }) = lock_if_used(from) {
        return Err(fail(from, OpenFailure::Held { pid }));
    }
    make_folder(to).map_err(io("making the folder"))?;
    if !is_empty(to).map_err(io("reading the folder"))? {
        return Err(fail(to, OpenFailure::NotEmpty));
    }
    let copied = copy_synced(&source, &to.join(UNFINISHED)).and_then(|()| finish(to));
    copied.map_err(io("copying the backup"))?;
    verify(to).map_err(|error| {
        let _ = fs::remove_file(to.join(DATA_FILE));
        fail(from, error.why)
    })
}

/// A folder with a lock file was a live environment once; copying one that is open tears it.
fn lock_if_used(from: &Path) -> Result<(), LockError> {
    if from.join("lock").exists() { FolderLock::take(from).map(drop) } else { Ok(()) }
}

fn verify(folder: &Path) -> Result<(), OpenError> {
    let fail = |why| OpenError { path: folder.to_owned(), why };
    match Store::open(folder, StoreOptions::default()) {
        Ok(store) => match store.check().first() {
            Some(first) => Err(fail(OpenFailure::Unreadable(first.clone()))),
            None => Ok(()),
        },
        Err(OpenError { why: OpenFailure::OtherKind { .. }, .. }) => {
            Engine::open(folder, CONTROL, &StoreOptions::default()).map(drop)
        }
        Err(error) => Err(error),
    }
}

fn copy_synced(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    fs::OpenOptions::new().write(true).open(to)?.sync_all()
}

/// Gives the synced copy its name, durably. It holds what the store holds: nobody else may read it,
/// wherever it is moved.
fn finish(folder: &Path) -> io::Result<()> {
    let unfinished = folder.join(UNFINISHED);
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o600))?;
    fs::rename(unfinished, folder.join(DATA_FILE))?;
    sync_folder(folder)
}

fn is_empty(folder: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(folder)?.next().is_none())
}
