//! <https://hl7.org/fhirpath/N1/#equality>

use std::cmp::Ordering;

use json::{Kind as Json, Value};
use rust_decimal::Decimal;

use super::error::Flaw;
use super::item::{Item, Items, Node};
use super::run::at_most_one;
use super::schema::Schema;
use crate::value::{Precision, decimal, round_to};

/// `=` of two collections; None where one is empty or precision or units leave it open.
pub(crate) fn equal(schema: &Schema, left: &[Item<'_>], right: &[Item<'_>]) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    let mut unknown = false;
    for (left, right) in left.iter().zip(right) {
        match equal_items(schema, left, right) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => unknown = true,
        }
    }
    (!unknown).then_some(true)
}

/// `in`, with the collection on the right.
pub(crate) fn member(
    at: usize,
    schema: &Schema,
    item: Items<'_>,
    of: &[Item<'_>],
) -> Result<Option<bool>, Flaw> {
    let item = at_most_one(at, "the element of 'in' or 'contains'", item)?;
    Ok(item.map(|item| holds_item(schema, of, &item)))
}

/// Whether a collection has an item that certainly equals this one.
pub(crate) fn holds_item(schema: &Schema, items: &[Item<'_>], item: &Item<'_>) -> bool {
    items.iter().any(|other| equal_items(schema, other, item) == Some(true))
}

pub(crate) fn equal_items(schema: &Schema, left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    if let (Item::Node(left), Item::Node(right)) = (left, right) {
        if left.is_same(right) {
            return Some(true);
        }
        if !is_plain(schema, left) || !is_plain(schema, right) {
            return Some(left.type_id == right.type_id && same_json(left.value, right.value));
        }
    }
    // Two texts are most of what is compared: no need to decode them.
    if let (Item::Node(node), Item::String(text)) | (Item::String(text), Item::Node(node)) =
        (left, right)
        && node.value.kind() == Json::String
        && is_text(schema, node)
    {
        return Some(!node.is_sibling && node.value.is_str(text));
    }
    match (left.system(schema), right.system(schema)) {
        (Some(left), Some(right)) => equal_values(&left, &right),
        _ => Some(false),
    }
}

fn is_plain(schema: &Schema, node: &Node<'_>) -> bool {
    use super::schema::Kind;
    !node.is_sibling && matches!(schema.kind(node.type_id), Kind::Primitive(_) | Kind::Quantity)
}

fn is_text(schema: &Schema, node: &Node<'_>) -> bool {
    use super::schema::{Kind, Primitive};
    schema.kind(node.type_id) == Kind::Primitive(Primitive::String)
}

fn equal_values(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    match (left, right) {
        (Item::Boolean(left), Item::Boolean(right)) => Some(left == right),
        (Item::String(left), Item::String(right)) => Some(left == right),
        (Item::Integer(left), Item::Integer(right)) => Some(left == right),
        (Item::Type(left), Item::Type(right)) => Some(left == right),
        _ => match super::compare::order(left, right) {
            Ok(ordering) => ordering.map(|ordering| ordering == Ordering::Equal),
            Err(_) => Some(false),
        },
    }
}

/// Whether two values are the same tree; numbers by value, members in any order.
fn same_json(left: Value<'_>, right: Value<'_>) -> bool {
    match (left.kind(), right.kind()) {
        (Json::Object, Json::Object) => {
            left.len() == right.len()
                && left.members().all(|member| {
                    let other = right.get(&member.key());
                    other.is_some_and(|other| same_json(member.value(), other))
                })
        }
        (Json::Array, Json::Array) => {
            left.len() == right.len()
                && left.elements().zip(right.elements()).all(|(l, r)| same_json(l, r))
        }
        (Json::Number, Json::Number) => same_number(left, right),
        (Json::String, Json::String) => left.as_str() == right.as_str(),
        _ => left.raw() == right.raw(),
    }
}

fn same_number(left: Value<'_>, right: Value<'_>) -> bool {
    match (left.as_number().and_then(decimal), right.as_number().and_then(decimal)) {
        (Some(left), Some(right)) => left == right,
        _ => left.raw() == right.raw(),
    }
}

/// `~` of two collections: in any order.
pub(crate) fn equivalent(schema: &Schema, left: &[Item<'_>], right: &[Item<'_>]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut used = vec![false; right.len()];
    left.iter().all(|item| {
        let found = right
            .iter()
            .zip(&mut used)
            .find(|(other, used)| !**used && equivalent_items(schema, item, other));
        found.map(|(_, used)| *used = true).is_some()
    })
}

fn equivalent_items(schema: &Schema, left: &Item<'_>, right: &Item<'_>) -> bool {
    match (left.system(schema), right.system(schema)) {
        (Some(left), Some(right)) => equivalent_values(&left, &right),
        (None, None) => match (left, right) {
            (Item::Node(left), Item::Node(right)) => {
                left.is_same(right) || equivalent_json(left.value, right.value)
            }
            _ => false,
        },
        _ => false,
    }
}

fn equivalent_values(left: &Item<'_>, right: &Item<'_>) -> bool {
    match (left, right) {
        (Item::String(left), Item::String(right)) => normalized(left) == normalized(right),
        (Item::Quantity(left), Item::Quantity(right)) => {
            // A year of the calendar and one of UCUM are equivalent, though not equal.
            let (from, to) = (left.unit.code(), right.unit.code());
            match crate::ucum::convert(right.value, to, from) {
                Some(value) => {
                    let digits = left.value.scale().min(right.value.scale());
                    round_to(left.value, digits) == round_to(value, digits)
                }
                None => from == to && left.value == right.value,
            }
        }
        (Item::Date(left) | Item::DateTime(left), Item::Date(right) | Item::DateTime(right)) => {
            is_as_precise(left.precision(), right.precision())
                && left.compare(right) == Some(Ordering::Equal)
        }
        (Item::Time(left), Item::Time(right)) => {
            is_as_precise(left.precision(), right.precision())
                && left.compare(right) == Some(Ordering::Equal)
        }
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) => {
                let digits = left.scale().min(right.scale());
                round_to(left, digits) == round_to(right, digits)
            }
            _ => equal_values(left, right) == Some(true),
        },
    }
}

fn is_as_precise(left: Precision, right: Precision) -> bool {
    left == right || (left >= Precision::Second && right >= Precision::Second)
}

fn number(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(integer) => Some(Decimal::from(*integer)),
        Item::Decimal(decimal) => Some(*decimal),
        _ => None,
    }
}

/// Lower case, each run of white space one space.
fn normalized(text: &str) -> String {
    text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Like [`same_json`], but `id` does not count, arrays have no order, and texts are normalized.
fn equivalent_json(left: Value<'_>, right: Value<'_>) -> bool {
    match (left.kind(), right.kind()) {
        (Json::Object, Json::Object) => {
            let count = |value: Value<'_>| value.members().filter(|m| !m.is("id")).count();
            count(left) == count(right)
                && left.members().filter(|member| !member.is("id")).all(|member| {
                    let other = right.get(&member.key());
                    other.is_some_and(|other| equivalent_json(member.value(), other))
                })
        }
        (Json::Array, Json::Array) => {
            let mut others = right.elements().collect::<Vec<_>>();
            left.elements().all(|element| {
                let at = others.iter().position(|other| equivalent_json(element, *other));
                at.map(|at| others.swap_remove(at)).is_some()
            }) && others.is_empty()
        }
        (Json::String, Json::String) => match (left.as_str(), right.as_str()) {
            (Some(left), Some(right)) => normalized(&left) == normalized(&right),
            _ => false,
        },
        _ => same_json(left, right),
    }
}
