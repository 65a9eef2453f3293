//! <https://fetch.spec.whatwg.org/#http-cors-protocol>

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::config::Cors;
use crate::exchange::Answer;

/// Headers of an answer that a page's script may read.
const EXPOSED: &str =
    "Location, Content-Location, ETag, Last-Modified, Retry-After, X-Request-Id, X-Correlation-Id";

/// The answer to a preflight request, still to be dressed; `None` when the request is something
/// else.
/// It needs no token: a browser sends none.
pub(crate) fn preflight(cors: &Cors, method: &Method, headers: &HeaderMap) -> Option<Answer> {
    let wanted = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    if method != Method::OPTIONS || !headers.contains_key(ORIGIN) {
        return None;
    }
    let mut answer = Answer::empty(StatusCode::NO_CONTENT);
    if leave(cors, headers).is_none() {
        return Some(answer);
    }
    let any = |list: &[String]| list.iter().any(|item| item == "*");
    // With credentials `*` is a literal, so what was asked for is said back.
    if any(&cors.methods) {
        answer.headers.insert(ACCESS_CONTROL_ALLOW_METHODS, wanted.clone());
    } else {
        answer = answer.with_text(ACCESS_CONTROL_ALLOW_METHODS, &cors.methods.join(", "));
    }
    match headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        Some(asked) if any(&cors.headers) => {
            answer.headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        Some(_) => {
            answer = answer.with_text(ACCESS_CONTROL_ALLOW_HEADERS, &cors.headers.join(", "));
        }
        None => {}
    }
    if let Some(seconds) = cors.max_age {
        answer.headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
    Some(answer)
}

/// What `Access-Control-Allow-Origin` says to a request; `None` when its page may not read the
/// answer.
pub(crate) fn leave(cors: &Cors, request: &HeaderMap) -> Option<HeaderValue> {
    let origin = request.get(ORIGIN)?;
    if cors.origins.iter().any(|allowed| allowed == "*") {
        return Some(HeaderValue::from_static("*"));
    }
    let listed = cors.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
    listed.then(|| origin.clone())
}

/// Says to the browser whether a page may read an answer.
pub(crate) fn dress(cors: &Cors, leave: Option<HeaderValue>, answer: &mut HeaderMap) {
    answer.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = leave else { return };
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    if cors.credentials {
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a preflight request from `origin` that asks for the header `x-a` gets.
    fn asked(cors: &Cors, origin: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("PUT"));
        headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("x-a"));
        let Some(mut answer) = preflight(cors, &Method::OPTIONS, &headers) else {
            return "none".to_owned();
        };
        dress(cors, leave(cors, &headers), &mut answer.headers);
        let names = [
            ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_HEADERS,
            ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ];
        let said = names.iter().map(|name| {
            answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-")
        });
        said.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_preflight_says_what_the_configuration_says() {
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        let cors = Cors {
            origins: list(&["https://app.example"]),
            headers: list(&["authorization"]),
            methods: list(&["GET"]),
            max_age: Some(600),
            credentials: true,
        };
        assert_eq!(
            asked(&cors, "https://app.example"),
            "https://app.example GET authorization 600 true"
        );
        assert_eq!(asked(&cors, "https://evil.example"), "- - - - -");
        let all = list(&["*"]);
        let open =
            Cors { origins: all, headers: list(&["*"]), methods: list(&["*"]), ..Cors::default() };
        assert_eq!(asked(&open, "https://evil.example"), "* PUT x-a - -");
        assert!(preflight(&open, &Method::GET, &HeaderMap::new()).is_none());
    }
}
