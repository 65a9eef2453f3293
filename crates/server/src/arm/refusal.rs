//! <https://github.com/cloud-and-ai-microsoft/resource-provider-contract/blob/master/v1.0/common-api-details.md>

use authority::{ChangeRefused, ExpectedAudience, TokenFault};
use base::Fault;
use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use crate::app::App;
use crate::control;
use crate::control::body::BodyRefused;
use crate::control::caller::challenged;
use crate::exchange::Answer;

/// Everything that ARM refuses.
#[derive(Debug)]
pub(crate) enum Refusal {
    Token(TokenFault),
    /// The sentence says who lacks which action where.
    Denied(String),
    MissingApiVersion,
    UnknownApiVersion {
        given: String,
        known: &'static [&'static str],
    },
    NoSuchPath(String),
    NoSuchSubscription(String),
    NoSuchGroup(String),
    NoSuchResource(String),
    NoSuchRole(String),
    NoSuchPrincipal(String),
    OnlyMethods(&'static str),
    Body(BodyRefused),
    Filter(String),
    Invalid(String),
    /// The code is ARM's own, such as `RoleAssignmentExists`.
    Conflict {
        code: &'static str,
        message: String,
    },
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
            ChangeRefused::NotFound(what) => Self::NoSuchResource(what),
            ChangeRefused::Conflict { code, message } => Self::Conflict { code, message },
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
            Self::Token(TokenFault::Missing) => (StatusCode::UNAUTHORIZED, "AuthenticationFailed"),
            Self::Token(_) => (StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken"),
            Self::Denied(_) => (StatusCode::FORBIDDEN, "AuthorizationFailed"),
            Self::MissingApiVersion => (StatusCode::BAD_REQUEST, "MissingApiVersionParameter"),
            Self::UnknownApiVersion { .. } => {
                (StatusCode::BAD_REQUEST, "InvalidApiVersionParameter")
            }
            Self::NoSuchPath(_) => (StatusCode::NOT_FOUND, "InvalidResourceType"),
            Self::NoSuchSubscription(_) => (StatusCode::NOT_FOUND, "SubscriptionNotFound"),
            Self::NoSuchGroup(_) => (StatusCode::NOT_FOUND, "ResourceGroupNotFound"),
            Self::NoSuchResource(_) => (StatusCode::NOT_FOUND, "ResourceNotFound"),
            Self::NoSuchRole(_) => (StatusCode::BAD_REQUEST, "RoleDefinitionDoesNotExist"),
            Self::NoSuchPrincipal(_) => (StatusCode::BAD_REQUEST, "PrincipalNotFound"),
            Self::OnlyMethods(_) => (StatusCode::METHOD_NOT_ALLOWED, "HttpMethodNotSupported"),
            Self::Body(refused) => {
                let code = match refused {
                    BodyRefused::TooLarge { .. } => "RequestContentTooLarge",
                    BodyRefused::Busy => "ServerBusy",
                    BodyRefused::Stalled => "RequestTimeout",
                    BodyRefused::Unread(_) | BodyRefused::NotAsExpected(_) => {
                        "InvalidRequestContent"
                    }
                };
                (refused.status(), code)
            }
            Self::Filter(_) => (StatusCode::BAD_REQUEST, "InvalidFilter"),
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "InvalidRequestContent"),
            Self::Conflict { code, .. } => (StatusCode::CONFLICT, code),
            Self::Fault(fault) if fault.is_no_room() => {
                (StatusCode::INSUFFICIENT_STORAGE, "InsufficientStorage")
            }
            Self::Fault(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Token(fault) => fault.to_string(),
            Self::Denied(text)
            | Self::Filter(text)
            | Self::Invalid(text)
            | Self::Conflict { message: text, .. } => text.clone(),
            Self::MissingApiVersion => {
                "The api-version query parameter (?api-version=) is required for all requests."
                    .into()
            }
            Self::UnknownApiVersion { given, known } => format!(
                "The api-version '{given}' is invalid. The supported versions are '{}'.",
                known.join(",")
            ),
            Self::NoSuchPath(path) => format!(
                "'{path}' is not served. Subscriptions, tenants, resource groups, role definitions \
                 and assignments, and workspaces and fhirservices of Microsoft.HealthcareApis are."
            ),
            Self::NoSuchSubscription(id) => {
                format!("The subscription '{id}' could not be found.")
            }
            Self::NoSuchGroup(name) => format!("Resource group '{name}' could not be found."),
            Self::NoSuchResource(id) => format!("The resource '{id}' was not found."),
            Self::NoSuchRole(id) => format!(
                "The role definition '{id}' does not exist; GET …/roleDefinitions lists all."
            ),
            Self::NoSuchPrincipal(id) => format!(
                "Principal {id} was not found in the directory. For an application give the \
                 object id of its service principal, not the application id."
            ),
            Self::OnlyMethods(methods) => format!("What works here: {methods}."),
            Self::Body(refused) => refused.to_string(),
            Self::Fault(fault) => control::told(fault).into(),
        }
    }

    pub(crate) fn answer(&self, app: &App) -> Answer {
        let (status, code) = self.facts();
        let answer = control::error(status, code, &self.message());
        match self {
            Self::Token(fault) => challenged(answer, app, fault, &ExpectedAudience::Arm),
            Self::Body(BodyRefused::Busy) => {
                answer.with(RETRY_AFTER, HeaderValue::from_static("1"))
            }
            Self::OnlyMethods(methods) => answer.with(ALLOW, HeaderValue::from_static(methods)),
            Self::Fault(fault) => {
                tracing::error!(%fault, "the control plane failed");
                answer
            }
            _ => answer,
        }
    }
}
