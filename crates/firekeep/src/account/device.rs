//! <https://www.rfc-editor.org/rfc/rfc8628>: sign in on another device with a code.

use std::time::Duration;

use anyhow::{Result, bail};
use reqwest::Client;

use super::session::{CLIENT_ID, user_scope};
use crate::client::control::text;
use crate::client::grant::{self, Grant, GrantError};
use crate::client::http;
use crate::output::note;

/// How much longer to wait between questions after `slow_down` (RFC 8628, section 3.5).
const SLOWER: Duration = Duration::from_secs(5);

pub(crate) async fn sign_in(
    http: &Client,
    authority: &str,
    tenant: &str,
    scope: &str,
) -> Result<Grant> {
    let scope = user_scope(scope);
    let form = [("client_id", CLIENT_ID), ("scope", scope.as_str())];
    let sent = http.post(grant::endpoint(authority, tenant, "devicecode")).form(&form).send().await;
    let start = http::json(sent.map_err(|error| http::unreachable(&error))?).await?;
    note(text(&start, "/message"));

    let seconds =
        |key: &str, default| start.get(key).and_then(serde_json::Value::as_u64).unwrap_or(default);
    let mut interval = Duration::from_secs(seconds("interval", 5));
    let patience = Duration::from_secs(seconds("expires_in", 900));
    let endpoint = grant::endpoint(authority, tenant, "token");
    let form = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", CLIENT_ID),
        ("device_code", text(&start, "/device_code")),
    ];
    let polling = async {
        loop {
            pause(interval).await;
            match grant::ask(http, &endpoint, &form).await {
                Err(GrantError::Pending) => {}
                Err(GrantError::SlowDown) => interval += SLOWER,
                Err(GrantError::Refused(error)) => return Err(error),
                Ok(grant) => return Ok(grant),
            }
        }
    };
    match tokio::time::timeout(patience, polling).await {
        Ok(done) => done,
        Err(_late) => bail!("nobody entered the code in time; run firekeep login again"),
    }
}

#[expect(clippy::disallowed_methods, reason = "RFC 8628 is polling, at the pace the server sets")]
async fn pause(interval: Duration) {
    tokio::time::sleep(interval).await;
}
