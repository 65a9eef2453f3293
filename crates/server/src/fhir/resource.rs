//! <https://hl7.org/fhir/R4/http.html#versioning>
//!
//! Answers that carry one resource: its headers, and its body as stored with `id` and `meta` put
//! back in.

use base::{Fault, Timestamp};
use bytes::Bytes;
use http::StatusCode;
use http::header::{ETAG, LAST_MODIFIED, LOCATION};
use json::{Document, Layout, Limits, Splice, Stripped};
use store::{Version, VersionHead};

use super::bundle::writer;
use super::conditions::etag;
use super::context::Context;
use super::outcome::{self, CONTENT_TYPE, Issue};
use super::prefer::Return;
use super::subset::Subset;
use crate::exchange::{Answer, AnswerBody, AnswerPieces};

/// 200 with the version, or as much of it as is wanted; 304 when the client has it.
pub(crate) fn found(cx: &Context<'_>, version: &Version, subset: &Subset) -> Result<Answer, Fault> {
    if cx.conditions.client_has(version.number, version.last_updated) {
        return Ok(stamped(Answer::empty(StatusCode::NOT_MODIFIED), &version.head()));
    }
    let mut body = Vec::with_capacity(version.body.len() + 256);
    subset.write(version, &mut body)?;
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

/// 200 for a create whose criteria matched a resource: that one, as the client prefers.
pub(crate) fn existing(cx: &Context<'_>, version: &Version) -> Result<Answer, Fault> {
    let answer = match cx.prefer.returns {
        Return::Minimal => Answer::empty(StatusCode::OK),
        Return::OperationOutcome => {
            Answer::of(StatusCode::OK, CONTENT_TYPE, all_fine(cx.correlation_id))
        }
        Return::Representation => {
            let mut body = Vec::with_capacity(version.body.len() + 256);
            write(version, &mut body)?;
            Answer::of(StatusCode::OK, CONTENT_TYPE, body)
        }
    };
    let head = version.head();
    Ok(stamped(answer, &head).with_text(LOCATION, &location(cx, &head)))
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
    Answer { last_updated: Some(head.last_updated), ..answer }
        .with_text(ETAG, etag(head.number))
        .with_text(LAST_MODIFIED, head.last_updated.http_date())
}

/// Appends a stored version as it leaves.
pub(crate) fn write(version: &Version, out: &mut Vec<u8>) -> Result<(), Fault> {
    let splice = Splice::from_bytes(&version.splice)
        .ok_or_else(|| Fault::because(format!("version {} has no splice", version.rid.0)))?;
    splice_in(splice, &version.body, &version.head(), out);
    Ok(())
}

/// A stored version as a document of its own, as a client reads it.
pub(crate) fn whole(version: &Version) -> Result<Document, Fault> {
    let mut text = Vec::with_capacity(version.body.len() + 256);
    write(version, &mut text)?;
    document(text)
}

/// A stored version as a document, without id, versionId and lastUpdated.
pub(crate) fn body(version: &Version) -> Result<Document, Fault> {
    document(version.body.clone())
}

fn document(text: impl Into<Bytes>) -> Result<Document, Fault> {
    let parsed = Document::parse(text, &Limits::default());
    parsed.map_err(|_| Fault::because("a stored resource is not JSON"))
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

/// The answer laid out for people; what is long is laid out while it is sent.
pub(crate) fn pretty(answer: Answer) -> Result<Answer, Fault> {
    let pieces: AnswerPieces = match answer.body {
        AnswerBody::Empty => return Ok(answer),
        AnswerBody::Full(bytes) => Box::new(std::iter::once(Ok(bytes))),
        AnswerBody::Pieces(pieces) => pieces,
    };
    let (layout, text) = (Layout::default(), Bytes::new());
    let body = writer::body(Pretty { layout, text, pieces })?;
    Ok(Answer { body, ..answer })
}

/// An answer on its way through a layout. Answers are cut between entries, so between tokens.
struct Pretty {
    layout: Layout,
    /// What is still to be laid out before the next piece.
    text: Bytes,
    pieces: AnswerPieces,
}

impl Iterator for Pretty {
    type Item = Result<Bytes, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.text.is_empty() {
            match self.pieces.next()? {
                Ok(text) => self.text = text,
                Err(fault) => return Some(Err(fault)),
            }
        }
        let mut out = Vec::with_capacity(writer::PIECE);
        let taken = self.layout.push(&self.text, writer::PIECE, &mut out);
        self.text = self.text.slice(taken.min(self.text.len())..);
        Some(Ok(out.into()))
    }
}

/// All of an answer's body in one piece; `None` when it is longer than `most` bytes.
pub(crate) fn gather(
    pieces: impl Iterator<Item = Result<Bytes, Fault>>,
    most: usize,
) -> Result<Option<Bytes>, Fault> {
    let mut whole = Vec::new();
    for piece in pieces {
        whole.extend_from_slice(&piece?);
        if whole.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(whole.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_answer_is_laid_out_while_it_is_sent() -> Result<(), Fault> {
        let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(100), "]".repeat(100));
        let text = deep(&vec!["1"; 10_000].join(","));
        let answer = Answer::of(StatusCode::OK, CONTENT_TYPE, text.clone());
        let AnswerBody::Pieces(pieces) = pretty(answer)?.body else { unreachable!("it is long") };
        let pieces = pieces.collect::<Result<Vec<_>, _>>()?;
        // The first holds what was made before it was known to be long.
        assert!(pieces.iter().skip(1).all(|piece| piece.len() <= writer::PIECE + 256));
        let document = Document::parse(text, &Limits::default());
        let expected = document.map(|document| json::pretty(&document)).unwrap_or_default();
        assert!(pieces.concat() == expected);
        Ok(())
    }

    #[test]
    fn what_is_gathered_is_limited() -> Result<(), Fault> {
        let pieces = || ["ab", "cd"].map(|text| Ok(Bytes::from_static(text.as_bytes())));
        assert_eq!(gather(pieces().into_iter(), 4)?.as_deref(), Some(&b"abcd"[..]));
        assert_eq!(gather(pieces().into_iter(), 3)?, None);
        Ok(())
    }
}
