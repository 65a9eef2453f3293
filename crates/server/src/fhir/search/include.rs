//! <https://hl7.org/fhir/R4/search.html#revinclude>

use store::{Address, Include, ParameterId, TypeId};

use super::catalogue::Known;
use super::interpret::{Interpreter, Miss, unknown, wrong};
use crate::fhir::types;

/// How a rule was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) reverse: bool,
    pub(crate) iterate: bool,
}

/// `_include`, `_revinclude`, with `:iterate` or its older name.
pub(crate) fn kind(name: &str) -> Option<Kind> {
    let (name, modifier) = name.split_once(':').unwrap_or((name, ""));
    let reverse = match name {
        "_include" => false,
        "_revinclude" => true,
        _ => return None,
    };
    match modifier {
        "" => Some(Kind { reverse, iterate: false }),
        "iterate" | "recurse" => Some(Kind { reverse, iterate: true }),
        _ => None,
    }
}

/// The modifier of a name that includes, when it is none of those.
pub(crate) fn unknown_modifier(name: &str) -> Option<&str> {
    let (code, modifier) = name.split_once(':')?;
    (matches!(code, "_include" | "_revinclude") && kind(name).is_none()).then_some(modifier)
}

/// The rules of one value: `Observation:subject:Patient`, `Observation:*`, `*`.
pub(crate) fn rules(
    interpreter: &Interpreter<'_>,
    searched: &[TypeId],
    kind: Kind,
    value: &str,
) -> Result<Vec<Include>, Miss> {
    let mut parts = value.split(':');
    let (source, code) = (parts.next().unwrap_or_default(), parts.next());
    let target = parts.next();
    if source.is_empty() {
        return unknown("An include without a value includes nothing.");
    }
    if parts.next().is_some() || (code.is_none() && source != "*") {
        let name = if kind.reverse { "_revinclude" } else { "_include" };
        return wrong(format!(
            "{name}={value} cannot be understood. Write TYPE:PARAMETER, TYPE:PARAMETER:TARGET, \
             TYPE:* or *."
        ));
    }
    let target = match target {
        None | Some("*") => None,
        Some(name) => Some(number(name)?),
    };
    let sources = match source {
        "*" if kind.reverse || kind.iterate => types::numbers().collect(),
        "*" => searched.to_vec(),
        name => vec![number(name)?],
    };
    let code = code.unwrap_or("*");
    let mut rules = Vec::with_capacity(sources.len());
    for source in sources {
        let parameters = parameters(interpreter, searched, (source, code), kind)?;
        if code != "*" {
            reached(searched, (source, target), (&parameters, kind))?;
        }
        if !parameters.is_empty() {
            let Kind { reverse, iterate } = kind;
            let canonicals = canonicals(interpreter, &parameters);
            let parameters = parameters.into_iter().map(|known| known.id).collect();
            rules.push(Include { source, parameters, canonicals, target, reverse, iterate });
        }
    }
    Ok(rules)
}

fn number(name: &str) -> Result<TypeId, Miss> {
    match types::number(name) {
        Some(number) => Ok(number),
        None => unknown(format!("An include names '{name}', which is no resource type of R4.")),
    }
}

fn parameters<'i>(
    interpreter: &'i Interpreter<'_>,
    searched: &[TypeId],
    (source, code): (TypeId, &str),
    kind: Kind,
) -> Result<Vec<&'i Known>, Miss> {
    if code != "*" {
        return Ok(vec![interpreter.reference(source, code)?]);
    }
    let leads = |targets: &[TypeId]| {
        !kind.reverse
            || kind.iterate
            || targets.is_empty()
            || targets.iter().any(|target| searched.contains(target))
    };
    let all = interpreter.catalogue.references(source).filter(|known| leads(&known.of.targets));
    Ok(all.filter(|known| is_used(interpreter, source, known)).collect())
}

/// Tells of a rule by which nothing can ever be included.
fn reached(
    searched: &[TypeId],
    (source, target): (TypeId, Option<TypeId>),
    (parameters, kind): (&[&Known], Kind),
) -> Result<(), Miss> {
    let name = types::name(source);
    for known in parameters.iter().filter(|known| !known.of.targets.is_empty()) {
        let (code, targets) = (&known.code, &known.of.targets);
        if let Some(target) = target.filter(|target| !targets.contains(target)) {
            let target = types::name(target);
            return unknown(format!("'{code}' of {name} does not refer to {target}."));
        }
        let is_met = |target: &TypeId| searched.contains(target);
        if kind.reverse && !kind.iterate && !targets.iter().any(is_met) {
            return unknown(format!(
                "'{code}' of {name} does not refer to what is searched. _revinclude:iterate goes \
                 on from what is included."
            ));
        }
    }
    match kind.reverse || kind.iterate || searched.contains(&source) {
        true => Ok(()),
        false => unknown(format!(
            "{name} is not searched, and _include follows what is found. _include:iterate goes on \
             from what is included."
        )),
    }
}

/// Whether a parameter that `*` stands for can be searched by; one that cannot is told.
fn is_used(interpreter: &Interpreter<'_>, source: TypeId, known: &Known) -> bool {
    match interpreter.complete(source, known) {
        Ok(_) => true,
        Err(miss) => {
            interpreter.gaps.tell(format!("An include by * went without it: {}", miss.text()));
            false
        }
    }
}

/// Which of them may name resources by a canonical URL, and how.
pub(crate) fn canonicals(
    interpreter: &Interpreter<'_>,
    parameters: &[&Known],
) -> Vec<(ParameterId, Address)> {
    let of = |known: &Known| {
        let all = known.of.targets.iter();
        let all = all.filter_map(|target| interpreter.address(known, *target));
        all.map(|address| (known.id, address)).collect::<Vec<_>>()
    };
    parameters.iter().flat_map(|known| of(known)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_named_in_four_ways_and_by_an_older_name() {
        let named = |name| kind(name).map(|kind| (kind.reverse, kind.iterate));
        assert_eq!(named("_include"), Some((false, false)));
        assert_eq!(named("_revinclude"), Some((true, false)));
        assert_eq!(named("_include:iterate"), Some((false, true)));
        assert_eq!(named("_revinclude:recurse"), Some((true, true)));
        assert_eq!(named("_include:logical"), None);
        assert_eq!(named("include"), None);
    }
}
