//! What expressions give on resources: a table, where the official suite has no row.

use fhir::path::{Environment, Node, Options, Profiles, Resolve, Schema, Terminology};
use fhir::path::{Item, compile, location};
use fhir::value::Moment;
use json::{Document, Limits, Value};

const PATIENT: &str = r##"{"resourceType":"Patient","id":"p1","active":true,
    "extension":[{"url":"http://x/a","valueString":"one"},{"url":"http://x/b","valueInteger":2}],
    "contained":[{"resourceType":"Organization","id":"o1","name":"Acme"}],
    "name":[{"given":["Ann",null,"B"],
        "_given":[null,{"id":"g2"},{"extension":[{"url":"http://x/c"}]}]}],
    "_birthDate":{"extension":[{"url":"http://x/why","valueCode":"unknown"}]},
    "multipleBirthInteger":2,
    "managingOrganization":{"reference":"#o1"},
    "generalPractitioner":[{"reference":"Practitioner/1"},{"reference":"urn:nothing"}]}"##;

const OBSERVATION: &str = r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},
    "valueQuantity":{"value":1.50,"system":"http://unitsofmeasure.org","code":"kg","unit":"kg"},
    "effectiveDateTime":"2020-02-29","component":[
    {"code":{"text":"a"},"valueString":"s"},{"code":{"text":"b"},"valueInteger":7}]}"#;

const BUNDLE: &str = r##"{"resourceType":"Bundle","type":"collection","entry":[
    {"fullUrl":"http://h/Patient/1","resource":{"resourceType":"Patient","id":"1",
        "managingOrganization":{"reference":"#c"},
        "contained":[{"resourceType":"Organization","id":"c","name":"inner"}]}},
    {"fullUrl":"urn:uuid:7","resource":{"resourceType":"Observation","status":"final",
        "subject":{"reference":"Patient/1"},"focus":[{"reference":"urn:uuid:7"}]}}]}"##;

fn document(text: &str) -> Document {
    Document::parse(text.to_owned(), &Limits::default()).expect("the sample is JSON")
}

struct Practitioners(Document);

impl<'d> Resolve<'d> for &'d Practitioners {
    fn resolve(&self, reference: &str) -> Option<Value<'d>> {
        (reference == "Practitioner/1").then(|| self.0.root())
    }
}

struct Known;

impl Terminology for Known {
    fn member_of(&self, _: &Item<'_>, value_set: &str) -> Option<bool> {
        value_set.starts_with("http://known/").then_some(true)
    }

    fn subsumes(&self, _: &Item<'_>, _: &Item<'_>) -> Option<bool> {
        Some(false)
    }
}

impl<'d> Profiles<'d> for Known {
    fn conforms_to(&self, _: &Node<'d>, profile: &str) -> Option<bool> {
        profile.contains("Patient").then_some(true)
    }

    fn is_in_slice(&self, node: &Node<'d>, _: &str, slice: &str) -> Option<bool> {
        Some(node.value.get("url").is_some_and(|url| url.is_str(slice)))
    }

