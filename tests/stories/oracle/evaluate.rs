//! <https://hl7.org/fhir/R4/search.html>: what a query finds, by looking at every resource.

use std::collections::HashSet;

use super::extract::Found;
use super::matches::passes;
use super::moment::span;
use super::parameters::{COMPARTMENTS, Kind, Parameter, TYPES, find};
use super::text::{parts, plain};
use super::world::{Key, Resource, World};

/// `Patient?name=eve`, taken apart and not percent-encoded.
#[derive(Clone, Debug)]
pub(super) struct Query {
    /// A type, a compartment with a type or `*`, or nothing for the whole system.
    pub(super) path: String,
    pub(super) pairs: Vec<(String, String)>,
    /// Sent as a form.
    pub(super) by_post: bool,
}

impl Query {
    pub(super) fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.pairs.iter().filter(move |(its, _)| its == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn count(&self) -> usize {
        self.all("_count").last().map_or(10, |count| count.parse().expect("a number"))
    }

    /// The types that are searched.
    pub(super) fn types(&self) -> Vec<&str> {
        let steps: Vec<&str> = self.path.split('/').collect();
        let mut types = match steps.as_slice() {
            [""] => TYPES.to_vec(),
            [compartment, _, "*"] => {
                let inside = COMPARTMENTS.iter().filter(|(of, ..)| of == compartment);
                inside.map(|(_, inside, _)| *inside).collect()
            }
            [.., one] => vec![*one],
            [] => unreachable!("a split has a part"),
        };
        for only in self.all("_type") {
            types.retain(|name| only.split(',').any(|only| only == *name));
        }
        types
    }
}

/// All matches, in the order of writing.
pub(super) fn matches<'w>(world: &'w World, query: &Query) -> Vec<&'w Resource> {
    let types = query.types();
    let mut found = Vec::new();
    for resource in &world.resources {
        if types.contains(&resource.key.0.as_str()) && in_compartment(world, query, resource) {
            found.push(&**resource);
        }
    }
    for (name, value) in query.pairs.iter().filter(|(name, _)| selects(name)) {
        for of in &types {
            let keys: HashSet<&Key> =
                select(world, of, name, value).into_iter().map(|it| &it.key).collect();
            found.retain(|resource| resource.key.0 != *of || keys.contains(&resource.key));
        }
    }
    found
}

fn selects(name: &str) -> bool {
    const RESULT: [&str; 7] =
        ["_count", "_total", "_sort", "_summary", "_include", "_revinclude", "_type"];
    !RESULT.contains(&name.split(':').next().unwrap_or_default())
}

fn in_compartment(world: &World, query: &Query, resource: &Resource) -> bool {
    let steps: Vec<&str> = query.path.split('/').collect();
    let [of, id, _] = steps.as_slice() else { return true };
    let key = ((*of).to_owned(), (*id).to_owned());
    let known = COMPARTMENTS.iter().find(|(its, inside, _)| its == of && *inside == resource.key.0);
    let codes = known.map_or(&[][..], |(.., codes)| *codes);
    key == resource.key || codes.iter().any(|code| world.led_to(resource, code).contains(&key))
}

/// What of a type one parameter finds.
fn select<'w>(world: &'w World, of: &'w str, name: &str, value: &str) -> Vec<&'w Resource> {
    let all = || world.of_type(of).map(|resource| &**resource);
    if let Some(path) = name.strip_prefix("_has:") {
        let [source, code, rest] = path.splitn(3, ':').collect::<Vec<_>>()[..] else {
            unreachable!("_has has three parts")
        };
        return referred(world, of, select(world, static_type(source), rest, value), code);
    }
    if let Some((head, rest)) = name.split_once('.') {
        let (code, only) = head.split_once(':').map_or((head, None), |(c, t)| (c, Some(t)));
        let parameter = find(of, code).expect("a parameter");
        let targets =
            parameter.targets.iter().filter(|target| only.is_none_or(|it| it == **target));
        let targets: Vec<&str> = targets.copied().filter(|target| knows(target, rest)).collect();
        let found = targets.iter().flat_map(|it| select(world, it, rest, value));
        let reached: HashSet<&Key> = found.map(|it| &it.key).collect();
        let leads = |it: &&Resource| {
            world.led_to(it, code).iter().any(|key| reached.contains(key))
                || it.parts(code).any(|part| {
                    targets.contains(&part.key.0.as_str()) && part_holds(world, part, rest, value)
                })
        };
        return all().filter(leads).collect();
    }
    let (code, modifier) = name.split_once(':').map_or((name, None), |(c, m)| (c, Some(m)));
    if code == "_list" {
        let lists = world.of_type("List").map(|list| &**list);
        let lists = lists.filter(|list| value.split(',').any(|id| id == list.key.1)).collect();
        return referred(world, of, lists, "item");
    }
    all().filter(|resource| holds(world, resource, (code, modifier), value)).collect()
}

