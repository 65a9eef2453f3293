//! A snapshot: the store as one commit left it.

use std::fmt;
use std::sync::Arc;

use base::Fault;

use super::read::{Head, named_row, newest, read_rid, row};
use super::tables::HISTORY;
use super::{Shared, history, scan};
use crate::key::{self, Key, Rid, SnapshotNumber};
use crate::page::Page;
use crate::plan::{HistoryPlan, SearchPlan};
use crate::version::Version;

/// Bodies read under one read transaction; more open another, so that none is held long.
const BODIES_AT_ONCE: usize = 64;

/// The store as one commit left it. Cheap to clone and to keep: it is a number, and each method
/// opens its own short read transaction.
#[derive(Clone)]
pub struct Snapshot {
    shared: Arc<Shared>,
    head: Head,
}

impl Snapshot {
    pub(super) fn new(shared: Arc<Shared>, head: Head) -> Self {
        Self { shared, head }
    }

    /// The commit's number, to come back to by [`crate::Store::snapshot_at`].
    #[must_use]
    pub fn number(&self) -> SnapshotNumber {
        SnapshotNumber(self.head.number)
    }

    /// The newest version of a resource, which may be a deletion; `None` when there is none.
    ///
    /// # Errors
    /// A [`Fault`] when the file cannot be read; so with all methods.
    pub fn current(&self, key: &Key) -> Result<Option<Version>, Fault> {
        let reader = self.shared.engine.read()?;
        let Some(rid) = newest(reader.view(), key, self.head.rid)? else { return Ok(None) };
        self.shared.bodies.version(&named_row(reader.view(), rid)?).map(Some)
    }

    /// The version of a resource that has this number.
    ///
    /// # Errors
    /// As [`Snapshot::current`].
    pub fn version(&self, key: &Key, number: u64) -> Result<Option<Version>, Fault> {
        let reader = self.shared.engine.read()?;
        let view = reader.view();
        let Some(found) = view.get(HISTORY, &key::of_history(key, number))? else {
            return Ok(None);
        };
        let rid = read_rid(found, "history")?;
        if rid > self.head.rid {
            return Ok(None);
        }
        self.shared.bodies.version(&named_row(view, rid)?).map(Some)
    }

    /// One page of the resources that match.
    ///
    /// # Errors
    /// As [`Snapshot::current`].
    pub fn search(&self, plan: &SearchPlan) -> Result<Page, Fault> {
        let reader = self.shared.engine.read()?;
        scan::search(reader.view(), &self.shared.superseded, &self.head, plan)
    }

    /// How many resources match on all pages together, exactly. Of whole types at the latest commit
    /// it is a look-up; else it walks.
    ///
    /// # Errors
    /// As [`Snapshot::current`].
    pub fn count(&self, plan: &SearchPlan) -> Result<u64, Fault> {
        let reader = self.shared.engine.read()?;
        scan::count(reader.view(), &self.shared.superseded, &self.head, plan)
    }

    /// One page of a history, newest first: `most` versions older than `after`.
    ///
    /// # Errors
    /// As [`Snapshot::current`].
    pub fn history(
        &self,
        plan: &HistoryPlan,
        after: Option<Rid>,
        most: usize,
    ) -> Result<Page, Fault> {
        let reader = self.shared.engine.read()?;
        history::page(reader.view(), &self.head, plan, after, most)
    }

    /// How many versions a history has, exactly.
    ///
    /// # Errors
    /// As [`Snapshot::current`].
    pub fn count_history(&self, plan: &HistoryPlan) -> Result<u64, Fault> {
        let reader = self.shared.engine.read()?;
        history::count(reader.view(), &self.head, plan)
    }

    /// The versions with these rids, in this order; those that were hard-deleted are left out. Ask
    /// for as many as fit in memory.
    ///
    /// # Errors
    /// As [`Snapshot::current`].
    pub fn versions(&self, rids: &[Rid]) -> Result<Vec<Version>, Fault> {
        let mut versions = Vec::with_capacity(rids.len());
        for some in rids.chunks(BODIES_AT_ONCE) {
            let reader = self.shared.engine.read()?;
            for &rid in some.iter().filter(|&&rid| rid <= self.head.rid) {
                if let Some(row) = row(reader.view(), rid)? {
                    versions.push(row.version()?);
                }
            }
        }
        Ok(versions)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Snapshot").field(&self.head.number).finish()
    }
}
