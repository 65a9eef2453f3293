//! <https://hl7.org/fhir/R4/http.html#update>

use authority::DataAction;
use http::StatusCode;
use store::{Key, Operation, Outcome as Stored, PutCondition, Refused, Rejected};

use super::check::Expected;
use super::conditions::Malformed;
use super::context::Context;
use super::incoming::Incoming;
use super::outcome::Outcome;
use super::refusal::{self, General};
use super::{resource, types};
use crate::exchange::{Answer, Body};

/// Everything that can go wrong with an update, in the order in which it is checked.
pub(crate) enum Refusal {
    General(General),
    /// 400: a condition cannot be understood.
    Condition(Malformed),
    /// 404: `If-Match` on a resource that does not exist.
    NotThere(Key),
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
pub(crate) fn refused(key: Key, supplied: Option<String>, why: Refused) -> Refusal {
    match why {
        Refused::VersionMismatch { current } => Refusal::Mismatch { supplied, current },
        Refused::NotFound | Refused::Gone { .. } => Refusal::NotThere(key),
        Refused::Exists { number } => Refusal::Exists(key, number),
        Refused::SameKeyTwice => General::bug("an update wrote its resource twice").into(),
    }
}

/// `PUT [base]/[type]/[id]`: a new version, or the first. Content that changes nothing makes none.
pub(crate) async fn update(cx: &Context<'_>, key: Key, body: Body) -> Result<Answer, Refusal> {
    let condition = begin(cx)?;
    let expected = Expected { resource_type: key.resource_type, id: Some(key.id) };
    let Incoming { stripped, content } = Incoming::read(cx, body, (expected, key)).await?;
    let committed = match cx.commit(Operation::Put { key, condition, content }).await {
        Ok(committed) => committed,
        Err(Rejected::At { why, .. }) => {
            return Err(refused(key, cx.conditions.if_match.clone(), why));
        }
        Err(rejected) => return Err(General::from(rejected).into()),
    };
    match committed.outcomes.first() {
        Some(Stored::Created(head)) => {
            Ok(resource::written(cx, StatusCode::CREATED, head, &stripped))
        }
        Some(Stored::Updated(head) | Stored::Unchanged(head)) => {
            Ok(resource::written(cx, StatusCode::OK, head, &stripped))
        }
        other => Err(General::bug(&format!("an update came to {other:?}")).into()),
    }
}

/// What is checked before the body is read: gives what must hold of the resource.
pub(crate) fn begin(cx: &Context<'_>) -> Result<PutCondition, Refusal> {
    cx.allow(DataAction::Write)?;
    cx.only_parameters(&[])?;
    cx.conditions.put_condition().map_err(Refusal::Condition)
}
