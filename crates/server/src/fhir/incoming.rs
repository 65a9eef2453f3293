//! <https://hl7.org/fhir/R4/resource.html#Resource>
//!
//! A resource as it came in: read, checked, and made ready for the store.

use base::limits::{JSON_DEPTH, JSON_NODES};
use bytes::Bytes;
use json::{Document, ErrorKind, Kind, Limits, Stripped, Value};
use store::{Content, ResourceId, TypeId};

use super::bundle::conditional;
use super::context::Context;
use super::outcome::Issue;
use super::refusal::General;
use super::types;
use crate::edge::blocking;
use crate::exchange::Body;

/// Bodies longer than this are parsed and compressed away from the threads that serve sockets.
pub(crate) const LONG: usize = 64 << 10;

/// What the URL says about the resource in the body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) resource_type: TypeId,
    /// The id the body must have; `None` when the server assigns one.
    pub(crate) id: Option<ResourceId>,
}

/// A checked resource: what is stored of it, and what was compressed for the store.
pub(crate) struct Incoming {
    pub(crate) stripped: Stripped,
    pub(crate) content: Content,
}

impl Incoming {
    /// Reads the body of a create or an update.
    pub(crate) async fn read(
        cx: &Context<'_>,
        body: Body,
        expected: Expected,
    ) -> Result<Self, General> {
        let bytes = cx.read(body).await?;
        if bytes.len() <= LONG {
            return Self::of(bytes, expected);
        }
        blocking::run(move || Self::of(bytes, expected)).await?
    }

    fn of(bytes: Bytes, expected: Expected) -> Result<Self, General> {
        let document = parse(bytes)?;
        Self::check(&document, expected)?;
        Self::prepare(document.root())
    }

    /// Checks a resource that is a document of its own.
    pub(crate) fn check(document: &Document, expected: Expected) -> Result<(), General> {
        let mut issues = Vec::new();
        let root = types::name(expected.resource_type);
        Check { document, issues: &mut issues }.resource(document.root(), expected, root);
        if !issues.is_empty() {
            return Err(General::Content(issues));
        }
        match conditional(document.root()) {
            Some(reference) => Err(General::ConditionalReference(reference.into_owned())),
            None => Ok(()),
        }
    }

    /// Strips and compresses a resource that was checked.
    pub(crate) fn prepare(resource: Value<'_>) -> Result<Self, General> {
        let stripped = json::strip(resource);
        let splice = stripped.splice.to_bytes();
        let content = Content::compress(&stripped.body, stripped.hash, splice)?;
        Ok(Self { stripped, content })
    }
}

/// Parses a body; the refusal names line and column. Its bytes were limited when it was read.
pub(crate) fn parse(bytes: Bytes) -> Result<Document, General> {
    let limits = Limits { bytes: usize::MAX, depth: JSON_DEPTH, nodes: JSON_NODES };
    Document::parse(bytes, &limits).map_err(|error| {
        let (code, what) = match error.kind {
            ErrorKind::TooDeep(_) => ("too-costly", "nested too deep"),
            ErrorKind::TooLarge(_) | ErrorKind::TooManyValues(_) => ("too-long", "too large"),
            _ => ("structure", "not valid JSON"),
        };
        let issue = Issue::error(code, format!("The body is {what}: {error}."));
        General::Content(vec![issue.placed(error.position)])
    })
}

/// Collects everything that is wrong with resources of one document.
pub(crate) struct Check<'c> {
    pub(crate) document: &'c Document,
    pub(crate) issues: &'c mut Vec<Issue>,
}

