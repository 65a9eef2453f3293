//! `/_admin/`: what the command line needs and neither ARM nor Graph has.

use std::sync::Arc;

use http::StatusCode;

use crate::app::App;
use crate::exchange::{Answer, Request};

/// Answers one request of this area.
#[expect(clippy::unused_async, reason = "handlers that will stand here wait")]
pub(crate) async fn answer(_app: &Arc<App>, _request: Request) -> Answer {
    Answer::empty(StatusCode::NOT_IMPLEMENTED)
}
