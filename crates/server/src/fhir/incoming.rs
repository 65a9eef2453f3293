//! <https://hl7.org/fhir/R4/resource.html#Resource>
//!
//! A resource as it came in: read, checked, and made ready for the store.

use base::limits::{JSON_DEPTH, JSON_NODES};
use bytes::Bytes;
use json::{Document, ErrorKind, Limits, Stripped, Value};
use store::{Content, Key, Store};

use super::bundle::conditionals;
use super::check::{Checks, Expected};
use super::context::Context;
use super::outcome::Issue;
use super::refusal::General;
use super::types;
use super::values::Indexing;
use crate::edge::blocking;
use crate::exchange::Body;

/// Bodies longer than this are parsed and compressed away from the threads that serve sockets.
pub(crate) const LONG: usize = 64 << 10;

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
        (expected, key): (Expected, Key),
    ) -> Result<Self, General> {
        let bytes = cx.read(body).await?;
        let (indexing, checks) = (Indexing::of(cx)?, cx.checks.clone());
        let store = cx.service.store.clone();
        let quick = bytes.len() <= LONG && checks.are_quick(key.resource_type);
        let read = move || Self::of(bytes, (expected, key), (&checks, &indexing), &store);
        if quick { read() } else { blocking::run(read).await? }
    }

    fn of(
        bytes: Bytes,
        (expected, key): (Expected, Key),
        (checks, indexing): (&Checks, &Indexing),
        store: &Store,
    ) -> Result<Self, General> {
        let document = parse(bytes)?;
        Self::check(&document, expected, checks)?;
        Self::prepare(document.root(), key, (indexing, store))
    }

    /// Checks a resource that is a document of its own. Blocks unless the checks are quick.
    pub(crate) fn check(
        document: &Document,
        expected: Expected,
        checks: &Checks,
    ) -> Result<(), General> {
        let name = types::name(expected.resource_type);
        checks.resource(document, document.root(), expected, name)?;
        match conditionals(document.root()).pop_first() {
            Some(reference) => Err(General::ConditionalReference(reference)),
            None => Ok(()),
        }
    }

    /// Strips a resource that was checked, compresses it for the store, and extracts its search
    /// values.
    pub(crate) fn prepare(
        resource: Value<'_>,
        key: Key,
        (indexing, store): (&Indexing, &Store),
    ) -> Result<Self, General> {
        let stripped = json::strip(resource);
        let splice = stripped.splice.to_bytes();
        let dictionary = store.dictionary(key.resource_type);
        let (body, hash) = (&stripped.body, stripped.hash);
        let content = Content::compress(body, hash, splice, dictionary.as_deref())?;
        let content = indexing.add(content, key, resource);
        Ok(Self { stripped, content })
    }
}

/// Parses a body, a long one away from the threads that serve sockets.
pub(crate) async fn document(bytes: Bytes) -> Result<Document, General> {
    if bytes.len() > LONG { blocking::run(|| parse(bytes)).await? } else { parse(bytes) }
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

#[cfg(test)]
mod tests {
    use store::{ResourceId, TypeId};

    use super::super::check;
    use super::*;

    fn of(text: &'static str, wanted: Expected) -> Result<(), General> {
        let document = parse(Bytes::from_static(text.as_bytes()))?;
        check::structural(&document, document.root(), wanted, types::name(wanted.resource_type))
    }

    fn check(text: &'static str, id: Option<&str>, expected: &[&str]) {
        let resource_type = types::number("Patient").unwrap_or(TypeId(0));
        let wanted = Expected { resource_type, id: id.and_then(ResourceId::new) };
        let issues = match of(text, wanted) {
            Err(General::Content(issues)) => issues,
            _ => Vec::new(),
        };
        let found: Vec<String> = issues
            .into_iter()
            .map(|issue| issue.expression.unwrap_or_else(|| issue.code.to_owned()))
            .collect();
        assert_eq!(found, expected, "{text:?}");
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
        check(r#"{"id":7,"meta":[]}"#, None, &["Patient"]);
        let other = r#"{"resourceType":"Basic","code":{"text":"x"}}"#;
        check(other, None, &["Patient.resourceType"]);
        check(r#"{"resourceType":"patient"}"#, None, &["Patient.resourceType"]);
        check(r#"[]"#, None, &["Patient"]);
        check(r#"{"resourceType":"Patient","nmae":[]}"#, Some("p1"), &["Patient", "Patient.nmae"]);
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
        let refusal = of(text, wanted).err();
        let Some(General::Content(issues)) = refusal else { unreachable!("the id is a number") };
        let position = issues.first().and_then(|issue| issue.position);
        assert_eq!(position, Some(json::Position { line: 2, column: 9 }));
    }
}
