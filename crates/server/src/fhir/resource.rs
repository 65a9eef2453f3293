//! <https://hl7.org/fhir/R4/http.html#versioning>
//!
//! Answers that carry one resource: its headers, and its body as stored with `id` and `meta` put
//! back in.

use base::{Fault, Timestamp};
use bytes::Bytes;
use http::StatusCode;
use http::header::{ETAG, LAST_MODIFIED, LOCATION};
use json::{Splice, Stripped};
use store::{Version, VersionHead};

use super::conditions::etag;
use super::context::Context;
use super::outcome::{self, CONTENT_TYPE, Issue};
use super::prefer::Return;
use crate::exchange::{Answer, AnswerBody};

/// 200 with the version, or 304 when the client has it.
pub(crate) fn found(cx: &Context<'_>, version: &Version) -> Result<Answer, Fault> {
    if cx.conditions.client_has(version.number, version.last_updated) {
        return Ok(stamped(Answer::empty(StatusCode::NOT_MODIFIED), &version.head()));
    }
    let mut body = Vec::with_capacity(version.body.len() + 256);
    write(version, &mut body)?;
    Ok(stamped(Answer::of(StatusCode::OK, CONTENT_TYPE, body), &version.head()))
}

/// 201 or 200 for a write, with the body that the client prefers.
pub(crate) fn written(
    cx: &Context<'_>,
    status: StatusCode,
    head: &VersionHead,
    stripped: &Stripped,
) -> Answer {
    let answer = match cx.prefer.returns {
        Return::Minimal => Answer::empty(status),
        Return::OperationOutcome => Answer::of(status, CONTENT_TYPE, all_fine(cx.correlation_id)),
        Return::Representation => {
            let mut body = Vec::with_capacity(stripped.body.len() + 256);
            write_stripped(stripped, head, &mut body);
            Answer::of(status, CONTENT_TYPE, body)
        }
    };
    stamped(answer, head).with_text(LOCATION, &location(cx, head))
}

/// The URL of a version.
pub(crate) fn location(cx: &Context<'_>, head: &VersionHead) -> String {
    let instance = cx.url(head.key.resource_type, head.key.id.as_str());
    format!("{instance}/_history/{}", head.number)
}

/// What `return=OperationOutcome` gives for a write that went well.
pub(crate) fn all_fine(correlation_id: &str) -> Vec<u8> {
    outcome::resource(Some(correlation_id), &[Issue::information("informational", "All OK")])
}

/// Adds `ETag` and `Last-Modified`.
pub(crate) fn stamped(answer: Answer, head: &VersionHead) -> Answer {
    answer
        .with_text(ETAG, &etag(head.number))
        .with_text(LAST_MODIFIED, &head.last_updated.http_date())
}

/// Appends a stored version as it leaves.
pub(crate) fn write(version: &Version, out: &mut Vec<u8>) -> Result<(), Fault> {
    let splice = Splice::from_bytes(&version.splice)
        .ok_or_else(|| Fault::because(format!("version {} has no splice", version.rid.0)))?;
    splice_in(splice, &version.body, &version.head(), out);
    Ok(())
}

/// Appends what was just stored as it leaves.
pub(crate) fn write_stripped(stripped: &Stripped, head: &VersionHead, out: &mut Vec<u8>) {
    splice_in(stripped.splice, &stripped.body, head, out);
}

fn splice_in(splice: Splice, body: &[u8], head: &VersionHead, out: &mut Vec<u8>) {
    let last_updated = instant(head.last_updated);
    splice.write(body, head.key.id.as_str(), head.number, &last_updated, out);
}

/// The text of `meta.lastUpdated`.
pub(crate) fn instant(moment: Timestamp) -> String {
    moment.to_string()
}

/// The answer laid out for people. What is made while it is sent is gathered first.
pub(crate) fn pretty(answer: Answer) -> Result<Answer, Fault> {
    let text = match answer.body {
        AnswerBody::Empty => return Ok(answer),
        AnswerBody::Full(bytes) => bytes,
        AnswerBody::Pieces(pieces) => gather(pieces)?,
    };
    let limits = json::Limits::default();
    let document = json::Document::parse(text, &limits)
        .map_err(|error| Fault::new("laying out an answer", error))?;
    Ok(Answer { body: AnswerBody::Full(json::pretty(&document).into()), ..answer })
}

/// All of an answer's body in one piece.
pub(crate) fn gather(pieces: impl Iterator<Item = Result<Bytes, Fault>>) -> Result<Bytes, Fault> {
    let mut whole = Vec::new();
    for piece in pieces {
        whole.extend_from_slice(&piece?);
    }
    Ok(whole.into())
}
