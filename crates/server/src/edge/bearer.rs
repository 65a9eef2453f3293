//! <https://www.rfc-editor.org/rfc/rfc6750#section-2.1>

use authority::TokenFault;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

/// The token of `Authorization: Bearer …`; `authority` knows what else people send there.
pub(crate) fn token(headers: &HeaderMap) -> Result<&str, TokenFault> {
    match headers.get(AUTHORIZATION).map(HeaderValue::to_str) {
        None => authority::bearer(None),
        Some(Ok(text)) => authority::bearer(Some(text)),
        Some(Err(_)) => Err(TokenFault::NotBearer),
    }
}
