//! Questions and answers over R4 alone.

use std::sync::Arc;

use base::limits::EXPANSION_CODES;

use super::{
    Coding, Failure, Member, Reason, Scope, Subsumption, Terminologies, VersionRules, Wanted,
    expand, subsumes,
};
use crate::definitions::{Definitions, Layer, Origin, Registry};

/// Checks whether `code`, which is `system#code` or a code alone, is in a value set of R4.
#[track_caller]
fn check(value_set: &str, code: &str, expected: &str) {
    let terminologies = Terminologies::new(&Registry::new(Definitions::r4()));
    let (system, code) = match code.split_once('#') {
        Some((system, code)) => (Some(system), code),
        None => (None, code),
    };
    let url = format!("http://hl7.org/fhir/ValueSet/{value_set}");
    let found = match terminologies.member(&url, Coding { system, code, ..<_>::default() }) {
        Member::In => "in".to_owned(),
        Member::Out(Reason::NoSuchCode { .. }) => "no such code".to_owned(),
        Member::Out(_) => "out".to_owned(),
        Member::Unknown(reason) => format!("unknown: {reason}"),
    };
    assert_eq!(found, expected, "{value_set} {code}");
}

#[test]
fn bindings_of_r4_are_answered() {
    check("administrative-gender", "female", "in");
    check("administrative-gender", "Female", "out");
    check("administrative-gender", "http://hl7.org/fhir/administrative-gender#male", "in");
    check("administrative-gender", "http://hl7.org/fhir/administrative-gender#x", "no such code");
    check("administrative-gender", "http://example.org#male", "out");
    check("observation-status|4.0.1", "final", "in");
    check(
        "observation-status|5.0.0",
        "final",
        "unknown: The value set \
        http://hl7.org/fhir/ValueSet/observation-status|5.0.0 is not loaded.",
    );
    check("marital-status", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor#UNK", "in");
    check("languages", "urn:ietf:bcp:47#de", "in");
    check("languages", "urn:ietf:bcp:47#tlh", "out");
    check("all-languages", "tlh", "in");
    check("mimetypes", "application/fhir+json", "in");
    check("mimetypes", "json", "out");
    check("ucum-units", "http://unitsofmeasure.org#mg", "in");
    check("ucum-units", "http://unitsofmeasure.org#furlong", "no such code");
    check("currencies", "EUR", "in");
    check("currencies", "EURO", "out");
    check(
        "clinical-findings",
        "http://snomed.info/sct#404684003",
        "unknown: The code system http://snomed.info/sct is not loaded.",
    );
    check("clinical-findings", "http://example.org#1", "out");
    check("none", "1", "unknown: The value set http://hl7.org/fhir/ValueSet/none is not loaded.");
}

#[test]
fn all_value_sets_of_r4_can_be_asked() {
    let terminologies = Terminologies::new(&Registry::new(Definitions::r4()));
    let mut cycles = Vec::new();
    for set in Definitions::r4().terminology().value_sets() {
        let coding = Coding { system: Some("http://example.org"), code: "1", ..<_>::default() };
        if let Member::Unknown(reason @ (Reason::Cycle(_) | Reason::Filter(_))) =
            terminologies.member(set.url(), coding)
        {
            cycles.push(reason);
        }
    }
    assert_eq!(cycles, []);
}

/// A registry with one code system of `count` codes and the value set of all of them.
fn with_codes(count: usize) -> Registry {
    let concepts: Vec<String> = (0..count).map(|n| format!("{{\"code\":\"c{n}\"}}")).collect();
    let system = format!(
        r#"{{"resourceType":"CodeSystem","url":"http://example.org/s","status":"active",
        "content":"complete","concept":[{}]}}"#,
        concepts.join(",")
    );
    let set = r#"{"resourceType":"ValueSet","url":"http://example.org/v","status":"active",
        "compose":{"include":[{"system":"http://example.org/s"}]}}"#;
    let read = |text: &str| json::Document::parse(text.to_owned(), &json::Limits::default());
    let documents: Vec<_> = [system.as_str(), set].into_iter().flat_map(read).collect();
    let layer = Layer::new(Definitions::r4(), Origin::Rest, &documents);
    Registry::new(Definitions::r4()).with(Arc::new(layer))
}

#[test]
fn an_expansion_is_given_whole_up_to_the_limit() {
    let check = |count: usize, wanted: &Wanted, expected: Result<usize, Failure>| {
        let (registry, rules) = (with_codes(count), VersionRules::default());
        let scope = Scope::new(&registry, &rules);
        let set = scope.value_set("http://example.org/v");
        let expanded = set.map(|set| expand(&scope, set, wanted).map(|all| all.lines.len()));
        assert_eq!(expanded, Some(expected));
    };
    let all = Wanted::default();
    check(EXPANSION_CODES, &all, Ok(EXPANSION_CODES));
    check(EXPANSION_CODES + 1, &all, Err(Failure::TooCostly(EXPANSION_CODES)));
    let part = Wanted { count: Some(10), offset: Some(EXPANSION_CODES - 4), ..all };
    check(EXPANSION_CODES + 1, &part, Ok(5));
}

#[test]
fn one_code_is_below_another() {
    let registry = Registry::new(Definitions::r4());
    let rules = VersionRules::default();
    let scope = Scope::new(&registry, &rules);
    let check = |left: &str, right: &str, expected: &str| {
        let system = ("http://terminology.hl7.org/CodeSystem/v3-ActClass", None);
        let found = subsumes(&scope, system, left, right).map(Subsumption::code);
        assert_eq!(found.map_err(|failure| failure.code()), Ok(expected), "{left} {right}");
    };
    check("ACT", "ACT", "equivalent");
    check("ACT", "OBS", "subsumes");
    check("OBS", "ACT", "subsumed-by");
    check("OBS", "ENC", "not-subsumed");
}
