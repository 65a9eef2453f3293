//! <https://hl7.org/fhir/R4/conceptmap-operation-translate.html>

use std::borrow::Cow;

use fhir::terminology::{Failure, OwnedCoding, Question, Route, matches_to_json};

use super::Level;
use super::input::{Input, wrong};
use super::terminology::{Asked, Refusal, answer};
use crate::exchange::Answer;
use crate::fhir::context::Context;

const PARAMETERS: [&str; 11] = [
    "url",
    "conceptMapVersion",
    "code",
    "system",
    "version",
    "source",
    "coding",
    "codeableConcept",
    "target",
    "targetsystem",
    "reverse",
];

/// `/ConceptMap/$translate`: what a code is in another code system.
pub(crate) fn translate(cx: &Context<'_>, level: Level, input: &Input) -> Result<Answer, Refusal> {
    let asked = Asked::of(cx, level, input, &PARAMETERS)?;
    input.flag("reverse")?;
    let mut route = Route::of(&asked.given);
    if let Some((url, version)) = asked.instance.clone() {
        route.map = Some(version.map_or_else(|| url.clone(), |version| format!("{url}|{version}")));
    }
    let codings: Vec<OwnedCoding> = Question::of(&asked.given, "system").codings;
    if codings.iter().all(|coding| coding.code.is_empty()) {
        let text = "Give a code: as 'code' with 'system', as 'coding' or as 'codeableConcept'.";
        return Err(wrong("required", text).into());
    }
    let mut matches = Vec::new();
    for coding in &codings {
        let found = fhir::terminology::translate(&asked.scope(), coding.view(), &route);
        let missing = || {
            let named = route.map.as_deref().map(Cow::Borrowed);
            let named = named.unwrap_or_else(|| "this source and target".into());
            Failure::NoConceptMap(named.into_owned())
        };
        matches.extend(found.ok_or_else(missing)?);
    }
    Ok(answer(matches_to_json(&matches)))
}
