//! <https://hl7.org/fhir/R4/codesystem-operation-lookup.html>

use std::borrow::Cow;

use super::Level;
use super::input::{Input, wrong};
use super::terminology::{Asked, Refusal, answer};
use crate::exchange::Answer;
use crate::fhir::context::Context;
use fhir::terminology::OwnedCoding;

const PARAMETERS: [&str; 7] =
    ["code", "system", "version", "coding", "displayLanguage", "property", "useSupplement"];

/// `/CodeSystem/$lookup`: what is known about a code.
pub(crate) fn lookup(cx: &Context<'_>, level: Level, input: &Input) -> Result<Answer, Refusal> {
    let asked = Asked::of(cx, level, input, &PARAMETERS)?;
    let given = &asked.given;
    let coding = given.values("coding").next().map(OwnedCoding::of);
    let coding = coding.unwrap_or_else(|| OwnedCoding {
        system: given.text("system").map(Cow::into_owned),
        version: given.text("version").map(Cow::into_owned),
        code: given.text("code").unwrap_or_default().into_owned(),
        display: None,
    });
    if coding.code.is_empty() {
        let text = "Give a code: as 'code' with 'system', or as 'coding'.";
        return Err(wrong("required", text).into());
    }
    let (system, version) = match asked.instance.clone() {
        Some(found) => found,
        None => (coding.system.ok_or_else(no_system)?, coding.version),
    };
    let properties: Vec<String> = given.texts("property").map(Cow::into_owned).collect();
    let system = (system.as_str(), version.as_deref());
    let languages = given.languages();
    let looked = fhir::terminology::lookup(&asked.scope(), system, &coding.code, &languages)?;
    Ok(answer(looked.to_json(&properties)))
}

fn no_system() -> Refusal {
    wrong("required", "Give the code system of the code as 'system'.").into()
}
