//! <https://hl7.org/fhirpath/N1/#subsetting>

use std::mem::take;

use super::super::equality;
use super::super::error::Flaw;
use super::super::item::Items;
use super::super::run::{Run, at_most_one};
use super::{Call, Function, Gives};

pub(super) const TABLE: &[Function] = &[
    Function::new("single", 0..=0, Gives::Input, single),
    Function::new("first", 0..=0, Gives::Input, first).ordered(),
    Function::new("last", 0..=0, Gives::Input, last).ordered(),
    Function::new("tail", 0..=0, Gives::Input, tail).ordered(),
    Function::new("skip", 1..=1, Gives::Input, skip).ordered(),
    Function::new("take", 1..=1, Gives::Input, first_few).ordered(),
    Function::new("intersect", 1..=1, Gives::Input, intersect),
    Function::new("exclude", 1..=1, Gives::Input, exclude),
];

fn single<'d>(
    _: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    out.extend(at_most_one(call.at, "single()", take(input))?);
    Ok(())
}

fn first<'d>(
    _: &mut Run<'_, 'd>,
    _: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    out.extend(input.drain(..).next());
    Ok(())
}

fn last<'d>(
    _: &mut Run<'_, 'd>,
    _: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    out.extend(input.pop());
    Ok(())
}

fn tail<'d>(
    _: &mut Run<'_, 'd>,
    _: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    out.extend(input.drain(..).skip(1));
    Ok(())
}

/// A count; what is below zero is zero.
fn number<'d>(run: &mut Run<'_, 'd>, call: Call<'_>) -> Result<Option<usize>, Flaw> {
    let number = run.integer_argument(call, 0)?;
    Ok(number.map(|number| usize::try_from(number.max(0)).unwrap_or(usize::MAX)))
}

fn skip<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    if let Some(number) = number(run, call)? {
        out.extend(input.drain(..).skip(number));
    }
    Ok(())
}

fn first_few<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    if let Some(number) = number(run, call)? {
        out.extend(input.drain(..).take(number));
    }
    Ok(())
}

fn intersect<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let other = run.argument(call, 0)?;
    run.charge(call.at, input.len().saturating_mul(other.len()))?;
    let schema = run.schema();
    let both = input.drain(..).filter(|item| equality::holds_item(schema, &other, item));
    let both = both.collect();
    run.distinct(call.at, both, out)
}

fn exclude<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let other = run.argument(call, 0)?;
    run.charge(call.at, input.len().saturating_mul(other.len()))?;
    let schema = run.schema();
    out.extend(input.drain(..).filter(|item| !equality::holds_item(schema, &other, item)));
    Ok(())
}
