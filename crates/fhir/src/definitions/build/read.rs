//! Looking into definitions as JSON. What is not there reads as empty: definitions are published
//! with holes, and what matters about a hole is decided where it is used.

use std::borrow::Cow;

use json::Value;

use crate::definitions::texts::{Interner, Text};

/// The string at `key`; empty when there is none.
pub(super) fn string<'d>(of: Value<'d>, key: &str) -> Cow<'d, str> {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The first string that is there, where versions of FHIR name it differently. A Reference
/// stands for what it refers to.
pub(super) fn any_string<'d>(of: Value<'d>, keys: &[&str]) -> Cow<'d, str> {
    let found = keys.iter().find_map(|key| of.get(key));
    found.and_then(url).unwrap_or_default()
}

/// A URL, written as a string or as a Reference.
pub(super) fn url(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.as_str().or_else(|| value.get("reference")?.as_str())
}

pub(super) fn boolean(of: Value<'_>, key: &str) -> Option<bool> {
    of.get(key).and_then(Value::as_bool)
}

pub(super) fn number(of: Value<'_>, key: &str) -> Option<u32> {
    of.get(key).and_then(Value::as_number).and_then(|text| text.parse().ok())
}

/// The values at `key`: of an array its elements, else the one that is there.
pub(super) fn items<'d>(of: Value<'d>, key: &str) -> impl Iterator<Item = Value<'d>> {
    let value = of.get(key);
    let single = value.filter(|value| value.kind() != json::Kind::Array);
    single.into_iter().chain(value.into_iter().flat_map(Value::elements))
}

/// The extension of this URL.
pub(super) fn extension<'d>(of: Value<'d>, url: &str) -> Option<Value<'d>> {
    items(of, "extension")
        .find(|extension| extension.get("url").is_some_and(|known| known.is_str(url)))
}

/// The value of the extension of this URL, whatever type of string it is.
pub(super) fn extension_string<'d>(of: Value<'d>, url: &str) -> Cow<'d, str> {
    let value = extension(of, url).and_then(|extension| prefixed(extension, "value"));
    value.and_then(|(_, value)| value.as_str()).unwrap_or_default()
}

/// The member whose name is `prefix` and a type: (`Code`, the value) for `fixedCode`.
pub(super) fn prefixed<'d>(of: Value<'d>, prefix: &str) -> Option<(String, Value<'d>)> {
    of.members().find_map(|member| {
        let key = member.key();
        let ty = key.strip_prefix(prefix)?;
        ty.starts_with(|first: char| first.is_ascii_uppercase())
            .then(|| (ty.to_owned(), member.value()))
    })
}

impl Interner {
    /// The string at `key`.
    pub(super) fn at(&mut self, of: Value<'_>, key: &str) -> Text {
        self.text(&string(of, key))
    }
}
