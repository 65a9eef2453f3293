//! <https://hl7.org/fhir/R4/terminology-service.html>: what the operations on codes share.

use std::borrow::Cow;

use authority::DataAction;
use bytes::Bytes;
use fhir::terminology::{Failure, Terminologies};
use http::StatusCode;
use json::Writer;
use store::Key;

use super::Level;
use super::input::wrong;
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::incoming;
use crate::fhir::outcome::{CONTENT_TYPE, Outcome};
use crate::fhir::refusal::{self, General};

/// What can be wrong with any of them.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    Failure(Failure),
    /// 404: the operation was called on a resource that is not there.
    Instance(Key),
}

impl<E: Into<General>> From<E> for Refusal {
    fn from(refusal: E) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::Instance(key) => refusal::not_found(&key),
            Refusal::Failure(failure) => {
                let status = match &failure {
                    Failure::NoCodeSystem(_)
                    | Failure::NoValueSet(_)
                    | Failure::NoConceptMap(_)
                    | Failure::NoSupplement(_)
                    | Failure::NoSuchCode { .. } => StatusCode::NOT_FOUND,
                    Failure::TooCostly(_)
                    | Failure::Cycle(_)
                    | Failure::Filter(_)
                    | Failure::Version { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                };
                Self::error(status, failure.code(), failure.to_string())
            }
        }
    }
}

/// The terminology of the service. Looking up codes is reading.
pub(crate) fn terminologies(cx: &Context<'_>) -> Result<Terminologies, Refusal> {
    cx.allow(DataAction::Read)?;
    Ok(Terminologies::new(&*cx.service.registry()?))
}

/// 200 with a Parameters resource whose parameters `write` gives.
pub(crate) fn answer(write: impl FnOnce(&mut Writer<'_>)) -> Answer {
    let mut out = Vec::with_capacity(512);
    let mut writer = Writer::new(&mut out);
    writer.begin_object().key("resourceType").string("Parameters");
    writer.key("parameter").begin_array();
    write(&mut writer);
    writer.end_array().end_object();
    Answer::of(StatusCode::OK, CONTENT_TYPE, out)
}

/// URL and version of the resource that an operation is called on.
pub(crate) fn of_instance(
    cx: &Context<'_>,
    level: Level,
) -> Result<Option<(String, Option<String>)>, Refusal> {
    let Level::Instance(key) = level else { return Ok(None) };
    let current = cx.snapshot().current(&key)?;
    let missing = || Refusal::Instance(key);
    let version = current.filter(|version| !version.is_deletion()).ok_or_else(missing)?;
    let document = incoming::parse(Bytes::copy_from_slice(&version.body))?;
    let text = |name: &str| document.root().get(name)?.as_str().map(Cow::into_owned);
    let url = text("url").ok_or_else(|| wrong("required", "The resource has no url."))?;
    Ok(Some((url, text("version"))))
}
