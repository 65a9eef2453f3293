//! <https://hl7.org/fhir/R4/http.html#delete>

use authority::DataAction;
use http::StatusCode;
use store::{Key, Operation, Outcome as Stored, Refused, Rejected};

use super::conditions::Malformed;
use super::context::Context;
use super::outcome::Outcome;
use super::refusal::{self, General};
use super::resource;
use crate::exchange::Answer;

/// Everything that can go wrong with a delete, in the order in which it is checked.
pub(crate) enum Refusal {
    General(General),
    /// 400: `hardDelete` is neither true nor false.
    HardDelete(String),
    /// 400: a condition cannot be understood.
    Condition(Malformed),
    /// 400: all versions go at once, so there is no version to match.
    HardWithIfMatch,
    /// 404: `If-Match` on a resource that does not exist.
    NotFound(Key),
    /// 412: `If-Match` names another version than the current one.
    Mismatch {
        supplied: Option<String>,
        current: u64,
    },
}

impl<T: Into<General>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let bad = |text: String| Self::error(StatusCode::BAD_REQUEST, "value", text);
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::HardDelete(value) => {
                bad(format!("hardDelete is true or false, not '{value}'."))
            }
            Refusal::Condition(malformed) => bad(malformed.text()),
            Refusal::HardWithIfMatch => bad(
                "hardDelete=true removes all versions at once and cannot be combined with If-Match."
                    .to_owned(),
            ),
            Refusal::NotFound(key) => refusal::not_found(&key),
            Refusal::Mismatch { supplied, current } => {
                refusal::version_mismatch(supplied.as_deref(), current)
            }
        }
    }
}

/// What the store says about a condition that does not hold.
pub(crate) fn refused(key: Key, supplied: Option<String>, why: Refused) -> Refusal {
    match why {
        Refused::VersionMismatch { current } => Refusal::Mismatch { supplied, current },
        Refused::NotFound | Refused::Gone { .. } => Refusal::NotFound(key),
        Refused::Exists { .. } | Refused::SameKeyTwice => {
            General::bug("a delete was refused for a reason that it has not").into()
        }
    }
}

/// `DELETE [base]/[type]/[id]`: 204, also when there was nothing to delete. With `hardDelete=true`
/// no version is left.
pub(crate) async fn delete(cx: &Context<'_>, key: Key) -> Result<Answer, Refusal> {
    let operation = operation(cx, key)?;
    let committed = match cx.commit(operation).await {
        Ok(committed) => committed,
        Err(Rejected::At { why, .. }) => {
            return Err(refused(key, cx.conditions.if_match.clone(), why));
        }
        Err(rejected) => return Err(General::from(rejected).into()),
    };
    let answer = Answer::empty(StatusCode::NO_CONTENT);
    match committed.outcomes.first() {
        Some(Stored::Deleted(head) | Stored::AlreadyDeleted(head)) => {
            Ok(resource::stamped(answer, head))
        }
        Some(Stored::Absent | Stored::HardDeleted) => Ok(answer),
        other => Err(General::bug(&format!("a delete came to {other:?}")).into()),
    }
}

/// Whether no version is to be left; authorizes either.
pub(crate) fn is_hard(cx: &Context<'_>) -> Result<bool, Refusal> {
    let hard = match cx.parameter("hardDelete") {
        None => false,
        // R4 ignores a parameter without a value.
        Some(told) if told.is_empty() => false,
        // Scripts for Azure write it as .NET does: True.
        Some(told) if told.eq_ignore_ascii_case("false") => false,
        Some(told) if told.eq_ignore_ascii_case("true") => true,
        Some(other) => return Err(Refusal::HardDelete(other)),
    };
    cx.allow(if hard { DataAction::HardDelete } else { DataAction::Delete })?;
    Ok(hard)
}

/// The change; a hard one has no condition.
pub(crate) fn change(key: Key, hard: bool, condition: Option<u64>) -> Operation {
    match hard {
        true => Operation::HardDelete { key },
        false => Operation::Delete { key, condition },
    }
}

/// Authorizes and makes the change to commit.
pub(crate) fn operation(cx: &Context<'_>, key: Key) -> Result<Operation, Refusal> {
    let hard = is_hard(cx)?;
    cx.only_parameters(&["hardDelete"])?;
    let condition = cx.conditions.match_version().map_err(Refusal::Condition)?;
    match (hard, condition) {
        (true, Some(_)) => Err(Refusal::HardWithIfMatch),
        (hard, condition) => Ok(change(key, hard, condition)),
    }
}
