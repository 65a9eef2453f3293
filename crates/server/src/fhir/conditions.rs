//! <https://hl7.org/fhir/R4/http.html#cond-update> and RFC 9110, section 13: `If-Match` and its
//! kin.

use base::Timestamp;
use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use store::PutCondition;

const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");

/// The conditions of a request, or of an entry of a Bundle, as they were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
    /// The end of the second, or of what an entry's instant tells: what was changed before it, the
    /// client has.
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_none_exist: Option<String>,
}

/// Why a condition cannot be understood: always 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    IfMatch(String),
    IfNoneMatch(String),
    Both,
}

impl Malformed {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::IfMatch(text) => format!(
                "If-Match: {text} is not a weak ETag. Send the ETag of the version that you read, \
                 such as W/\"3\"."
            ),
            Self::IfNoneMatch(text) => format!(
                "If-None-Match: {text} has no meaning for a write; only * has: write only when the \
                 resource does not exist."
            ),
            Self::Both => {
                "If-Match says that the resource exists, If-None-Match: * that it does not. \
                           Send one of them."
                    .to_owned()
            }
        }
    }
}

impl Conditions {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        // Most requests have none, which a look at their few headers shows sooner than a search for
        // each condition.
        if !headers.keys().any(|name| name.as_str().starts_with("if-")) {
            return Self::default();
        }
        // Lines of one name are one list.
        let text = |name| {
            let lines = headers.get_all::<HeaderName>(name).iter();
            let lines = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
            lines.reduce(|all, line| format!("{all}, {line}"))
        };
        Self {
            if_match: text(IF_MATCH),
            if_none_match: text(IF_NONE_MATCH),
            if_modified_since: text(IF_MODIFIED_SINCE).as_deref().and_then(http_date),
            if_none_exist: text(IF_NONE_EXIST),
        }
    }

    /// The version that `If-Match` asks for. A weak ETag that is not one of ours asks for version
    /// 0, which no resource has.
    pub(crate) fn match_version(&self) -> Result<Option<u64>, Malformed> {
        let Some(text) = &self.if_match else { return Ok(None) };
        let version = weak(text).ok_or_else(|| Malformed::IfMatch(text.clone()))?;
        Ok(Some(number(version).unwrap_or(0)))
    }

    /// What must hold before a resource is put.
    pub(crate) fn put_condition(&self) -> Result<PutCondition, Malformed> {
        let absent = match self.if_none_match.as_deref().map(str::trim) {
            None => false,
            Some("*") => true,
            Some(other) => return Err(Malformed::IfNoneMatch(other.to_owned())),
        };
        match (self.match_version()?, absent) {
            (Some(_), true) => Err(Malformed::Both),
            (Some(version), false) => Ok(PutCondition::Version(version)),
            (None, true) => Ok(PutCondition::NotExists),
            (None, false) => Ok(PutCondition::Any),
        }
    }

    /// Whether the client has this version already. `If-None-Match` outweighs `If-Modified-Since`,
    /// as RFC 9110 says; what cannot be understood matches nothing.
    pub(crate) fn client_has(&self, version: u64, last_updated: Timestamp) -> bool {
        if let Some(tags) = &self.if_none_match {
            return tags.split(',').map(str::trim).any(|tag| {
                let tag = tag.strip_prefix("W/").unwrap_or(tag);
                let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                tag == "*" || quoted.and_then(number) == Some(version)
            });
        }
        self.if_modified_since.is_some_and(|end| last_updated < end)
    }
}

