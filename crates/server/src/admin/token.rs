//! <https://www.rfc-editor.org/rfc/rfc7662#section-2>

use std::sync::Arc;

use authority::{Identity, TokenFault};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::app::App;
use crate::control::body;
use crate::exchange::{Answer, Request};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    token: String,
}

/// `POST /_admin/token/explain`: what a token says, whether it holds, and what it opens. Whoever
/// has the token may know.
pub(super) async fn explain(app: &Arc<App>, request: Request) -> Result<Answer, Refusal> {
    let given: Given = body::json(request.body).await?;
    let explanation = app.authority.explain(given.token.trim());
    // Only who has a token that holds learns which services there are.
    let services = explanation.services.iter().filter(|_| explanation.verdict.is_ok());
    let services = services.map(|service| {
        json!({
            "service": service.service.to_string(),
            "url": service.url,
            "allowed": service.allowed.iter().map(|it| it.name()).collect::<Vec<_>>(),
            "reason": service.reason,
        })
    });
    let answer = json!({
        "header": explanation.header,
        "claims": explanation.claims,
        "verdict": verdict(&explanation.verdict),
        "services": services.collect::<Vec<_>>(),
    });
    let no_store = http::HeaderValue::from_static("no-store");
    Ok(Answer::json(StatusCode::OK, &answer).with(CACHE_CONTROL, no_store))
}

fn verdict(verdict: &Result<Arc<Identity>, TokenFault>) -> Value {
    match verdict {
        Ok(identity) => json!({
            "valid": true,
            "objectId": identity.object_id,
            "tenantId": identity.tenant,
            "kind": identity.kind.to_string(),
            "name": identity.name,
            "audience": identity.audience,
            "expires": identity.expires.to_string(),
        }),
        Err(fault) => json!({ "valid": false, "reason": fault.to_string() }),
    }
}
