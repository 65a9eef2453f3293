//! <https://hl7.org/fhir/R4/terminologies.html#strength>: codes of the sets they are bound to.

use super::Depth;
use super::membership::{Coded, codes};
use super::rule::Rules;
use super::scope::Scope;
use super::walk::Pass;
use crate::definitions::{Binding, Strength, TypeKind};
use crate::terminology::Member;
use crate::validate::{IssueCode, Issues, Severity};

impl<'v, 'd> Pass<'v, 'd> {
    /// Whether the system of a Coding is one.
    pub(super) fn coding(&self, scope: &Scope<'_, 'v, 'd>, out: &mut Issues) {
        if !self.is_a(&scope.spot, "Coding") {
            return;
        }
        let Some(system) = scope.spot.value.get("system") else { return };
        let Some(url) = system.as_str() else { return };
        let what = (Severity::Error, IssueCode::CodeInvalid, "");
        if !url.contains(':') {
            let text = format!("'{url}' is no code system: its URI has to be absolute.");
            self.note(system, what, text, out);
        } else if self.validator.registry().value_set(&url).is_some()
            && self.validator.registry().code_system(&url).is_none()
        {
            let text = format!("{url} is a value set, and a Coding names a code system.");
            self.note(system, what, text, out);
        }
    }

    /// Holds codes against all bindings, each value set once.
    pub(super) fn bindings(&self, scope: &Scope<'_, 'v, 'd>, rules: &Rules<'v>, out: &mut Issues) {
        if !["code", "Coding", "CodeableConcept", "Quantity", "string", "uri"]
            .iter()
            .any(|name| self.is_a(&scope.spot, name))
        {
            return;
        }
        // Required codes of the types are a matter of structure.
        let is_code = self.base().ty(scope.spot.ty).kind() == TypeKind::Primitive;
        let bases = scope.bases.iter().filter(|_| !is_code).map(|base| base.binding());
        let bindings = bases.chain(rules.iter().map(|rule| rule.element.binding())).flatten();
        let mut seen: Vec<(&str, Strength)> = Vec::new();
        for binding in bindings {
            if let Some(value_set) = binding.max_value_set {
                self.binding(scope, value_set, Strength::Required, out);
            }
            let Some(value_set) = binding.value_set else { continue };
            let is_known = seen.iter().any(|(known, strength)| {
                *known == value_set && weight(*strength) >= weight(binding.strength)
            });
            if !is_known && is_checked(self.request.depth, &binding) {
                seen.push((value_set, binding.strength));
                self.binding(scope, value_set, binding.strength, out);
            }
        }
    }

    fn binding(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        value_set: &str,
        strength: Strength,
        out: &mut Issues,
    ) {
        if scope.spot.is_sibling || strength == Strength::Example {
            return;
        }
        let found = codes(scope.spot.value);
        if found.is_empty() && strength != Strength::Required {
            // Text alone says nothing about codes, which only a required binding demands.
            return;
        }
        let (severity, why) = match (self.membership(&scope.spot, value_set), strength) {
            (Member::In, _) | (_, Strength::Example) => return,
            (Member::Unknown(why), Strength::Required) => (Severity::Warning, Some(why)),
            (Member::Unknown(why), _) => (Severity::Information, Some(why)),
            (Member::Out(_), Strength::Required) => (Severity::Error, None),
            (Member::Out(_), Strength::Extensible) => (Severity::Warning, None),
            (Member::Out(_), Strength::Preferred) => (Severity::Information, None),
        };
        let named = match found.as_slice() {
            [] => "no code".to_owned(),
            all => all.iter().map(Coded::to_string).collect::<Vec<_>>().join(", "),
        };
        let text = match why {
            Some(why) => {
                format!("Whether {named} is in the value set {value_set} was not checked: {why}")
            }
            None => format!(
                "The value set {value_set} ({} binding) does not have {named}.",
                strength.code()
            ),
        };
        self.note(scope.spot.value, (severity, IssueCode::CodeInvalid, value_set), text, out);
    }
}

fn weight(strength: Strength) -> u8 {
    match strength {
        Strength::Required => 3,
        Strength::Extensible => 2,
        Strength::Preferred => 1,
        Strength::Example => 0,
    }
}

fn is_checked(depth: Depth, binding: &Binding<'_>) -> bool {
    depth == Depth::Full || binding.strength == Strength::Required
}
