//! Running a search plan: each criterion becomes a set of rids from the index, sets are cut with
//! each other, and what an index row cannot tell is asked of the packed values.

mod canonical;
mod criteria;
mod include;
mod inside;
mod order;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use base::Fault;
use parking_lot::RwLock;
use roaring::RoaringTreemap;

use super::dictionaries::Dictionaries;
use super::engine::View;
use super::index::vacuumed;
use super::postings::{Posting, Postings};
use super::read::{self, Head, named_row, newest, read_rid};
use super::tables::SUPERSEDED;
use super::tail::Runs;
use super::versions;
use super::walk::{Range, Walk};
use crate::forward::{Tested, Values};
use crate::key::{self, Key, Rid, TypeId};
use crate::page::Page;
use crate::plan::{
    Criterion, Include, Included, Restriction, Restrictions, SearchPlan, Shared, Stop,
};
use crate::version::Kind;

/// Why a search gives nothing.
#[derive(Debug)]
pub enum SearchError {
    /// The file cannot be read.
    Fault(Fault),
    /// Whoever asked ended it.
    Stopped,
    /// The snapshot is so old that its index rows are gone, or the match that the page before ended
    /// with is.
    Expired,
}

impl From<Fault> for SearchError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

type Found<T> = Result<T, SearchError>;

/// What one step of a search did, for `_explain`.
#[derive(Clone, Debug)]
pub struct Step {
    /// The criterion.
    pub what: String,
    /// The index, or how else it was decided.
    pub index: &'static str,
    /// The index rows that were read.
    pub rows: u64,
    /// The resources that were left after it.
    pub left: u64,
    /// The time it took.
    pub micros: u64,
}

/// Runs plans over one view of one snapshot.
pub(super) struct Searching<'t> {
    pub(super) view: View<'t>,
    /// The index rows that the table does not have yet.
    tail: &'t Runs,
    pub(super) superseded: &'t RwLock<RoaringTreemap>,
    dictionaries: &'t Dictionaries,
    pub(super) head: &'t Head,
    pub(super) restrictions: &'t Restrictions,
    pub(super) stop: &'t Stop,
    /// Up to so many matches a sort gathers.
    gathered_most: u64,
    steps: Option<RefCell<Vec<Step>>>,
    /// What was decided of criteria that stand in many places.
    decided: RefCell<Decided>,
}

/// Criteria that stand in many places, by type, with what meets them.
#[derive(Default)]
struct Decided(Vec<(TypeId, Shared, RoaringTreemap)>);

impl Decided {
    fn of(&self, of: TypeId, shared: &Shared) -> Option<&RoaringTreemap> {
        let is_it = |known: &Shared| Arc::ptr_eq(&known.0, &shared.0);
        self.0.iter().find(|(number, known, _)| *number == of && is_it(known)).map(|it| &it.2)
    }

    fn add(&mut self, of: TypeId, shared: Shared, found: RoaringTreemap) {
        self.0.push((of, shared, found));
    }
}

impl<'t> Searching<'t> {
    pub(super) fn new(
        (view, tail): (View<'t>, &'t Runs),
        shared: &'t super::Shared,
        head: &'t Head,
        (restrictions, stop): (&'t Restrictions, &'t Stop),
    ) -> Self {
        Self {
            view,
            tail,
            superseded: &shared.superseded,
            dictionaries: &shared.dictionaries,
            head,
            restrictions,
            stop,
            gathered_most: u64::MAX,
            steps: None,
            decided: RefCell::default(),
        }
    }

    /// As it is, and sorting more matches than these by walking the index.
    pub(super) fn gathering(self, gathered_most: u64) -> Self {
        Self { gathered_most, ..self }
    }

    /// As it is, and keeping what each step did.
    pub(super) fn explaining(self) -> Self {
        Self { steps: Some(RefCell::default()), ..self }
    }

    pub(super) fn steps(self) -> Vec<Step> {
        self.steps.map(RefCell::into_inner).unwrap_or_default()
    }

    /// All matches of a plan.
    pub(super) fn matches(&self, plan: &SearchPlan) -> Found<RoaringTreemap> {
        if vacuumed(self.view)? > self.head.rid {
            return Err(SearchError::Expired);
        }
        let mut matches = RoaringTreemap::new();
        let mut searched = Vec::new();
        for of in &plan.types {
            if !searched.contains(&of.resource_type) {
                searched.push(of.resource_type);
                matches |= self.matching(of.resource_type, &of.criterion)?;
            }
        }
        Ok(matches)
    }

    /// One page of a plan.
    pub(super) fn page(&self, plan: &SearchPlan) -> Found<Page> {
        let matches = self.matches(plan)?;
        self.ordered(&matches, plan)
    }

