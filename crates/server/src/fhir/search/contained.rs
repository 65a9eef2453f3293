//! <https://hl7.org/fhir/R4/search.html#contained>: resources within others, in chains and with
//! `_contained`.
//!
//! The index tells which resources have one of a type within them; what is within is read when it
//! is asked for.

use std::borrow::Cow;
use std::sync::Arc;

use base::Fault;
use bytes::Bytes;
use fhir::search::Value as Searched;
use json::{Document, Limits, Value};
use store::{
    Criterion, Inside, Key, ParameterId, Part, PartsOf, ResourceId, Restrictions, Rid, SearchError,
    SearchPlan, Snapshot, TypeId, TypeSearch,
};
use xxhash_rust::xxh3::Xxh3;

use super::interpret::Interpreter;
use crate::fhir::outcome::Issue;
use crate::fhir::refusal::General;
use crate::fhir::types;
use crate::fhir::values::Indexing;

/// What `_contained` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Contained {
    /// Only resources that are not within others.
    #[default]
    No,
    /// Only those that are.
    Only,
    Both,
}

impl Contained {
    pub(crate) fn read(value: &str) -> Option<Self> {
        match value {
            "false" => Some(Self::No),
            "true" => Some(Self::Only),
            "both" => Some(Self::Both),
            _ => None,
        }
    }
}

/// 400: `_contained` where only resources by themselves can be meant.
pub(crate) fn unexpected() -> General {
    let text = "What is within other resources cannot be meant here: leave out _contained.";
    General::Content(vec![Issue::error("not-supported", text)])
}

/// The number under which the index knows that resources of a type have one of another within them.
fn presence(container: TypeId, contained: TypeId) -> ParameterId {
    let mut hash = Xxh3::new();
    for text in ["contained", types::name(container), types::name(contained)] {
        hash.update(text.as_bytes());
        hash.update(&[0]);
    }
    ParameterId(hash.digest())
}

/// What the index has of what is within a resource.
pub(crate) fn presences<'d>(
    container: TypeId,
    resource: Value<'d>,
) -> Vec<(ParameterId, Searched<'d>)> {
    let within = within(resource).map(|(key, _)| {
        let name = Cow::Borrowed(types::name(key.resource_type));
        (presence(container, key.resource_type), Searched::String(name))
    });
    within.collect()
}

fn within(resource: Value<'_>) -> impl Iterator<Item = (Key, Value<'_>)> {
    let all = resource.get("contained").into_iter().flat_map(Value::elements);
    all.filter_map(|resource| {
        let resource_type = types::number(&resource.get("resourceType")?.as_str()?)?;
        let id = ResourceId::new(&resource.get("id")?.as_str()?)?;
        Some((Key { resource_type, id }, resource))
    })
}

/// One of the targets is met by a resource within one of type `container`; when `by` is given, by
/// one that this parameter refers to.
pub(crate) fn inside(
    interpreter: &Interpreter<'_>,
    container: TypeId,
    targets: &[TypeSearch],
    by: Option<ParameterId>,
) -> Inside {
    let target = |target: &TypeSearch| (presence(container, target.resource_type), target.clone());
    let indexing = interpreter.indexing.clone();
    let parts = move |body: &[u8]| parts(&indexing, container, body, by);
    Inside { targets: targets.iter().map(target).collect(), parts: PartsOf(Arc::new(parts)) }
}

fn parts(
    indexing: &Indexing,
    container: TypeId,
    body: &[u8],
    by: Option<ParameterId>,
) -> Vec<Part> {
    let Ok(document) = Document::parse(body.to_vec(), &Limits::default()) else {
        return Vec::new();
    };
    let named = by.map(|by| indexing.fragments(container, document.root(), by));
    let is_wanted =
        |key: &Key| named.as_ref().is_none_or(|ids| ids.iter().any(|id| *id == *key.id.as_str()));
    let wanted = within(document.root()).filter(|(key, _)| is_wanted(key));
    let part = |(key, resource): (Key, Value<'_>)| {
        let (values, _) = indexing.values(key, resource);
        Part { key, values, body: Bytes::copy_from_slice(resource.raw()) }
    };
    wanted.map(part).collect()
}

/// A search of what is within others: one of each type that may have something within.
#[derive(Clone, Debug)]
pub(crate) struct Within {
    container: TypeId,
    /// What resources of the type itself are searched by.
    own: Option<Criterion>,
    inside: Inside,
}

impl Within {
    /// The searches for what `wanted` asks of.
    pub(crate) fn all(
        interpreter: &Interpreter<'_>,
        wanted: &[TypeSearch],
        contained: Contained,
    ) -> Vec<Self> {
        let of = |container: TypeId| {
            let own = wanted.iter().find(|search| search.resource_type == container);
            let own = own.filter(|_| contained == Contained::Both);
            Self {
                container,
                own: own.map(|search| search.criterion.clone()),
                inside: inside(interpreter, container, wanted, None),
            }
        };
        types::numbers().map(of).collect()
    }

    /// The search of the containers.
    pub(crate) fn search(&self) -> TypeSearch {
        let inside = Criterion::Inside(self.inside.clone());
        let criterion = match &self.own {
            Some(own) => Criterion::Any(vec![own.clone(), inside]),
            None => inside,
        };
        TypeSearch { resource_type: self.container, criterion }
    }
}

/// What of a container is found.
pub(crate) struct Parts {
    pub(crate) container: Key,
    /// Whether it is a match by itself.
    pub(crate) itself: bool,
    pub(crate) parts: Vec<Part>,
}

pub(crate) fn found(snapshot: &Snapshot, all: &[Within], rid: Rid) -> Result<Parts, SearchError> {
    let gone = || Fault::because("a match of the snapshot has gone");
    let container = snapshot.heads(&[rid])?.pop().ok_or_else(gone)?.key;
    let of = all.iter().find(|it| it.container == container.resource_type).ok_or_else(gone)?;
    let restrictions = Restrictions::default();
    let parts = snapshot.parts(rid, &of.inside, &restrictions)?;
    let Some(own) = &of.own else { return Ok(Parts { container, itself: false, parts }) };
    let criterion = Criterion::All(vec![Criterion::Keys(vec![container]), own.clone()]);
    let types = vec![TypeSearch { resource_type: container.resource_type, criterion }];
    let plan = SearchPlan { types, restrictions, most: 1, ..SearchPlan::default() };
    let itself = !snapshot.search(&plan)?.rids.is_empty();
    Ok(Parts { container, itself, parts })
}

/// The URL of what is within a resource.
pub(crate) fn url(base: &str, container: Key, part: &Part) -> String {
    let name = types::name(container.resource_type);
    format!("{base}/{name}/{}#{}", container.id, part.key.id)
}

/// For the count of everything.
pub(crate) fn count(
    snapshot: &Snapshot,
    all: &[Within],
    plan: &SearchPlan,
) -> Result<u64, SearchError> {
    let mut plan = SearchPlan { after: None, most: 1_000, ..plan.clone() };
    let mut count = 0;
    loop {
        let page = snapshot.search(&plan)?;
        for rid in &page.rids {
            let of = found(snapshot, all, *rid)?;
            count += usize::from(of.itself) + of.parts.len();
        }
        plan.after = page.rids.last().copied();
        if !page.more {
            let count = u64::try_from(count);
            return Ok(count.map_err(|_| Fault::because("there are more than can be counted"))?);
        }
    }
}
