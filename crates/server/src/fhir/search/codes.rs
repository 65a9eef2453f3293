//! <https://hl7.org/fhir/R4/search.html#modifiers>: the codes of value sets, and those below and
//! above another.

use std::rc::Rc;

use fhir::definitions::{CodeSystem, Concept, Contained, Include, Layer, Origin, ValueSet};
use fhir::terminology::{AllCodes, Failure, Line, Scope, VersionRules, Wanted, expand};
use json::{Document, Limits};
use store::{Key, ResourceId};

use super::catalogue::Component;
use super::interpret::{Interpreter, Miss, wrong};
use super::text;
use crate::fhir::types;

/// A code of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) system: String,
    pub(crate) code: String,
}

/// The systems of elements of type code, which their tokens do not carry.
pub(crate) fn implied<'i>(interpreter: &Interpreter<'i>, of: &Component) -> Vec<&'i str> {
    let mut systems: Vec<&str> = Vec::new();
    let sets = of.value_sets.iter().filter_map(|url| interpreter.registry.value_set(url));
    for system in sets.flat_map(systems_of) {
        if !systems.contains(&system) {
            systems.push(system);
        }
    }
    systems
}

fn systems_of(set: ValueSet<'_>) -> Vec<&str> {
    let included = set.includes().filter_map(Include::system);
    let mut systems: Vec<&str> = included.collect();
    if systems.is_empty()
        && let Some(expansion) = set.expansion()
    {
        systems.extend(expansion.contains().map(Contained::system));
        systems.dedup();
    }
    systems
}

/// All codes of the value sets that the elements of a parameter are bound to.
pub(crate) fn of_bound(interpreter: &Interpreter<'_>, of: &Component) -> Vec<Code> {
    let sets = of.value_sets.iter();
    sets.filter_map(|url| expanded(interpreter, url).ok()).flatten().collect()
}

/// The codes of the value set that a value names: by its URL, or by its address here.
pub(crate) fn of_value_set(interpreter: &Interpreter<'_>, value: &str) -> Result<Vec<Code>, Miss> {
    let named = text::plain(value);
    let local = interpreter.local(&named).unwrap_or(&named);
    match local.strip_prefix("ValueSet/") {
        Some(id) => of_stored(interpreter, id),
        None => expanded(interpreter, &named),
    }
}

/// Of the one that is stored there, whether or not it has a URL and what else has that.
fn of_stored(interpreter: &Interpreter<'_>, id: &str) -> Result<Vec<Code>, Miss> {
    let key = types::number("ValueSet")
        .zip(ResourceId::new(id))
        .map(|(resource_type, id)| Key { resource_type, id });
    let version = key.map(|key| interpreter.stored(&key)).transpose()?.flatten();
    let document =
        version.and_then(|version| Document::parse(version.body, &Limits::default()).ok());
    let Some(document) = document else { return wrong(format!("there is no ValueSet/{id}")) };
    let layer = Layer::new(interpreter.registry.base(), Origin::Rest, [&document]);
    let Some(set) = layer.terminology().value_sets().next() else {
        return wrong(format!("ValueSet/{id} cannot be used"));
    };
    let rules = VersionRules::default();
    match expand(&Scope::new(interpreter.registry, &rules), set, &Wanted::default()) {
        Ok(expanded) => Ok(codes(expanded.lines)),
        Err(failure) => wrong(format!("ValueSet/{id} cannot be expanded: {failure}")),
    }
}

fn codes(lines: Vec<Line<'_>>) -> Vec<Code> {
    let code = |line: Line<'_>| Code { system: line.system.to_owned(), code: line.code.to_owned() };
    lines.into_iter().map(code).collect()
}

