//! <https://www.rfc-editor.org/rfc/rfc6750#section-3>
//!
//! Why a request has no identity, in sentences that say what to do about it.

use std::fmt;

use base::Timestamp;
use base::limits::TOKEN_BYTES;
use uuid::Uuid;

/// Why a request has no identity. Prints as a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named in the sentences")]
pub enum TokenFault {
    /// No `Authorization` header.
    Missing,
    /// More than one `Authorization` header: which of them counts would be a guess.
    Several,
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
        !matches!(self, Self::Missing | Self::Several | Self::NotBearer)
    }
}

const SEVERAL: &str = "The request has several Authorization headers. Send one.";

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "The request has no Authorization header. Send: Authorization: Bearer TOKEN, with \
                 a token from az account get-access-token --resource=URL --query accessToken \
                 --output tsv",
            ),
            Self::Several => f.write_str(SEVERAL),
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

/// The token in the value of an `Authorization` header.
pub fn bearer(header: &[u8]) -> Result<&str, TokenFault> {
    let text = std::str::from_utf8(header).ok().filter(|text| text.is_ascii());
    let header = text.ok_or(TokenFault::NotBearer)?.trim();
    if header.is_empty() {
        return Err(TokenFault::Missing);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_a_bearer_token_or_says_why_not() {
        let check = |header: &str, expected: Result<&str, TokenFault>| {
            assert_eq!(bearer(header.as_bytes()), expected, "{header:?}");
        };
        check("Bearer a.b.c", Ok("a.b.c"));
        check("bearer  a.b.c ", Ok("a.b.c"));
        check("", Err(TokenFault::Missing));
        check("Bearer", Err(TokenFault::NotBearer));
        check("Bearer ", Err(TokenFault::NotBearer));
        check("Bearer ä", Err(TokenFault::NotBearer));
        check("Basic YTpi", Err(TokenFault::NotBearer));
        check("Bearer System.Security.SecureString", Err(TokenFault::SecureStringLiteral));
    }
}
