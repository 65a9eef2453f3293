//! <https://www.rfc-editor.org/rfc/rfc9110#section-15>

use authority::{ExpectedAudience, TokenFault};
use base::Fault;
use http::header::ALLOW;
use http::{HeaderValue, StatusCode};

use crate::app::App;
use crate::control::body::BodyRefused;
use crate::control::{self, caller::challenged};
use crate::exchange::Answer;

/// Everything that the administration refuses.
#[derive(Debug)]
pub(crate) enum Refusal {
    Token(TokenFault),
    Denied(String),
    NoSuchPath(String),
    NotThere(String),
    OnlyMethod(&'static str),
    Body(BodyRefused),
    Invalid(String),
    Fault(Fault),
}

impl From<TokenFault> for Refusal {
    fn from(fault: TokenFault) -> Self {
        Self::Token(fault)
    }
}

impl From<BodyRefused> for Refusal {
    fn from(refused: BodyRefused) -> Self {
        Self::Body(refused)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Refusal {
    pub(crate) fn answer(&self, app: &App) -> Answer {
        let (status, code, message) = match self {
            Self::Token(fault) => {
                (StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", fault.to_string())
            }
            Self::Denied(why) => (StatusCode::FORBIDDEN, "AuthorizationFailed", why.clone()),
            Self::NoSuchPath(path) => {
                (StatusCode::NOT_FOUND, "NotFound", format!("There is no '{path}'."))
            }
            Self::NotThere(why) => (StatusCode::NOT_FOUND, "NotFound", why.clone()),
            Self::OnlyMethod(method) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                format!("Only {method} works here."),
            ),
            Self::Body(refused @ BodyRefused::TooLarge { .. }) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "ContentTooLarge", refused.to_string())
            }
            Self::Body(refused) => (StatusCode::BAD_REQUEST, "InvalidContent", refused.to_string()),
            Self::Invalid(why) => (StatusCode::BAD_REQUEST, "InvalidContent", why.clone()),
            Self::Fault(fault) => {
                tracing::error!(%fault, "the administration failed");
                let (status, code) = if fault.is_no_room() {
                    (StatusCode::INSUFFICIENT_STORAGE, "InsufficientStorage")
                } else {
                    (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError")
                };
                (status, code, fault.to_string())
            }
        };
        let answer = control::error(status, code, &message);
        match self {
            Self::Token(fault) => challenged(answer, app, fault, &ExpectedAudience::Arm),
            Self::OnlyMethod(method) => answer.with(ALLOW, HeaderValue::from_static(method)),
            _ => answer,
        }
    }
}