fn expanded(interpreter: &Interpreter<'_>, canonical: &str) -> Result<Vec<Code>, Miss> {
    let rules = VersionRules::default();
    let scope = Scope::new(interpreter.registry, &rules);
    let implied = AllCodes::named(&scope, canonical);
    if implied.is_some()
        && let Some(system) = scope.system_of(canonical)
    {
        tell_of_all(interpreter, canonical, system);
    }
    let set = implied.as_ref().and_then(AllCodes::value_set);
    let Some(set) = set.or_else(|| scope.value_set(canonical)) else {
        return wrong(format!("the value set '{canonical}' is not known here"));
    };
    let lines = match expand(&scope, set, &Wanted::default()) {
        Ok(expanded) => expanded.lines,
        // That nothing of it is known has been told.
        Err(Failure::NoCodeSystem(_)) if implied.is_some() => Vec::new(),
        Err(failure) => return wrong(format!("{canonical} cannot be expanded: {failure}")),
    };
    Ok(codes(lines))
}

/// What is not known of all codes of a system is told.
fn tell_of_all(interpreter: &Interpreter<'_>, canonical: &str, system: CodeSystem<'_>) {
    let url = system.url();
    match system.content() {
        "complete" => {}
        "fragment" | "example" => interpreter.gaps.tell(format!(
            "Only a part of the code system '{url}' is loaded: what else is in the value set of \
             all its codes, '{canonical}', is not known."
        )),
        _ => interpreter.gaps.tell(format!(
            "The codes of the code system '{url}' are not loaded, so that what is in the value \
             set of all its codes, '{canonical}', is not known."
        )),
    }
}

/// The code and all that it subsumes.
pub(crate) fn below(interpreter: &Interpreter<'_>, code: &Code) -> Vec<Code> {
    let concept = system(interpreter, code).and_then(|system| system.concept(&code.code));
    let below = concept.into_iter().flat_map(Concept::descendants);
    with(code, below.map(Concept::code))
}

/// The code and all that subsume it.
pub(crate) fn above(interpreter: &Interpreter<'_>, code: &Code) -> Vec<Code> {
    let concept = system(interpreter, code).and_then(|system| system.concept(&code.code));
    let parent = concept.and_then(Concept::parent);
    let above = std::iter::successors(parent, |concept| concept.parent()).take(1_000);
    with(code, above.map(Concept::code))
}

/// The systems that have a code.
pub(crate) fn systems_with(interpreter: &Interpreter<'_>, code: &str) -> Vec<String> {
    let all = interpreter.registry.code_systems();
    let found = all.filter(|system| system.concept(code).is_some());
    found.map(|system| system.url().to_owned()).collect()
}

/// The system of a code. What of its hierarchy is not known is told.
fn system<'i>(interpreter: &Interpreter<'i>, code: &Code) -> Option<CodeSystem<'i>> {
    let (known, Code { system: url, code }) =
        (interpreter.registry.code_system(&code.system), code);
    match known.map(CodeSystem::content) {
        Some("complete") => {}
        Some("fragment" | "example") => interpreter.gaps.tell(format!(
            "Only a part of the code system '{url}' is loaded: what else is above and below the \
             code '{code}' is not known and was not looked for."
        )),
        _ => interpreter.gaps.tell(format!(
            "The code system '{url}' is not loaded, so that what is above and below its codes is \
             not known. Only the code '{code}' itself was looked for."
        )),
    }
    known
}

/// The systems that are loaded, take case for nothing, and have the code.
pub(crate) fn loose_systems_with(interpreter: &Interpreter<'_>, code: &str) -> Rc<[String]> {
    if !code.contains(char::is_alphabetic) {
        return Rc::default();
    }
    interpreter.gaps.loose(code, || {
        let loose = interpreter.loose.iter();
        let loose = loose.filter_map(|url| interpreter.registry.code_system(url));
        let found = loose.filter(|system| system.concept(code).is_some());
        found.map(|system| system.url().to_owned()).collect()
    })
}

fn with<'c>(code: &Code, others: impl Iterator<Item = &'c str>) -> Vec<Code> {
    let others = others.map(|other| Code { system: code.system.clone(), code: other.to_owned() });
    let mut all = vec![code.clone()];
    for other in others {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all
}
