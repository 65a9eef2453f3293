//! <https://hl7.org/fhir/R4/search.html#sort> and `#include`: the order of the matches, and what
//! comes with them.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::decimal::Decimal;
use super::evaluate::Query;
use super::extract::{Found, Range};
use super::parameters::{ALL, Kind, find};
use super::text::fold;
use super::units;
use super::world::{Key, Resource, World};

/// What a resource is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SortKey {
    Tick(i64),
    Number(Decimal),
    Text(String),
    Reference(Key),
    /// What names no resource here comes after those that do.
    Url(String),
}

/// Brings matches, in the order of writing, into the order that `_sort` asks for.
pub(super) fn sort(world: &World, query: &Query, matches: &mut [&Resource]) {
    let by: Vec<&str> = query.all("_sort").flat_map(|keys| keys.split(',')).collect();
    let mut keyed: Vec<(Vec<Option<SortKey>>, &Resource)> = matches
        .iter()
        .map(|resource| (by.iter().map(|name| key(world, resource, name)).collect(), *resource))
        .collect();
    keyed.sort_by(|(one, _), (two, _)| {
        let directed = by.iter().zip(one.iter().zip(two)).map(|(name, (one, two))| {
            if name.starts_with('-') { two.cmp(one) } else { one.cmp(two) }
        });
        directed.fold(Ordering::Equal, Ordering::then)
    });
    for (slot, (_, resource)) in matches.iter_mut().zip(keyed) {
        *slot = resource;
    }
}

/// The smallest value of a rising key, the largest of a falling one; none is less than any.
fn key(world: &World, resource: &Resource, name: &str) -> Option<SortKey> {
    let (name, falling) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
    let extreme = |keys: Vec<SortKey>| {
        if falling { keys.into_iter().max() } else { keys.into_iter().min() }
    };
    match name {
        "_id" => Some(SortKey::Text(resource.key.1.clone())),
        "_lastUpdated" => Some(SortKey::Text(resource.updated.clone())),
        _ => match name.split_once('.') {
            None => extreme(keys(world, resource, name, falling)),
            Some((head, inner)) => {
                let (code, only) = head.split_once(':').map_or((head, None), |(c, t)| (c, Some(t)));
                let targets = &find(&resource.key.0, code).expect("a parameter").targets;
                let led: Vec<Key> = world.led_to(resource, code);
                let reached = world.resources.iter().filter(|it| {
                    led.contains(&it.key)
                        && targets.contains(&it.key.0.as_str())
                        && only.is_none_or(|only| only == it.key.0)
                });
                extreme(reached.flat_map(|it| keys(world, it, inner, falling)).collect())
            }
        },
    }
}

fn keys(world: &World, resource: &Resource, code: &str, falling: bool) -> Vec<SortKey> {
    let side = |(low, high): Range| if falling { high.or(low) } else { low.or(high) };
    let values = resource.values(code).iter();
    let key = |found: &Found| match found {
        Found::Text(text) => Some(SortKey::Text(fold(text))),
        Found::Token(token) => token.code.clone().or(token.text.clone()).map(SortKey::Text),
        Found::Date((from, to)) => Some(SortKey::Tick(if falling { *to } else { *from })),
        Found::Number(range) => side(*range).map(|side| SortKey::Number(side.value)),
        Found::Quantity { range, system, code, .. } => {
            let ucum = system.as_deref() == Some("http://unitsofmeasure.org");
            let unit = code.as_deref().filter(|_| ucum).and_then(units::of);
            let range = unit.map_or(*range, |unit| unit.range(*range));
            side(range).map(|side| SortKey::Number(side.value))
        }
        Found::Reference(reference) => {
            let text = reference.text.as_ref()?;
            Some(match world.local(text) {
                Some((key, _)) => SortKey::Reference(key),
                None => SortKey::Url(text.clone()),
            })
        }
        Found::Uri { url, .. } => Some(SortKey::Text(url.clone())),
        Found::Composite(_) => None,
    };
    values.filter_map(key).collect()
}

/// `_include` and `_revinclude`, with `:iterate`.
struct Rule<'q> {
    source: &'q str,
    code: &'q str,
    target: Option<&'q str>,
    reverse: bool,
    iterate: bool,
}

impl<'q> Rule<'q> {
    fn of((name, value): &'q (String, String)) -> Option<Self> {
        let (name, modifier) = name.split_once(':').unwrap_or((name, ""));
        let reverse = match name {
            "_include" => false,
            "_revinclude" => true,
            _ => return None,
        };
        let mut parts = value.split(':');
        let (source, code) = (parts.next()?, parts.next().unwrap_or("*"));
        let iterate = modifier == "iterate";
        Some(Self { source, code, target: parts.next(), reverse, iterate })
    }
}

/// What a page brings besides its matches; a reference that names a version brings that version.
pub(super) fn included(world: &World, query: &Query, page: &[Key]) -> HashSet<(Key, String)> {
    let rules: Vec<Rule<'_>> = query.pairs.iter().filter_map(Rule::of).collect();
    let versioned = |it: &Resource| (it.key.clone(), it.version.clone());
    let mut round: Vec<&Resource> =
        page.iter().filter_map(|key| world.find(key, None)).map(|it| &**it).collect();
    let matches: HashSet<(Key, String)> = round.iter().map(|it| versioned(it)).collect();
    let mut seen = matches.clone();
    let mut first = true;
    while !round.is_empty() {
        let mut next = Vec::new();
        for resource in round {
            for rule in rules.iter().filter(|rule| first || rule.iterate) {
                let reached = reached(world, rule, resource).into_iter();
                let new = reached.filter(|it| seen.insert(versioned(it)));
                // It goes on from what the resource is now.
                next.extend(new.filter_map(|it| world.find(&it.key, None)).map(|it| &**it));
            }
        }
        round = next;
        first = false;
    }
    seen.retain(|it| !matches.contains(it));
    seen
}

fn reached<'w>(world: &'w World, rule: &Rule<'_>, from: &Resource) -> Vec<&'w Resource> {
    let takes = |key: &Key| rule.target.is_none_or(|target| target == key.0);
    if !rule.reverse {
        let led = led(world, rule, from).into_iter().filter(|(key, _)| takes(key));
        let found = led.filter_map(|(key, version)| world.find(&key, version.as_deref()));
        return found.map(|it| &**it).collect();
    }
    if !takes(&from.key) {
        return Vec::new();
    }
    let refers = |it: &&Resource| led(world, rule, it).iter().any(|(key, _)| *key == from.key);
    world.resources.iter().map(|it| &**it).filter(refers).collect()
}

/// What a resource refers to by the rule, and which versions.
fn led(world: &World, rule: &Rule<'_>, resource: &Resource) -> Vec<(Key, Option<String>)> {
    if rule.source != "*" && rule.source != resource.key.0 {
        return Vec::new();
    }
    let of_type = ALL.iter().filter(|it| it.of == resource.key.0 && it.kind == Kind::Reference);
    let named = of_type.filter(|it| rule.code == "*" || rule.code == it.code);
    named.flat_map(|it| world.named(resource, it.code)).collect()
}
