//! The narrow boundary to the ordered key-value engine: read, write, get, range, last, entries,
//! put, append, delete, copy, reopen. Nothing outside knows LMDB.

use std::ops::Bound;
use std::path::{Path, PathBuf};

use base::{Fault, limits};
use heed::types::Bytes;
use heed::{
    AnyTls, CompactionOption, Database, Env, RoRange, RoRevRange, RoTxn, RwTxn, WithoutTls,
};
use parking_lot::{MappedRwLockReadGuard, Mutex, RwLock, RwLockReadGuard};

use super::opening;
use super::readers::{Slot, Slots};
use super::tables::{Layout, Table};
use super::trouble::Trouble;
use crate::StoreOptions;
use crate::lock::FolderLock;
use crate::open::OpenError;

pub(super) type Handle<'e> = Database<'e, Bytes, Bytes>;
/// A key and its value, in place in the map.
pub(crate) type Entry<'t> = (&'t [u8], &'t [u8]);

/// An environment that is open, with its tables.
pub(super) struct Opened {
    pub(super) env: Env<WithoutTls>,
    pub(super) tables: Vec<Handle<'static>>,
    pub(super) map_bytes: usize,
}

/// One environment: opened once, reopened larger when it must grow.
pub(crate) struct Engine {
    folder: PathBuf,
    layout: Layout,
    map_bytes_most: usize,
    /// Readers and the writer pass in shared; who reopens the map passes alone. Empty only when
    /// reopening failed.
    gate: RwLock<Option<Opened>>,
    slots: Slots,
    /// Held by a backup, which reads for as long as it copies: growth does not wait for it.
    copying: Mutex<()>,
    _lock: FolderLock,
}

/// How full an environment is.
pub(crate) struct Usage {
    pub(crate) bytes_used: u64,
    pub(crate) bytes_on_disk: u64,
    pub(crate) map_bytes: u64,
    pub(crate) readers: u32,
}

impl Engine {
    pub(crate) fn open(
        folder: &Path,
        layout: Layout,
        options: &StoreOptions,
    ) -> Result<Self, OpenError> {
        let (folder, lock) = opening::folder(folder)?;
        let opened = opening::environment(&folder, layout, options)?;
        let engine = Self {
            folder,
            layout,
            map_bytes_most: options.map_bytes_most,
            gate: RwLock::new(Some(opened)),
            slots: Slots::new(limits::READERS),
            copying: Mutex::new(()),
            _lock: lock,
        };
        opening::migrate(&engine, &engine.folder, layout)?;
        Ok(engine)
    }