/// Whether `If-None-Match` names an ETag; both are compared weakly.
pub(crate) fn names(if_none_match: Option<&str>, etag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let mut tags = if_none_match.into_iter().flat_map(|tags| tags.split(',').map(str::trim));
    tags.any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

/// What is inside `W/"…"`.
fn weak(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("W/\"")?.strip_suffix('"')?;
    (!inside.is_empty() && !inside.contains('"')).then_some(inside)
}

/// A version number in the one way we write it.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

/// The end of the second that an HTTP date names, in any of the three forms that a recipient must
/// read: today's, that of RFC 850, and that of the C library.
fn http_date(text: &str) -> Option<Timestamp> {
    let second = http_second(text.trim())?;
    Some(Timestamp::from_unix_seconds(second.saturating_add(1)))
}

/// Seconds since 1970.
fn http_second(text: &str) -> Option<i64> {
    if let Ok(date) = DateTimeParser::new().parse_timestamp(text) {
        return Some(date.as_second());
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].iter().find_map(|form| {
        let date = strtime::parse(form, text).ok()?.to_datetime().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
    })
}

/// The ETag of a version.
pub(crate) fn etag(version: u64) -> String {
    ["W/\"", &version.to_string(), "\""].concat()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn if_match(text: &str) -> Conditions {
        Conditions { if_match: Some(text.to_owned()), ..Conditions::default() }
    }

    #[test]
    fn if_match_takes_one_weak_etag() {
        let rows = [
            ("W/\"3\"", Some(3)),
            (" W/\"12\" ", Some(12)),
            ("W/\"abc\"", Some(0)),
            ("W/\"03\"", Some(0)),
            ("\"3\"", None),
            ("3", None),
            ("*", None),
            ("W/\"\"", None),
            ("W/\"1\", W/\"2\"", None),
            ("w/\"1\"", None),
        ];
        for (text, expected) in rows {
            let read = if_match(text).match_version();
            assert_eq!(read.ok().flatten(), expected, "{text}");
            assert_eq!(if_match(text).match_version().is_err(), expected.is_none(), "{text}");
        }
    }

    #[test]
    fn lines_of_one_header_are_one_list() {
        let mut headers = HeaderMap::new();
        for tag in ["W/\"2\"", "W/\"3\""] {
            headers.append(IF_NONE_MATCH, http::HeaderValue::from_static(tag));
            headers.append(IF_MATCH, http::HeaderValue::from_static(tag));
        }
        let conditions = Conditions::of(&headers);
        assert!(conditions.client_has(3, Timestamp::from_unix_seconds(0)));
        assert!(conditions.match_version().is_err());
    }

    #[test]
    fn a_put_is_conditional_in_three_ways() {
        let with = |if_match: Option<&str>, if_none_match: Option<&str>| {
            let (if_match, if_none_match) =
                (if_match.map(str::to_owned), if_none_match.map(str::to_owned));
            Conditions { if_match, if_none_match, ..Conditions::default() }.put_condition()
        };
        assert_eq!(with(None, None), Ok(PutCondition::Any));
        assert_eq!(with(Some("W/\"2\""), None), Ok(PutCondition::Version(2)));
        assert_eq!(with(None, Some("*")), Ok(PutCondition::NotExists));
        assert_eq!(with(Some("W/\"2\""), Some("*")), Err(Malformed::Both));
        assert!(matches!(with(None, Some("W/\"2\"")), Err(Malformed::IfNoneMatch(_))));
    }

    #[test]
    fn the_client_has_what_it_names() {
        let moment = Timestamp::from_unix_seconds(1_795_532_334).plus(Duration::from_millis(999));
        let has = |none_match: Option<&str>, since: Option<&str>| {
            let if_none_match = none_match.map(str::to_owned);
            let if_modified_since = since.and_then(http_date);
            Conditions { if_none_match, if_modified_since, ..Conditions::default() }
                .client_has(3, moment)
        };
        assert!(has(Some("W/\"3\""), None));
        assert!(has(Some("\"3\""), None));
        assert!(has(Some("W/\"1\", W/\"3\""), None));
        assert!(has(Some("*"), None));
        assert!(!has(Some("W/\"2\""), None));
        assert!(!has(Some("3"), None));
        assert!(has(None, Some("Tue, 24 Nov 2026 14:58:54 GMT")));
        assert!(!has(None, Some("Tue, 24 Nov 2026 14:58:53 GMT")));
        assert!(has(None, Some("Tuesday, 24-Nov-26 14:58:54 GMT")));
        assert!(!has(None, Some("Tuesday, 24-Nov-26 14:58:53 GMT")));
        assert!(has(None, Some("Tue Nov 24 14:58:54 2026")));
        assert!(!has(None, Some("Tue Nov  3 14:58:54 2026")));
        assert!(!has(None, Some("Tuesday, 24-Nov-26 14:58:54 CET")));
        assert!(!has(None, Some("yesterday")));
        assert!(!has(Some("W/\"2\""), Some("Tue, 24 Nov 2026 14:58:54 GMT")));
        assert!(!has(None, None));
    }
}
