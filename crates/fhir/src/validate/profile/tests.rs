//! Rules of profiles: a differential, a resource, and what is said of it.

use std::sync::Arc;

use json::{Document, Limits};

use super::{Depth, Request, Validator};
use crate::Definitions;
use crate::definitions::{Layer, Origin, Registry};
use crate::snapshot::complete;
use crate::validate::{Issues, Severity};
use crate::value::Moment;

fn parse(text: &str) -> Document {
    Document::parse(text.to_owned(), &Limits::default()).expect(text)
}

/// `name` is the type that the profile `http://a/NAME` is for.
fn profile(name: &str, differential: &str) -> Document {
    parse(&format!(
        r#"{{"resourceType":"StructureDefinition","url":"http://a/{name}","type":"{name}",
        "kind":"resource","derivation":"constraint",
        "baseDefinition":"http://hl7.org/fhir/StructureDefinition/{name}",
        "differential":{{"element":{differential}}}}}"#
    ))
}

fn validator(definitions: &[Document]) -> Validator {
    let registry = Registry::new(Definitions::r4());
    let complete = complete(&registry, definitions);
    let layer = Layer::new(Definitions::r4(), Origin::Rest, &complete);
    Validator::new(&registry.with(Arc::new(layer)))
}

fn said(validator: &Validator, resource: &str, request: &Request<'_>) -> Vec<String> {
    let document = parse(resource);
    let mut issues = Issues::new();
    validator.check(document.root(), request, &mut issues);
    let list = issues.into_list(document.bytes());
    let errors = list.into_iter().filter(|issue| issue.severity >= Severity::Error);
    errors.map(|issue| format!("{}: {}", issue.location, issue.text)).collect()
}

