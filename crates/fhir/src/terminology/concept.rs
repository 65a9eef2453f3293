//! What the properties of a concept say: whether it can be chosen, is in use, is below another.

use crate::definitions::{CodeSystem, Concept, Property};

const NOT_SELECTABLE: &str = "notSelectable";
const MEANINGS: &str = "http://hl7.org/fhir/concept-properties#";

/// Whether a property of `system` called `code` has the meaning that FHIR gives `meaning`.
fn means(system: CodeSystem<'_>, code: &str, meaning: &str) -> bool {
    let declared = system.declared_properties().find(|property| property.code == code);
    let uri = declared.and_then(|property| property.uri);
    code == meaning || uri.is_some_and(|uri| uri.strip_prefix(MEANINGS) == Some(meaning))
}

/// The values of the properties of `concept` that mean `meaning`.
fn values<'a>(
    system: CodeSystem<'a>,
    concept: Concept<'a>,
    meaning: &'static str,
) -> impl Iterator<Item = &'a str> {
    let of = move |property: &Property<'a>| means(system, property.code, meaning);
    concept.properties().filter(of).map(|property| property.value)
}

/// Whether it only groups others.
pub(super) fn is_abstract(system: CodeSystem<'_>, concept: Concept<'_>) -> bool {
    values(system, concept, NOT_SELECTABLE).any(|value| value == "true")
}

/// The value of its `status`, such as `retired`.
pub(super) fn status<'a>(system: CodeSystem<'a>, concept: Concept<'a>) -> Option<&'a str> {
    values(system, concept, "status").next()
}

/// Whether it is no longer used.
pub(super) fn is_inactive(system: CodeSystem<'_>, concept: Concept<'_>) -> bool {
    values(system, concept, "inactive").any(|value| value == "true")
        || status(system, concept).is_some_and(|status| matches!(status, "retired" | "inactive"))
}

/// The concepts right above it: the one that it is listed below, and those that it names.
pub(super) fn parents<'a>(
    system: CodeSystem<'a>,
    concept: Concept<'a>,
) -> impl Iterator<Item = Concept<'a>> {
    let is_parent = |property: &Property<'a>| matches!(property.code, "parent" | "subsumedBy");
    let named = concept.properties().filter(is_parent);
    concept.parent().into_iter().chain(named.filter_map(move |p| system.concept(p.value)))
}

/// Whether it is below `other`, at any distance.
pub(super) fn is_below<'a>(
    system: CodeSystem<'a>,
    concept: Concept<'a>,
    other: Concept<'a>,
) -> bool {
    if concept.is_below(other) {
        return true;
    }
    let mut seen = vec![concept.code()];
    let mut open = vec![concept];
    while let Some(concept) = open.pop() {
        for parent in parents(system, concept) {
            if parent.code() == other.code() {
                return true;
            }
            if !seen.contains(&parent.code()) {
                seen.push(parent.code());
                open.push(parent);
            }
        }
    }
    false
}

/// Whether any concept is below it.
pub(super) fn has_children<'a>(system: CodeSystem<'a>, concept: Concept<'a>) -> bool {
    concept.children().next().is_some()
        || system
            .concepts()
            .any(|other| parents(system, other).any(|parent| parent.code() == concept.code()))
}
