//! <https://hl7.org/fhir/R4/codesystem-operation-subsumes.html>

use std::borrow::Cow;

use json::Value;

use super::Level;
use super::input::{Input, wrong};
use super::terminology::{Asked, Refusal, answer};
use crate::exchange::Answer;
use crate::fhir::context::Context;

const PARAMETERS: [&str; 6] = ["codeA", "codeB", "system", "version", "codingA", "codingB"];

/// `/CodeSystem/$subsumes`: whether one code is below another.
pub(crate) fn subsumes(cx: &Context<'_>, level: Level, input: &Input) -> Result<Answer, Refusal> {
    let asked = Asked::of(cx, level, input, &PARAMETERS)?;
    let (left, left_system) = code(input, "codeA", "codingA")?;
    let (right, right_system) = code(input, "codeB", "codingB")?;
    if let (Some(left), Some(right)) = (&left_system, &right_system)
        && left != right
    {
        let text = format!("The codes are of two systems, {left} and {right}.");
        return Err(wrong("not-supported", text).into());
    }
    let (url, version) = match asked.instance.clone() {
        Some((url, version)) => (url.into(), version.map(Cow::Owned)),
        None => match left_system.or(right_system) {
            Some(system) => (system, input.text("version")),
            None => (input.required("system")?, input.text("version")),
        },
    };
    let system = (url.as_ref(), version.as_deref());
    let found = fhir::terminology::subsumes(&asked.scope(), system, &left, &right)?;
    Ok(answer(found.to_json()))
}

/// A code that is given alone or as a Coding, with the system of the Coding.
fn code<'i>(
    input: &'i Input,
    name: &str,
    coding: &str,
) -> Result<(Cow<'i, str>, Option<Cow<'i, str>>), Refusal> {
    let member = |key: &str| input.values(coding).next()?.get(key).and_then(Value::as_str);
    match member("code") {
        Some(code) => Ok((code, member("system"))),
        None => Ok((input.required(name)?, None)),
    }
}
