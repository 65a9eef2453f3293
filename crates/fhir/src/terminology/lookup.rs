//! <https://hl7.org/fhir/R4/codesystem-operation-lookup.html>

use super::contains::Found;
use super::subsumes::find;
use super::{Failure, Scope, concept, display};
use crate::definitions::{CodeSystem, Concept, Designation, Property};

/// What is known about a code.
pub struct Looked<'a> {
    /// The code system.
    pub system: CodeSystem<'a>,
    /// The concept.
    pub concept: Concept<'a>,
    /// What people read.
    pub display: Option<&'a str>,
    /// Other ways to say it.
    pub designations: Vec<Designation<'a>>,
    /// Its properties, those of supplements too.
    pub properties: Vec<Property<'a>>,
    /// The concept above it.
    pub parents: Vec<Concept<'a>>,
    /// The concepts below it.
    pub children: Vec<Concept<'a>>,
    /// Whether it may not be chosen.
    pub is_abstract: bool,
    /// Whether it is no longer used.
    pub is_inactive: bool,
}

/// Finds a code.
pub fn lookup<'a>(
    scope: &Scope<'a>,
    (url, version): (&str, Option<&str>),
    code: &str,
    languages: &[String],
) -> Result<Looked<'a>, Failure> {
    let system = scope.code_system(url, version).map_err(Failure::NoCodeSystem)?;
    let concept = find(system, code)?;
    let found = Found::of(system, concept);
    let supplements = scope.supplementing(&found);
    let more = supplements.iter().flat_map(|concept| concept.properties());
    Ok(Looked {
        system,
        concept,
        display: display::display(&found, &supplements, languages),
        designations: display::designations(&found, &supplements),
        properties: concept.properties().chain(more).collect(),
        parents: concept::parents(system, concept).collect(),
        children: concept.children().collect(),
        is_abstract: found.is_abstract(),
        is_inactive: found.is_inactive(),
    })
}
