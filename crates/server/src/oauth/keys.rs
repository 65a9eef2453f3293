//! <https://www.rfc-editor.org/rfc/rfc7517#section-5>

use http::StatusCode;
use serde_json::json;

use super::refusal::Refusal;
use crate::app::App;
use crate::exchange::Answer;

/// `GET /{tenant}/discovery/keys` and `/discovery/v2.0/keys`: one set for all tenants.
pub(super) fn keys(app: &App, tenant: &str) -> Result<Answer, Refusal> {
    app.authority.tenant(tenant)?;
    let keys = app.authority.published_keys().into_iter().map(|key| {
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": key.kid,
            "x5t": key.x5t,
            "n": key.n,
            "e": key.e,
            "x5c": [key.x5c],
        })
    });
    Ok(Answer::json(StatusCode::OK, &json!({ "keys": keys.collect::<Vec<_>>() })))
}