/// Whether a part of a resource is what a chain leads to: nothing refers to it from elsewhere, and
/// what it refers to stands by itself.
fn part_holds(world: &World, part: &Resource, name: &str, value: &str) -> bool {
    if name.starts_with("_has:") {
        return false;
    }
    let Some((head, rest)) = name.split_once('.') else {
        let (code, modifier) = name.split_once(':').map_or((name, None), |(c, m)| (c, Some(m)));
        return holds(world, part, (code, modifier), value);
    };
    let (code, only) = head.split_once(':').map_or((head, None), |(c, t)| (c, Some(t)));
    let Some(parameter) = find(&part.key.0, code) else { return false };
    let targets = parameter.targets.iter().filter(|target| only.is_none_or(|it| it == **target));
    let led = world.led_to(part, code);
    targets.filter(|target| knows(target, rest)).any(|target| {
        select(world, target, rest, value).into_iter().any(|it| led.contains(&it.key))
    })
}

fn static_type(name: &str) -> &'static str {
    TYPES.iter().find(|known| **known == name).expect("a type of the data sets")
}

/// What of a type the sources refer to.
fn referred<'w>(
    world: &'w World,
    of: &str,
    sources: Vec<&Resource>,
    code: &str,
) -> Vec<&'w Resource> {
    let keys: HashSet<Key> =
        sources.into_iter().flat_map(|source| world.led_to(source, code)).collect();
    let found = world.resources.iter().filter(|it| it.key.0 == of && keys.contains(&it.key));
    found.map(|it| &**it).collect()
}

/// Whether a type has what a name asks for; of the types that a chain may lead to one must.
pub(super) fn knows(of: &str, name: &str) -> bool {
    if let Some(path) = name.strip_prefix("_has:") {
        let [source, code, rest] = path.splitn(3, ':').collect::<Vec<_>>()[..] else {
            return false;
        };
        let leads = find(source, code).is_some_and(|it| it.targets.contains(&of));
        return leads && knows(source, rest);
    }
    if let Some((head, rest)) = name.split_once('.') {
        let (code, only) = head.split_once(':').map_or((head, None), |(c, t)| (c, Some(t)));
        return find(of, code).is_some_and(|it| {
            let mut targets = it.targets.iter().filter(|it| only.is_none_or(|only| only == **it));
            it.kind == Kind::Reference && targets.any(|target| knows(target, rest))
        });
    }
    let (code, modifier) = name.split_once(':').map_or((name, None), |(c, m)| (c, Some(m)));
    match code {
        "_id" | "_lastUpdated" => true,
        _ => find(of, code).is_some_and(|it| takes(it, modifier)),
    }
}

/// Whether a parameter can have the modifier.
fn takes(parameter: &Parameter, modifier: Option<&str>) -> bool {
    let Some(modifier) = modifier else { return true };
    modifier == "missing"
        || match parameter.kind {
            Kind::Str => ["exact", "contains"].contains(&modifier),
            Kind::Token => ["not", "text", "of-type", "in", "not-in"].contains(&modifier),
            Kind::Reference => modifier == "identifier" || parameter.targets.contains(&modifier),
            Kind::Uri => ["above", "below"].contains(&modifier),
            Kind::Date | Kind::Number | Kind::Quantity | Kind::Composite => false,
        }
}

