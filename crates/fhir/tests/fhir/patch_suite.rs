//! The given patch suites, against the lists of failures that are known and argued.

use std::collections::BTreeMap;

use fhir::patch::{Setting, fhirpath_patch, json_patch, xml_patch};
use fhir::path::Schema;
use fhir::value::Moment;
use json::{Document, Kind, Limits, Value};

use crate::archive::Archive;
use crate::suite_xml::{Element, element_to_json, read_element};

const FOLDER: &str = "fhir-test-cases/r4/patch/";

/// How one case went.
type Ran = Result<(), String>;

fn document(text: impl Into<Vec<u8>>) -> Result<Document, String> {
    Document::parse(text.into(), &Limits::default()).map_err(|error| error.to_string())
}

/// Runs the cases of a suite and prints their counts.
fn report(name: &str, cases: &[(String, Ran)]) {
    let known = include_str!("patch_known_failures.txt");
    let prefix = format!("{name} ");
    let of_suite = known.lines().filter_map(|line| line.strip_prefix(&prefix));
    let mut known: BTreeMap<&str, &str> =
        of_suite.filter_map(|line| line.split_once(": ")).collect();
    let count = cases.len();
    let (mut failed, mut wrong) = (0, Vec::new());
    for (case, ran) in cases {
        match (ran, known.remove(case.as_str())) {
            (Ok(()), None) => {}
            (Err(_), Some(_)) => failed += 1,
            (Ok(()), Some(_)) => wrong.push(format!("{case}: passes, strike it off")),
            (Err(error), None) => wrong.push(format!("{case}: {error}")),
        }
    }
    wrong.extend(known.into_keys().map(|case| format!("{case}: no such case")));
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    println!(
        "conformance: {{\"name\":\"{name}\",\"cases\":{count},\"passed\":{},\
         \"knownFailures\":{failed}}}",
        count - failed
    );
}

/// Whether a result is what a case expects: a document, or an error.
fn judge(result: Result<Document, fhir::patch::Error>, expected: Option<&Document>) -> Ran {
    match (result, expected) {
        (Ok(found), Some(expected)) if same(found.root(), expected.root()) => Ok(()),
        (Ok(found), Some(expected)) => {
            Err(format!("{:?}\n  not {:?}", found.root(), expected.root()))
        }
        (Ok(found), None) => Err(format!("an error was expected, not {:?}", found.root())),
        (Err(error), Some(_)) => Err(error.to_string()),
        (Err(_), None) => Ok(()),
    }
}

/// Objects without regard to order, narratives as the markup they are: without regard to layout,
/// and to whether a quotation mark is written as an entity.
pub(crate) fn same(a: Value<'_>, b: Value<'_>) -> bool {
    let words = |value: Value<'_>| {
        let text = value.as_str().unwrap_or_default().replace("&quot;", "\"");
        text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    match (a.kind(), b.kind()) {
        (Kind::Object, Kind::Object) => {
            let in_b = |key: &str| b.get(key);
            a.len() == b.len()
                && a.members().all(|m| in_b(&m.key()).is_some_and(|b| same(m.value(), b)))
        }
        (Kind::Array, Kind::Array) => {
            a.len() == b.len() && a.elements().zip(b.elements()).all(|(a, b)| same(a, b))
        }
        (Kind::String, Kind::String) => words(a) == words(b),
        _ => a.raw() == b.raw(),
    }
}

fn setting() -> Setting {
    let now = Moment::parse_partial("2026-11-24T12:00:00Z").expect("a time");
    Setting { schema: Schema::r4(), now }
}

/// The cases of an XML suite by name; one that repeats gets a number.
fn named(suite: &Element) -> Vec<(String, &Element)> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let cases = suite.children("case");
    let name = |case| Element::attribute(case, "name").unwrap_or_default();
    cases
        .map(|case| {
            let count = seen.entry(name(case)).or_default();
            *count += 1;
            let number = if *count > 1 { format!("#{count}") } else { String::new() };
            (format!("{}{number}", name(case)), case)
        })
        .collect()
}

