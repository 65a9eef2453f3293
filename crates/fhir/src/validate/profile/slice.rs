//! <https://hl7.org/fhir/R4/profiling.html#slicing>: which value belongs to which slice.

use json::{Kind, Value};
use smallvec::smallvec;

use super::given::is_given;
use super::rule::{Rule, Rules};
use super::scope::{Member, Scope, Spot};
use super::walk::Pass;
use crate::definitions::{
    DiscriminatorKind, Rules as Openness, Slicing as Given, Strength, TypeRef,
};
use crate::path::Item;
use crate::terminology;
use crate::validate::{IssueCode, Issues, Severity};

/// How the values of an element are told apart.
struct Slicing<'v> {
    discriminators: Vec<(DiscriminatorKind, &'v str)>,
    openness: Openness,
    is_ordered: bool,
}

impl<'v, 'd> Pass<'v, 'd> {
    /// Gives the values of a sliced element the rules of their slices, and counts each slice.
    pub(super) fn slices(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        (head, slices): (&Rule<'v>, &[Rule<'v>]),
        (members, mine, assigned): (&[Member<'v, 'd>], &[usize], &mut [Rules<'v>]),
        out: &mut Issues,
    ) {
        let Some(slicing) = self.slicing(head, slices) else { return };
        let mut found: Vec<(Rule<'v>, Vec<usize>)> = Vec::new();
        let mut order = Vec::new();
        let top: Vec<Rule<'v>> =
            slices.iter().filter(|one| !is_below(one, slices)).copied().collect();
        found.extend(top.iter().map(|slice| (*slice, Vec::new())));
        for at in mine {
            let Some(member) = members.get(*at) else { continue };
            let inner = self.member_scope(scope, member);
            let place =
                top.iter().position(|slice| self.is_in(&inner, slice, &slicing.discriminators));
            order.push((*at, place));
            if let Some((slice, values)) = place.and_then(|place| found.get_mut(place)) {
                values.push(*at);
                if let Some(rules) = assigned.get_mut(*at) {
                    rules.push(*slice);
                }
            }
        }
        for (slice, values) in &found {
            self.count_slice(scope, slice, (members, values), out);
            let below: Vec<Rule<'v>> =
                slices.iter().filter(|other| is_part(other, slice)).copied().collect();
            if !below.is_empty() {
                self.slices(scope, (slice, &below), (members, values, &mut *assigned), out);
            }
        }
        self.places(head, &slicing, (members, &order), out);
    }

    /// How an element is sliced; where the profile does not say, by what is usual.
    fn slicing(&self, head: &Rule<'v>, slices: &[Rule<'v>]) -> Option<Slicing<'v>> {
        let given = head.element.slicing();
        let mut discriminators: Vec<_> =
            given.into_iter().flat_map(Given::discriminators).collect();
        if discriminators.is_empty() {
            let has_type = |name| head.element.types().any(|ty| ty.code() == name);
            if head.element.is_choice() {
                discriminators.push((DiscriminatorKind::Type, "$this"));
            } else if has_type("Extension") {
                discriminators.push((DiscriminatorKind::Value, "url"));
            } else if slices.is_empty() || given.is_none() {
                return None;
            }
        }
        Some(Slicing {
            discriminators,
            openness: given.map_or(Openness::Open, Given::rules),
            is_ordered: given.is_some_and(Given::is_ordered),
        })
    }

    fn count_slice(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        slice: &Rule<'v>,
        (members, values): (&[Member<'v, 'd>], &[usize]),
        out: &mut Issues,
    ) {
        let name = slice.element.slice_name().unwrap_or_default();
        let (element, url) = (slice.element, slice.structure.url());
        if values.len() < element.min() as usize {
            let text = format!(
                "The slice {name} of {} is missing: {} demands at least {}, and there are {}.",
                element.name(),
                slice.source(),
                element.min(),
                values.len(),
            );
            let what = (Severity::Error, IssueCode::Required, url);
            self.note(scope.spot.value, what, text, out);
        }
        if let Some(max) = element.max()
            && let Some(extra) = values.get(max as usize).and_then(|at| members.get(*at))
        {
            let text = format!(
                "{} allows the slice {name} at most {max} times, not {}.",
                slice.source(),
                values.len()
            );
            self.note(extra.spot.value, (Severity::Error, IssueCode::Structure, url), text, out);
        }
    }

