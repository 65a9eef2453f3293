//! <https://hl7.org/fhir/R4/parameters.html>: answers as resources.

use json::Writer;

use super::{Issue, Looked, Match, OwnedCoding, Subsumption, Validated};
use crate::definitions::{Designation, Property, PropertyKind};

const ISSUE_TYPES: &str = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type";

/// Writes a Parameters resource.
fn parameters(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut writer = Writer::new(&mut out);
    writer.begin_object().key("resourceType").string("Parameters");
    writer.key("parameter").begin_array();
    write(&mut writer);
    writer.end_array().end_object();
    out
}

/// A parameter whose value is text of this type: `Code`, `String`, `Uri`.
pub(super) fn text(writer: &mut Writer<'_>, name: &str, ty: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        writer.begin_object().key("name").string(name);
        writer.key(&format!("value{ty}")).string(value).end_object();
    }
}

pub(super) fn flag(writer: &mut Writer<'_>, name: &str, value: bool) {
    writer.begin_object().key("name").string(name).key("valueBoolean").bool(value).end_object();
}

/// A parameter made of others.
fn parts(writer: &mut Writer<'_>, name: &str, write: impl FnOnce(&mut Writer<'_>)) {
    writer.begin_object().key("name").string(name).key("part").begin_array();
    write(writer);
    writer.end_array().end_object();
}

impl Subsumption {
    /// A Parameters resource.
    #[must_use]
    pub fn to_json(self) -> Vec<u8> {
        parameters(|writer| text(writer, "outcome", "Code", Some(self.code())))
    }
}

impl Validated {
    /// A Parameters resource.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        parameters(|writer| {
            flag(writer, "result", self.result);
            let message: Vec<&str> = self.issues.iter().map(|issue| issue.text.as_str()).collect();
            text(writer, "message", "String", Some(&message.join(" ")));
            let OwnedCoding { system, version, code, display } = &self.coding;
            text(writer, "display", "String", display.as_deref());
            text(writer, "code", "Code", Some(code));
            text(writer, "system", "Uri", system.as_deref());
            text(writer, "version", "String", version.as_deref());
            text(writer, "normalized-code", "Code", self.normalized.as_deref());
            if self.is_inactive {
                flag(writer, "inactive", true);
            }
            for unknown in &self.unknown {
                text(writer, "x-unknown-system", "Canonical", Some(unknown));
            }
            if !self.issues.is_empty() {
                writer.begin_object().key("name").string("issues").key("resource");
                outcome(writer, &self.issues);
                writer.end_object();
            }
        })
    }
}

fn outcome(writer: &mut Writer<'_>, issues: &[Issue]) {
    writer.begin_object().key("resourceType").string("OperationOutcome");
    writer.key("issue").begin_array();
    for issue in issues {
        writer.begin_object().key("severity").string(issue.severity.code());
        writer.key("code").string(issue.code).key("details").begin_object();
        writer.key("coding").begin_array().begin_object().key("system").string(ISSUE_TYPES);
        writer.key("code").string(issue.kind).end_object().end_array();
        writer.key("text").string(&issue.text).end_object();
        if !issue.expression.is_empty() {
            writer.key("expression").begin_array().string(&issue.expression).end_array();
        }
        writer.end_object();
    }
    writer.end_array().end_object();
}

impl Looked<'_> {
    /// A Parameters resource; of the properties those that `wanted` names, all if it names none.
    #[must_use]
    pub fn to_json(&self, wanted: &[String]) -> Vec<u8> {
        let has = |name: &str| {
            wanted.is_empty() || wanted.iter().any(|wanted| wanted == name || wanted == "*")
        };
        parameters(|writer| {
            let system = self.system;
            text(writer, "name", "String", Some(system.title().unwrap_or(system.name())));
            text(writer, "code", "Code", Some(self.concept.code()));
            text(writer, "system", "Uri", Some(system.url()));
            text(writer, "version", "String", Some(system.version()));
            text(writer, "display", "String", self.display);
            text(writer, "definition", "String", self.concept.definition());
            flag(writer, "abstract", self.is_abstract);
            if has("designation") {
                self.designations.iter().for_each(|d| parts(writer, "designation", |w| said(w, d)));
            }
            for own in self.properties.iter().filter(|own| has(own.code)) {
                parts(writer, "property", |writer| property(writer, own));
            }
            let stated = |code: &str| self.properties.iter().any(|own| own.code == code);
            if has("inactive") && !stated("inactive") {
                parts(writer, "property", |writer| {
                    text(writer, "code", "Code", Some("inactive"));
                    flag(writer, "value", self.is_inactive);
                });
            }
            for (name, all) in [("parent", &self.parents), ("child", &self.children)] {
                for concept in all.iter().filter(|_| has(name) && !stated(name)) {
                    parts(writer, "property", |writer| {
                        text(writer, "code", "Code", Some(name));
                        text(writer, "value", "Code", Some(concept.code()));
                        text(writer, "description", "String", concept.display());
                    });
                }
            }
        })
    }
}

fn said(writer: &mut Writer<'_>, designation: &Designation<'_>) {
    text(writer, "language", "Code", designation.language);
    if let Some(code) = designation.use_code {
        writer.begin_object().key("name").string("use").key("valueCoding").begin_object();
        if let Some(system) = designation.use_system {
            writer.key("system").string(system);
        }
        writer.key("code").string(code).end_object().end_object();
    }
    text(writer, "value", "String", Some(designation.value));
}

fn property(writer: &mut Writer<'_>, property: &Property<'_>) {
    text(writer, "code", "Code", Some(property.code));
    match property.kind {
        PropertyKind::Code => text(writer, "value", "Code", Some(property.value)),
        PropertyKind::String => text(writer, "value", "String", Some(property.value)),
        PropertyKind::DateTime => text(writer, "value", "DateTime", Some(property.value)),
        PropertyKind::Boolean => flag(writer, "value", property.value == "true"),
        PropertyKind::Integer | PropertyKind::Decimal => {
            let ty = if property.kind == PropertyKind::Integer { "Integer" } else { "Decimal" };
            writer.begin_object().key("name").string("value").key(&format!("value{ty}"));
            writer.number_text(property.value).end_object();
        }
        PropertyKind::Coding => {
            writer.begin_object().key("name").string("value").key("valueCoding").begin_object();
            let all = [("system", property.system), ("display", property.display)];
            for (key, value) in all.into_iter().filter_map(|(key, value)| Some((key, value?))) {
                writer.key(key).string(value);
            }
            writer.key("code").string(property.value).end_object().end_object();
        }
    }
}

/// A Parameters resource with what a code is elsewhere.
#[must_use]
pub fn matches_to_json(matches: &[Match]) -> Vec<u8> {
    parameters(|writer| {
        let result = matches.iter().any(Match::is_positive);
        flag(writer, "result", result);
        if !result {
            let message = "No map has a translation of this code.";
            text(writer, "message", "String", Some(message));
        }
        for one in matches {
            parts(writer, "match", |writer| {
                text(writer, "equivalence", "Code", Some(&one.equivalence));
                if let Some(code) = &one.code {
                    writer.begin_object().key("name").string("concept");
                    writer.key("valueCoding").begin_object();
                    let all = [
                        ("system", &one.system),
                        ("version", &one.version),
                        ("display", &one.display),
                    ];
                    for (key, value) in all {
                        if let Some(value) = value {
                            writer.key(key).string(value);
                        }
                    }
                    writer.key("code").string(code).end_object().end_object();
                }
                text(writer, "source", "Uri", Some(&one.map));
            });
        }
    })
}
