//! The codes of a required binding.

use crate::definitions::{CodeSystem, Concept, Contained, Include, IncludedConcept, Terminology};

/// The codes that a value set has.
#[derive(Debug)]
pub(super) enum Codes {
    /// Sorted.
    Listed(Box<[&'static str]>),
    /// They are not listed anywhere: media types, languages.
    Any,
}

impl Codes {
    /// The codes of a value set: its expansion, or what it includes.
    pub(super) fn of(terminology: &'static Terminology, canonical: &str) -> Codes {
        let mut codes = Vec::new();
        // An expansion without codes is how a value set without end was published.
        if !collect(terminology, canonical, &mut codes, 0) || codes.is_empty() {
            return Codes::Any;
        }
        codes.sort_unstable();
        codes.dedup();
        Codes::Listed(codes.into())
    }

    #[inline]
    pub(super) fn has(&self, code: &str) -> bool {
        match self {
            Codes::Any => true,
            Codes::Listed(codes) => codes.binary_search(&code).is_ok(),
        }
    }

    pub(super) fn listed(&self) -> &[&'static str] {
        match self {
            Codes::Any => &[],
            Codes::Listed(codes) => codes,
        }
    }
}

/// Value sets that include each other are never nested as deep as this.
const DEEPEST: u32 = 8;

/// Adds the codes of a value set; false when they cannot be told.
fn collect(
    terminology: &'static Terminology,
    canonical: &str,
    codes: &mut Vec<&'static str>,
    depth: u32,
) -> bool {
    let Some(set) = terminology.value_set(canonical).filter(|_| depth < DEEPEST) else {
        return false;
    };
    if let Some(expansion) = set.expansion() {
        let own = expansion.contains().filter(|contained| !contained.is_abstract());
        codes.extend(own.map(Contained::code));
        return true;
    }
    if set.excludes().next().is_some() {
        return false;
    }
    set.includes().all(|include| {
        let imported =
            include.value_sets().all(|canonical| collect(terminology, canonical, codes, depth + 1));
        imported && listed(terminology, include, codes)
    })
}

/// Adds the codes that an include lists, or those of the whole system.
fn listed(
    terminology: &'static Terminology,
    include: Include<'static>,
    codes: &mut Vec<&'static str>,
) -> bool {
    if include.filters().next().is_some() {
        return false;
    }
    let before = codes.len();
    codes.extend(include.concepts().map(IncludedConcept::code));
    let Some(system) = include.system().filter(|_| codes.len() == before) else { return true };
    let complete = |system: &CodeSystem<'_>| system.content() == "complete";
    let Some(system) = terminology.code_system(system).filter(complete) else { return false };
    codes.extend(system.concepts().map(Concept::code));
    true
}
