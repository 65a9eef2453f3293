//! <https://hl7.org/fhir/R4/http.html#trules>: references between the entries of a transaction
//! become references to the resources that they make, wherever a resource can hold one.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use json::{Kind, Value, write_string};

use crate::fhir::types;

/// Elements of type uri, url, oid or uuid somewhere in R4. Those of type canonical stay, as R4
/// says; and in a `string`, such as the value of an Identifier, a URI is text.
const URI_ELEMENTS: [&str; 51] = [
    "address",
    "authority",
    "authorizationUrl",
    "code",
    "contentReference",
    "defaultValueOid",
    "defaultValueUri",
    "defaultValueUrl",
    "defaultValueUuid",
    "definition",
    "definitionUri",
    "derivedFromUri",
    "detail",
    "endpoint",
    "eventUri",
    "fixedOid",
    "fixedUri",
    "fixedUrl",
    "fixedUuid",
    "implicitRules",
    "instantiates",
    "instantiatesUri",
    "issuer",
    "jurisdiction",
    "link",
    "location",
    "moduleUri",
    "nameUrl",
    "onlineInformation",
    "patternOid",
    "patternUri",
    "patternUrl",
    "patternUuid",
    "policy",
    "property",
    "protocol",
    "reference",
    "relativePath",
    "rendering",
    "source",
    "sourceUri",
    "system",
    "target",
    "targetUri",
    "type",
    "uri",
    "url",
    "valueOid",
    "valueUri",
    "valueUrl",
    "valueUuid",
];

/// What the full URLs of a transaction's entries stand for.
#[derive(Debug, Default)]
pub(crate) struct References {
    /// By full URL; without the base where that is the service's own.
    targets: HashMap<String, Target>,
    /// The service's names, without trailing slashes: what is below one is below all.
    bases: Vec<String>,
    /// What references that are criteria lead to, by their texts.
    searched: HashMap<String, String>,
}

/// What an entry makes.
#[derive(Debug)]
pub(crate) struct Target {
    /// `Patient/1`
    pub(crate) reference: String,
    /// Whether the resource is new: its only version is the first, whatever the sender called it.
    pub(crate) created: bool,
}

impl References {
    /// None yet, for a service of these names.
    pub(crate) fn new(bases: Vec<String>) -> Self {
        Self { bases, ..Self::default() }
    }

    /// The same with what references that are criteria lead to.
    pub(crate) fn with(self, searched: HashMap<String, String>) -> Self {
        Self { searched, ..self }
    }

    /// Notes what `full_url` stands for; false when another entry has it already.
    pub(crate) fn add(&mut self, full_url: &str, target: Target) -> bool {
        let name = self.local(full_url).unwrap_or(full_url).to_owned();
        self.targets.insert(name, target).is_none()
    }

