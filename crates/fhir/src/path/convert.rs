//! <https://hl7.org/fhirpath/N1/#conversion>: from one System type to another, by text or meaning.

use rust_decimal::Decimal;

use super::item::Item;
use crate::value::{CalendarUnit, Moment, Precision, Quantity, Time, Unit, decimal};

/// The types to which values convert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Boolean,
    Integer,
    Decimal,
    String,
    Date,
    DateTime,
    Time,
    Quantity,
}

/// A value as another type; None if it has no such meaning.
pub(crate) fn convert<'d>(value: Item<'d>, target: Target) -> Option<Item<'d>> {
    match target {
        Target::Boolean => boolean(&value).map(Item::Boolean),
        Target::Integer => integer(&value).map(Item::Integer),
        Target::Decimal => number(&value).map(Item::Decimal),
        Target::String => text(value),
        Target::Date => date(&value),
        Target::DateTime => date_time(&value),
        Target::Time => match value {
            Item::Time(_) => Some(value),
            Item::String(text) => {
                Time::parse_partial(text.trim_start_matches('T')).ok().map(Item::Time)
            }
            _ => None,
        },
        Target::Quantity => quantity(value).map(|quantity| Item::Quantity(Box::new(quantity))),
    }
}

fn boolean(value: &Item<'_>) -> Option<bool> {
    match value {
        Item::Boolean(truth) => Some(*truth),
        Item::Integer(0) => Some(false),
        Item::Integer(1) => Some(true),
        Item::Decimal(number) if number.is_zero() => Some(false),
        Item::Decimal(number) if *number == Decimal::ONE => Some(true),
        Item::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn integer(value: &Item<'_>) -> Option<i64> {
    match value {
        Item::Integer(integer) => Some(*integer),
        Item::Boolean(truth) => Some(i64::from(*truth)),
        Item::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn number(value: &Item<'_>) -> Option<Decimal> {
    match value {
        Item::Decimal(number) => Some(*number),
        Item::Integer(integer) => Some(Decimal::from(*integer)),
        Item::Boolean(truth) => Some(Decimal::from(u8::from(*truth))),
        Item::String(text) if is_number(text) => decimal(text.trim_start_matches('+')),
        _ => None,
    }
}

/// `(\+|-)?\d+(\.\d+)?`
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    [whole, fraction]
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn text(value: Item<'_>) -> Option<Item<'_>> {
    Some(Item::text(match value {
        Item::String(text) => return Some(Item::String(text)),
        Item::Boolean(truth) => truth.to_string(),
        Item::Integer(integer) => integer.to_string(),
        Item::Decimal(number) => number.to_string(),
        Item::Date(moment) | Item::DateTime(moment) => moment.to_string(),
        Item::Time(time) => time.to_string(),
        Item::Quantity(quantity) => quantity.to_string(),
        Item::Node(_) | Item::Type(_) => return None,
    }))
}

fn date<'d>(value: &Item<'_>) -> Option<Item<'d>> {
    match value {
        Item::Date(moment) => Some(Item::Date(*moment)),
        Item::DateTime(moment) => Some(Item::Date(moment.to_precision(Precision::Day))),
        Item::String(text) => {
            let moment = Moment::parse_partial(text).ok()?;
            Some(Item::Date(moment.to_precision(Precision::Day)))
        }
        _ => None,
    }
}

fn date_time<'d>(value: &Item<'_>) -> Option<Item<'d>> {
    match value {
        Item::Date(moment) | Item::DateTime(moment) => Some(Item::DateTime(*moment)),
        Item::String(text) => Moment::parse_partial(text).ok().map(Item::DateTime),
        _ => None,
    }
}

fn quantity(value: Item<'_>) -> Option<Quantity> {
    match value {
        Item::Quantity(quantity) => Some(*quantity),
        Item::String(text) => quantity_text(&text),
        other => Some(Quantity { value: number(&other)?, unit: Unit::one() }),
    }
}

/// `1`, `1 day`, `1 'mg'`
fn quantity_text(text: &str) -> Option<Quantity> {
    let (digits, rest) = match text.find(|c: char| c.is_whitespace() || c == '\'') {
        Some(end) => text.split_at(end),
        None => (text, ""),
    };
    let value = number(&Item::text(digits))?;
    let unit = match rest.trim() {
        "" => Unit::one(),
        unit => match unit.strip_prefix('\'').and_then(|code| code.strip_suffix('\'')) {
            Some(code) if !code.is_empty() => Unit::Ucum(code.into()),
            Some(_) => return None,
            None => Unit::Calendar(CalendarUnit::named(unit)?),
        },
    };
    Some(Quantity { value, unit })
}
