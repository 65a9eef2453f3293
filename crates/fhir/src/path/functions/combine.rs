//! <https://hl7.org/fhirpath/N1/#combining>

use std::mem::take;

use super::super::error::Flaw;
use super::super::item::Items;
use super::super::run::Run;
use super::{Call, Function, Gives};

pub(super) const TABLE: &[Function] = &[
    Function::new("union", 1..=1, Gives::Either, union),
    Function::new("combine", 1..=1, Gives::Either, combine),
];

fn union<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    input.extend(run.argument(call, 0)?);
    run.distinct(call.at, take(input), out)
}

fn combine<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    out.append(input);
    out.extend(run.argument(call, 0)?);
    Ok(())
}
