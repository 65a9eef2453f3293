//! <https://hl7.org/fhir/R4/search.html#recursive>: `:above` and `:below` of references. A resource
//! is below another of its type when it refers to it as what it is part of; a version of a
//! canonical is below the one it goes on from.

use fhir::definitions::SearchKind;
use fhir::value::{Canonical, Reference};
use store::{Criterion, Key, ReferenceTest, ResourceId, SearchPlan, Test, TypeId, TypeSearch};

use super::catalogue::Known;
use super::interpret::{Interpreter, Miss, wrong};
use super::listing;
use super::reference::resource;
use super::test::unsupported;
use super::text;
use crate::fhir::types;
use base::limits::HIERARCHY_MOST;

/// Names of the parameters by which a resource refers to what it is part of.
const PART_OF: [&str; 2] = ["partof", "part-of"];

/// Any of these tests.
pub(super) fn tests(
    interpreter: &Interpreter<'_>,
    known: &Known,
    modifier: &str,
    value: &str,
) -> Result<Vec<Test>, Miss> {
    let plain = text::plain(value);
    let local = interpreter.local(&plain).unwrap_or(&plain);
    let roots = roots(interpreter, known, local);
    if roots.is_empty() {
        return canonical(known, modifier, &plain);
    }
    for root in &roots {
        if let Some(known) = part_of(interpreter, root.resource_type) {
            interpreter.complete(root.resource_type, known)?;
        }
    }
    let found = closure(roots, |key| match modifier {
        "below" => parts(interpreter, key),
        _ => wholes(interpreter, key),
    })?;
    let test = |key: Key| Test::Reference(resource(key.resource_type, key.id, None));
    Ok(found.into_iter().map(test).collect())
}

/// All that is reached, each once; circles end.
fn closure(
    mut found: Vec<Key>,
    further: impl Fn(Key) -> Result<Vec<Key>, Miss>,
) -> Result<Vec<Key>, Miss> {
    let mut next = 0;
    while let Some(key) = found.get(next).copied() {
        next += 1;
        for key in further(key)? {
            if !found.contains(&key) {
                found.push(key);
            }
        }
        if found.len() > HIERARCHY_MOST {
            return wrong(format!(
                "more than {HIERARCHY_MOST} resources are above or below it. Name one that has \
                 fewer"
            ));
        }
    }
    Ok(found)
}

/// What the value names, of the types that have a hierarchy.
fn roots(interpreter: &Interpreter<'_>, known: &Known, value: &str) -> Vec<Key> {
    let has = |number: &TypeId| part_of(interpreter, *number).is_some();
    if let Some(id) = ResourceId::new(value) {
        let numbers = known.of.targets.iter().copied().filter(has);
        return numbers.map(|resource_type| Key { resource_type, id }).collect();
    }
    let Reference::Relative(target) = Reference::parse(value) else { return Vec::new() };
    let number = types::number(target.resource_type).filter(has);
    let key = number.zip(ResourceId::new(target.id));
    key.into_iter().map(|(resource_type, id)| Key { resource_type, id }).collect()
}

fn part_of<'i>(interpreter: &'i Interpreter<'_>, number: TypeId) -> Option<&'i Known> {
    let mut found = PART_OF.iter().filter_map(|code| interpreter.catalogue.find(number, code));
    found.find(|known| known.of.kind == SearchKind::Reference && known.of.targets.contains(&number))
}

/// The resources that are directly part of this one.
fn parts(interpreter: &Interpreter<'_>, key: Key) -> Result<Vec<Key>, Miss> {
    let Some(parameter) = part_of(interpreter, key.resource_type) else { return Ok(Vec::new()) };
    let test = Test::Reference(resource(key.resource_type, key.id, None));
    found(interpreter, key.resource_type, Criterion::Value(parameter.id, test))
}

/// The resources that this one is directly part of.
fn wholes(interpreter: &Interpreter<'_>, key: Key) -> Result<Vec<Key>, Miss> {
    let Some(parameter) = part_of(interpreter, key.resource_type) else { return Ok(Vec::new()) };
    let criterion = Criterion::Ids(vec![key.id]);
    let source = Box::new(TypeSearch { resource_type: key.resource_type, criterion });
    found(interpreter, key.resource_type, Criterion::Has { source, parameter: parameter.id })
}

fn found(
    interpreter: &Interpreter<'_>,
    resource_type: TypeId,
    criterion: Criterion,
) -> Result<Vec<Key>, Miss> {
    let types = vec![TypeSearch { resource_type, criterion }];
    let plan = SearchPlan { types, most: HIERARCHY_MOST + 1, ..SearchPlan::default() };
    let page = interpreter.snapshot.search(&plan).map_err(listing::fault)?;
    let versions = interpreter.snapshot.versions(&page.rids)?;
    Ok(versions.into_iter().map(|version| version.key).collect())
}

/// Of a canonical: any version, or those that go on from the one that is named.
fn canonical(known: &Known, modifier: &str, value: &str) -> Result<Vec<Test>, Miss> {
    let Canonical { url, version, .. } = Canonical::parse(value);
    if modifier != "below" || !url.contains(':') {
        return unsupported(&known.code, modifier);
    }
    let url = url.into();
    let test = match version.filter(|version| !version.is_empty()) {
        Some(version) => ReferenceTest::Versions { url, version: version.into() },
        None => ReferenceTest::Url { url, version: None },
    };
    Ok(vec![Test::Reference(test)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resources in a row, each part of the one before; the last is the first's whole again.
    fn reached(count: usize) -> Result<usize, Miss> {
        let key = |number: usize| {
            let id = ResourceId::new(&format!("l{number}")).expect("an id");
            Key { resource_type: TypeId(1), id }
        };
        let keys: Vec<Key> = (0..count).map(key).collect();
        let next = |of: Key| {
            let place = keys.iter().position(|key| *key == of).expect("a place");
            Ok(vec![key((place + 1) % count)])
        };
        closure(vec![key(0)], next).map(|found| found.len())
    }

    #[test]
    fn a_hierarchy_has_its_limit() {
        assert!(matches!(reached(3), Ok(3)));
        assert!(matches!(reached(HIERARCHY_MOST), Ok(HIERARCHY_MOST)));
        assert!(matches!(reached(HIERARCHY_MOST + 1), Err(Miss::Wrong(_))));
    }
}
