//! <https://hl7.org/fhir/R4/search_filter.html>: what a `_filter` asks, in the words of a search.
//! `filter_text.rs` reads its text.

use fhir::definitions::SearchKind;
use fhir::search::fold;
use store::{Criterion, StringTest, Test, TypeId};

use super::filter_text::{self, Condition, Filter, Hop};
use super::interpret::{Interpreter, Miss, wrong};
use super::{name, test};

/// Systems that a token may name by a word.
const SYSTEMS: [(&str, &str); 4] = [
    ("loinc|", "http://loinc.org|"),
    ("snomed|", "http://snomed.info/sct|"),
    ("rxnorm|", "http://www.nlm.nih.gov/research/umls/rxnorm|"),
    ("ucum|", "http://unitsofmeasure.org|"),
];

/// What a `_filter` asks of a resource of the type. Whatever in it is not understood makes it a
/// wrong value: without its filter a search would find what nobody asked for.
pub(crate) fn filter(
    interpreter: &Interpreter<'_>,
    of: TypeId,
    value: &str,
) -> Result<Criterion, Miss> {
    let filter = match filter_text::read(value) {
        Ok(filter) => filter,
        Err(why) => return wrong(format!("_filter: {why}.")),
    };
    criterion(interpreter, of, &filter).map_err(|miss| match miss {
        Miss::Unknown(why) | Miss::Modifier(why) | Miss::Wrong(why) => {
            let named = why.starts_with("_filter");
            Miss::Wrong(if named { why } else { format!("_filter: {why}") })
        }
        fault @ Miss::Fault(_) => fault,
    })
}

fn criterion(
    interpreter: &Interpreter<'_>,
    of: TypeId,
    filter: &Filter,
) -> Result<Criterion, Miss> {
    let each = |filters: &[Filter]| {
        let criteria = filters.iter().map(|filter| criterion(interpreter, of, filter));
        criteria.collect::<Result<Vec<_>, Miss>>()
    };
    Ok(match filter {
        Filter::All(all) => Criterion::All(each(all)?),
        Filter::Any(any) => Criterion::Any(each(any)?),
        Filter::Not(inner) => not(criterion(interpreter, of, inner)?),
        Filter::Condition(condition) => along(interpreter, of, &condition.path, condition)?,
    })
}

fn not(criterion: Criterion) -> Criterion {
    Criterion::Not(Box::new(criterion))
}

/// What holds at the end of a path, each hop of which may have a filter of its own: the same
/// resource then has to pass it and lead on.
fn along(
    interpreter: &Interpreter<'_>,
    of: TypeId,
    path: &[Hop],
    condition: &Condition,
) -> Result<Criterion, Miss> {
    let Some((hop, rest)) = path.split_first() else {
        return wrong("_filter: a condition begins with a parameter.");
    };
    let path = name::path(&hop.name).map_err(Miss::Wrong)?;
    interpreter.along(of, &path, &|of, code, modifier| match &hop.filter {
        None if modifier.is_some() => {
            wrong(format!("_filter: '{code}' has no modifiers there; operators say what is meant."))
        }
        None => compare(interpreter, of, code, (&condition.operator, &condition.value)),
        Some(filter) => interpreter.lead(of, (code, modifier), &|of| {
            let passes = criterion(interpreter, of, filter)?;
            Ok(Criterion::All(vec![passes, along(interpreter, of, rest, condition)?]))
        }),
    })
}

/// What an operator asks of a parameter.
fn compare(
    interpreter: &Interpreter<'_>,
    of: TypeId,
    code: &str,
    (operator, value): (&str, &str),
) -> Result<Criterion, Miss> {
    use SearchKind::{Date, Number, Quantity, Reference, String, Token, Uri};
    let kind = match code {
        "_id" => Token,
        "_lastUpdated" => Date,
        code => interpreter.find(of, code)?.of.kind,
    };
    let value = match kind {
        Token => with_system(value),
        _ => value.to_owned(),
    };
    let with = |modifier: Option<&'static str>, value: &str| {
        interpreter.plain(of, code, modifier, &value.replace(',', "\\,"))
    };
    match (kind, operator) {
        (_, "pr") => match &*value {
            "true" => with(Some("missing"), "false"),
            "false" => with(Some("missing"), "true"),
            other => wrong(format!("_filter: pr is true or false, not '{other}'.")),
        },
        (String, operator) => string(interpreter, of, code, (operator, &value)),
        (Token | Reference | Uri, "ne") if code != "_id" => {
            let known = interpreter.find(of, code)?;
            let tests = test::plain(interpreter, &known.of, &value.replace(',', "\\,"))?;
            Ok(Criterion::Value(known.id, Test::Other(tests)))
        }
        (Token, "ne") => with(Some("not"), &value),
        (Token | Reference | Uri, "eq") | (Reference, "re") => with(None, &value),
        (Token, "in") => with(Some("in"), &value),
        (Token, "ni") => with(Some("not-in"), &value),
        (Token, "ss") => with(Some("below"), &value),
        (Token, "sb") => with(Some("above"), &value),
        (Uri, "sw" | "ss") => with(Some("below"), &value),
        (Uri, "sb") => with(Some("above"), &value),
        (
            Date | Number | Quantity,
            "eq" | "ne" | "gt" | "lt" | "ge" | "le" | "ap" | "sa" | "eb",
        ) => with(None, &format!("{operator}{value}")),
        // What overlaps neither ends before nor begins after.
        (Date, "po") => Ok(Criterion::All(vec![
            with(Some("missing"), "false")?,
            not(with(None, &format!("eb{value}"))?),
            not(with(None, &format!("sa{value}"))?),
        ])),
        (kind, operator) => no_operator(operator, kind),
    }
}

fn no_operator<T>(operator: &str, kind: SearchKind) -> Result<T, Miss> {
    wrong(format!(
        "_filter: there is no operator '{operator}' for a parameter of type {}.",
        kind.code()
    ))
}

/// Texts are compared whatever their case is.
fn string(
    interpreter: &Interpreter<'_>,
    of: TypeId,
    code: &str,
    (operator, value): (&str, &str),
) -> Result<Criterion, Miss> {
    let text = fold(value.trim()).into();
    let test = match operator {
        "eq" => Test::String(StringTest::Is(text)),
        "ne" => Test::Other(vec![Test::String(StringTest::Is(text))]),
        "co" => Test::String(StringTest::Contains(text)),
        "sw" => Test::String(StringTest::StartsWith(text)),
        "ew" => Test::String(StringTest::EndsWith(text)),
        operator => return no_operator(operator, SearchKind::String),
    };
    Ok(Criterion::Value(interpreter.find(of, code)?.id, test))
}

/// A token whose system was named by a word.
fn with_system(value: &str) -> String {
    let named = SYSTEMS.iter().find_map(|(word, system)| {
        let code = value.strip_prefix(word)?;
        Some(format!("{system}{code}"))
    });
    named.unwrap_or_else(|| value.to_owned())
}
