//! The HTTP client: which certificates it trusts, how names under `.localhost` are found, how
//! refusals are told.

use std::error::Error as _;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use reqwest::{Certificate, Client, Response, Url};
use serde::Deserialize;
use serde_json::Value;

/// A client for `url`. With `ca` only what that file's authorities signed is trusted; without, what
/// the system trusts.
pub(crate) fn client(url: &str, ca: Option<&Path>) -> Result<Client> {
    let url = parse(url)?;
    let mut builder = Client::builder()
        .user_agent(concat!("firekeep/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none());
    if let Some(host) = url.host_str().filter(|host| is_loopback(host)) {
        // `*.fhir.localhost` is this machine (RFC 6761), whatever its resolver knows.
        let here = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        builder = builder.no_proxy().resolve_to_addrs(host, &here.map(|ip| SocketAddr::new(ip, 0)));
    }
    if let Some(file) = ca {
        builder = builder.tls_certs_only(certificates(file)?);
    }
    builder.build().context("the HTTP client cannot be made")
}

fn certificates(file: &Path) -> Result<Vec<Certificate>> {
    let pem = fs::read(file)
        .with_context(|| format!("cannot read the CA certificates of {}", file.display()))?;
    let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() {
        bail!("{} holds no PEM certificate", file.display());
    }
    Ok(found)
}

/// An absolute URL, or a sentence about what it should look like.
pub(crate) fn parse(url: &str) -> Result<Url> {
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "https" | "http") && parsed.has_host() => {
            Ok(parsed)
        }
        _ => bail!("'{url}' is not a URL like https://localhost:8443"),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// The reason of a failed exchange in one sentence: what the HTTP library says, and what lies under
/// it.
pub(crate) fn unreachable(error: &reqwest::Error) -> anyhow::Error {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    let from = error.url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let what = if error.is_timeout() { "took too long to answer" } else { "does not answer" };
    let mut sentence = format!("{from} {what}");
    if !text.is_empty() {
        let _infallible = write!(sentence, " ({text})");
    }
    if text.contains("UnknownIssuer") {
        sentence.push_str("; login and load trust the certificates that --ca FILE names");
    }
    anyhow!(sentence)
}

/// The JSON of a control-plane or authority answer (null when it is empty), or its error as a
/// sentence.
pub(crate) async fn json(response: Response) -> Result<Value> {
    let status = response.status();
    let body = response.bytes().await.map_err(|error| unreachable(&error))?;
    if !status.is_success() {
        return Err(anyhow!(refusal(&body).unwrap_or_else(|| format!("the answer was {status}"))));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body).context("the server's answer is not JSON")
}

/// Errors of the authority (`error_description`) and of ARM and Graph (`error.message`).
fn refusal(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: Value,
        error_description: Option<String>,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let message = refusal.error.get("message").and_then(Value::as_str).map(str::to_owned);
    refusal.error_description.or(message)
}
