//! <https://hl7.org/fhir/R4/search.html#ptypes>: one value of a parameter as a condition on the
//! values of resources, by the type of the parameter.

use fhir::definitions::SearchKind;
use fhir::search::fold;
use store::{Criterion, StringTest, Test, UriTest};

use super::catalogue::{Component, Known};
use super::interpret::{Interpreter, Miss, no_modifier, unknown, wrong};
use super::{date, number, reference, text, token};

/// What must hold for one value, still escaped, of a parameter: one of these.
pub(crate) fn criteria(
    interpreter: &Interpreter<'_>,
    known: &Known,
    modifier: Option<&str>,
    value: &str,
) -> Result<Vec<Criterion>, Miss> {
    if known.of.kind == SearchKind::Token {
        return token::criteria(interpreter, known, modifier, value);
    }
    let tests = match (known.of.kind, modifier) {
        (SearchKind::Composite, None) => composite(interpreter, known, value)?,
        (SearchKind::String, Some(modifier)) => vec![string(modifier, value, &known.code)?],
        (SearchKind::Uri, Some(modifier)) => vec![uri(modifier, value, &known.code)?],
        (SearchKind::Reference, Some(modifier)) => {
            reference::modified(interpreter, known, modifier, value)?
        }
        (_, None) => plain(interpreter, &known.of, value)?,
        (_, Some(modifier)) => return unsupported(&known.code, modifier),
    };
    Ok(tests.into_iter().map(|test| Criterion::Value(known.id, test)).collect())
}

pub(crate) fn unsupported<T>(code: &str, modifier: &str) -> Result<T, Miss> {
    no_modifier(format!("The modifier '{modifier}' is not supported for '{code}'."))
}

/// A value without modifier: any of these tests.
pub(crate) fn plain(
    interpreter: &Interpreter<'_>,
    of: &Component,
    value: &str,
) -> Result<Vec<Test>, Miss> {
    let one = |test: Result<Test, String>| test.map(|test| vec![test]).map_err(Miss::Wrong);
    match of.kind {
        SearchKind::String => {
            let text = folded(value).map_err(Miss::Wrong)?;
            Ok(vec![Test::String(StringTest::StartsWith(text))])
        }
        SearchKind::Token => token::tests(interpreter, of, value),
        SearchKind::Reference => reference::tests(interpreter, of, value),
        SearchKind::Date => {
            one(date::test(&text::plain(value), (interpreter.now, interpreter.dates)))
        }
        SearchKind::Number => one(number::number(&text::plain(value))),
        SearchKind::Quantity => one(number::quantity(value)),
        SearchKind::Uri => Ok(vec![Test::Uri(exact_uri(value))]),
        SearchKind::Composite | SearchKind::Special | SearchKind::Resource => {
            unknown("A parameter of this type cannot be searched by a value.")
        }
    }
}

/// The text that is looked for. One of nothing but white space or accents would find everything
/// that has a value, which is not what anybody means by it.
pub(super) fn folded(value: &str) -> Result<Box<str>, String> {
    let plain = text::plain(value);
    let text = fold(plain.trim());
    if text.is_empty() {
        return Err(format!("'{plain}' has nothing to look for"));
    }
    Ok(text.into())
}

/// `value$value`: every component in one element.
fn composite(interpreter: &Interpreter<'_>, known: &Known, value: &str) -> Result<Vec<Test>, Miss> {
    let parts = text::parts(value, '$');
    if parts.len() != known.components.len() || parts.iter().any(|part| part.is_empty()) {
        let count = known.components.len();
        return wrong(format!("'{value}' does not have the {count} parts, with $ between them"));
    }
    let mut all: Vec<Vec<Test>> = vec![Vec::new()];
    for (component, part) in known.components.iter().zip(parts) {
        let tests = plain(interpreter, component, part)?;
        let with = |begun: &Vec<Test>| {
            let begun = begun.clone();
            tests.clone().into_iter().map(move |test| {
                let mut longer = begun.clone();
                longer.push(test);
                longer
            })
        };
        all = all.iter().flat_map(with).collect();
    }
    Ok(all.into_iter().map(Test::Composite).collect())
}

fn string(modifier: &str, value: &str, code: &str) -> Result<Test, Miss> {
    let text = text::plain(value);
    Ok(Test::String(match modifier {
        "exact" => StringTest::Exact(text.into()),
        "contains" if fold(&text).is_empty() => {
            return wrong(format!("'{text}' has nothing to look for"));
        }
        "contains" => StringTest::Contains(fold(&text).into()),
        other => return unsupported(code, other),
    }))
}

fn uri(modifier: &str, value: &str, code: &str) -> Result<Test, Miss> {
    let text = text::plain(value);
    Ok(Test::Uri(match modifier {
        "below" => UriTest::Below(text.into()),
        "above" => UriTest::Above(text.into()),
        other => return unsupported(code, other),
    }))
}

/// `url` or `url|version`.
fn exact_uri(value: &str) -> UriTest {
    let parts = text::parts(value, '|');
    match parts.as_slice() {
        [url, version] if !version.is_empty() => UriTest::Exact {
            url: text::plain(url).into(),
            version: Some(text::plain(version).into()),
        },
        _ => UriTest::Exact { url: text::plain(value).trim_end_matches('|').into(), version: None },
    }
}
