//! Running a search plan: candidates in the order of rids, visibility block by block.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use base::{Fault, Timestamp};
use parking_lot::RwLock;
use roaring::RoaringTreemap;

use super::engine::View;
use super::read::{self, Head, broken, newest, read_rid};
use super::search::SearchError;
use super::tables::{LIVE, SUPERSEDED};
use super::walk::{Ranges, Walk, known_types, updated_within};
use crate::key::{self, Key, ResourceId, Rid, TypeId};
use crate::page::Page;
use crate::plan::{Criterion, Restriction, SearchPlan, Stop};
use crate::version::Kind;

/// Candidates that are tested for visibility under one look at the bitmap: few at first, since most
/// walks end after a page, then twice as many each time.
const BLOCK_FIRST: usize = 16;
const BLOCK_MOST: usize = 512;

/// What a plan asks when rids and ids alone decide it: no index is read for it.
#[derive(Clone, PartialEq)]
struct Simple {
    ids: Option<Vec<ResourceId>>,
    /// Each with whether it is to lie outside.
    updated: Vec<(Option<Timestamp>, Option<Timestamp>, bool)>,
}

impl Simple {
    fn of(criterion: &Criterion) -> Option<Self> {
        let mut simple = Self { ids: None, updated: Vec::new() };
        let one = std::slice::from_ref(criterion);
        let criteria = if let Criterion::All(criteria) = criterion { criteria } else { one };
        for criterion in criteria {
            match criterion {
                Criterion::Ids(wanted) => {
                    let found = simple.ids.get_or_insert_with(|| wanted.clone());
                    found.retain(|id| wanted.contains(id));
                }
                Criterion::LastUpdated { from, before } => {
                    simple.updated.push((*from, *before, false));
                }
                Criterion::Not(not) => match &**not {
                    Criterion::LastUpdated { from, before } => {
                        simple.updated.push((*from, *before, true));
                    }
                    _ => return None,
                },
                _ => return None,
            }
        }
        Some(simple)
    }
}

/// Runs simple plans over one view of one snapshot.
pub(super) struct Scan<'t> {
    view: View<'t>,
    superseded: &'t RwLock<RoaringTreemap>,
    head: &'t Head,
    types: Vec<TypeId>,
    simple: Simple,
}

impl<'t> Scan<'t> {
    /// `None` when the plan needs an index, or asks of each type something else.
    pub(super) fn of(
        view: View<'t>,
        superseded: &'t RwLock<RoaringTreemap>,
        head: &'t Head,
        plan: &SearchPlan,
    ) -> Result<Option<Self>, Fault> {
        if !plan.sort.is_empty() {
            return Ok(None);
        }
        let mut asked: Option<Simple> = None;
        let mut types = BTreeSet::new();
        for of in &plan.types {
            let Some(simple) = Simple::of(&of.criterion) else { return Ok(None) };
            if asked.get_or_insert_with(|| simple.clone()) != &simple {
                return Ok(None);
            }
            match plan.restrictions.of(of.resource_type) {
                Restriction::Everything => {
                    types.insert(of.resource_type);
                }
                Restriction::Nothing => {}
                Restriction::Where(_) => return Ok(None),
            }
        }
        let known =
            if types.len() > 1 { known_types(view)? } else { types.iter().copied().collect() };
        let types = known.into_iter().filter(|known| types.contains(known)).collect();
        let simple = asked.unwrap_or(Simple { ids: Some(Vec::new()), updated: Vec::new() });
        Ok(Some(Self { view, superseded, head, types, simple }))
    }

    pub(super) fn page(&self, plan: &SearchPlan) -> Result<Page, SearchError> {
        let mut page = Page::default();
        self.run((plan.descending, &plan.stop), plan.after, &mut |rid| {
            if page.rids.len() == plan.most {
                page.more = true;
                return ControlFlow::Break(());
            }
            page.rids.push(rid);
            ControlFlow::Continue(())
        })?;
        Ok(page)
    }

