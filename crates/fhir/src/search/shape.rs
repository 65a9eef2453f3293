//! What a data type is to a search, and what each type of search can use of it.

use crate::definitions::SearchKind;
use crate::path::{Kind, Schema, TypeId};

/// A data type as searches tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Boolean,
    /// `decimal`, `integer` and their like: a JSON number.
    Number,
    /// `date`, `dateTime`, `instant`.
    Moment,
    /// `code`
    Code,
    /// `uri`, `url`, `oid`, `uuid`.
    Uri,
    Canonical,
    /// Other primitives that are JSON strings.
    Text,
    Coding,
    CodeableConcept,
    Identifier,
    ContactPoint,
    HumanName,
    Address,
    Period,
    Timing,
    Quantity,
    Money,
    Range,
    SampledData,
    Reference,
    Annotation,
    /// An element with `latitude` and `longitude`.
    Position,
    Resource,
    /// What no search looks into.
    Other,
}

impl Shape {
    /// What a type is.
    pub(crate) fn of(schema: &Schema, type_id: TypeId) -> Shape {
        match schema.kind(type_id) {
            Kind::Resource | Kind::AbstractResource => Shape::Resource,
            Kind::Quantity => Shape::Quantity,
            Kind::Primitive(_) => Shape::of_primitive(schema.type_name(type_id)),
            Kind::Complex => match schema.type_name(type_id) {
                "Coding" => Shape::Coding,
                "CodeableConcept" => Shape::CodeableConcept,
                "Identifier" => Shape::Identifier,
                "ContactPoint" => Shape::ContactPoint,
                "HumanName" => Shape::HumanName,
                "Address" => Shape::Address,
                "Period" => Shape::Period,
                "Timing" => Shape::Timing,
                "Money" => Shape::Money,
                "Range" => Shape::Range,
                "SampledData" => Shape::SampledData,
                "Reference" => Shape::Reference,
                "Annotation" => Shape::Annotation,
                _ if schema.element(type_id, "latitude").is_some() => Shape::Position,
                _ => Shape::Other,
            },
        }
    }

    fn of_primitive(name: &str) -> Shape {
        match name {
            "boolean" => Shape::Boolean,
            "decimal" | "integer" | "positiveInt" | "unsignedInt" => Shape::Number,
            "date" | "dateTime" | "instant" => Shape::Moment,
            "code" => Shape::Code,
            "uri" | "url" | "oid" | "uuid" => Shape::Uri,
            "canonical" => Shape::Canonical,
            _ => Shape::Text,
        }
    }

    /// Whether a search of this type finds values in it.
    pub(crate) fn suits(self, kind: SearchKind) -> bool {
        let is_text = matches!(self, Shape::Code | Shape::Uri | Shape::Canonical | Shape::Text);
        match kind {
            SearchKind::Number => matches!(self, Shape::Number | Shape::Range),
            SearchKind::Date => matches!(self, Shape::Moment | Shape::Period | Shape::Timing),
            SearchKind::String => {
                is_text
                    || matches!(self, Shape::HumanName | Shape::Address | Shape::ContactPoint)
                    || matches!(self, Shape::CodeableConcept | Shape::Coding | Shape::Annotation)
            }
            SearchKind::Token => {
                is_text
                    || matches!(self, Shape::Boolean | Shape::Number | Shape::Moment)
                    || matches!(self, Shape::Coding | Shape::CodeableConcept)
                    || matches!(self, Shape::Identifier | Shape::ContactPoint)
            }
            SearchKind::Reference => {
                matches!(self, Shape::Reference | Shape::Resource | Shape::Uri | Shape::Canonical)
            }
            SearchKind::Quantity => matches!(
                self,
                Shape::Quantity | Shape::Money | Shape::Range | Shape::SampledData | Shape::Number
            ),
            SearchKind::Uri => matches!(self, Shape::Uri | Shape::Canonical | Shape::Text),
            SearchKind::Special => self == Shape::Position,
            SearchKind::Composite | SearchKind::Resource => false,
        }
    }
}
