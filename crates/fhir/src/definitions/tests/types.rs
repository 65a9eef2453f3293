//! Types and their elements.

use super::follow;
use crate::definitions::{Definitions, Derivation, Element, Role, Strength, Structure, Type};

#[track_caller]
fn check(path: &str, expected: &str) {
    assert_eq!(follow(path), expected, "{path}");
}

#[test]
fn a_name_leads_to_its_type() {
    check("Patient.contact.name.given", "string 0..*");
    check("Patient.birthDate", "date 0..1");
    check("Patient._birthDate", "date 0..1");
    check("Patient._contact", "Patient has no _contact");
    check("Patient.contact", "Patient.contact 0..*");
    check("Patient.id", "id 0..1");
    check("Patient.name.id", "string 0..1");
    check("Patient.name._id", "HumanName has no _id");
    check("Patient.text.div", "xhtml 1..1");
    check("Patient.extension.url", "uri 1..1");
    check("Patient.contained", "Resource 0..*");
    check("Patient.contained.implicitRules", "uri 0..1");
    check("Bundle.entry.resource", "Resource 0..1");
    check("Patient.birthdate", "Patient has no birthdate");
    check("Patient.", "Patient has no ");
    check("Patient.resourceType", "Patient has no resourceType");
    check("Timing.repeat.dayOfWeek", "code 0..*");
    check("date.extension.valueCode", "code 0..1 choice");
    check("date.value", "date has no value");
    check("Patient.managingOrganization", "Reference 0..1 -> Organization");
    check("Patient.generalPractitioner.reference", "string 0..1");
    check(
        "CarePlan.instantiatesCanonical",
        "canonical 0..* -> PlanDefinition -> Questionnaire \
           -> Measure -> ActivityDefinition -> OperationDefinition",
    );
    check("Pet.name", "no such type");
}

#[test]
fn a_choice_is_found_under_each_of_its_names() {
    check("Observation.valueQuantity", "Quantity 0..1 choice");
    check("Observation.valueQuantity.value", "decimal 0..1");
    check("Observation._valueString", "string 0..1 choice");
    check("Observation._valueQuantity", "Observation has no _valueQuantity");
    check("Observation.valueAddress", "Observation has no valueAddress");
    check("Observation.value[x]", "Observation has no value[x]");
    check(
        "Observation.value",
        "Element 0..1 choice of Quantity CodeableConcept string boolean integer Range Ratio \
         SampledData time dateTime Period",
    );
    check("Observation._value", "Observation has no _value");
    check("MedicationRequest.medicationReference", "Reference 1..1 choice -> Medication");
    check("Parameters.parameter.valueBase64Binary", "base64Binary 0..1 choice");
}

#[test]
fn a_content_reference_is_what_it_refers_to() {
    check("Questionnaire.item.item", "Questionnaire.item 0..*");
    check("Questionnaire.item.item.item.item.linkId", "string 1..1");
    check("Observation.component.referenceRange.low", "Quantity 0..1");
    check("Bundle.entry.link.relation", "string 1..1");
    check("ValueSet.compose.exclude.concept.designation.use", "Coding 0..1");
}

#[test]
fn types_stand_in_lines() {
    let definitions = Definitions::r4();
    let check = |ty: &str, expected: &str| {
        let first = definitions.type_named(ty).map(|id| definitions.ty(id));
        let line: Vec<_> = std::iter::successors(first, |ty| ty.base()).map(Type::name).collect();
        assert_eq!(line.join(" "), expected);
    };
    check("Patient", "Patient DomainResource Resource");
    check("Bundle", "Bundle Resource");
    check("Patient.contact", "Patient.contact BackboneElement Element");
    check("Timing.repeat", "Timing.repeat Element");
    check("Age", "Age Quantity Element");
    check("positiveInt", "positiveInt integer Element");
    check("canonical", "canonical uri Element");
    check("MetadataResource", "MetadataResource DomainResource Resource");

    let id = |name: &str| definitions.type_named(name).unwrap();
    assert!(definitions.ty(id("Patient")).is_a(id("Resource")));
    assert!(definitions.ty(id("code")).is_a(id("string")));
    assert!(!definitions.ty(id("string")).is_a(id("code")));
    let pattern = definitions.ty(id("id")).pattern();
    assert_eq!(pattern, Some(r"[A-Za-z0-9\-\.]{1,64}"));
}

