//! <https://hl7.org/fhirpath/N1/#math>

use std::borrow::Cow;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::ast::Operator;
use super::error::Flaw;
use super::item::{Item, Items};
use super::run::at_most_one;
use super::schema::Schema;
use crate::ucum;
use crate::value::{CalendarUnit, Moment, Quantity, Time, Unit};

/// `-` before a term.
pub(crate) fn negate<'d>(
    at: usize,
    schema: &Schema,
    items: &[Item<'d>],
) -> Result<Option<Item<'d>>, Flaw> {
    let [item] = items else {
        return match items {
            [] => Ok(None),
            _ => Err(Flaw::execution(at, "a sign takes at most one item")),
        };
    };
    match item.system(schema) {
        Some(Item::Integer(number)) => Ok(number.checked_neg().map(Item::Integer)),
        Some(Item::Decimal(number)) => Ok(Some(Item::Decimal(-number))),
        Some(Item::Quantity(mut quantity)) => {
            quantity.value = -quantity.value;
            Ok(Some(Item::Quantity(quantity)))
        }
        _ => {
            let name = item.type_name(schema).1;
            Err(Flaw::execution(at, format!("{name} has no negative")))
        }
    }
}

/// An operator that calculates; None where a side is empty, a divisor 0, or the result does not
/// fit.
pub(crate) fn calculate<'d>(
    at: usize,
    schema: &Schema,
    op: Operator,
    left: Items<'d>,
    right: Items<'d>,
) -> Result<Option<Item<'d>>, Flaw> {
    let left = at_most_one(at, op.row().0, left)?;
    let right = at_most_one(at, op.row().0, right)?;
    if op == Operator::Concatenate {
        return concatenate(at, schema, left.as_ref(), right.as_ref()).map(Some);
    }
    let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
    let wrong = || {
        let (left, right) = (left.type_name(schema).1, right.type_name(schema).1);
        Flaw::execution(at, format!("'{}' is not for {left} and {right}", op.row().0))
    };
    let (Some(l), Some(r)) = (left.system(schema), right.system(schema)) else {
        return Err(wrong());
    };
    match (l, r) {
        (Item::Integer(left), Item::Integer(right)) => Ok(integers(op, left, right)),
        (Item::String(left), Item::String(right)) if op == Operator::Add => {
            Ok(Some(Item::text(left.into_owned() + &right)))
        }
        (Item::Quantity(left), Item::Quantity(right)) => Ok(quantities(op, &left, &right)),
        (Item::Date(date), Item::Quantity(quantity)) => {
            Ok(shift(at, op, date, &quantity)?.map(Item::Date))
        }
        (Item::DateTime(moment), Item::Quantity(quantity)) => {
            Ok(shift(at, op, moment, &quantity)?.map(Item::DateTime))
        }
        (Item::Time(time), Item::Quantity(quantity)) => {
            Ok(shift_time(at, op, time, &quantity)?.map(Item::Time))
        }
        (Item::Quantity(left), right) => {
            let right = number(&right).ok_or_else(wrong)?;
            Ok(quantities(op, &left, &Quantity { value: right, unit: Unit::one() }))
        }
        (left, Item::Quantity(right)) => {
            let left = number(&left).ok_or_else(wrong)?;
            Ok(quantities(op, &Quantity { value: left, unit: Unit::one() }, &right))
        }
        (left, right) => {
            let (left, right) = number(&left).zip(number(&right)).ok_or_else(wrong)?;
            Ok(decimals(op, left, right))
        }
    }
}

fn concatenate<'d>(
    at: usize,
    schema: &Schema,
    left: Option<&Item<'d>>,
    right: Option<&Item<'d>>,
) -> Result<Item<'d>, Flaw> {
    let text = |item: Option<&Item<'d>>| match item.map(|item| (item, item.system(schema))) {
        None => Ok(Cow::Borrowed("")),
        Some((_, Some(Item::String(text)))) => Ok(text),
        Some((item, _)) => {
            let name = item.type_name(schema).1;
            Err(Flaw::execution(at, format!("'&' joins strings, not {name}")))
        }
    };
    Ok(Item::text(text(left)?.into_owned() + &text(right)?))
}