fn text(archive: &Archive, name: &str) -> String {
    let bytes = archive.get(&format!("{FOLDER}{name}")).expect("the suite is in the archive");
    String::from_utf8(bytes.to_vec()).expect("the suite is UTF-8")
}

#[test]
fn fhirpath_patch_passes() {
    let archive = Archive::open("suites/fhir-test-cases.tar.zst");
    let suite = read_element(&text(&archive, "fhir-patch-tests.xml")).expect("the suite is XML");
    let setting = setting();
    let resource = |case: &Element, name: &str| {
        let element = case.children(name).next()?.first()?;
        Some(element_to_json(element, &setting.schema).and_then(document))
    };
    let run = |case: &Element| {
        let input = resource(case, "input").ok_or("no input")??;
        let patch = resource(case, "diff").ok_or("no diff")??;
        let expected = resource(case, "output").transpose()?;
        judge(fhirpath_patch(&input, patch.root(), &setting), expected.as_ref())
    };
    let cases: Vec<_> = named(&suite).into_iter().map(|(name, case)| (name, run(case))).collect();
    assert_eq!(cases.len(), 33);
    report("patch-fhirpath", &cases);
}

/// The raw texts inside an element of this name, each found behind the one before.
fn inside<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, behind) = text.split_once(&format!("<{name}>"))?;
    behind.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
}

/// Elements by names, attributes, and texts without their layout; and all comments.
fn shape(text: &str) -> Result<(String, Vec<&str>), String> {
    let comments = text.split("<!--").skip(1).filter_map(|it| it.split("-->").next()).collect();
    let words = format!("{:?}", read_element(text)?);
    Ok((words.replace("\\n", "").replace("\\r", "").split_whitespace().collect(), comments))
}

#[test]
fn xml_patch_passes() {
    let archive = Archive::open("suites/fhir-test-cases.tar.zst");
    let text = text(&archive, "xml-patch-tests.xml");
    // Cases that are commented out are the comments that hold one.
    let parts = text.split("<!--").map(|part| match part.split_once("-->") {
        Some((comment, behind)) if comment.contains("<case") => behind.to_owned(),
        _ => format!("<!--{part}"),
    });
    let text: String = parts.collect();
    let run = |case: &str| {
        let target = inside(case, "target").ok_or("no target")?;
        let (_, patch) = case.split_once("<patch").ok_or("no patch")?;
        let (patch, _) = patch.split_once("</patch>").ok_or("no end of the patch")?;
        let result = xml_patch(target.trim(), &format!("<patch{patch}</patch>"));
        match (result, inside(case, "patched")) {
            (Ok(found), Some(expected)) if shape(&found)? == shape(expected.trim())? => Ok(()),
            (Ok(found), expected) => Err(format!("{found}\n  not {expected:?}")),
            (Err(error), Some(_)) => Err(error.to_string()),
            (Err(_), None) => Ok(()),
        }
    };
    let cases: Vec<_> = text
        .split("<case name=\"")
        .skip(1)
        .map(|case| (case.split('"').next().unwrap_or_default().to_owned(), run(case)))
        .collect();
    assert_eq!(cases.len(), 29);
    report("patch-xml", &cases);
}

#[test]
fn json_patch_passes() {
    let archive = Archive::open("suites/fhir-test-cases.tar.zst");
    let suite = document(text(&archive, "json-patch-tests.json")).expect("the suite is JSON");
    let run = |case: Value<'_>| {
        let part = |name: &str| case.get(name).map(|value| document(value.raw()));
        let input = part("doc").ok_or("no doc")??;
        let patch = part("patch").ok_or("no patch")??;
        let expected = part("expected").transpose()?;
        judge(json_patch(&input, &patch), expected.as_ref())
    };
    let name = |case: Value<'_>| {
        let comment = case.get("comment").and_then(Value::as_str);
        comment.unwrap_or_default().into_owned()
    };
    let cases: Vec<_> = suite.root().elements().map(|case| (name(case), run(case))).collect();
    assert_eq!(cases.len(), 16);
    report("patch-json", &cases);
}
