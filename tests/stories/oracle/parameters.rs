//! <https://hl7.org/fhir/R4/searchparameter-registry.html>: the parameters that the oracle knows,
//! written by hand: `type code kind targets paths`. A path ends in the data type that it leads to;
//! `[key=value]` chooses among elements, `@Patient` among references by what they lead to.

use std::sync::LazyLock;

/// How the values of a parameter are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Str,
    Token,
    Reference,
    Date,
    Number,
    Quantity,
    Uri,
    Composite,
}

pub(super) struct Parameter {
    pub(super) of: &'static str,
    pub(super) code: &'static str,
    pub(super) kind: Kind,
    /// Of a reference: what it may lead to.
    pub(super) targets: Vec<&'static str>,
    /// Each with the name of its data type; of a composite where its elements are.
    pub(super) paths: Vec<(&'static str, &'static str)>,
    pub(super) components: Vec<Parameter>,
}

/// All types of the data sets.
pub(super) const TYPES: [&str; 11] = [
    "ChargeItem",
    "Condition",
    "Encounter",
    "Group",
    "List",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "RiskAssessment",
    "ValueSet",
];

pub(super) static ALL: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    let common = TYPES.iter().flat_map(|of| COMMON.lines().filter_map(|line| row(of, line)));
    let own = OWN.lines().filter_map(|line| {
        let (of, line) = line.trim().split_once(' ')?;
        row(of, line)
    });
    common.chain(own).collect()
});

pub(super) fn find(of: &str, code: &str) -> Option<&'static Parameter> {
    ALL.iter().find(|parameter| parameter.of == of && parameter.code == code)
}

fn row(of: &'static str, line: &'static str) -> Option<Parameter> {
    let mut words = line.split_whitespace();
    let (code, kind, targets) = (words.next()?, named(words.next()?), words.next()?);
    let targets = match targets {
        "-" => Vec::new(),
        "ANY" => TYPES.to_vec(),
        names => names.split(',').collect(),
    };
    let path = |word: &'static str| word.split_once(':').expect("a path with its type");
    let mut parameter =
        Parameter { of, code, kind, targets, paths: Vec::new(), components: Vec::new() };
    for word in words {
        // `token=code:CodeableConcept` is a component; semicolons part its paths.
        match word.split_once('=').filter(|(kind, _)| KINDS.iter().any(|(name, _)| name == kind)) {
            Some((name, word)) => parameter.components.push(Parameter {
                of,
                code: "",
                kind: named(name),
                targets: Vec::new(),
                paths: word.split(';').map(path).collect(),
                components: Vec::new(),
            }),
            None => parameter.paths.push(path(word)),
        }
    }
    Some(parameter)
}

const KINDS: [(&str, Kind); 8] = [
    ("string", Kind::Str),
    ("token", Kind::Token),
    ("reference", Kind::Reference),
    ("date", Kind::Date),
    ("number", Kind::Number),
    ("quantity", Kind::Quantity),
    ("uri", Kind::Uri),
    ("composite", Kind::Composite),
];

fn named(name: &str) -> Kind {
    KINDS.iter().find(|(known, _)| *known == name).expect("a kind").1
}

const COMMON: &str = "
    _tag token - meta.tag:Coding
    _security token - meta.security:Coding
    _profile uri - meta.profile:canonical
    _source uri - meta.source:uri
    _language token - language:code
";

