//! <https://www.rfc-editor.org/rfc/rfc6750>
//!
//! Who a bearer token is. A token whose signature was checked is remembered by its hash, so that a
//! second use costs a hash and a few comparisons, and on the same connection not even the hash; all
//! that can change is checked on each use.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base::Timestamp;
use base::limits::{CLOCK_SKEW, TOKEN_BYTES, TOKEN_CACHE};
use jsonwebtoken::Algorithm;
use moka::sync::Cache;
use parking_lot::Mutex;
use serde::Deserialize;
use uuid::Uuid;

use crate::authority::Authority;
use crate::directory::{Directory, PrincipalKind};
use crate::fault::{TokenFault, bearer};
use crate::jwt::Jwt;
use crate::names::{ExpectedAudience, Names, same_resource};
use crate::secret::sha256;

/// Whose request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The directory object id: what roles and lists of allowed object IDs name.
    pub object_id: Uuid,
    /// The tenant.
    pub tenant: Uuid,
    /// The application that asked for the token.
    pub client_id: Uuid,
    /// Person or application.
    pub kind: PrincipalKind,
    /// The user principal name, or the application's name, if the directory still knows it.
    pub name: Option<String>,
    /// Delegated permissions; empty for applications.
    pub scopes: Vec<String>,
    /// For whom the token is, as it was asked for.
    pub audience: String,
    /// When the token ends.
    pub expires: Timestamp,
    /// What tells this token from others: claim `uti`. Fit for logs.
    pub token_id: String,
}

/// What does not change in a token: checked once.
pub(crate) struct Claimed {
    kid: String,
    issuer: String,
    not_before: Timestamp,
    identity: Arc<Identity>,
}

/// Tokens whose signature was checked, by the SHA-256 of their text, which itself is not kept here.
pub(crate) struct Verified(Cache<[u8; 32], Arc<Claimed>>);

impl Default for Verified {
    fn default() -> Self {
        Self(Cache::new(TOKEN_CACHE))
    }
}

/// The value of `Authorization` that a connection sent last, if its token was good. Its signature
/// was checked, so the next request that brings the same need neither read nor hash it to know what
/// it claims. It is forgotten with its connection, or when it is no longer good.
#[derive(Default)]
pub struct LastToken(Mutex<Option<Sent>>);

struct Sent {
    credentials: Box<[u8]>,
    claimed: Arc<Claimed>,
}

impl Sent {
    /// Whether it is this one. Behind a proxy a connection is shared by many, so the time that this
    /// takes must not tell how much of another one's token was guessed.
    fn is(&self, credentials: &[u8]) -> bool {
        verify_slices_are_equal(&self.credentials, credentials).is_ok()
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    exp: i64,
    nbf: i64,
    oid: Uuid,
    tid: Uuid,
    appid: Uuid,
    #[serde(default)]
    idtyp: String,
    #[serde(default)]
    scp: String,
    #[serde(default)]
    uti: String,
}

impl Authority {
    /// Who `token` is, if it is good here and now for `expected`.
    pub fn verify(
        &self,
        token: &str,
        expected: &ExpectedAudience,
    ) -> Result<Arc<Identity>, TokenFault> {
        let claimed = self.claimed(token)?;
        self.check_for(&claimed, expected)
    }

    /// Whose the value of an `Authorization` header is, which its connection may have sent before.
    pub fn verify_again(
        &self,
        last: &LastToken,
        credentials: &[u8],
        expected: &ExpectedAudience,
    ) -> Result<Arc<Identity>, TokenFault> {
        let mut last = last.0.lock();
        if let Some(sent) = last.as_ref().filter(|sent| sent.is(credentials)) {
            let answer = self.check_for(&sent.claimed, expected);
            if answer.is_err() {
                *last = None;
            }
            return answer;
        }
        let claimed = self.claimed(bearer(credentials)?)?;
        let identity = self.check_for(&claimed, expected)?;
        *last = Some(Sent { credentials: credentials.into(), claimed });
        Ok(identity)
    }

    fn check_for(
        &self,
        claimed: &Claimed,
        expected: &ExpectedAudience,
    ) -> Result<Arc<Identity>, TokenFault> {
        let (names, directory) = (self.names_now(), self.directory_now());
        self.check_now(claimed, &names, &directory)?;
        check_audience(&claimed.identity.audience, expected, &names)?;
        check_tenant(&claimed.identity, expected, &directory)?;
        Ok(Arc::clone(&claimed.identity))
    }

    /// Who `token` is, whomever it is for.
    pub(crate) fn verify_for_anybody(&self, token: &str) -> Result<Arc<Identity>, TokenFault> {
        let claimed = self.claimed(token)?;
        self.check_now(&claimed, &self.names_now(), &self.directory_now())?;
        Ok(Arc::clone(&claimed.identity))
    }

    /// The claims of a token whose signature holds.
    fn claimed(&self, token: &str) -> Result<Arc<Claimed>, TokenFault> {
        if token.len() > TOKEN_BYTES {
            return Err(TokenFault::TooLong { bytes: token.len() });
        }
        let hash = sha256(token.as_bytes());
        if let Some(known) = self.verified().0.get(&hash) {
            return Ok(known);
        }
        let claimed = Arc::new(self.check_signature(token)?);
        self.verified().0.insert(hash, Arc::clone(&claimed));
        Ok(claimed)
    }

