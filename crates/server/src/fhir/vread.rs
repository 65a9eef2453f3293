//! <https://hl7.org/fhir/R4/http.html#vread>

use authority::DataAction;
use http::StatusCode;
use store::{Key, Snapshot, Version};

use super::context::Context;
use super::outcome::Outcome;
use super::refusal::{self, General};
use super::{resource, types};
use crate::exchange::Answer;

/// Everything that can go wrong with a read of a version, in the order in which it is checked.
pub(crate) enum Refusal {
    General(General),
    NotFound(Key, u64),
    /// 410: this version is the deletion.
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
            Refusal::NotFound(key, number) => {
                let name = types::name(key.resource_type);
                let text = format!("There is no version {number} of {name}/{}.", key.id);
                Self::error(StatusCode::NOT_FOUND, "not-found", text)
            }
            Refusal::Gone(key, version) => refusal::gone(&key, version),
        }
    }
}

/// `GET [base]/[type]/[id]/_history/[vid]`: that version, whatever came after it.
pub(crate) fn vread(cx: &Context<'_>, key: Key, number: u64) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    let subset = cx.subset()?;
    Ok(resource::found(cx, &version(&cx.snapshot(), key, number)?, &subset)?)
}

/// The version of this number, unless there is none or it deletes.
pub(crate) fn version(snapshot: &Snapshot, key: Key, number: u64) -> Result<Version, Refusal> {
    let version = snapshot.version(&key, number)?.ok_or(Refusal::NotFound(key, number))?;
    if version.is_deletion() {
        return Err(Refusal::Gone(key, number));
    }
    Ok(version)
}
