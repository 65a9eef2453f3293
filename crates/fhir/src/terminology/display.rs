//! <https://hl7.org/fhir/R4/valueset-operation-expand.html>: in which language a concept is shown.

use super::contains::Found;
use crate::definitions::{CodeSystem, Concept, Designation, IncludedConcept, ValueSet};

/// `*;q=0`
pub(super) const NO_OTHER: &str = "*;q=0";

/// Whether a text in the language `found` serves who asks for `wanted`: `de-CH` is `de`.
fn serves(wanted: &str, found: &str) -> bool {
    let same = |text: &str| text.eq_ignore_ascii_case(wanted);
    wanted == "*" || same(found) || found.split_once('-').is_some_and(|(front, _)| same(front))
}

/// The languages that are wanted, or else those that the author of the value set wants.
pub(super) fn wanted(set: Option<ValueSet<'_>>, languages: &[String]) -> Vec<String> {
    if let (true, Some(set)) = (languages.is_empty(), set) {
        let own = set.parameters().filter(|(name, _)| *name == "displayLanguage");
        let own: Vec<String> = own.flat_map(|(_, value)| super::languages(value)).collect();
        if own.is_empty() {
            return set.language().map(str::to_owned).into_iter().collect();
        }
        return own;
    }
    languages.to_vec()
}

/// All designations of a concept, those of the value set before those of its system and of the
/// supplements.
pub(super) fn designations<'a>(
    found: &Found<'a>,
    supplements: &[Concept<'a>],
) -> Vec<Designation<'a>> {
    let listed = found.listed.into_iter().flat_map(IncludedConcept::designations);
    let own = found.concept.into_iter().flat_map(Concept::designations);
    let more = supplements.iter().flat_map(|concept| concept.designations());
    listed.chain(own).chain(more).collect()
}

/// What is shown of a concept to who reads `languages`.
pub(super) fn display<'a>(
    found: &Found<'a>,
    supplements: &[Concept<'a>],
    languages: &[String],
) -> Option<&'a str> {
    let listed = found.listed.and_then(IncludedConcept::display);
    let own = found.concept.and_then(Concept::display);
    let usual = listed.or(own).or(found.published);
    let system_language = found.system.and_then(CodeSystem::language);
    let designations = designations(found, supplements);
    for wanted in languages {
        if wanted == "*" || system_language.is_some_and(|found| serves(wanted, found)) {
            return usual;
        }
        let exact = |designation: &&Designation<'a>| {
            designation.language.is_some_and(|found| found.eq_ignore_ascii_case(wanted))
        };
        let near = |designation: &&Designation<'a>| {
            designation.language.is_some_and(|found| serves(wanted, found))
        };
        let found = designations.iter().find(exact).or_else(|| designations.iter().find(near));
        if let Some(found) = found {
            return Some(found.value);
        }
    }
    // Nothing in another language, if that was said.
    let is_hard = languages.iter().any(|language| language == NO_OTHER);
    usual.filter(|_| !is_hard)
}

/// Whether `text` is one of the ways to say the concept, case apart.
pub(super) fn is_said(
    found: &Found<'_>,
    supplements: &[Concept<'_>],
    languages: &[String],
    text: &str,
) -> bool {
    let wanted = plain(text);
    let is = |known: &str| plain(known) == wanted;
    let system_language = found.system.and_then(CodeSystem::language);
    let fits = |language: Option<&str>| {
        languages.is_empty()
            || language.is_none_or(|found| languages.iter().any(|wanted| serves(wanted, found)))
    };
    let all = designations(found, supplements);
    let has_fitting = fits(system_language)
        || all.iter().any(|d| d.language.is_some_and(|language| fits(Some(language))));
    let shown = found.listed.and_then(IncludedConcept::display);
    let shown = shown.into_iter().chain(found.concept.and_then(Concept::display));
    let mut shown = shown.chain(found.published);
    (fits(system_language) || !has_fitting) && shown.any(is)
        || all.iter().any(|d| (fits(d.language) || !has_fitting) && is(d.value))
}

fn plain(text: &str) -> String {
    text.to_lowercase()
}