    /// What of a URL stands below a name of the service.
    fn local<'u>(&self, url: &'u str) -> Option<&'u str> {
        self.bases.iter().find_map(|base| url.strip_prefix(base.as_str())?.strip_prefix('/'))
    }

    /// The text of `resource` with its references rewritten; `None` when there is nothing to
    /// rewrite. What was in the version `before` a patch is not of this transaction, and stays. The
    /// error is a `urn:` reference that no entry answers to.
    pub(crate) fn rewrite(
        &self,
        resource: Value<'_>,
        own: Option<&str>,
        before: Option<Value<'_>>,
    ) -> Result<Option<Vec<u8>>, String> {
        let base = own.and_then(rest_base);
        let old = before.into_iter().flat_map(Value::strings);
        let old = old.filter_map(|(_, value)| value.as_str()).collect::<HashSet<_>>();
        let mut replacements: Vec<(Range<usize>, String)> = Vec::new();
        let (mut dangling, held) = (None, OnceCell::new());
        Place::each(resource, None, &mut |place| {
            let replacement = match place.key {
                _ if old.contains(place.text) => None,
                _ if place.is_reference() => {
                    if let Some(found) = self.searched.get(place.text) {
                        Some(found.clone())
                    } else {
                        let found = self.target(place.text, base);
                        if dangling.is_none()
                            && found.is_none()
                            && is_urn(place.text)
                            && !held.get_or_init(|| full_urls(resource)).contains(place.text)
                        {
                            dangling = Some(place.text.to_owned());
                        }
                        found
                    }
                }
                "div" => self.narrative(place.text, base),
                _ if place.is_link() => self.target(place.text, base),
                key if URI_ELEMENTS.binary_search(&key).is_ok() => self.uri(place.text, base),
                _ => None,
            };
            replacements.extend(replacement.map(|text| (place.span, text)));
        });
        match dangling {
            Some(reference) => Err(reference),
            None => Ok((!replacements.is_empty()).then(|| replaced(resource, &replacements))),
        }
    }

    /// What a reference or a link points at, when an entry makes it. What follows `#` or `|` stays,
    /// and so does a version, unless the resource is new.
    fn target(&self, text: &str, base: Option<&str>) -> Option<String> {
        let end = text.find(['#', '|']).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        let (name, version) = match name.split_once("/_history/") {
            Some((name, version)) => (name, Some(version)),
            None => (name, None),
        };
        let target = self.find(name, base)?;
        let mut found = target.reference.clone();
        if let Some(version) = version {
            found.push_str("/_history/");
            found.push_str(if target.created { "1" } else { version });
        }
        found.push_str(rest);
        (found != text).then_some(found)
    }

    /// The entry of a full URL, or of what is relative to `base` or to the service.
    fn find(&self, name: &str, base: Option<&str>) -> Option<&Target> {
        let known = |url: &str| self.targets.get(self.local(url).unwrap_or(url));
        let beside = |base: &str| known(&format!("{base}/{name}"));
        known(name).or_else(|| base.filter(|_| is_relative(name)).and_then(beside))
    }

    /// A uri that names an entry by its `urn:` or relative full URL. An absolute one may be a
    /// canonical URL, which names its resource wherever that is stored.
    fn uri(&self, text: &str, base: Option<&str>) -> Option<String> {
        if is_urn(text) || is_relative(text) { self.target(text, base) } else { None }
    }

    /// The narrative with the links of `href` and `src` rewritten.
    fn narrative(&self, div: &str, base: Option<&str>) -> Option<String> {
        let mut out = String::new();
        let mut written = 0;
        for range in links(div) {
            let link = div.get(range.clone()).unwrap_or_default();
            if let Some(target) = self.target(link, base) {
                out.push_str(div.get(written..range.start).unwrap_or_default());
                out.push_str(&target);
                written = range.end;
            }
        }
        if written == 0 {
            return None;
        }
        out.push_str(div.get(written..).unwrap_or_default());
        Some(out)
    }
}

/// A string of a resource, and where it stands.
struct Place<'p, 'd> {
    key: &'p str,
    text: &'p str,
    span: Range<usize>,
    /// The member that holds the object with the string; none for the resource itself.
    within: Option<&'p str>,
    object: Value<'d>,
}

impl Place<'_, '_> {
    /// Visits all members of `object` that are strings, in the order of the text.
    fn each(object: Value<'_>, within: Option<&str>, visit: &mut dyn FnMut(Place<'_, '_>)) {
        for member in object.members() {
            let (key, value) = (member.key(), member.value());
            let one = std::iter::once(value).filter(|value| value.kind() != Kind::Array);
            for value in one.chain(value.elements()) {
                match value.as_str() {
                    Some(text) => {
                        let span = value.span();
                        visit(Place { key: &key, text: &text, span, within, object });
                    }
                    None => Self::each(value, Some(&key), visit),
                }
            }
        }
    }

    /// Whether it is the literal of a Reference. A DetectedIssue, the education of an Immunization
    /// and an Expression have a uri of that name.
    fn is_reference(&self) -> bool {
        self.key == "reference"
            && self.within != Some("education")
            && !["resourceType", "language"].iter().any(|key| self.object.get(key).is_some())
    }

    /// Whether it tells where something is, such as what an Attachment holds: as against the
    /// canonical URL of a resource, the name of an extension, and what is named by its canonical
    /// URL.
    fn is_link(&self) -> bool {
        const NAMES: [&str; 6] =
            ["extension", "link", "modifierExtension", "request", "structure", "unmapped"];
        let names = || self.within.is_none_or(|within| NAMES.contains(&within));
        match self.key {
            "valueUrl" => true,
            "url" => self.object.get("resourceType").is_none() && !names(),
            _ => false,
        }
    }

