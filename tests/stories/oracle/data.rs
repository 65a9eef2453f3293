//! Resources at random; what is in them is made in `elements.rs`.

use serde_json::{Value, json};

use super::elements::{CODES, Maker, NAMES, SYSTEMS, URLS};
use super::extract::NUMBER;
use super::parameters::TYPES;

impl Maker<'_> {
    pub(super) fn resource(&mut self, of: &str, id: &str) -> Value {
        let mut to = json!({"resourceType": of, "id": id});
        self.meta(&mut to);
        match of {
            "Patient" => self.patient(&mut to),
            "Observation" => self.observation(&mut to),
            "Encounter" => self.encounter(&mut to),
            "Condition" => self.condition(&mut to),
            "Organization" => self.organization(&mut to),
            "Practitioner" => self.practitioner(&mut to),
            "Group" => self.group(&mut to),
            "List" => self.list(&mut to),
            "ValueSet" => self.value_set(&mut to),
            "RiskAssessment" => self.risk_assessment(&mut to),
            "ChargeItem" => self.charge_item(&mut to),
            other => unreachable!("{other} is not made"),
        }
        to
    }

    fn meta(&mut self, to: &mut Value) {
        let mut meta = json!({});
        if self.chance(20) {
            meta["tag"] = json!([self.coding()]);
        }
        if self.chance(10) {
            meta["security"] = json!([self.coding()]);
        }
        if self.chance(10) {
            let version = if self.chance(50) { "|1" } else { "" };
            let profile = format!("{}{version}", self.random.pick(&["http://a/p", "http://a/p/q"]));
            meta["profile"] = json!([profile]);
        }
        if self.chance(10) {
            meta["source"] = self.text(URLS);
        }
        if meta.as_object().is_some_and(|meta| !meta.is_empty()) {
            to["meta"] = meta;
        }
        self.maybe(10, to, "language", |it| it.text(&["en", "de"]));
    }

    fn patient(&mut self, to: &mut Value) {
        self.identifiers(to);
        self.maybe(60, to, "active", |it| json!(it.chance(50)));
        self.maybe(85, to, "name", |it| json!([it.name()]));
        self.maybe(20, to, "name", |it| json!([it.name(), it.name()]));
        self.maybe(40, to, "telecom", |it| json!([it.contact(), it.contact()]));
        self.maybe(70, to, "gender", |it| it.text(&["male", "female", "other", "unknown"]));
        self.maybe(70, to, "birthDate", Self::day);
        match self.random.below(5) {
            0 => to["deceasedBoolean"] = json!(self.chance(50)),
            1 => to["deceasedDateTime"] = self.date(),
            _ => {}
        }
        self.maybe(30, to, "address", |it| json!([it.address()]));
        self.maybe(20, to, "communication", |it| json!([{"language": it.concept()}]));
        self.maybe_references(40, to, "generalPractitioner", &["Practitioner", "Organization"]);
        self.maybe_reference(50, to, "managingOrganization", &["Organization"]);
        if self.chance(25) {
            let other = self.reference(to, &["Patient"]);
            to["link"] = json!([{"other": other, "type": "seealso"}]);
        }
    }

    fn observation(&mut self, to: &mut Value) {
        self.identifiers(to);
        to["status"] = self.text(&["final", "amended", "preliminary"]);
        to["code"] = self.concept();
        self.maybe(40, to, "category", |it| json!([it.concept()]));
        self.maybe(20, to, "method", Self::concept);
        self.maybe_reference(85, to, "subject", &["Patient", "Patient", "Patient", "Group"]);
        self.maybe_reference(40, to, "encounter", &["Encounter"]);
        self.maybe_references(30, to, "performer", &["Practitioner", "Organization", "Patient"]);
        self.maybe_references(15, to, "focus", &["Condition", "Patient", "Observation"]);
        self.maybe_references(15, to, "hasMember", &["Observation"]);
        self.maybe_references(15, to, "derivedFrom", &["Observation"]);
        match self.random.below(8) {
            0 => {}
            1 => to["effectivePeriod"] = self.period(),
            2 => to["effectiveTiming"] = self.timing(),
            3 => to["effectiveInstant"] = json!("2020-01-01T10:00:00Z"),
            _ => to["effectiveDateTime"] = self.date(),
        }
        match self.random.below(10) {
            0 => {}
            1 => to["valueCodeableConcept"] = self.concept(),
            2 => to["valueString"] = self.text(NAMES),
            3 => to["valueDateTime"] = self.date(),
            4 => to["valuePeriod"] = self.period(),
            5 => {
                let period = json!(format!("{NUMBER}10"));
                let mut origin = self.unit();
                origin["value"] = json!(format!("{NUMBER}1"));
                let data = self.text(&["1 2 3", "0 -1.5", "5.4"]);
                let dimensions = json!(format!("{NUMBER}1"));
                to["valueSampledData"] = json!({"origin": origin, "period": period,
                                                "dimensions": dimensions, "data": data});
            }
            _ => to["valueQuantity"] = self.quantity(),
        }
        if self.chance(30) {
            let part = |it: &mut Self| {
                let mut part = json!({"code": it.concept()});
                it.maybe(80, &mut part, "valueQuantity", Self::quantity);
                part
            };
            to["component"] = json!([part(self), part(self)]);
        }
    }

    fn encounter(&mut self, to: &mut Value) {
        self.identifiers(to);
        to["status"] = self.text(&["finished", "planned", "in-progress"]);
        to["class"] = self.coding();
        self.maybe(40, to, "type", |it| json!([it.concept()]));
        self.maybe_reference(80, to, "subject", &["Patient", "Patient", "Group"]);
        if self.chance(40) {
            let individual = self.reference(to, &["Practitioner"]);
            to["participant"] = json!([{"individual": individual}]);
        }
        self.maybe(70, to, "period", Self::period);
        if self.chance(40) {
            let unit = self.random.pick(&["s", "min", "h", "d", "a"]);
            to["length"] = json!({"value": self.number(), "unit": unit, "code": unit,
                                  "system": "http://unitsofmeasure.org"});
        }
        self.maybe(30, to, "reasonCode", |it| json!([it.concept()]));
        self.maybe_references(20, to, "reasonReference", &["Condition", "Observation"]);
        if self.chance(25) {
            let condition = self.reference(to, &["Condition"]);
            to["diagnosis"] = json!([{"condition": condition}]);
        }
        self.maybe_reference(40, to, "serviceProvider", &["Organization"]);
        self.maybe_reference(30, to, "partOf", &["Encounter"]);
    }

    fn condition(&mut self, to: &mut Value) {
        self.identifiers(to);
        self.maybe(80, to, "code", Self::concept);
        self.maybe(40, to, "category", |it| json!([it.concept()]));
        self.maybe(40, to, "severity", Self::concept);
        to["subject"] = self.reference(to, &["Patient", "Patient", "Patient", "Group"]);
        self.maybe_reference(40, to, "encounter", &["Encounter"]);
        self.maybe_reference(30, to, "asserter", &["Practitioner", "Patient"]);
        match self.random.below(6) {
            0 => {}
            1 => {
                let unit = self.random.pick(&["a", "d", "h"]);
                let value = format!("{NUMBER}{}", self.random.pick(&["1.5", "60", "100"]));
                to["onsetAge"] = json!({"value": value, "unit": unit, "code": unit,
                                        "system": "http://unitsofmeasure.org"});
            }
            2 => to["onsetRange"] = self.range(),
            3 => to["onsetPeriod"] = self.period(),
            4 => to["onsetString"] = self.text(NAMES),
            _ => to["onsetDateTime"] = self.date(),
        }
        self.maybe(30, to, "recordedDate", Self::date);
        self.maybe(20, to, "abatementString", |it| it.text(NAMES));
        if self.chance(25) {
            let detail = self.reference(to, &["Observation", "Condition", "ChargeItem"]);
            to["evidence"] = json!([{"code": [self.concept()], "detail": [detail]}]);
        }
    }

    fn organization(&mut self, to: &mut Value) {
        self.identifiers(to);
        self.maybe(50, to, "active", |it| json!(it.chance(50)));
        to["name"] = self.text(NAMES);
        self.maybe(30, to, "alias", |it| json!([it.text(NAMES), it.text(NAMES)]));
        self.maybe(40, to, "type", |it| json!([it.concept()]));
        self.maybe(30, to, "address", |it| json!([it.address()]));
        self.maybe_reference(60, to, "partOf", &["Organization"]);
    }

    fn practitioner(&mut self, to: &mut Value) {
        self.identifiers(to);
        self.maybe(50, to, "active", |it| json!(it.chance(50)));
        self.maybe(80, to, "name", |it| json!([it.name()]));
        self.maybe(50, to, "gender", |it| it.text(&["male", "female", "other"]));
        self.maybe(30, to, "telecom", |it| json!([it.contact()]));
        self.maybe(30, to, "communication", |it| json!([it.concept()]));
        self.maybe(30, to, "address", |it| json!([it.address()]));
    }

    fn group(&mut self, to: &mut Value) {
        self.identifiers(to);
        to["type"] = self.text(&["person", "practitioner"]);
        to["actual"] = json!(true);
        self.maybe(40, to, "code", Self::concept);
        self.maybe_reference(30, to, "managingEntity", &["Practitioner", "Organization"]);
        if self.chance(60) {
            let targets = ["Patient", "Group", "Practitioner"];
            let members: Vec<Value> = (0..1 + self.random.below(3))
                .map(|_| json!({"entity": self.reference(to, &targets)}))
                .collect();
            to["member"] = json!(members);
        }
        if self.chance(40) {
            let one = |it: &mut Self| {
                json!({"code": it.concept(), "valueCodeableConcept": it.concept(),
                       "exclude": it.chance(50)})
            };
            to["characteristic"] = json!([one(self), one(self)]);
        }
    }

    fn list(&mut self, to: &mut Value) {
        self.identifiers(to);
        to["status"] = self.text(&["current", "retired"]);
        to["mode"] = json!("working");
        self.maybe(50, to, "title", |it| it.text(NAMES));
        self.maybe(40, to, "code", Self::concept);
        self.maybe_reference(50, to, "subject", &["Patient", "Group"]);
        self.maybe_reference(30, to, "encounter", &["Encounter"]);
        self.maybe_reference(30, to, "source", &["Practitioner", "Patient"]);
        self.maybe(50, to, "date", Self::date);
        self.maybe(30, to, "note", |it| json!([{"text": it.text(NAMES)}]));
        if self.chance(70) {
            let items: Vec<Value> = (0..1 + self.random.below(4))
                .map(|_| json!({"item": self.reference(to, &TYPES)}))
                .collect();
            to["entry"] = json!(items);
        }
    }

    fn value_set(&mut self, to: &mut Value) {
        self.identifiers(to);
        to["status"] = self.text(&["draft", "active", "retired"]);
        self.maybe(50, to, "url", |it| it.text(URLS));
        if self.chance(50) {
            // An address that no other has, to be asked for by `:in`.
            to["url"] = json!(format!("http://sets/{}", to["id"].as_str().expect("an id")));
        }
        self.maybe(50, to, "version", |it| it.text(&["1", "1.0", "2"]));
        self.maybe(60, to, "name", |it| it.text(&["One", "Other", "oned"]));
        self.maybe(50, to, "title", |it| it.text(NAMES));
        self.maybe(50, to, "publisher", |it| it.text(NAMES));
        self.maybe(50, to, "date", Self::date);
        let context = |it: &mut Self| match it.random.below(3) {
            0 => json!({"code": it.coding(), "valueCodeableConcept": it.concept()}),
            1 => json!({"code": it.coding(), "valueRange": it.range()}),
            _ => json!({"code": it.coding(), "valueQuantity": it.quantity()}),
        };
        if self.chance(40) {
            to["useContext"] = json!([context(self), context(self)]);
        }
        let concept = |it: &mut Self| json!({"code": it.text(CODES)});
        let include = |it: &mut Self| {
            json!({"system": it.text(SYSTEMS),
                   "concept": [concept(it), concept(it)]})
        };
        to["compose"] = json!({"include": [include(self), include(self)]});
    }

    fn risk_assessment(&mut self, to: &mut Value) {
        self.identifiers(to);
        to["status"] = json!("final");
        to["subject"] = self.reference(to, &["Patient", "Patient", "Group"]);
        self.maybe_reference(30, to, "encounter", &["Encounter"]);
        self.maybe_reference(40, to, "condition", &["Condition"]);
        self.maybe(30, to, "method", Self::concept);
        self.maybe_reference(30, to, "performer", &["Practitioner"]);
        self.maybe(60, to, "occurrenceDateTime", Self::date);
        let prediction = |it: &mut Self| match it.random.below(3) {
            0 => json!({"probabilityRange": it.range()}),
            1 => json!({"probabilityDecimal": it.number(), "qualitativeRisk": it.concept()}),
            _ => json!({"probabilityDecimal": it.number()}),
        };
        to["prediction"] = json!([prediction(self), prediction(self)]);
    }

    fn charge_item(&mut self, to: &mut Value) {
        self.identifiers(to);
        to["status"] = json!("billed");
        to["code"] = self.concept();
        to["subject"] = self.reference(to, &["Patient", "Patient", "Group"]);
        self.maybe_reference(40, to, "context", &["Encounter"]);
        self.maybe_reference(40, to, "enterer", &["Practitioner", "Patient", "Organization"]);
        self.maybe_references(20, to, "service", &["Observation"]);
        match self.random.below(4) {
            0 => {}
            1 => to["occurrencePeriod"] = self.period(),
            2 => to["occurrenceTiming"] = self.timing(),
            _ => to["occurrenceDateTime"] = self.date(),
        }
        self.maybe(40, to, "enteredDate", Self::date);
        self.maybe(60, to, "factorOverride", Self::number);
        self.maybe(40, to, "quantity", Self::quantity);
        if self.chance(40) {
            to["priceOverride"] =
                json!({"value": self.number(), "currency": self.text(&["EUR", "USD"])});
        }
    }
}
