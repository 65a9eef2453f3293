//! <https://hl7.org/fhir/R4/valueset-operation-validate-code.html>,
//! <https://hl7.org/fhir/R4/codesystem-operation-validate-code.html>

use fhir::terminology::{Question, Shape, validate};

use super::Level;
use super::input::{Input, wrong};
use super::terminology::{Asked, Refusal, answer};
use crate::exchange::Answer;
use crate::fhir::context::Context;

const OF_VALUE_SET: [&str; 19] = [
    "url",
    "valueSet",
    "valueSetVersion",
    "code",
    "system",
    "systemVersion",
    "display",
    "coding",
    "codeableConcept",
    "abstract",
    "activeOnly",
    "inferSystem",
    "lenient-display-validation",
    "displayLanguage",
    "system-version",
    "check-system-version",
    "force-system-version",
    "tx-resource",
    "useSupplement",
];
const OF_CODE_SYSTEM: [&str; 9] = [
    "url",
    "code",
    "version",
    "display",
    "coding",
    "codeableConcept",
    "abstract",
    "displayLanguage",
    "useSupplement",
];
const FLAGS: [&str; 4] = ["abstract", "activeOnly", "inferSystem", "lenient-display-validation"];

/// `/ValueSet/$validate-code`: whether a code is in a value set.
pub(crate) fn of_value_set(
    cx: &Context<'_>,
    level: Level,
    input: &Input,
) -> Result<Answer, Refusal> {
    let asked = Asked::of(cx, level, input, &OF_VALUE_SET)?;
    let set = asked.value_set()?;
    let mut question = question(&asked, input, "system")?;
    // A code alone is one of a `code` element, whose system the binding knows.
    if question.shape == Shape::Code {
        question.infers_system |= !input.has("inferSystem");
    }
    Ok(answer(validate(&asked.scope(), Some(set), &question)?.to_json()))
}

/// `/CodeSystem/$validate-code`: whether a code is one of a code system.
pub(crate) fn of_code_system(
    cx: &Context<'_>,
    level: Level,
    input: &Input,
) -> Result<Answer, Refusal> {
    let asked = Asked::of(cx, level, input, &OF_CODE_SYSTEM)?;
    let mut question = question(&asked, input, "url")?;
    if let Some((url, version)) = asked.instance.clone() {
        for coding in &mut question.codings {
            coding.system = Some(url.clone());
            coding.version.clone_from(&version);
        }
    } else if question.codings.iter().any(|coding| coding.system.is_none()) {
        return Err(wrong("required", "Give the code system of the code as 'url'.").into());
    }
    Ok(answer(validate(&asked.scope(), None, &question)?.to_json()))
}

fn question(asked: &Asked<'_>, input: &Input, system: &str) -> Result<Question, Refusal> {
    for name in FLAGS {
        input.flag(name)?;
    }
    let question = Question::of(&asked.given, system);
    if question.codings.iter().all(|coding| coding.code.is_empty()) {
        let text = "Give a code: as 'code', as 'coding' or as 'codeableConcept'.";
        return Err(wrong("required", text).into());
    }
    Ok(question)
}
