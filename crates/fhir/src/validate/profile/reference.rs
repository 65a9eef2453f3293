//! <https://hl7.org/fhir/R4/references.html>: references to what is in the document, and the
//! profiles of what they lead to.

use std::cell::OnceCell;
use std::collections::HashMap;

use json::Value;

use super::rule::{Rule, Rules};
use super::scope::Scope;
use super::walk::Pass;
use crate::definitions::{Derivation, TypeRef};
use crate::validate::{IssueCode, Issues, Severity};
use crate::value::Reference;

/// The entries of the document, where it is a Bundle.
#[derive(Default)]
pub(super) struct Entries<'d>(OnceCell<Found<'d>>);

#[derive(Default)]
struct Found<'d> {
    /// In the order of the text.
    all: Vec<Value<'d>>,
    by_url: HashMap<String, Value<'d>>,
}

impl<'d> Entries<'d> {
    fn get(&self, root: Value<'d>) -> &Found<'d> {
        self.0.get_or_init(|| {
            let mut found = Found::default();
            if !root.get("resourceType").is_some_and(|name| name.is_str("Bundle")) {
                return found;
            }
            for entry in root.get("entry").into_iter().flat_map(Value::elements) {
                found.all.push(entry);
                if let Some(url) = entry.get("fullUrl").and_then(Value::as_str) {
                    found.by_url.entry(url.into_owned()).or_insert(entry);
                }
            }
            found
        })
    }
}

impl<'v, 'd> Pass<'v, 'd> {
    /// The resource in the document that a reference leads to.
    pub(super) fn resolve(&self, scope: &Scope<'_, 'v, 'd>, reference: &str) -> Option<Value<'d>> {
        let Some(id) = reference.strip_prefix('#') else {
            return self.entry_for(scope.spot.value, reference)?.get("resource");
        };
        if id.is_empty() {
            return Some(scope.container);
        }
        let mut contained = scope.container.get("contained")?.elements();
        contained.find(|one| one.get("id").is_some_and(|own| own.is_str(id)))
    }

    /// The entry of the Bundle that a reference in `from` leads to.
    pub(super) fn entry_for(&self, from: Value<'d>, reference: &str) -> Option<Value<'d>> {
        let entries = self.entries.get(self.place.root);
        let plain = reference.split_once("/_history/").map_or(reference, |(plain, _)| plain);
        if let Some(found) = entries.by_url.get(plain) {
            return Some(*found);
        }
        let Reference::Relative(_) = Reference::parse(plain) else { return None };
        // A relative reference is to the server that the entry around it came from.
        let url = self.entry_around(from)?.get("fullUrl")?.as_str()?;
        entries.by_url.get(&format!("{}{plain}", rest_base(&url)?)).copied()
    }

    /// The entry of the Bundle that a value is in.
    pub(super) fn entry_around(&self, value: Value<'d>) -> Option<Value<'d>> {
        let all = &self.entries.get(self.place.root).all;
        let span = value.span();
        let after = all.partition_point(|entry| entry.span().start <= span.start);
        all.get(after.checked_sub(1)?).copied().filter(|entry| span.end <= entry.span().end)
    }

    /// Holds a reference against the types and profiles that it may lead to.
    pub(super) fn reference(&self, scope: &Scope<'_, 'v, 'd>, rules: &Rules<'v>, out: &mut Issues) {
        if !self.is_a(&scope.spot, "Reference") {
            return;
        }
        let text = scope.spot.value.get("reference").and_then(Value::as_str);
        let found = text.as_deref().and_then(|text| self.resolve(scope, text));
        let said = scope.spot.value.get("type").and_then(Value::as_str);
        let literal = text.as_deref().and_then(|text| match Reference::parse(text) {
            Reference::Relative(target) | Reference::Absolute { target, .. } => {
                Some(target.resource_type.to_string())
            }
            _ => None,
        });
        let name = found.and_then(|found| found.get("resourceType")?.as_str());
        if let (Some(literal), Some(name)) = (&literal, &name)
            && **literal != **name
        {
            let text = format!("This says that it refers to a {literal}, and refers to a {name}.");
            self.note(scope.spot.value, (Severity::Error, IssueCode::Value, ""), text, out);
        }
        let name = name.map(String::from).or(literal).or(said.map(String::from));
        let Some(name) = name.filter(|name| self.base().type_named(name).is_some()) else { return };
        for base in &scope.bases {
            let targets: Vec<&str> = base.types().flat_map(TypeRef::targets).collect();
            if found.is_some() && !targets.is_empty() && self.fitting(&targets, &name).is_empty() {
                self.wrong_target(scope, (&name, &targets, base.path()), out);
            }
        }
        for rule in rules {
            let targets: Vec<&str> = rule.element.types().flat_map(TypeRef::targets).collect();
            if targets.is_empty() {
                continue;
            }
            let known = targets.iter().all(|url| self.validator.structure(url).is_some());
            let fitting = self.fitting(&targets, &name);
            if fitting.is_empty() && known {
                self.wrong_target(scope, (&name, &targets, rule.structure.url()), out);
            } else if let Some(found) = found.filter(|_| known) {
                self.target(scope, (found, &fitting), rule, out);
            }
        }
    }

    /// The profiles among the targets that a resource of this type may have.
    fn fitting(&self, targets: &[&'v str], name: &str) -> Vec<Rule<'v>> {
        let ty = self.base().type_named(name).map(|ty| self.base().ty(ty));
        let structures = targets.iter().filter_map(|url| self.validator.structure(url));
        let fits = structures.filter(|structure| {
            let wanted = self.base().type_named(structure.ty());
            wanted.zip(ty).is_some_and(|(wanted, ty)| ty.is_a(wanted))
        });
        fits.filter_map(Rule::root).collect()
    }

    fn wrong_target(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        (name, targets, source): (&str, &[&str], &str),
        out: &mut Issues,
    ) {
        let text = format!(
            "This refers to a {name}; {source} allows {}.",
            targets
                .iter()
                .map(|url| url
                    .strip_prefix("http://hl7.org/fhir/StructureDefinition/")
                    .unwrap_or(url))
                .collect::<Vec<_>>()
                .join(", ")
        );
        self.note(scope.spot.value, (Severity::Error, IssueCode::Structure, source), text, out);
    }

    /// Whether what a reference leads to conforms to one of the profiles of its target.
    fn target(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        (found, fitting): (Value<'d>, &[Rule<'v>]),
        rule: &Rule<'v>,
        out: &mut Issues,
    ) {
        let is_type = |rule: &Rule<'v>| rule.structure.derivation() == Derivation::Specialization;
        if fitting.iter().any(is_type) {
            return;
        }
        let Some(inner) = self.target_scope(scope, found) else { return };
        if !fitting.iter().any(|one| self.conforms(&inner, one)) {
            let urls: Vec<&str> = fitting.iter().map(|one| one.structure.url()).collect();
            let text = format!(
                "What this refers to does not conform to {}, as {} demands.",
                urls.join(" or "),
                rule.source()
            );
            let what = (Severity::Error, IssueCode::Structure, rule.structure.url());
            self.note(scope.spot.value, what, text, out);
        }
    }

    fn target_scope<'s>(
        &self,
        scope: &'s Scope<'s, 'v, 'd>,
        found: Value<'d>,
    ) -> Option<Scope<'s, 'v, 'd>> {
        let spot = super::scope::Spot { value: found, ..scope.spot };
        self.spot_scope(scope, &spot)
    }
}

/// `http://a/b/` of `http://a/b/Patient/1`.
fn rest_base(url: &str) -> Option<&str> {
    let (rest, _) = url.rsplit_once('/')?;
    let (base, ty) = rest.rsplit_once('/')?;
    ty.starts_with(|first: char| first.is_ascii_uppercase()).then(|| url.get(..=base.len()))?
}
