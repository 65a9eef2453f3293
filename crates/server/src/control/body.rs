//! JSON bodies of the control plane: what is not known is refused, never ignored.

use base::limits;
use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::exchange::{Body, BodyFault};

/// Why a body was not taken.
#[derive(Debug)]
pub(crate) enum BodyRefused {
    TooLarge {
        limit: usize,
    },
    Unread(&'static str),
    /// The client stopped sending.
    Stalled,
    /// The bodies of other requests fill the memory set aside for them.
    Busy,
    NotAsExpected(String),
}

impl std::fmt::Display for BodyRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge { limit } => write!(f, "The body is larger than {limit} bytes."),
            Self::Stalled => f.write_str("The client stopped sending the body."),
            Self::Busy => f.write_str("The server is busy with other bodies, try again."),
            Self::Unread(why) => write!(f, "The body could not be read: {why}."),
            Self::NotAsExpected(why) => write!(f, "The body is not as expected: {why}."),
        }
    }
}

impl From<BodyFault> for BodyRefused {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::TooLarge { limit } => Self::TooLarge { limit },
            BodyFault::Stalled => Self::Stalled,
            BodyFault::Broken => Self::Unread("the connection broke"),
            BodyFault::Encoding(_) => Self::Unread("its Content-Encoding is not known"),
            BodyFault::NotEncoded(_) => Self::Unread("it is not what Content-Encoding says"),
            BodyFault::Busy => Self::Busy,
        }
    }
}

impl BodyRefused {
    /// What the areas of the control plane agree on.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Stalled => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unread(_) | Self::NotAsExpected(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads the body as a `T`; an empty one is an empty object.
pub(crate) async fn json<T: DeserializeOwned>(body: Body) -> Result<T, BodyRefused> {
    let bytes = body.read(limits::CONTROL_BODY_BYTES).await?;
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    serde_json::from_slice(text).map_err(|error| BodyRefused::NotAsExpected(error.to_string()))
}
