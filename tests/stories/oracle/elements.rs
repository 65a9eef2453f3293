//! <https://hl7.org/fhir/R4/datatypes.html>: elements at random, full of what is rare: what is
//! missing, in other units, in other zones, written in another way, or refers to what is not there.

use serde_json::{Value, json};

use super::extract::NUMBER;
use super::parameters::TYPES;
use super::random::Random;

pub(super) const NAMES: &[&str] = &[
    "Müller",
    "Muller",
    "MULLER",
    "mu\u{308}ller",
    "Łęcki",
    "lecki",
    "Ørsted",
    "van der Berg",
    "van  der\u{a0}Berg",
    "Van",
    "O'Neil",
    "Straße",
    "strasse",
    "Ångström",
    "angstrom",
    "García",
    "Émile",
    "e\u{301}mile",
    "Zoë",
    "Eve",
    "eve",
    "Évelyn",
    "a, b",
    "x|y",
    "m$n",
    "back\\slash",
    "Œuvre",
];
pub(super) const SYSTEMS: &[&str] = &["http://s/one", "http://s/two", "urn:oid:1.2.3", "http://s"];
pub(super) const CODES: &[&str] = &["a", "b", "A", "c-1", "a|b", "x,y", "d$e", "final", "r1"];
pub(super) const NUMBERS: &[&str] = &[
    "0", "1", "1.0", "1.50", "1.5", "-1", "-1.5", "100", "1e2", "1E2", "99.5", "100.4", "100.5",
    "5.4", "5400", "0.0254", "2.54", "254e-2", "-0.001", "1e-3", "60", "3600", "0.8", "0.85",
    "120", "1.005",
];
pub(super) const UNITS: &[&str] = &[
    "g", "mg", "kg", "m", "cm", "[in_i]", "s", "min", "h", "d", "a", "mm[Hg]", "kPa", "mg/dL",
    "Cel", "K",
];
pub(super) const DATES: &[&str] = &[
    "2020",
    "2020-02",
    "2020-02-29",
    "2019-12-31",
    "2020-01-01",
    "2021",
    "1970-05-01",
    "1970",
    "2020-02-29T23:59:59Z",
    "2020-03-01T00:00:00+02:00",
    "2020-03-01T00:00:00Z",
    "2020-02-29T22:00:00Z",
    "2019-12-31T23:30:00-05:00",
    "2020-01-01T10:00:00.123Z",
    "2020-01-01T10:00:00.1234567Z",
    "2020-01-01T10:00:00Z",
    "0090",
    "2100-12-31",
    "2020-12",
];
pub(super) const URLS: &[&str] = &[
    "http://a",
    "http://a/b",
    "http://a/b/c",
    "http://ab",
    "http://a/",
    "urn:uuid:x",
    "http://a/B",
];

/// Makes resources; `size` is how many of each type there may be.
pub(super) struct Maker<'m> {
    pub(super) random: &'m mut Random,
    pub(super) base: &'m str,
    pub(super) size: usize,
}