    /// Whether values stand where the slicing lets them: in no slice, and in which order.
    fn places(
        &self,
        head: &Rule<'v>,
        slicing: &Slicing<'v>,
        (members, order): (&[Member<'v, 'd>], &[(usize, Option<usize>)]),
        out: &mut Issues,
    ) {
        let last = order.iter().rposition(|(_, place)| place.is_some());
        let mut highest = 0;
        for (number, (at, place)) in order.iter().enumerate() {
            let Some(member) = members.get(*at) else { continue };
            let is_late = place.is_some_and(|place| place < highest);
            highest = highest.max(place.unwrap_or(highest));
            let text = match (place, slicing.openness) {
                _ if slicing.discriminators.is_empty() => continue,
                (Some(_), _) if slicing.is_ordered && is_late => {
                    "This slice has to stand before those of the ones before it"
                }
                (None, Openness::Closed) => {
                    "This is in none of the slices, and others are not allowed"
                }
                (None, Openness::OpenAtEnd) if last.is_some_and(|last| number < last) => {
                    "This is in none of the slices, and has to stand after them"
                }
                _ => continue,
            };
            let text = format!("{text}, by {}.", head.source());
            let what = (Severity::Error, IssueCode::Structure, head.structure.url());
            self.note(member.spot.value, what, text, out);
        }
    }

    /// Whether a value is in a slice: no discriminator says that it is not, and one that it is.
    pub(super) fn is_in(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        slice: &Rule<'v>,
        discriminators: &[(DiscriminatorKind, &str)],
    ) -> bool {
        let mut says = false;
        for (kind, path) in discriminators {
            let found = self.spots(scope, path);
            let wanted = self.follow(smallvec![*slice], path);
            match self.discriminates(scope, *kind, &wanted, &found) {
                Some(false) => return false,
                Some(true) => says = true,
                None => {}
            }
        }
        says
    }

    /// What is at the path of a discriminator.
    fn spots(&self, scope: &Scope<'_, 'v, 'd>, path: &str) -> Vec<Spot<'d>> {
        if path == "$this" {
            return vec![scope.spot];
        }
        let items = self.evaluate(scope, path).unwrap_or_default();
        let nodes = items.iter().filter_map(Item::node);
        nodes
            .map(|node| {
                let sibling = node.element().filter(|element| element.kind() == Kind::Object);
                let (value, around, is_sibling) = (node.value, node.around, node.is_sibling);
                Spot { value, ty: node.type_id.into(), sibling, around, is_sibling }
            })
            .collect()
    }

    /// Whether what is found is what the slice has there; None if the slice leaves it open.
    fn discriminates(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        kind: DiscriminatorKind,
        wanted: &Rules<'v>,
        found: &[Spot<'d>],
    ) -> Option<bool> {
        match kind {
            DiscriminatorKind::Exists => exists(wanted, found),
            DiscriminatorKind::Type => Some(self.has_type(wanted, found)),
            DiscriminatorKind::Profile => self.has_profile(scope, wanted, found),
            DiscriminatorKind::Value | DiscriminatorKind::Pattern | DiscriminatorKind::Position => {
                self.has_value(scope, wanted, found)
            }
        }
    }

    fn has_type(&self, wanted: &Rules<'v>, found: &[Spot<'d>]) -> bool {
        // Where one type of a choice has to be there, it is the one that tells.
        let is_demanded =
            |rule: &&Rule<'v>| rule.element.slice_name().is_some() && rule.element.min() > 0;
        let demanded: Vec<&Rule<'v>> = wanted.iter().filter(is_demanded).collect();
        let telling = if demanded.is_empty() { wanted.iter().collect() } else { demanded };
        let is_of = |spot: &Spot<'d>, rule: &Rule<'v>| match rule.element.depth() {
            0 => self.is_a(spot, rule.structure.ty()),
            _ => rule.element.types().any(|ty| self.is_a(spot, ty.code())),
        };
        found.iter().any(|spot| telling.iter().any(|rule| is_of(spot, rule)))
    }

    fn has_profile(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        wanted: &Rules<'v>,
        found: &[Spot<'d>],
    ) -> Option<bool> {
        let mut roots = Rules::new();
        for rule in wanted {
            match rule.element.depth() {
                0 => roots.push(*rule),
                _ => {
                    roots
                        .extend(rule.element.types().flat_map(|ty| self.validator.profiles_of(ty)));
                }
            }
        }
        if roots.is_empty() {
            return exists(wanted, found);
        }
        if found.is_empty() {
            return wanted.iter().any(|rule| rule.element.min() > 0).then_some(false);
        }
        Some(found.iter().any(|spot| {
            let inner = self.spot_scope(scope, spot);
            inner.is_some_and(|inner| roots.iter().any(|root| self.conforms(&inner, root)))
        }))
    }

    fn has_value(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        wanted: &Rules<'v>,
        found: &[Spot<'d>],
    ) -> Option<bool> {
        let telling: Vec<&Rule<'v>> = wanted.iter().filter(|rule| tells(rule)).collect();
        let is_excluded = wanted.iter().any(|rule| rule.element.max() == Some(0));
        if telling.is_empty() || is_excluded {
            return exists(wanted, found);
        }
        if found.is_empty() && wanted.iter().all(|rule| rule.element.min() == 0) {
            // A slice that lets the value be absent may be one without it.
            return Some(false);
        }
        Some(found.iter().any(|spot| {
            telling.iter().any(|rule| match is_given(rule, spot) {
                Some(is_given) => is_given,
                None if tells_below(rule) => {
                    let inner = self.spot_scope(scope, spot);
                    inner.is_some_and(|inner| self.conforms(&inner, rule))
                }
                None => {
                    let binding = rule.element.binding().and_then(|binding| binding.value_set);
                    let member = |value_set| self.membership(spot, value_set);
                    binding.is_none_or(|value_set| member(value_set) == terminology::Member::In)
                }
            })
        }))
    }

    /// The scope of a value that a path led to from `scope`.
    pub(super) fn spot_scope<'s>(
        &self,
        scope: &'s Scope<'s, 'v, 'd>,
        spot: &Spot<'d>,
    ) -> Option<Scope<'s, 'v, 'd>> {
        if spot.value.get("resourceType").is_some() {
            let key = self.key_of(scope, spot.value);
            return self.resource_scope((spot.value, key), Some(scope), scope.trail);
        }
        Some(Scope { spot: *spot, key: "", bases: <_>::default(), up: Some(scope), ..*scope })
    }

    fn key_of(&self, scope: &Scope<'_, 'v, 'd>, value: Value<'d>) -> &'static str {
        let (outer, inner) = (scope.container.span(), value.span());
        if outer.start < inner.start && inner.end <= outer.end { "contained" } else { "" }
    }

