//! What the writer is asked to do, and what it answers.

use std::fmt;

use base::{Fault, Timestamp};

use crate::Snapshot;
use crate::content::Content;
use crate::key::{Key, SnapshotNumber};
use crate::plan::TypeSearch;
use crate::version::VersionHead;

/// One request's changes: all of them happen, under one commit number and one `last_updated`, or
/// none.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// In the order in which they are decided. No two may write the same resource.
    pub operations: Vec<Operation>,
    /// The conditions that were looked up before: all still hold, or nothing happens.
    pub guards: Vec<Guard>,
}

/// A condition on other resources, and what it came to when it was looked up.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The snapshot at which it was looked up.
    pub at: SnapshotNumber,
    /// What was looked for.
    pub search: TypeSearch,
    /// What was found; all of it, or so much that one more changes nothing.
    pub found: Vec<Key>,
}

impl Commit {
    /// A commit of one operation.
    #[must_use]
    pub fn of(operation: Operation) -> Self {
        Self { operations: vec![operation], guards: Vec::new() }
    }

    pub(crate) fn stored_bytes(&self) -> usize {
        let bytes = |operation: &Operation| match operation {
            Operation::Put { content, .. } => content.stored_bytes(),
            Operation::Delete { .. }
            | Operation::HardDelete { .. }
            | Operation::PurgeHistory { .. }
            | Operation::Expect { .. } => 0,
        };
        self.operations.iter().map(bytes).sum()
    }
}

/// One change, or one look, within a [`Commit`].
#[derive(Clone, Debug)]
pub enum Operation {
    /// Creates the resource or gives it a new version. Content whose hash equals that of the
    /// current version makes no version.
    Put {
        /// The resource.
        key: Key,
        /// What must hold before.
        condition: PutCondition,
        /// Its new content.
        content: Content,
    },
    /// Appends a deletion. A resource that is absent or deleted already is left alone.
    Delete {
        /// The resource.
        key: Key,
        /// `If-Match`: the version number that an existing resource must have.
        condition: Option<u64>,
    },
    /// Takes all versions of the resource out of every snapshot, at once and for good.
    HardDelete {
        /// The resource.
        key: Key,
    },
    /// Takes past versions of the resource, as the operations before it leave it, out of every
    /// snapshot, for good. The same commit may write the resource first.
    PurgeHistory {
        /// The resource.
        key: Key,
        /// Which of them.
        which: Purged,
    },
    /// Looks at the resource as the operations before it leave it; refused when it is absent or
    /// deleted.
    Expect {
        /// The resource.
        key: Key,
    },
}

/// Which past versions a purge takes away. The current one always stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purged {
    /// All of them.
    AllButCurrent,
    /// The one that this commit replaced by a new one; none when it did not.
    Replaced,
    /// The one of this number, when this commit replaced it.
    ReplacedNumber(u64),
}

/// What must hold for a put to happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PutCondition {
    /// Anything: create or update.
    Any,
    /// The id was never used: what a server-assigned id promises.
    Absent,
    /// `If-Match`: the resource exists with this version number.
    Version(u64),
    /// The same of a patch, which was made on this version.
    Patched(u64),
    /// `If-None-Match: *`: the resource does not exist; one that was deleted does not.
    NotExists,
}

/// A commit that happened, or had nothing to change.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The store right after it: what it wrote is there, what later commits write is not.
    pub snapshot: Snapshot,
    /// The `last_updated` of the versions it made; of the newest commit when it made none.
    pub last_updated: Timestamp,
    /// One per operation, in their order.
    pub outcomes: Vec<Outcome>,
}

/// What one operation came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The resource did not exist and does now.
    Created(VersionHead),
    /// The resource has a new version.
    Updated(VersionHead),
    /// The content is that of the current version, which stands.
    Unchanged(VersionHead),
    /// The resource is deleted by this new version.
    Deleted(VersionHead),
    /// The resource was deleted before, by this version.
    AlreadyDeleted(VersionHead),
    /// There never was such a resource, or it was hard-deleted.
    Absent,
    /// No version of the resource is left. Also the answer when there was none.
    HardDeleted,
    /// The resource that was expected, or whose history was purged, at this version: its current
    /// one.
    Expected(VersionHead),
}

/// Why a commit did not happen. Nothing of it is stored.
#[derive(Debug)]
pub enum Rejected {
    /// An operation's condition does not hold.
    At {
        /// The operation's index.
        operation: usize,
        /// What does not hold.
        why: Refused,
    },
    /// What was written since the look-up of a guard may have changed its answer: look again.
    Stale {
        /// The guard's index.
        guard: usize,
    },
    /// More commits wait for the writer than [`base::limits::WRITER_QUEUE`]: try again soon.
    QueueFull,
    /// The disk or the map is full; earlier data is untouched. Try again when there is room.
    NoRoom(Fault),
    /// The disk or the file failed.
    Fault(Fault),
    /// The store was closed.
    Closed,
}

/// Why an operation was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// `If-Match` names another version than the current one.
    VersionMismatch {
        /// The current version number.
        current: u64,
    },
    /// The resource does not exist and never did.
    NotFound,
    /// The resource is deleted.
    Gone {
        /// The version number of the deletion.
        number: u64,
    },
    /// The resource exists; for [`PutCondition::Absent`] also when it is deleted.
    Exists {
        /// The current version number.
        number: u64,
    },
    /// An earlier operation of the same commit writes the same resource.
    SameKeyTwice,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VersionMismatch { current } => write!(f, "the current version is {current}"),
            Self::NotFound => f.write_str("the resource does not exist"),
            Self::Gone { number } => write!(f, "the resource was deleted by version {number}"),
            Self::Exists { number } => write!(f, "the resource exists, at version {number}"),
            Self::SameKeyTwice => f.write_str("one commit writes the resource twice"),
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { operation, why } => write!(f, "operation {operation}: {why}"),
            Self::Stale { guard } => write!(f, "condition {guard} must be looked up again"),
            Self::QueueFull => f.write_str("too many writes are waiting; try again soon"),
            Self::NoRoom(fault) => write!(f, "there is no room: {fault}"),
            Self::Fault(fault) => write!(f, "{fault}"),
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for Rejected {}
