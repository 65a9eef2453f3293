//! <https://hl7.org/fhir/R4/terminology-module.html>
//!
//! Questions about codes, answered from the definitions that are loaded. The tables of
//! [`crate::definitions`] are sorted by code already, so that nothing is compiled or cached: a
//! look-up is a few binary searches.
//!
//! What cannot be known from what is loaded (SNOMED CT, say) is `Unknown`, never `Out`.
//!
//! To add a filter operator: `filter.rs`. To add a system that is a grammar: `grammar.rs`.

mod all_codes;
mod concept;
mod contains;
mod display;
mod expand;
mod expansion;
mod failure;
mod filter;
mod given;
mod grammar;
mod lookup;
mod path;
mod reason;
mod request;
mod scope;
mod subsumes;
#[cfg(test)]
mod tests;
mod translate;
mod validate;
mod version;
mod write;

pub use all_codes::AllCodes;
pub use expand::{Expanded, Line, Wanted, expand};
pub use failure::Failure;
pub use given::{Given, OwnedCoding, Parameters, Shape, languages};
pub use lookup::{Looked, lookup};
pub use reason::Reason;
pub use request::Brought;
pub use scope::{Missing, Scope, VersionRules};
pub use subsumes::{Subsumption, subsumes};
pub use translate::{Match, Route, translate};
pub use validate::{Issue, Question, Severity, Validated, validate};
pub use write::matches_to_json;

use contains::{Contains, Verdict};

use crate::definitions::Registry;

/// A code, as an element holds it; what is empty or none was not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coding<'a> {
    /// The code system; of a `code` element none.
    pub system: Option<&'a str>,
    /// The version of the code system.
    pub version: Option<&'a str>,
    /// The code.
    pub code: &'a str,
    /// What people read.
    pub display: Option<&'a str>,
}

/// Whether a code is in a value set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// It is.
    In,
    /// It is not.
    Out(Reason),
    /// What is loaded does not tell.
    Unknown(Reason),
}

/// The terminology of a service: its code systems, value sets and concept maps.
///
/// ```
/// use fhir::definitions::{Definitions, Registry};
/// use fhir::terminology::{Coding, Member, Terminologies};
/// let terminologies = Terminologies::new(&Registry::new(Definitions::r4()));
/// let gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
/// let female = Coding { code: "female", ..<_>::default() };
/// assert_eq!(terminologies.member(gender, female), Member::In);
/// ```
#[derive(Clone)]
pub struct Terminologies {
    registry: Registry,
}

impl Terminologies {
    /// What `registry` holds now; a registry that changed needs another.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone() }
    }

    /// The definitions.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Whether a code is in a value set, `url` or `url|version`.
    #[must_use]
    pub fn member(&self, value_set: &str, coding: Coding<'_>) -> Member {
        let versions = VersionRules::default();
        let scope = Scope::new(&self.registry, &versions);
        let Some(set) = scope.value_set(value_set) else {
            return Member::Unknown(Reason::NoValueSet(value_set.to_owned()));
        };
        // That an instance names another version of the system does not decide.
        let coding = Coding { version: None, ..coding };
        match Contains::new(&scope, coding).value_set(set) {
            Verdict::In(_) => Member::In,
            Verdict::Out(reason) => Member::Out(reason.into_reason(value_set, coding)),
            Verdict::Unknown(reason) => Member::Unknown(reason),
        }
    }
}
