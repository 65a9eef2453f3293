//! <https://hl7.org/fhir/R4/patient-operation-everything.html> and its kin of Encounter and Group.
//!
//! A search of compartments: its pages, totals and links are those of a search.

#[cfg(test)]
#[path = "everything_tests.rs"]
mod tests;

use std::collections::BTreeMap;

use authority::DataAction;
use form_urlencoded::Serializer;
use http::StatusCode;
use http::header::LOCATION;
use store::{Criterion, Include, Key, ParameterId, TypeId, TypeSearch};

use super::belonging::{Of, links, of};
use super::{Input, Level};
use crate::exchange::Answer;
use crate::fhir::bundle;
use crate::fhir::context::Context;
use crate::fhir::outcome::{Issue, Outcome};
use crate::fhir::refusal::{self, General};
use crate::fhir::search::date;
use crate::fhir::search::interpret::{Interpreter, Miss};
use crate::fhir::search::listing::{self, Listing};
use crate::fhir::search::name::Path;
use crate::fhir::search::parameters::{self, Meaning, Rules, Searching};
use crate::fhir::{resource, types};

/// Whose records are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A patient, an encounter, the members of a group. Of one that was deleted: what is left.
    One(Key),
    /// All patients.
    Patients,
}

impl Whose {
    /// Below the base.
    pub(crate) fn path(self) -> String {
        match self {
            Self::One(key) => format!("{}/$everything", bundle::reference(&key)),
            Self::Patients => "Patient/$everything".to_owned(),
        }
    }
}

/// `/Patient/1/$everything`, `/Patient/$everything`
pub(crate) async fn everything(
    cx: &Context<'_>,
    level: Level,
    input: &Input,
) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Read)?;
    let whose = match level {
        Level::Instance(key) => Whose::One(key),
        Level::System | Level::Type(_) => Whose::Patients,
    };
    let form = input.form()?;
    if let Whose::One(key) = whose {
        let current = cx.snapshot().current(&key).map_err(General::from)?;
        current.ok_or_else(|| refusal::not_found(&key))?;
        if cx.strict()
            && let Some(other) = replacing(cx, &key)?
        {
            return Err(moved(cx, &other));
        }
    }
    Ok(listing::list(cx, Listing::Everything(whose), &[cx.query, &form]).await?)
}

/// The patient that a patient was replaced by.
fn replacing(cx: &Context<'_>, key: &Key) -> Result<Option<Key>, General> {
    let Some(version) = cx.snapshot().current(key)?.filter(|version| !version.is_deletion()) else {
        return Ok(None);
    };
    let document = resource::body(&version)?;
    let bases = bundle::bases(cx);
    let links = links(document.root(), &bases);
    Ok(links.filter(|(kind, _)| kind == "replaced-by").map(|(_, other)| other).last())
}

/// 301, for who wants to be told rather than warned.
fn moved(cx: &Context<'_>, other: &Key) -> Outcome {
    let other = bundle::reference(other);
    let location = format!("{}/{other}/$everything", cx.base);
    let text = format!("The record was replaced by {other}; ask for that one.");
    Outcome::error(StatusCode::MOVED_PERMANENTLY, "deleted", text).with(LOCATION, &location)
}

/// What the parameters mean: a search of all types that can be in the compartments, with what these
/// refer to beside them; or, where `_type` names types outside, a search of these too.
pub(crate) fn meaning(
    interpreter: &Interpreter<'_>,
    whose: Whose,
    queries: &[&str],
    rules: Rules,
) -> Result<Meaning, listing::Refusal> {
    let pairs = queries.iter().flat_map(|query| query.split('&'));
    let own = |pair: &&str| matches!(&*parameters::decoded(pair).0, "start" | "end" | "_since");
    let (bounds, others): (Vec<&str>, Vec<&str>) = pairs.partition(own);
    let of = of(interpreter, whose)?;
    let (named, others) = one_type_list(&others);
    let mut types = of.searched();
    let beside: Vec<TypeId> = named.iter().copied().filter(|it| !types.contains(it)).collect();
    types.extend(beside);
    let searching = Searching { interpreter: *interpreter, types, many: true };
    let read = parameters::read(&[&others], rules, Some(&searching));
    let mut meaning = read.map_err(General::from)?;
    if named.is_empty() {
        meaning.includes.extend(includes(interpreter, &of));
    }
    for search in &mut meaning.types {
        let belongs = belonging(interpreter, &of, search.resource_type, &named, &bounds);
        let asked = std::mem::replace(&mut search.criterion, Criterion::everything());
        search.criterion = Criterion::All(vec![belongs.map_err(refused)?, asked]);
    }
    meaning.heard.extend(bounds.iter().map(|&bound| bound.to_owned()));
    if let Some(other) = of.replaced_by {
        let text = format!("The record was replaced by {other}; ask for that one.");
        meaning.notes.push(Issue::warning("informational", text));
    }
    Ok(meaning)
}