    /// A short look at the latest engine transaction. Waits when all reader slots are taken.
    pub(crate) fn read(&self) -> Result<Reader<'_>, Fault> {
        let slot = self.slots.take();
        let opened = self.opened()?;
        let txn = opened.env.clone().static_read_txn().map_err(Trouble::from)?;
        Ok(Reader { txn, opened, _slot: slot })
    }

    /// Runs `work` in the one write transaction and commits it with a sync; an error aborts it. An
    /// environment that a failed commit left unusable is usable again when this returns.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let result = self.write_once(work);
        match &result {
            Ok(_) | Err(Trouble::MapFull) => {}
            Err(Trouble::DiskFull(_) | Trouble::Broken(_) | Trouble::Other(_)) => self.mend(),
        }
        result
    }

    /// As [`Engine::write`], again in a larger map or an environment opened anew where that helps.
    pub(crate) fn write_growing<T>(
        &self,
        work: impl Fn(&mut Writer<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Fault> {
        let mut was_broken = false;
        loop {
            match self.write(&work) {
                Ok(value) => return Ok(value),
                Err(Trouble::MapFull) if self.grow()? => {}
                Err(Trouble::Broken(_)) if !was_broken => was_broken = true,
                Err(trouble) => return Err(trouble.into()),
            }
        }
    }

    fn write_once<T>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let opened = self.opened()?;
        let mut writer = Writer { txn: opened.env.write_txn()?, tables: &opened.tables };
        let value = work(&mut writer)?;
        writer.txn.commit()?;
        Ok(value)
    }

    /// After a failed write of its last page LMDB refuses writers and readers until it is opened
    /// again.
    fn mend(&self) {
        let is_usable = self.opened().and_then(|opened| Ok(opened.env.read_txn().map(drop)?));
        if let Err(Trouble::Broken(fault)) = is_usable {
            tracing::warn!(%fault, "the store is opened again after a failed write");
            if let Err(fault) = self.reopen() {
                tracing::error!(%fault, "it could not be; the next write tries again");
            }
        }
    }

    /// Copies the environment, compacted, into the file `to`. Writes go on meanwhile.
    pub(crate) fn copy(&self, to: &Path) -> Result<(), Trouble> {
        let _copying = self.copying.lock();
        let opened = self.opened()?;
        let file = opened.env.copy_to_path(to, CompactionOption::Enabled)?;
        file.sync_all().map_err(heed::Error::Io)?;
        Ok(())
    }

    /// Doubles the map. `false` when the most is reached, the operating system refuses, or a backup
    /// runs: it reads from the old map.
    pub(crate) fn grow(&self) -> Result<bool, Fault> {
        let Some(_not_copying) = self.copying.try_lock() else {
            tracing::debug!("the map cannot grow while a backup runs");
            return Ok(false);
        };
        let before = self.opened()?.map_bytes;
        let wanted = before.saturating_mul(2).min(self.map_bytes_most);
        if wanted <= before {
            return Ok(false);
        }
        let after = self.reopen_at(wanted)?;
        tracing::info!(before, after, "the map of {} has grown", self.folder.display());
        Ok(after > before)
    }

    /// Closes the environment and opens it again, and syncs what an interrupted commit may have
    /// left.
    fn reopen(&self) -> Result<(), Fault> {
        let _not_copying = self.copying.lock();
        let map_bytes = self.gate.read().as_ref().map_or(limits::MAP_BYTES, |it| it.map_bytes);
        self.reopen_at(map_bytes)?;
        let opened = self.opened()?;
        Ok(opened.env.force_sync().map_err(Trouble::from)?)
    }

    fn reopen_at(&self, wanted: usize) -> Result<usize, Fault> {
        let mut gate = self.gate.write();
        let before = gate.take().map_or(wanted, |opened| opened.map_bytes);
        let opened = opening::again(&self.folder, self.layout, wanted).or_else(|error| {
            tracing::warn!(%error, wanted, "the map could not be opened at this size");
            opening::again(&self.folder, self.layout, before)
        })?;
        Ok(gate.insert(opened).map_bytes)
    }

    /// Whether four fifths of the map are used.
    pub(crate) fn is_nearly_full(&self) -> Result<bool, Fault> {
        let opened = self.opened()?;
        Ok(used(&opened.env) / 4 >= opened.map_bytes / 5)
    }

    pub(crate) fn usage(&self) -> Result<Usage, Fault> {
        let opened = self.opened()?;
        Ok(Usage {
            bytes_used: used(&opened.env) as u64,
            bytes_on_disk: opened.env.real_disk_size().map_err(Trouble::from)?,
            map_bytes: opened.map_bytes as u64,
            readers: self.slots.taken(),
        })
    }

    fn opened(&self) -> Result<MappedRwLockReadGuard<'_, Opened>, Trouble> {
        RwLockReadGuard::try_map(self.gate.read(), Option::as_ref).map_err(|_| {
            let what = "the store could not be opened again yet after a failed write";
            Trouble::Broken(Fault::because(what))
        })
    }
}

/// Bytes of the map that were ever used; what deletions freed among them is used again first.
pub(super) fn used(env: &Env<WithoutTls>) -> usize {
    let page_bytes = env.unnamed_database_stat().page_size as usize;
    (env.info().last_page_number + 1) * page_bytes
}

/// An open read transaction. Fields are dropped in this order: the transaction before its map.
pub(crate) struct Reader<'a> {
    txn: RoTxn<'static, WithoutTls>,
    opened: MappedRwLockReadGuard<'a, Opened>,
    _slot: Slot<'a>,
}

impl Reader<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View { txn: &self.txn, tables: &self.opened.tables }
    }
}

/// What is read, from a read transaction or from within the write transaction.
#[derive(Clone, Copy)]
pub(crate) struct View<'t> {
    txn: &'t RoTxn<'t, AnyTls>,
    tables: &'t [Handle<'static>],
}

impl<'t> View<'t> {
    pub(crate) fn get(self, table: Table, key: &[u8]) -> Result<Option<&'t [u8]>, Fault> {
        Ok(handle(self.tables, table)?.get(self.txn, key).map_err(Trouble::from)?)
    }

    /// The entries from `from` to `to`, both included, in the order of keys.
    pub(crate) fn range(self, table: Table, from: &[u8], to: &[u8]) -> Result<Rows<'t>, Fault> {
        let bounds = (Bound::Included(from), Bound::Included(to));
        let range = handle(self.tables, table)?.range(self.txn, &bounds);
        Ok(Rows::Forward(range.map_err(Trouble::from)?))
    }

    /// As [`View::range`], backwards.
    pub(crate) fn range_back(
        self,
        table: Table,
        from: &[u8],
        to: &[u8],
    ) -> Result<Rows<'t>, Fault> {
        let bounds = (Bound::Included(from), Bound::Included(to));
        let range = handle(self.tables, table)?.rev_range(self.txn, &bounds);
        Ok(Rows::Back(range.map_err(Trouble::from)?))
    }

    /// All entries of a table.
    pub(crate) fn all(self, table: Table) -> Result<Rows<'t>, Fault> {
        let all: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);
        let range = handle(self.tables, table)?.range(self.txn, &all);
        Ok(Rows::Forward(range.map_err(Trouble::from)?))
    }

    pub(crate) fn last(self, table: Table) -> Result<Option<Entry<'t>>, Fault> {
        Ok(handle(self.tables, table)?.last(self.txn).map_err(Trouble::from)?)
    }

    /// How many entries a table has.
    pub(crate) fn entries(self, table: Table) -> Result<u64, Fault> {
        Ok(handle(self.tables, table)?.len(self.txn).map_err(Trouble::from)?)
    }
}

