//! Search parameters, compartments, operations.

use crate::definitions::{Definitions, SearchParameter};

#[test]
fn a_code_means_what_the_type_or_its_base_says() {
    let definitions = Definitions::r4();
    let check = |ty: &str, code: &str, expected: Option<&str>| {
        let id = definitions.type_named(ty).unwrap();
        let found = definitions.search_parameter(id, code);
        assert_eq!(found.map(|parameter| parameter.expression().unwrap()), expected);
    };
    check(
        "Patient",
        "birthdate",
        Some(
            "Patient.birthDate | Person.birthDate | \
        RelatedPerson.birthDate",
        ),
    );
    check("Patient", "_id", Some("Resource.id"));
    check("Bundle", "_lastUpdated", Some("Resource.meta.lastUpdated"));
    check("Condition", "subject", Some("Condition.subject"));
    check("Patient", "birthDate", None);
    let subject = definitions.search_parameters().find("Condition", "subject").unwrap();
    assert!(!subject.is_experimental(), "an example has the same code");

    let patient = definitions.type_named("Patient").unwrap();
    let codes: Vec<_> =
        definitions.search_parameters_of(patient).map(SearchParameter::code).collect();
    for code in ["address", "name", "_id", "_text", "_tag", "general-practitioner"] {
        assert_eq!(codes.iter().filter(|known| **known == code).count(), 1, "{code}");
    }
}

#[test]
fn a_parameter_says_what_it_is() {
    let parameters = Definitions::r4().search_parameters();
    let url = "http://hl7.org/fhir/SearchParameter/Observation-code-value-quantity";
    let composite = parameters.by_url(url).unwrap();
    assert_eq!(composite.kind().code(), "composite");
    let components: Vec<_> = composite.components().collect();
    assert_eq!(
        components[1],
        ("http://hl7.org/fhir/SearchParameter/Observation-value-quantity", "value.as(Quantity)",)
    );
    assert!(parameters.by_url(&format!("{url}|4.0.1")).is_some());
    assert!(parameters.by_url(&format!("{url}|9")).is_none());
    let patient = parameters.find("Observation", "patient").unwrap();
    assert_eq!(patient.targets().collect::<Vec<_>>(), ["Patient", "Group"]);
    let date = parameters.find("Patient", "birthdate").unwrap();
    let comparators: Vec<_> = date.comparators().collect();
    assert_eq!(comparators, ["eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"]);
    assert_eq!(date.bases().collect::<Vec<_>>(), ["Patient", "Person", "RelatedPerson"]);
}

#[test]
fn compartments_and_operations() {
    let definitions = Definitions::r4();
    let patient = definitions.compartments().find("Patient").unwrap();
    assert_eq!(patient.parameters("Observation").collect::<Vec<_>>(), ["subject", "performer"]);
    assert_eq!(patient.parameters("Medication").count(), 0);
    assert!(patient.types().any(|ty| ty == "Observation"));
    assert!(!patient.types().any(|ty| ty == "Medication"));
    let device = definitions.compartments().find("Device").unwrap();
    assert_eq!(device.url(), "http://hl7.org/fhir/CompartmentDefinition/device");

    let everything: Vec<_> = definitions.operations().named("everything").collect();
    let on: Vec<_> = everything.iter().flat_map(|operation| operation.resources()).collect();
    assert_eq!(on, ["Encounter", "Group", "MedicinalProduct", "Patient"]);
    let validate = definitions.operations().named("validate").next().unwrap();
    assert_eq!(
        (validate.on_system(), validate.on_type(), validate.on_instance()),
        (false, true, true)
    );
}