const OWN: &str = "
    Patient active token - active:boolean
    Patient address string - address:Address
    Patient address-city string - address.city:string
    Patient birthdate date - birthDate:date
    Patient death-date date - deceasedDateTime:date
    Patient deceased token - :deceased
    Patient email token - telecom[system=email]:ContactPoint
    Patient family string - name.family:string
    Patient gender token - gender:code
    Patient general-practitioner reference Practitioner,Organization generalPractitioner:Reference
    Patient given string - name.given:string
    Patient identifier token - identifier:Identifier
    Patient language token - communication.language:CodeableConcept
    Patient link reference Patient link.other:Reference
    Patient name string - name:HumanName
    Patient organization reference Organization managingOrganization:Reference
    Patient phone token - telecom[system=phone]:ContactPoint
    Patient telecom token - telecom:ContactPoint
    Observation category token - category:CodeableConcept
    Observation code token - code:CodeableConcept
    Observation combo-code token - code:CodeableConcept component.code:CodeableConcept
    Observation combo-value-quantity quantity - valueQuantity:Quantity \
        component.valueQuantity:Quantity valueSampledData:SampledData
    Observation component-code token - component.code:CodeableConcept
    Observation component-value-quantity quantity - component.valueQuantity:Quantity
    Observation date date - effectiveDateTime:date effectivePeriod:Period effectiveInstant:date \
        effectiveTiming:Timing
    Observation derived-from reference Observation derivedFrom:Reference
    Observation encounter reference Encounter encounter:Reference
    Observation focus reference ANY focus:Reference
    Observation has-member reference Observation hasMember:Reference
    Observation identifier token - identifier:Identifier
    Observation method token - method:CodeableConcept
    Observation patient reference Patient,Group subject@Patient:Reference
    Observation performer reference Practitioner,Organization,Patient performer:Reference
    Observation status token - status:code
    Observation subject reference Patient,Group subject:Reference
    Observation value-concept token - valueCodeableConcept:CodeableConcept
    Observation value-date date - valueDateTime:date valuePeriod:Period
    Observation value-quantity quantity - valueQuantity:Quantity valueSampledData:SampledData
    Observation value-string string - valueString:string valueCodeableConcept.text:string
    Observation code-value-quantity composite - :resource token=code:CodeableConcept \
        quantity=valueQuantity:Quantity
    Observation code-value-concept composite - :resource token=code:CodeableConcept \
        token=valueCodeableConcept:CodeableConcept
    Observation code-value-string composite - :resource token=code:CodeableConcept \
        string=valueString:string
    Observation component-code-value-quantity composite - component:each \
        token=code:CodeableConcept quantity=valueQuantity:Quantity
    Observation combo-code-value-quantity composite - :resource component:each \
        token=code:CodeableConcept quantity=valueQuantity:Quantity
    Encounter class token - class:Coding
    Encounter date date - period:Period
    Encounter diagnosis reference Condition diagnosis.condition:Reference
    Encounter identifier token - identifier:Identifier
    Encounter length quantity - length:Quantity
    Encounter part-of reference Encounter partOf:Reference
    Encounter participant reference Practitioner participant.individual:Reference
    Encounter patient reference Patient,Group subject@Patient:Reference
    Encounter practitioner reference Practitioner participant.individual@Practitioner:Reference
    Encounter reason-code token - reasonCode:CodeableConcept
    Encounter reason-reference reference Condition,Observation reasonReference:Reference
    Encounter service-provider reference Organization serviceProvider:Reference
    Encounter status token - status:code
    Encounter subject reference Patient,Group subject:Reference
    Encounter type token - type:CodeableConcept
    Condition abatement-string string - abatementString:string
    Condition asserter reference Practitioner,Patient asserter:Reference
    Condition category token - category:CodeableConcept
    Condition code token - code:CodeableConcept
    Condition encounter reference Encounter encounter:Reference
    Condition evidence token - evidence.code:CodeableConcept
    Condition evidence-detail reference ANY evidence.detail:Reference
    Condition identifier token - identifier:Identifier
    Condition onset-age quantity - onsetAge:Quantity onsetRange:Range
    Condition onset-date date - onsetDateTime:date onsetPeriod:Period
    Condition onset-info string - onsetString:string
    Condition patient reference Patient,Group subject@Patient:Reference
    Condition recorded-date date - recordedDate:date
    Condition severity token - severity:CodeableConcept
    Condition subject reference Patient,Group subject:Reference
    Organization active token - active:boolean
    Organization address string - address:Address
    Organization address-city string - address.city:string
    Organization identifier token - identifier:Identifier
    Organization name string - name:string alias:string
    Organization partof reference Organization partOf:Reference
    Organization type token - type:CodeableConcept
    Practitioner active token - active:boolean
    Practitioner address string - address:Address
    Practitioner address-city string - address.city:string
    Practitioner communication token - communication:CodeableConcept
    Practitioner email token - telecom[system=email]:ContactPoint
    Practitioner family string - name.family:string
    Practitioner gender token - gender:code
    Practitioner given string - name.given:string
    Practitioner identifier token - identifier:Identifier
    Practitioner name string - name:HumanName
    Practitioner phone token - telecom[system=phone]:ContactPoint
    Practitioner telecom token - telecom:ContactPoint
    Group actual token - actual:boolean
    Group characteristic token - characteristic.code:CodeableConcept
    Group characteristic-value composite - characteristic:each token=code:CodeableConcept \
        token=valueCodeableConcept:CodeableConcept
    Group code token - code:CodeableConcept
    Group exclude token - characteristic.exclude:boolean
    Group identifier token - identifier:Identifier
    Group managing-entity reference Practitioner,Organization managingEntity:Reference
    Group member reference Practitioner,Group,Patient member.entity:Reference
    Group type token - type:code
    List code token - code:CodeableConcept
    List date date - date:date
    List encounter reference Encounter encounter:Reference
    List identifier token - identifier:Identifier
    List item reference ANY entry.item:Reference
    List notes string - note.text:string
    List patient reference Patient,Group subject@Patient:Reference
    List source reference Practitioner,Patient source:Reference
    List status token - status:code
    List subject reference Patient,Group subject:Reference
    List title string - title:string
    ValueSet code token - compose.include.concept.code:code
    ValueSet context token - useContext.valueCodeableConcept:CodeableConcept
    ValueSet context-quantity quantity - useContext.valueQuantity:Quantity \
        useContext.valueRange:Range
    ValueSet context-type token - useContext.code:Coding
    ValueSet context-type-quantity composite - useContext:each token=code:Coding \
        quantity=valueQuantity:Quantity;valueRange:Range
    ValueSet date date - date:date
    ValueSet identifier token - identifier:Identifier
    ValueSet name string - name:string
    ValueSet publisher string - publisher:string
    ValueSet reference uri - compose.include.system:uri
    ValueSet status token - status:code
    ValueSet title string - title:string
    ValueSet url uri - url:uri
    ValueSet version token - version:code
    RiskAssessment condition reference Condition condition:Reference
    RiskAssessment date date - occurrenceDateTime:date
    RiskAssessment encounter reference Encounter encounter:Reference
    RiskAssessment identifier token - identifier:Identifier
    RiskAssessment method token - method:CodeableConcept
    RiskAssessment patient reference Patient,Group subject@Patient:Reference
    RiskAssessment performer reference Practitioner performer:Reference
    RiskAssessment probability number - prediction.probabilityDecimal:decimal \
        prediction.probabilityRange:Range
    RiskAssessment risk token - prediction.qualitativeRisk:CodeableConcept
    RiskAssessment subject reference Patient,Group subject:Reference
    ChargeItem code token - code:CodeableConcept
    ChargeItem context reference Encounter context:Reference
    ChargeItem entered-date date - enteredDate:date
    ChargeItem enterer reference Practitioner,Organization,Patient enterer:Reference
    ChargeItem factor-override number - factorOverride:decimal
    ChargeItem identifier token - identifier:Identifier
    ChargeItem occurrence date - occurrenceDateTime:date occurrencePeriod:Period \
        occurrenceTiming:Timing
    ChargeItem patient reference Patient subject@Patient:Reference
    ChargeItem price-override quantity - priceOverride:Money
    ChargeItem quantity quantity - quantity:Quantity
    ChargeItem service reference Observation service:Reference
    ChargeItem subject reference Patient,Group subject:Reference