/// All types that `_type` names, each time it is there, and the parameters with one list of them.
fn one_type_list(pairs: &[&str]) -> (Vec<TypeId>, String) {
    let is_type = |pair: &&str| parameters::decoded(pair).0 == "_type";
    let (lists, others): (Vec<&str>, Vec<&str>) = pairs.iter().partition(|pair| is_type(pair));
    let values = lists.iter().map(|pair| parameters::decoded(pair).1.into_owned());
    let values: Vec<String> = values.filter(|value| !value.is_empty()).collect();
    let list = values.join(",");
    let named = list.split(',').filter_map(types::number).collect();
    if lists.len() < 2 {
        return (named, pairs.join("&"));
    }
    let list = Serializer::new(String::new()).append_pair("_type", &list).finish();
    (named, format!("{}&{list}", others.join("&")))
}

/// What of a type belongs to it: what is in the compartments, and of types outside, which are named
/// then, what is referred to. Devices are outside, but those of the patients always belong.
fn belonging(
    interpreter: &Interpreter<'_>,
    of: &Of,
    resource_type: TypeId,
    named: &[TypeId],
    bounds: &[&str],
) -> Result<Criterion, Miss> {
    if of.types.contains(&resource_type) {
        return inside(interpreter, of, resource_type, bounds);
    }
    let mut any = Vec::new();
    if let Some((device, _)) = &of.devices
        && *device == resource_type
    {
        any.push(inside(interpreter, of, resource_type, bounds)?);
    }
    if named.contains(&resource_type) {
        any.push(referred_to(interpreter, of, resource_type, bounds)?);
    }
    Ok(Criterion::Any(any))
}

/// What of a type is in the compartments, or a device of their patients, and within the bounds.
fn inside(
    interpreter: &Interpreter<'_>,
    of: &Of,
    resource_type: TypeId,
    bounds: &[&str],
) -> Result<Criterion, Miss> {
    let belongs = match &of.devices {
        Some((device, devices)) if *device == resource_type => devices,
        _ => &of.belongs,
    };
    let mut all = vec![belongs.clone()];
    for bound in bounds {
        all.extend(bounded(interpreter, resource_type, bound)?);
    }
    Ok(Criterion::All(all))
}

/// What of a type outside the compartments something in them refers to.
fn referred_to(
    interpreter: &Interpreter<'_>,
    of: &Of,
    target: TypeId,
    bounds: &[&str],
) -> Result<Criterion, Miss> {
    let mut any = Vec::new();
    for resource_type in of.searched() {
        let criterion = inside(interpreter, of, resource_type, bounds)?;
        let all = interpreter.catalogue.references(resource_type);
        any.extend(all.filter(|known| known.of.targets.contains(&target)).map(|known| {
            let source = TypeSearch { resource_type, criterion: criterion.clone() };
            Criterion::Has { source: Box::new(source), parameter: known.id }
        }));
    }
    Ok(Criterion::Any(any))
}

fn refused(miss: Miss) -> General {
    match miss {
        Miss::Fault(fault) => General::Fault(fault),
        Miss::Unknown(why) | Miss::Modifier(why) | Miss::Wrong(why) => {
            General::Content(vec![Issue::error("value", why)])
        }
    }
}

/// What the resources refer to outside the compartments, whose own are matches of some page.
fn includes(interpreter: &Interpreter<'_>, of: &Of) -> Vec<Include> {
    let mut rules = Vec::new();
    for source in of.searched() {
        let mut by_target: BTreeMap<TypeId, Vec<ParameterId>> = BTreeMap::new();
        for known in interpreter.catalogue.references(source) {
            let outside = known.of.targets.iter().filter(|target| !of.types.contains(target));
            for target in outside {
                by_target.entry(*target).or_default().push(known.id);
            }
        }
        rules.extend(by_target.into_iter().map(|(target, parameters)| Include {
            canonicals: Vec::new(),
            source,
            parameters,
            target: Some(target),
            reverse: false,
            iterate: false,
        }));
    }
    rules
}

/// What `start`, `end` or `_since` asks of a type: of those without a date, nothing.
fn bounded(
    interpreter: &Interpreter<'_>,
    of: TypeId,
    pair: &str,
) -> Result<Option<Criterion>, Miss> {
    let decoded = form_urlencoded::parse(pair.as_bytes()).next();
    let Some((name, value)) = decoded.filter(|(_, value)| !value.is_empty()) else {
        return Ok(None);
    };
    let (code, prefix) = match &*name {
        "start" => ("date", "ge"),
        "end" => ("date", "le"),
        _ => ("_lastUpdated", "ge"),
    };
    let path = Path::Plain { code, modifier: None };
    // A wrong date is one whatever types there are.
    date::interval(&value).map_err(|why| Miss::Wrong(format!("{name}: {why}.")))?;
    if code == "_lastUpdated" {
        return interpreter.criterion(of, &path, &format!("{prefix}{value}")).map(Some);
    }
    let Some(known) = interpreter.catalogue.find(of, code) else { return Ok(None) };
    let criterion = interpreter.criterion(of, &path, &format!("{prefix}{value}"))?;
    let undated = Criterion::Not(Box::new(Criterion::Present(known.id)));
    Ok(Some(Criterion::Any(vec![undated, criterion])))
}
