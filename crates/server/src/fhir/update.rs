//! <https://hl7.org/fhir/R4/http.html#update>

use authority::DataAction;
use base::limits::PATCH_ATTEMPTS;
use http::StatusCode;
use store::{Key, Operation, Outcome as Stored, PutCondition, Refused, Rejected};

use super::check::Expected;
use super::conditions::{Conditions, Malformed};
use super::context::Context;
use super::incoming::Incoming;
use super::outcome::Outcome;
use super::refusal::{self, General};
use super::{meta_history, patch, provenance, resource, types};
use crate::exchange::{Answer, Body};
use crate::versioning::Policy;

/// Everything that can go wrong with an update, in the order in which it is checked.
pub(crate) enum Refusal {
    General(General),
    /// 400: a condition cannot be understood.
    Condition(Malformed),
    /// 400: the version policy of the type asks for `If-Match`.
    NoIfMatch(Key),
    /// 404: `If-Match` on a resource that does not exist.
    NotThere(Key),
    /// 409: others changed the resource again and again.
    Overtaken(Key),
    /// 412: `If-Match` names another version than the current one.
    Mismatch {
        supplied: Option<String>,
        current: u64,
    },
    /// 412: `If-None-Match: *` on a resource that exists.
    Exists(Key, u64),
}

impl<T: Into<General>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::Condition(malformed) => {
                Self::error(StatusCode::BAD_REQUEST, "value", malformed.text())
            }
            Refusal::NoIfMatch(key) => refusal::no_if_match(&key),
            Refusal::Overtaken(key) => patch::Refusal::Overtaken(key).into(),
            Refusal::NotThere(key) => {
                let name = types::name(key.resource_type);
                let text = format!(
                    "There is no {name}/{} to update. Leave If-Match out to create it.",
                    key.id
                );
                Self::error(StatusCode::NOT_FOUND, "not-found", text)
            }
            Refusal::Mismatch { supplied, current } => {
                refusal::version_mismatch(supplied.as_deref(), current)
            }
            Refusal::Exists(key, current) => {
                let name = types::name(key.resource_type);
                let text = format!(
                    "{name}/{} exists, at version {current}, and If-None-Match: * asks that it \
                     does not.",
                    key.id
                );
                Self::error(StatusCode::PRECONDITION_FAILED, "duplicate", text)
            }
        }
    }
}

/// What the store says about a condition that does not hold.
pub(crate) fn refused(key: Key, conditions: &Conditions, why: Refused) -> Refusal {
    match why {
        Refused::VersionMismatch { current } => {
            Refusal::Mismatch { supplied: conditions.if_match.clone(), current }
        }
        // Nobody asked that it does not exist but the version policy.
        Refused::Exists { .. } if conditions.if_none_match.is_none() => Refusal::NoIfMatch(key),
        Refused::NotFound | Refused::Gone { .. } => Refusal::NotThere(key),
        Refused::Exists { number } => Refusal::Exists(key, number),
        Refused::SameKeyTwice => General::bug("an update wrote its resource twice").into(),
    }
}

/// `PUT [base]/[type]/[id]`: a new version, or the first. Content that changes nothing makes none.
pub(crate) async fn update(cx: &Context<'_>, key: Key, body: Body) -> Result<Answer, Refusal> {
    let condition = begin(cx, key)?;
    let expected = Expected { resource_type: key.resource_type, id: Some(key.id) };
    let incoming = Incoming::read(cx, body, (expected, key)).await?;
    let stored = match cx.provenance {
        None => once(cx, key, condition, &incoming).await,
        Some(_) => with_provenance(cx, key, condition, &incoming).await,
    };
    let Incoming { stripped, .. } = incoming;
    match stored? {
        Stored::Created(head) => Ok(resource::written(cx, StatusCode::CREATED, &head, &stripped)),
        Stored::Updated(head) | Stored::Unchanged(head) => {
            Ok(resource::written(cx, StatusCode::OK, &head, &stripped))
        }
        other => Err(General::bug(&format!("an update came to {other:?}")).into()),
    }
}

/// Commits the update, and with it what it leaves of the version before.
async fn once(
    cx: &Context<'_>,
    key: Key,
    condition: PutCondition,
    incoming: &Incoming,
) -> Result<Stored, Refusal> {
    commit(cx, key, condition, incoming, None)
        .await?
        .map_err(|why| refused(key, &cx.conditions, why))
}

/// Commits the update and a Provenance that names the version which it makes: begins again while
/// others make that version first.
async fn with_provenance(
    cx: &Context<'_>,
    key: Key,
    condition: PutCondition,
    incoming: &Incoming,
) -> Result<Stored, Refusal> {
    for _ in 0..PATCH_ATTEMPTS {
        let current = cx.service.store.snapshot().current(&key)?;
        let number = current.as_ref().map_or(0, |current| current.number);
        let live = current.filter(|current| !current.is_deletion());
        let stays = live.as_ref().is_some_and(|live| live.hash == incoming.stripped.hash);
        let made = if stays { number } else { number + 1 };
        let pinned = match (condition, &live) {
            (PutCondition::Any, Some(_)) => PutCondition::Version(number),
            (PutCondition::Any, None) => PutCondition::NotExists,
            (given, _) => given,
        };
        let provenance = provenance::of_version(cx, key, made).await?;
        match commit(cx, key, pinned, incoming, provenance).await? {
            Ok(stored) => return Ok(stored),
            Err(why) if pinned == condition => return Err(refused(key, &cx.conditions, why)),
            Err(_) => {}
        }
    }
    Err(Refusal::Overtaken(key))
}

/// What the put came to, or why its condition does not hold.
async fn commit(
    cx: &Context<'_>,
    key: Key,
    condition: PutCondition,
    incoming: &Incoming,
    beside: Option<Operation>,
) -> Result<Result<Stored, Refused>, General> {
    let put = Operation::Put { key, condition, content: incoming.content.clone() };
    let forgotten = meta_history::forgotten(cx, key, &incoming.stripped)?;
    match cx.commit_all([put].into_iter().chain(beside).chain(forgotten).collect()).await {
        Ok(committed) => {
            let first = committed.outcomes.first().copied();
            first.map(Ok).ok_or_else(|| General::bug("a put came to nothing"))
        }
        Err(Rejected::At { why, .. }) => Ok(Err(why)),
        Err(rejected) => Err(rejected.into()),
    }
}

/// What is checked before the body is read: gives what must hold of the resource.
pub(crate) fn begin(cx: &Context<'_>, key: Key) -> Result<PutCondition, Refusal> {
    match asked(cx)? {
        // A resource that is there may not be updated then.
        PutCondition::Any if cx.policy(key.resource_type) == Policy::VersionedUpdate => {
            Ok(PutCondition::NotExists)
        }
        condition => Ok(condition),
    }
}

/// What is checked before it is known which resource is updated: gives what the client says must
/// hold of it.
pub(crate) fn asked(cx: &Context<'_>) -> Result<PutCondition, Refusal> {
    cx.allow(DataAction::Write)?;
    cx.only_parameters(&[meta_history::PARAMETER])?;
    meta_history::check(cx)?;
    cx.conditions.put_condition().map_err(Refusal::Condition)
}
