//! What an expression gives: places on a tape with their types, and computed values.

use std::borrow::Cow;

use json::{Kind as Json, Value};
use rust_decimal::Decimal;
use smallvec::SmallVec;

use super::schema::{Kind, Primitive, Schema, TypeId};
use crate::value::{CalendarUnit, Moment, Quantity, Time, Unit, decimal};

/// A collection in order. Two items fit without an allocation.
pub type Items<'d> = SmallVec<[Item<'d>; 2]>;

/// An element or resource of a document.
#[derive(Clone, Copy, Debug)]
pub struct Node<'d> {
    /// The value; of a primitive that has only an `_` sibling, that sibling.
    pub value: Value<'d>,
    /// Its type.
    pub type_id: TypeId,
    /// The object that has it as a member; only primitives know it, for their `_` sibling.
    pub(crate) around: Option<Value<'d>>,
    /// Whether the value is missing and only the `_` sibling is there.
    pub(crate) is_sibling: bool,
}

impl<'d> Node<'d> {
    /// A resource or element that stands on its own.
    #[must_use]
    pub fn new(value: Value<'d>, type_id: TypeId) -> Node<'d> {
        Node { value, type_id, around: None, is_sibling: false }
    }

    /// The resource that a value is; None if it has no known `resourceType`.
    #[must_use]
    pub fn resource(value: Value<'d>, schema: &Schema) -> Option<Node<'d>> {
        let type_id = schema.type_named(&value.get("resourceType")?.as_str()?)?;
        Some(Node::new(value, type_id))
    }

    /// Whether both are the same place of the same document.
    #[must_use]
    pub fn is_same(&self, other: &Node<'_>) -> bool {
        std::ptr::eq(self.value.raw(), other.value.raw())
    }

    /// The object with `id` and `extension`: the value itself, or a primitive's `_` sibling.
    pub(crate) fn element(&self) -> Option<Value<'d>> {
        if self.is_sibling || self.value.kind() == Json::Object {
            return Some(self.value);
        }
        let around = self.around?;
        let at = self.value.span().start;
        let member = around.members().find(|member| member.span().contains(&at))?;
        let key = format!("_{}", member.key());
        let sibling = around.get(&key)?;
        if member.value().kind() != Json::Array {
            return Some(sibling);
        }
        let index = member.value().elements().position(|value| value.index() == self.value.index());
        sibling.elements().nth(index?).filter(|value| value.kind() == Json::Object)
    }

    /// The value that a primitive's text stands for; a Quantity as a quantity.
    pub(crate) fn system(&self, schema: &Schema) -> Option<Item<'d>> {
        if self.is_sibling {
            return None;
        }
        match schema.kind(self.type_id) {
            Kind::Primitive(primitive) => self.primitive(primitive),
            Kind::Quantity => self.quantity().map(|quantity| Item::Quantity(Box::new(quantity))),
            Kind::Complex | Kind::Resource | Kind::AbstractResource => None,
        }
    }

    fn primitive(&self, primitive: Primitive) -> Option<Item<'d>> {
        match primitive {
            Primitive::Boolean => self.value.as_bool().map(Item::Boolean),
            Primitive::Integer => self.value.as_number()?.parse().ok().map(Item::Integer),
            Primitive::Decimal => decimal(self.value.as_number()?).map(Item::Decimal),
            Primitive::String => self.value.as_str().map(Item::String),
            Primitive::Date => Moment::parse_date(&self.value.as_str()?).ok().map(Item::Date),
            Primitive::DateTime => {
                Moment::parse_partial(&self.value.as_str()?).ok().map(Item::DateTime)
            }
            Primitive::Time => Time::parse_partial(&self.value.as_str()?).ok().map(Item::Time),
        }
    }

    /// <https://hl7.org/fhir/R4/fhirpath.html#quantity>
    fn quantity(&self) -> Option<Quantity> {
        let value = decimal(self.value.get("value")?.as_number()?)?;
        if self.value.get("comparator").is_some() {
            return None;
        }
        let member = |key| self.value.get(key).and_then(Value::as_str);
        let unit = match (member("system"), member("code")) {
            (Some(system), Some(code)) if system == "http://unitsofmeasure.org" => match &*code {
                "a" => Unit::Calendar(CalendarUnit::Year),
                "mo" => Unit::Calendar(CalendarUnit::Month),
                code => Unit::Ucum(code.into()),
            },
            // Codes of another system measure the same only where they are the same.
            (Some(system), Some(code)) => Unit::Ucum(format!("{system}|{code}").into()),
            (_, code) => match code.or_else(|| member("unit")) {
                Some(text) => Unit::Ucum(text.into()),
                None => Unit::one(),
            },
        };
        Some(Quantity { value, unit })
    }
}