impl Check<'_> {
    /// `resourceType`, `id` and `meta`; `at` is the FHIRPath of the resource.
    pub(crate) fn resource(&mut self, resource: Value<'_>, expected: Expected, at: &str) {
        if resource.kind() != Kind::Object {
            return self.wrong(resource, at, "structure", "a resource is a JSON object");
        }
        self.resource_type(resource, expected.resource_type, at);
        self.id(resource, expected.id, at);
        if let Some(meta) = resource.get("meta") {
            self.meta(meta, &format!("{at}.meta"));
        }
    }

    fn resource_type(&mut self, resource: Value<'_>, expected: TypeId, at: &str) {
        let expected = types::name(expected);
        let Some(name) = resource.get("resourceType") else {
            let text =
                format!("the resource has no resourceType. Add \"resourceType\": \"{expected}\"");
            return self.wrong(resource, at, "required", &text);
        };
        let Some(text) = name.as_str() else {
            return self.wrong(name, at, "structure", "resourceType is a string");
        };
        if types::number(&text).is_none() {
            let hint = types::meant(&text).map(|meant| format!(", did you mean '{meant}'"));
            let hint = hint.unwrap_or_default();
            let text = format!("FHIR R4 has no resource type '{text}'{hint}");
            self.wrong(name, at, "not-supported", &text);
        } else if text != expected {
            let text = format!("the URL says {expected}, the body is of type {text}");
            self.wrong(name, at, "invariant", &text);
        }
    }

    fn id(&mut self, resource: Value<'_>, expected: Option<ResourceId>, at: &str) {
        let Some(value) = resource.get("id") else {
            if let Some(expected) = expected {
                let text = format!(
                    "an update needs the id of the URL in the body: \"id\": \"{expected}\""
                );
                self.wrong(resource, at, "required", &text);
            }
            return;
        };
        let at = format!("{at}.id");
        let Some(text) = value.as_str() else {
            return self.wrong(value, &at, "structure", "an id is a string");
        };
        if ResourceId::new(&text).is_none() {
            let text = format!("'{text}' is not an id: 1 to 64 letters, digits, '-' and '.'");
            self.wrong(value, &at, "value", &text);
        } else if let Some(expected) = expected.filter(|expected| expected.as_str() != text) {
            let text = format!("the id in the URL is '{expected}', that in the body '{text}'");
            self.wrong(value, &at, "value", &text);
        }
    }

    fn meta(&mut self, meta: Value<'_>, at: &str) {
        if meta.kind() != Kind::Object {
            return self.wrong(meta, at, "structure", "meta is an object");
        }
        for member in meta.members() {
            let (key, value) = (member.key(), member.value());
            let at = format!("{at}.{key}");
            match key.as_ref() {
                "versionId" | "lastUpdated" | "source" => {
                    self.expect(value, Kind::String, &at, "a string");
                }
                "profile" => self.each(value, Kind::String, &at, "an array of strings"),
                "tag" | "security" | "extension" => {
                    self.each(value, Kind::Object, &at, "an array of objects");
                }
                _ => {}
            }
        }
    }

    fn each(&mut self, value: Value<'_>, kind: Kind, at: &str, what: &str) {
        self.expect(value, Kind::Array, at, what);
        for (place, element) in value.elements().enumerate() {
            // A primitive of an array may be null when its extensions stand beside it.
            if kind != Kind::String || element.kind() != Kind::Null {
                self.expect(element, kind, &format!("{at}[{place}]"), what);
            }
        }
    }

    fn expect(&mut self, value: Value<'_>, kind: Kind, at: &str, what: &str) {
        if value.kind() != kind {
            let name = at.rsplit('.').next().unwrap_or(at);
            self.wrong(value, at, "structure", &format!("{name} is not {what}"));
        }
    }

    /// Notes a fault with its place in the text.
    pub(crate) fn wrong(&mut self, value: Value<'_>, at: &str, code: &'static str, what: &str) {
        let position = self.document.position(value.span().start);
        let issue = Issue::error(code, format!("At {position}: {what}."));
        self.issues.push(issue.at(at).placed(position));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &'static str, id: Option<&str>, expected: &[&str]) {
        let resource_type = types::number("Patient").unwrap_or(TypeId(0));
        let wanted = Expected { resource_type, id: id.and_then(ResourceId::new) };
        let issues = match Incoming::of(Bytes::from_static(text.as_bytes()), wanted) {
            Err(General::Content(issues)) => issues,
            _ => Vec::new(),
        };
        let found: Vec<String> = issues
            .into_iter()
            .map(|issue| issue.expression.unwrap_or_else(|| issue.code.to_owned()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn every_fault_of_a_resource_is_named() {
        check(r#"{"resourceType":"Patient"}"#, None, &[]);
        check(r#"{"resourceType":"Patient","id":"p1"}"#, Some("p1"), &[]);
        check(r#"{"resourceType":"Patient","id":"other"}"#, None, &[]);
        check(r#"{"resourceType":"Patient"}"#, Some("p1"), &["Patient"]);
        check(r#"{"resourceType":"Patient","id":"p2"}"#, Some("p1"), &["Patient.id"]);
        check(r#"{"resourceType":"Patient","id":"a_b"}"#, None, &["Patient.id"]);
        check(r#"{"resourceType":"Patient","id":7}"#, None, &["Patient.id"]);
        check(r#"{"id":7,"meta":[]}"#, None, &["Patient", "Patient.id", "Patient.meta"]);
        check(r#"{"resourceType":"Observation"}"#, None, &["Patient"]);
        check(r#"{"resourceType":"patient"}"#, None, &["Patient"]);
        check(r#"[]"#, None, &["Patient"]);
        check(r#"{"resourceType":"Patient","#, None, &["structure"]);
        check(
            concat!(
                r#"{"resourceType":"Patient","meta":{"versionId":1,"source":"s","#,
                r#""profile":["p",2],"tag":{}}}"#
            ),
            None,
            &["Patient.meta.versionId", "Patient.meta.profile[1]", "Patient.meta.tag"],
        );
    }

    #[test]
    fn a_fault_says_line_and_column() {
        let resource_type = types::number("Patient").unwrap_or(TypeId(0));
        let wanted = Expected { resource_type, id: None };
        let text = "{\"resourceType\":\"Patient\",\n  \"id\": 7}";
        let refusal = Incoming::of(Bytes::from_static(text.as_bytes()), wanted).err();
        let Some(General::Content(issues)) = refusal else { unreachable!("the id is a number") };
        let location = issues.first().and_then(|issue| issue.location.as_deref());
        assert_eq!(location, Some("line 2, column 9"));
    }
}
