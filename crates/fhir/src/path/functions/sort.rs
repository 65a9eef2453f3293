//! <https://build.fhir.org/ig/HL7/FHIRPath/#sortkeyselector--expression-asc--desc---collection>

use std::cmp::Ordering;

use super::super::compare;
use super::super::error::Flaw;
use super::super::item::{Item, Items};
use super::super::program::{Op, OpId};
use super::super::run::{Run, at_most_one};
use super::{Call, Function, Gives};

pub(super) const TABLE: &[Function] =
    &[Function::new("sort", 0..=usize::MAX, Gives::Input, sort).of_each()];

/// The values by which an item is placed.
type Keys<'d> = Vec<Option<Item<'d>>>;

fn sort<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    // `-key` sorts from the largest down; of strings too, which have no negative.
    let directions: Vec<(OpId, bool)> = call
        .args
        .iter()
        .map(|id| match run.program.op(*id) {
            Op::Negate(of) => (*of, true),
            _ => (*id, false),
        })
        .collect();
    // Insertion: partial dates and units make an order that is not total, on which the sort of
    // the standard library may panic.
    let mut placed: Vec<(Keys<'d>, Option<Item<'d>>)> = Vec::with_capacity(input.len());
    for (index, item) in input.drain(..).enumerate() {
        run.charge(call.at, 1 + placed.len())?;
        let new = keys(run, call, &directions, item, index)?;
        let mut at = placed.len();
        while let Some((earlier, _)) = at.checked_sub(1).and_then(|before| placed.get(before)) {
            if place(call, &directions, earlier, &new.0)? != Ordering::Greater {
                break;
            }
            at -= 1;
        }
        placed.insert(at, new);
    }
    out.extend(placed.into_iter().filter_map(|(_, item)| item));
    Ok(())
}

fn keys<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    selectors: &[(OpId, bool)],
    item: Item<'d>,
    index: usize,
) -> Result<(Keys<'d>, Option<Item<'d>>), Flaw> {
    if selectors.is_empty() {
        return Ok((vec![item.system(run.schema())], Some(item)));
    }
    let (item, keys) = run.with_this(Some(item), index, |run| {
        let key = |(selector, _): &(OpId, bool)| {
            let items = run.collect(*selector)?;
            let key = at_most_one(call.at, "a sort key", items)?;
            Ok(key.and_then(|key| key.system(run.schema())))
        };
        selectors.iter().map(key).collect::<Result<Keys<'d>, Flaw>>()
    })?;
    Ok((keys, item))
}

/// How two items lie by the first key that differs.
fn place(
    call: Call<'_>,
    selectors: &[(OpId, bool)],
    left: &[Option<Item<'_>>],
    right: &[Option<Item<'_>>],
) -> Result<Ordering, Flaw> {
    for (index, (left, right)) in left.iter().zip(right).enumerate() {
        let down = selectors.get(index).is_some_and(|(_, down)| *down);
        let ordering = match (left, right) {
            // What has no key comes first, whatever the direction.
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => {
                let unordered = |_| Flaw::execution(call.at, "the values to sort by have no order");
                let ordering = compare::order(left, right).map_err(unordered)?;
                let ordering = ordering.unwrap_or(Ordering::Equal);
                if down { ordering.reverse() } else { ordering }
            }
        };
        if ordering != Ordering::Equal {
            return Ok(ordering);
        }
    }
    Ok(Ordering::Equal)
}