/// What `type()` gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeInfo {
    /// `FHIR` or `System`.
    pub namespace: &'static str,
    /// The name in it.
    pub name: Box<str>,
}

/// One thing of a collection.
#[derive(Clone, Debug)]
pub enum Item<'d> {
    /// A place on a tape.
    Node(Node<'d>),
    /// System.Boolean
    Boolean(bool),
    /// System.Integer
    Integer(i64),
    /// System.Decimal
    Decimal(Decimal),
    /// System.String
    String(Cow<'d, str>),
    /// System.Date
    Date(Moment),
    /// System.DateTime
    DateTime(Moment),
    /// System.Time
    Time(Time),
    /// System.Quantity
    Quantity(Box<Quantity>),
    /// What `type()` gives.
    Type(Box<TypeInfo>),
}

impl<'d> Item<'d> {
    pub(crate) fn text(text: impl Into<Cow<'d, str>>) -> Item<'d> {
        Item::String(text.into())
    }

    pub(crate) fn integer(count: usize) -> Item<'d> {
        Item::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The place, of an item that is one.
    #[must_use]
    pub fn node(&self) -> Option<&Node<'d>> {
        match self {
            Item::Node(node) => Some(node),
            _ => None,
        }
    }

    /// The value as a System type; a complex element has none.
    #[must_use]
    pub fn system(&self, schema: &Schema) -> Option<Item<'d>> {
        match self {
            Item::Node(node) => node.system(schema),
            other => Some(other.clone()),
        }
    }

    /// Namespace and name of its type.
    #[must_use]
    pub fn type_name<'s>(&'s self, schema: &'s Schema) -> (&'static str, &'s str) {
        match self {
            Item::Node(node) => ("FHIR", schema.type_name(node.type_id)),
            Item::Boolean(_) => ("System", "Boolean"),
            Item::Integer(_) => ("System", "Integer"),
            Item::Decimal(_) => ("System", "Decimal"),
            Item::String(_) => ("System", "String"),
            Item::Date(_) => ("System", "Date"),
            Item::DateTime(_) => ("System", "DateTime"),
            Item::Time(_) => ("System", "Time"),
            Item::Quantity(_) => ("System", "Quantity"),
            Item::Type(_) => ("System", "ClassInfo"),
        }
    }

    /// The value as text, as `toString()` gives it; None for complex elements.
    #[must_use]
    pub fn to_text(&self, schema: &Schema) -> Option<Cow<'d, str>> {
        Some(match self {
            Item::Node(node) => {
                // Numbers and moments leave as they were written.
                return match schema.kind(node.type_id) {
                    Kind::Primitive(_) if !node.is_sibling => match node.value.as_str() {
                        Some(text) => Some(text),
                        None => Some(Cow::Borrowed(node.value.raw_str())),
                    },
                    Kind::Quantity => Some(node.quantity()?.to_string().into()),
                    _ => None,
                };
            }
            Item::Boolean(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
            Item::Integer(number) => number.to_string().into(),
            Item::Decimal(number) => number.to_string().into(),
            Item::String(text) => text.clone(),
            Item::Date(moment) | Item::DateTime(moment) => moment.to_string().into(),
            Item::Time(time) => time.to_string().into(),
            Item::Quantity(quantity) => quantity.to_string().into(),
            Item::Type(info) => format!("{}.{}", info.namespace, info.name).into(),
        })
    }
}
