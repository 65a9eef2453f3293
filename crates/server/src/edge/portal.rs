//! What a person sees who opens the authority's address in a browser.

use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderValue, Method, StatusCode};

use crate::exchange::{Answer, Request};

const PAGE: &str = include_str!("portal.html");

pub(crate) fn answer(request: &Request) -> Answer {
    if request.method != Method::GET {
        return Answer::empty(StatusCode::METHOD_NOT_ALLOWED)
            .with(http::header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    Answer::of(StatusCode::OK, HeaderValue::from_static("text/html; charset=utf-8"), PAGE)
        .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
        .named("page")
}