/// The entries of a range.
pub(crate) enum Rows<'t> {
    Forward(RoRange<'t, Bytes, Bytes>),
    Back(RoRevRange<'t, Bytes, Bytes>),
}

impl<'t> Iterator for Rows<'t> {
    type Item = Result<Entry<'t>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = match self {
            Self::Forward(range) => range.next(),
            Self::Back(range) => range.next(),
        };
        entry.map(|entry| entry.map_err(|error| Trouble::from(error).into()))
    }
}

/// The write transaction.
pub(crate) struct Writer<'w> {
    txn: RwTxn<'w>,
    tables: &'w [Handle<'static>],
}

impl Writer<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View { txn: &self.txn, tables: self.tables }
    }

    pub(crate) fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), Trouble> {
        Ok(handle(self.tables, table)?.put(&mut self.txn, key, value)?)
    }

    /// Puts an entry behind all others of its table: pages are then filled to the end, not to the
    /// half.
    pub(crate) fn append(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), Trouble> {
        let flags = heed::PutFlags::APPEND;
        Ok(handle(self.tables, table)?.put_with_flags(&mut self.txn, flags, key, value)?)
    }

    pub(crate) fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool, Trouble> {
        Ok(handle(self.tables, table)?.delete(&mut self.txn, key)?)
    }
}

fn handle(tables: &[Handle<'static>], table: Table) -> Result<Handle<'static>, Fault> {
    tables.get(table.0).copied().ok_or_else(|| Fault::because("a table of another environment"))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::embedded::tables::{CONTROL, ENTRIES};

    fn engine() -> (tempfile::TempDir, Engine) {
        let folder = tempfile::tempdir().unwrap();
        let options =
            StoreOptions { map_bytes: 1 << 20, map_bytes_most: 8 << 20, ..Default::default() };
        let engine = Engine::open(folder.path(), CONTROL, &options).unwrap();
        (folder, engine)
    }

    fn value(engine: &Engine) -> Option<Vec<u8>> {
        engine.read().unwrap().view().get(ENTRIES, b"key").unwrap().map(<[u8]>::to_vec)
    }

    #[test]
    fn it_is_opened_again_under_readers_and_keeps_its_data_and_size() {
        let (_folder, engine) = engine();
        engine.write(|writer| writer.put(ENTRIES, b"key", b"value")).unwrap();
        assert!(engine.grow().unwrap());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..2_000).for_each(|_| assert!(value(&engine).is_some())));
            }
            (0..50).for_each(|_| engine.reopen().unwrap());
        });
        assert_eq!(value(&engine).as_deref(), Some(&b"value"[..]));
        assert_eq!(engine.usage().unwrap().map_bytes, 2 << 20);
    }

    #[test]
    fn what_could_not_be_opened_again_is_once_more_at_the_next_write() {
        let (_folder, engine) = engine();
        engine.write(|writer| writer.put(ENTRIES, b"key", b"value")).unwrap();
        *engine.gate.write() = None;
        assert!(engine.read().is_err());
        let put = |value| engine.write(|writer| writer.put(ENTRIES, b"key", value));
        assert!(matches!(put(b"refused"), Err(Trouble::Broken(_))));
        assert_eq!(value(&engine).as_deref(), Some(&b"value"[..]));
        put(b"next").unwrap();
        assert_eq!(value(&engine).as_deref(), Some(&b"next"[..]));
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let (_folder, engine) = engine();
        let failed = engine.write(|writer| {
            writer.put(ENTRIES, b"key", b"value")?;
            Err::<(), _>(Fault::because("a failure in the middle").into())
        });
        assert!(matches!(failed, Err(Trouble::Other(_))));
        assert_eq!(value(&engine), None);
    }

    #[test]
    fn a_map_does_not_grow_past_its_most_nor_under_a_backup() {
        let (_folder, engine) = engine();
        {
            let _copying = engine.copying.lock();
            assert!(!engine.grow().unwrap());
        }
        let sizes = [2_u64, 4, 8].map(|size| size << 20);
        for size in sizes {
            assert!(engine.grow().unwrap());
            assert_eq!(engine.usage().unwrap().map_bytes, size);
        }
        assert!(!engine.grow().unwrap());
    }
}
