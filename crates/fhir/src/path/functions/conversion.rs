//! <https://hl7.org/fhirpath/N1/#conversion>

use std::mem::take;

use super::super::convert::{Target, convert};
use super::super::error::Flaw;
use super::super::item::{Item, Items};
use super::super::run::{Run, at_most_one};
use super::{BOOLEAN, Body, Call, Function, Gives, INTEGER, STRING};
use crate::value::{CalendarUnit, Unit};

/// The body of `to…()` for a target.
macro_rules! to {
    ($target:ident) => {{
        let body: Body = |run, call, input, out| to(run, call, input, out, Target::$target);
        body
    }};
}

/// The body of `convertsTo…()` for a target.
macro_rules! converts_to {
    ($target:ident) => {{
        let body: Body = |run, call, input, out| converts(run, call, input, out, Target::$target);
        body
    }};
}

pub(super) const TABLE: &[Function] = &[
    Function::new("iif", 2..=3, Gives::Any, iif).of_each(),
    Function::new("toBoolean", 0..=0, BOOLEAN, to!(Boolean)),
    Function::new("toInteger", 0..=0, INTEGER, to!(Integer)),
    Function::new("toLong", 0..=0, INTEGER, to!(Integer)),
    Function::new("toDecimal", 0..=0, Gives::System("Decimal"), to!(Decimal)),
    Function::new("toString", 0..=0, STRING, to_text),
    Function::new("toDate", 0..=0, Gives::System("Date"), to!(Date)),
    Function::new("toDateTime", 0..=0, Gives::System("DateTime"), to!(DateTime)),
    Function::new("toTime", 0..=0, Gives::System("Time"), to!(Time)),
    Function::new("toQuantity", 0..=1, Gives::System("Quantity"), to!(Quantity)),
    Function::new("convertsToBoolean", 0..=0, BOOLEAN, converts_to!(Boolean)),
    Function::new("convertsToInteger", 0..=0, BOOLEAN, converts_to!(Integer)),
    Function::new("convertsToLong", 0..=0, BOOLEAN, converts_to!(Integer)),
    Function::new("convertsToDecimal", 0..=0, BOOLEAN, converts_to!(Decimal)),
    Function::new("convertsToString", 0..=0, BOOLEAN, converts_to!(String)),
    Function::new("convertsToDate", 0..=0, BOOLEAN, converts_to!(Date)),
    Function::new("convertsToDateTime", 0..=0, BOOLEAN, converts_to!(DateTime)),
    Function::new("convertsToTime", 0..=0, BOOLEAN, converts_to!(Time)),
    Function::new("convertsToQuantity", 0..=1, BOOLEAN, converts_to!(Quantity)),
];

fn iif<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let item = at_most_one(call.at, "iif()", take(input))?;
    let (criterion, then) = (call.arg(0)?, call.arg(1)?);
    let index = run.index();
    run.with_this(item, index, |run| {
        let chosen = match run.truth(criterion)? {
            Some(true) => Some(then),
            _ => call.args.get(2).copied(),
        };
        chosen.map_or(Ok(()), |chosen| run.eval(chosen, out))
    })?;
    Ok(())
}

/// The input as the target, in the unit that `toQuantity` may name.
fn converted<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    target: Target,
) -> Result<Option<Item<'d>>, Flaw> {
    let Some(value) = run.value_of(call, take(input))? else { return Ok(None) };
    let unit = run.text_argument(call, 0)?;
    let converted = convert(value, target);
    let (Some(Item::Quantity(quantity)), Some(unit)) = (&converted, unit) else {
        return Ok(converted);
    };
    let unit = match CalendarUnit::named(&unit) {
        Some(unit) => Unit::Calendar(unit),
        None => Unit::Ucum((*unit).into()),
    };
    let value = quantity.value_in(&unit);
    Ok(value.map(|value| Item::Quantity(Box::new(crate::value::Quantity { value, unit }))))
}

fn to<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
    target: Target,
) -> Result<(), Flaw> {
    out.extend(converted(run, call, input, target)?);
    Ok(())
}

fn to_text<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let item = at_most_one(call.at, call.name, take(input))?;
    out.extend(item.and_then(|item| item.to_text(run.schema())).map(Item::String));
    Ok(())
}

fn converts<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
    target: Target,
) -> Result<(), Flaw> {
    if input.is_empty() {
        return Ok(());
    }
    let found = converted(run, call, input, target)?.is_some();
    out.push(Item::Boolean(found));
    Ok(())
}
