//! <https://hl7.org/fhir/R4/valueset.html#compositions>: whether a value set has a code.

use super::filter::Ready;
use super::scope::{Missing, Scope};
use super::{Coding, Reason, grammar};
use crate::definitions::{CodeSystem, Concept, Contained, Include, IncludedConcept, ValueSet};

/// How deep value sets may include each other.
const DEPTH: usize = 32;

/// Where a code was found.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) url: &'a str,
    pub(super) system: Option<CodeSystem<'a>>,
    pub(super) concept: Option<Concept<'a>>,
    pub(super) listed: Option<IncludedConcept<'a>>,
    /// Where the system is not loaded: the code, and its display in a published expansion.
    pub(super) code: &'a str,
    pub(super) published: Option<&'a str>,
}

impl<'a> Found<'a> {
    /// A concept of a system.
    pub(super) fn of(system: CodeSystem<'a>, concept: Concept<'a>) -> Self {
        let code = concept.code();
        Self {
            url: system.url(),
            system: Some(system),
            concept: Some(concept),
            listed: None,
            code,
            published: None,
        }
    }

    /// A code that a value set lists.
    pub(super) fn listed(url: &'a str, listed: IncludedConcept<'a>) -> Self {
        let (system, concept, published) = (None, None, None);
        Self { url, system, concept, listed: Some(listed), code: listed.code(), published }
    }

    /// A line of a published expansion.
    pub(super) fn published(line: Contained<'a>) -> Self {
        Self {
            url: line.system(),
            system: None,
            concept: None,
            listed: None,
            code: line.code(),
            published: line.display(),
        }
    }

    /// A code of a system that is a grammar.
    fn grammatical(url: &'a str) -> Self {
        Self { url, system: None, concept: None, listed: None, code: "", published: None }
    }
}

/// Why a code is not there: the first of these that applies is the one to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Absent {
    /// The system has no such code.
    Code,
    /// The value set does not take it.
    Listed,
}

impl Absent {
    pub(super) fn into_reason(self, value_set: &str, coding: Coding<'_>) -> Reason {
        let code = coding.code.to_owned();
        match (self, coding.system) {
            (Self::Code, Some(system)) => Reason::NoSuchCode { system: system.to_owned(), code },
            (_, system) => {
                let code = system.map_or_else(|| code.clone(), |system| format!("{system}#{code}"));
                Reason::NotListed { value_set: value_set.to_owned(), code }
            }
        }
    }
}

/// Whether a value set, or a part of it, has the code.
pub(super) enum Verdict<'a> {
    In(Found<'a>),
    Out(Absent),
    Unknown(Reason),
}

/// The question whether a code is somewhere.
pub(super) struct Contains<'s, 'a> {
    scope: &'s Scope<'a>,
    coding: Coding<'s>,
    /// The value sets that are being asked, the outermost first.
    open: Vec<(&'a str, &'a str)>,
}

impl<'s, 'a> Contains<'s, 'a> {
    pub(super) fn new(scope: &'s Scope<'a>, coding: Coding<'s>) -> Self {
        Self { scope, coding, open: Vec::new() }
    }

    /// The same, while these value sets are being expanded.
    pub(super) fn within(
        scope: &'s Scope<'a>,
        coding: Coding<'s>,
        open: &[(&'a str, &'a str)],
    ) -> Self {
        Self { scope, coding, open: open.to_vec() }
    }

