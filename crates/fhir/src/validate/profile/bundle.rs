//! <https://hl7.org/fhir/R4/bundle.html>: what entries owe each other.

use std::collections::HashMap;

use json::Value;

use super::scope::Scope;
use super::walk::Pass;
use crate::validate::{IssueCode, Issues, Severity};
use crate::value::Reference;

/// Relations that a Bundle has one link of.
const ONCE: [&str; 5] = ["self", "first", "previous", "next", "last"];

impl<'v, 'd> Pass<'v, 'd> {
    /// The rules of a Bundle that its invariants do not say.
    pub(super) fn bundle(&self, scope: &Scope<'_, 'v, 'd>, out: &mut Issues) {
        let bundle = scope.spot.value;
        if !self.is_a(&scope.spot, "Bundle") || scope.trail.is_some() {
            return;
        }
        self.links(bundle, out);
        let is = |code: &str| bundle.get("type").is_some_and(|ty| ty.is_str(code));
        let is_request = is("transaction") || is("batch");
        for entry in bundle.get("entry").into_iter().flat_map(Value::elements) {
            self.full_url(entry, is_request, out);
        }
        // References are looked up in the document, so a Bundle inside another is left alone.
        if is("document") && scope.up.is_none() {
            self.document(bundle, out);
        }
    }

    fn links(&self, bundle: Value<'d>, out: &mut Issues) {
        let mut seen = Vec::new();
        for link in bundle.get("link").into_iter().flat_map(Value::elements) {
            let Some(relation) = link.get("relation").and_then(Value::as_str) else { continue };
            if ONCE.contains(&&*relation) && seen.contains(&relation) {
                let text = format!("A Bundle has one link '{relation}' at most.");
                self.note(link, (Severity::Error, IssueCode::Duplicate, ""), text, out);
            }
            seen.push(relation);
        }
    }

    fn full_url(&self, entry: Value<'d>, is_request: bool, out: &mut Issues) {
        let Some(resource) = entry.get("resource") else { return };
        let Some(value) = entry.get("fullUrl") else {
            if !is_request {
                let text = "An entry with a resource has a fullUrl, except in a batch or a \
                            transaction.";
                self.note(entry, (Severity::Error, IssueCode::Required, ""), text, out);
            }
            return;
        };
        let url = value.as_str().unwrap_or_default();
        let what = (Severity::Error, IssueCode::Value, "");
        if !url.contains(':') {
            let text = format!("A fullUrl is absolute, and '{url}' is relative.");
            return self.note(value, what, text, out);
        }
        let text = |key: &str| resource.get(key).and_then(Value::as_str);
        let Reference::Absolute { target, .. } = Reference::parse(&url) else { return };
        let (Some(name), Some(id)) = (text("resourceType"), text("id")) else { return };
        let is_own = *target.resource_type == *name && *target.id == *id;
        if self.base().type_named(target.resource_type).is_some() && !is_own && !is_request {
            let text = format!(
                "A fullUrl that is a RESTful URL ends with the type and id of the resource: \
                 {name}/{id}."
            );
            self.note(value, what, text, out);
        }
    }

    /// <https://hl7.org/fhir/R4/documents.html#content>: what the Composition refers to is in the
    /// Bundle, and all that is in the Bundle is connected with the Composition.
    fn document(&self, bundle: Value<'d>, out: &mut Issues) {
        let entries: Vec<Value<'d>> =
            bundle.get("entry").into_iter().flat_map(Value::elements).collect();
        let places: HashMap<usize, usize> =
            entries.iter().enumerate().map(|(place, entry)| (entry.index(), place)).collect();
        let is_composition = |entry: &Value<'d>| {
            let name = entry.get("resource").and_then(|resource| resource.get("resourceType"));
            name.is_some_and(|name| name.is_str("Composition"))
        };
        let Some(first) = entries.iter().position(is_composition) else { return };
        let mut links = vec![Vec::new(); entries.len()];
        for (from, entry) in entries.iter().enumerate() {
            for (value, text) in references(*entry) {
                let to = self.entry_for(value, &text).and_then(|to| places.get(&to.index()));
                if let Some(to) = to.copied() {
                    for (one, other) in [(from, to), (to, from)] {
                        links.get_mut(one).into_iter().for_each(|links| links.push(other));
                    }
                } else if from == first && !text.starts_with('#') {
                    let text = format!("'{text}' is not in this document, as it has to be.");
                    self.note(value, (Severity::Error, IssueCode::NotFound, ""), text, out);
                }
            }
        }
        let reached = reached(&links, first);
        for (entry, _) in entries.iter().zip(reached).filter(|(_, reached)| !reached) {
            let text = "Nothing connects this entry with the Composition of the document.";
            self.note(*entry, (Severity::Error, IssueCode::BusinessRule, ""), text, out);
        }
    }
}

/// The literal references in a value.
fn references(of: Value<'_>) -> impl Iterator<Item = (Value<'_>, String)> {
    let strings = of.strings().filter(|(key, _)| key.as_deref() == Some("reference"));
    strings.filter_map(|(_, value)| Some((value, value.as_str()?.into_owned())))
}

/// What can be reached from one of them.
fn reached(links: &[Vec<usize>], first: usize) -> Vec<bool> {
    let mut reached = vec![false; links.len()];
    let mut next = vec![first];
    while let Some(at) = next.pop() {
        if let Some(known) = reached.get_mut(at).filter(|known| !**known) {
            *known = true;
            next.extend(links.get(at).into_iter().flatten());
        }
    }
    reached
}
