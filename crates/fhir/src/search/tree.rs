//! The paths of all parameters of a type in one tree: a resource is walked once, whatever is
//! searched in it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use json::{Kind as Json, Value as Element};

use super::branch::{Filter, Step};
use super::convert::convert;
use super::shape::Shape;
use super::value::Value;
use crate::definitions::SearchKind;
use crate::value::{Reference, Zone};

/// A value and the number of the parameter that it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'d> {
    /// Its place in [`parameters`](super::TypeExtractor::parameters).
    pub parameter: usize,
    /// The value.
    pub value: Value<'d>,
}

/// Paths with a common beginning are one.
#[derive(Debug)]
pub(crate) struct Tree(Vec<Node>);

#[derive(Debug, Default)]
struct Node {
    /// What is found where the path has come to.
    gives: Vec<Give>,
    /// The composites of which one element is here.
    instance: Option<Box<Instance>>,
    edges: Vec<Edge>,
    keys: Keys,
}

#[derive(Debug)]
struct Edge {
    step: Step,
    /// Its place in the tree.
    to: usize,
}

/// How the element at the end of a path becomes values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Give {
    pub(crate) parameter: usize,
    pub(crate) kind: SearchKind,
    pub(crate) shape: Shape,
}

/// What is found in one element for the components of composites: each component is a parameter
/// of a tree of its own, and each composite a run of them.
#[derive(Debug, Default)]
struct Instance {
    tree: Tree,
    composites: Vec<Composite>,
}

#[derive(Debug)]
struct Composite {
    parameter: usize,
    first: usize,
    count: usize,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree(vec![Node::default()])
    }
}

/// What stays the same while a resource is walked.
pub(crate) struct Walk<'d> {
    root: Element<'d>,
    zone: Zone,
    /// The contained resources by id, once a reference asks: there may be as many of these as of
    /// those.
    contained: OnceCell<HashMap<Cow<'d, str>, Element<'d>>>,
}

impl<'d> Walk<'d> {
    pub(crate) fn new(root: Element<'d>, zone: Zone) -> Walk<'d> {
        Walk { root, zone, contained: OnceCell::new() }
    }

    /// The resource that `#id` names.
    fn contained(&self, id: &str) -> Option<Element<'d>> {
        if id.is_empty() {
            return Some(self.root);
        }
        let contained = self.contained.get_or_init(|| {
            let resources = self.root.get("contained").into_iter().flat_map(Element::elements);
            resources
                .filter_map(|resource| Some((resource.get("id")?.as_str()?, resource)))
                .collect()
        });
        contained.get(id).copied()
    }

    /// Whether a Reference points at a resource of this type: as its text says, else its `type`.
    fn is_to(&self, reference: Element<'d>, name: &str) -> bool {
        let by_type = || reference.get("type").is_some_and(|named| named.is_str(name));
        let Some(text) = reference.get("reference").and_then(Element::as_str) else {
            return by_type();
        };
        match Reference::parse(&text) {
            Reference::Relative(target) | Reference::Absolute { target, .. } => {
                target.resource_type == name
            }
            Reference::Conditional { resource_type, .. } => resource_type == name,
            Reference::Fragment(id) => self
                .contained(id)
                .and_then(|resource| resource.get("resourceType"))
                .is_some_and(|named| named.is_str(name)),
            Reference::Urn(_) | Reference::Url(_) | Reference::Other(_) => by_type(),
        }
    }
}

impl Tree {
    /// Adds a path.
    pub(crate) fn add(&mut self, steps: &[Step], give: Give) {
        let at = self.place(steps);
        if let Some(node) = self.0.get_mut(at) {
            node.gives.push(give);
        }
    }

    /// Adds a composite: the path to its element, and the paths of each component from there.
    pub(crate) fn add_composite(
        &mut self,
        steps: &[Step],
        parameter: usize,
        components: &[Vec<(Vec<Step>, Give)>],
    ) {
        let at = self.place(steps);
        let Some(node) = self.0.get_mut(at) else { return };
        let instance = node.instance.get_or_insert_default();
        let first = instance.composites.last().map_or(0, |last| last.first + last.count);
        for (index, paths) in components.iter().enumerate() {
            for (steps, give) in paths {
                instance.tree.add(steps, Give { parameter: first + index, ..*give });
            }
        }
        instance.composites.push(Composite { parameter, first, count: components.len() });
    }

    /// The place at the end of a path, which is made if there is none.
    fn place(&mut self, steps: &[Step]) -> usize {
        let mut at = 0;
        for step in steps {
            let next = self.0.len();
            let Some(node) = self.0.get_mut(at) else { return at };
            at = match node.edges.iter().find(|edge| edge.step == *step) {
                Some(edge) => edge.to,
                None => {
                    let after = node.edges.partition_point(|edge| edge.step.key <= step.key);
                    node.edges.insert(after, Edge { step: step.clone(), to: next });
                    node.keys = Keys::of(&node.edges);
                    self.0.push(Node::default());
                    next
                }
            };
        }
        at
    }

