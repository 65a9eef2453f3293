//! <https://www.rfc-editor.org/rfc/rfc6750>
//!
//! Who a bearer token is. A token whose signature was checked is remembered by its hash, so that a
//! second use costs a hash and a few comparisons; all that can change is checked on each use.

use std::fmt;
use std::sync::Arc;

use base::Timestamp;
use base::limits::{CLOCK_SKEW, TOKEN_BYTES, TOKEN_CACHE};
use jsonwebtoken::Algorithm;
use moka::sync::Cache;
use serde::Deserialize;
use uuid::Uuid;

use crate::authority::Authority;
use crate::directory::PrincipalKind;
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

/// Why a request has no identity. Prints as a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named in the sentences")]
pub enum TokenFault {
    /// No `Authorization` header.
    Missing,
    /// Another scheme than `Bearer`.
    NotBearer,
    /// What PowerShell makes of a SecureString inside a text.
    SecureStringLiteral,
    /// Longer than any token of this authority.
    TooLong { bytes: usize },
    /// Not a JWT with the claims of an access token.
    Malformed,
    /// Another algorithm than RS256; `none` is one.
    AlgorithmRefused { alg: String },
    /// No live key has the token's `kid`.
    UnknownKey { kid: String },
    /// The signature is not of the key that the token names.
    BadSignature,
    /// `iss` is not this authority.
    WrongIssuer { sent: String, expected: String },
    /// The token's tenant is not the service's.
    WrongTenant { sent: Uuid, expected: Uuid },
    /// The token is for something else.
    WrongAudience { sent: String, expected: String },
    /// Its time is over.
    Expired { at: Timestamp, now: Timestamp },
    /// Its time has not come.
    NotYetValid { at: Timestamp, now: Timestamp },
    /// The directory has no such principal any more.
    UnknownPrincipal { object_id: Uuid },
    /// The principal is disabled.
    Disabled { object_id: Uuid },
}

impl TokenFault {
    /// Whether a token was sent at all: only then does RFC 6750 want an `error`.
    #[must_use]
    pub fn sent_a_token(&self) -> bool {
        !matches!(self, Self::Missing | Self::NotBearer)
    }
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "The request has no Authorization header. Send: Authorization: Bearer TOKEN, with \
                 a token from az account get-access-token --resource=URL --query accessToken \
                 --output tsv",
            ),
            Self::NotBearer => {
                f.write_str("The Authorization header does not have the form: Bearer TOKEN")
            }
            Self::SecureStringLiteral => f.write_str(
                "The header holds the words System.Security.SecureString instead of a token: from \
                 Az 14 on, Get-AzAccessToken returns a SecureString. Write: \"Bearer $($t.Token | \
                 ConvertFrom-SecureString -AsPlainText)\", or -Authentication Bearer -Token \
                 $t.Token",
            ),
            Self::TooLong { bytes } => write!(
                f,
                "The token has {bytes} bytes, and none of this authority has more than \
                 {TOKEN_BYTES}."
            ),
            Self::Malformed => f.write_str(
                "The token is not an access token of this authority: it is no JWT with the claims \
                 aud, iss, exp, nbf, oid, tid and appid. An id token or a refresh token does not \
                 do.",
            ),
            Self::AlgorithmRefused { alg } => {
                write!(f, "The token is signed with '{alg}'; only RS256 is accepted.")
            }
            Self::UnknownKey { kid } => write!(
                f,
                "The token's key '{kid}' is not one of the keys this authority signs with now. It \
                 comes from another authority or from before a change of keys: get a new token."
            ),
            Self::BadSignature => f.write_str(
                "The token's signature is not of the key it names: it was changed on its way, or \
                 made up. Get a new token.",
            ),
            Self::WrongIssuer { sent, expected } => {
                write!(f, "The token was issued by {sent}; this service trusts {expected}.")
            }
            Self::WrongTenant { sent, expected } => write!(
                f,
                "The token is of the tenant {sent}; this service belongs to {expected}. Ask for \
                 one with: az account get-access-token --tenant {expected}"
            ),
            Self::WrongAudience { sent, expected } => write!(
                f,
                "This token is for {sent}, this service expects {expected}. Ask for it with: az \
                 account get-access-token --resource={expected}"
            ),
            Self::Expired { at, now } => write!(
                f,
                "The token expired at {at}, and it is {now}. Get a new one: az account \
                 get-access-token does that by itself."
            ),
            Self::NotYetValid { at, now } => write!(
                f,
                "The token is not valid before {at}, and it is {now}. Check the clock of the \
                 machine that issued it."
            ),
            Self::UnknownPrincipal { object_id } => {
                write!(f, "The directory has no user or service principal {object_id} any more.")
            }
            Self::Disabled { object_id } => {
                write!(f, "The user or service principal {object_id} is disabled.")
            }
        }
    }
}

