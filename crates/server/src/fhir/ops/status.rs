//! <https://learn.microsoft.com/azure/healthcare-apis/fhir/fhir-rest-api-capabilities>:
//! `SearchParameter/$status`, whether searches by a parameter find everything, or are wanted.

use std::borrow::Cow;
use std::collections::BTreeMap;

use authority::DataAction;
use http::StatusCode;
use json::{Value, Writer};

use super::input::{Input, wrong};
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::outcome::{CONTENT_TYPE, Outcome};
use crate::fhir::refusal::General;
use crate::fhir::types;

const PARAMETER: &str = "searchParameterStatus";
/// Azure's words for the states that there are here.
const ENABLED: &str = "Enabled";
const SUPPORTED: &str = "Supported";
const DISABLED: &str = "Disabled";

/// `GET [base]/SearchParameter/$status`: of all parameters, or of those with a `url`, a `code`, on
/// a `resourcetype`. `Enabled` finds everything; `Supported` will once a reindex job went through;
/// `Disabled` is not searched by.
pub(crate) fn status(cx: &Context<'_>, input: &Input) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Read)?;
    input.only_parameters(&["url", "code", "resourcetype"])?;
    let (url, code) = (input.text("url"), input.text("code"));
    let of = input.text("resourcetype").map(|name| {
        let unknown = || wrong("value", format!("FHIR R4 has no resource type '{name}'."));
        types::number(&name).ok_or_else(unknown)
    });
    let of = of.transpose()?;
    let catalogue = cx.service.catalogue().map_err(General::from)?;
    let index = &cx.service.index;
    let mut found = BTreeMap::<String, &'static str>::new();
    for number in types::numbers() {
        if of.is_some_and(|of| of != number) {
            continue;
        }
        for known in catalogue.of_type(number).known() {
            let fits = url.as_ref().is_none_or(|url| **url == *known.url)
                && code.as_ref().is_none_or(|code| **code == *known.code);
            if fits {
                let state = match (index.is_disabled(&known.url), index.is_complete(known)) {
                    (true, _) => DISABLED,
                    (false, true) => ENABLED,
                    (false, false) => SUPPORTED,
                };
                let told = found.entry(known.url.to_string()).or_insert(state);
                // Of several types one that is not complete counts.
                if state != ENABLED {
                    *told = state;
                }
            }
        }
    }
    if found.is_empty() {
        let text = "No search parameter of this service is meant. /metadata lists them.";
        return Err(Outcome::error(StatusCode::NOT_FOUND, "not-found", text));
    }
    Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, told(&found)))
}

/// `PUT [base]/SearchParameter/$status`: disables parameters (`Disabled`), or enables them again
/// (`Supported`), each by its `url`. It takes effect at once: what is disabled is still indexed.
pub(crate) async fn set(cx: &Context<'_>, input: &Input) -> Result<Answer, Outcome> {
    cx.allow(DataAction::SearchParameter)?;
    input.only_parameters(&[PARAMETER])?;
    let catalogue = cx.service.catalogue().map_err(General::from)?;
    let mut wanted = BTreeMap::new();
    for (_, parameter) in input.parameters() {
        let (url, disabled) = asked(parameter)?;
        let mut all = types::numbers().flat_map(|of| catalogue.of_type(of).known());
        if !all.any(|known| *known.url == *url) {
            let text = format!("This service has no search parameter '{url}'.");
            return Err(Outcome::error(StatusCode::NOT_FOUND, "not-found", text));
        }
        wanted.insert(url, disabled);
    }
    if wanted.is_empty() {
        let text =
            "Send Parameters with a searchParameterStatus, which has the parts url and status.";
        return Err(wrong("required", text).into());
    }
    let service = cx.service.clone();
    let set = blocking::run(move || {
        service.index.disable(&service.store, &wanted)?;
        Ok(wanted)
    });
    let set: Result<_, General> = set.await.map_err(General::from)?;
    let states = set?.into_iter().map(|(url, disabled)| {
        let state = if disabled { DISABLED } else { SUPPORTED };
        (url, state)
    });
    Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, told(&states.collect())))
}

/// The url, and whether it is to be disabled.
fn asked(parameter: Value<'_>) -> Result<(String, bool), General> {
    let part = |name: &str| {
        let mut parts = parameter.get("part").into_iter().flat_map(Value::elements);
        let part = parts.find(|part| part.get("name").is_some_and(|found| found.is_str(name)))?;
        let value = part.members().find(|member| member.key().starts_with("value"))?;
        value.value().as_str().map(Cow::into_owned)
    };
    let missing = |name| wrong("required", format!("A {PARAMETER} needs the part '{name}'."));
    let url = part("url").ok_or_else(|| missing("url"))?;
    if url.ends_with("/Resource-id") || url.ends_with("/Resource-lastUpdated") {
        return Err(wrong("business-rule", format!("'{url}' cannot be disabled.")));
    }
    match part("status").ok_or_else(|| missing("status"))?.as_str() {
        SUPPORTED | ENABLED => Ok((url, false)),
        DISABLED => Ok((url, true)),
        other => {
            let text =
                format!("The status can be set to {SUPPORTED} or {DISABLED}, not '{other}'.");
            Err(wrong("value", text))
        }
    }
}

fn told(found: &BTreeMap<String, &'static str>) -> Vec<u8> {
    let mut body = Vec::new();
    let mut writer = Writer::new(&mut body);
    writer.begin_object().key("resourceType").string("Parameters").key("parameter").begin_array();
    for (url, state) in found {
        writer.begin_object().key("name").string(PARAMETER).key("part").begin_array();
        writer.begin_object().key("name").string("url").key("valueUri").string(url).end_object();
        writer.begin_object().key("name").string("status").key("valueString").string(state);
        writer.end_object().end_array().end_object();
    }
    writer.end_array().end_object();
    body
}
