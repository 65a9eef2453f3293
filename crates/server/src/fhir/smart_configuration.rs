//! <https://hl7.org/fhir/smart-app-launch/conformance.html>: `/.well-known/smart-configuration`.

use http::StatusCode;
use serde::Serialize;

use super::authenticate;
use super::context::Context;
use crate::app::App;
use crate::exchange::Answer;

/// The endpoints of the authority, as clients of this service should use them.
pub(crate) struct Endpoints {
    pub(crate) authorize: String,
    pub(crate) token: String,
    issuer: String,
    keys: String,
}

impl Endpoints {
    pub(crate) fn of(app: &App) -> Self {
        Self::under(&format!("{}/{}", app.authority.names().origin, authenticate::tenant(app)))
    }

    /// Those of one tenant.
    pub(crate) fn under(authority: &str) -> Self {
        Self {
            authorize: format!("{authority}/oauth2/v2.0/authorize"),
            token: format!("{authority}/oauth2/v2.0/token"),
            issuer: format!("{authority}/v2.0"),
            keys: format!("{authority}/discovery/v2.0/keys"),
        }
    }
}

#[derive(Serialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
    authorization_endpoint: String,
    token_endpoint: String,
    grant_types_supported: [&'static str; 2],
    response_types_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    code_challenge_methods_supported: [&'static str; 1],
    /// Only what works: launch contexts and SMART's own scopes are not among it.
    capabilities: [&'static str; 2],
}

/// `GET [base]/.well-known/smart-configuration`. Answered without a token.
pub(crate) fn configuration(cx: &Context<'_>) -> Answer {
    let Endpoints { authorize, token, issuer, keys } = Endpoints::of(cx.app);
    let configuration = Configuration {
        issuer,
        jwks_uri: keys,
        authorization_endpoint: authorize,
        token_endpoint: token,
        grant_types_supported: ["authorization_code", "client_credentials"],
        response_types_supported: ["code"],
        token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt"],
        code_challenge_methods_supported: ["S256"],
        capabilities: ["client-public", "client-confidential-symmetric"],
    };
    Answer::json(StatusCode::OK, &configuration)
}