#[test]
fn children_come_in_the_order_of_xml() {
    let definitions = Definitions::r4();
    let id = definitions.type_named("Period").unwrap();
    let names: Vec<_> = definitions.ty(id).children().map(Element::name).collect();
    assert_eq!(names, ["id", "extension", "start", "end"]);
    let id = definitions.type_named("Extension").unwrap();
    let names: Vec<_> = definitions.ty(id).children().map(Element::name).collect();
    assert_eq!(names, ["id", "extension", "url", "value[x]"]);
    for ty in definitions.types() {
        let orders: Vec<_> = ty.children().map(Element::order).collect();
        assert!(orders.is_sorted_by(|a, b| a < b), "{}: {orders:?}", ty.name());
        assert_eq!(ty.json_names().filter(|name| ty.child(name).is_none()).count(), 0);
    }
}

#[test]
fn an_element_says_what_it_is() {
    let definitions = Definitions::r4();
    let patient = definitions.ty(definitions.type_named("Patient").unwrap());
    let gender = patient.child("gender").unwrap().element;
    let binding = gender.binding().unwrap();
    assert_eq!(binding.strength, Strength::Required);
    assert_eq!(binding.value_set, Some("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1"));
    assert!(gender.is_summary() && !gender.is_modifier());
    assert!(patient.child("active").unwrap().element.is_modifier());
    let language = patient.child("language").unwrap().element.binding().unwrap();
    assert_eq!(language.max_value_set, Some("http://hl7.org/fhir/ValueSet/all-languages"));
    let keys: Vec<_> =
        patient.element().unwrap().constraints().map(|constraint| constraint.key).collect();
    assert_eq!(keys, ["dom-2", "dom-3", "dom-4", "dom-5", "dom-6"]);
    let advice = patient.element().unwrap().constraints().filter(|one| one.best_practice);
    assert_eq!(advice.map(|one| one.key).collect::<Vec<_>>(), ["dom-6"]);
    let contact = definitions.ty(definitions.type_named("Patient.contact").unwrap());
    let own = contact.element().unwrap().constraints().find(|one| one.key == "pat-1").unwrap();
    assert_eq!(
        own.expression,
        Some("name.exists() or telecom.exists() or address.exists() or organization.exists()")
    );
    let url = follow("Extension.url");
    assert_eq!(url, "uri 1..1");
    let extension = definitions.ty(definitions.type_named("Extension").unwrap());
    assert!(extension.child("url").unwrap().element.is_xml_attribute());
    let narrative = definitions.ty(definitions.type_named("Narrative").unwrap());
    assert!(!narrative.child("div").unwrap().primitive_sibling);
}

#[test]
fn profiles_keep_slices_and_fixed_values() {
    let definitions = Definitions::r4();
    let systolic = definitions.structure("http://hl7.org/fhir/StructureDefinition/bp").unwrap();
    assert_eq!((systolic.ty(), systolic.derivation()), ("Observation", Derivation::Constraint));
    let component = systolic.elements().find(|e| e.id() == "Observation.component").unwrap();
    let slicing = component.slicing().unwrap();
    let on: Vec<_> = slicing.discriminators().map(|(kind, path)| (kind.code(), path)).collect();
    assert_eq!(on, [("value", "code.coding.code"), ("value", "code.coding.system")]);
    let slice = systolic.elements().find(|e| e.slice_name() == Some("SystolicBP")).unwrap();
    assert_eq!(slice.order(), component.order());
    assert_eq!((slice.min(), slice.max(), slice.repeats()), (1, Some(1), true));
    let fixed = systolic.elements().filter_map(|element| element.given(Role::Fixed));
    assert!(fixed.map(|given| (given.ty, given.json)).any(|it| it == ("Code", "\"8480-6\"")));
    let names: Vec<_> = slice.children().map(Element::name).collect();
    assert_eq!(&names[..4], ["id", "extension", "modifierExtension", "code"]);

    let birth_time = "http://hl7.org/fhir/StructureDefinition/patient-birthTime|4.0.1";
    let extension = definitions.structure(birth_time).unwrap();
    let contexts: Vec<_> = extension.contexts().collect();
    assert_eq!(contexts, [("element", "Patient.birthDate")]);
    assert!(definitions.structure("http://hl7.org/fhir/StructureDefinition/bp|9").is_none());
    let patient = definitions.structure("http://hl7.org/fhir/StructureDefinition/Patient");
    assert_eq!(patient.map(Structure::ty), Some("Patient"));
}
