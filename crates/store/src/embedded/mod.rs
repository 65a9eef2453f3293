//! The embedded store: one LMDB environment per FHIR service.

mod apply;
mod backup;
mod bodies;
mod changes;
mod check;
mod decide;
mod dictionaries;
pub(crate) mod engine;
mod guard;
mod history;
mod index;
mod migrate;
mod open;
mod opening;
mod packages;
mod postings;
mod read;
mod readers;
mod scan;
mod search;
mod snapshot;
pub(crate) mod tables;
mod tail;
pub(crate) mod trouble;
mod versions;
mod walk;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::Fault;
use parking_lot::RwLock;
use roaring::RoaringTreemap;

use self::bodies::Bodies;
use self::changes::Changes;
use self::dictionaries::Training;
use self::engine::{Engine, Reader};
use self::read::Head;
use self::tail::{Runs, Tail};
use self::write::Writing;
use crate::commit::{Commit, Committed, Rejected};
use crate::key::{self, SnapshotNumber, TypeId};
use crate::open::{OpenError, OpenFailure, StoreOptions};
use crate::version::{Row, Version};

pub use self::backup::restore;
pub use self::index::{Indexed, ParameterState};
pub use self::search::{SearchError, Step};
pub use self::snapshot::Snapshot;

pub(crate) use self::backup::backup;
pub(crate) use self::dictionaries::Dictionaries;

/// One FHIR service's data. Clones share it; dropping the last one closes it.
///
/// Reads are synchronous and short, and never wait for the writer; commits are awaited.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    writing: Arc<Writing>,
    training: Arc<Training>,
}

/// What readers and the writer share.
struct Shared {
    engine: Engine,
    /// The latest commit that may be read. Set after its sync.
    published: RwLock<Head>,
    /// Every superseded rid has its bit here; a bit may be set too early, never too late. What a
    /// reader sees is decided by the table in its own transaction.
    superseded: RwLock<RoaringTreemap>,
    tail: Tail,
    bodies: Bodies,
    dictionaries: Dictionaries,
    changes: Changes,
    package_changes: AtomicU64,
    groups: AtomicU64,
    guid: [u8; 16],
    gathered_most: u64,
}

/// How full and how busy a store is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Statistics {
    /// Bytes of the file that are or were in use; what deletions freed is used again first.
    pub bytes_used: u64,
    /// Bytes of the file.
    pub bytes_on_disk: u64,
    /// Bytes of address space reserved for the file.
    pub map_bytes: u64,
    /// Read transactions open now.
    pub readers: u32,
    /// Commits since the store was made.
    pub commits: u64,
    /// Synchronous writes since the store was opened; each carries one commit or more.
    pub groups: u64,
    /// Stored versions.
    pub versions: u64,
    /// Dictionaries that bodies are compressed with.
    pub dictionaries: u64,
}