impl std::error::Error for TokenFault {}

/// The token in an `Authorization` header.
pub fn bearer(header: Option<&str>) -> Result<&str, TokenFault> {
    let header = header.map(str::trim).filter(|header| !header.is_empty());
    let header = header.ok_or(TokenFault::Missing)?;
    let (scheme, token) = header.split_once(' ').ok_or(TokenFault::NotBearer)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(TokenFault::NotBearer);
    }
    if token == "System.Security.SecureString" {
        return Err(TokenFault::SecureStringLiteral);
    }
    Ok(token)
}

/// What does not change in a token: checked once.
pub(crate) struct Claimed {
    kid: String,
    issuer: String,
    not_before: Timestamp,
    identity: Arc<Identity>,
}

/// Tokens whose signature was checked, by the SHA-256 of their text. The text itself is not kept.
pub(crate) struct Verified(Cache<[u8; 32], Arc<Claimed>>);

impl Default for Verified {
    fn default() -> Self {
        Self(Cache::new(TOKEN_CACHE))
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
        let names = self.names();
        self.check_now(&claimed, &names)?;
        check_audience(&claimed.identity.audience, expected, &names)?;
        self.check_tenant(&claimed.identity, expected)?;
        Ok(Arc::clone(&claimed.identity))
    }

    /// Who `token` is, whomever it is for.
    pub(crate) fn verify_for_anybody(&self, token: &str) -> Result<Arc<Identity>, TokenFault> {
        let claimed = self.claimed(token)?;
        self.check_now(&claimed, &self.names())?;
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
    fn check_now(&self, claimed: &Claimed, names: &Names) -> Result<(), TokenFault> {
        let Claimed { kid, issuer, not_before, identity } = claimed;
        if !self.keys().is_live(kid) {
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
        match self.directory().principal(object_id) {
            Some(it) if it.kind() == identity.kind && it.tenant() == identity.tenant => {
                if it.enabled() { Ok(()) } else { Err(TokenFault::Disabled { object_id }) }
            }
            _ => Err(TokenFault::UnknownPrincipal { object_id }),
        }
    }

    /// A service's data is for identities of the tenant that its subscription belongs to.
    fn check_tenant(
        &self,
        identity: &Identity,
        expected: &ExpectedAudience,
    ) -> Result<(), TokenFault> {
        let ExpectedAudience::Service(id) = expected else { return Ok(()) };
        let directory = self.directory();
        let workspace = directory.workspace(&id.workspace);
        let subscription =
            workspace.and_then(|workspace| directory.subscription(workspace.subscription));
        match subscription {
            Some(subscription) if subscription.tenant != identity.tenant => {
                Err(TokenFault::WrongTenant {
                    sent: identity.tenant,
                    expected: subscription.tenant,
                })
            }
            _ => Ok(()),
        }
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
    if urls.iter().any(|url| same_resource(url, sent)) {
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
    fn a_header_holds_a_bearer_token_or_says_why_not() {
        let check = |header: Option<&str>, expected: Result<&str, TokenFault>| {
            assert_eq!(bearer(header), expected, "{header:?}");
        };
        check(Some("Bearer a.b.c"), Ok("a.b.c"));
        check(Some("bearer  a.b.c "), Ok("a.b.c"));
        check(None, Err(TokenFault::Missing));
        check(Some(""), Err(TokenFault::Missing));
        check(Some("Bearer"), Err(TokenFault::NotBearer));
        check(Some("Bearer "), Err(TokenFault::NotBearer));
        check(Some("Basic YTpi"), Err(TokenFault::NotBearer));
        check(Some("Bearer System.Security.SecureString"), Err(TokenFault::SecureStringLiteral));
    }
}