    pub(super) fn count(&self, stop: &Stop) -> Result<u64, SearchError> {
        let Simple { ids, updated } = &self.simple;
        let is_everything = ids.is_none() && updated.is_empty();
        if is_everything && read::latest(self.view)?.number == self.head.number {
            return Ok(self.live()?);
        }
        let mut count = 0;
        self.run((false, stop), None, &mut |_| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// Visits the matches in rising or falling order until told to stop.
    fn run(
        &self,
        (descending, stop): (bool, &Stop),
        after: Option<Rid>,
        visit: &mut dyn FnMut(Rid) -> ControlFlow<()>,
    ) -> Result<(), SearchError> {
        let mut ranges = Ranges::of(self.head);
        ranges.keep_after(after, descending);
        for (from, before, outside) in &self.simple.updated {
            let range = updated_within(self.view, self.head, *from, *before)?;
            if *outside { ranges.drop_range(range) } else { ranges.keep(range) }
        }
        let Some(ids) = &self.simple.ids else {
            return self.by_walking(ranges, (descending, stop), visit);
        };
        let mut found = self.by_ids(ids, &ranges)?;
        if descending {
            found.reverse();
        }
        let _ = found.into_iter().try_for_each(visit);
        Ok(())
    }

    /// Few resources, each looked up; in rising order.
    fn by_ids(&self, ids: &[ResourceId], ranges: &Ranges) -> Result<Vec<Rid>, Fault> {
        let mut found = Vec::new();
        for &resource_type in &self.types {
            for &id in ids {
                let rid = newest(self.view, &Key { resource_type, id }, self.head.rid)?;
                let Some(rid) = rid.filter(|&rid| ranges.contain(rid)) else { continue };
                if read::named_row(self.view, rid)?.head.kind != Kind::Delete {
                    found.push(rid);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// All versions of the types, less deletions and what was superseded.
    fn by_walking(
        &self,
        Ranges(mut ranges): Ranges,
        (descending, stop): (bool, &Stop),
        visit: &mut dyn FnMut(Rid) -> ControlFlow<()>,
    ) -> Result<(), SearchError> {
        if descending {
            ranges.reverse();
        }
        for range in ranges {
            let mut walk = Walk::over(self.view, &self.types, range, descending)?;
            let mut size = BLOCK_FIRST;
            loop {
                if stop.is_set() {
                    return Err(SearchError::Stopped);
                }
                let mut block = Vec::with_capacity(size);
                for version in walk.by_ref().take(size) {
                    let (rid, kind) = version?;
                    block.push((rid, kind != Kind::Delete));
                }
                if block.is_empty() {
                    break;
                }
                size = BLOCK_MOST.min(size * 2);
                self.hide_superseded(&mut block)?;
                let matches = block.into_iter().filter(|&(_, visible)| visible);
                if matches.map(|(rid, _)| rid).try_for_each(&mut *visit).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// A version is visible unless another took its place at or before the snapshot.
    fn hide_superseded(&self, block: &mut [(Rid, bool)]) -> Result<(), Fault> {
        let candidates = {
            let superseded = self.superseded.read();
            let is_candidate = |entry: &&mut (Rid, bool)| entry.1 && superseded.contains(entry.0.0);
            block.iter_mut().filter(is_candidate).collect::<Vec<_>>()
        };
        for (rid, visible) in candidates {
            if let Some(row) = self.view.get(SUPERSEDED, &key::of_rid(*rid))? {
                *visible = read_rid(row, "superseded")? > self.head.rid;
            }
        }
        Ok(())
    }

    /// How many resources of whole types exist, from the counts kept for the latest commit.
    fn live(&self) -> Result<u64, Fault> {
        let mut count = 0;
        for resource_type in &self.types {
            let row = self.view.get(LIVE, &key::of_type(*resource_type))?.unwrap_or(&[0; 8]);
            count += key::read_u64(row).ok_or_else(|| broken("live"))?;
        }
        Ok(count)
    }
}
