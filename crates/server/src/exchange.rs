//! One request and its answer, as handlers see them: no sockets, no framing, no compression.

use std::net::IpAddr;
use std::sync::Arc;

use authority::LastToken;
use base::{Fault, Timestamp};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use uuid::Uuid;

pub(crate) use crate::edge::body::{Body, BodyFault};
pub(crate) use crate::edge::decompress::READ_HERE as ENCODINGS_READ;

/// Room for the headers that an answer has when it leaves.
const HEADERS: usize = 12;

/// What was asked, with what the edge already knows about it. The body is read by the handler that
/// wants it, after it authorized.
pub(crate) struct Request {
    /// `HEAD` arrives here as `GET`; the edge drops the body of the answer.
    pub(crate) method: Method,
    /// Whether it was `HEAD`, where that has an answer of its own.
    pub(crate) head: bool,
    /// Whose connection it is: a proxy's, where one stands in front.
    pub(crate) peer: IpAddr,
    /// The path as sent, percent-encoding kept; for the path form of a service without
    /// `/fhir/LABEL`.
    pub(crate) path: String,
    /// What follows `?`, as sent.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    /// The token that its connection sent before.
    pub(crate) last_token: Arc<LastToken>,
    /// The origin under which the request came, without a trailing slash: `https://localhost:8443`.
    pub(crate) origin: String,
    pub(crate) correlation_id: String,
    /// When the request arrived; the one reading of the clock it gets.
    pub(crate) now: Timestamp,
    pub(crate) body: Body,
}

impl Request {
    /// A header's value when it is there once and is text.
    pub(crate) fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers.get(name.as_ref()).and_then(|value| value.to_str().ok())
    }
}

/// What goes back. The edge adds ids, CORS, compression and security headers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: AnswerBody,
    /// When what is answered was last changed, to more than the seconds of `Last-Modified`.
    pub(crate) last_updated: Option<Timestamp>,
    pub(crate) note: Note,
}

/// What the access log and the figures say about a request beyond its status.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Note {
    /// The object id of the identity that asked.
    pub(crate) caller: Option<Uuid>,
    /// The specification's word for what was asked: `read`, `search-type`, `token`.
    pub(crate) interaction: Option<&'static str>,
}

/// The bytes of an answer.
pub(crate) enum AnswerBody {
    Empty,
    Full(Bytes),
    /// Made while it is sent, for answers that should not stand in memory whole. An error closes
    /// the connection.
    Pieces(AnswerPieces),
}

/// The pieces of an answer, made one after the other, each on the blocking pool.
pub(crate) type AnswerPieces = Box<dyn Iterator<Item = Result<Bytes, Fault>> + Send>;

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Pieces(_) => f.write_str("Pieces"),
        }
    }
}

impl Answer {
    pub(crate) fn empty(status: StatusCode) -> Self {
        let (headers, body) = (HeaderMap::with_capacity(HEADERS), AnswerBody::Empty);
        Self { status, headers, body, last_updated: None, note: Note::default() }
    }

    /// `content_type` with its charset, as `application/json; charset=utf-8`.
    pub(crate) fn of(
        status: StatusCode,
        content_type: HeaderValue,
        body: impl Into<Bytes>,
    ) -> Self {
        Self::empty(status).with(CONTENT_TYPE, content_type).body(AnswerBody::Full(body.into()))
    }

    /// Control-plane JSON.
    pub(crate) fn json(status: StatusCode, value: &impl serde::Serialize) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self::of(status, HeaderValue::from_static("application/json; charset=utf-8"), body)
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds a header made of text or a number; text that cannot stand in a header is left out.
    pub(crate) fn with_text<T>(mut self, name: HeaderName, value: T) -> Self
    where
        HeaderValue: TryFrom<T>,
    {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Notes who asked, for the access log.
    pub(crate) fn by(mut self, caller: Uuid) -> Self {
        self.note.caller = Some(caller);
        self
    }

    /// Notes what was asked, for the figures.
    pub(crate) fn named(mut self, interaction: &'static str) -> Self {
        self.note.interaction = Some(interaction);
        self
    }

    pub(crate) fn body(mut self, body: AnswerBody) -> Self {
        self.body = body;
        self
    }
}
