//! One thing made wrong in an example that is right gives one issue, at that place; and whatever is
//! made wrong, nothing panics.

use std::panic::{self, AssertUnwindSafe};

use fhir::path::location;
use json::{Document, Edits, Kind, Limits, Value};

use crate::examples_suite::{examples, issues, known};
use crate::fuzz::{Random, SEED, duration, now};

/// Examples longer than this take long and show nothing more.
const LONG: usize = 40_000;

/// The examples that are right.
fn right() -> Vec<(String, Document)> {
    let known = known();
    let right = |(name, document): &(String, Document)| {
        !known.contains_key(name) && document.bytes().len() < LONG
    };
    examples().into_iter().filter(right).collect()
}

/// All values below a value that stand in no `_` sibling, without resource types.
fn below<'d>(value: Value<'d>, all: &mut Vec<Value<'d>>) {
    for member in value.members() {
        if !member.is("resourceType") && !member.key().starts_with('_') {
            all.push(member.value());
            below(member.value(), all);
        }
    }
    for element in value.elements() {
        all.push(element);
        below(element, all);
    }
}

/// A way to make one thing wrong: what is put in place of a value, where it fits.
type Mutation = fn(Value<'_>) -> Option<String>;

fn unknown_member(value: Value<'_>) -> Option<String> {
    let text = value.raw_str().strip_suffix('}').filter(|_| value.kind() == Kind::Object)?;
    Some(format!("{text},\"zzz\":1}}"))
}

fn object_for_scalar(value: Value<'_>) -> Option<String> {
    let scalar = !matches!(value.kind(), Kind::Object | Kind::Array | Kind::Null);
    scalar.then(|| "{\"a\":1}".to_owned())
}

fn empty_string(value: Value<'_>) -> Option<String> {
    (value.kind() == Kind::String).then(|| "\"\"".to_owned())
}

fn number_for_object(value: Value<'_>) -> Option<String> {
    (value.kind() == Kind::Object).then(|| "1".to_owned())
}

fn scalar_for_array(value: Value<'_>) -> Option<String> {
    let first = value.elements().next().filter(|first| first.kind() != Kind::Null)?;
    Some(first.raw_str().to_owned())
}

fn null(value: Value<'_>) -> Option<String> {
    (value.kind() != Kind::Null).then(|| "null".to_owned())
}

fn control_character(value: Value<'_>) -> Option<String> {
    let text = value.raw_str().strip_suffix('"').filter(|_| value.kind() == Kind::String)?;
    Some(format!("{text}\\u0001\""))
}

const MUTATIONS: [(&str, Mutation); 7] = [
    ("an unknown member", unknown_member),
    ("an object for a scalar", object_for_scalar),
    ("an empty string", empty_string),
    ("a number for an object", number_for_object),
    ("a scalar for an array", scalar_for_array),
    ("null", null),
    ("a control character", control_character),
];

#[test]
fn one_thing_made_wrong_is_one_issue_at_that_place() {
    let mut random = Random(SEED);
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, document) in right() {
        // What stands beside a `_` sibling has a second place to be wrong in.
        if document.bytes().windows(2).any(|pair| pair == b"\"_") {
            continue;
        }
        let mut values = Vec::new();
        below(document.root(), &mut values);
        for (what, mutation) in MUTATIONS {
            let value = values[random.below(values.len())];
            let Some(text) = mutation(value) else { continue };
            let mut place = location(document.root(), value).expect("the value is inside");
            if what == "an unknown member" {
                place += ".zzz";
            }
            let mut edits = Edits::new(&document);
            edits.replace(value, text.as_bytes());
            let text = edits.apply().expect("one edit fits");
            let mutated = Document::parse(text, &Limits::default()).expect("it is JSON");
            let found: Vec<String> =
                issues(&mutated).into_iter().map(|issue| issue.location).collect();
            if found != [place.as_str()] {
                wrong.push(format!("{name}: {what} at {place}: {found:?}"));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 2_000, "{count}");
}

#[test]
fn no_structure_panics_and_issues_come_in_the_order_of_the_text() {
    let all = right();
    let end = now() + duration();
    let (mut random, mut count) = (Random(SEED), 0_u64);
    println!("seed {SEED:#x}");
    while now() < end {
        let (_, document) = &all[random.below(all.len())];
        let (_, other) = &all[random.below(all.len())];
        let (mut values, mut others) = (Vec::new(), Vec::new());
        below(document.root(), &mut values);
        below(other.root(), &mut others);
        let mut edits = Edits::new(document);
        for _ in 0..=random.below(3) {
            let (value, other) =
                (values[random.below(values.len())], others[random.below(others.len())]);
            edits.replace(value, other.raw());
        }
        // Two edits may lie in each other.
        let Ok(text) = edits.apply() else { continue };
        let mutated = Document::parse(text, &Limits::default()).expect("it is JSON");
        let checked = panic::catch_unwind(AssertUnwindSafe(|| {
            let issues = issues(&mutated);
            let place = |position: json::Position| (position.line, position.column);
            assert!(issues.is_sorted_by_key(|issue| issue.position.map(place)));
        }));
        if let Err(panic) = checked {
            println!("made by {}", mutated.root().raw_str());
            panic::resume_unwind(panic);
        }
        count += 1;
    }
    println!("{count} resources");
}
