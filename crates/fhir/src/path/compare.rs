//! <https://hl7.org/fhirpath/N1/#comparison>

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::ast::Operator;
use super::error::Flaw;
use super::item::{Item, Items};
use super::run::at_most_one;
use super::schema::{Kind, Schema};
use crate::value::{Quantity, Unit};

/// Values of these types have no order between them.
pub(crate) struct Unordered;

/// `<`, `>`, `<=` or `>=`; None where a side is empty or precision or units leave it open.
pub(crate) fn holds(
    at: usize,
    schema: &Schema,
    op: Operator,
    left: Items<'_>,
    right: Items<'_>,
) -> Result<Option<bool>, Flaw> {
    let left = at_most_one(at, "a comparison", left)?;
    let right = at_most_one(at, "a comparison", right)?;
    let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
    let unordered = || {
        let (left, right) = (left.type_name(schema).1, right.type_name(schema).1);
        Flaw::execution(at, format!("{left} and {right} have no order"))
    };
    let (l, r) = match (left.system(schema), right.system(schema)) {
        (Some(l), Some(r)) => (l, r),
        _ if is_complex(schema, &left) || is_complex(schema, &right) => return Err(unordered()),
        // A primitive or Quantity without a value, or with one that is not exact, is like none.
        _ => return Ok(None),
    };
    let ordering = order(&l, &r).map_err(|Unordered| unordered())?;
    Ok(ordering.map(|ordering| match op {
        Operator::Less => ordering == Ordering::Less,
        Operator::Greater => ordering == Ordering::Greater,
        Operator::LessOrEqual => ordering != Ordering::Greater,
        _ => ordering != Ordering::Less,
    }))
}

fn is_complex(schema: &Schema, item: &Item<'_>) -> bool {
    let kind = item.node().map(|node| schema.kind(node.type_id));
    kind.is_some_and(|kind| !matches!(kind, Kind::Primitive(_) | Kind::Quantity))
}

/// How two System values lie; None where precision or units leave it open.
pub(crate) fn order(left: &Item<'_>, right: &Item<'_>) -> Result<Option<Ordering>, Unordered> {
    Ok(match (left, right) {
        (Item::Integer(left), Item::Integer(right)) => Some(left.cmp(right)),
        (Item::Decimal(left), Item::Decimal(right)) => Some(left.cmp(right)),
        (Item::Integer(left), Item::Decimal(right)) => Some(Decimal::from(*left).cmp(right)),
        (Item::Decimal(left), Item::Integer(right)) => Some(left.cmp(&Decimal::from(*right))),
        (Item::String(left), Item::String(right)) => Some(left.cmp(right)),
        (Item::Date(left) | Item::DateTime(left), Item::Date(right) | Item::DateTime(right)) => {
            left.compare(right)
        }
        (Item::Time(left), Item::Time(right)) => left.compare(right),
        (Item::Quantity(left), Item::Quantity(right)) => left.compare(right),
        (Item::Quantity(left), Item::Integer(right)) => left.compare(&plain(Decimal::from(*right))),
        (Item::Quantity(left), Item::Decimal(right)) => left.compare(&plain(*right)),
        (Item::Integer(left), Item::Quantity(right)) => plain(Decimal::from(*left)).compare(right),
        (Item::Decimal(left), Item::Quantity(right)) => plain(*left).compare(right),
        _ => return Err(Unordered),
    })
}

/// How two values lie; None where their types, precision or units leave it open.
#[must_use]
pub fn compare(left: &Item<'_>, right: &Item<'_>) -> Option<Ordering> {
    order(left, right).ok().flatten()
}

fn plain(value: Decimal) -> Quantity {
    Quantity { value, unit: Unit::one() }
}