    /// Gives all values of an object.
    pub(crate) fn walk<'d>(&self, walk: &Walk<'d>, object: Element<'d>, out: &mut Vec<Found<'d>>) {
        self.visit(walk, 0, object, out);
    }

    fn visit<'d>(
        &self,
        walk: &Walk<'d>,
        at: usize,
        element: Element<'d>,
        out: &mut Vec<Found<'d>>,
    ) {
        let Some(node) = self.0.get(at) else { return };
        for &Give { parameter, kind, shape } in &node.gives {
            let give = &mut |value| out.push(Found { parameter, value });
            convert(kind, shape, element, walk.zone, give);
        }
        if let Some(instance) = &node.instance {
            instance.gather(walk, element, out);
        }
        if node.edges.is_empty() {
            return;
        }
        for member in element.members() {
            for edge in node.keys.find(&node.edges, member.key().as_bytes()) {
                self.follow(walk, edge, member.value(), out);
            }
        }
    }

    fn follow<'d>(
        &self,
        walk: &Walk<'d>,
        edge: &Edge,
        value: Element<'d>,
        out: &mut Vec<Found<'d>>,
    ) {
        let single = (value.kind() != Json::Array).then_some(value);
        let each = single.into_iter().chain(value.elements());
        match &edge.step.filter {
            Filter::All => each.for_each(|element| self.visit(walk, edge.to, element, out)),
            Filter::At(place) => {
                each.skip(*place).take(1).for_each(|one| self.visit(walk, edge.to, one, out));
            }
            Filter::With { key, text } => {
                each.filter(|element| element.get(key).is_some_and(|value| value.is_str(text)))
                    .for_each(|element| self.visit(walk, edge.to, element, out));
            }
            Filter::To(name) => {
                each.filter(|element| walk.is_to(*element, name))
                    .for_each(|element| self.visit(walk, edge.to, element, out));
            }
        }
    }
}

impl Instance {
    /// The composites of an element of which each component has a value.
    fn gather<'d>(&self, walk: &Walk<'d>, element: Element<'d>, out: &mut Vec<Found<'d>>) {
        let mut parts = Vec::new();
        self.tree.walk(walk, element, &mut parts);
        if parts.is_empty() {
            return;
        }
        for Composite { parameter, first, count } in &self.composites {
            let has = |component: &usize| parts.iter().any(|part| part.parameter == *component);
            let components = *first..first + count;
            if !components.clone().all(|component| has(&component)) {
                continue;
            }
            let values = components.map(|component| {
                let values = parts.iter().filter(|part| part.parameter == component);
                values.map(|part| part.value.clone()).collect()
            });
            let value = Value::Composite(values.collect());
            out.push(Found { parameter: *parameter, value });
        }
    }
}

/// The keys of a place's edges, found by their length and three of their letters.
#[derive(Debug, Default)]
struct Keys {
    /// The place of the first edge with a key, plus one; 0 where there is none.
    slots: Box<[u16]>,
}

impl Keys {
    /// `edges` are in the order of their keys.
    fn of(edges: &[Edge]) -> Keys {
        let mut slots = vec![0; (edges.len() * 4).next_power_of_two()];
        let mask = slots.len() - 1;
        let mut last = None;
        for (place, edge) in edges.iter().enumerate() {
            let key = edge.step.key.as_bytes();
            if last.replace(key) == Some(key) {
                continue;
            }
            let mut slot = Self::hash(key) & mask;
            while slots.get(slot).is_some_and(|taken| *taken != 0) {
                slot = (slot + 1) & mask;
            }
            if let Some(free) = slots.get_mut(slot) {
                *free = u16::try_from(place + 1).unwrap_or(0);
            }
        }
        Keys { slots: slots.into() }
    }

    fn hash(key: &[u8]) -> usize {
        let letter = |place: usize| usize::from(key.get(place).copied().unwrap_or(0));
        let last = letter(key.len().saturating_sub(1));
        letter(0).wrapping_mul(7) ^ letter(key.len() / 2).wrapping_mul(31) ^ (last << 3) ^ key.len()
    }

    /// The edges with this key.
    fn find<'t>(&self, edges: &'t [Edge], key: &[u8]) -> impl Iterator<Item = &'t Edge> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut slot = Self::hash(key) & mask;
        let first = loop {
            match self.slots.get(slot).copied().unwrap_or(0) {
                0 => break edges.len(),
                place => {
                    let place = usize::from(place) - 1;
                    if edges.get(place).is_some_and(|edge| edge.step.key.as_bytes() == key) {
                        break place;
                    }
                }
            }
            slot = (slot + 1) & mask;
        };
        let from = edges.get(first..).unwrap_or_default().iter();
        let same = edges.get(first).map(|edge| &edge.step.key);
        from.take_while(move |edge| Some(&edge.step.key) == same)
    }
}
