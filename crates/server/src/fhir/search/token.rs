//! <https://hl7.org/fhir/R4/search.html#token>

use std::collections::BTreeMap;

use store::{Criterion, Test, TokenTest, folded_code};

use super::catalogue::{Component, Known};
use super::codes::{self, Code};
use super::interpret::{Interpreter, Miss, wrong};
use super::test::{folded, unsupported};
use super::text;

/// The system that R4 implies of `true` and `false`.
const SPECIAL_VALUES: &str = "http://terminology.hl7.org/CodeSystem/special-values";

/// What must hold for one value of a token: one of these.
pub(crate) fn criteria(
    interpreter: &Interpreter<'_>,
    known: &Known,
    modifier: Option<&str>,
    value: &str,
) -> Result<Vec<Criterion>, Miss> {
    let of = &known.of;
    let tests = match modifier {
        None => tests(interpreter, of, value)?,
        Some("text") => {
            let text = folded(value).map_err(Miss::Wrong)?;
            vec![Test::Token(TokenTest::Text(text))]
        }
        Some("of-type") => vec![of_type(value)?],
        Some("in") => every(interpreter, of, codes::of_value_set(interpreter, value)?),
        Some("below") if is_mime(value) => vec![mime(value)],
        Some("below") => related(interpreter, of, value, codes::below)?,
        Some("above") => related(interpreter, of, value, codes::above)?,
        Some(other) => return unsupported(&known.code, other),
    };
    let mut criteria: Vec<Criterion> =
        tests.into_iter().map(|test| Criterion::Value(known.id, test)).collect();
    // `system|` of a system that is implied: every code there is.
    if modifier.is_none()
        && let Ok(Form::System(system)) = form(value)
        && codes::implied(interpreter, of) == [system.as_str()]
    {
        criteria.push(Criterion::Present(known.id));
    }
    Ok(criteria)
}

/// What a value says.
enum Form {
    Code(String),
    NoSystem(String),
    System(String),
    Both(Code),
}

fn form(value: &str) -> Result<Form, Miss> {
    let parts: Vec<String> = text::parts(value, '|').into_iter().map(text::plain).collect();
    let part = |place: usize| parts.get(place).map(|part| part.trim().to_owned());
    match (part(0), part(1), part(2)) {
        (Some(code), None, _) => Ok(Form::Code(code)),
        (Some(system), Some(code), None) if system.is_empty() && !code.is_empty() => {
            Ok(Form::NoSystem(code))
        }
        (Some(system), Some(code), None) if code.is_empty() && !system.is_empty() => {
            Ok(Form::System(system))
        }
        (Some(system), Some(code), None) if !code.is_empty() => {
            Ok(Form::Both(Code { system, code }))
        }
        _ => wrong(format!("'{value}' is not a token. Write it as code, system|code or |code")),
    }
}