    fn check_signature(&self, token: &str) -> Result<Claimed, TokenFault> {
        let jwt = Jwt::split(token).ok_or(TokenFault::Malformed)?;
        let Header { alg, kid } = jwt.header().ok_or(TokenFault::Malformed)?;
        if alg != "RS256" {
            return Err(TokenFault::AlgorithmRefused { alg: readable(&alg) });
        }
        let keys = self.keys();
        let unknown = || TokenFault::UnknownKey { kid: readable(&kid) };
        let key = keys.verifier(&kid).ok_or_else(unknown)?;
        if !jwt.is_signed_by(key, Algorithm::RS256) {
            return Err(TokenFault::BadSignature);
        }
        let claims: Claims = jwt.claims().ok_or(TokenFault::Malformed)?;
        let kind = match claims.idtyp.as_str() {
            "user" => PrincipalKind::User,
            "app" => PrincipalKind::ServicePrincipal,
            _ => return Err(TokenFault::Malformed),
        };
        let directory = self.directory();
        let name = directory.principal(claims.oid).map(|principal| principal.name().to_owned());
        Ok(Claimed {
            kid,
            issuer: claims.iss,
            not_before: Timestamp::from_unix_seconds(claims.nbf),
            identity: Arc::new(Identity {
                object_id: claims.oid,
                tenant: claims.tid,
                client_id: claims.appid,
                kind,
                name,
                scopes: claims.scp.split_whitespace().map(ToOwned::to_owned).collect(),
                audience: claims.aud,
                expires: Timestamp::from_unix_seconds(claims.exp),
                token_id: claims.uti,
            }),
        })
    }

    /// What can change from one use to the next, whomever the token is for.
    fn check_now(
        &self,
        claimed: &Claimed,
        names: &Names,
        directory: &Directory,
    ) -> Result<(), TokenFault> {
        let Claimed { kid, issuer, not_before, identity } = claimed;
        if !self.keys_now().is_live(kid) {
            return Err(TokenFault::UnknownKey { kid: kid.clone() });
        }
        if !is_issuer(issuer, &names.origin, identity.tenant) {
            return Err(TokenFault::WrongIssuer {
                sent: readable(issuer),
                expected: format!("{}/{}/", names.origin, identity.tenant),
            });
        }
        let now = self.now();
        if identity.expires.plus(CLOCK_SKEW) <= now {
            return Err(TokenFault::Expired { at: identity.expires, now });
        }
        if *not_before > now.plus(CLOCK_SKEW) {
            return Err(TokenFault::NotYetValid { at: *not_before, now });
        }
        let object_id = identity.object_id;
        match directory.principal(object_id) {
            Some(it) if it.kind() == identity.kind && it.tenant() == identity.tenant => {
                if it.enabled() { Ok(()) } else { Err(TokenFault::Disabled { object_id }) }
            }
            _ => Err(TokenFault::UnknownPrincipal { object_id }),
        }
    }
}

/// A service's data is for identities of the tenant that its subscription belongs to.
fn check_tenant(
    identity: &Identity,
    expected: &ExpectedAudience,
    directory: &Directory,
) -> Result<(), TokenFault> {
    let ExpectedAudience::Service(id) = expected else { return Ok(()) };
    match directory.service_tenant(id) {
        Some(tenant) if tenant != identity.tenant => {
            Err(TokenFault::WrongTenant { sent: identity.tenant, expected: tenant })
        }
        // Where the service is gone, the decision says so.
        Some(_) | None => Ok(()),
    }
}

/// Whether `issuer` is this authority for `tenant`, in the v1 or the v2 form.
fn is_issuer(issuer: &str, origin: &str, tenant: Uuid) -> bool {
    let mut buffer = Uuid::encode_buffer();
    let tenant: &str = tenant.as_hyphenated().encode_lower(&mut buffer);
    let form = issuer
        .strip_prefix(origin)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|rest| rest.strip_prefix(tenant));
    matches!(form, Some("/" | "/v2.0"))
}

fn check_audience(
    sent: &str,
    expected: &ExpectedAudience,
    names: &Names,
) -> Result<(), TokenFault> {
    let urls = names.urls(expected);
    // Most often one is spelled alike, which is soon seen.
    if urls.iter().any(|url| url == sent) || urls.iter().any(|url| same_resource(url, sent)) {
        return Ok(());
    }
    Err(TokenFault::WrongAudience {
        sent: readable(sent),
        expected: urls.first().cloned().unwrap_or_default(),
    })
}

/// What a token says, cut to what an error message may repeat.
fn readable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_tokens_are_remembered_than_the_limit() {
        let verified = Verified::default().0;
        let claimed = Arc::new(Claimed {
            kid: String::new(),
            issuer: String::new(),
            not_before: Timestamp::from_unix_seconds(0),
            identity: Arc::new(Identity {
                object_id: Uuid::nil(),
                tenant: Uuid::nil(),
                client_id: Uuid::nil(),
                kind: PrincipalKind::User,
                name: None,
                scopes: Vec::new(),
                audience: String::new(),
                expires: Timestamp::from_unix_seconds(0),
                token_id: String::new(),
            }),
        });
        let remember = |number: u64| {
            verified.insert(sha256(&number.to_be_bytes()), Arc::clone(&claimed));
            verified.run_pending_tasks();
            verified.entry_count()
        };
        let sizes: Vec<_> = (0..TOKEN_CACHE).map(remember).collect();
        assert_eq!(sizes.last(), Some(&TOKEN_CACHE));
        assert_eq!(remember(TOKEN_CACHE), TOKEN_CACHE);
    }
}
