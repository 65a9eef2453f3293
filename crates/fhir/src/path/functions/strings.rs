//! <https://hl7.org/fhirpath/N1/#string-manipulation>

use std::borrow::Cow;
use std::mem::take;

use base::limits::FHIRPATH_PATTERN_BYTES;
use regex::{Regex, RegexBuilder};

use super::super::error::Flaw;
use super::super::item::{Item, Items};
use super::super::run::Run;
use super::{BOOLEAN, Body, Call, Function, Gives, INTEGER, STRING};

/// The body of a function of a string and a string argument.
macro_rules! with_text {
    ($function:expr) => {{
        let body: Body = |run, call, input, out| {
            let text = run.text_of(call, take(input))?;
            let other = run.text_argument(call, 0)?;
            if let (Some(text), Some(other)) = (text, other) {
                let function: fn(&str, &str) -> Item<'static> = $function;
                out.push(function(&text, &other));
            }
            Ok(())
        };
        body
    }};
}

/// The body of a function of a string alone.
macro_rules! of_text {
    ($function:expr) => {{
        let body: Body = |run, call, input, out| {
            if let Some(text) = run.text_of(call, take(input))? {
                let function: fn(&str) -> Item<'static> = $function;
                out.push(function(&text));
            }
            Ok(())
        };
        body
    }};
}

pub(super) const TABLE: &[Function] = &[
    Function::new("indexOf", 1..=1, INTEGER, with_text!(|text, part| place(text, text.find(part)))),
    Function::new(
        "lastIndexOf",
        1..=1,
        INTEGER,
        with_text!(|text, part| { place(text, text.rfind(part)) }),
    ),
    Function::new("substring", 1..=2, STRING, substring),
    Function::new(
        "startsWith",
        1..=1,
        BOOLEAN,
        with_text!(|text, part| { Item::Boolean(text.starts_with(part)) }),
    ),
    Function::new(
        "endsWith",
        1..=1,
        BOOLEAN,
        with_text!(|text, part| { Item::Boolean(text.ends_with(part)) }),
    ),
    Function::new(
        "contains",
        1..=1,
        BOOLEAN,
        with_text!(|text, part| { Item::Boolean(text.contains(part)) }),
    ),
    Function::new("upper", 0..=0, STRING, of_text!(|text| Item::text(text.to_uppercase()))),
    Function::new("lower", 0..=0, STRING, of_text!(|text| Item::text(text.to_lowercase()))),
    Function::new("trim", 0..=0, STRING, of_text!(|text| Item::text(text.trim().to_owned()))),
    Function::new("length", 0..=0, INTEGER, of_text!(|text| Item::integer(text.chars().count()))),
    Function::new("toChars", 0..=0, STRING, to_chars),
    Function::new("replace", 2..=2, STRING, replace),
    Function::new("matches", 1..=1, BOOLEAN, |run, call, input, out| {
        matches(run, call, input, out, false)
    }),
    Function::new("matchesFull", 1..=1, BOOLEAN, |run, call, input, out| {
        matches(run, call, input, out, true)
    }),
    Function::new("replaceMatches", 2..=2, STRING, replace_matches),
    Function::new("split", 1..=1, STRING, split),
    Function::new("join", 0..=1, Gives::System("String"), join),
];

/// The number of characters before a byte, or -1.
fn place(text: &str, byte: Option<usize>) -> Item<'static> {
    match byte.and_then(|byte| text.get(..byte)) {
        Some(before) => Item::integer(before.chars().count()),
        None => Item::Integer(-1),
    }
}

fn substring<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let text = run.text_of(call, take(input))?;
    let start = run.integer_argument(call, 0)?.and_then(|start| usize::try_from(start).ok());
    let length = run.integer_argument(call, 1)?;
    let (Some(text), Some(start)) = (text, start) else { return Ok(()) };
    if start >= text.chars().count() {
        return Ok(());
    }
    let length = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
    out.push(Item::text(text.chars().skip(start).take(length).collect::<String>()));
    Ok(())
}

fn to_chars<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    if let Some(text) = run.text_of(call, take(input))? {
        out.extend(text.chars().map(|c| Item::text(c.to_string())));
    }
    Ok(())
}

fn replace<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let text = run.text_of(call, take(input))?;
    let (from, to) = (run.text_argument(call, 0)?, run.text_argument(call, 1)?);
    if let (Some(text), Some(from), Some(to)) = (text, from, to) {
        run.charge(call.at, text.len().saturating_mul(1 + to.len()) / 8)?;
        out.push(Item::text(text.replace(&*from, &to)));
    }
    Ok(())
}

/// A pattern, in which `.` matches line ends too.
fn pattern(call: Call<'_>, text: &str, full: bool) -> Result<Regex, Flaw> {
    let text = if full { Cow::Owned(format!("^(?:{text})$")) } else { Cow::Borrowed(text) };
    RegexBuilder::new(&text)
        .dot_matches_new_line(true)
        .size_limit(FHIRPATH_PATTERN_BYTES)
        .dfa_size_limit(FHIRPATH_PATTERN_BYTES)
        .build()
        .map_err(|error| Flaw::execution(call.at, format!("not a pattern: {error}")))
}

fn matches<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
    full: bool,
) -> Result<(), Flaw> {
    let text = run.text_of(call, take(input))?;
    let wanted = run.text_argument(call, 0)?;
    if let (Some(text), Some(wanted)) = (text, wanted) {
        out.push(Item::Boolean(pattern(call, &wanted, full)?.is_match(&text)));
    }
    Ok(())
}

fn replace_matches<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let text = run.text_of(call, take(input))?;
    let (from, to) = (run.text_argument(call, 0)?, run.text_argument(call, 1)?);
    let (Some(text), Some(from), Some(to)) = (text, from, to) else { return Ok(()) };
    if from.is_empty() {
        out.push(Item::String(text));
        return Ok(());
    }
    run.charge(call.at, text.len().saturating_mul(1 + to.len()) / 8)?;
    let replaced = pattern(call, &from, false)?.replace_all(&text, &*to).into_owned();
    run.charge(call.at, replaced.len() / 8)?;
    out.push(Item::text(replaced));
    Ok(())
}

fn split<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let text = run.text_of(call, take(input))?;
    let separator = run.text_argument(call, 0)?;
    if let (Some(text), Some(separator)) = (text, separator) {
        out.extend(text.split(&*separator).map(|part| Item::text(part.to_owned())));
    }
    Ok(())
}

fn join<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    if input.is_empty() {
        return Ok(());
    }
    let separator = run.text_argument(call, 0)?.unwrap_or_default();
    run.charge(call.at, input.len().saturating_mul(1 + separator.len()) / 8)?;
    let mut joined = String::new();
    for (index, item) in input.drain(..).enumerate() {
        if index > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&run.text_of(call, std::iter::once(item).collect())?.unwrap_or_default());
    }
    run.charge(call.at, joined.len() / 8)?;
    out.push(Item::text(joined));
    Ok(())
}
