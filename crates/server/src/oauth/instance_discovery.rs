//! <https://learn.microsoft.com/entra/identity-platform/msal-client-application-configuration>

use http::StatusCode;
use serde_json::json;

use super::form;
use super::refusal::Refusal;
use crate::app::App;
use crate::exchange::{Answer, Request};

/// `GET /common/discovery/instance`: whether an authority is known, and where its tenant's
/// discovery document is. Only this authority is known.
pub(super) fn instance_discovery(app: &App, request: &Request) -> Result<Answer, Refusal> {
    let parameters = form::parameters(request.query.as_bytes())?;
    let missing = authority::TokenRefusal::Missing { parameter: "authorization_endpoint" };
    let asked = parameters.get("authorization_endpoint").ok_or(missing)?;
    let names = app.authority.names();
    let host = names.origin.strip_prefix("https://").unwrap_or(&names.origin);
    let foreign = || Refusal::UnknownInstance(asked.to_owned());
    let (asked_host, path) =
        asked.strip_prefix("https://").and_then(|rest| rest.split_once('/')).ok_or_else(foreign)?;
    // Clients leave the port out of the host that they ask about.
    let bare = |host: &str| host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if bare(asked_host) != bare(host) {
        return Err(foreign());
    }
    let tenant = path.split('/').next().unwrap_or_default();
    app.authority.tenant(tenant)?;
    let origin = &names.origin;
    Ok(Answer::json(
        StatusCode::OK,
        &json!({
            "tenant_discovery_endpoint":
                format!("{origin}/{tenant}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{
                "preferred_network": host,
                "preferred_cache": host,
                "aliases": [host],
            }],
        }),
    ))
}
