//! <https://hl7.org/fhir/R4/extensibility.html>: extensions are known, stand where they may, and
//! have what their definitions say.

use json::Value;

use super::Depth;
use super::rule::{Rule, Rules};
use super::scope::Scope;
use super::walk::Pass;
use crate::definitions::Structure;
use crate::path::Item;
use crate::validate::{IssueCode, Issues, Severity};

impl<'v, 'd> Pass<'v, 'd> {
    /// Adds the definition of an extension to its rules, and sees whether it may stand here.
    pub(super) fn extension(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        rules: &mut Rules<'v>,
        out: &mut Issues,
    ) {
        if self.request.depth == Depth::Base || !self.is_a(&scope.spot, "Extension") {
            return;
        }
        let Some(url) = scope.spot.value.get("url").and_then(Value::as_str) else { return };
        let is_modifier = scope.key == "modifierExtension";
        let inside = scope.up.is_some_and(|up| self.is_a(&up.spot, "Extension"));
        if inside && !url.contains(':') {
            let is_defined = rules.iter().any(|rule| rule.element.slice_name().is_some());
            if let Some(rule) = rules.first().filter(|_| !is_defined) {
                let text = format!("{} does not define '{url}'.", rule.structure.url());
                let what = (Severity::Error, IssueCode::Extension, rule.structure.url());
                self.note(scope.spot.value, what, text, out);
            }
            return;
        }
        let Some(structure) = self.validator.structure(&url) else {
            return self.unknown(scope, &url, is_modifier, out);
        };
        if structure.ty() != "Extension" {
            let text = format!("{url} is not the definition of an extension.");
            let what = (Severity::Error, IssueCode::Extension, "");
            return self.note(scope.spot.value, what, text, out);
        }
        if let Some(rule) = Rule::root(structure) {
            if rule.element.is_modifier() != is_modifier {
                let text = if is_modifier {
                    format!("{url} is no modifier; it belongs into extension.")
                } else {
                    format!("{url} is a modifier; it belongs into modifierExtension.")
                };
                let what = (Severity::Error, IssueCode::Extension, "");
                self.note(scope.spot.value, what, text, out);
            }
            if !rules.iter().any(|known| known.is(&rule)) {
                rules.push(rule);
            }
        }
        if scope.trail.is_none() {
            self.context(scope, structure, out);
        }
    }

    fn unknown(&self, scope: &Scope<'_, 'v, 'd>, url: &str, is_modifier: bool, out: &mut Issues) {
        if scope.trail.is_some() {
            return;
        }
        let is_allowed = match self.request.extension_domains {
            Some(domains) => domains.iter().any(|domain| url.starts_with(domain)),
            None => !is_modifier,
        };
        let severity = if is_allowed { Severity::Information } else { Severity::Error };
        let text = if is_modifier {
            format!(
                "The modifier extension {url} is not known here, and may change the meaning of \
                 what it is in. Store its StructureDefinition, or add the package that has it."
            )
        } else {
            format!("The extension {url} is not known here, so it was not checked.")
        };
        self.note(scope.spot.value, (severity, IssueCode::Extension, ""), text, out);
    }

    /// Whether an extension stands where its definition lets it.
    fn context(&self, scope: &Scope<'_, 'v, 'd>, of: Structure<'v>, out: &mut Issues) {
        let Some(up) = scope.up else { return };
        let mut contexts = of.contexts().peekable();
        let any = contexts.peek().is_none();
        if !any && !contexts.any(|(kind, expression)| self.is_context(up, kind, expression)) {
            let allowed: Vec<String> =
                of.contexts().map(|(kind, expression)| format!("{expression} ({kind})")).collect();
            let text = format!(
                "The extension {} may not stand here; it may on {}.",
                of.url(),
                allowed.join(", ")
            );
            self.note(
                scope.spot.value,
                (Severity::Error, IssueCode::Extension, of.url()),
                text,
                out,
            );
        }
        for invariant in of.context_invariants() {
            if matches!(self.holds(up, invariant), Ok(Some(false))) {
                let text = format!("The extension {} may stand only where {invariant}.", of.url());
                let what = (Severity::Error, IssueCode::Invariant, of.url());
                self.note(scope.spot.value, what, text, out);
            }
        }
    }

    fn is_context(&self, up: &Scope<'_, 'v, 'd>, kind: &str, expression: &str) -> bool {
        match kind {
            // On the extension, or on its value.
            "extension" => std::iter::successors(Some(up), |up| up.up).take(2).any(|up| {
                let url = up.spot.value.get("url");
                self.is_a(&up.spot, "Extension") && url.is_some_and(|url| url.is_str(expression))
            }),
            "fhirpath" => self.is_selected(up, expression),
            _ => self.is_element(up, expression),
        }
    }

    /// Whether an expression on the resource selects the element.
    fn is_selected(&self, up: &Scope<'_, 'v, 'd>, expression: &str) -> bool {
        let Some(scope) = self.resource_scope((up.resource, ""), None, up.trail) else {
            return false;
        };
        let items = self.evaluate(&scope, expression).unwrap_or_default();
        items.iter().any(|item| match item {
            Item::Node(node) => node.is_same(&up.spot.node()),
            Item::Boolean(truth) => *truth,
            _ => false,
        })
    }

    fn is_element(&self, up: &Scope<'_, 'v, 'd>, expression: &str) -> bool {
        let path = expression.rsplit_once('#').map_or(expression, |(_, path)| path);
        let path = path.strip_prefix("http://hl7.org/fhir/StructureDefinition/").unwrap_or(path);
        match path {
            // R4 says it of extensions of its own resources, too.
            "Element" => true,
            "CanonicalResource" | "MetadataResource" => {
                self.base().ty(up.spot.ty).child("url").is_some() && up.key != "extension"
            }
            _ => {
                self.is_a(&up.spot, path)
                    || up.bases.iter().any(|base| base.path() == path || base.base_path() == path)
                    || dotted(up) == path
                    || up.bases.iter().any(|base| is_child(path, base.path()))
            }
        }
    }
}

/// R4's definitions have extensions of primitives on what these stand in: `regex`, on a type,
/// is said to be for `ElementDefinition.type.code`.
fn is_child(path: &str, of: &str) -> bool {
    let rest = path.strip_prefix(of).and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|name| name == "code") && of.starts_with("ElementDefinition")
}

/// The path of a value through all types: `Patient.name.family`.
fn dotted(scope: &Scope<'_, '_, '_>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for at in std::iter::successors(Some(scope), |scope| scope.up) {
        if at.spot.value.get("resourceType").is_some() {
            let name = at.bases.first().map_or("", |base| base.path());
            names.push(name);
            break;
        }
        names.push(at.key);
    }
    names.reverse();
    names.join(".")
}
