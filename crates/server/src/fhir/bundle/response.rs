//! <https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response>: what each entry came
//! to.

use base::limits::BUNDLE_ANSWER_BYTES;
use base::{Fault, ids};
use bytes::Bytes;
use http::StatusCode;
use http::header::{ETAG, LOCATION};
use json::{Stripped, Writer, write_string};
use store::{Outcome as Stored, VersionHead};

use super::writer::{self, BundleWriter, Head};
use crate::exchange::{Answer, AnswerBody};
use crate::fhir::conditional::ITEMS_DELETED;
use crate::fhir::conditions::etag;
use crate::fhir::context::Context;
use crate::fhir::outcome::{Issue, Outcome};
use crate::fhir::prefer::Return;
use crate::fhir::refusal::General;
use crate::fhir::resource;
use crate::fhir::route::Interaction;

/// One entry of the answer.
pub(crate) struct Response {
    status: StatusCode,
    /// Address of the resource.
    full_url: Option<String>,
    /// Address of the version that was made.
    location: Option<String>,
    etag: Option<String>,
    last_modified: Option<String>,
    outcome: Option<Bytes>,
    content: Content,
}

/// The resource of an entry.
enum Content {
    None,
    /// As it was stored.
    Written(Stripped, VersionHead),
    /// As an interaction answered it.
    Found(Bytes),
}

impl Response {
    fn of(status: StatusCode) -> Self {
        Self {
            status,
            full_url: None,
            location: None,
            etag: None,
            last_modified: None,
            outcome: None,
            content: Content::None,
        }
    }

    /// A refusal; a fault is logged here, as it is for a request.
    pub(crate) fn refused(cx: &Context<'_>, refusal: &Outcome) -> Self {
        if let Some(fault) = &refusal.fault {
            tracing::error!(cx.correlation_id, "an entry of a batch failed: {fault}");
        }
        let outcome = Some(refusal.json(None).into());
        Self { outcome, ..Self::of(refusal.status) }
    }

    /// A write that went well.
    pub(crate) fn written(cx: &Context<'_>, stored: Stored, stripped: Option<Stripped>) -> Self {
        match stored {
            Stored::Created(head) => Self::version(cx, StatusCode::CREATED, head, stripped),
            Stored::Updated(head) | Stored::Unchanged(head) | Stored::Expected(head) => {
                Self::version(cx, StatusCode::OK, head, stripped)
            }
            Stored::Deleted(head) | Stored::AlreadyDeleted(head) => {
                let last_modified = Some(resource::instant(head.last_updated));
                let etag = Some(etag(head.number));
                Self { etag, last_modified, ..Self::of(StatusCode::NO_CONTENT) }
            }
            Stored::Absent | Stored::HardDeleted => Self::of(StatusCode::NO_CONTENT),
        }
    }

    /// A delete of as many as criteria matched.
    pub(crate) fn deleted(count: usize) -> Self {
        let text = match count {
            1 => "1 resource was deleted.".to_owned(),
            _ => format!("{count} resources were deleted."),
        };
        let told =
            Outcome::new(StatusCode::NO_CONTENT, vec![Issue::information("informational", text)]);
        Self { outcome: Some(told.json(None).into()), ..Self::of(StatusCode::NO_CONTENT) }
    }

    /// The same, as it was answered.
    pub(crate) fn counted(answer: &Answer) -> Self {
        let count = answer.headers.get(ITEMS_DELETED).and_then(|count| count.to_str().ok());
        Self::deleted(count.and_then(|count| count.parse().ok()).unwrap_or_default())
    }

    /// A delete that found nothing to delete.
    pub(crate) fn nothing() -> Self {
        Self::of(StatusCode::NO_CONTENT)
    }

    fn version(
        cx: &Context<'_>,
        status: StatusCode,
        head: VersionHead,
        stripped: Option<Stripped>,
    ) -> Self {
        let (content, outcome) = match (cx.prefer.returns, stripped) {
            (Return::Representation, Some(stripped)) => (Content::Written(stripped, head), None),
            (Return::OperationOutcome, _) => {
                (Content::None, Some(resource::all_fine(cx.correlation_id).into()))
            }
            (Return::Representation | Return::Minimal, _) => (Content::None, None),
        };
        Self {
            full_url: Some(cx.url(head.key.resource_type, head.key.id.as_str())),
            location: Some(resource::location(cx, &head)),
            etag: Some(etag(head.number)),
            last_modified: Some(resource::instant(head.last_updated)),
            content,
            outcome,
            ..Self::of(status)
        }
    }

    /// What an interaction answered that only looks; `head`: without its body. `room` is what the
    /// answers of the Bundle may still hold in memory, in bytes.
    pub(crate) fn found(
        cx: &Context<'_>,
        answered: Result<Answer, Outcome>,
        head: bool,
        room: &mut usize,
    ) -> Self {
        let gathered = Self::gathered(answered, head, room);
        gathered.unwrap_or_else(|refusal| Self::refused(cx, &refusal))
    }

