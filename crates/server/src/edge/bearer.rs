//! <https://www.rfc-editor.org/rfc/rfc6750#section-2.1>

use authority::TokenFault;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

/// The token of `Authorization: Bearer …`; `authority` knows what else people send there.
pub(crate) fn token(headers: &HeaderMap) -> Result<&str, TokenFault> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (first, another) = (sent.next(), sent.next());
    match first.map(HeaderValue::to_str) {
        Some(_) if another.is_some() => Err(TokenFault::Several),
        None => authority::bearer(None),
        Some(Ok(text)) => authority::bearer(Some(text)),
        Some(Err(_)) => Err(TokenFault::NotBearer),
    }
}
