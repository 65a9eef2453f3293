//! <https://hl7.org/fhir/R4/http.html#history>

use authority::DataAction;
use base::Timestamp;
use fhir::value::Reference;
use json::Value;
use store::{HistoryOf, HistoryPlan, Key, ResourceId, Snapshot};

use super::bundle::bases;
use super::context::Context;
use super::outcome::Outcome;
use super::refusal::{self, General};
use super::search::listing::{self, Listing};
use super::search::parameters::Meaning;
use super::{resource, types};
use crate::exchange::Answer;

/// Everything that can go wrong with a history, in the order in which it is checked.
#[derive(Debug)]
pub(crate) enum Refusal {
    Listing(listing::Refusal),
    /// 404: a resource that never was has no history.
    NotFound(Key),
}

impl<T: Into<listing::Refusal>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::Listing(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Listing(refusal) => refusal.into(),
            Refusal::NotFound(key) => refusal::not_found(&key),
        }
    }
}

/// `GET [base]/_history`, `[base]/[type]/_history`, `[base]/[type]/[id]/_history`: versions, newest
/// first, deletions among them.
pub(crate) async fn history(cx: &Context<'_>, of: HistoryOf) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    if let HistoryOf::Instance(key) = of {
        cx.snapshot().current(&key)?.ok_or(Refusal::NotFound(key))?;
    }
    Ok(listing::list(cx, Listing::History(of), &[cx.query]).await?)
}

/// What the store is asked for; `_list` is added when the List was read.
pub(crate) fn plan(of: HistoryOf, meaning: &Meaning) -> HistoryPlan {
    let Meaning { since, before, at, ascending, .. } = *meaning;
    // A part of time before the year 1 or after the last ends with it.
    let until = at.map(|at| Timestamp::from_ticks(at.before));
    HistoryPlan {
        since,
        before: before.into_iter().chain(until).min(),
        current_from: at.map(|at| Timestamp::from_ticks(at.from)),
        ascending,
        ..HistoryPlan::of(of)
    }
}

/// The resources of this service that a List names; none when there is no such List.
pub(crate) fn listed(
    cx: &Context<'_>,
    snapshot: &Snapshot,
    id: ResourceId,
) -> Result<Vec<Key>, General> {
    let resource_type = types::number("List").ok_or_else(|| General::bug("R4 has no List"))?;
    let Some(list) = snapshot.current(&Key { resource_type, id })? else { return Ok(Vec::new()) };
    if list.is_deletion() {
        return Ok(Vec::new());
    }
    let document = resource::whole(&list)?;
    let entries = document.root().get("entry").into_iter().flat_map(Value::elements);
    let is_in = |entry: &Value<'_>| entry.get("deleted").and_then(Value::as_bool) != Some(true);
    let references = entries.filter(is_in).filter_map(|entry| {
        entry.get("item").and_then(|item| item.get("reference")).and_then(Value::as_str)
    });
    let bases = bases(cx);
    Ok(references.filter_map(|reference| local(&reference, &bases)).collect())
}

/// What a reference names, when that is here.
pub(crate) fn local(reference: &str, bases: &[String]) -> Option<Key> {
    let target = match Reference::parse(reference) {
        Reference::Absolute { base, target } if bases.iter().any(|own| own == base) => target,
        Reference::Relative(target) => target,
        _ => return None,
    };
    let resource_type = types::number(target.resource_type)?;
    Some(Key { resource_type, id: ResourceId::new(target.id)? })
}