    /// What matches of one type, restricted.
    fn matching(&self, of: TypeId, criterion: &Criterion) -> Found<RoaringTreemap> {
        match self.restrictions.of(of) {
            Restriction::Everything => self.set(of, criterion, None),
            Restriction::Nothing => Ok(RoaringTreemap::new()),
            Restriction::Where(restriction) => {
                let found = self.set(of, criterion, None)?;
                self.set(of, restriction, Some(&found))
            }
        }
    }

    /// Whether a resource that was reached by a reference may be seen.
    fn may_see(&self, of: TypeId, rid: Rid) -> Found<bool> {
        match self.restrictions.of(of) {
            Restriction::Everything => Ok(true),
            Restriction::Nothing => Ok(false),
            Restriction::Where(restriction) => {
                let one = RoaringTreemap::from_iter([rid.0]);
                Ok(!self.set(of, restriction, Some(&one))?.is_empty())
            }
        }
    }

    pub(super) fn included(
        &self,
        matches: &[Rid],
        includes: &[Include],
        most: usize,
    ) -> Found<Included> {
        include::included(self, matches, includes, most)
    }

    #[expect(clippy::disallowed_methods, reason = "it measures how long a step takes")]
    fn now(&self) -> Option<Instant> {
        self.steps.is_some().then(Instant::now)
    }

    fn tell(&self, since: Option<Instant>, step: impl FnOnce() -> Step) {
        if let (Some(steps), Some(since)) = (&self.steps, since) {
            let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
            steps.borrow_mut().push(Step { micros, ..step() });
        }
    }

    /// Everything of a type that exists.
    fn all_of(&self, of: TypeId) -> Found<RoaringTreemap> {
        let mut all = RoaringTreemap::new();
        let range: Range = (1, self.head.rid.0);
        if range.0 > range.1 {
            return Ok(all);
        }
        let mut count = 0;
        for version in Walk::over(self.view, &[of], range, false)? {
            self.look(&mut count)?;
            let (rid, kind) = version?;
            if kind != Kind::Delete {
                all.insert(rid.0);
            }
        }
        self.visible(all)
    }

    /// Of versions that are no deletions, those that the snapshot sees.
    fn visible(&self, mut found: RoaringTreemap) -> Found<RoaringTreemap> {
        found.remove_range(self.head.rid.0.saturating_add(1)..);
        let doubtful = { &found & &*self.superseded.read() };
        for rid in doubtful {
            if let Some(row) = self.view.get(SUPERSEDED, &key::of_rid(Rid(rid)))?
                && read_rid(row, "superseded")? <= self.head.rid
            {
                found.remove(rid);
            }
        }
        Ok(found)
    }

    /// The rows of the index keys between two, both included, in any order.
    fn rows<'r>(
        &'r self,
        from: &'r [u8],
        to: &'r [u8],
    ) -> Found<impl Iterator<Item = Found<Posting<'r>>>> {
        let kept = self.tail.between(from, to).flatten().map(Ok);
        let stored = Postings::between(self.view, from, to)?;
        Ok(stored.map(|row| Ok(row?)).chain(kept))
    }

    pub(super) fn look(&self, count: &mut u64) -> Found<()> {
        *count += 1;
        if self.stop.is_due(*count) {
            return Err(SearchError::Stopped);
        }
        Ok(())
    }

    fn values(&self, rid: Rid) -> Found<Values<'t>> {
        Ok(read::values(self.view, rid)?)
    }

    fn tested(&self, rid: Rid) -> Found<Tested<'t>> {
        Ok(read::tested(self.view, rid)?)
    }

    fn key_of(&self, rid: Rid) -> Found<Key> {
        Ok(named_row(self.view, rid)?.head.key)
    }

    /// The version of a resource that a reference names; none if the snapshot does not see it, or
    /// the resource was deleted since.
    fn named(&self, key: &Key, version: &str) -> Found<Option<Rid>> {
        if self.current(key)?.is_none() {
            return Ok(None);
        }
        let Ok(number) = version.parse() else { return Ok(None) };
        let Some(rid) = versions::numbered(self.view, key, number)? else { return Ok(None) };
        let is_seen = rid <= self.head.rid && named_row(self.view, rid)?.head.kind != Kind::Delete;
        Ok(is_seen.then_some(rid))
    }

    /// The version of a resource that the snapshot sees; none if it is deleted.
    fn current(&self, key: &Key) -> Found<Option<Rid>> {
        let Some(rid) = newest(self.view, key, self.head.rid)? else { return Ok(None) };
        let is_there = named_row(self.view, rid)?.head.kind != Kind::Delete;
        Ok(is_there.then_some(rid))
    }
}
