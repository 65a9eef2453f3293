//! <https://build.fhir.org/ig/HL7/FHIRPath/#boundary-functions>

use std::mem::take;

use rust_decimal::{Decimal, RoundingStrategy};

use super::super::error::Flaw;
use super::super::item::{Item, Items};
use super::super::run::Run;
use super::{BOOLEAN, Call, Function, Gives, INTEGER};
use crate::value::{Moment, Precision, Quantity, Time, Zone, implied_interval};

pub(super) const TABLE: &[Function] = &[
    Function::new("lowBoundary", 0..=1, Gives::Any, |run, call, input, out| {
        boundary(run, call, input, out, End::Low)
    }),
    Function::new("highBoundary", 0..=1, Gives::Any, |run, call, input, out| {
        boundary(run, call, input, out, End::High)
    }),
    Function::new("precision", 0..=0, INTEGER, precision),
    Function::new("comparable", 1..=1, BOOLEAN, comparable),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Low,
    High,
}

fn boundary<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
    end: End,
) -> Result<(), Flaw> {
    let value = run.value_of(call, take(input))?;
    let digits = run.integer_argument(call, 0)?;
    let Some(value) = value else { return Ok(()) };
    out.extend(match value {
        Item::Integer(integer) => {
            number(Decimal::from(integer), digits.unwrap_or(8), end).map(Item::Decimal)
        }
        Item::Decimal(decimal) => number(decimal, digits.unwrap_or(8), end).map(Item::Decimal),
        Item::Quantity(quantity) => {
            let value = number(quantity.value, digits.unwrap_or(8), end);
            let unit = quantity.unit;
            value.map(|value| Item::Quantity(Box::new(Quantity { value, unit })))
        }
        Item::Date(date) => moment(date, digits.unwrap_or(8), end).map(Item::Date),
        Item::DateTime(date) => moment(date, digits.unwrap_or(17), end).map(Item::DateTime),
        Item::Time(at) => time(at, digits.unwrap_or(9), end).map(Item::Time),
        Item::Boolean(_) | Item::String(_) | Item::Type(_) | Item::Node(_) => {
            let name = value.type_name(run.schema()).1;
            return Err(call.wrong("numbers, dates and times", name));
        }
    });
    Ok(())
}

/// The end of the interval of values that are written like this one, with so many digits: the
/// near end cut off, the far end rounded.
fn number(value: Decimal, digits: i64, end: End) -> Option<Decimal> {
    let digits = u32::try_from(digits).ok().filter(|digits| *digits <= Decimal::MAX_SCALE)?;
    let (low, high) = implied_interval(value)?;
    let bound = if end == End::Low { low } else { high };
    let is_far = (end == End::High) != value.is_sign_negative();
    let strategy = match is_far {
        true => RoundingStrategy::MidpointAwayFromZero,
        false => RoundingStrategy::ToZero,
    };
    let mut rounded = bound.round_dp_with_strategy(digits, strategy);
    rounded.rescale(digits);
    (rounded.scale() == digits).then_some(rounded)
}

/// The precision of so many digits of a moment: 4 of a year, 17 of a millisecond.
fn moment_precision(digits: i64) -> Option<Precision> {
    match digits {
        4 => Some(Precision::Year),
        6 => Some(Precision::Month),
        8 => Some(Precision::Day),
        10 => Some(Precision::Hour),
        12 => Some(Precision::Minute),
        14 => Some(Precision::Second),
        17 => Some(Precision::Fraction(3)),
        _ => None,
    }
}

/// The first or last moment of an interval. Where the zone is not known, it is the one in which
/// that moment is earliest or latest.
fn moment(value: Moment, digits: i64, end: End) -> Option<Moment> {
    let precision = moment_precision(digits)?;
    let zone = value.zone().unwrap_or(Zone::UTC);
    let (low, high) = value.interval(zone);
    let bound = if end == End::Low { low } else { high - 1 };
    let mut found = Moment::at(bound, Some(zone), Precision::Fraction(3))?.to_precision(precision);
    if precision > Precision::Day && value.zone().is_none() {
        found.zone = Some(if end == End::Low { Zone(14 * 60) } else { Zone(-12 * 60) });
    }
    Some(found)
}

fn time(value: Time, digits: i64, end: End) -> Option<Time> {
    let precision = match digits {
        2 => Precision::Hour,
        4 => Precision::Minute,
        6 => Precision::Second,
        9 => Precision::Fraction(3),
        _ => return None,
    };
    let (low, high) = value.interval();
    Some(Time::at(if end == End::Low { low } else { high - 1 }, precision))
}

fn precision<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let Some(value) = run.value_of(call, take(input))? else { return Ok(()) };
    let count = match value {
        Item::Integer(_) => 0,
        Item::Decimal(decimal) => usize::try_from(decimal.scale()).unwrap_or_default(),
        Item::Date(moment) | Item::DateTime(moment) => moment_digits(&moment),
        Item::Time(time) => time.to_string().chars().filter(char::is_ascii_digit).count(),
        other => {
            let name = other.type_name(run.schema()).1;
            return Err(call.wrong("numbers, dates and times", name));
        }
    };
    out.push(Item::integer(count));
    Ok(())
}

/// The digits of a moment without those of its zone.
fn moment_digits(moment: &Moment) -> usize {
    match moment.precision() {
        Precision::Year => 4,
        Precision::Month => 6,
        Precision::Day => 8,
        Precision::Hour => 10,
        Precision::Minute => 12,
        Precision::Second => 14,
        Precision::Fraction(digits) => 14 + usize::from(digits),
    }
}

fn comparable<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let value = run.value_of(call, take(input))?;
    let other = run.argument(call, 0)?;
    let other = run.value_of(call, other)?;
    if let (Some(Item::Quantity(value)), Some(Item::Quantity(other))) = (&value, &other) {
        out.push(Item::Boolean(value.is_comparable(other)));
    }
    Ok(())
}