";

/// The systems of elements of type code, which the elements do not repeat.
pub(super) const IMPLIED: [(&str, &str, &str); 7] = [
    ("Patient", "gender", "http://hl7.org/fhir/administrative-gender"),
    ("Practitioner", "gender", "http://hl7.org/fhir/administrative-gender"),
    ("Observation", "status", "http://hl7.org/fhir/observation-status"),
    ("Encounter", "status", "http://hl7.org/fhir/encounter-status"),
    ("List", "status", "http://hl7.org/fhir/list-status"),
    ("Group", "type", "http://hl7.org/fhir/group-type"),
    ("ValueSet", "status", "http://hl7.org/fhir/publication-status"),
];

/// <https://hl7.org/fhir/R4/compartmentdefinition.html>: the compartment's type, the type inside
/// and the parameters that put it there. What
/// a compartment is about is always in it.
pub(super) const COMPARTMENTS: [(&str, &str, &[&str]); 21] = [
    ("Patient", "ChargeItem", &["subject"]),
    ("Patient", "Condition", &["patient", "asserter"]),
    ("Patient", "Encounter", &["patient"]),
    ("Patient", "Group", &["member"]),
    ("Patient", "List", &["subject", "source"]),
    ("Patient", "Observation", &["subject", "performer"]),
    ("Patient", "Patient", &["link"]),
    ("Patient", "RiskAssessment", &["subject"]),
    ("Encounter", "ChargeItem", &["context"]),
    ("Encounter", "Condition", &["encounter"]),
    ("Encounter", "Observation", &["encounter"]),
    ("Encounter", "Encounter", &[]),
    ("Practitioner", "ChargeItem", &["enterer"]),
    ("Practitioner", "Condition", &["asserter"]),
    ("Practitioner", "Encounter", &["practitioner", "participant"]),
    ("Practitioner", "Group", &["member"]),
    ("Practitioner", "List", &["source"]),
    ("Practitioner", "Observation", &["performer"]),
    ("Practitioner", "Patient", &["general-practitioner"]),
    ("Practitioner", "Practitioner", &[]),
    ("Practitioner", "RiskAssessment", &["performer"]),
];
