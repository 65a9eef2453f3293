//! <https://hl7.org/fhir/R4/search.html#modifiers> and `#prefix`: whether a value is what was asked
//! for.

use super::decimal::{Decimal, written};
use super::extract::{Found, Range, Reference, Side, Token};
use super::moment::{self, Span, span};
use super::parameters::{IMPLIED, Kind, Parameter};
use super::text::{fold, parts, plain};
use super::units::{self, Unit};
use super::world::World;

const UCUM: &str = "http://unitsofmeasure.org";
const PREFIXES: [&str; 9] = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

/// Whether a value of the parameter passes one of the values that commas part.
pub(super) fn passes(
    world: &World,
    parameter: &Parameter,
    modifier: Option<&str>,
    wanted: &str,
    found: &Found,
) -> bool {
    match found {
        Found::Composite(components) => {
            let wanted = parts(wanted, '$');
            let pairs = parameter.components.iter().zip(components).zip(&wanted);
            pairs.into_iter().all(|((component, values), wanted)| {
                values.iter().any(|value| passes(world, component, None, wanted, value))
            })
        }
        Found::Text(text) => string(modifier, &plain(wanted), text),
        Found::Token(found) => match modifier {
            Some("text") => {
                found.text.as_ref().is_some_and(|text| begins_a_word(text, &plain(wanted)))
            }
            Some("of-type") => of_type(wanted, found),
            _ => token(implied(parameter), wanted, found),
        },
        Found::Reference(found) => match modifier {
            Some("identifier") => {
                found.identifier.as_ref().is_some_and(|found| token(None, wanted, found))
            }
            only => reference(world, parameter, only, &plain(wanted), found),
        },
        Found::Date(found) => date(wanted, *found),
        Found::Number(found) => {
            let (prefix, number) = prefixed(wanted);
            number_fits(prefix, &searched(prefix, number, &units::NONE), *found)
        }
        Found::Quantity { range, system, code, unit } => {
            quantity(wanted, *range, [system, code, unit].map(Option::as_deref))
        }
        Found::Uri { url, version } => {
            uri(parameter.kind, modifier, wanted, url, version.as_deref())
        }
    }
}

fn string(modifier: Option<&str>, wanted: &str, text: &str) -> bool {
    match modifier {
        Some("exact") => text == wanted,
        Some("contains") => fold(text).contains(&fold(wanted)),
        _ => fold(text).starts_with(&fold(wanted)),
    }
}

/// R4 leaves open which part of a text is looked at; each word is, from its beginning.
fn begins_a_word(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (fold(text), fold(wanted));
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        if !before.is_alphanumeric() && text[at..].starts_with(&wanted) {
            return true;
        }
        before = letter;
    }
    false
}

fn implied(parameter: &Parameter) -> Option<&'static str> {
    let known = IMPLIED.iter().find(|(of, code, _)| *of == parameter.of && *code == parameter.code);
    known.map(|(.., system)| *system)
}

fn token(implied: Option<&str>, wanted: &str, found: &Token) -> bool {
    let wanted: Vec<String> = parts(wanted, '|').iter().map(|part| plain(part)).collect();
    let is = |code: &str| found.code.as_deref() == Some(code);
    match wanted.as_slice() {
        [code] => is(code),
        [system, code] if system.is_empty() => found.system.is_none() && is(code),
        [system, code] => {
            let system = Some(system.as_str());
            let of_system = found.system.as_deref().or(implied) == system;
            of_system && (code.is_empty() || is(code))
        }
        _ => unreachable!("a token has two parts at most"),
    }
}

fn of_type(wanted: &str, found: &Token) -> bool {
    let wanted: Vec<String> = parts(wanted, '|').iter().map(|part| plain(part)).collect();
    let [system, code, value] = wanted.as_slice() else { unreachable!("three parts") };
    let is_it = |(its, of): &(Option<String>, String)| {
        of == code && its.as_deref().unwrap_or_default() == system
    };
    found.code.as_ref() == Some(value) && found.types.iter().any(is_it)
}

/// `only` is a type that the reference must lead to.
fn reference(
    world: &World,
    parameter: &Parameter,
    only: Option<&str>,
    wanted: &str,
    found: &Reference,
) -> bool {
    let Some(text) = &found.text else { return false };
    let targets = only.map_or_else(|| parameter.targets.clone(), |only| vec![only]);
    let local = world.local(text);
    if !wanted.contains('/') {
        return local.is_some_and(|((of, id), _)| id == wanted && targets.contains(&of.as_str()));
    }
    match (world.local(wanted), local) {
        (Some((key, version)), Some((found, its))) => {
            key == found && (version.is_none() || version == its)
        }
        (None, None) => wanted == text,
        _ => false,
    }
}

