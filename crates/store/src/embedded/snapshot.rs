//! A snapshot: the store as one commit left it.

use std::fmt;
use std::sync::Arc;

use base::Fault;

use super::engine::View;
use super::read::{Head, named_row, newest, row};
use super::scan::Scan;
use super::search::{SearchError, Searching, Step};
use super::tail::Runs;
use super::{Shared, history, versions};
use crate::key::{Key, Rid, SnapshotNumber};
use crate::page::Page;
use crate::plan::{HistoryPlan, Include, Included, Inside, Part, Restrictions, SearchPlan, Stop};
use crate::version::{Version, VersionHead};

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
        self.shared.body_of(&named_row(reader.view(), rid)?).map(Some)
    }

    /// The version of a resource that has this number.
    ///
    /// # Errors
    /// As [`Snapshot::current`].
    pub fn version(&self, key: &Key, number: u64) -> Result<Option<Version>, Fault> {
        let reader = self.shared.engine.read()?;
        let view = reader.view();
        match versions::numbered(view, key, number)? {
            Some(rid) if rid <= self.head.rid => {
                self.shared.body_of(&named_row(view, rid)?).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// One page of the resources that match.
    ///
    /// # Errors
    /// [`SearchError`]: the file cannot be read, or the plan's stop was set.
    pub fn search(&self, plan: &SearchPlan) -> Result<Page, SearchError> {
        let (reader, tail) = self.shared.read_index()?;
        match Scan::of(reader.view(), &self.shared.superseded, &self.head, plan)? {
            Some(scan) => scan.page(plan),
            None => self.searching((reader.view(), &tail), plan).page(plan),
        }
    }

    /// How many resources match on all pages together, exactly. Of whole types at the latest commit
    /// it is a look-up.
    ///
    /// # Errors
    /// As [`Snapshot::search`].
    pub fn count(&self, plan: &SearchPlan) -> Result<u64, SearchError> {
        let (reader, tail) = self.shared.read_index()?;
        match Scan::of(reader.view(), &self.shared.superseded, &self.head, plan)? {
            Some(scan) => scan.count(&plan.stop),
            None => Ok(self.searching((reader.view(), &tail), plan).matches(plan)?.len()),
        }
    }

    /// What goes onto a page of `matches` besides them, at most `most`.
    ///
    /// # Errors
    /// As [`Snapshot::search`].
    pub fn included(
        &self,
        matches: &[Rid],
        includes: &[Include],
        told: (&Restrictions, &Stop),
        most: usize,
    ) -> Result<Included, SearchError> {
        let (reader, tail) = self.shared.read_index()?;
        let index = (reader.view(), &tail);
        Searching::new(index, &self.shared, &self.head, told).included(matches, includes, most)
    }

    /// What within a version meets its criterion.
    ///
    /// # Errors
    /// As [`Snapshot::search`].
    pub fn parts(
        &self,
        rid: Rid,
        inside: &Inside,
        restrictions: &Restrictions,
    ) -> Result<Vec<Part>, SearchError> {
        let (reader, tail) = self.shared.read_index()?;
        let stop = Stop::default();
        let (index, told) = ((reader.view(), &tail), (restrictions, &stop));
        Searching::new(index, &self.shared, &self.head, told).parts(rid, inside)
    }

    /// How a page of the plan is found: each step in its order.
    ///
    /// # Errors
    /// As [`Snapshot::search`].
    pub fn explain(&self, plan: &SearchPlan) -> Result<Vec<Step>, SearchError> {
        let (reader, tail) = self.shared.read_index()?;
        let searching = self.searching((reader.view(), &tail), plan).explaining();
        searching.page(plan)?;
        Ok(searching.steps())
    }

    fn searching<'s>(&'s self, index: (View<'s>, &'s Runs), plan: &'s SearchPlan) -> Searching<'s> {
        let told = (&plan.restrictions, &plan.stop);
        Searching::new(index, &self.shared, &self.head, told).gathering(self.shared.gathered_most)
    }

    /// What the versions with these rids are, in this order; those that were hard-deleted are left
    /// out.
    ///
    /// # Errors
    /// As [`Snapshot::current`].
    pub fn heads(&self, rids: &[Rid]) -> Result<Vec<VersionHead>, Fault> {
        let reader = self.shared.engine.read()?;
        let mut heads = Vec::with_capacity(rids.len());
        for &rid in rids {
            heads.extend(row(reader.view(), rid)?.map(|row| row.head));
        }
        Ok(heads)
    }

    /// One page of a history, newest first: `most` versions older than `after`.
    ///
    /// # Errors
    /// As [`Snapshot::search`].
    pub fn history(
        &self,
        plan: &HistoryPlan,
        after: Option<Rid>,
        most: usize,
    ) -> Result<Page, SearchError> {
        let reader = self.shared.engine.read()?;
        history::page(reader.view(), &self.head, plan, after, most)
    }

    /// How many versions a history has, exactly.
    ///
    /// # Errors
    /// As [`Snapshot::search`].
    pub fn count_history(&self, plan: &HistoryPlan) -> Result<u64, SearchError> {
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
                    versions.push(row.version(&self.shared.dictionaries)?);
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