    /// The same, where a refusal is not one of an entry.
    pub(crate) fn gathered(
        answered: Result<Answer, Outcome>,
        head: bool,
        room: &mut usize,
    ) -> Result<Self, Outcome> {
        let answer = answered?;
        let body = match answer.body {
            _ if head => None,
            AnswerBody::Empty => None,
            AnswerBody::Full(bytes) => Some(Some(bytes).filter(|bytes| bytes.len() <= *room)),
            AnswerBody::Pieces(pieces) => {
                Some(resource::gather(pieces, *room).map_err(General::from)?)
            }
        };
        let body = body.map(|whole| whole.ok_or_else(too_much)).transpose()?;
        *room -= body.as_ref().map_or(0, Bytes::len).min(*room);
        let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok());
        let etag = etag.map(str::to_owned);
        let content = body.map_or(Content::None, Content::Found);
        let location = answer.headers.get(LOCATION).and_then(|text| text.to_str().ok());
        let location = location.map(str::to_owned);
        let last_modified = answer.last_updated.map(resource::instant);
        Ok(Self { etag, location, last_modified, content, ..Self::of(answer.status) })
    }

    /// The same, of a resource that was read: with its address.
    pub(crate) fn of_read(self, cx: &Context<'_>, interaction: Interaction) -> Self {
        match (interaction, &self.content) {
            (Interaction::Read(key) | Interaction::Vread(key, _), Content::Found(_)) => {
                Self { full_url: Some(cx.url(key.resource_type, key.id.as_str())), ..self }
            }
            _ => self,
        }
    }

    /// What a write by criteria answered, told as that of every other write.
    pub(crate) fn done(
        cx: &Context<'_>,
        answered: Result<Answer, Outcome>,
        room: &mut usize,
    ) -> Self {
        let done = Self::found(cx, answered, false, room);
        let version =
            done.location.as_deref().and_then(|location| location.rsplit_once("/_history/"));
        let full_url = version.map(|(instance, _)| instance.to_owned());
        match done.content {
            Content::Found(outcome) if cx.prefer.returns == Return::OperationOutcome => {
                Self { full_url, outcome: Some(outcome), content: Content::None, ..done }
            }
            content => Self { full_url, content, ..done },
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some(url) = &self.full_url {
            out.extend_from_slice(b"\"fullUrl\":");
            write_string(out, url);
            out.push(b',');
        }
        match &self.content {
            Content::None => {}
            Content::Written(stripped, head) => {
                out.extend_from_slice(b"\"resource\":");
                resource::write_stripped(stripped, head, out);
                out.push(b',');
            }
            Content::Found(json) => {
                out.extend_from_slice(b"\"resource\":");
                out.extend_from_slice(json);
                out.push(b',');
            }
        }
        out.extend_from_slice(b"\"response\":");
        self.response(out);
        out.push(b'}');
    }

    fn response(&self, out: &mut Vec<u8>) {
        let reason = self.status.canonical_reason().unwrap_or_default();
        let status = format!("{} {reason}", self.status.as_str());
        let mut writer = Writer::new(out);
        writer.begin_object().key("status").string(&status);
        let texts = [
            ("location", &self.location),
            ("etag", &self.etag),
            ("lastModified", &self.last_modified),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                writer.key(key).string(text);
            }
        }
        if let Some(outcome) = &self.outcome {
            writer.key("outcome").raw(outcome);
        }
        writer.end_object();
    }
}

/// 413 for an entry whose answer does not fit beside those before it.
fn too_much() -> Outcome {
    let text = format!(
        "The answers to a Bundle hold at most {BUNDLE_ANSWER_BYTES} bytes of what was looked up. \
         Ask for this by itself."
    );
    Outcome::error(StatusCode::PAYLOAD_TOO_LARGE, "too-costly", text)
}

/// 200 with one response per entry, in the order of the entries.
pub(crate) fn answer(
    cx: &Context<'_>,
    kind: &'static str,
    responses: Vec<Response>,
) -> Result<Answer, Fault> {
    let id = ids::guid(&*cx.app.random);
    let head = Head { kind, id, now: cx.now, total: None, links: Vec::new() };
    let pieces =
        Pieces { bundle: Some(BundleWriter::new(&head)), responses: responses.into_iter() };
    writer::answer(pieces)
}

/// The answer, written while it is sent.
struct Pieces {
    /// `None` once the Bundle is finished.
    bundle: Option<BundleWriter>,
    responses: std::vec::IntoIter<Response>,
}

impl Iterator for Pieces {
    type Item = Result<Bytes, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bundle = self.bundle.take()?;
        for response in self.responses.by_ref() {
            bundle.entry(|out| response.write(out));
            if let Some(piece) = bundle.piece() {
                self.bundle = Some(bundle);
                return Some(Ok(piece));
            }
        }
        Some(Ok(bundle.finish()))
    }
}
