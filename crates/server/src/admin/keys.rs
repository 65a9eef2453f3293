//! <https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys>

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use super::allow;
use super::refusal::Refusal;
use crate::app::App;
use crate::edge::blocking;
use crate::exchange::{Answer, Request};

/// `GET /_admin/keys`: what is published, the key that signs first.
pub(super) fn list(app: &App, request: &Request) -> Result<Answer, Refusal> {
    allow(app, request, "Firekeep/keys/read")?;
    Ok(shape(app))
}

/// `POST /_admin/keys/rotate`: the next key signs from now on; the old one still verifies.
pub(super) async fn rotate(app: &Arc<App>, request: Request) -> Result<Answer, Refusal> {
    allow(app, &request, "Firekeep/keys/rotate/action")?;
    let authority = Arc::clone(&app.authority);
    blocking::run(move || authority.rotate_keys()).await??;
    Ok(shape(app))
}

fn shape(app: &App) -> Answer {
    let keys = app.authority.published_keys().into_iter();
    let keys: Vec<_> = keys.map(|key| json!({ "kid": key.kid, "x5t": key.x5t })).collect();
    Answer::json(StatusCode::OK, &json!({ "keys": keys }))
}
