//! Code systems, value sets, concept maps.

use json::{Document, Limits};

use crate::definitions::{Concept, Contained, Definitions, Layer, Origin};

#[test]
fn a_concept_is_found_in_its_system() {
    let terminology = Definitions::r4().terminology();
    let system = terminology.code_system("http://hl7.org/fhir/issue-type").unwrap();
    let concept = system.concept("not-found").unwrap();
    assert_eq!(concept.display(), Some("Not Found"));
    assert_eq!(concept.parent().map(Concept::code), Some("processing"));
    assert!(concept.is_below(system.concept("processing").unwrap()));
    assert!(!concept.is_below(system.concept("security").unwrap()));
    assert!(!concept.is_below(concept));
    assert!(system.concept("Not-Found").is_none());
    let roots: Vec<_> = system.roots().map(Concept::code).collect();
    assert_eq!(roots, ["invalid", "security", "processing", "transient", "informational"]);
    let security = system.concept("security").unwrap();
    let below: Vec<_> = security.children().map(Concept::code).collect();
    assert_eq!(below, ["login", "unknown", "expired", "forbidden", "suppressed"]);
    assert!(terminology.code_system("http://loinc.org").is_none_or(|s| s.concepts().count() == 0));
}

#[test]
fn every_concept_is_found_by_its_code() {
    for system in Definitions::r4().terminology().code_systems() {
        for concept in system.concepts() {
            let found = system.concept(concept.code());
            assert!(found.is_some(), "{} {}", system.url(), concept.code());
        }
    }
}

/// Of R4's own systems none says that it does not tell cases apart.
#[test]
fn case_matters_unless_the_system_says_otherwise() {
    let system = |sensitive: &str| {
        let text = format!(
            r#"{{"resourceType":"CodeSystem","url":"http://example.org","content":"complete",
                {sensitive} "concept":[{{"code":"Zeta"}},{{"code":"alpha"}},{{"code":"Beta"}}]}}"#
        );
        let document = Document::parse(text, &Limits::default()).unwrap();
        Layer::new(Definitions::r4(), Origin::Rest, [&document])
    };
    let check = |sensitive: &str, code: &str, expected: Option<&str>| {
        let layer = system(sensitive);
        let system = layer.terminology().code_system("http://example.org").unwrap();
        assert_eq!(system.concept(code).map(Concept::code), expected, "{code}");
    };
    for code in ["zeta", "ALPHA", "Alpha", "BETA"] {
        check("", code, None);
        check(r#""caseSensitive":true,"#, code, None);
    }
    check(r#""caseSensitive":false,"#, "ZETA", Some("Zeta"));
    check(r#""caseSensitive":false,"#, "Alpha", Some("alpha"));
    check(r#""caseSensitive":false,"#, "beta", Some("Beta"));
    check(r#""caseSensitive":false,"#, "gamma", None);
    check("", "Zeta", Some("Zeta"));
}

#[test]
fn a_value_set_has_its_rules_and_its_expansion() {
    let terminology = Definitions::r4().terminology();
    let url = "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1";
    let set = terminology.value_set(url).unwrap();
    let include = set.includes().next().unwrap();
    assert_eq!(include.system(), Some("http://hl7.org/fhir/administrative-gender"));
    let expansion = set.expansion().unwrap();
    let codes: Vec<_> = expansion.contains().map(Contained::code).collect();
    assert_eq!(codes, ["male", "female", "other", "unknown"]);
    let line = expansion.find("http://hl7.org/fhir/administrative-gender", "female").unwrap();
    assert_eq!(line.display(), Some("Female"));
    assert!(expansion.find("http://hl7.org/fhir/administrative-gender", "F").is_none());

    let inactive = terminology.value_set("http://hl7.org/fhir/ValueSet/inactive").unwrap();
    assert_eq!(inactive.inactive(), Some(true));
    let filter = inactive.includes().next().unwrap().filters().next().unwrap();
    assert_eq!((filter.property, filter.op), ("concept", "descendent-of"));
}

#[test]
fn a_concept_map_says_what_is_what() {
    let maps = Definitions::r4().concept_maps();
    let map = maps.find("http://hl7.org/fhir/ConceptMap/101").unwrap();
    let group = map.groups().next().unwrap();
    let mapping = group.mappings().find(|mapping| mapping.code() == "home").unwrap();
    assert_eq!((mapping.target(), mapping.relationship()), (Some("H"), Some("equivalent")));
    assert!(map.source().is_some() && map.target().is_some());
}
