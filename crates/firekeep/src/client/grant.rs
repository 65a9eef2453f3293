//! The authority's token endpoint, as a client sees it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base::{Clock, SystemClock};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Client;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use serde_json::json;

/// Form fields of a request to the authority.
pub(crate) type Form<'a> = Vec<(&'static str, &'a str)>;

/// A granted token. It has no `Debug`, so that it cannot slip into a log.
#[derive(Deserialize)]
pub(crate) struct Grant {
    pub(crate) access_token: String,
    pub(crate) expires_in: i64,
    pub(crate) refresh_token: Option<String>,
    pub(crate) id_token: Option<String>,
}

/// The two errors of a pending device code, and all others.
pub(crate) enum GrantError {
    /// The user has not signed in yet.
    Pending,
    /// Ask less often.
    SlowDown,
    /// Anything else, as a sentence.
    Refused(anyhow::Error),
}

impl From<GrantError> for anyhow::Error {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::Refused(error) => error,
            GrantError::Pending | GrantError::SlowDown => anyhow!("the sign-in is not finished"),
        }
    }
}

/// `authority/tenant/oauth2/v2.0/what`.
pub(crate) fn endpoint(authority: &str, tenant: &str, what: &str) -> String {
    format!("{}/{tenant}/oauth2/v2.0/{what}", authority.trim_end_matches('/'))
}

/// Asks the token endpoint.
pub(crate) async fn ask(
    http: &Client,
    endpoint: &str,
    form: &Form<'_>,
) -> Result<Grant, GrantError> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        error_description: Option<String>,
    }
    let sent = http.post(endpoint).form(form).send().await;
    let response = sent.map_err(|error| GrantError::Refused(super::http::unreachable(&error)))?;
    let status = response.status();
    let body = response.bytes().await.map_err(|error| GrantError::Refused(error.into()))?;
    if status.is_success() {
        let grant = serde_json::from_slice(&body).context("the authority's answer is no token");
        return grant.map_err(GrantError::Refused);
    }
    let refusal = serde_json::from_slice::<Refusal>(&body)
        .map_err(|_not_oauth| GrantError::Refused(anyhow!("the authority answered {status}")))?;
    Err(match refusal.error.as_str() {
        "authorization_pending" => GrantError::Pending,
        "slow_down" => GrantError::SlowDown,
        _ => GrantError::Refused(anyhow!(refusal.error_description.unwrap_or(refusal.error))),
    })
}

/// A client assertion (RFC 7523) signed by the RSA key of a PEM file that also holds the
/// certificate.
pub(crate) fn assertion(pem: &Path, client_id: &str, endpoint: &str) -> Result<String> {
    let bytes = fs::read(pem).with_context(|| format!("cannot read {}", pem.display()))?;
    let certificate = CertificateDer::from_pem_slice(&bytes)
        .map_err(|_none| anyhow!("{} holds no certificate", pem.display()))?;
    let key = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_none| anyhow!("{} holds no private key", pem.display()))?;
    let pair = match &key {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        other => RsaKeyPair::from_pkcs8(other.secret_der()),
    };
    let pair = pair.map_err(|_other| anyhow!("the key of {} is not an RSA key", pem.display()))?;

    let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate);
    let header = json!({"alg": "RS256", "typ": "JWT", "x5t": encode(thumbprint.as_ref())});
    let now = SystemClock.now().unix_seconds();
    let claims = json!({
        "aud": endpoint, "iss": client_id, "sub": client_id, "jti": random_text(16),
        "iat": now, "nbf": now, "exp": now + 600,
    });
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_broken| anyhow!("the key of {} cannot sign", pem.display()))?;
    Ok(format!("{signed}.{}", encode(signature)))
}

/// Base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Unguessable text made of `bytes` random bytes.
pub(crate) fn random_text(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    base::Random::fill(&base::SystemRandom, &mut random);
    encode(random)
}

/// The claims of a JWT, unverified: for what came straight from the authority, and for showing.
pub(crate) fn part(jwt: &str, index: usize) -> Option<serde_json::Value> {
    let part = jwt.split('.').nth(index)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
}
