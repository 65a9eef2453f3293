//! <https://hl7.org/fhir/R4/search.html#_sort>

use fhir::definitions::SearchKind;
use store::{SortBy, SortKey, TypeId};

use super::catalogue::Known;
use super::interpret::{Interpreter, Miss, targets, unknown};
use super::name::{self, Path};
use base::limits::SORT_KEYS;

/// The keys of `_sort=-date,patient.name`.
pub(crate) fn keys(
    interpreter: &Interpreter<'_>,
    of: &[TypeId],
    value: &str,
) -> Result<Vec<SortKey>, Miss> {
    let names: Vec<&str> = value.split(',').filter(|name| !name.trim().is_empty()).collect();
    if names.is_empty() {
        return unknown("The parameter '_sort' has no value.");
    }
    if names.len() > SORT_KEYS {
        return Err(Miss::Wrong(format!("_sort has at most {SORT_KEYS} keys.")));
    }
    names.into_iter().map(|name| key(interpreter, of, name.trim())).collect()
}

fn key(interpreter: &Interpreter<'_>, of: &[TypeId], name: &str) -> Result<SortKey, Miss> {
    let (name, descending) = match name.strip_prefix('-') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let by = match name {
        "_lastUpdated" => SortBy::LastUpdated,
        "_id" => SortBy::Id,
        name => match name::path(name).map_err(Miss::Wrong)? {
            Path::Plain { code, modifier: None } => parameter(interpreter, of, code)?,
            Path::Chain { code, target, rest } => match *rest {
                Path::Plain { code: inner, modifier: None } => {
                    chain(interpreter, of, (code, target), inner)?
                }
                _ => return unsupported(name),
            },
            Path::Plain { .. } | Path::Has { .. } => return unsupported(name),
        },
    };
    Ok(SortKey { by, descending })
}

fn unsupported<T>(name: &str) -> Result<T, Miss> {
    unknown(format!("_sort by '{name}' is not supported."))
}

/// The parameter of each type that has it; one at least.
fn parameter(interpreter: &Interpreter<'_>, of: &[TypeId], code: &str) -> Result<SortBy, Miss> {
    let known = |number: &TypeId| Some((*number, interpreter.find(*number, code).ok()?));
    let all: Vec<(TypeId, &Known)> = of.iter().filter_map(known).collect();
    let Some((_, first)) = all.first() else {
        // Says what is wrong, as it would be said of a search.
        let number = of.first().copied().unwrap_or(TypeId(0));
        return interpreter.find(number, code).and(unsupported(code));
    };
    if !can(first.of.kind) {
        return unsupported(code);
    }
    Ok(SortBy::Parameter(all.into_iter().map(|(number, known)| (number, known.id)).collect()))
}

fn can(kind: SearchKind) -> bool {
    !matches!(kind, SearchKind::Composite | SearchKind::Special | SearchKind::Resource)
}

fn chain(
    interpreter: &Interpreter<'_>,
    of: &[TypeId],
    (code, target): (&str, Option<&str>),
    inner: &str,
) -> Result<SortBy, Miss> {
    // Those two are no values of a resource, and known of itself only.
    let is_own = matches!(inner, "_id" | "_lastUpdated");
    let ([only], false) = (of, is_own) else { return unsupported(&format!("{code}.{inner}")) };
    let reference = interpreter.reference(*only, code)?;
    let found: Vec<(TypeId, &Known)> = targets(reference, target)?
        .into_iter()
        .filter_map(|number| Some((number, interpreter.find(number, inner).ok()?)))
        .filter(|(_, known)| can(known.of.kind))
        .collect();
    if found.is_empty() {
        return unknown(format!("_sort: nothing that '{code}' leads to has a '{inner}'."));
    }
    let targets = found.into_iter().map(|(number, known)| (number, known.id)).collect();
    Ok(SortBy::Chain { parameter: reference.id, targets })
}
