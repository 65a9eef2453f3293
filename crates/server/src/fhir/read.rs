//! <https://hl7.org/fhir/R4/http.html#read>

use authority::DataAction;
use store::{Key, Snapshot, Version};

use super::context::Context;
use super::outcome::Outcome;
use super::refusal::{self, General};
use super::resource;
use crate::exchange::Answer;

/// Everything that can go wrong with a read, in the order in which it is checked.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    NotFound(Key),
    /// 410: deleted by this version.
    Gone(Key, u64),
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
            Refusal::NotFound(key) => refusal::not_found(&key),
            Refusal::Gone(key, version) => refusal::gone(&key, version),
        }
    }
}

/// `GET [base]/[type]/[id]`: the current version, 304 when the client has it, 410 when it was
/// deleted.
pub(crate) fn read(cx: &Context<'_>, key: Key) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    let subset = cx.subset()?;
    Ok(resource::found(cx, &current(&cx.snapshot(), key)?, &subset)?)
}

/// The version that is current, unless there is none or it deletes.
pub(crate) fn current(snapshot: &Snapshot, key: Key) -> Result<Version, Refusal> {
    let version = snapshot.current(&key)?.ok_or(Refusal::NotFound(key))?;
    if version.is_deletion() {
        return Err(Refusal::Gone(key, version.number));
    }
    Ok(version)
}
