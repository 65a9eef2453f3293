//! <https://hl7.org/fhirpath/N1/#filtering-and-projection>

use std::mem::take;

use super::super::equality;
use super::super::error::Flaw;
use super::super::item::Items;
use super::super::run::Run;
use super::{Call, Function, Gives};

pub(super) const TABLE: &[Function] = &[
    Function::new("where", 1..=1, Gives::Input, filter).of_each(),
    Function::new("select", 1..=1, Gives::Argument, select).of_each(),
    Function::new("repeat", 1..=1, Gives::Any, repeat).of_any(),
    Function::new("aggregate", 1..=2, Gives::Any, aggregate).of_each(),
];

fn filter<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let criterion = call.arg(0)?;
    for (index, item) in input.drain(..).enumerate() {
        let (item, truth) = run.with_this(Some(item), index, |run| run.truth(criterion))?;
        if truth == Some(true) {
            out.extend(item);
        }
    }
    Ok(())
}

fn select<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let projection = call.arg(0)?;
    for (index, item) in input.drain(..).enumerate() {
        run.with_this(Some(item), index, |run| run.eval(projection, out))?;
    }
    Ok(())
}

fn repeat<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let (projection, start) = (call.arg(0)?, out.len());
    let mut next = take(input);
    while !next.is_empty() {
        let mut found = Items::new();
        for (index, item) in next.into_iter().enumerate() {
            run.with_this(Some(item), index, |run| run.eval(projection, &mut found))?;
        }
        next = Items::new();
        for item in found {
            let earlier = out.get(start..).unwrap_or_default();
            run.charge(call.at, 1 + earlier.len() / 8)?;
            if !equality::holds_item(run.schema(), earlier, &item) {
                out.push(item.clone());
                next.push(item);
            }
        }
    }
    Ok(())
}

fn aggregate<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let aggregator = call.arg(0)?;
    let mut total = run.argument(call, 1)?;
    for (index, item) in input.drain(..).enumerate() {
        run.totals.push(total);
        let result = run.with_this(Some(item), index, |run| run.collect(aggregator));
        run.totals.pop();
        total = result?.1;
    }
    out.extend(total);
    Ok(())
}
