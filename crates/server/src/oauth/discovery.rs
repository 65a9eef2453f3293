//! <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata>

use authority::{Endpoint, Shape};
use http::StatusCode;
use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::app::App;
use crate::exchange::Answer;

/// `GET /{tenant}/.well-known/openid-configuration`, its `/v2.0` and its `/adfs` form.
pub(super) fn discovery(app: &App, at: &Endpoint) -> Result<Answer, Refusal> {
    let tenant = app.authority.tenant(&at.tenant)?;
    let any_tenant = matches!(at.tenant.as_str(), "organizations" | "common");
    // Who signs in decides the tenant: the issuer is then a pattern, and a client fills it in.
    let issuer = if any_tenant { "{tenantid}".to_owned() } else { tenant.id.to_string() };
    Ok(Answer::json(StatusCode::OK, &document(&app.authority.names().origin, at, &issuer)))
}

/// The folder of a tenant's endpoints: `/T/oauth2/v2.0`, `/T/oauth2` or `/adfs/oauth2`.
pub(super) fn folder(at: &Endpoint) -> String {
    match at.shape {
        Shape::V1 | Shape::Adfs => format!("/{}/oauth2", at.tenant),
        Shape::V2 => format!("/{}/oauth2/v2.0", at.tenant),
    }
}

fn document(origin: &str, at: &Endpoint, issuer: &str) -> Value {
    let base = format!("{origin}{}", folder(at));
    let (issuer, keys) = match at.shape {
        Shape::V2 => (format!("{origin}/{issuer}/v2.0"), "discovery/v2.0/keys"),
        Shape::V1 | Shape::Adfs => (format!("{origin}/{issuer}/"), "discovery/keys"),
    };
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "device_authorization_endpoint": format!("{base}/devicecode"),
        "end_session_endpoint": format!("{base}/logout"),
        "jwks_uri": format!("{origin}/{}/{keys}", at.tenant),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": [
            "authorization_code",
            "client_credentials",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "client_secret_basic",
            "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["pairwise"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "tid", "oid", "name",
            "preferred_username", "ver",
        ],
        "claims_parameter_supported": false,
        "request_uri_parameter_supported": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tenant: &str, shape: Shape, issuer: &str, expected: [&str; 3]) {
        let at = Endpoint::new(tenant, shape);
        let document = document("https://localhost:8443", &at, issuer);
        let found = ["issuer", "token_endpoint", "jwks_uri"].map(|name| document[name].clone());
        let expected = expected.map(|path| Value::from(format!("https://localhost:8443{path}")));
        assert_eq!(found, expected, "{tenant}");
    }

    #[test]
    fn each_shape_names_its_own_endpoints_with_the_port() {
        check("t", Shape::V2, "T", ["/T/v2.0", "/t/oauth2/v2.0/token", "/t/discovery/v2.0/keys"]);
        check("t", Shape::V1, "T", ["/T/", "/t/oauth2/token", "/t/discovery/keys"]);
        check("adfs", Shape::Adfs, "T", ["/T/", "/adfs/oauth2/token", "/adfs/discovery/keys"]);
        check(
            "common",
            Shape::V2,
            "{tenantid}",
            ["/{tenantid}/v2.0", "/common/oauth2/v2.0/token", "/common/discovery/v2.0/keys"],
        );
    }
}
