//! The patch that a diff finds makes of one resource the other: between official examples of one
//! type, and between an example and what random edits leave of it.

use std::collections::BTreeMap;

use base::limits::PATCH_OPERATIONS;
use fhir::patch::{Setting, fhirpath_diff, fhirpath_patch};
use fhir::path::Schema;
use fhir::value::Moment;
use json::{Document, Edits, Kind, Limits, Value};

use crate::examples_suite::{examples, issues, known};
use crate::fuzz::{Random, SEED};
use crate::patch_suite::same;

/// Examples longer than this take long and show nothing more.
const LONG: usize = 40_000;
/// Edited forms of each example.
const EDITED: usize = 12;

/// The examples that are right, by type.
fn by_type() -> BTreeMap<String, Vec<(String, Document)>> {
    let known = known();
    let mut all: BTreeMap<String, Vec<(String, Document)>> = BTreeMap::new();
    for (name, document) in examples() {
        if !known.contains_key(&name) && document.bytes().len() < LONG {
            let kind = document.root().get("resourceType").and_then(Value::as_str);
            let kind = kind.unwrap_or_default().into_owned();
            all.entry(kind).or_default().push((name, document));
        }
    }
    all
}

/// Whether the diff, applied to one, gives the other; how many operations it took.
fn between(before: &Document, after: &Document) -> Result<usize, String> {
    let schema = Schema::r4();
    let diff = |one: &Document, other: &Document| {
        let found = fhirpath_diff(one.root(), other.root(), &schema, &[]);
        found.ok_or_else(|| "they are not of one type".to_owned())
    };
    let found = diff(before, after)?;
    if found.operations > PATCH_OPERATIONS {
        return Ok(0);
    }
    let text = String::from_utf8_lossy(&found.patch).into_owned();
    let patch = Document::parse(found.patch, &Limits::default());
    let patch = patch.map_err(|error| format!("{error}: {text}"))?;
    let now = Moment::parse_partial("2026-11-30T12:00:00Z").expect("a time");
    let setting = Setting { schema: schema.clone(), now };
    let patched = fhirpath_patch(before, patch.root(), &setting);
    let patched = patched.map_err(|error| format!("{error}\n  {text}"))?;
    if !same(patched.root(), after.root()) || diff(&patched, after)?.operations > 0 {
        return Err(format!(
            "{}\n  not {}\n  {text}",
            patched.root().raw_str(),
            after.root().raw_str()
        ));
    }
    Ok(found.operations)
}

#[test]
fn a_diff_makes_one_example_of_another() {
    let (mut wrong, mut pairs, mut operations) = (Vec::new(), 0, 0);
    for all in by_type().values() {
        for pair in all.windows(2) {
            let [(one, before), (other, after)] = pair else { continue };
            for (names, ran) in [
                (format!("{one} to {other}"), between(before, after)),
                (format!("{other} to {one}"), between(after, before)),
                (one.clone(), between(before, before).map(|count| count * PATCH_OPERATIONS)),
            ] {
                pairs += 1;
                match ran {
                    Ok(count) if names == *one => assert_eq!(count, 0, "{one} differs from itself"),
                    Ok(count) => operations += count,
                    Err(error) => wrong.push(format!("{names}: {error}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {pairs}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(pairs > 1_000 && operations > 5_000, "{pairs} pairs, {operations} operations");
}

/// All values below a value, each with the key that it or its list stands under.
fn below<'d>(value: Value<'d>, key: &str, all: &mut Vec<(String, Value<'d>)>) {
    for member in value.members().filter(|member| !member.is("resourceType")) {
        let key = member.key();
        all.push((key.to_string(), member.value()));
        below(member.value(), &key, all);
    }
    for element in value.elements() {
        all.push((format!("{key} element"), element));
        below(element, key, all);
    }
}

/// One to four edits, if what is left is a resource still.
fn edited(document: &Document, other: &Document, random: &mut Random) -> Option<Document> {
    let (mut values, mut others) = (Vec::new(), Vec::new());
    below(document.root(), "", &mut values);
    below(other.root(), "", &mut others);
    let mut edits = Edits::new(document);
    for _ in 0..=random.below(3) {
        let (key, value) = &values[random.below(values.len())];
        let alike: Vec<_> = others.iter().filter(|(other, _)| other == key).collect();
        match random.below(4) {
            0 if !alike.is_empty() => {
                edits.replace(*value, alike[random.below(alike.len())].1.raw());
            }
            1 if value.kind() == Kind::Object => {
                let keys: Vec<String> =
                    value.members().map(|member| member.key().into_owned()).collect();
                edits.remove(*value, &keys[random.below(keys.len())]);
            }
            2 if value.kind() == Kind::Array && value.len() > 1 => {
                let gone = random.below(value.len());
                let kept = value.elements().enumerate().filter(|(place, _)| *place != gone);
                let kept: Vec<&str> = kept.map(|(_, it)| it.raw_str()).collect();
                edits.replace(*value, format!("[{}]", kept.join(",")));
            }
            _ if value.kind() == Kind::Array => {
                let mut kept: Vec<&str> = value.elements().map(Value::raw_str).collect();
                let again = kept[random.below(kept.len())];
                kept.insert(random.below(kept.len() + 1), again);
                edits.replace(*value, format!("[{}]", kept.join(",")));
            }
            _ => {}
        }
    }
    // Two edits may lie in each other, and what is left may be no resource.
    let text = edits.apply().ok()?;
    let edited = Document::parse(text, &Limits::default()).ok()?;
    issues(&edited).is_empty().then_some(edited)
}

#[test]
fn a_diff_finds_what_was_edited() {
    let mut random = Random(SEED);
    let (mut wrong, mut count, mut operations) = (Vec::new(), 0, 0);
    for all in by_type().values() {
        for (name, document) in all {
            for _ in 0..EDITED {
                let (_, other) = &all[random.below(all.len())];
                let Some(edited) = edited(document, other, &mut random) else { continue };
                for ran in [between(document, &edited), between(&edited, document)] {
                    count += 1;
                    match ran {
                        Ok(found) => operations += found,
                        Err(error) => wrong.push(format!("{name}: {error}")),
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 4_000 && operations > 4_000, "{count} edits, {operations} operations");
}
