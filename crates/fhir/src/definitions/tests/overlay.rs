//! What a service has of its own, over R4.

use std::sync::Arc;

use json::{Document, Limits};

use crate::definitions::{Definitions, Layer, Origin, Registry, SearchParameter};

fn documents(texts: &[&str]) -> Vec<Document> {
    let parse = |text: &&str| Document::parse(text.as_bytes().to_vec(), &Limits::default());
    texts.iter().map(|text| parse(text).unwrap()).collect()
}

fn layer(origin: Origin, texts: &[&str]) -> Arc<Layer> {
    Arc::new(Layer::new(Definitions::r4(), origin, &documents(texts)))
}

const PROFILE: &str = r##"{"resourceType":"StructureDefinition","url":"http://example.org/p",
  "version":"1","name":"P","kind":"resource","abstract":false,"type":"Patient",
  "baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint",
  "snapshot":{"element":[{"id":"Patient","path":"Patient","min":0,"max":"*"},
    {"id":"Patient.name","path":"Patient.name","min":1,"max":"1",
     "base":{"path":"Patient.name","min":0,"max":"*"},"type":[{"code":"HumanName"}],
     "patternHumanName":{ "family" : "A B" }}]}}"##;

#[test]
fn a_profile_of_ones_own_is_read_as_those_of_the_standard() {
    let registry =
        Registry::new(Definitions::r4()).with(layer(Origin::Package("a#1".to_owned()), &[PROFILE]));
    let profile = registry.structure("http://example.org/p|1").unwrap();
    let name = profile.root().unwrap().children().next().unwrap();
    assert_eq!((name.min(), name.max(), name.repeats()), (1, Some(1), true));
    let ty = name.types().next().unwrap().ty();
    assert_eq!(ty, Definitions::r4().type_named("HumanName"));
    assert_eq!(name.pattern().unwrap().json, r#"{"family":"A B"}"#);
    assert!(registry.structure("http://hl7.org/fhir/StructureDefinition/bp").is_some());
}

fn gender(display: &str) -> String {
    format!(
        r#"{{"resourceType":"CodeSystem","url":"http://hl7.org/fhir/administrative-gender",
            "content":"complete","concept":[{{"code":"male","display":"{display}"}}]}}"#
    )
}

#[test]
fn what_was_stored_wins_over_packages_and_these_over_the_standard() {
    let shown = |registry: &Registry| {
        let system = registry.code_system("http://hl7.org/fhir/administrative-gender");
        system.and_then(|system| system.concept("male")?.display().map(str::to_owned))
    };
    let package = |name: &str| Origin::Package(name.to_owned());
    let plain = Registry::new(Definitions::r4());
    assert_eq!(shown(&plain).as_deref(), Some("Male"));
    let stored = plain.with(layer(Origin::Rest, &[&gender("stored")]));
    let both = stored.with(layer(package("a#1"), &[&gender("a")]));
    assert_eq!(shown(&both).as_deref(), Some("stored"));
    let three = both.with(layer(package("b#1"), &[&gender("b")]));
    assert_eq!(shown(&three.without(&Origin::Rest)).as_deref(), Some("b"));
    assert_eq!(shown(&three.without(&Origin::Rest).without(&package("b#1"))).as_deref(), Some("a"));
    let again = three.with(layer(Origin::Rest, &[&gender("again")]));
    assert_eq!((shown(&again).as_deref(), again.layers().count()), (Some("again"), 3));
}

#[test]
fn a_search_parameter_of_ones_own_hides_that_of_the_standard() {
    let parameter = r#"{"resourceType":"SearchParameter","url":"http://example.org/s","code":"name",
        "base":["Patient"],"type":"string","expression":"Patient.name.family"}"#;
    let registry = Registry::new(Definitions::r4()).with(layer(Origin::Rest, &[parameter]));
    let patient = Definitions::r4().type_named("Patient").unwrap();
    let found = |code| registry.search_parameter(patient, code).map(SearchParameter::url);
    assert_eq!(found("name"), Some("http://example.org/s"));
    assert_eq!(found("_id"), Some("http://hl7.org/fhir/SearchParameter/Resource-id"));
}
