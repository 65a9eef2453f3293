//! Snapshots made from differentials.

use std::collections::BTreeMap;

use json::{Document, Limits, Value};

use super::complete;
use crate::Definitions;
use crate::definitions::Registry;

fn snapshot(differential: &str) -> Vec<(String, String)> {
    let definition = format!(
        r#"{{"resourceType":"StructureDefinition","url":"http://a/p","type":"Observation",
        "baseDefinition":"http://hl7.org/fhir/StructureDefinition/Observation",
        "derivation":"constraint","differential":{{"element":{differential}}}}}"#
    );
    let document = Document::parse(definition, &Limits::default()).unwrap();
    let made = complete(&Registry::new(Definitions::r4()), &[document]);
    let elements = made[0].root().get("snapshot").unwrap().get("element").unwrap();
    let member = |of: Value<'_>, key: &str| {
        of.get(key).map(|value| value.raw_str().to_owned()).unwrap_or_default()
    };
    elements
        .elements()
        .map(|of| {
            let id = of.get("id").and_then(Value::as_str).unwrap().into_owned();
            (id, format!("{}..{}", member(of, "min"), member(of, "max").trim_matches('"')))
        })
        .collect()
}

fn check(differential: &str, expected: &[(&str, &str)]) {
    let made = snapshot(differential);
    let all: BTreeMap<&str, &str> =
        made.iter().map(|(id, range)| (id.as_str(), range.as_str())).collect();
    for (id, range) in expected {
        assert_eq!(all.get(id), Some(range), "{id} of {differential}");
    }
    assert_eq!(all.len(), made.len(), "an id stands once");
}

#[test]
fn what_the_differential_says_replaces_what_the_base_says() {
    let both = r#"[{"path":"Observation"},{"path":"Observation.subject","min":1}]"#;
    check(both, &[("Observation.subject", "1..1"), ("Observation.status", "1..1")]);
}

#[test]
fn a_datatype_unfolds_where_something_in_it_is_said() {
    let deep = r#"[{"path":"Observation.code.coding.system","min":1}]"#;
    check(
        deep,
        &[
            ("Observation.code.coding.system", "1..1"),
            ("Observation.code.coding.code", "0..1"),
            ("Observation.code.text", "0..1"),
        ],
    );
}

#[test]
fn a_slice_is_as_its_head_and_stands_after_it() {
    let sliced = r#"[
        {"path":"Observation.category","min":1,"slicing":{"discriminator":[
            {"type":"value","path":"coding.code"}],"rules":"open"}},
        {"path":"Observation.category","sliceName":"lab","max":"1"},
        {"path":"Observation.category.coding","min":1},
        {"path":"Observation.category","sliceName":"other","min":1}]"#;
    check(
        sliced,
        &[
            ("Observation.category", "1..*"),
            ("Observation.category:lab", "0..1"),
            ("Observation.category:lab.coding", "1..*"),
            ("Observation.category:other", "1..*"),
        ],
    );
    let ids: Vec<String> = snapshot(sliced).into_iter().map(|(id, _)| id).collect();
    let place = |id: &str| ids.iter().position(|known| known == id).unwrap();
    assert!(place("Observation.category:lab") < place("Observation.category:lab.coding"));
    assert!(place("Observation.category:lab.coding") < place("Observation.category:other"));
    assert!(place("Observation.category:other") < place("Observation.code"));
}

#[test]
fn the_name_of_a_choice_with_its_type_is_a_slice() {
    let choice = r#"[{"path":"Observation.valueQuantity","min":1},
        {"path":"Observation.valueQuantity.value","min":1}]"#;
    check(
        choice,
        &[
            ("Observation.value[x]", "0..1"),
            ("Observation.value[x]:valueQuantity", "1..1"),
            ("Observation.value[x]:valueQuantity.value", "1..1"),
        ],
    );
}

#[test]
fn a_content_reference_unfolds_to_what_it_refers_to() {
    let referred = r#"[{"path":"Observation.component.referenceRange.low","min":1}]"#;
    check(
        referred,
        &[
            ("Observation.component.referenceRange.low", "1..1"),
            ("Observation.component.referenceRange.high", "0..1"),
        ],
    );
}

#[test]
fn what_builds_on_itself_stays_as_it_is() {
    let definition = r#"{"resourceType":"StructureDefinition","url":"http://a/p","baseDefinition":
        "http://a/p","differential":{"element":[]}}"#;
    let document = Document::parse(definition, &Limits::default()).unwrap();
    let made = complete(&Registry::new(Definitions::r4()), &[document]);
    assert!(made[0].root().get("snapshot").is_none());
}
