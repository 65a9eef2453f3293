//! What an evaluation may ask beyond its input: variables, the time, other resources.

use base::limits::FHIRPATH_STEPS;
use json::Value;

use super::item::{Item, Items, Node};
use crate::value::Moment;

/// Finds the resource that a reference points at.
pub trait Resolve<'d> {
    /// The resource, if there is one; `#id` and entries of the root Bundle never come here.
    fn resolve(&self, reference: &str) -> Option<Value<'d>>;
}

/// Answers questions about codes.
pub trait Terminology {
    /// Whether a code, Coding or CodeableConcept is in a value set; None if that is not known.
    fn member_of(&self, coded: &Item<'_>, value_set: &str) -> Option<bool>;
    /// Whether one code subsumes another; None if that is not known.
    fn subsumes(&self, coded: &Item<'_>, other: &Item<'_>) -> Option<bool>;
}

/// Answers questions about profiles.
pub trait Profiles<'d> {
    /// Whether an element or resource conforms to a profile; None if the profile is not known.
    fn conforms_to(&self, node: &Node<'d>, profile: &str) -> Option<bool>;
    /// Whether an element is in a slice of a profile; None if there is no such slice.
    fn is_in_slice(&self, node: &Node<'d>, profile: &str, slice: &str) -> Option<bool>;
    /// The definition of an element: a JSON ElementDefinition.
    fn element_definition(&self, node: &Node<'d>) -> Option<Value<'d>>;
    /// Whether the XHTML of a narrative keeps to what R4 allows (txt-1, txt-2).
    fn html_checks(&self, node: &Node<'d>) -> bool;
}

/// Hears what `trace()` names.
pub trait Trace {
    /// A collection passed the trace of this name.
    fn trace(&self, name: &str, items: &[Item<'_>]);
}

/// All that is around an evaluation.
pub struct Environment<'e, 'd> {
    /// `now()`, `today()` and `timeOfDay()`.
    pub now: Moment,
    /// `%resource`; the input if None.
    pub resource: Option<Value<'d>>,
    /// `%rootResource`; `%resource` if None.
    pub root_resource: Option<Value<'d>>,
    /// How many steps it may take: operations, items and pieces of text.
    pub steps: usize,
    /// Other variables by name.
    pub variables: &'e [(&'e str, Items<'d>)],
    /// `resolve()`; without it only what is inside the root resource is found.
    pub resolve: Option<&'e dyn Resolve<'d>>,
    /// `memberOf()`, `subsumes()`; without it they are errors.
    pub terminology: Option<&'e dyn Terminology>,
    /// `conformsTo()`, `slice()`, `elementDefinition()`, `htmlChecks()`; without it they are
    /// errors, except that the types of FHIR themselves are known profiles.
    pub profiles: Option<&'e dyn Profiles<'d>>,
    /// `trace()`; without it nobody hears.
    pub trace: Option<&'e dyn Trace>,
}

impl Environment<'_, '_> {
    /// Nothing but the time.
    #[must_use]
    pub fn at(now: Moment) -> Self {
        Environment {
            now,
            resource: None,
            root_resource: None,
            steps: FHIRPATH_STEPS,
            variables: &[],
            resolve: None,
            terminology: None,
            profiles: None,
            trace: None,
        }
    }
}
