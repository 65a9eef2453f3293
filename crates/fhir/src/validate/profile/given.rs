//! <https://hl7.org/fhir/R4/elementdefinition.html>: fixed values, patterns, lengths and bounds.

use std::cmp::Ordering;

use json::{Document, Kind, Limits, Value};

use super::rule::Rule;
use super::scope::{Scope, Spot};
use super::walk::Pass;
use crate::definitions::{Given, Role};
use crate::path::{self, Item, Node};
use crate::validate::{IssueCode, Issues, Severity};
use crate::value::decimal;

/// Whether two values are the same, whatever the order of members.
pub(super) fn is_same(one: Value<'_>, other: Value<'_>) -> bool {
    match (one.kind(), other.kind()) {
        (Kind::Object, Kind::Object) => {
            one.len() == other.len() && each_member(one, other, is_same)
        }
        (Kind::Array, Kind::Array) => {
            let mut pairs = one.elements().zip(other.elements());
            one.len() == other.len() && pairs.all(|(one, other)| is_same(one, other))
        }
        _ => is_same_scalar(one, other),
    }
}

/// Whether `value` has at least what `pattern` has.
pub(super) fn has_pattern(pattern: Value<'_>, value: Value<'_>) -> bool {
    match (pattern.kind(), value.kind()) {
        (Kind::Object, Kind::Object) => each_member(pattern, value, has_pattern),
        (Kind::Array, Kind::Array) => {
            let found = |wanted| value.elements().any(|value| has_pattern(wanted, value));
            pattern.elements().all(found)
        }
        _ => is_same_scalar(pattern, value),
    }
}

fn each_member(
    wanted: Value<'_>,
    value: Value<'_>,
    same: impl Fn(Value<'_>, Value<'_>) -> bool,
) -> bool {
    wanted
        .members()
        .all(|member| value.get(&member.key()).is_some_and(|value| same(member.value(), value)))
}

fn is_same_scalar(one: Value<'_>, other: Value<'_>) -> bool {
    match (one.as_number(), other.as_number()) {
        (Some(one), Some(other)) => {
            one == other || decimal(one).is_some_and(|value| Some(value) == decimal(other))
        }
        (None, None) => {
            one.kind() == other.kind()
                && one.as_str() == other.as_str()
                && one.as_bool() == other.as_bool()
        }
        _ => false,
    }
}

/// The value that a definition gives, as a document.
pub(super) fn document(given: Given<'_>) -> Option<Document> {
    Document::parse(given.json.as_bytes().to_vec(), &Limits::default()).ok()
}

/// Whether a value is what the rule fixes; None if the rule gives nothing.
pub(super) fn is_given(rule: &Rule<'_>, spot: &Spot<'_>) -> Option<bool> {
    let fixed = rule.element.fixed().and_then(document);
    let pattern = rule.element.pattern().and_then(document);
    if fixed.is_none() && pattern.is_none() {
        return None;
    }
    let value = spot.value;
    let fixed = fixed.is_none_or(|fixed| !spot.is_sibling && is_same(fixed.root(), value));
    let pattern = pattern.is_none_or(|given| !spot.is_sibling && has_pattern(given.root(), value));
    Some(fixed && pattern)
}

impl<'v, 'd> Pass<'v, 'd> {
    /// Holds a value against what an element of a profile gives.
    pub(super) fn given(&self, scope: &Scope<'_, 'v, 'd>, rule: &Rule<'v>, out: &mut Issues) {
        let spot = &scope.spot;
        let what = (Severity::Error, IssueCode::Value, rule.structure.url());
        if is_given(rule, spot) == Some(false) {
            let given = rule.element.fixed().or_else(|| rule.element.pattern());
            let (verb, json) = match (rule.element.fixed(), given) {
                (Some(fixed), _) => ("has to be", fixed.json),
                (None, given) => ("has to have at least", given.map_or("", |given| given.json)),
            };
            let text = format!("{} {verb} {json}, by {}.", scope.key, rule.source());
            self.note(spot.value, what, text, out);
        }
        let length = spot.value.as_str().map_or(0, |text| text.chars().count());
        if let Some(max) = rule.element.max_length().filter(|max| length > *max as usize) {
            let text = format!(
                "{} allows at most {max} characters here, and these are {length}.",
                rule.source()
            );
            let what = (Severity::Error, IssueCode::TooLong, rule.structure.url());
            self.note(spot.value, what, text, out);
        }
        for (role, within, words) in [
            (Role::MinValue, Ordering::is_ge as fn(Ordering) -> bool, "less than the least value"),
            (Role::MaxValue, Ordering::is_le, "more than the highest value"),
        ] {
            let Some(given) = rule.element.given(role) else { continue };
            if self.compare(scope, given).is_some_and(|ordering| !within(ordering)) {
                let text =
                    format!("This is {words} that {} allows, {}.", rule.source(), given.json);
                self.note(spot.value, what, text, out);
            }
        }
    }

    /// How a value lies to a bound; None if they cannot be compared.
    fn compare(&self, scope: &Scope<'_, 'v, 'd>, bound: Given<'v>) -> Option<Ordering> {
        let schema = &self.validator.schema;
        let mut name = bound.ty.to_owned();
        if schema.type_named(&name).is_none() {
            name.get_mut(..1)?.make_ascii_lowercase();
        }
        let document = document(bound)?;
        let bound = Item::Node(Node::new(document.root(), schema.type_named(&name)?));
        let value = Item::Node(scope.spot.node()).system(schema)?;
        path::compare(&value, &bound.system(schema)?)
    }
}
