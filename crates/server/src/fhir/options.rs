//! <https://www.rfc-editor.org/rfc/rfc9110#name-options>

use http::header::ALLOW;
use http::{Method, StatusCode};

use super::route::{Interaction, Refusal};
use crate::exchange::Answer;

/// `OPTIONS [base]/…`: what may be asked in this place. It needs no token, as `/metadata` needs
/// none. Of browsers' preflight requests those come here that no `cors` of the configuration
/// answers: without its headers, a page may not go on.
pub(crate) fn options(method: &Method, routed: &Result<Interaction, Refusal>) -> Option<Answer> {
    let Err(Refusal::Method { allow, .. }) = routed else { return None };
    (*method == Method::OPTIONS).then(|| {
        let mut answer = Answer::empty(StatusCode::NO_CONTENT).with_text(ALLOW, &with_it(allow));
        answer.note.interaction = Some("options");
        answer
    })
}

/// The methods of a place, this one among them.
pub(super) fn with_it(allow: &str) -> String {
    format!("{allow}, OPTIONS")
}

#[cfg(test)]
mod tests {
    use super::super::route::route;
    use super::*;

    fn check(method: &Method, path: &str, expected: Option<&str>) {
        let answer = options(method, &route(method, path, ""));
        let allow = answer.as_ref().and_then(|answer| answer.headers.get(ALLOW));
        assert_eq!(allow.and_then(|value| value.to_str().ok()), expected, "{method} {path}");
    }

    #[test]
    fn each_place_says_what_may_be_asked_in_it() {
        let check_options = |path, expected| check(&Method::OPTIONS, path, expected);
        check_options("/", Some("GET, HEAD, POST, OPTIONS"));
        check_options("/metadata", Some("GET, HEAD, OPTIONS"));
        check_options("/Patient", Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        check_options("/Patient/_search", Some("GET, HEAD, POST, OPTIONS"));
        check_options("/Patient/p1", Some("GET, HEAD, PUT, PATCH, DELETE, OPTIONS"));
        check_options("/Patient/p1/_history/1", Some("GET, HEAD, OPTIONS"));
        check_options("/Patient/p1/$purge-history", Some("POST, DELETE, OPTIONS"));
        check_options("/Patient/p1/$meta-add", Some("POST, OPTIONS"));
        check_options("/Dog", None);
        check_options("/Patient/a_b", None);
        check(&Method::TRACE, "/Patient", None);
        check(&Method::GET, "/Patient", None);
    }
}
