//! <https://hl7.org/fhir/R4/resourcelist.html>
//!
//! The resource types of R4 and the numbers the store knows them by.
//!
//! A number is a place in [`NAMES`] plus one and stands in stored data: the table only grows at its
//! end.

use store::TypeId;

/// All concrete resource types of R4, alphabetical.
pub(crate) const NAMES: [&str; 146] = [
    "Account",
    "ActivityDefinition",
    "AdverseEvent",
    "AllergyIntolerance",
    "Appointment",
    "AppointmentResponse",
    "AuditEvent",
    "Basic",
    "Binary",
    "BiologicallyDerivedProduct",
    "BodyStructure",
    "Bundle",
    "CapabilityStatement",
    "CarePlan",
    "CareTeam",
    "CatalogEntry",
    "ChargeItem",
    "ChargeItemDefinition",
    "Claim",
    "ClaimResponse",
    "ClinicalImpression",
    "CodeSystem",
    "Communication",
    "CommunicationRequest",
    "CompartmentDefinition",
    "Composition",
    "ConceptMap",
    "Condition",
    "Consent",
    "Contract",
    "Coverage",
    "CoverageEligibilityRequest",
    "CoverageEligibilityResponse",
    "DetectedIssue",
    "Device",
    "DeviceDefinition",
    "DeviceMetric",
    "DeviceRequest",
    "DeviceUseStatement",
    "DiagnosticReport",
    "DocumentManifest",
    "DocumentReference",
    "EffectEvidenceSynthesis",
    "Encounter",
    "Endpoint",
    "EnrollmentRequest",
    "EnrollmentResponse",
    "EpisodeOfCare",
    "EventDefinition",
    "Evidence",
    "EvidenceVariable",
    "ExampleScenario",
    "ExplanationOfBenefit",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "GraphDefinition",
    "Group",
    "GuidanceResponse",
    "HealthcareService",
    "ImagingStudy",
    "Immunization",
    "ImmunizationEvaluation",
    "ImmunizationRecommendation",
    "ImplementationGuide",
    "InsurancePlan",
    "Invoice",
    "Library",
    "Linkage",
    "List",
    "Location",
    "Measure",
    "MeasureReport",
    "Media",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationKnowledge",
    "MedicationRequest",
    "MedicationStatement",
    "MedicinalProduct",
    "MedicinalProductAuthorization",
    "MedicinalProductContraindication",
    "MedicinalProductIndication",
    "MedicinalProductIngredient",
    "MedicinalProductInteraction",
    "MedicinalProductManufactured",
    "MedicinalProductPackaged",
    "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect",
    "MessageDefinition",
    "MessageHeader",
    "MolecularSequence",
    "NamingSystem",
    "NutritionOrder",
    "Observation",
    "ObservationDefinition",
    "OperationDefinition",
    "OperationOutcome",
    "Organization",
    "OrganizationAffiliation",
    "Parameters",
    "Patient",
    "PaymentNotice",
    "PaymentReconciliation",
    "Person",
    "PlanDefinition",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "RequestGroup",
    "ResearchDefinition",
    "ResearchElementDefinition",
    "ResearchStudy",
    "ResearchSubject",
    "RiskAssessment",
    "RiskEvidenceSynthesis",
    "Schedule",
    "SearchParameter",
    "ServiceRequest",
    "Slot",
    "Specimen",
    "SpecimenDefinition",
    "StructureDefinition",
    "StructureMap",
    "Subscription",
    "Substance",
    "SubstanceNucleicAcid",
    "SubstancePolymer",
    "SubstanceProtein",
    "SubstanceReferenceInformation",
    "SubstanceSourceMaterial",
    "SubstanceSpecification",
    "SupplyDelivery",
    "SupplyRequest",
    "Task",
    "TerminologyCapabilities",
    "TestReport",
    "TestScript",
    "ValueSet",
    "VerificationResult",
    "VisionPrescription",
];

/// The number of the type `name`, spelled as the specification spells it.
pub(crate) fn number(name: &str) -> Option<TypeId> {
    let place = NAMES.binary_search(&name).ok()?;
    u16::try_from(place + 1).ok().map(TypeId)
}

/// The name of a type.
pub(crate) fn name(number: TypeId) -> &'static str {
    let place = usize::from(number.0).checked_sub(1);
    place.and_then(|place| NAMES.get(place)).copied().unwrap_or("Resource")
}

/// All types in the order of their names.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter()
}

/// The numbers of all types.
pub(crate) fn numbers() -> impl Iterator<Item = TypeId> {
    all().filter_map(number)
}

/// The type that somebody meant who wrote `name`: the same letters in other case, or a plural.
pub(crate) fn meant(name: &str) -> Option<&'static str> {
    let same = |other: &str| NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(other));
    same(name).or_else(|| same(name.strip_suffix('s')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_the_number_of_its_place() {
        assert!(NAMES.is_sorted());
        for (place, known) in NAMES.into_iter().enumerate() {
            let found = number(known).map(|found| (usize::from(found.0), name(found)));
            assert_eq!(found, Some((place + 1, known)));
        }
    }

    #[test]
    fn numbers_never_change() {
        let fixed = [("Account", 1), ("Bundle", 12), ("Observation", 96), ("Patient", 103)];
        for (name, fixed) in fixed {
            assert_eq!(number(name), Some(TypeId(fixed)), "{name}");
        }
        assert_eq!(number("VisionPrescription"), Some(TypeId(146)));
    }

    #[test]
    fn another_case_or_a_plural_is_understood_and_not_accepted() {
        assert_eq!(number("patient"), None);
        assert_eq!(meant("patient"), Some("Patient"));
        assert_eq!(meant("Patients"), Some("Patient"));
        assert_eq!(meant("Dog"), None);
    }
}
