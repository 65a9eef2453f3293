//! <https://hl7.org/fhirpath/N1/#tree-navigation>

use super::super::error::Flaw;
use super::super::item::{Item, Items};
use super::super::navigate;
use super::super::run::Run;
use super::{Call, Function, Gives};

pub(super) const TABLE: &[Function] = &[
    Function::new("children", 0..=0, Gives::Unordered, children),
    Function::new("descendants", 0..=0, Gives::Unordered, descendants),
];

fn children<'d>(
    run: &mut Run<'_, 'd>,
    _: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    for node in input.iter().filter_map(Item::node) {
        navigate::children(run.schema(), node, out);
    }
    Ok(())
}

fn descendants<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let mut next = out.len();
    children(run, call, input, out)?;
    while let Some(item) = out.get(next) {
        let node = item.node().copied();
        next += 1;
        if let Some(node) = node {
            let before = out.len();
            navigate::children(run.schema(), &node, out);
            run.charge(call.at, 1 + out.len() - before)?;
        }
    }
    Ok(())
}
