//! Conditions that were looked up before the writer was entered, tested on what was written since:
//! so two clients with the same condition cannot both find nothing and both create.

use std::collections::HashMap;

use base::Fault;

use super::decide::Effect;
use super::engine::View;
use super::read::{Head, broken, head_at, named_row, newest, values};
use super::tables::BY_TYPE;
use crate::commit::Guard;
use crate::forward::{Tested, Values};
use crate::key::{self, Key, Rid};
use crate::plan::Criterion;
use crate::version::{Kind, VersionHead};

/// More versions of the type since the look-up than this are not looked at one by one: it is made
/// again.
const VERSIONS: usize = 1_000;

/// Whether something that was written after a guard's look-up could have changed its answer.
/// `written` are the effects of commits of this group, which no table has yet.
pub(super) fn is_stale(
    guard: &Guard,
    (view, on_disk): (View<'_>, &Head),
    written: &[Effect<'_>],
    changed: &HashMap<Key, bool>,
) -> Result<bool, Fault> {
    let after = head_at(view, guard.at.0)?.rid;
    if !is_local(&guard.search.criterion) {
        return Ok(on_disk.rid > after || !written.is_empty());
    }
    for key in &guard.found {
        let is_there = match changed.get(key) {
            Some(is_live) => *is_live,
            None => match newest(view, key, Rid(u64::MAX))? {
                Some(rid) => named_row(view, rid)?.head.kind != Kind::Delete,
                None => false,
            },
        };
        if !is_there {
            return Ok(true);
        }
    }
    // Other types are not looked at. What was purged since was found, and is looked up above, or
    // did not count.
    let of = guard.search.resource_type;
    let first = key::of_by_type(of, Rid(after.0.saturating_add(1)));
    let last = key::of_by_type(of, on_disk.rid);
    for (looked_at, entry) in view.range(BY_TYPE, &first, &last)?.enumerate() {
        let (_, rid) = key::read_by_type(entry?.0).ok_or_else(|| broken("by_type"))?;
        let head = named_row(view, rid)?.head;
        if looked_at == VERSIONS || matters(guard, &head, values(view, rid)?) {
            return Ok(true);
        }
    }
    Ok(written.iter().any(|effect| match effect {
        // What is current stays.
        Effect::PurgeHistory { .. } => false,
        Effect::Purge { key, .. } => key.resource_type == of,
        Effect::Append { version, content, .. } => {
            let values = content.map_or(&[][..], |content| content.forward.as_bytes());
            matters(guard, version, Values(values))
        }
    }))
}

/// Whether a version makes another answer: it matches and was not found, or was and does not.
fn matters(guard: &Guard, version: &VersionHead, values: Values<'_>) -> bool {
    if version.key.resource_type != guard.search.resource_type {
        return false;
    }
    let (key, last_updated) = (version.key, Some(version.last_updated));
    let is_there = version.kind != Kind::Delete;
    let tested = Tested { key, last_updated, values };
    let matches = tested.meets(&guard.search.criterion).map(|met| met && is_there);
    matches != Some(guard.found.contains(&key))
}

/// Whether a version's own values decide.
fn is_local(criterion: &Criterion) -> bool {
    match criterion {
        Criterion::All(criteria) | Criterion::Any(criteria) => criteria.iter().all(is_local),
        Criterion::Not(criterion) => is_local(criterion),
        Criterion::Shared(shared) => is_local(&shared.0),
        Criterion::Ids(_)
        | Criterion::Keys(_)
        | Criterion::LastUpdated { .. }
        | Criterion::Value(..)
        | Criterion::Present(_) => true,
        Criterion::Compartment(_)
        | Criterion::CompartmentOfAny(_)
        | Criterion::Chain { .. }
        | Criterion::Has { .. }
        | Criterion::CanonicalChain { .. }
        | Criterion::CanonicalHas { .. }
        | Criterion::Inside(_)
        | Criterion::Body(_) => false,
    }
}
