//! FHIR XML there and back: all official examples, and the definitions that were published as XML
//! and as JSON.

use std::collections::{BTreeMap, BTreeSet};

use fhir::{Definitions, xml};
use json::{Document, Kind, Limits, Value};

use crate::archive::Archive;

const EXAMPLES: &str = "definitions/r4/r4-examples-json-728.tar.zst";
const AS_XML: &str = "definitions/r4/hl7.fhir.r4.corexml-4.0.1.tar.zst";
const AS_JSON: &str = "definitions/r4/hl7.fhir.r4.core-4.0.1.tar.zst";

/// A resource as XML, pretty or not, reads as what it was.
fn there_and_back(bytes: &[u8]) -> Result<(), String> {
    let original = document(bytes)?;
    // The few long ones are most of the bytes.
    let pretty_too = bytes.len() < 1 << 20;
    for pretty in [false, true].into_iter().filter(|pretty| !pretty || pretty_too) {
        let mut text = Vec::new();
        xml::from_json(Definitions::r4(), original.root(), pretty, &mut text)
            .map_err(|error| error.to_string())?;
        same(original.root(), document(&read(&text)?)?.root(), "$")?;
    }
    Ok(())
}

/// A definition in XML reads as its JSON, and is written so that it reads the same. The XML was
/// published without narratives, by another run of the publisher.
fn reads_as(text: &[u8], bytes: &[u8]) -> Result<(), String> {
    let read = document(&read(text)?)?;
    let comparable = |bytes: &[u8]| {
        let document = document(bytes)?;
        let mut edits = json::Edits::new(&document);
        edits.remove(document.root(), "text");
        if let Some(meta) = document.root().get("meta") {
            edits.remove(meta, "lastUpdated");
        }
        let left = edits.apply().map_err(|error| format!("{error:?}"))?;
        let left = String::from_utf8(left).map_err(|error| error.to_string())?;
        document_of(left.replace("2019-11-01T09:29:23+11:00", "2019-10-30T13:56:25+11:00"))
    };
    same(comparable(bytes)?.root(), comparable(read.bytes())?.root(), "$")?;
    there_and_back(read.bytes())
}

fn read(text: &[u8]) -> Result<Vec<u8>, String> {
    xml::to_json(Definitions::r4(), text, &Limits::default()).map_err(|error| error.to_string())
}

fn document(bytes: &[u8]) -> Result<Document, String> {
    document_of(String::from_utf8_lossy(bytes).into_owned())
}

fn document_of(text: String) -> Result<Document, String> {
    Document::parse(text, &Limits::default()).map_err(|error| error.to_string())
}

/// Whether two values are the same but for the order of members: texts of numbers, characters of
/// strings.
fn same(expected: Value<'_>, found: Value<'_>, at: &str) -> Result<(), String> {
    let differ = || Err(format!("{at}: {} and not {}", shown(found), shown(expected)));
    if expected.kind() != found.kind() {
        return differ();
    }
    match expected.kind() {
        Kind::Object => {
            for member in expected.members() {
                let (key, at) = (member.key(), format!("{at}.{}", member.key()));
                let found = found.get(&key).ok_or_else(|| format!("{at} is missing"))?;
                same(member.value(), found, &at)?;
            }
            let more = found.members().find(|member| expected.get(&member.key()).is_none());
            more.map_or(Ok(()), |member| Err(format!("{at}.{} is new", member.key())))
        }
        Kind::Array if expected.len() != found.len() => differ(),
        Kind::Array => {
            let mut both = expected.elements().zip(found.elements()).enumerate();
            both.try_for_each(|(index, (one, other))| same(one, other, &format!("{at}[{index}]")))
        }
        Kind::String if expected.as_str() == found.as_str() => Ok(()),
        Kind::Number | Kind::Bool | Kind::Null if expected.raw() == found.raw() => Ok(()),
        Kind::String | Kind::Number | Kind::Bool | Kind::Null => differ(),
    }
}

fn shown(value: Value<'_>) -> String {
    value.raw_str().chars().take(300).collect()
}

/// The known failures: `file: reason` on each line.
fn known() -> BTreeMap<&'static str, &'static str> {
    let text = include_str!("xml_known_failures.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.filter_map(|line| line.split_once(": ")).collect()
}

#[test]
fn examples_and_definitions_pass_but_for_what_is_argued() {
    let mut results = Vec::new();
    for (name, bytes) in Archive::open(EXAMPLES).files("json") {
        results.push((format!("examples/{name}"), there_and_back(bytes)));
    }
    assert_eq!(results.len(), 728);
    let (as_xml, as_json) = (Archive::open(AS_XML), Archive::open(AS_JSON));
    let as_json: BTreeMap<&str, &[u8]> = as_json.files("json").collect();
    for (name, text) in as_xml.files("xml") {
        let Some(bytes) = as_json.get(name) else { continue };
        results.push((format!("definitions/{name}"), reads_as(text, bytes)));
    }
    let names: BTreeSet<&String> = results.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), results.len());
    let (mut known, mut wrong) = (known(), Vec::new());
    let mut failed = 0;
    for (name, result) in &results {
        match (result, known.remove(name.as_str())) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => wrong.push(format!("{name}: passes, strike it off")),
            (Err(_), Some(_)) => failed += 1,
            (Err(error), None) => wrong.push(format!("{name}: {error}")),
        }
    }
    wrong.extend(known.into_keys().map(|name| format!("{name}: no such file")));
    let cases = results.len();
    assert!(wrong.is_empty(), "{} of {cases} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let passed = cases - failed;
    println!(
        "conformance: {{\"name\":\"xml-roundtrip\",\"cases\":{cases},\"passed\":{passed},\
         \"knownFailures\":{failed}}}"
    );
}
