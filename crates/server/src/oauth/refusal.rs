//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>

use authority::TokenRefusal;
use base::Fault;
use http::header::{ALLOW, CACHE_CONTROL, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::exchange::{Answer, Request};

/// Everything the authority's endpoints refuse. What concerns grants is decided in `authority`; the
/// rest is about the request itself.
#[derive(Debug)]
pub(crate) enum Refusal {
    Grant(TokenRefusal),
    NotAForm,
    TooLarge(usize),
    BodyBroken(&'static str),
    BodyStalled,
    /// The bodies of other requests fill the memory set aside for them.
    Busy,
    OnlyPost,
    OnlyGetAndPost,
    UnknownInstance(String),
    NotOurPage,
    BadBasic,
}

impl From<TokenRefusal> for Refusal {
    fn from(refusal: TokenRefusal) -> Self {
        Self::Grant(refusal)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Grant(TokenRefusal::Fault(fault))
    }
}

impl Refusal {
    /// Status, `error`, and the number after `AADSTS`.
    pub(crate) fn numbers(&self) -> (u16, &'static str, u32) {
        match self {
            Self::Grant(refusal) => {
                let row = refusal.row();
                (row.status, row.error, row.code)
            }
            Self::NotAForm | Self::BodyBroken(_) => (400, "invalid_request", 90_013),
            Self::BodyStalled => (408, "invalid_request", 90_013),
            // Clients keep a 400 and do not ask again; this one they should.
            Self::Busy => (503, "temporarily_unavailable", 90_033),
            Self::TooLarge(_) => (413, "invalid_request", 90_013),
            Self::OnlyPost | Self::OnlyGetAndPost => (405, "invalid_request", 900_561),
            Self::UnknownInstance(_) => (400, "invalid_instance", 50_049),
            Self::NotOurPage => (403, "invalid_request", 90_013),
            Self::BadBasic => (401, "invalid_client", 7_000_218),
        }
    }

    /// What is wrong and what to do, without number and ids.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Grant(refusal) => refusal.to_string(),
            Self::NotAForm => "The parameters must be a form of UTF-8 text: Content-Type \
                 application/x-www-form-urlencoded."
                .into(),
            Self::TooLarge(limit) => {
                format!("The form is too large: at most {limit} bytes are read.")
            }
            Self::BodyBroken(why) => format!("The form could not be read: {why}."),
            Self::BodyStalled => "The client stopped sending the form. Send it again.".into(),
            Self::Busy => "A transient error has occurred. Please try again.".into(),
            Self::OnlyPost => "The endpoint only accepts POST requests with a form as body.".into(),
            Self::OnlyGetAndPost => "The endpoint only accepts GET and POST requests.".into(),
            Self::UnknownInstance(asked) => {
                format!("Unknown or invalid instance: '{asked}' is not at this authority.")
            }
            Self::NotOurPage => "This form was not sent from this authority's own page, or the \
                 page is too old. Start the sign-in again, with cookies allowed."
                .into(),
            Self::BadBasic => "The Authorization header must be 'Basic ' and the base64 of client \
                 id, colon and secret, each form-encoded."
                .into(),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.numbers().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The error body of the token, device code and discovery endpoints.
    pub(crate) fn answer(&self, app: &App, request: &Traced) -> Answer {
        self.log(request);
        let (_, error, code) = self.numbers();
        let trace = base::ids::guid(app.random.as_ref());
        let mut body = json!({
            "error": error,
            "error_description": self.described(request, trace),
            "error_codes": [code],
            "timestamp": request.timestamp,
            "trace_id": trace,
            "correlation_id": request.correlation,
            "error_uri":
                "https://learn.microsoft.com/entra/identity-platform/reference-error-codes",
        });
        if let Self::Grant(refusal) = self
            && let Some(suberror) = refusal.row().suberror
        {
            body["suberror"] = suberror.into();
        }
        let answer = Answer::json(self.status(), &body)
            .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .with_text(CLIENT_REQUEST_ID, &request.correlation);
        match self {
            Self::Busy => answer.with(RETRY_AFTER, HeaderValue::from_static("1")),
            Self::OnlyPost => answer.with(ALLOW, HeaderValue::from_static("POST")),
            Self::BadBasic => {
                answer.with(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"firekeep\""))
            }
            _ => answer,
        }
    }

    /// The sentence for a page or a redirect; a fault is logged.
    pub(crate) fn logged(&self, app: &App, request: &Traced) -> String {
        self.log(request);
        self.described(request, base::ids::guid(app.random.as_ref()))
    }

    fn log(&self, request: &Traced) {
        if let Self::Grant(TokenRefusal::Fault(fault)) = self {
            tracing::error!(%fault, correlation_id = request.correlation, "the authority failed");
        }
    }

    /// The sentence as Entra writes it, with the ids by which a log is searched.
    fn described(&self, request: &Traced, trace: Uuid) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {} Timestamp: {}",
            self.numbers().2,
            self.sentence(),
            request.correlation,
            request.timestamp
        )
    }
}

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// What an error body says about its request.
pub(crate) struct Traced {
    correlation: String,
    timestamp: String,
}

impl Traced {
    pub(crate) fn of(request: &Request) -> Self {
        let given = request.header("client-request-id").filter(|id| Uuid::try_parse(id).is_ok());
        Self {
            correlation: given.unwrap_or(&request.correlation_id).to_owned(),
            timestamp: request.now.entra(),
        }
    }
}