fn holds(
    world: &World,
    resource: &Resource,
    (code, modifier): (&str, Option<&str>),
    value: &str,
) -> bool {
    let wanted = parts(value, ',');
    match code {
        "_id" => {
            let is_one = wanted.iter().any(|id| plain(id) == resource.key.1);
            return is_one != (modifier == Some("not"));
        }
        "_lastUpdated" => {
            return wanted.iter().any(|wanted| updated(wanted, &resource.updated));
        }
        _ => {}
    }
    if code == "url" && modifier.is_none() && parts(value, '|').len() > 1 {
        return wanted.iter().any(|wanted| versioned_url(world, resource, wanted));
    }
    let parameter = find(&resource.key.0, code).expect("a parameter of the type");
    let values = resource.values(code);
    let passes = |modifier| {
        let one = |found: &Found| {
            wanted.iter().any(|wanted| passes(world, parameter, modifier, wanted, found))
        };
        values.iter().any(one)
    };
    match modifier {
        Some("missing") => values.is_empty() == (value == "true"),
        Some("not") => !passes(None),
        Some("in") => in_value_set(world, value, values),
        Some("not-in") => !in_value_set(world, value, values),
        modifier => passes(modifier),
    }
}

/// <https://hl7.org/fhir/R4/search.html#uri>: `url|version` of a resource that has both.
fn versioned_url(world: &World, resource: &Resource, wanted: &str) -> bool {
    let has = |code, value: &str| holds(world, resource, (code, None), value);
    match parts(wanted, '|').as_slice() {
        [url, version] => has("url", url) && has("version", version),
        _ => has("url", wanted),
    }
}

/// The moment itself against the interval that is asked for.
fn updated(wanted: &str, updated: &str) -> bool {
    // What is within another resource has no time of its own.
    if updated.is_empty() {
        return false;
    }
    let prefix = if wanted.starts_with(|it: char| it.is_ascii_digit()) { "" } else { &wanted[..2] };
    let (asked, at) = (span(&wanted[prefix.len()..]), span(updated).0);
    match prefix {
        "" | "eq" => asked.0 <= at && at < asked.1,
        "ne" => at < asked.0 || asked.1 <= at,
        "gt" | "sa" => asked.1 <= at,
        "lt" | "eb" => at < asked.0,
        "ge" => asked.0 <= at,
        "le" => at < asked.1,
        other => unreachable!("{other} is not asked of _lastUpdated"),
    }
}

/// Whether all value sets that a query names are there.
pub(super) fn knows_sets(world: &World, query: &Query) -> bool {
    let names_set = |name: &str| name.ends_with(":in") || name.ends_with(":not-in");
    let named = query.pairs.iter().filter(|(name, _)| names_set(name));
    named.map(|(_, reference)| value_set(world, reference)).all(|set| set.is_some())
}

fn value_set<'w>(world: &'w World, reference: &str) -> Option<&'w Resource> {
    let named = |set: &&Resource| {
        reference == format!("ValueSet/{}", set.key.1) || set.body["url"] == reference
    };
    world.of_type("ValueSet").map(|set| &**set).find(named)
}

/// <https://hl7.org/fhir/R4/valueset.html>: one that lists its concepts.
fn in_value_set(world: &World, reference: &str, values: &[Found]) -> bool {
    let set = value_set(world, reference);
    let set = set.unwrap_or_else(|| panic!("the ValueSet {reference}"));
    let includes = set.body["compose"]["include"].as_array().expect("includes");
    let has = |system: Option<&str>, code: &str| {
        includes.iter().any(|include| {
            let concepts = include["concept"].as_array().expect("concepts");
            include["system"].as_str() == system
                && concepts.iter().any(|concept| concept["code"] == code)
        })
    };
    values.iter().any(|found| match found {
        Found::Token(token) => {
            token.code.as_ref().is_some_and(|code| has(token.system.as_deref(), code))
        }
        _ => false,
    })
}
