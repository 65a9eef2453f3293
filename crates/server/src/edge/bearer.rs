//! <https://www.rfc-editor.org/rfc/rfc6750#section-2.1>

use authority::TokenFault;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The token of `Authorization: Bearer …`; `authority` knows what else people send there.
pub(crate) fn token(headers: &HeaderMap) -> Result<&str, TokenFault> {
    authority::bearer(credentials(headers)?)
}

/// The value of `Authorization`, which comes alone.
pub(crate) fn credentials(headers: &HeaderMap) -> Result<&[u8], TokenFault> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let first = sent.next().ok_or(TokenFault::Missing)?;
    match sent.next() {
        Some(_) => Err(TokenFault::Several),
        None => Ok(first.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_is_ascii_and_comes_alone() {
        let check = |lines: &[&[u8]], expected: Result<&str, TokenFault>| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(AUTHORIZATION, HeaderValue::from_bytes(line).unwrap());
            }
            assert_eq!(token(&headers), expected, "{lines:?}");
        };
        check(&[b"Bearer a.b.c"], Ok("a.b.c"));
        check(&[b"Bearer\ta.b.c"], Err(TokenFault::NotBearer));
        check(&["Bearer ä".as_bytes()], Err(TokenFault::NotBearer));
        check(&[b"Bearer \xff"], Err(TokenFault::NotBearer));
        check(&[b"Bearer a", b"Bearer a"], Err(TokenFault::Several));
        check(&[], Err(TokenFault::Missing));
    }
}
