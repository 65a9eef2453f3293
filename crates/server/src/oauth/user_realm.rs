//! <https://learn.microsoft.com/openspecs/windows_protocols/ms-oapxbc>

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::exchange::Answer;

/// `GET /common/userrealm/{user}`: who checks this user's password. Looks at the domain only, so
/// that nobody learns which users there are.
pub(super) fn user_realm(app: &App, user: &str) -> Answer {
    let domain = user.rsplit_once('@').map_or("", |(_, domain)| domain);
    let known =
        app.authority.directory().tenants().any(|it| it.domain.eq_ignore_ascii_case(domain));
    let names = app.authority.names();
    let host = names.origin.strip_prefix("https://").unwrap_or(&names.origin);
    let body = if known {
        json!({
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": domain,
            "cloud_instance_name": host,
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        })
    } else {
        json!({ "ver": "1.0", "account_type": "Unknown", "cloud_instance_name": host })
    };
    Answer::json(StatusCode::OK, &body)
}
