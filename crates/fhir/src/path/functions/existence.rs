//! <https://hl7.org/fhirpath/N1/#existence>

use std::mem::take;

use super::super::equality;
use super::super::error::Flaw;
use super::super::item::{Item, Items};
use super::super::run::{Run, at_most_one};
use super::{BOOLEAN, Call, Function, Gives, INTEGER};

pub(super) const TABLE: &[Function] = &[
    Function::new("empty", 0..=0, BOOLEAN, empty),
    Function::new("exists", 0..=1, BOOLEAN, exists).of_each(),
    Function::new("all", 1..=1, BOOLEAN, all).of_each(),
    Function::new("allTrue", 0..=0, BOOLEAN, |run, call, input, out| {
        every(run, call, input, out, true)
    }),
    Function::new("allFalse", 0..=0, BOOLEAN, |run, call, input, out| {
        every(run, call, input, out, false)
    }),
    Function::new("anyTrue", 0..=0, BOOLEAN, |run, call, input, out| {
        some(run, call, input, out, true)
    }),
    Function::new("anyFalse", 0..=0, BOOLEAN, |run, call, input, out| {
        some(run, call, input, out, false)
    }),
    Function::new("subsetOf", 1..=1, BOOLEAN, subset_of),
    Function::new("supersetOf", 1..=1, BOOLEAN, superset_of),
    Function::new("count", 0..=0, INTEGER, count),
    Function::new("distinct", 0..=0, Gives::Input, distinct),
    Function::new("isDistinct", 0..=0, BOOLEAN, is_distinct),
    Function::new("not", 0..=0, BOOLEAN, not),
];

fn empty<'d>(
    _: &mut Run<'_, 'd>,
    _: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    out.push(Item::Boolean(input.is_empty()));
    Ok(())
}

fn exists<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let found = match call.args.first() {
        None => !input.is_empty(),
        Some(criterion) => {
            let mut found = false;
            for (index, item) in input.drain(..).enumerate() {
                let truth = run.with_this(Some(item), index, |run| run.truth(*criterion))?.1;
                if truth == Some(true) {
                    found = true;
                    break;
                }
            }
            found
        }
    };
    out.push(Item::Boolean(found));
    Ok(())
}

fn all<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let criterion = call.arg(0)?;
    for (index, item) in input.drain(..).enumerate() {
        let truth = run.with_this(Some(item), index, |run| run.truth(criterion))?.1;
        if truth != Some(true) {
            out.push(Item::Boolean(false));
            return Ok(());
        }
    }
    out.push(Item::Boolean(true));
    Ok(())
}

fn boolean(run: &Run<'_, '_>, call: Call<'_>, item: &Item<'_>) -> Result<bool, Flaw> {
    match item.system(run.schema()) {
        Some(Item::Boolean(truth)) => Ok(truth),
        _ => Err(call.wrong("Booleans", item.type_name(run.schema()).1)),
    }
}

fn every<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
    wanted: bool,
) -> Result<(), Flaw> {
    let mut every = true;
    for item in input.iter() {
        every &= boolean(run, call, item)? == wanted;
    }
    out.push(Item::Boolean(every));
    Ok(())
}

fn some<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
    wanted: bool,
) -> Result<(), Flaw> {
    let mut some = false;
    for item in input.iter() {
        some |= boolean(run, call, item)? == wanted;
    }
    out.push(Item::Boolean(some));
    Ok(())
}

/// Whether each of some items equals one of others.
fn is_within<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    items: &[Item<'d>],
    of: &[Item<'d>],
) -> Result<bool, Flaw> {
    run.charge(call.at, items.len().saturating_mul(of.len()))?;
    Ok(items.iter().all(|item| equality::holds_item(run.schema(), of, item)))
}

fn subset_of<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let other = run.argument(call, 0)?;
    out.push(Item::Boolean(is_within(run, call, input, &other)?));
    Ok(())
}

fn superset_of<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let other = run.argument(call, 0)?;
    out.push(Item::Boolean(is_within(run, call, &other, input)?));
    Ok(())
}

fn count<'d>(
    _: &mut Run<'_, 'd>,
    _: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    out.push(Item::integer(input.len()));
    Ok(())
}

fn distinct<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    run.distinct(call.at, take(input), out)
}

fn is_distinct<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let (count, mut different) = (input.len(), Items::new());
    run.distinct(call.at, take(input), &mut different)?;
    out.push(Item::Boolean(different.len() == count));
    Ok(())
}

fn not<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let item = at_most_one(call.at, "not()", take(input))?;
    let truth = run.truth_of(call.at, item.into_iter().collect())?;
    out.extend(truth.map(|truth| Item::Boolean(!truth)));
    Ok(())
}
