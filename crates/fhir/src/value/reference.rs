//! <https://hl7.org/fhir/R4/references.html#literal>

/// What a reference's text points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'t> {
    /// `Patient/1`, `Patient/1/_history/2`
    Relative(Target<'t>),
    /// `https://example.org/fhir/Patient/1`, with its base `https://example.org/fhir`
    Absolute {
        /// What stands before the type, without the slash.
        base: &'t str,
        /// What it points at.
        target: Target<'t>,
    },
    /// `Patient?identifier=a|1`
    Conditional {
        /// The type of the resource.
        resource_type: &'t str,
        /// What stands after the question mark.
        query: &'t str,
    },
    /// `urn:uuid:…`, `urn:oid:…`
    Urn(&'t str),
    /// `#id`; `#` alone is the container.
    Fragment(&'t str),
    /// Another URL: a canonical or something outside FHIR.
    Url(Canonical<'t>),
    /// Nothing of these.
    Other(&'t str),
}

/// A resource, or a version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'t> {
    /// The type of the resource.
    pub resource_type: &'t str,
    /// Its id.
    pub id: &'t str,
    /// Its version, where one is named.
    pub version: Option<&'t str>,
    /// The fragment after `#`, where there is one.
    pub fragment: Option<&'t str>,
}

impl<'t> Reference<'t> {
    /// Tells the forms apart; nothing is refused.
    #[must_use]
    pub fn parse(text: &'t str) -> Reference<'t> {
        if let Some(id) = text.strip_prefix('#') {
            return Reference::Fragment(id);
        }
        if text.starts_with("urn:") {
            return Reference::Urn(text);
        }
        if let Some((resource_type, query)) = text.split_once('?')
            && is_type(resource_type)
        {
            return Reference::Conditional { resource_type, query };
        }
        match Target::split(text) {
            Some(("", target)) => Reference::Relative(target),
            Some((base, target)) if is_url(base) => Reference::Absolute { base, target },
            _ if is_url(text) => Reference::Url(Canonical::parse(text)),
            _ => Reference::Other(text),
        }
    }

    /// The resource that a relative or absolute reference names.
    #[must_use]
    pub fn target(&self) -> Option<Target<'t>> {
        match self {
            Reference::Relative(target) | Reference::Absolute { target, .. } => Some(*target),
            Reference::Conditional { .. }
            | Reference::Urn(_)
            | Reference::Fragment(_)
            | Reference::Url(_)
            | Reference::Other(_) => None,
        }
    }
}

impl<'t> Target<'t> {
    /// The last `[type]/[id]` of a text, and what stands before it.
    fn split(text: &'t str) -> Option<(&'t str, Target<'t>)> {
        let (path, fragment) = match text.split_once('#') {
            Some((path, fragment)) => (path, Some(fragment)),
            None => (text, None),
        };
        // Most references name no version, and have no underscore, which is seen much sooner.
        let versioned = path.contains('_').then(|| path.split_once("/_history/")).flatten();
        let (path, version) = match versioned {
            Some((path, version)) if is_id(version) => (path, Some(version)),
            Some(_) => return None,
            None => (path, None),
        };
        let (front, id) = path.rsplit_once('/')?;
        let (base, resource_type) = front.rsplit_once('/').unwrap_or(("", front));
        (is_type(resource_type) && is_id(id))
            .then_some((base, Target { resource_type, id, version, fragment }))
    }
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty() && !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

fn is_type(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

/// A canonical URL: `url|version#fragment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canonical<'t> {
    /// The URL itself.
    pub url: &'t str,
    /// The business version after `|`.
    pub version: Option<&'t str>,
    /// The id after `#`.
    pub fragment: Option<&'t str>,
}

impl<'t> Canonical<'t> {
    /// Splits a canonical into its parts; nothing is refused.
    #[must_use]
    pub fn parse(text: &'t str) -> Canonical<'t> {
        let (text, fragment) = match text.split_once('#') {
            Some((text, fragment)) => (text, Some(fragment)),
            None => (text, None),
        };
        match text.split_once('|') {
            Some((url, version)) => Canonical { url, version: Some(version), fragment },
            None => Canonical { url: text, version: None, fragment },
        }
    }
}
