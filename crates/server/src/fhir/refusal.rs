//! The refusals that every interaction shares: who asks, what was sent, what the store says.

use base::Fault;
use http::StatusCode;
use http::header::{ACCEPT_ENCODING, RETRY_AFTER};
use store::{Key, Rejected};

use super::outcome::{Issue, Outcome};
use super::types;
use crate::exchange::{BodyFault, ENCODINGS_READ};

/// What can go wrong in any interaction.
#[derive(Debug)]
pub(crate) enum General {
    /// 401: an interaction that needs an identity was reached without one.
    Nobody,
    /// 403, with the reason.
    Denied(String),
    /// 413, 408, 400, 415: the body did not arrive.
    Body(BodyFault),
    /// 400: what was sent is wrong in these ways.
    Content(Vec<Issue>),
    /// 422: rules of the definitions, or of a profile, do not hold.
    Rules(Vec<Issue>),
    /// 400: a patch made a reference that is a search.
    ConditionalReference(String),
    /// 409: what the criteria of the request are about changed; whoever looked them up looks again.
    Stale,
    /// 507: there is no room.
    NoRoom,
    /// 503: too many writes wait, or too many bodies are arriving.
    Busy,
    /// 429: as many queries that read much are running as may.
    TooExpensive,
    /// 503: the service is being closed.
    Closed,
    /// 500
    Fault(Fault),
}

impl General {
    pub(crate) fn bug(what: &str) -> Self {
        Self::Fault(Fault::because(what))
    }

    pub(crate) fn not_utf8() -> Self {
        Self::Content(vec![Issue::error("structure", "The body is not UTF-8.")])
    }
}

impl From<Fault> for General {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// For rejections that are not about an operation's condition, which each interaction answers
/// itself.
impl From<Rejected> for General {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::At { operation, why } => {
                Self::bug(&format!("operation {operation} was refused unexpectedly: {why}"))
            }
            Rejected::Stale { .. } => Self::Stale,
            Rejected::QueueFull => Self::Busy,
            Rejected::NoRoom(fault) => {
                tracing::warn!("a write was refused: {fault}");
                Self::NoRoom
            }
            Rejected::Fault(fault) => Self::Fault(fault),
            Rejected::Closed => Self::Closed,
        }
    }
}

impl From<General> for Outcome {
    fn from(refusal: General) -> Self {
        match refusal {
            General::Nobody => {
                Self::error(StatusCode::UNAUTHORIZED, "login", "Authentication failed.")
            }
            General::Denied(why) => Self::new(
                StatusCode::FORBIDDEN,
                vec![
                    Issue::error("forbidden", "Authorization failed."),
                    Issue::error("forbidden", why),
                ],
            ),
            General::Body(fault) => body(&fault),
            General::Content(issues) => Self::new(StatusCode::BAD_REQUEST, issues),
            General::Rules(issues) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, issues),
            General::ConditionalReference(reference) => Self::error(
                StatusCode::BAD_REQUEST,
                "not-supported",
                format!(
                    "A patch cannot make the conditional reference '{reference}'. Refer to the \
                     resource by its id."
                ),
            ),
            General::Stale => Self::error(
                StatusCode::CONFLICT,
                "conflict",
                "What the criteria are about changed meanwhile. Nothing was changed; send the \
                 request again.",
            ),
            General::NoRoom => Self::error(
                StatusCode::INSUFFICIENT_STORAGE,
                "no-store",
                "There is no room for this write: the disk or the map is full. Nothing was \
                 changed; reading still works. Try again when there is room.",
            ),
            General::Busy => Self::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "throttled",
                "The service has as much to do as it can take. Try again in a second.",
            )
            .with(RETRY_AFTER, "1"),
            General::TooExpensive => Self::error(
                StatusCode::TOO_MANY_REQUESTS,
                "throttled",
                "As many queries that read much of the service are running as may at one time. \
                 Ask again in a few seconds, or narrow the query.",
            )
            .with(RETRY_AFTER, "5"),
            General::Closed => Self::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "transient",
                "The service is being closed. Try again when it is back.",
            )
            .with(RETRY_AFTER, "5"),
            General::Fault(fault) if fault.is_no_room() => Self::from(General::NoRoom),
            General::Fault(fault) => Self {
                fault: Some(fault),
                ..Self::error(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "exception",
                    "Something failed inside the service. Its log says what, under the id of this \
                     answer.",
                )
            },
        }
    }
}

fn body(fault: &BodyFault) -> Outcome {
    match fault {
        BodyFault::TooLarge { limit } => Outcome::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-long",
            format!("The body is longer than {limit} bytes. Send it in parts."),
        ),
        BodyFault::Stalled => Outcome::error(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "The body stopped arriving. Send the request again.",
        ),
        BodyFault::Broken => Outcome::error(
            StatusCode::BAD_REQUEST,
            "incomplete",
            "The body ended before it was complete. Send the request again.",
        ),
        BodyFault::Busy => General::Busy.into(),
        BodyFault::Encoding(name) => Outcome::error(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            format!(
                "A body with Content-Encoding '{name}' is not read here. Send it as it is, or \
                 with one of: {ENCODINGS_READ}."
            ),
        )
        .with(ACCEPT_ENCODING, ENCODINGS_READ),
        BodyFault::NotEncoded(name) => Outcome::error(
            StatusCode::BAD_REQUEST,
            "incomplete",
            format!(
                "The body is not what Content-Encoding says: {name}, whole and with nothing after \
                 it."
            ),
        ),
    }
}

/// 404 for a resource that never was, or whose existence is none of the caller's business.
pub(crate) fn not_found(key: &Key) -> Outcome {
    let text = format!("There is no {}/{}.", types::name(key.resource_type), key.id);
    Outcome::error(StatusCode::NOT_FOUND, "not-found", text)
}

/// 410 for a resource that was deleted by this version.
pub(crate) fn gone(key: &Key, version: u64) -> Outcome {
    let name = types::name(key.resource_type);
    let text = format!(
        "{name}/{} was deleted. Its versions are in {name}/{}/_history; PUT one back to restore \
         it.",
        key.id, key.id
    );
    Outcome::error(StatusCode::GONE, "deleted", text)
        .with(http::header::ETAG, &super::conditions::etag(version))
}

/// 400 where the version policy asks for `If-Match`. The first sentence is Azure's.
pub(crate) fn no_if_match(key: &Key) -> Outcome {
    let name = types::name(key.resource_type);
    let text = format!(
        "A valid if-match header is required for resource type '{name}'. Read the resource, and \
         send its ETag as If-Match."
    );
    Outcome::error(StatusCode::BAD_REQUEST, "required", text)
}

/// 412 for `If-Match` with another version than the current one. The first sentence is Azure's.
pub(crate) fn version_mismatch(supplied: Option<&str>, current: u64) -> Outcome {
    let supplied = supplied.unwrap_or_default().trim().trim_start_matches("W/").trim_matches('"');
    let text = format!(
        "The supplied version '{supplied}' did not match. The current version is {current}: \
         read it, apply the change to it, and send If-Match: W/\"{current}\"."
    );
    Outcome::error(StatusCode::PRECONDITION_FAILED, "conflict", text)
}