    fn element_definition(&self, _: &Node<'d>) -> Option<Value<'d>> {
        None
    }

    fn html_checks(&self, _: &Node<'d>) -> bool {
        true
    }
}

/// What an expression gives on a resource, item by item, or its fault.
fn evaluate(resource: &Document, text: &str, options: Options<'_>) -> String {
    let schema = Schema::r4();
    let practitioners =
        Practitioners(document(r#"{"resourceType":"Practitioner","id":"1","active":true}"#));
    let resolver = &practitioners;
    let variables = [("answer", std::iter::once(Item::Integer(42)).collect())];
    let now = Moment::parse_partial("2026-11-24").expect("a date");
    let environment = Environment {
        variables: &variables,
        resolve: Some(&resolver),
        terminology: Some(&Known),
        profiles: Some(&Known),
        ..Environment::at(now)
    };
    let found = compile(text, &schema, options)
        .and_then(|program| program.evaluate(&environment, resource.root()));
    match found {
        Ok(items) => {
            let show = |item: &Item<'_>| match (item.to_text(&schema), item.node()) {
                (Some(text), _) => text.into_owned(),
                (None, Some(node)) => format!("<{}>", schema.type_name(node.type_id)),
                (None, None) => "?".to_owned(),
            };
            items.iter().map(show).collect::<Vec<_>>().join(", ")
        }
        Err(error) => format!("{:?}: {error}", error.kind),
    }
}

/// The result must be the same whether the type is known when the expression is compiled or not.
fn check(resource: &str, text: &str, expected: &str) {
    let document = document(resource);
    let known = document.root().get("resourceType").and_then(Value::as_str);
    for input in [None, known.as_deref()] {
        let options = Options { input, ..Options::default() };
        assert_eq!(evaluate(&document, text, options), expected, "{text} on {input:?}");
    }
}

#[test]
fn elements_are_found_by_their_names() {
    check(PATIENT, "Patient.active", "true");
    check(PATIENT, "Resource.id", "p1");
    check(PATIENT, "DomainResource.extension.value", "one, 2");
    check(PATIENT, "Observation.status", "");
    check(PATIENT, "multipleBirth", "2");
    check(PATIENT, "multipleBirthInteger", "");
    check(PATIENT, "multipleBirth.type().name", "integer");
    check(PATIENT, "contained.name", "Acme");
    check(PATIENT, "contained.type().name", "Organization");
    check(OBSERVATION, "value.unit", "kg");
    check(OBSERVATION, "Observation.value.ofType(Quantity).value > 1", "true");
    check(OBSERVATION, "value = 1500 'g'", "true");
    check(OBSERVATION, "value.value", "1.50");
    check(OBSERVATION, "component.value", "s, 7");
    check(OBSERVATION, "component.value.ofType(string)", "s");
    check(OBSERVATION, "component.type().name", "BackboneElement, BackboneElement");
    check(OBSERVATION, "(effective as dateTime) < @2020-03-01", "true");
    check(OBSERVATION, "effective.is(Period)", "false");
}

#[test]
fn siblings_belong_to_their_primitives() {
    check(PATIENT, "name.given", "Ann, <string>, B");
    check(PATIENT, "name.given.id", "g2");
    check(PATIENT, "name.given.extension.url", "http://x/c");
    check(PATIENT, "name.given.select(hasValue())", "true, false, true");
    check(PATIENT, "birthDate.exists()", "true");
    check(PATIENT, "birthDate.hasValue()", "false");
    check(PATIENT, "birthDate < today()", "");
    check(PATIENT, "birthDate.extension('http://x/why').value", "unknown");
    check(PATIENT, "birthDate.children().count()", "1");
    check(PATIENT, "name.children().count()", "3");
    check(PATIENT, "extension('http://x/a').value", "one");
}

#[test]
fn references_are_followed() {
    check(PATIENT, "managingOrganization.resolve().name", "Acme");
    check(PATIENT, "generalPractitioner.resolve().active", "true");
    check(PATIENT, "generalPractitioner.resolve() is Practitioner", "true");
    check(PATIENT, "generalPractitioner.reference.resolve().id", "1");
    check(BUNDLE, "entry[1].resource.subject.resolve().id", "1");
    check(BUNDLE, "entry[0].resource.managingOrganization.resolve().name", "inner");
    check(BUNDLE, "entry.resource.focus.resolve().status", "final");
    check(BUNDLE, "Bundle.entry.resource.ofType(Patient).id", "1");
}

#[test]
fn what_is_around_is_asked() {
    check(PATIENT, "%answer + 1", "43");
    check(PATIENT, "%resource.id | %context.id | %rootResource.id", "p1");
    check(PATIENT, "'x'.memberOf('http://known/1')", "true");
    check(PATIENT, "'x'.memberOf('http://unknown')", "");
    check(PATIENT, "conformsTo('http://hl7.org/fhir/StructureDefinition/Group')", "false");
    check(PATIENT, "conformsTo('http://x/MyPatient')", "true");
    check(
        PATIENT,
        "conformsTo('http://x/y')",
        "Execution: there is no profile http://x/y at \
         line 1, column 1",
    );
    check(PATIENT, "extension.slice('http://x', 'http://x/b').value", "2");
    check(PATIENT, "name.checkModifiers().count()", "1");
}

#[test]
fn strict_mode_refuses_what_cannot_be() {
    let patient = document(PATIENT);
    let strict = Options { input: Some("Patient"), strict: true, as_filters: false };
    let fault = |text| evaluate(&patient, text, strict);
    assert_eq!(fault("name.gven"), "Semantic: HumanName has no element gven at line 1, column 6");
    assert_eq!(
        fault("name.where(x = 1)"),
        "Semantic: HumanName has no element x at line 1, \
        column 12"
    );
    assert_eq!(
        fault("(deceased as boolean).x"),
        "Semantic: boolean has no element x at line 1, \
        column 23"
    );
    assert_eq!(fault("name.first().given.count()"), "3");
    assert_eq!(fault("contained.name"), "Acme");
    assert!(fault("children().first()").starts_with("Semantic: "));
}

#[test]
fn as_filters_where_search_parameters_need_it() {
    let observation = document(OBSERVATION);
    let filters = Options { as_filters: true, ..Options::default() };
    let text = "(Observation.component.value as string)";
    assert_eq!(evaluate(&observation, text, filters), "s");
    assert!(evaluate(&observation, text, Options::default()).starts_with("Execution: "));
}

#[test]
fn an_element_says_where_it_stands() {
    let patient = document(PATIENT);
    let schema = Schema::r4();
    let program = compile("name.given | birthDate", &schema, Options::default()).expect("it is");
    let environment = Environment::at(Moment::parse_partial("2026").expect("a year"));
    let items = program.evaluate(&environment, patient.root()).expect("it evaluates");
    let places = items.iter().filter_map(|item| location(patient.root(), item.node()?.value));
    let places: Vec<String> = places.collect();
    let expected = [
        "Patient.name[0].given[0]",
        "Patient.name[0].given[1]",
        "Patient.name[0].given[2]",
        "Patient.birthDate",
    ];
    assert_eq!(places, expected);
}
