//! <https://hl7.org/fhirpath/N1/#utility-functions>

use super::super::error::Flaw;
use super::super::item::{Item, Items, TypeInfo};
use super::super::run::Run;
use super::{Call, Function, Gives};
use crate::value::Precision;

pub(super) const TABLE: &[Function] = &[
    Function::new("trace", 1..=2, Gives::Input, trace).of_each(),
    Function::new("now", 0..=0, Gives::System("DateTime"), now),
    Function::new("today", 0..=0, Gives::System("Date"), today),
    Function::new("timeOfDay", 0..=0, Gives::System("Time"), time_of_day),
    Function::new("type", 0..=0, Gives::Any, type_of),
];

fn trace<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let name = run.text_argument(call, 0)?.unwrap_or_default();
    let mut shown = Items::new();
    if let Some(projection) = call.args.get(1) {
        for (index, item) in input.iter().enumerate() {
            run.with_this(Some(item.clone()), index, |run| run.eval(*projection, &mut shown))?;
        }
    }
    if let Some(listener) = run.environment.trace {
        listener.trace(&name, if call.args.len() > 1 { &shown } else { input });
    }
    out.append(input);
    Ok(())
}

fn now<'d>(
    run: &mut Run<'_, 'd>,
    _: Call<'_>,
    _: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    out.push(Item::DateTime(run.environment.now));
    Ok(())
}

fn today<'d>(
    run: &mut Run<'_, 'd>,
    _: Call<'_>,
    _: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    out.push(Item::Date(run.environment.now.to_precision(Precision::Day)));
    Ok(())
}

fn time_of_day<'d>(
    run: &mut Run<'_, 'd>,
    _: Call<'_>,
    _: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    out.push(Item::Time(run.environment.now.time));
    Ok(())
}

fn type_of<'d>(
    run: &mut Run<'_, 'd>,
    _: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let schema = run.schema();
    out.extend(input.iter().map(|item| {
        let (namespace, name) = item.type_name(schema);
        Item::Type(Box::new(TypeInfo { namespace, name: name.into() }))
    }));
    Ok(())
}
