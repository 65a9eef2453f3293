//! Code systems whose codes are made by a grammar, not listed.

use crate::ucum;

pub(super) const UCUM: &str = "http://unitsofmeasure.org";
const LANGUAGES: &str = "urn:ietf:bcp:47";
const MEDIA_TYPES: &str = "urn:ietf:bcp:13";
const MEDIA_TYPES_TOO: &str = "http://terminology.hl7.org/CodeSystem/mime-type-rfc";
const URIS: &str = "urn:ietf:rfc:3986";

/// The value set of R4 whose published expansion holds all codes of a system that is not published
/// as a code system.
pub(super) fn listed_by(system: &str) -> Option<&'static str> {
    (system == "urn:iso:std:iso:4217").then_some("http://hl7.org/fhir/ValueSet/currencies")
}

/// Whether `code` is one of `system`; None if the system is none of these.
pub(super) fn has(system: &str, code: &str) -> Option<bool> {
    match system {
        UCUM => Some(ucum::is_valid(code)),
        LANGUAGES => Some(is_language(code)),
        MEDIA_TYPES | MEDIA_TYPES_TOO => Some(is_media_type(code)),
        URIS => Some(!code.is_empty() && !code.contains(char::is_whitespace)),
        _ => None,
    }
}

/// BCP 47, section 2.1, as far as the form goes: whether each subtag is registered is not known.
fn is_language(code: &str) -> bool {
    let mut tags = code.split('-');
    let Some(first) = tags.next() else { return false };
    let letters = |tag: &str| tag.bytes().all(|byte| byte.is_ascii_alphabetic());
    let language = (2..=8).contains(&first.len()) && letters(first);
    let private = matches!(first, "x" | "i") && code.len() > 2;
    let subtag = |tag: &str| {
        (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    (language || private) && tags.all(subtag) && !code.ends_with("-x")
}

/// RFC 6838, section 4.2, with parameters as RFC 2045 writes them.
fn is_media_type(code: &str) -> bool {
    let name = |text: &str| {
        let mut bytes = text.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let (essence, parameters) = code.split_once(';').unwrap_or((code, "a=b"));
    let parameter = |text: &str| text.split_once('=').is_some_and(|(key, _)| name(key.trim()));
    essence.trim_end().split_once('/').is_some_and(|(ty, subtype)| name(ty) && name(subtype))
        && parameters.split(';').all(parameter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(system: &str, code: &str, expected: Option<bool>) {
        assert_eq!(has(system, code), expected, "{system} {code}");
    }

    #[test]
    fn codes_are_judged_by_their_grammar() {
        check(UCUM, "mg/dL", Some(true));
        check(UCUM, "furlong", Some(false));
        check(LANGUAGES, "de-CH-1996", Some(true));
        check(LANGUAGES, "en", Some(true));
        check(LANGUAGES, "x-private", Some(true));
        check(LANGUAGES, "english language", Some(false));
        check(LANGUAGES, "", Some(false));
        check(MEDIA_TYPES, "application/fhir+json", Some(true));
        check(MEDIA_TYPES, "text/plain; charset=utf-8", Some(true));
        check(MEDIA_TYPES, "json", Some(false));
        check("http://snomed.info/sct", "73211009", None);
    }
}
