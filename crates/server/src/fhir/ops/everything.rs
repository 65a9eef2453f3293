//! <https://hl7.org/fhir/R4/patient-operation-everything.html> and its kin of Encounter and Group.
//!
//! A search of compartments: its pages, totals and links are those of a search.

use std::borrow::Cow;
use std::collections::BTreeMap;

use authority::DataAction;
use fhir::definitions::Compartment;
use http::StatusCode;
use http::header::LOCATION;
use json::Value;
use store::{Criterion, Include, Key, ParameterId, ResourceId, TypeId};

use super::Input;
use crate::exchange::Answer;
use crate::fhir::bundle;
use crate::fhir::context::Context;
use crate::fhir::outcome::{Issue, Outcome};
use crate::fhir::refusal::{self, General};
use crate::fhir::search::interpret::{Interpreter, Miss, local};
use crate::fhir::search::listing::{self, Listing};
use crate::fhir::search::name::Path;
use crate::fhir::search::parameters::{self, Meaning, Rules, Searching};
use crate::fhir::{resource, types};

/// `/Patient/1/$everything`
pub(crate) async fn everything(
    cx: &Context<'_>,
    key: Key,
    input: &Input,
) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Read)?;
    cx.snapshot().current(&key).map_err(General::from)?.ok_or_else(|| refusal::not_found(&key))?;
    let form = input.form()?;
    if cx.strict()
        && let Some(other) = replacing(cx, &key)?
    {
        return Err(moved(cx, &other));
    }
    Ok(listing::list(cx, Listing::Everything(key), &[cx.query, &form]).await?)
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

/// What the parameters mean: a search of all types that can be in the compartments.
pub(crate) fn meaning(
    interpreter: &Interpreter<'_>,
    key: Key,
    queries: &[&str],
    rules: Rules,
) -> Result<Meaning, listing::Refusal> {
    let pairs = queries.iter().flat_map(|query| query.split('&'));
    let own = |pair: &&str| matches!(pair.split('=').next(), Some("start" | "end" | "_since"));
    let (bounds, others): (Vec<&str>, Vec<&str>) = pairs.partition(own);
    let of = of(interpreter, key)?;
    let searching = Searching { interpreter: *interpreter, types: of.types.clone(), many: true };
    let read = parameters::read(&[&others.join("&")], rules, Some(&searching));
    let mut meaning = read.map_err(General::from)?;
    meaning.includes = includes(interpreter, &of);
    if meaning.types.len() < of.types.len() {
        let named = named_types(queries);
        let is_named = |target: TypeId| named.contains(&target);
        meaning.includes.retain(|rule| rule.target.is_some_and(is_named));
    }
    for search in &mut meaning.types {
        let mut all = vec![Criterion::Any(of.belongs.clone()), search.criterion.clone()];
        for bound in &bounds {
            let read = bounded(interpreter, search.resource_type, bound);
            all.extend(read.map_err(refused)?);
        }
        search.criterion = Criterion::All(all);
    }
    meaning.heard.extend(bounds.iter().map(|&bound| bound.to_owned()));
    if let Some(other) = of.replaced_by {
        let text = format!("The record was replaced by {other}; ask for that one.");
        meaning.notes.push(Issue::warning("informational", text));
    }
    Ok(meaning)
}

/// All types that `_type` names.
fn named_types(queries: &[&str]) -> Vec<TypeId> {
    let pairs = queries.iter().flat_map(|query| form_urlencoded::parse(query.as_bytes()));
    let values = pairs.filter(|(name, _)| name == "_type").map(|(_, value)| value);
    values
        .flat_map(|value| value.split(',').filter_map(types::number).collect::<Vec<_>>())
        .collect()
}

fn refused(miss: Miss) -> General {
    match miss {
        Miss::Fault(fault) => General::Fault(fault),
        Miss::Unknown(why) | Miss::Modifier(why) | Miss::Wrong(why) => {
            General::Content(vec![Issue::error("value", why)])
        }
    }
}

/// What belongs to a resource.
struct Of {
    types: Vec<TypeId>,
    /// One of these holds for everything that does.
    belongs: Vec<Criterion>,
    replaced_by: Option<String>,
}

fn of(interpreter: &Interpreter<'_>, key: Key) -> Result<Of, General> {
    let name = types::name(key.resource_type);
    let compartment = if name == "Group" { "Patient" } else { name };
    let all = interpreter.registry.base().compartments().find(compartment);
    let members = all.into_iter().flat_map(Compartment::types);
    let mut types: Vec<TypeId> = members.filter_map(types::number).collect();
    if !types.contains(&key.resource_type) {
        types.push(key.resource_type);
    }
    let mut of = Of { types, belongs: vec![Criterion::Keys(vec![key])], replaced_by: None };
    if name != "Group" {
        of.belongs.push(Criterion::Compartment(key));
    }
    let Some(version) = interpreter.stored(&key)? else { return Ok(of) };
    let document = resource::body(&version)?;
    let listed = |list: &str| document.root().get(list).into_iter().flat_map(Value::elements);
    for (kind, other) in links(document.root(), interpreter.bases).filter(|_| name == "Patient") {
        match &*kind {
            "seealso" => of.belongs.push(Criterion::Compartment(other)),
            "replaced-by" => of.replaced_by = Some(bundle::reference(&other)),
            _ => {}
        }
    }
    for member in listed("member").filter(|_| name == "Group") {
        let entity = member.get("entity").and_then(|entity| patient(interpreter.bases, entity));
        of.belongs.extend(entity.map(Criterion::Compartment));
    }
    Ok(of)
}

/// The links of a patient to others of this service, each with its type.
fn links<'d>(patient: Value<'d>, bases: &[String]) -> impl Iterator<Item = (Cow<'d, str>, Key)> {
    let links = patient.get("link").into_iter().flat_map(Value::elements);
    links.filter_map(|link| {
        Some((link.get("type")?.as_str()?, self::patient(bases, link.get("other")?)?))
    })
}

/// The patient of this service that a Reference names.
fn patient(bases: &[String], reference: Value<'_>) -> Option<Key> {
    let text = reference.get("reference")?.as_str()?;
    let text = local(bases, &text).unwrap_or(&text);
    let id = ResourceId::new(text.strip_prefix("Patient/")?)?;
    Some(Key { resource_type: types::number("Patient")?, id })
}

/// What the resources refer to outside the compartments, whose own are matches of some page.
fn includes(interpreter: &Interpreter<'_>, of: &Of) -> Vec<Include> {
    let mut rules = Vec::new();
    for source in of.types.iter().copied() {
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
    if code == "_lastUpdated" {
        return interpreter.criterion(of, &path, &format!("{prefix}{value}")).map(Some);
    }
    // A wrong date is one whatever types there are.
    crate::fhir::search::date::interval(&value)
        .map_err(|why| Miss::Wrong(format!("{name}: {why}.")))?;
    let Some(known) = interpreter.catalogue.find(of, code) else { return Ok(None) };
    let criterion = interpreter.criterion(of, &path, &format!("{prefix}{value}"))?;
    let undated = Criterion::Not(Box::new(Criterion::Present(known.id)));
    Ok(Some(Criterion::Any(vec![undated, criterion])))
}
