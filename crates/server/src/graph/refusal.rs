//! <https://learn.microsoft.com/graph/errors>

use authority::{ChangeRefused, ExpectedAudience, TokenFault};
use base::Fault;
use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use crate::app::App;
use crate::control::body::BodyRefused;
use crate::control::{self, caller::challenged};
use crate::exchange::Answer;

/// Everything that Graph refuses.
#[derive(Debug)]
pub(crate) enum Refusal {
    Token(TokenFault),
    OnlyAdministrators,
    OnlyForUsers,
    NoSuchPath(String),
    NoSuchObject(String),
    OnlyMethods(&'static str),
    Body(BodyRefused),
    Query(String),
    Invalid(String),
    Conflict(String),
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

impl From<ChangeRefused> for Refusal {
    fn from(refused: ChangeRefused) -> Self {
        match refused {
            ChangeRefused::NotFound(what) => Self::NoSuchObject(what),
            ChangeRefused::Conflict { message, .. } => Self::Conflict(message),
            ChangeRefused::Invalid(why) => Self::Invalid(why),
            ChangeRefused::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Refusal {
    fn facts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Token(_) => (StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken"),
            Self::OnlyAdministrators => (StatusCode::FORBIDDEN, "Authorization_RequestDenied"),
            Self::OnlyForUsers | Self::NoSuchPath(_) | Self::Query(_) => {
                (StatusCode::BAD_REQUEST, "BadRequest")
            }
            Self::NoSuchObject(_) => (StatusCode::NOT_FOUND, "Request_ResourceNotFound"),
            Self::OnlyMethods(_) => (StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest"),
            Self::Body(BodyRefused::Busy) => {
                (StatusCode::SERVICE_UNAVAILABLE, "serviceNotAvailable")
            }
            Self::Body(refused) => (refused.status(), "Request_BadRequest"),
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "Request_BadRequest"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "Request_MultipleObjectsWithSameKeyValue"),
            Self::Fault(fault) if fault.is_no_room() => {
                (StatusCode::INSUFFICIENT_STORAGE, "insufficientStorage")
            }
            Self::Fault(_) => (StatusCode::INTERNAL_SERVER_ERROR, "generalException"),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Token(fault) => fault.to_string(),
            Self::OnlyAdministrators => {
                "Insufficient privileges to complete the operation: only a directory administrator \
                 changes users and applications."
                    .into()
            }
            Self::OnlyForUsers => {
                "/me request is only valid with delegated authentication flow.".into()
            }
            Self::NoSuchPath(path) => format!(
                "Resource not found for '{path}'. Served are /v1.0/me, users, applications, \
                 servicePrincipals and directoryObjects/getByIds."
            ),
            Self::NoSuchObject(what) => format!("The object was not found: {what}."),
            Self::OnlyMethods(methods) => format!("What works here: {methods}."),
            Self::Body(refused) => refused.to_string(),
            Self::Query(text) | Self::Invalid(text) | Self::Conflict(text) => text.clone(),
            Self::Fault(fault) => control::told(fault).into(),
        }
    }

    pub(crate) fn answer(&self, app: &App) -> Answer {
        let (status, code) = self.facts();
        let answer = control::error(status, code, &self.message());
        match self {
            Self::Token(fault) => challenged(answer, app, fault, &ExpectedAudience::Graph),
            Self::Body(BodyRefused::Busy) => {
                answer.with(RETRY_AFTER, HeaderValue::from_static("1"))
            }
            Self::OnlyMethods(methods) => answer.with(ALLOW, HeaderValue::from_static(methods)),
            Self::Fault(fault) => {
                tracing::error!(%fault, "the directory failed");
                answer
            }
            _ => answer,
        }
    }
}