    /// The rules at the path of a discriminator, from those of the slice.
    fn follow(&self, mut rules: Rules<'v>, path: &str) -> Rules<'v> {
        for step in steps(path) {
            rules = rules.iter().flat_map(|rule| self.step(rule, step)).collect();
        }
        rules
    }

    fn step(&self, rule: &Rule<'v>, step: &str) -> Rules<'v> {
        let validator = self.validator;
        if step == "$this" {
            return smallvec![*rule];
        }
        if step == "resolve()" {
            let targets = rule.element.types().flat_map(TypeRef::targets);
            return targets.filter_map(|url| Rule::root(validator.structure(url)?)).collect();
        }
        if let Some(url) = argument(step, "extension") {
            let url = url.trim_matches(['\'', '"']);
            let mut all = validator.below(rule, "extension");
            all.retain(|rule| {
                rule.element.types().any(|ty| ty.profiles().any(|profile| profile == url))
            });
            return all;
        }
        if argument(step, "ofType").is_some() || argument(step, "as").is_some() {
            return smallvec![*rule];
        }
        validator.below(rule, step)
    }
}

/// Whether there is something where there has to be, and nothing where there must not be.
fn exists(wanted: &Rules<'_>, found: &[Spot<'_>]) -> Option<bool> {
    if wanted.iter().any(|rule| rule.element.max() == Some(0)) {
        return Some(found.is_empty());
    }
    wanted.iter().any(|rule| rule.element.min() > 0).then_some(!found.is_empty())
}

/// Whether an element says which values it takes.
fn tells(rule: &Rule<'_>) -> bool {
    let strength = rule.element.binding().map(|binding| binding.strength);
    rule.element.fixed().is_some()
        || rule.element.pattern().is_some()
        || strength == Some(Strength::Required)
        || tells_below(rule)
}

/// Whether something below an element is given.
fn tells_below(rule: &Rule<'_>) -> bool {
    rule.children().any(|child| {
        child.element.fixed().is_some() || child.element.pattern().is_some() || tells_below(&child)
    })
}

/// Whether `other` slices the slice `of` again: `A/B` in `A`.
fn is_part(other: &Rule<'_>, of: &Rule<'_>) -> bool {
    let name = |rule: &Rule<'_>| rule.element.slice_name().unwrap_or_default().to_owned();
    name(other).strip_prefix(&name(of)).is_some_and(|rest| rest.starts_with('/'))
}

fn is_below(slice: &Rule<'_>, slices: &[Rule<'_>]) -> bool {
    slices.iter().any(|other| is_part(slice, other))
}

/// `value` of `name(value)`.
fn argument<'p>(step: &'p str, name: &str) -> Option<&'p str> {
    step.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

/// The steps of a path: what stands between dots that are not in brackets or quotes.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    let mut quoted = false;
    path.split(move |letter: char| {
        match letter {
            '\'' | '"' => quoted = !quoted,
            '(' => depth += 1,
            ')' => depth -= 1,
            '.' => return depth == 0 && !quoted,
            _ => {}
        }
        false
    })
}
