//! <https://hl7.org/fhir/R4/search.html#ptypes>: the values of a parameter in a resource, read from
//! plain JSON.

use serde_json::Value;

use super::decimal::{Decimal, decimal};
use super::moment::{FUTURE, PAST, Span, span};
use super::parameters::{Kind, Parameter};

/// What a number begins with in the JSON of the data sets, where it is a string, so that its digits
/// are not lost.
pub(super) const NUMBER: char = '\u{a7}';

/// The end of a range of numbers, and whether the number itself lies outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) value: Decimal,
    pub(super) open: bool,
}

/// From a side to a side; none is open for ever.
pub(super) type Range = (Option<Side>, Option<Side>);

/// One value that a search can find.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Text(String),
    Token(Token),
    Reference(Reference),
    Date(Span),
    Number(Range),
    Quantity { range: Range, system: Option<String>, code: Option<String>, unit: Option<String> },
    Uri { url: String, version: Option<String> },
    Composite(Vec<Vec<Found>>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Token {
    pub(super) system: Option<String>,
    pub(super) code: Option<String>,
    pub(super) text: Option<String>,
    /// Of an identifier: system and code of its type.
    pub(super) types: Vec<(Option<String>, String)>,
}

#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub(super) text: Option<String>,
    pub(super) identifier: Option<Token>,
}

pub(super) fn values(parameter: &Parameter, resource: &Value) -> Vec<Found> {
    let mut found = Vec::new();
    for (path, data_type) in &parameter.paths {
        for element in elements(resource, path) {
            match parameter.kind {
                Kind::Composite => found.extend(composite(parameter, element)),
                kind => convert(kind, data_type, element, &mut found),
            }
        }
        if let Some((path, type_name)) = path.split_once('@') {
            let of_type = elements(resource, path)
                .into_iter()
                .filter(|element| leads_to(resource, element).as_deref() == Some(type_name));
            of_type.for_each(|element| convert(parameter.kind, data_type, element, &mut found));
        }
    }
    found
}

/// What stands at a path, lists taken apart; at `a@Type` nothing, since that needs the resource.
fn elements<'v>(resource: &'v Value, path: &str) -> Vec<&'v Value> {
    if path.contains('@') {
        return Vec::new();
    }
    let mut at = vec![resource];
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let (key, only) = step.strip_suffix(']').map_or((step, None), |step| {
            let (key, only) = step.split_once('[').expect("a condition");
            (key, only.split_once('='))
        });
        let next = at.into_iter().filter_map(|element| element.get(key));
        let each = next.flat_map(|value| match value {
            Value::Array(items) => items.iter().collect(),
            value => vec![value],
        });
        at = each.filter(|value| only.is_none_or(|(key, wanted)| value[key] == wanted)).collect();
    }
    at
}

/// The type of what a reference leads to, as far as it can be told without going there.
fn leads_to(resource: &Value, reference: &Value) -> Option<String> {
    let text = reference["reference"].as_str().unwrap_or_default();
    if let Some(id) = text.strip_prefix('#') {
        let contained = resource["contained"].as_array()?;
        let target = contained.iter().find(|target| target["id"] == id)?;
        return target["resourceType"].as_str().map(str::to_owned);
    }
    let path = text.split("/_history/").next().unwrap_or_default();
    let mut parts = path.rsplit('/').skip(1);
    let named = parts.next().filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()));
    named.or(reference["type"].as_str()).map(str::to_owned)
}

fn composite(parameter: &Parameter, element: &Value) -> Option<Found> {
    let parts: Vec<_> = parameter.components.iter().map(|part| values(part, element)).collect();
    parts.iter().all(|part| !part.is_empty()).then_some(Found::Composite(parts))
}

fn convert(kind: Kind, data_type: &str, element: &Value, found: &mut Vec<Found>) {
    match kind {
        Kind::Str => texts(data_type, element, found),
        Kind::Token => tokens(data_type, element, found),
        Kind::Reference => {
            let (text, identifier) = (member(element, "reference"), element.get("identifier"));
            let identifier = identifier.map(identifier_token);
            if text.is_some() || identifier.is_some() {
                found.push(Found::Reference(Reference { text, identifier }));
            }
        }
        Kind::Date => found.extend(date(data_type, element).map(Found::Date)),
        Kind::Number if data_type == "Range" => {
            found.push(Found::Number((side(&element["low"]), side(&element["high"]))));
        }
        Kind::Number => found.push(Found::Number(exactly(number(element).expect("a number")))),
        Kind::Quantity => found.extend(quantity(data_type, element)),
        Kind::Uri => {
            let text = element.as_str().expect("a URL");
            let (url, version) = match text.split_once('|') {
                Some((url, version)) if data_type == "canonical" => (url, Some(version.to_owned())),
                _ => (text, None),
            };
            found.push(Found::Uri { url: url.to_owned(), version });
        }
        Kind::Composite => unreachable!("a composite has no composite"),
    }
}

