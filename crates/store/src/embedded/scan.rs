//! Running a search plan: candidates in the order of rids, visibility block by block.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use base::Fault;
use parking_lot::RwLock;
use roaring::RoaringTreemap;

use super::engine::View;
use super::read::{self, Head, broken, newest, read_rid};
use super::tables::{LIVE, SUPERSEDED};
use super::walk::{Ranges, Walk, is_visible, known_types, updated_within};
use crate::key::{self, Key, ResourceId, Rid, TypeId};
use crate::page::Page;
use crate::plan::{Criterion, SearchPlan};
use crate::version::Kind;

/// Candidates that are tested for visibility under one look at the bitmap: few at first, since most
/// walks end after a page, then twice as many each time.
const BLOCK_FIRST: usize = 16;
const BLOCK_MOST: usize = 512;

/// Runs plans over one view of one snapshot.
struct Scan<'t> {
    view: View<'t>,
    superseded: &'t RwLock<RoaringTreemap>,
    head: &'t Head,
}

pub(super) fn search(
    view: View<'_>,
    superseded: &RwLock<RoaringTreemap>,
    head: &Head,
    plan: &SearchPlan,
) -> Result<Page, Fault> {
    let mut page = Page::default();
    Scan { view, superseded, head }.run(plan, plan.after, &mut |rid| {
        if page.rids.len() == plan.most {
            page.more = true;
            return ControlFlow::Break(());
        }
        page.rids.push(rid);
        ControlFlow::Continue(())
    })?;
    Ok(page)
}

pub(super) fn count(
    view: View<'_>,
    superseded: &RwLock<RoaringTreemap>,
    head: &Head,
    plan: &SearchPlan,
) -> Result<u64, Fault> {
    let scan = Scan { view, superseded, head };
    if plan.criteria.is_empty() && read::latest(view)?.number == head.number {
        return scan.live(plan);
    }
    let mut count = 0;
    scan.run(plan, None, &mut |_| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

impl Scan<'_> {
    /// Visits the matches in the plan's order until told to stop.
    fn run(
        &self,
        plan: &SearchPlan,
        after: Option<Rid>,
        visit: &mut dyn FnMut(Rid) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let types = self.types(plan)?;
        let mut ranges = Ranges::of(self.head);
        ranges.keep_after(after, plan.descending);
        let mut ids: Option<Vec<ResourceId>> = None;
        for criterion in &plan.criteria {
            match criterion {
                Criterion::Ids(wanted) => {
                    let found = ids.get_or_insert_with(|| wanted.clone());
                    found.retain(|id| wanted.contains(id));
                }
                Criterion::LastUpdated { from, before } => {
                    ranges.keep(updated_within(self.view, self.head, *from, *before)?);
                }
                Criterion::NotLastUpdated { from, before } => {
                    ranges.drop_range(updated_within(self.view, self.head, *from, *before)?);
                }
            }
        }
        let Some(ids) = ids else {
            return self.by_walking(&types, ranges, plan.descending, visit);
        };
        let mut found = self.by_ids(&types, &ids, &ranges)?;
        if plan.descending {
            found.reverse();
        }
        let _ = found.into_iter().try_for_each(visit);
        Ok(())
    }

    fn types(&self, plan: &SearchPlan) -> Result<Vec<TypeId>, Fault> {
        if plan.types.is_empty() {
            return known_types(self.view);
        }
        let named = plan.types.iter().map(|it| it.resource_type).collect::<BTreeSet<_>>();
        Ok(named.into_iter().filter(|&named| is_visible(&plan.types, named, false)).collect())
    }

    /// Few resources, each looked up; in rising order.
    fn by_ids(
        &self,
        types: &[TypeId],
        ids: &[ResourceId],
        ranges: &Ranges,
    ) -> Result<Vec<Rid>, Fault> {
        let mut found = Vec::new();
        for &resource_type in types {
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
        types: &[TypeId],
        Ranges(mut ranges): Ranges,
        descending: bool,
        visit: &mut dyn FnMut(Rid) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        if descending {
            ranges.reverse();
        }
        for range in ranges {
            let mut walk = Walk::over(self.view, types, range, descending)?;
            let mut size = BLOCK_FIRST;
            loop {
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
    fn live(&self, plan: &SearchPlan) -> Result<u64, Fault> {
        let mut count = 0;
        for resource_type in self.types(plan)? {
            let row = self.view.get(LIVE, &key::of_type(resource_type))?.unwrap_or(&[0; 8]);
            count += key::read_u64(row).ok_or_else(|| broken("live"))?;
        }
        Ok(count)
    }
}
