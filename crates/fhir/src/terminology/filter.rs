//! <https://hl7.org/fhir/R4/valueset.html#compositions>: filters of a value set.

use regex::Regex;

use super::concept::{has_children, is_below, is_inactive, parents};
use crate::definitions::{CodeSystem, Concept, Filter};

/// The most bytes that a compiled regular expression of a filter may take.
const REGEX_BYTES: usize = 1 << 20;

/// A filter that is ready to be asked about concepts of one system.
pub(super) struct Ready<'a> {
    system: CodeSystem<'a>,
    filter: Filter<'a>,
    test: Test<'a>,
}

enum Test<'a> {
    IsA(Option<Concept<'a>>),
    DescendentOf(Option<Concept<'a>>),
    IsNotA(Option<Concept<'a>>),
    Generalizes(Option<Concept<'a>>),
    ChildOf(Option<Concept<'a>>),
    DescendentLeaf(Option<Concept<'a>>),
    Equals,
    In,
    NotIn,
    Exists(bool),
    Regex(Regex),
}

impl<'a> Ready<'a> {
    /// None: there is no such operator, or the value is not one for it.
    pub(super) fn new(system: CodeSystem<'a>, filter: Filter<'a>) -> Option<Self> {
        let concept = || system.concept(filter.value);
        if filter.value.is_empty() {
            return None;
        }
        let test = match filter.op {
            "is-a" => Test::IsA(concept()),
            "descendent-of" | "descendant-of" => Test::DescendentOf(concept()),
            "is-not-a" => Test::IsNotA(concept()),
            "generalizes" => Test::Generalizes(concept()),
            "child-of" => Test::ChildOf(concept()),
            "descendent-leaf" => Test::DescendentLeaf(concept()),
            "=" => Test::Equals,
            "in" => Test::In,
            "not-in" => Test::NotIn,
            "exists" => match filter.value {
                "true" => Test::Exists(true),
                "false" => Test::Exists(false),
                _ => return None,
            },
            "regex" => Test::Regex(anchored(filter.value)?),
            _ => return None,
        };
        Some(Self { system, filter, test })
    }

    /// Whether a concept of the system fulfils it.
    pub(super) fn holds(&self, concept: Concept<'a>) -> bool {
        let system = self.system;
        let below = |other: Concept<'a>| is_below(system, concept, other);
        let is = |other: Concept<'a>| other.code() == concept.code();
        let list = |value: &str| self.filter.value.split(',').any(|one| one.trim() == value);
        match &self.test {
            Test::IsA(other) => other.is_some_and(|other| is(other) || below(other)),
            Test::DescendentOf(other) => other.is_some_and(below),
            Test::IsNotA(other) => !other.is_some_and(|other| is(other) || below(other)),
            Test::Generalizes(other) => {
                other.is_some_and(|other| is(other) || is_below(system, other, concept))
            }
            Test::ChildOf(other) => other
                .is_some_and(|other| parents(system, concept).any(|p| p.code() == other.code())),
            Test::DescendentLeaf(other) => {
                other.is_some_and(|other| below(other) && !has_children(system, concept))
            }
            Test::Equals => self.any(concept, |value| value == self.filter.value),
            Test::In => self.any(concept, list),
            Test::NotIn => !self.any(concept, list),
            Test::Exists(wanted) => self.any(concept, |_| true) == *wanted,
            Test::Regex(pattern) => self.any(concept, |value| pattern.is_match(value)),
        }
    }

    /// Whether a value that the concept has of the filter's property fulfils `test`.
    fn any(&self, concept: Concept<'a>, test: impl Fn(&str) -> bool) -> bool {
        let property = self.filter.property;
        let mut own = concept.properties().filter(|own| own.code == property);
        if own.any(|own| test(own.value)) {
            return true;
        }
        let has_own = concept.properties().any(|own| own.code == property);
        match property {
            "concept" | "code" => test(concept.code()),
            "display" => concept.display().is_some_and(test),
            "definition" => concept.definition().is_some_and(test),
            "designation" => concept.designations().any(|designation| test(designation.value)),
            "parent" => parents(self.system, concept).any(|parent| test(parent.code())),
            "child" => concept.children().any(|child| test(child.code())),
            // A flag that nobody set is down.
            "inactive" if !has_own => test(flag(is_inactive(self.system, concept))),
            _ => false,
        }
    }
}

fn flag(truth: bool) -> &'static str {
    if truth { "true" } else { "false" }
}

/// A regular expression must match the whole value.
fn anchored(pattern: &str) -> Option<Regex> {
    let pattern = format!("^(?:{pattern})$");
    regex::RegexBuilder::new(&pattern).size_limit(REGEX_BYTES).build().ok()
}