impl Maker<'_> {
    /// How many of a type, the more common ones more.
    pub(super) fn of_type(&self, name: &str) -> usize {
        let share = match name {
            "Observation" => 30,
            "Patient" => 18,
            "Condition" | "Encounter" => 11,
            "Organization" | "Practitioner" => 6,
            _ => 4,
        };
        (self.size * share / 100).max(1)
    }

    /// A type, an id of it that may not be taken yet.
    pub(super) fn key(&mut self) -> (String, String) {
        let shares = ["Observation", "Observation", "Patient", "Encounter"];
        let name = if self.random.chance(40) {
            self.random.pick(&shares)
        } else {
            self.random.pick(&TYPES)
        };
        (name.to_owned(), self.id(name))
    }

    pub(super) fn id(&mut self, of: &str) -> String {
        let most = self.of_type(of) + 1;
        format!("r{}", self.random.below(most))
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.random.chance(percent)
    }

    pub(super) fn text(&mut self, of: &[&str]) -> Value {
        json!(self.random.pick(of))
    }

    pub(super) fn date(&mut self) -> Value {
        self.text(DATES)
    }

    pub(super) fn day(&mut self) -> Value {
        let days: Vec<&str> = DATES.iter().copied().filter(|date| !date.contains('T')).collect();
        self.text(&days)
    }

    pub(super) fn number(&mut self) -> Value {
        json!(format!("{NUMBER}{}", self.random.pick(NUMBERS)))
    }

    /// A number that is not below zero, and one that is no smaller.
    pub(super) fn range(&mut self) -> Value {
        let pairs =
            [("0", "1.5"), ("0.8", "0.85"), ("1", "100"), ("99.5", "100.4"), ("5.4", "5.4")];
        let (low, high) = self.random.pick(&pairs);
        let unit = self.unit();
        let side = |number: &str| {
            let mut side = unit.clone();
            side["value"] = json!(format!("{NUMBER}{number}"));
            side
        };
        let (low, high) = (side(low), side(high));
        match self.random.below(4) {
            0 => json!({"low": low}),
            1 => json!({"high": high}),
            _ => json!({"low": low, "high": high}),
        }
    }

    /// A Quantity without its value.
    pub(super) fn unit(&mut self) -> Value {
        let unit = self.random.pick(UNITS);
        match self.random.below(10) {
            0 => json!({}),
            1 => json!({"unit": unit}),
            2 => json!({"unit": "other", "system": "http://units", "code": unit}),
            3 => json!({"unit": "gram", "system": "http://unitsofmeasure.org", "code": unit}),
            _ => json!({"unit": unit, "system": "http://unitsofmeasure.org", "code": unit}),
        }
    }

    pub(super) fn quantity(&mut self) -> Value {
        let mut quantity = self.unit();
        if self.chance(95) {
            quantity["value"] = self.number();
            if self.chance(12) {
                quantity["comparator"] = self.text(&["<", "<=", ">=", ">"]);
            }
        } else {
            quantity["unit"] = json!("nothing measured");
        }
        quantity
    }

    pub(super) fn coding(&mut self) -> Value {
        let mut coding = json!({});
        if self.chance(80) {
            coding["system"] = self.text(SYSTEMS);
        }
        if self.chance(90) {
            coding["code"] = self.text(CODES);
        }
        if self.chance(30) || coding.as_object().is_some_and(serde_json::Map::is_empty) {
            coding["display"] = self.text(NAMES);
        }
        coding
    }

    pub(super) fn concept(&mut self) -> Value {
        let mut concept = json!({});
        let codings: Vec<Value> = (0..self.random.below(3)).map(|_| self.coding()).collect();
        if !codings.is_empty() {
            concept["coding"] = json!(codings);
        }
        if codings.is_empty() || self.chance(25) {
            concept["text"] = self.text(NAMES);
        }
        concept
    }

    pub(super) fn identifier(&mut self) -> Value {
        let mut identifier = json!({});
        if self.chance(80) {
            identifier["system"] = self.text(SYSTEMS);
        }
        if self.chance(90) || identifier.get("system").is_none() {
            identifier["value"] = self.text(CODES);
        }
        if self.chance(40) {
            identifier["type"] = self.concept();
        }
        identifier
    }

    pub(super) fn identifiers(&mut self, resource: &mut Value) {
        let all: Vec<Value> = (0..self.random.below(3)).map(|_| self.identifier()).collect();
        if !all.is_empty() {
            resource["identifier"] = json!(all);
        }
    }

    pub(super) fn name(&mut self) -> Value {
        let mut name = json!({});
        if self.chance(85) {
            name["family"] = self.text(NAMES);
        }
        if self.chance(70) {
            name["given"] = json!([self.text(NAMES), self.text(NAMES)]);
        }
        if self.chance(20) || name.as_object().is_some_and(serde_json::Map::is_empty) {
            name["text"] = self.text(NAMES);
        }
        if self.chance(10) {
            name["prefix"] = json!([self.text(NAMES)]);
        }
        name
    }

    pub(super) fn contact(&mut self) -> Value {
        let mut contact = json!({"system": self.text(&["email", "phone", "url"])});
        if self.chance(90) {
            contact["value"] = self.text(CODES);
        }
        if self.chance(50) {
            contact["use"] = self.text(&["home", "work", "old"]);
        }
        contact
    }

    pub(super) fn address(&mut self) -> Value {
        json!({"city": self.text(NAMES), "line": [self.text(NAMES)],
               "postalCode": self.text(CODES)})
    }

    pub(super) fn period(&mut self) -> Value {
        // In order, whatever zone they are in.
        let pairs = [
            ("2019-12-31", "2020-02"),
            ("2020-01-01T10:00:00Z", "2020-01-01T10:00:00.123Z"),
            ("1970", "2020"),
            ("2020", "2020"),
            ("2020-02-29T22:00:00Z", "2020-03-01T00:00:00+02:00"),
            ("0090", "2100-12-31"),
        ];
        let (start, end) = self.random.pick(&pairs);
        match self.random.below(4) {
            0 => json!({"start": start}),
            1 => json!({"end": end}),
            _ => json!({"start": start, "end": end}),
        }
    }

    pub(super) fn timing(&mut self) -> Value {
        let event = json!([self.date(), self.date()]);
        match self.random.below(3) {
            0 => json!({"event": event}),
            1 => json!({"event": event, "repeat": {"boundsPeriod": self.period()}}),
            _ => json!({"repeat": {"boundsPeriod": self.period()}}),
        }
    }

    /// A reference in any form to one of the types; what is contained goes into the resource.
    pub(super) fn reference(&mut self, resource: &mut Value, targets: &[&str]) -> Value {
        let of = self.random.pick(targets);
        let id = self.id(of);
        let mut reference = match self.random.below(20) {
            0 => json!({"reference": format!("{}/{of}/{id}", self.base)}),
            1 => json!({"reference": format!("{of}/{id}/_history/1")}),
            2 => json!({"reference": format!("http://other.example/fhir/{of}/{id}")}),
            3 => json!({"reference": "https://example.org/elsewhere"}),
            4 => json!({"identifier": self.identifier()}),
            5 => json!({"identifier": self.identifier(), "type": of}),
            6 => json!({"display": "somebody"}),
            7 => json!({"reference": format!("{of}/{id}"), "identifier": self.identifier()}),
            8 => self.contained(resource, of),
            _ => json!({"reference": format!("{of}/{id}")}),
        };
        if self.chance(10) && reference.get("reference").is_some() {
            reference["type"] = json!(of);
        }
        reference
    }

    pub(super) fn contained(&mut self, resource: &mut Value, of: &str) -> Value {
        let body = match of {
            "Patient" => {
                let organization = format!("Organization/{}", self.id("Organization"));
                json!({"resourceType": of, "name": [self.name()],
                       "managingOrganization": {"reference": organization}})
            }
            "Practitioner" => json!({"resourceType": of, "name": [self.name()]}),
            "Organization" => json!({"resourceType": of, "name": "inside"}),
            _ => return json!({"reference": format!("{of}/nowhere")}),
        };
        let mut all = resource["contained"].as_array().cloned().unwrap_or_default();
        let id = format!("c{}", all.len());
        let mut body = body;
        body["id"] = json!(id);
        all.push(body);
        resource["contained"] = json!(all);
        json!({"reference": format!("#{id}")})
    }

    /// A member that is there in so many of a hundred cases.
    pub(super) fn maybe(
        &mut self,
        percent: usize,
        to: &mut Value,
        key: &str,
        make: fn(&mut Self) -> Value,
    ) {
        if self.chance(percent) {
            to[key] = make(self);
        }
    }

    pub(super) fn maybe_reference(
        &mut self,
        percent: usize,
        to: &mut Value,
        key: &str,
        targets: &[&str],
    ) {
        if self.chance(percent) {
            to[key] = self.reference(to, targets);
        }
    }

    pub(super) fn maybe_references(
        &mut self,
        percent: usize,
        to: &mut Value,
        key: &str,
        targets: &[&str],
    ) {
        if self.chance(percent) {
            let count = 1 + self.random.below(2);
            let all: Vec<Value> = (0..count).map(|_| self.reference(to, targets)).collect();
            to[key] = json!(all);
        }
    }
}
