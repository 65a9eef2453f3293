//! The FHIR REST API: one file per interaction.

use std::sync::Arc;

use http::StatusCode;

use crate::app::App;
use crate::exchange::{Answer, Request};
use crate::service::Service;

pub(crate) mod outcome;

/// Answers one request of a service; `base` is the URL under which it was called, without a trailing slash.
#[expect(clippy::unused_async, reason = "handlers that will stand here wait")]
pub(crate) async fn answer(
    _app: &Arc<App>,
    _service: &Arc<Service>,
    _base: String,
    _request: Request,
) -> Answer {
    Answer::empty(StatusCode::NOT_IMPLEMENTED)
}
