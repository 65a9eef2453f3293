//! Histories: all versions, deletions included, newest first.

use base::Fault;

use super::engine::View;
use super::read::{Head, named_row, read_rid};
use super::tables::{FORWARD, HISTORY};
use super::walk::{Ranges, Walk, known_types, updated_within};
use crate::forward::{Tested, Values};
use crate::key::{self, Key, Rid, TypeId};
use crate::page::Page;
use crate::plan::{HistoryOf, HistoryPlan, Restriction, Restrictions};

pub(super) fn page(
    view: View<'_>,
    head: &Head,
    plan: &HistoryPlan,
    after: Option<Rid>,
    most: usize,
) -> Result<Page, Fault> {
    let mut page = Page::default();
    let mut versions = versions(view, head, plan, after)?;
    for rid in versions.by_ref().take(most) {
        page.rids.push(rid?);
    }
    page.more = versions.next().transpose()?.is_some();
    Ok(page)
}

pub(super) fn count(view: View<'_>, head: &Head, plan: &HistoryPlan) -> Result<u64, Fault> {
    let mut count = 0;
    for rid in versions(view, head, plan, None)? {
        rid?;
        count += 1;
    }
    Ok(count)
}

type Rids<'t> = Box<dyn Iterator<Item = Result<Rid, Fault>> + 't>;

fn versions<'t>(
    view: View<'t>,
    head: &Head,
    plan: &HistoryPlan,
    after: Option<Rid>,
) -> Result<Rids<'t>, Fault> {
    let mut ranges = Ranges::of(head);
    ranges.keep_after(after, true);
    ranges.keep(updated_within(view, head, plan.since, plan.before)?);
    let may_see = |of: TypeId| !matches!(plan.restrictions.of(of), Restriction::Nothing);
    let rids: Result<Rids<'t>, Fault> = match plan.of {
        HistoryOf::Instance(key) if may_see(key.resource_type) => of_instance(view, &key, ranges),
        HistoryOf::Type(resource_type) if may_see(resource_type) => {
            of_types(view, &[resource_type], &ranges)
        }
        HistoryOf::Instance(_) | HistoryOf::Type(_) => Ok(Box::new(std::iter::empty())),
        HistoryOf::System => {
            let mut types = known_types(view)?;
            types.retain(|&known| may_see(known));
            of_types(view, &types, &ranges)
        }
    };
    let restrictions = plan.restrictions.clone();
    if restrictions.types.is_empty() {
        return rids;
    }
    Ok(Box::new(rids?.filter_map(move |rid| match rid {
        Ok(rid) => shown(view, &restrictions, rid).map(|shown| shown.then_some(rid)).transpose(),
        Err(fault) => Some(Err(fault)),
    })))
}

/// Whether a version may be seen by what it held itself; a deletion held nothing.
fn shown(view: View<'_>, restrictions: &Restrictions, rid: Rid) -> Result<bool, Fault> {
    let head = named_row(view, rid)?.head;
    let (key, last_updated) = (head.key, Some(head.last_updated));
    let values = Values(view.get(FORWARD, &key::of_rid(rid))?.unwrap_or_default());
    Ok(match restrictions.of(key.resource_type) {
        Restriction::Everything => true,
        Restriction::Nothing => false,
        Restriction::Where(criterion) => {
            Tested { key, last_updated, values }.meets(criterion) == Some(true)
        }
    })
}

/// The versions of one resource: their numbers rise with their rids.
fn of_instance<'t>(view: View<'t>, key: &Key, ranges: Ranges) -> Result<Rids<'t>, Fault> {
    let (first, last) = (key::of_history(key, 0), key::of_history(key, u64::MAX));
    let rows = view.range_back(HISTORY, &first, &last)?;
    let rids = rows.map(|entry| read_rid(entry?.1, "history"));
    Ok(Box::new(rids.filter(move |rid| rid.as_ref().map_or(true, |&rid| ranges.contain(rid)))))
}

/// Nothing but cuts at the ends was made, so there is one range at most.
fn of_types<'t>(view: View<'t>, types: &[TypeId], ranges: &Ranges) -> Result<Rids<'t>, Fault> {
    let Some(&range) = ranges.0.first() else { return Ok(Box::new(std::iter::empty())) };
    let walk = Walk::over(view, types, range, true)?;
    Ok(Box::new(walk.map(|version| version.map(|(rid, _)| rid))))
}
