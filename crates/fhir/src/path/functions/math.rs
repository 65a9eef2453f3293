//! <https://hl7.org/fhirpath/N1/#math>

use std::mem::take;

use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, MathematicalOps};

use super::super::error::Flaw;
use super::super::item::{Item, Items};
use super::super::run::Run;
use super::{Body, Call, Function, Gives, INTEGER};
use crate::value::round_to;

const DECIMAL: Gives = Gives::System("Decimal");

/// The body of a function of a number alone.
macro_rules! of_number {
    ($function:expr) => {{
        let body: Body = |run, call, input, out| {
            let function: fn(Decimal) -> Option<Item<'static>> = $function;
            out.extend(number(run, call, take(input))?.and_then(function));
            Ok(())
        };
        body
    }};
}

pub(super) const TABLE: &[Function] = &[
    Function::new("abs", 0..=0, Gives::Any, abs),
    Function::new("ceiling", 0..=0, INTEGER, of_number!(|number| whole(number.ceil()))),
    Function::new("floor", 0..=0, INTEGER, of_number!(|number| whole(number.floor()))),
    Function::new("truncate", 0..=0, INTEGER, of_number!(|number| whole(number.trunc()))),
    Function::new(
        "exp",
        0..=0,
        DECIMAL,
        of_number!(|number| { number.checked_exp().map(Item::Decimal) }),
    ),
    Function::new(
        "ln",
        0..=0,
        DECIMAL,
        of_number!(|number| number.checked_ln().map(Item::Decimal)),
    ),
    Function::new("log", 1..=1, DECIMAL, log),
    Function::new("power", 1..=1, Gives::Any, power),
    Function::new("round", 0..=1, DECIMAL, round),
    Function::new("sqrt", 0..=0, DECIMAL, of_number!(|number| number.sqrt().map(Item::Decimal))),
];

fn whole(number: Decimal) -> Option<Item<'static>> {
    number.to_i64().map(Item::Integer)
}

fn number<'d>(
    run: &Run<'_, 'd>,
    call: Call<'_>,
    items: Items<'d>,
) -> Result<Option<Decimal>, Flaw> {
    match run.value_of(call, items)? {
        None => Ok(None),
        Some(Item::Integer(integer)) => Ok(Some(Decimal::from(integer))),
        Some(Item::Decimal(decimal)) => Ok(Some(decimal)),
        Some(other) => Err(call.wrong("numbers", other.type_name(run.schema()).1)),
    }
}

fn abs<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    match run.value_of(call, take(input))? {
        None => {}
        Some(Item::Integer(integer)) => out.extend(integer.checked_abs().map(Item::Integer)),
        Some(Item::Decimal(decimal)) => out.push(Item::Decimal(decimal.abs())),
        Some(Item::Quantity(mut quantity)) => {
            quantity.value = quantity.value.abs();
            out.push(Item::Quantity(quantity));
        }
        Some(other) => return Err(call.wrong("numbers", other.type_name(run.schema()).1)),
    }
    Ok(())
}

fn log<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let number = number(run, call, take(input))?;
    let base = run.argument(call, 0)?;
    let base = self::number(run, call, base)?;
    out.extend(
        number.zip(base).and_then(|(number, base)| logarithm(number, base)).map(Item::Decimal),
    );
    Ok(())
}

/// Rounded to where the quotient of two logarithms is exact.
fn logarithm(number: Decimal, base: Decimal) -> Option<Decimal> {
    let quotient = number.checked_ln()?.checked_div(base.checked_ln()?)?;
    Some(round_to(quotient, 16).normalize())
}

fn power<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let value = run.value_of(call, take(input))?;
    let exponent = run.argument(call, 0)?;
    let exponent = run.value_of(call, exponent)?;
    let (Some(value), Some(exponent)) = (value, exponent) else { return Ok(()) };
    if let (Item::Integer(value), Item::Integer(exponent)) = (&value, &exponent)
        && let Ok(exponent) = u32::try_from(*exponent)
    {
        out.extend(value.checked_pow(exponent).map(Item::Integer));
        return Ok(());
    }
    let value = number(run, call, std::iter::once(value).collect())?;
    let exponent = number(run, call, std::iter::once(exponent).collect())?;
    out.extend(value.zip(exponent).and_then(|(value, by)| raise(value, by)).map(Item::Decimal));
    Ok(())
}

fn raise(value: Decimal, by: Decimal) -> Option<Decimal> {
    if by.fract().is_zero() {
        return value.checked_powi(by.to_i64()?);
    }
    // A fraction of a power of a negative number is not real.
    if value.is_sign_negative() {
        return None;
    }
    Decimal::from_f64(value.to_f64()?.powf(by.to_f64()?))
}

fn round<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let value = number(run, call, take(input))?;
    let digits = run.integer_argument(call, 0)?.unwrap_or(0);
    let digits = u32::try_from(digits)
        .map_err(|_| Flaw::execution(call.at, "round() takes a number of digits, 0 or more"))?;
    out.extend(value.map(|value| Item::Decimal(round_to(value, digits))));
    Ok(())
}