    /// Whether it is a reference that is a search, such as `Patient?identifier=1`.
    fn is_search(&self) -> bool {
        let name = self.text.split_once('?').map(|(name, _)| name);
        name.is_some_and(|name| types::number(name).is_some()) && self.is_reference()
    }
}

/// All references of `resource` that are searches, each once.
pub(crate) fn conditionals(resource: Value<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if resource.raw().contains(&b'?') {
        Place::each(resource, None, &mut |place| {
            if place.is_search() {
                found.insert(place.text.to_owned());
            }
        });
    }
    found
}

/// The text of `resource` with references that are searches replaced; `None` without any.
pub(crate) fn resolve(resource: Value<'_>, searched: &HashMap<String, String>) -> Option<Vec<u8>> {
    let mut replacements = Vec::new();
    Place::each(resource, None, &mut |place| {
        if let Some(found) = searched.get(place.text).filter(|_| place.is_search()) {
            replacements.push((place.span, found.clone()));
        }
    });
    (!replacements.is_empty()).then(|| replaced(resource, &replacements))
}

/// The full URLs of a Bundle that the resource is or holds: a document, say, is stored as it is.
fn full_urls(resource: Value<'_>) -> HashSet<String> {
    let urls = resource.strings().filter(|(key, _)| key.as_deref() == Some("fullUrl"));
    urls.filter_map(|(_, value)| Some(value.as_str()?.into_owned())).collect()
}

fn is_urn(text: &str) -> bool {
    text.starts_with("urn:uuid:") || text.starts_with("urn:oid:")
}

/// `Patient/1`, as against a URL, a urn, or a fragment.
fn is_relative(text: &str) -> bool {
    let name = text.split('/').next().unwrap_or_default();
    types::number(name).is_some()
}

/// The base of a full URL that is a RESTful address: what relative references beside it are
/// relative to.
fn rest_base(full_url: &str) -> Option<&str> {
    let (rest, _id) = full_url.rsplit_once('/')?;
    let (base, name) = rest.rsplit_once('/')?;
    types::number(name)?;
    Some(base)
}

/// The values of `href` and `src` attributes.
fn links(div: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in div.match_indices('=') {
        let name = div.get(..at).unwrap_or_default().trim_ascii_end();
        let named = |attribute: &str| {
            let before = name.strip_suffix(attribute);
            before.is_some_and(|before| before.ends_with(|c: char| c.is_ascii_whitespace()))
        };
        if !named("href") && !named("src") {
            continue;
        }
        let value = div.get(at + 1..).unwrap_or_default();
        let quote_at = at + 1 + (value.len() - value.trim_ascii_start().len());
        let value = div.get(quote_at + 1..).unwrap_or_default();
        let quote = match div.as_bytes().get(quote_at) {
            Some(b'"') => '"',
            Some(b'\'') => '\'',
            _ => continue,
        };
        found.extend(value.find(quote).map(|end| quote_at + 1..quote_at + 1 + end));
    }
    found
}