fn number(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(integer) => Some(Decimal::from(*integer)),
        Item::Decimal(decimal) => Some(*decimal),
        _ => None,
    }
}

fn integers(op: Operator, left: i64, right: i64) -> Option<Item<'static>> {
    match op {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Div => left.checked_div(right),
        Operator::Mod => left.checked_rem(right),
        _ => return decimals(op, Decimal::from(left), Decimal::from(right)),
    }
    .map(Item::Integer)
}

fn decimals(op: Operator, left: Decimal, right: Decimal) -> Option<Item<'static>> {
    match op {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::Mod => left.checked_rem(right),
        Operator::Div => {
            let quotient = left.checked_div(right)?.trunc();
            return quotient.to_i64().map(Item::Integer);
        }
        _ => None,
    }
    .map(Item::Decimal)
}

fn quantities(op: Operator, left: &Quantity, right: &Quantity) -> Option<Item<'static>> {
    let (value, unit) = match op {
        Operator::Add => (left.value.checked_add(right.value_in(&left.unit)?)?, left.unit.clone()),
        Operator::Subtract => {
            (left.value.checked_sub(right.value_in(&left.unit)?)?, left.unit.clone())
        }
        Operator::Multiply => {
            let unit = ucum::product(left.unit.code(), right.unit.code())?;
            (left.value.checked_mul(right.value)?, Unit::Ucum(unit.into()))
        }
        Operator::Divide => {
            let unit = ucum::quotient(left.unit.code(), right.unit.code())?;
            (left.value.checked_div(right.value)?, Unit::Ucum(unit.into()))
        }
        _ => return None,
    };
    Some(Item::Quantity(Box::new(Quantity { value, unit })))
}

/// A duration as whole units of the calendar and the unit. Fractions count only of seconds; of
/// UCUM only the units that the calendar has too.
fn duration(at: usize, op: Operator, by: &Quantity) -> Result<Option<(i64, CalendarUnit)>, Flaw> {
    let sign = match op {
        Operator::Add => Decimal::ONE,
        Operator::Subtract => -Decimal::ONE,
        _ => return Err(Flaw::execution(at, "only + and - are for dates and durations")),
    };
    let unit = match &by.unit {
        Unit::Calendar(unit) => Some(*unit),
        Unit::Ucum(code) => CalendarUnit::of_ucum(code).or_else(|| CalendarUnit::named(code)),
    };
    let Some(unit) = unit else {
        let message = format!("'{}' is not a duration of the calendar", by.unit.code());
        return Err(Flaw::execution(at, message));
    };
    let Some(value) = by.value.checked_mul(sign) else { return Ok(None) };
    if unit == CalendarUnit::Second && !value.fract().is_zero() {
        let milliseconds =
            value.checked_mul(Decimal::ONE_THOUSAND).and_then(|ms| ms.trunc().to_i64());
        return Ok(milliseconds.map(|amount| (amount, CalendarUnit::Millisecond)));
    }
    Ok(value.trunc().to_i64().map(|amount| (amount, unit)))
}

fn shift(at: usize, op: Operator, from: Moment, by: &Quantity) -> Result<Option<Moment>, Flaw> {
    Ok(duration(at, op, by)?.and_then(|(amount, unit)| from.plus(amount, unit)))
}

fn shift_time(at: usize, op: Operator, from: Time, by: &Quantity) -> Result<Option<Time>, Flaw> {
    let Some((amount, unit)) = duration(at, op, by)? else { return Ok(None) };
    if !unit.is_definite() || matches!(unit, CalendarUnit::Week | CalendarUnit::Day) {
        return Err(Flaw::execution(at, "a time passes by hours and less"));
    }
    Ok(amount.checked_mul(unit.ticks()).map(|ticks| from.plus(ticks)))
}
