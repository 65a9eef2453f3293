//! <https://hl7.org/fhir/versions.html>, as Azure's service answers `/$versions`.

use http::StatusCode;

use super::context::Context;
use super::outcome::Outcome;
use crate::exchange::Answer;

const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// `GET [base]/$versions`: the FHIR version that is spoken here.
pub(crate) fn versions(cx: &Context<'_>) -> Result<Answer, Outcome> {
    cx.only_parameters(&[])?;
    let body = &br#"{"versions":["4.0"],"defaultVersion":"4.0"}"#[..];
    Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, body))
}