/// The text of `resource` with other strings in the given places, which are in order.
fn replaced(resource: Value<'_>, replacements: &[(Range<usize>, String)]) -> Vec<u8> {
    let (raw, start) = (resource.raw(), resource.span().start);
    let mut out = Vec::with_capacity(raw.len() + 64);
    let mut written = 0;
    for (span, text) in replacements {
        out.extend_from_slice(raw.get(written..span.start - start).unwrap_or_default());
        write_string(&mut out, text);
        written = span.end - start;
    }
    out.extend_from_slice(raw.get(written..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use json::{Document, Limits};

    use super::*;

    const UUID: &str = "urn:uuid:00000000-0000-4000-8000-000000000001";

    fn references() -> References {
        let bases = ["https://demo.localhost", "https://localhost/fhir/demo"];
        let mut references = References::new(bases.map(str::to_owned).into());
        let mut add = |full_url: &str, reference: &str| {
            let created = reference != "List/l";
            references.add(full_url, Target { reference: reference.to_owned(), created });
        };
        add(UUID, "Patient/p");
        add("urn:oid:1.2.3", "Patient/o");
        add("Device/mine", "Device/d");
        add("http://example.org/fhir/Group/g1", "Group/g");
        add("http://example.org/vs", "ValueSet/v");
        add("https://demo.localhost/Slot/s1", "Slot/s");
        add("https://localhost/fhir/demo/List/l", "List/l");
        references
    }

    /// `$` stands for the uuid; the own full URL is `http://example.org/fhir/Observation/1`.
    fn check(text: &str, expected: &str) {
        let text = text.replace('$', UUID);
        let own = Some("http://example.org/fhir/Observation/1");
        let found = Document::parse(text.clone(), &Limits::default()).map(|document| {
            match references().rewrite(document.root(), own, None) {
                Ok(None) => text.clone(),
                Ok(Some(text)) => String::from_utf8_lossy(&text).into_owned(),
                Err(dangling) => format!("dangling {dangling}"),
            }
        });
        assert_eq!(found.as_deref(), Ok(expected.replace('$', UUID).as_str()));
    }

    #[test]
    fn references_are_rewritten_wherever_they_stand() {
        check(r#"{"subject":{"reference":"$"}}"#, r#"{"subject":{"reference":"Patient/p"}}"#);
        check(r#"{"x":[{"reference" : "$" }]}"#, r#"{"x":[{"reference" : "Patient/p" }]}"#);
        check(r#"{"reference":"urn:oid:1.2.3"}"#, r#"{"reference":"Patient/o"}"#);
        check(
            r#"{"resourceType":"DetectedIssue","reference":"$"}"#,
            r#"{"resourceType":"DetectedIssue","reference":"Patient/p"}"#,
        );
        check(r#"{"reference":"$#part"}"#, r#"{"reference":"Patient/p#part"}"#);
        check(r#"{"valueUri":"$"}"#, r#"{"valueUri":"Patient/p"}"#);
        check(r#"{"attachment":{"url":"$"}}"#, r#"{"attachment":{"url":"Patient/p"}}"#);
        check(r#"{"instantiatesUri":["$|1.0"]}"#, r#"{"instantiatesUri":["Patient/p|1.0"]}"#);
        check(r#"{"content":{"url":"Group/g1"}}"#, r#"{"content":{"url":"Group/g"}}"#);
        check(
            r#"{"photo":[{"url":"http://example.org/fhir/Group/g1"}]}"#,
            r#"{"photo":[{"url":"Group/g"}]}"#,
        );
        check(r#"{"reference":"Device/mine"}"#, r#"{"reference":"Device/d"}"#);
        check(r#"{"valueUri":"Device/mine"}"#, r#"{"valueUri":"Device/d"}"#);
        check(r#"{"reference":"Group/g1"}"#, r#"{"reference":"Group/g"}"#);
        check(r#"{"reference":"http://example.org/fhir/Group/g1"}"#, r#"{"reference":"Group/g"}"#);
        check(
            r#"{"reference":"urn\u003auuid:00000000-0000-4000-8000-000000000001"}"#,
            r#"{"reference":"Patient/p"}"#,
        );
    }

    #[test]
    fn all_names_of_the_service_are_one() {
        let rows = [
            ("https://demo.localhost/Slot/s1", "Slot/s"),
            ("https://localhost/fhir/demo/Slot/s1", "Slot/s"),
            ("Slot/s1", "Slot/s"),
            ("https://demo.localhost/List/l", "List/l"),
            ("https://localhost/fhir/demo/Device/mine", "Device/d"),
            ("https://demo.localhost.example/Slot/s1", "https://demo.localhost.example/Slot/s1"),
            ("https://demo.localhost/Slot/s2", "https://demo.localhost/Slot/s2"),
        ];
        for (text, expected) in rows {
            let reference = |text: &str| format!(r#"{{"reference":"{text}"}}"#);
            check(&reference(text), &reference(expected));
        }
    }

    #[test]
    fn a_version_stays_where_it_means_something_here() {
        let rows = [
            ("https://demo.localhost/List/l/_history/3", "List/l/_history/3"),
            ("List/l/_history/3", "List/l/_history/3"),
            ("Slot/s1/_history/7", "Slot/s/_history/1"),
            ("http://example.org/fhir/Group/g1/_history/a#x", "Group/g/_history/1#x"),
            ("Slot/s2/_history/7", "Slot/s2/_history/7"),
        ];
        for (text, expected) in rows {
            let reference = |text: &str| format!(r#"{{"reference":"{text}"}}"#);
            check(&reference(text), &reference(expected));
        }
    }

    #[test]
    fn links_of_a_narrative_are_rewritten() {
        check(
            r#"{"text":{"div":"<div><a href=\"$\">x</a> <img alt='href=$' src = '$'/> $</div>"}}"#,
            concat!(
                r#"{"text":{"div":"<div><a href=\"Patient/p\">x</a> "#,
                r#"<img alt='href=$' src = 'Patient/p'/> $</div>"}}"#
            ),
        );
        check(
            r#"{"div":"<div data-href=\"$\"></div>"}"#,
            r#"{"div":"<div data-href=\"$\"></div>"}"#,
        );
    }

    #[test]
    fn what_is_no_reference_stays() {
        for text in [
            r#"{"identifier":[{"system":"urn:ietf:rfc:3986","value":"$"}]}"#,
            r#"{"display":"$","valueString":"$"}"#,
            r#"{"reference":"Patient/other"}"#,
            r##"{"reference":"#contained"}"##,
            r#"{"url":"http://example.org/vs"}"#,
            r#"{"contained":[{"resourceType":"ValueSet","url":"http://example.org/vs"}]}"#,
            r#"{"extension":[{"url":"http://example.org/vs","valueUri":"http://example.org/vs"}]}"#,
            r#"{"instantiatesCanonical":["$|1.0"],"meta":{"profile":["$"]}}"#,
            r#"{"resourceType":"DetectedIssue","reference":"urn:oid:1.2.3.4"}"#,
            r#"{"education":[{"reference":"urn:uuid:none"}]}"#,
            r#"{"entry":[{"fullUrl":"urn:uuid:in","resource":{"reference":"urn:uuid:in"}}]}"#,
            r#"{"reference":"http://elsewhere.org/Patient/1"}"#,
            r#"{"valueUri":"urn:uuid:00000000-0000-4000-8000-00000000000f"}"#,
        ] {
            check(text, text);
        }
    }

    #[test]
    fn a_urn_that_no_entry_has_is_dangling() {
        check(r#"{"reference":"urn:uuid:other"}"#, "dangling urn:uuid:other");
        check(r#"{"reference":"urn:oid:9"}"#, "dangling urn:oid:9");
    }

    #[test]
    fn what_was_there_before_a_patch_stays() {
        let parse = |text: &str| Document::parse(text.to_owned(), &Limits::default());
        let before = parse(r#"{"x":{"reference":"urn:uuid:old"},"y":{"reference":"Device/mine"}}"#);
        let with = |z: &str| {
            let z = format!(r#","z":{{"reference":"{z}"}}}}"#);
            r#"{"x":{"reference":"urn:uuid:old"},"y":{"reference":"Device/mine"}"#.to_owned() + &z
        };
        let after = parse(&with(UUID));
        let rewritten = before
            .and_then(|before| Ok(references().rewrite(after?.root(), None, Some(before.root()))));
        let rewritten = rewritten.map(|it| it.map(|text| text.map(String::from_utf8)));
        assert_eq!(rewritten, Ok(Ok(Some(Ok(with("Patient/p"))))));
    }

    #[test]
    fn references_that_are_searches_are_found() {
        let rows = [
            (
                r#"{"subject":[{"reference":"Patient?identifier=1"}]}"#,
                &["Patient?identifier=1"][..],
            ),
            (r#"{"reference":"http://x.org/Patient?identifier=1"}"#, &[]),
            (r#"{"display":"Patient?"}"#, &[]),
            (r#"{"condition":{"language":"text/cql","reference":"Library?url=x"}}"#, &[]),
        ];
        for (text, expected) in rows {
            let found = Document::parse(text, &Limits::default())
                .map(|document| conditionals(document.root()).into_iter().collect::<Vec<_>>());
            assert_eq!(found.unwrap_or_default(), expected, "{text}");
        }
    }

    #[test]
    fn the_elements_stand_in_order() {
        assert!(URI_ELEMENTS.is_sorted());
    }
}
