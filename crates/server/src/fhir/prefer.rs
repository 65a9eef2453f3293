//! <https://hl7.org/fhir/R4/http.html#return> and RFC 7240: what the client prefers.

use http::{HeaderMap, HeaderName};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What a write answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Return {
    Representation,
    Minimal,
    OperationOutcome,
}

/// The preferences of a request that mean something here. Others are, as RFC 7240 says, ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefer {
    pub(crate) returns: Return,
    /// `handling=strict`, `handling=lenient`, or nothing said.
    pub(crate) strict: Option<bool>,
}

impl Prefer {
    /// The first mention of a preference counts.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let (mut returns, mut strict) = (None, None);
        for value in headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok()) {
            for preference in value.split([',', ';']) {
                let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
                let value = value.trim().trim_matches('"');
                match (name.trim().to_ascii_lowercase().as_str(), value) {
                    ("return", "representation") => {
                        returns = returns.or(Some(Return::Representation));
                    }
                    ("return", "minimal") => returns = returns.or(Some(Return::Minimal)),
                    ("return", "OperationOutcome") => {
                        returns = returns.or(Some(Return::OperationOutcome));
                    }
                    ("handling", "strict") => strict = strict.or(Some(true)),
                    ("handling", "lenient") => strict = strict.or(Some(false)),
                    _ => {}
                }
            }
        }
        Self { returns: returns.unwrap_or(Return::Representation), strict }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_from_any_spelling_of_the_header() {
        let rows = [
            (vec![], Return::Representation, None),
            (vec!["return=minimal"], Return::Minimal, None),
            (vec!["return=\"minimal\""], Return::Minimal, None),
            (vec!["Return = OperationOutcome"], Return::OperationOutcome, None),
            (vec!["return=minimal, handling=strict"], Return::Minimal, Some(true)),
            (vec!["return=minimal; handling=lenient"], Return::Minimal, Some(false)),
            (vec!["handling=strict", "return=representation"], Return::Representation, Some(true)),
            (vec!["return=minimal", "return=representation"], Return::Minimal, None),
            (vec!["respond-async, return=other"], Return::Representation, None),
        ];
        for (lines, returns, strict) in rows {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append("prefer", http::HeaderValue::from_static(line));
            }
            assert_eq!(Prefer::of(&headers), Prefer { returns, strict }, "{lines:?}");
        }
    }
}