impl Store {
    /// Opens the store in the folder `path`, or makes it there, and starts its writer. The folder
    /// stays locked until the store and its snapshots are dropped.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        let fail = |why| OpenError { path: path.to_owned(), why };
        let engine = Engine::open(path, tables::SERVICE, &options)?;
        let shared = Shared::load(engine, &options);
        let shared = shared
            .map_err(|fault| fail(OpenFailure::Unreadable(fault.to_string())))
            .map(Arc::new)?;
        let starting = |source| fail(OpenFailure::Io { doing: "starting a thread", source });
        let writing = Writing::start(Arc::clone(&shared), options.clock).map_err(starting)?;
        let training = Training::start(Arc::clone(&shared), options.sampler).map_err(starting)?;
        Ok(Self { shared, writing: Arc::new(writing), training: Arc::new(training) })
    }

    /// The store's own random number, made when the store was.
    #[must_use]
    pub fn guid(&self) -> [u8; 16] {
        self.shared.guid
    }

    /// The latest commit. Cheap; holds no transaction.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(Arc::clone(&self.shared), *self.shared.published.read())
    }

    /// An earlier commit; `None` when there is none of that number yet.
    ///
    /// # Errors
    /// A [`Fault`] when the file cannot be read.
    pub fn snapshot_at(&self, number: SnapshotNumber) -> Result<Option<Snapshot>, Fault> {
        if number.0 > self.shared.published.read().number {
            return Ok(None);
        }
        let reader = self.shared.engine.read()?;
        let head = read::head_at(reader.view(), number.0)?;
        Ok(Some(Snapshot::new(Arc::clone(&self.shared), head)))
    }

    /// Has the writer decide and store `commit`, and waits until it is on the disk. A future that
    /// is dropped does not take the commit back.
    ///
    /// # Errors
    /// [`Rejected`]: nothing of the commit is stored.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, Rejected> {
        self.writing.queue(commit)?.await.map_err(|_| Rejected::Closed)?
    }

    /// The last commit since the store was opened that wrote or removed a resource of one of these
    /// types; 0 when there was none. A commit that a snapshot sees is never missing here.
    #[must_use]
    pub fn last_change(&self, types: &[TypeId]) -> SnapshotNumber {
        self.shared.changes.last(types)
    }

    /// Copies the store, as of now and compacted, into the new or empty folder `to`, and syncs it.
    /// Blocking. Writes go on meanwhile.
    ///
    /// # Errors
    /// A [`Fault`] when `to` is not empty or cannot be written.
    pub fn backup(&self, to: &Path) -> Result<(), Fault> {
        backup(&self.shared.engine, to)
    }

    /// How full and how busy the store is.
    ///
    /// # Errors
    /// A [`Fault`] when the file cannot be read.
    pub fn statistics(&self) -> Result<Statistics, Fault> {
        let usage = self.shared.engine.usage()?;
        let reader = self.shared.engine.read()?;
        Ok(Statistics {
            bytes_used: usage.bytes_used,
            bytes_on_disk: usage.bytes_on_disk,
            map_bytes: usage.map_bytes,
            readers: usage.readers,
            commits: self.shared.published.read().number,
            groups: self.shared.groups.load(Ordering::Relaxed),
            versions: reader.view().entries(tables::VERSION)?,
            dictionaries: self.shared.dictionaries.count() as u64,
        })
    }

    /// Compares all tables with each other and reads every body. Each line is one contradiction;
    /// none means that the store is sound. Blocking, and holds one reader throughout.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        check::check(&self.shared)
    }

    /// Stops taking commits, finishes those that are queued, and waits for that.
    pub fn close(&self) {
        self.writing.close();
        self.training.close();
    }
}

impl Shared {
    /// The version of a row, its body from among those read lately.
    fn body_of(&self, row: &Row<'_>) -> Result<Version, Fault> {
        self.bodies.version(row, &self.dictionaries)
    }

    /// A look at the engine, and all index rows that its table does not have. Take a snapshot's
    /// number before: the rows of what is published later may be missing.
    fn read_index(&self) -> Result<(Reader<'_>, Runs), Fault> {
        loop {
            let (reader, runs) = (self.engine.read()?, self.tail.runs());
            // What was written into the table in between is in neither: look again.
            let indexed = tail::indexed(reader.view())?;
            if runs.after <= indexed {
                // The other way round, the table has rows that the runs still have: nothing else
                // is written before they are told.
                return Ok((reader, runs.beside(indexed)));
            }
        }
    }

    fn load(engine: Engine, options: &StoreOptions) -> Result<Self, Fault> {
        let reader = engine.read()?;
        let view = reader.view();
        let head = read::latest(view)?;
        let guid = view.get(tables::META, tables::META_GUID)?;
        let guid = guid.and_then(|bytes| bytes.try_into().ok());
        let guid = guid.ok_or_else(|| Fault::because("the store has no GUID"))?;
        let mut superseded = RoaringTreemap::new();
        for entry in view.all(tables::SUPERSEDED)? {
            let rid = key::read_u64(entry?.0);
            superseded.insert(rid.ok_or_else(|| read::broken("superseded"))?);
        }
        let tail = Tail::load(view, options.tail_rows)?;
        let dictionaries = Dictionaries::load(view)?;
        drop(reader);
        Ok(Self {
            engine,
            published: RwLock::new(head),
            superseded: RwLock::new(superseded),
            tail,
            bodies: Bodies::new(),
            dictionaries,
            changes: Changes::default(),
            package_changes: AtomicU64::new(0),
            groups: AtomicU64::new(0),
            guid,
            gathered_most: options.gathered_most,
        })
    }
}