fn request<'r>(profiles: &'r [&'r str]) -> Request<'r> {
    let now = Moment::parse_partial("2026-11-24T12:00:00Z").expect("a moment");
    Request { profiles, ..Request::full(now) }
}

/// Each of `expected` is in the error of its place, and there are no others.
fn check(differential: &str, resource: &str, expected: &[&str]) {
    let name = resource.split('"').nth(3).expect("the type comes first");
    let url = format!("http://a/{name}");
    let validator = validator(&[profile(name, differential)]);
    let said = said(&validator, resource, &request(&[&url]));
    let fits = said.len() == expected.len()
        && said.iter().zip(expected).all(|(said, expected)| said.contains(expected));
    assert!(fits, "{resource}\n{said:#?}\n{expected:#?}");
}

#[test]
fn counts_and_types() {
    let must = r#"[{"path":"Patient.name","min":1,"max":"1"}]"#;
    check(must, r#"{"resourceType":"Patient"}"#, &["Patient: name is missing"]);
    check(must, r#"{"resourceType":"Patient","name":[{"text":"a"}]}"#, &[]);
    let two = r#"{"resourceType":"Patient","name":[{"text":"a"},{"text":"b"}]}"#;
    check(must, two, &["Patient.name[1]: "]);
    let none = r#"[{"path":"Patient.active","max":"0"}]"#;
    check(none, r#"{"resourceType":"Patient","active":true}"#, &["does not allow active"]);
    let one = r#"[{"path":"Patient.deceased[x]","type":[{"code":"boolean"}]}]"#;
    check(one, r#"{"resourceType":"Patient","deceasedBoolean":true}"#, &[]);
    let moment = r#"{"resourceType":"Patient","deceasedDateTime":"2020"}"#;
    check(one, moment, &["dateTime is not a type"]);
}

#[test]
fn values_that_are_given() {
    let fixed = r#"[{"path":"Patient.gender","fixedCode":"male"}]"#;
    check(fixed, r#"{"resourceType":"Patient","gender":"male"}"#, &[]);
    check(fixed, r#"{"resourceType":"Patient","gender":"female"}"#, &["has to be \"male\""]);
    let pattern = r#"[{"path":"Patient.maritalStatus","patternCodeableConcept":
        {"coding":[{"system":"http://s","code":"M"}]}}]"#;
    let more = r#"{"resourceType":"Patient","maritalStatus":{"text":"x","coding":
        [{"system":"http://t","code":"N"},{"code":"M","system":"http://s","display":"m"}]}}"#;
    check(pattern, more, &[]);
    let other = r#"{"resourceType":"Patient","maritalStatus":{"text":"x"}}"#;
    check(pattern, other, &["has to have at least"]);
    let long = r#"[{"path":"Patient.name.family","maxLength":2}]"#;
    check(long, r#"{"resourceType":"Patient","name":[{"family":"öü"}]}"#, &[]);
    check(long, r#"{"resourceType":"Patient","name":[{"family":"öüä"}]}"#, &["at most 2 char"]);
    let bound = r#"[{"path":"Patient.birthDate","minValueDate":"2000-01-01"}]"#;
    check(bound, r#"{"resourceType":"Patient","birthDate":"2000-01-01"}"#, &[]);
    check(bound, r#"{"resourceType":"Patient","birthDate":"1999-12-31"}"#, &["less than"]);
}

const SLICED: &str = r#"[
    {"path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],
     "rules":"closed","ordered":true}},
    {"path":"Patient.identifier","sliceName":"one","min":1,"max":"1"},
    {"path":"Patient.identifier.system","min":1,"fixedUri":"http://one"},
    {"path":"Patient.identifier","sliceName":"two"},
    {"path":"Patient.identifier.system","min":1,"fixedUri":"http://two"},
    {"path":"Patient.identifier.value","min":1}]"#;

#[test]
fn slices_are_counted_ordered_and_closed() {
    let with =
        |identifiers: &str| format!(r#"{{"resourceType":"Patient","identifier":[{identifiers}]}}"#);
    let (one, two) = (r#"{"system":"http://one"}"#, r#"{"system":"http://two","value":"v"}"#);
    check(SLICED, &with(&format!("{one},{two}")), &[]);
    check(SLICED, &with(two), &["slice one of identifier is missing"]);
    check(SLICED, &with(&format!("{two},{one}")), &["has to stand before"]);
    check(SLICED, &with(&format!("{one},{one}")), &["[1]: http://a/Patient allows the slice one"]);
    check(SLICED, &with(&format!(r#"{one},{{"system":"http://x"}}"#)), &["in none of the slices"]);
    let bare = with(&format!(r#"{one},{{"system":"http://two"}}"#));
    check(SLICED, &bare, &["Patient.identifier[1]: value is missing"]);
}

#[test]
fn the_type_of_a_choice_is_a_slice() {
    let typed = r#"[{"path":"Observation.valueQuantity","min":1},
        {"path":"Observation.valueQuantity.value","min":1}]"#;
    let with = |value: &str| {
        format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"text":"c"}},{value}}}"#
        )
    };
    check(typed, &with(r#""valueQuantity":{"value":1}"#), &[]);
    check(typed, &with(r#""valueQuantity":{"unit":"m"}"#), &["valueQuantity: value is missing"]);
    check(typed, &with(r#""valueString":"x""#), &["slice valueQuantity of value[x] is missing"]);
}

#[test]
fn invariants_are_of_the_resource_they_stand_in() {
    let rule = r#"[{"path":"Patient","constraint":[{"key":"p-1","severity":"error",
        "human":"Named","expression":"%resource.name.exists() and name.exists()"}]}]"#;
    check(rule, r#"{"resourceType":"Patient"}"#, &["Patient: Named (p-1)"]);
    check(rule, r#"{"resourceType":"Patient","name":[{"text":"a"}]}"#, &[]);
    check("[]", r#"{"resourceType":"Patient","contact":[{"gender":"male"}]}"#, &["(pat-1)"]);
    let period = r#"{"resourceType":"Patient","name":[{"text":"a","period":
        {"start":"2020-01-02","end":"2020-01-01"}}]}"#;
    check("[]", period, &["Patient.name[0].period: If present, start SHALL"]);
}

#[test]
fn bindings_are_as_strong_as_they_say() {
    let bound = |strength: &str| {
        format!(
            r#"[{{"path":"Patient.maritalStatus","binding":{{"strength":"{strength}",
            "valueSet":"http://hl7.org/fhir/ValueSet/marital-status"}}}}]"#
        )
    };
    let with = |code: &str| {
        format!(
            r#"{{"resourceType":"Patient","maritalStatus":{{"coding":[{{"system":
            "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"{code}"}}]}}}}"#
        )
    };
    check(&bound("required"), &with("M"), &[]);
    check(&bound("required"), &with("ZZ"), &["Patient.maritalStatus: The value set"]);
    check(&bound("extensible"), &with("ZZ"), &[]);
    let text = r#"{"resourceType":"Patient","maritalStatus":{"text":"x"}}"#;
    check(&bound("required"), text, &["does not have no code"]);
    let relative = r#"{"resourceType":"Patient","maritalStatus":{"coding":[{"system":"s"}]}}"#;
    check("[]", relative, &["has to be absolute"]);
}

#[test]
fn extensions_stand_where_they_may() {
    let with = |place: &str| format!(r#"{{"resourceType":"Patient",{place}}}"#);
    let religion = r#"[{"url":"http://hl7.org/fhir/StructureDefinition/patient-religion",
        "valueCodeableConcept":{"text":"r"}}]"#;
    check("[]", &with(&format!(r#""extension":{religion}"#)), &[]);
    let deep = with(&format!(r#""name":[{{"text":"n","extension":{religion}}}]"#));
    check("[]", &deep, &["Patient.name[0].extension[0]: The extension"]);
    let modifier = with(&format!(r#""modifierExtension":{religion}"#));
    check("[]", &modifier, &["is no modifier"]);
    let wrong = religion.replace(r#""valueCodeableConcept":{"text":"r"}"#, r#""valueString":"r""#);
    let wrong = with(&format!(r#""extension":{wrong}"#));
    check("[]", &wrong, &["string is not a type"]);
    let unknown = r#"[{"url":"http://who/knows","valueString":"r"}]"#;
    check("[]", &with(&format!(r#""extension":{unknown}"#)), &[]);
    let unknown = with(&format!(r#""modifierExtension":{unknown}"#));
    check("[]", &unknown, &["The modifier extension http://who/knows is not known"]);
}

#[test]
fn references_lead_to_what_conforms() {
    let patient = profile("Patient", r#"[{"path":"Patient.active","min":1}]"#);
    let target = r#"[{"path":"Observation.subject","type":[{"code":"Reference",
        "targetProfile":["http://a/Patient"]}]}]"#;
    let validator = validator(&[patient, profile("Observation", target)]);
    let said = |contained: &str| {
        let resource = format!(
            r##"{{"resourceType":"Observation","status":"final","code":{{"text":"c"}},
            "contained":[{contained}],"subject":{{"reference":"#p"}}}}"##
        );
        said(&validator, &resource, &request(&["http://a/Observation"]))
    };
    assert_eq!(said(r#"{"resourceType":"Patient","id":"p","active":true}"#), [""; 0]);
    let found = said(r#"{"resourceType":"Patient","id":"p"}"#);
    assert!(matches!(&*found, [one] if one.contains("does not conform to http://a/Patient")));
    let found = said(r#"{"resourceType":"Device","id":"p"}"#);
    assert!(found.iter().any(|one| one.contains("This refers to a Device")), "{found:?}");
}

#[test]
fn profiles_that_lead_to_each_other_end() {
    let link = r#"[{"path":"Patient.link.other","type":[{"code":"Reference",
        "targetProfile":["http://a/Patient"]}]}]"#;
    let circle = r##"{"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"p",
        "link":[{"type":"seealso","other":{"reference":"#"}}]}],
        "link":[{"type":"seealso","other":{"reference":"#p"}}]}"##;
    check(link, circle, &[]);
}

#[test]
fn a_profile_that_is_asked_for_is_known_and_of_the_type() {
    let validator = validator(&[profile("Patient", "[]")]);
    let patient = r#"{"resourceType":"Patient"}"#;
    let found = said(&validator, patient, &request(&["http://a/none"]));
    assert!(matches!(&*found, [one] if one.contains("http://a/none is not known here")));
    let device = r#"{"resourceType":"Device"}"#;
    let found = said(&validator, device, &request(&["http://a/Patient"]));
    assert!(matches!(&*found, [one] if one.contains("is for Patient, and this is a Device")));
}

#[test]
fn the_base_alone_is_errors_and_required_codes() {
    let validator = validator(&[]);
    let base = Request { depth: Depth::Base, declared: false, ..request(&[]) };
    let resource = r#"{"resourceType":"Patient","contact":[{"gender":"male"}],
        "modifierExtension":[{"url":"http://who/knows","valueString":"r"}],
        "meta":{"profile":["http://a/none"]}}"#;
    let found = said(&validator, resource, &base);
    assert!(matches!(&*found, [one] if one.contains("pat-1")), "{found:?}");
}

#[test]
fn a_document_holds_together() {
    let composition = r#"{"fullUrl":"http://b/Composition/c","resource":{"resourceType":
        "Composition","id":"c","status":"final","type":{"text":"t"},"date":"2020","title":"t",
        "author":[{"reference":"Practitioner/p"}]}}"#;
    let bundle = |entries: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"document","timestamp":"2020-01-01T00:00:00Z",
            "identifier":{{"system":"http://i","value":"1"}},"entry":[{composition}{entries}]}}"#
        )
    };
    let practitioner = |url: &str| {
        format!(r#",{{"fullUrl":"{url}","resource":{{"resourceType":"Practitioner","id":"p"}}}}"#)
    };
    check("[]", &bundle(&practitioner("http://b/Practitioner/p")), &[]);
    check("[]", &bundle(""), &["'Practitioner/p' is not in this document"]);
    let wrong = bundle(&practitioner("http://b/Patient/p"));
    let expected = ["'Practitioner/p' is not in", "Nothing connects", "ends with the type and id"];
    check("[]", &wrong, &expected);
}

#[test]
fn references_are_followed_only_so_far() {
    let profile = profile(
        "Patient",
        r#"[{"path":"Patient.active","min":1},{"path":"Patient.link.other","type":[
        {"code":"Reference","targetProfile":["http://a/Patient"]}]}]"#,
    );
    let validator = validator(&[profile]);
    // Each patient refers to the next; the last does not conform.
    let faults = |length: usize| {
        let link = |next: usize| {
            format!(
                r##""active":true,"link":[{{"type":"seealso",
                "other":{{"reference":"#p{next}"}}}}]"##
            )
        };
        let inner = (1..length).map(|at| {
            let next = link(at + 1);
            format!(r#"{{"resourceType":"Patient","id":"p{at}",{next}}},"#)
        });
        let inner: String = inner.collect();
        let resource = format!(
            r#"{{"resourceType":"Patient","contained":[{inner}
            {{"resourceType":"Patient","id":"p{length}"}}],{}}}"#,
            link(1)
        );
        said(&validator, &resource, &request(&["http://a/Patient"])).len()
    };
    assert_eq!(faults(base::limits::PROFILE_DEPTH), 1);
    assert_eq!(faults(base::limits::PROFILE_DEPTH + 1), 0);
}