fn member(element: &Value, key: &str) -> Option<String> {
    element.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn texts(data_type: &str, element: &Value, found: &mut Vec<Found>) {
    let keys: &[&str] = match data_type {
        "HumanName" => &["text", "family", "given", "prefix", "suffix"],
        "Address" => &["text", "line", "city", "district", "state", "postalCode", "country"],
        _ => {
            return found.extend(element.as_str().map(|text| Found::Text(text.to_owned())));
        }
    };
    let parts = keys.iter().flat_map(|key| elements(element, key));
    found.extend(parts.filter_map(Value::as_str).map(|text| Found::Text(text.to_owned())));
}

fn coding(element: &Value) -> Token {
    Token {
        system: member(element, "system"),
        code: member(element, "code"),
        text: member(element, "display"),
        types: Vec::new(),
    }
}

fn identifier_token(element: &Value) -> Token {
    let kind = element.get("type");
    let types = kind
        .into_iter()
        .flat_map(|kind| elements(kind, "coding"))
        .filter_map(|coding| Some((member(coding, "system"), member(coding, "code")?)));
    Token {
        system: member(element, "system"),
        code: member(element, "value"),
        text: kind.and_then(|kind| member(kind, "text")),
        types: types.collect(),
    }
}

fn tokens(data_type: &str, element: &Value, found: &mut Vec<Found>) {
    let plain = |code: String| Token { code: Some(code), ..Token::default() };
    match data_type {
        "CodeableConcept" => {
            let codings = elements(element, "coding").into_iter().map(coding);
            found.extend(codings.map(Found::Token));
            let text =
                member(element, "text").map(|text| Token { text: Some(text), ..Token::default() });
            found.extend(text.map(Found::Token));
        }
        "Coding" => found.push(Found::Token(coding(element))),
        "Identifier" => found.push(Found::Token(identifier_token(element))),
        "ContactPoint" => {
            let Some(code) = member(element, "value") else { return };
            let systems = [member(element, "use"), member(element, "system")];
            let named: Vec<_> = systems.into_iter().flatten().collect();
            let token = |system| Token { system, ..plain(code.clone()) };
            if named.is_empty() {
                found.push(Found::Token(token(None)));
            }
            found.extend(named.into_iter().map(|system| Found::Token(token(Some(system)))));
        }
        "boolean" => found.push(Found::Token(plain(element.to_string()))),
        // Whether somebody is dead is always known: who has no such element is not.
        "deceased" => {
            let dead = match element.get("deceasedBoolean") {
                Some(dead) => dead == true,
                None => element.get("deceasedDateTime").is_some(),
            };
            found.push(Found::Token(plain(dead.to_string())));
        }
        _ => found.extend(element.as_str().map(|code| Found::Token(plain(code.to_owned())))),
    }
}

fn date(data_type: &str, element: &Value) -> Option<Span> {
    let moment = |element: &Value| element.as_str().map(span);
    match data_type {
        "Period" => {
            let (start, end) = (moment(&element["start"]), moment(&element["end"]));
            start.or(end)?;
            Some((start.map_or(PAST, |it| it.0), end.map_or(FUTURE, |it| it.1)))
        }
        "Timing" => {
            let events = elements(element, "event").into_iter().filter_map(moment);
            let bounds = elements(element, "repeat.boundsPeriod").into_iter();
            let bounds = bounds.filter_map(|period| date("Period", period));
            events.chain(bounds).reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
        }
        _ => moment(element),
    }
}

fn number(element: &Value) -> Option<Decimal> {
    Some(decimal(element.as_str()?.strip_prefix(NUMBER)?))
}

fn exactly(value: Decimal) -> Range {
    let side = Some(Side { value, open: false });
    (side, side)
}

/// The side of a Range.
fn side(element: &Value) -> Option<Side> {
    Some(Side { value: number(element.get("value")?)?, open: false })
}

fn quantity(data_type: &str, element: &Value) -> Option<Found> {
    let (range, unit) = match data_type {
        "Range" => {
            let (low, high) = (element.get("low"), element.get("high"));
            ((low.and_then(side), high.and_then(side)), low.or(high)?)
        }
        "SampledData" => {
            let origin = number(&element["origin"]["value"])?;
            let samples = element["data"].as_str()?.split(' ').map(decimal);
            let (low, high) = (samples.clone().min()?, samples.max()?);
            let side = |sample: Decimal| Some(Side { value: origin.plus(sample), open: false });
            ((side(low), side(high)), &element["origin"])
        }
        _ => (compared(number(element.get("value")?)?, &element["comparator"]), element),
    };
    let (mut system, mut code) = (member(unit, "system"), member(unit, "code"));
    if data_type == "Money" {
        code = member(element, "currency");
        system = code.is_some().then(|| "urn:iso:std:iso:4217".to_owned());
    }
    Some(Found::Quantity { range, system, code, unit: member(unit, "unit") })
}

fn compared(value: Decimal, comparator: &Value) -> Range {
    let side = |open| Some(Side { value, open });
    match comparator.as_str() {
        Some("<") => (None, side(true)),
        Some("<=") => (None, side(false)),
        Some(">") => (side(true), None),
        Some(">=") => (side(false), None),
        _ => exactly(value),
    }
}