/// A code and those above or below it; without a system, those of every system that has the code.
fn related(
    interpreter: &Interpreter<'_>,
    of: &Component,
    value: &str,
    others: fn(&Interpreter<'_>, &Code) -> Vec<Code>,
) -> Result<Vec<Test>, Miss> {
    match form(value)? {
        Form::Both(code) => Ok(every(interpreter, of, others(interpreter, &code))),
        Form::Code(code) => {
            let systems = codes::systems_with(interpreter, &code);
            if systems.is_empty() {
                interpreter.gaps.tell(format!(
                    "No code system that is loaded has the code '{code}', so that what is above \
                     and below it is not known. Only the code itself was looked for."
                ));
            }
            let mut tests = any_system(interpreter, of, &code);
            let all = systems.into_iter().map(|system| Code { system, code: code.clone() });
            let all = all.flat_map(|code| others(interpreter, &code)).collect();
            tests.extend(every(interpreter, of, all));
            Ok(tests)
        }
        Form::NoSystem(_) | Form::System(_) => {
            wrong(format!("'{value}' does not name system and code; write it as system|code"))
        }
    }
}

/// <https://hl7.org/fhir/R4/search.html#mimetype>
fn is_mime(value: &str) -> bool {
    value.contains('/') && !value.contains([':', '|'])
}

fn mime(value: &str) -> Test {
    Test::Token(TokenTest::Mime(text::plain(value).trim().into()))
}

/// Any of these tests, of a value without modifier.
pub(crate) fn tests(
    interpreter: &Interpreter<'_>,
    of: &Component,
    value: &str,
) -> Result<Vec<Test>, Miss> {
    let test = |test| Test::Token(test);
    Ok(match form(value)? {
        Form::Code(code) => any_system(interpreter, of, &code),
        Form::NoSystem(code) => {
            let implied = codes::implied(interpreter, of);
            match implied.into_iter().any(|system| interpreter.loose.has(system)) {
                true => vec![any_case([None].into(), &[code])],
                false => vec![test(bare(code))],
            }
        }
        Form::System(system) => {
            let mut tests = vec![test(TokenTest::System(system.as_str().into()))];
            let implied = codes::implied(interpreter, of);
            if implied.len() > 1 && implied.contains(&system.as_str()) {
                let own = codes::of_bound(interpreter, of);
                let own = own.into_iter().filter(|code| code.system == system);
                tests.extend(own.map(|code| test(bare(code.code))));
            }
            tests
        }
        Form::Both(code) => every(interpreter, of, vec![code]),
    })
}

fn bare(code: String) -> TokenTest {
    TokenTest::SystemCode { system: None, code: code.into() }
}

/// A code of any system, in the case it was written in; in any case where its system says so.
fn any_system(interpreter: &Interpreter<'_>, of: &Component, code: &str) -> Vec<Test> {
    let mut tests = vec![Test::Token(TokenTest::Code(code.into()))];
    let loose = codes::loose_systems_with(interpreter, code);
    if !loose.is_empty() {
        let implied = codes::implied(interpreter, of);
        let is_implied = loose.iter().any(|system| implied.contains(&system.as_str()));
        let systems = loose.iter().map(|system| Some(system.as_str().into()));
        let systems = systems.chain(is_implied.then_some(None));
        tests.push(any_case(systems.collect(), &[code.to_owned()]));
    }
    tests
}

fn any_case(systems: Box<[Option<Box<str>>]>, codes: &[String]) -> Test {
    let codes = codes.iter().map(|code| folded_code(code).into());
    Test::Token(TokenTest::AnyCase { systems, codes: codes.collect() })
}

/// Any of these codes; of a system that is implied also without it.
fn every(interpreter: &Interpreter<'_>, of: &Component, all: Vec<Code>) -> Vec<Test> {
    let implied = codes::implied(interpreter, of);
    let mut by_system: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Code { system, code } in all {
        by_system.entry(system).or_default().push(code);
    }
    let mut tests = Vec::new();
    for (system, codes) in by_system {
        let is_implied = implied.contains(&system.as_str()) || is_boolean(&system, &codes);
        if interpreter.loose.has(&system) {
            let systems = [Some(system.into())].into_iter().chain(is_implied.then_some(None));
            tests.push(any_case(systems.collect(), &codes));
            continue;
        }
        for code in codes {
            if is_implied {
                tests.push(Test::Token(bare(code.clone())));
            }
            let (system, code) = (Some(system.as_str().into()), code.into());
            tests.push(Test::Token(TokenTest::SystemCode { system, code }));
        }
    }
    tests
}

/// The codes of a boolean, which stands without its system.
fn is_boolean(system: &str, codes: &[String]) -> bool {
    system == SPECIAL_VALUES && codes.iter().all(|code| matches!(code.as_str(), "true" | "false"))
}

/// `system|code|value`: an identifier by its type.
fn of_type(value: &str) -> Result<Test, Miss> {
    let parts: Vec<String> = text::parts(value, '|').into_iter().map(text::plain).collect();
    match parts.as_slice() {
        [system, code, value] if !code.is_empty() && !value.is_empty() => {
            let system = Some(system.as_str()).filter(|system| !system.is_empty());
            Ok(Test::Token(TokenTest::OfType {
                system: system.map(Into::into),
                code: code.as_str().into(),
                value: value.as_str().into(),
            }))
        }
        _ => wrong(format!(
            "'{value}' is not a typed identifier. Write it as system|code|value, the first two of \
             the type"
        )),
    }
}
