//! <https://www.rfc-editor.org/rfc/rfc6750#section-2.1>

use authority::TokenFault;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The token of `Authorization: Bearer …`; the scheme is matched without regard to case.
pub(crate) fn token(headers: &HeaderMap) -> Result<&str, TokenFault> {
    let value = headers.get(AUTHORIZATION).ok_or(TokenFault::Missing)?;
    let value = value.to_str().map_err(|_| TokenFault::NotBearer)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(TokenFault::NotBearer),
    }
}
