//! Which codes a value has, and whether they are in a value set.

use std::fmt;

use json::Value;

use super::Validator;
use super::scope::Spot;
use super::walk::Pass;
use crate::definitions::TypeKind;
use crate::terminology::{Coding, Member};

/// A code with its system, where it has one.
pub(super) struct Coded {
    pub(super) system: Option<String>,
    pub(super) code: String,
}

impl fmt::Display for Coded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.system.as_deref() {
            None => write!(out, "{}", self.code),
            Some("") => write!(out, "{} of no system", self.code),
            Some(system) => write!(out, "{system}|{}", self.code),
        }
    }
}

/// The codes of a code, Coding, CodeableConcept or Quantity.
pub(super) fn codes(value: Value<'_>) -> Vec<Coded> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(String::from);
    if let Some(code) = value.as_str() {
        return vec![Coded { system: None, code: code.into_owned() }];
    }
    if let Some(codings) = value.get("coding") {
        return codings.elements().flat_map(codes).collect();
    }
    // A system that a Coding does not name is none.
    let system = text("system").or(Some(String::new()));
    text("code").map(|code| Coded { system, code }).into_iter().collect()
}

impl Pass<'_, '_> {
    /// Whether one of the codes of a value is in a value set; why not, or why that is unknown.
    pub(super) fn membership(&self, spot: &Spot<'_>, value_set: &str) -> Member {
        let mut all: Option<Member> = None;
        if self.base().ty(spot.ty).kind() == TypeKind::Primitive && spot.is_sibling {
            return Member::In;
        }
        for coded in codes(spot.value) {
            let coding =
                Coding { system: coded.system.as_deref(), code: &coded.code, ..<_>::default() };
            match self.validator.member(value_set, coding) {
                Member::In => return Member::In,
                unknown @ Member::Unknown(_) => all = Some(unknown),
                out @ Member::Out(_) => all = all.or(Some(out)),
            }
        }
        all.unwrap_or_else(|| self.validator.member(value_set, Coding::default()))
    }
}

impl Validator {
    fn member(&self, value_set: &str, coding: Coding<'_>) -> Member {
        // A version that is not here is taken for the one that is.
        match self.terminologies.member(value_set, coding) {
            Member::Unknown(crate::terminology::Reason::NoValueSet(_))
                if value_set.contains('|') =>
            {
                let url = value_set.split_once('|').map_or(value_set, |(url, _)| url);
                self.terminologies.member(url, coding)
            }
            member => member,
        }
    }
}
