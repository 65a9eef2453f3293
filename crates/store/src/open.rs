//! How a store is opened, and by what name opening fails.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use base::limits::{MAP_BYTES, MAP_BYTES_MOST, TAIL_ROWS};
use base::{Clock, Fault, Random, SystemClock, SystemRandom};

use crate::embedded::trouble::is_no_room;
use crate::key::Key;

/// What a store is opened with.
#[derive(Clone)]
pub struct StoreOptions {
    /// Where `last_updated` comes from.
    pub clock: Arc<dyn Clock>,
    /// Where the service's GUID comes from.
    pub random: Arc<dyn Random>,
    /// Bytes of address space reserved at first, a multiple of the page size.
    pub map_bytes: usize,
    /// Bytes up to which the map may grow by doubling; past it there is no room.
    pub map_bytes_most: usize,
    /// Up to so many matches a sort gathers; more are met by walking the index in its order.
    pub gathered_most: u64,
    /// Index rows that gather in memory before they go into their table.
    pub tail_rows: usize,
    /// What of bodies may stand in dictionaries; none are made without it.
    pub sampler: Option<Sampler>,
}

/// Makes of bodies of one type what a dictionary may be made of. What it gives may stay in the
/// store longer than any of the bodies.
pub type Sampler = fn(&[Sample]) -> Vec<Vec<u8>>;

/// A body that a dictionary may be made of; no other is of the same resource.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The resource.
    pub key: Key,
    /// The compartments it is in.
    pub compartments: Vec<Key>,
    /// As given to [`crate::Content::compress`].
    pub body: Vec<u8>,
}

/// Where walking begins to be cheaper on Synthea's data, a page being twenty.
const GATHERED_MOST: u64 = 4_000;

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            map_bytes: MAP_BYTES,
            map_bytes_most: MAP_BYTES_MOST,
            gathered_most: GATHERED_MOST,
            tail_rows: TAIL_ROWS,
            sampler: None,
        }
    }
}

/// Why a store could not be opened or restored. The text says what to do about it.
#[derive(Debug)]
pub struct OpenError {
    /// The folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: OpenFailure,
}

/// What is wrong with a folder that should hold a store.
#[derive(Debug)]
pub enum OpenFailure {
    /// A later version of Firekeep wrote it.
    Newer {
        /// The format it has.
        found: u32,
        /// The newest format this version knows.
        known: u32,
    },
    /// The file is not one of Firekeep's.
    NotAStore(String),
    /// It is Firekeep's, but of the other kind: service data or control plane.
    OtherKind {
        /// The kind it has.
        found: String,
        /// The kind that was expected.
        expected: &'static str,
    },
    /// The file is Firekeep's and damaged.
    Unreadable(String),
    /// The folder is on a file system whose locks and mapped files cannot be trusted.
    NetworkFileSystem(&'static str),
    /// Another process, or another part of this one, has it open.
    Held {
        /// Its process id, as far as is known.
        pid: Option<u32>,
    },
    /// A migration to a newer format failed; the file is as it was.
    Migration {
        /// The format the migration makes.
        to: u32,
        /// What stopped it.
        fault: Fault,
    },
    /// A folder to restore into holds something already.
    NotEmpty,
    /// The operating system refused.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl OpenError {
    /// Whether the disk has no room for what opening writes. Nothing is left of a new store then.
    #[must_use]
    pub fn is_no_room(&self) -> bool {
        match &self.why {
            OpenFailure::Io { source, .. } => is_no_room(source),
            OpenFailure::Migration { fault, .. } => fault.is_no_room(),
            OpenFailure::Newer { .. }
            | OpenFailure::NotAStore(_)
            | OpenFailure::OtherKind { .. }
            | OpenFailure::Unreadable(_)
            | OpenFailure::NetworkFileSystem(_)
            | OpenFailure::Held { .. }
            | OpenFailure::NotEmpty => false,
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl fmt::Display for OpenFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer { found, known } => write!(
                f,
                "the store has format {found}, this version of Firekeep knows formats up to \
                 {known}. Use the newer Firekeep that wrote it, or restore a backup from before"
            ),
            Self::NotAStore(why) => write!(
                f,
                "this is not a Firekeep store ({why}). Check the path, or move the file away to \
                 start anew"
            ),
            Self::OtherKind { found, expected } => write!(
                f,
                "this is Firekeep's store of kind '{found}', where one of kind '{expected}' \
                 belongs. Check whether folders were swapped"
            ),
            Self::Unreadable(why) => write!(f, "the store is damaged ({why}). Restore a backup"),
            Self::NetworkFileSystem(name) => write!(
                f,
                "the folder is on a network file system ({name}), where writes can be lost. \
                 Use a local disk"
            ),
            Self::Held { pid: Some(pid) } => {
                write!(f, "process {pid} has the store open. Stop it, or use another folder")
            }
            Self::Held { pid: None } => {
                f.write_str("the store is open already. Stop the process that uses it")
            }
            Self::Migration { to, fault } => write!(
                f,
                "bringing the store to format {to} failed ({fault}). It is unchanged: see to the \
                 cause and start again"
            ),
            Self::NotEmpty => {
                f.write_str("the folder is not empty. Restore into a new or empty one")
            }
            Self::Io { doing, source } => write!(f, "{doing} failed: {source}"),
        }
    }
}

impl std::error::Error for OpenError {}
