//! <https://hl7.org/fhir/R4/fhirpath.html#functions>: `memberOf()` and `subsumes()`.

use std::borrow::Cow;

use json::{Kind, Value};

use super::concept::is_below;
use super::{Coding, Member, Scope, Terminologies, VersionRules};
use crate::path::{Item, Terminology};

impl Terminology for Terminologies {
    fn member_of(&self, coded: &Item<'_>, value_set: &str) -> Option<bool> {
        let mut is_unknown = false;
        for (system, code) in codes(coded) {
            let coding = Coding { system: system.as_deref(), code: &code, ..<_>::default() };
            match self.member(value_set, coding) {
                Member::In => return Some(true),
                Member::Out(_) => {}
                Member::Unknown(_) => is_unknown = true,
            }
        }
        (!is_unknown).then_some(false)
    }

    fn subsumes(&self, coded: &Item<'_>, other: &Item<'_>) -> Option<bool> {
        let versions = VersionRules::default();
        let scope = Scope::new(self.registry(), &versions);
        let (upper, lower) = (codes(coded), codes(other));
        let mut known = None;
        for ((system, upper), (other_system, lower)) in
            upper.iter().flat_map(|upper| lower.iter().map(move |lower| (upper, lower)))
        {
            if system != other_system {
                continue;
            }
            if upper == lower {
                return Some(true);
            }
            let Some(system) = system else { continue };
            let Ok(system) = scope.exact_system(system, None) else { continue };
            let (Some(upper), Some(lower)) = (system.concept(upper), system.concept(lower)) else {
                continue;
            };
            if is_below(system, lower, upper) {
                return Some(true);
            }
            known = Some(false);
        }
        known
    }
}

/// The codes of a code, a Coding or a CodeableConcept, each with its system.
fn codes<'d>(coded: &Item<'d>) -> Vec<(Option<Cow<'d, str>>, Cow<'d, str>)> {
    match coded {
        Item::Node(node) => match node.value.kind() {
            Kind::Object => match node.value.get("coding") {
                Some(codings) => codings.elements().filter_map(coding).collect(),
                None => coding(node.value).into_iter().collect(),
            },
            _ => node.value.as_str().map(|code| (None, code)).into_iter().collect(),
        },
        Item::String(code) => vec![(None, code.clone().into_owned().into())],
        _ => Vec::new(),
    }
}

fn coding(value: Value<'_>) -> Option<(Option<Cow<'_, str>>, Cow<'_, str>)> {
    Some((value.get("system").and_then(Value::as_str), value.get("code")?.as_str()?))
}
