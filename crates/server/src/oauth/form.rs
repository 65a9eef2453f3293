//! <https://www.rfc-editor.org/rfc/rfc6749#appendix-B>

use authority::Parameters;
use base::limits;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

use super::refusal::Refusal;
use crate::exchange::{Body, BodyFault};

/// Reads a form that was posted.
pub(crate) async fn posted(headers: &HeaderMap, body: Body) -> Result<Parameters, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::NotAForm);
    }
    let bytes = body.read(limits::FORM_BYTES).await.map_err(|fault| match fault {
        BodyFault::TooLarge { limit } => Refusal::TooLarge(limit),
        BodyFault::Stalled => Refusal::BodyStalled,
        BodyFault::Broken => Refusal::BodyBroken("the connection broke"),
        BodyFault::Encoding(_) => Refusal::BodyBroken("its Content-Encoding is not known"),
        BodyFault::NotEncoded(_) => Refusal::BodyBroken("it is not what Content-Encoding says"),
        BodyFault::Busy => Refusal::Busy,
    })?;
    parameters(&bytes)
}

/// Reads the parameters of a form or a query.
pub(crate) fn parameters(text: &[u8]) -> Result<Parameters, Refusal> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(text).into_owned().collect();
    // The decoder writes this character for bytes that are no UTF-8: it would change a secret.
    if pairs.iter().any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}')) {
        return Err(Refusal::NotAForm);
    }
    Ok(Parameters::from_pairs(pairs))
}

/// Takes client id and secret from `Authorization: Basic …`, if there is one (RFC 6749, section
/// 2.3.1).
pub(crate) fn with_basic(
    headers: &HeaderMap,
    mut parameters: Parameters,
) -> Result<Parameters, Refusal> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(parameters) };
    let header = header.to_str().map_err(|_| Refusal::BadBasic)?;
    let (scheme, credentials) = header.split_once(' ').ok_or(Refusal::BadBasic)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Refusal::BadBasic);
    }
    let credentials = STANDARD.decode(credentials.trim()).map_err(|_| Refusal::BadBasic)?;
    let credentials = String::from_utf8(credentials).map_err(|_| Refusal::BadBasic)?;
    let (client, secret) = credentials.split_once(':').ok_or(Refusal::BadBasic)?;
    parameters.set_basic(decoded(client), decoded(secret));
    Ok(parameters)
}

/// One value as a form encodes it.
fn decoded(text: &str) -> String {
    let field = format!("v={}", text.replace('&', "%26"));
    form_urlencoded::parse(field.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_basic_header_holds_a_form_encoded_id_and_secret() {
        let check = |header: &'static str, expected: Option<(&str, &str)>| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(header));
            let found = with_basic(&headers, Parameters::default()).ok();
            let found = found.as_ref().map(|it| {
                (
                    it.get("client_id").unwrap_or_default(),
                    it.get("client_secret").unwrap_or_default(),
                )
            });
            assert_eq!(found, expected, "{header}");
        };
        check("Basic YTpi", Some(("a", "b")));
        check("basic YTpi", Some(("a", "b")));
        check("Basic YSUzQTE6Yisy", Some(("a:1", "b 2")));
        check("Basic YTpiJmM=", Some(("a", "b&c")));
        check("Basic YQ==", None);
        check("Basic !", None);
        check("Bearer x", None);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(parameters(b"a=1&b=%FF").is_err());
        assert!(parameters(b"a=1&b=%C3%A4").is_ok());
    }
}