fn prefixed(wanted: &str) -> (&str, &str) {
    let known = PREFIXES.iter().find(|prefix| wanted.starts_with(**prefix));
    known.map_or(("eq", wanted), |prefix| (*prefix, &wanted[prefix.len()..]))
}

fn date(wanted: &str, found: Span) -> bool {
    let (prefix, text) = prefixed(wanted);
    let mut asked = span(text);
    if prefix == "ap" {
        let now = moment::now();
        let gap = if now < asked.0 { asked.0 - now } else { (now - asked.1).max(0) };
        asked = (asked.0 - gap / 10, asked.1 + gap / 10);
        return found.0 < asked.1 && found.1 > asked.0;
    }
    let contains = asked.0 <= found.0 && found.1 <= asked.1;
    let (above, below) = (found.1 > asked.1, found.0 < asked.0);
    match prefix {
        "eq" => contains,
        "ne" => !contains,
        "gt" => above,
        "lt" => below,
        // The range above a date begins with it.
        "ge" => found.1 > asked.0,
        "le" => found.0 < asked.1,
        "sa" => found.0 >= asked.1,
        _ => found.1 <= asked.0,
    }
}

/// What a number asks for: itself, and from where to before where it is meant.
struct Searched {
    exact: Decimal,
    low: Decimal,
    high: Decimal,
}

fn searched(prefix: &str, number: &str, unit: &Unit) -> Searched {
    let number = written(number);
    let around = if prefix == "ap" { number.value.tenth() } else { number.half };
    Searched {
        exact: unit.base(number.value),
        low: unit.base(number.value.minus(around)),
        high: unit.base(number.value.plus(around)),
    }
}

/// A range above the number has something in common with what was found.
fn reaches(side: Option<Side>, beyond: impl Fn(Decimal) -> bool) -> bool {
    side.is_none_or(|side| beyond(side.value))
}

fn number_fits(prefix: &str, asked: &Searched, found: Range) -> bool {
    let (low, high) = found;
    let closed_at =
        |side: Option<Side>| side.is_some_and(|side| !side.open && side.value == asked.exact);
    let contains = low.is_some_and(|low| asked.low <= low.value)
        && high.is_some_and(|high| high.value < asked.high || closed_at(Some(high)));
    let above = reaches(high, |high| high > asked.exact);
    let below = reaches(low, |low| low < asked.exact);
    match prefix {
        "eq" => contains,
        "ne" => !contains,
        "gt" => above,
        "lt" => below,
        "ge" => above || closed_at(high),
        "le" => below || closed_at(low),
        "sa" => {
            low.is_some_and(|low| low.value > asked.exact || low.open && low.value == asked.exact)
        }
        "eb" => high
            .is_some_and(|high| high.value < asked.exact || high.open && high.value == asked.exact),
        _ => {
            let from = low
                .is_none_or(|low| low.value < asked.high || !low.open && low.value == asked.high);
            let to = high
                .is_none_or(|high| high.value > asked.low || !high.open && high.value == asked.low);
            from && to
        }
    }
}

fn quantity(wanted: &str, found: Range, [system, code, unit]: [Option<&str>; 3]) -> bool {
    let wanted: Vec<String> = parts(wanted, '|').iter().map(|part| plain(part)).collect();
    let (prefix, number) = prefixed(&wanted[0]);
    let as_given = || number_fits(prefix, &searched(prefix, number, &units::NONE), found);
    let [_, asked_system, asked_code] = wanted.as_slice() else { return as_given() };
    if asked_system.is_empty() {
        let is_it = |given: Option<&str>| given == Some(asked_code);
        return (is_it(code) || is_it(unit)) && as_given();
    }
    if asked_system == UCUM
        && let Some(asked) = units::of(asked_code)
    {
        let its = code.filter(|_| system == Some(UCUM)).and_then(units::of);
        return its.filter(|its| its.measures == asked.measures).is_some_and(|its| {
            number_fits(prefix, &searched(prefix, number, asked), its.range(found))
        });
    }
    system == Some(asked_system) && code == Some(asked_code) && as_given()
}

fn uri(kind: Kind, modifier: Option<&str>, wanted: &str, url: &str, version: Option<&str>) -> bool {
    assert_eq!(kind, Kind::Uri);
    let below = |url: &str, above: &str| {
        url.strip_prefix(above)
            .is_some_and(|rest| rest.is_empty() || above.ends_with('/') || rest.starts_with('/'))
    };
    match modifier {
        Some("below") => below(url, &plain(wanted)),
        Some("above") => below(&plain(wanted), url),
        _ => match parts(wanted, '|').as_slice() {
            [wanted, its] => plain(wanted) == url && version == Some(&plain(its)),
            _ => plain(wanted) == url,
        },
    }
}
