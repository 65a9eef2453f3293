//! Histories: all versions, deletions included.

use std::collections::BTreeSet;

use base::{Fault, Timestamp};

use super::engine::View;
use super::read::{Head, highest_before, named_row, read_rid, tested};
use super::search::SearchError;
use super::tables::SUPERSEDED;
use super::versions;
use super::walk::{Ranges, Walk, known_types, updated_within};
use crate::key::{self, Key, Rid, TypeId};
use crate::page::Page;
use crate::plan::{HistoryOf, HistoryPlan, Restriction, Restrictions, Stop};
use crate::version::Kind;

pub(super) fn page(
    view: View<'_>,
    head: &Head,
    plan: &HistoryPlan,
    after: Option<Rid>,
    most: usize,
) -> Result<Page, SearchError> {
    let mut page = Page::default();
    let mut versions = all(view, head, plan, after)?;
    for rid in versions.by_ref().take(most) {
        page.rids.push(rid?);
    }
    page.more = versions.next().transpose()?.is_some();
    Ok(page)
}

pub(super) fn count(view: View<'_>, head: &Head, plan: &HistoryPlan) -> Result<u64, SearchError> {
    let mut count = 0;
    for rid in all(view, head, plan, None)? {
        rid?;
        count += 1;
    }
    Ok(count)
}

type Rows<'t> = Box<dyn Iterator<Item = Result<Rid, Fault>> + 't>;
/// The same while somebody waits for them.
type Rids<'t> = Box<dyn Iterator<Item = Result<Rid, SearchError>> + 't>;

fn all<'t>(
    view: View<'t>,
    head: &Head,
    plan: &HistoryPlan,
    after: Option<Rid>,
) -> Result<Rids<'t>, Fault> {
    let mut ranges = Ranges::of(head);
    ranges.keep_after(after, !plan.ascending);
    ranges.keep(updated_within(view, head, plan.since, plan.before)?);
    let rids = in_ranges(view, plan, ranges)?;
    let Some(moment) = plan.current_from else { return Ok(rids) };
    // What a version of this very moment replaced was current before it.
    let after = Timestamp::from_ticks(moment.ticks().saturating_add(1));
    let base = highest_before(view, head, after)?;
    Ok(Box::new(rids.filter_map(move |rid| {
        let kept =
            rid.and_then(|rid| Ok::<_, SearchError>(was_current(view, base, rid)?.then_some(rid)));
        kept.transpose()
    })))
}

fn in_ranges<'t>(view: View<'t>, plan: &HistoryPlan, ranges: Ranges) -> Result<Rids<'t>, Fault> {
    let may_see = |of: TypeId| !matches!(plan.restrictions.of(of), Restriction::Nothing);
    let is_of = |key: &Key| match plan.of {
        HistoryOf::Instance(own) => own == *key,
        HistoryOf::Type(resource_type) => resource_type == key.resource_type,
        HistoryOf::System => true,
    };
    if let Some(keys) = &plan.only {
        let keys = keys.iter().filter(|key| is_of(key) && may_see(key.resource_type));
        let rids = of_keys(view, &keys.copied().collect(), &ranges, plan.ascending)?;
        return Ok(restricted(view, plan, awaited(rids, &plan.stop)));
    }
    let rids: Result<Rows<'t>, Fault> = match plan.of {
        HistoryOf::Instance(key) if may_see(key.resource_type) => {
            of_instance(view, &key, ranges, plan.ascending)
        }
        HistoryOf::Type(resource_type) if may_see(resource_type) => {
            of_types(view, &[resource_type], &ranges, plan.ascending)
        }
        HistoryOf::Instance(_) | HistoryOf::Type(_) => Ok(Box::new(std::iter::empty())),
        HistoryOf::System => {
            let mut types = known_types(view)?;
            types.retain(|&known| may_see(known));
            of_types(view, &types, &ranges, plan.ascending)
        }
    };
    Ok(restricted(view, plan, awaited(rids?, &plan.stop)))
}

/// Ends when nobody waits any more, whatever of the rows is left out later.
fn awaited<'t>(rows: Rows<'t>, stop: &Stop) -> Rids<'t> {
    let (stop, mut count) = (stop.clone(), 0);
    Box::new(rows.map(move |rid| {
        count += 1;
        if stop.is_due(count) { Err(SearchError::Stopped) } else { Ok(rid?) }
    }))
}

/// Leaves what the restrictions let be seen.
fn restricted<'t>(view: View<'t>, plan: &HistoryPlan, rids: Rids<'t>) -> Rids<'t> {
    let restrictions = plan.restrictions.clone();
    if restrictions.types.is_empty() {
        return rids;
    }
    Box::new(rids.filter_map(move |rid| match rid {
        Ok(rid) => match shown(view, &restrictions, rid) {
            Ok(shown) => shown.then_some(Ok(rid)),
            Err(fault) => Some(Err(fault.into())),
        },
        Err(error) => Some(Err(error)),
    }))
}

/// Whether a version may be seen by what it held itself; a deletion held nothing.
fn shown(view: View<'_>, restrictions: &Restrictions, rid: Rid) -> Result<bool, Fault> {
    let tested = tested(view, rid)?;
    Ok(match restrictions.of(tested.key.resource_type) {
        Restriction::Everything => true,
        Restriction::Nothing => false,
        Restriction::Where(criterion) => tested.meets(criterion) == Some(true),
    })
}

/// Whether a version came after `base`, or was what its resource was then.
fn was_current(view: View<'_>, base: Rid, rid: Rid) -> Result<bool, Fault> {
    if rid > base {
        return Ok(true);
    }
    if let Some(row) = view.get(SUPERSEDED, &key::of_rid(rid))?
        && read_rid(row, "superseded")? <= base
    {
        return Ok(false);
    }
    Ok(named_row(view, rid)?.head.kind != Kind::Delete)
}

/// The versions of one resource: their numbers rise with their rids.
fn of_instance<'t>(
    view: View<'t>,
    key: &Key,
    ranges: Ranges,
    ascending: bool,
) -> Result<Rows<'t>, Fault> {
    let rids = versions::of(view, key, ascending)?;
    Ok(Box::new(rids.filter(move |rid| rid.as_ref().map_or(true, |&rid| ranges.contain(rid)))))
}

/// The versions of some resources, gathered and sorted.
fn of_keys<'t>(
    view: View<'t>,
    keys: &BTreeSet<Key>,
    ranges: &Ranges,
    ascending: bool,
) -> Result<Rows<'t>, Fault> {
    let mut rids = Vec::new();
    for key in keys {
        for rid in versions::of(view, key, true)? {
            rids.push(rid?);
        }
    }
    rids.retain(|&rid| ranges.contain(rid));
    rids.sort_unstable();
    if !ascending {
        rids.reverse();
    }
    Ok(Box::new(rids.into_iter().map(Ok)))
}

/// Nothing but cuts at the ends was made, so there is one range at most.
fn of_types<'t>(
    view: View<'t>,
    types: &[TypeId],
    ranges: &Ranges,
    ascending: bool,
) -> Result<Rows<'t>, Fault> {
    let Some(&range) = ranges.0.first() else { return Ok(Box::new(std::iter::empty())) };
    let walk = Walk::over(view, types, range, !ascending)?;
    Ok(Box::new(walk.map(|version| version.map(|(rid, _)| rid))))
}