    /// Whether `set` has it.
    pub(super) fn value_set(&mut self, set: ValueSet<'a>) -> Verdict<'a> {
        let key = (set.url(), set.version());
        if self.open.len() >= DEPTH || (!key.0.is_empty() && self.open.contains(&key)) {
            return Verdict::Unknown(Reason::Cycle(set.url().to_owned()));
        }
        self.open.push(key);
        let verdict = self.composed(set);
        self.open.pop();
        verdict
    }

    fn composed(&mut self, set: ValueSet<'a>) -> Verdict<'a> {
        let mut out = Absent::Listed;
        let mut unknown = None;
        for include in set.includes() {
            match self.include(include) {
                Verdict::In(found) => return self.not_excluded(set, found),
                Verdict::Out(absent) => out = out.min(absent),
                Verdict::Unknown(reason) => unknown = unknown.or(Some(reason)),
            }
        }
        if let Some(found) = self.published(set) {
            return Verdict::In(found);
        }
        match unknown {
            Some(reason) => Verdict::Unknown(reason),
            None => Verdict::Out(out),
        }
    }

    fn not_excluded(&mut self, set: ValueSet<'a>, found: Found<'a>) -> Verdict<'a> {
        for exclude in set.excludes() {
            match self.include(exclude) {
                Verdict::In(_) => return Verdict::Out(Absent::Listed),
                Verdict::Out(_) => {}
                Verdict::Unknown(reason) => return Verdict::Unknown(reason),
            }
        }
        Verdict::In(found)
    }

    /// The line of the expansion that was published with the value set: what stands there is in
    /// it, also when its code system is not loaded.
    fn published(&self, set: ValueSet<'a>) -> Option<Found<'a>> {
        let expansion = set.expansion()?;
        let line = match self.coding.system {
            Some(system) => expansion.find(system, self.coding.code)?,
            None => expansion.contains().find(|line| line.code() == self.coding.code)?,
        };
        Some(Found::published(line))
    }

    /// Whether a part of a value set has it.
    pub(super) fn include(&mut self, include: Include<'a>) -> Verdict<'a> {
        let mut found = None;
        if let Some(url) = include.system() {
            match self.of_system(url, include) {
                Verdict::In(of_system) => found = Some(of_system),
                other => return other,
            }
        }
        for canonical in include.value_sets() {
            let Some(set) = self.scope.value_set(canonical) else {
                return Verdict::Unknown(Reason::NoValueSet(canonical.to_owned()));
            };
            match self.value_set(set) {
                Verdict::In(of_set) => found = found.or(Some(of_set)),
                other => return other,
            }
        }
        found.map_or(Verdict::Out(Absent::Listed), Verdict::In)
    }

    fn of_system(&self, url: &'a str, include: Include<'a>) -> Verdict<'a> {
        if self.coding.system.is_some_and(|wanted| wanted != url) {
            return Verdict::Out(Absent::Listed);
        }
        let system = self.scope.code_system(url, include.version());
        let concept = system.as_ref().ok().and_then(|system| system.concept(self.coding.code));
        let code = concept.map_or(self.coding.code, Concept::code);
        let loaded = system.as_ref().ok().copied();
        let is_other = |of: CodeSystem<'a>| self.coding.version.is_some_and(|v| v != of.version());
        if loaded.is_some_and(is_other) {
            return Verdict::Out(Absent::Listed);
        }
        if include.concepts().next().is_some() {
            let Some(listed) = include.concept(code) else { return Verdict::Out(Absent::Listed) };
            let found = Found::listed(url, listed);
            return Verdict::In(Found { system: loaded, concept, ..found });
        }
        match (system, concept) {
            (Ok(system), Some(concept)) => filtered(system, concept, include),
            (Ok(system), None) => not_there(system),
            (Err(missing), _) => self.not_loaded(url, include, &missing),
        }
    }

    /// A system that is not loaded may be a grammar, or published as an expansion.
    fn not_loaded(&self, url: &'a str, include: Include<'a>, missing: &Missing) -> Verdict<'a> {
        let code = self.coding.code;
        let listed = || {
            let known = self.scope.value_set(grammar::listed_by(url)?)?.expansion()?;
            Some(known.find(url, code).is_some())
        };
        match grammar::has(url, code).or_else(listed) {
            Some(false) => Verdict::Out(Absent::Code),
            Some(true) if include.filters().next().is_none() => {
                Verdict::In(Found::grammatical(url))
            }
            _ => Verdict::Unknown(Reason::NoCodeSystem(missing.canonical())),
        }
    }
}

fn filtered<'a>(system: CodeSystem<'a>, concept: Concept<'a>, include: Include<'a>) -> Verdict<'a> {
    for filter in include.filters() {
        match Ready::new(system, filter) {
            Some(ready) if ready.holds(concept) => {}
            Some(_) => return Verdict::Out(Absent::Listed),
            None => return Verdict::Unknown(Reason::Filter(filter_text(filter))),
        }
    }
    Verdict::In(Found::of(system, concept))
}

pub(super) fn filter_text(filter: crate::definitions::Filter<'_>) -> String {
    format!("{} {} {:?}", filter.property, filter.op, filter.value)
}

/// What it means that a code system that is loaded does not have a code.
fn not_there<'a>(system: CodeSystem<'a>) -> Verdict<'a> {
    match system.content() {
        "complete" | "supplement" => Verdict::Out(Absent::Code),
        _ => Verdict::Unknown(Reason::NoCodeSystem(system.url().to_owned())),
    }
}
