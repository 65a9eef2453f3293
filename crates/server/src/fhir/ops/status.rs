//! <https://learn.microsoft.com/azure/healthcare-apis/fhir/fhir-rest-api-capabilities>:
//! `SearchParameter/$status`, whether searches by a parameter find everything.

use std::collections::BTreeMap;

use authority::DataAction;
use http::StatusCode;
use json::Writer;

use super::input::{Input, wrong};
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::outcome::{CONTENT_TYPE, Outcome};
use crate::fhir::refusal::General;
use crate::fhir::types;

/// `GET [base]/SearchParameter/$status`: of all parameters, or of those with a `url`, a `code`, on
/// a `resourcetype`. `Enabled` finds everything; `Supported` will once a reindex job went through.
pub(crate) fn status(cx: &Context<'_>, input: &Input) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Read)?;
    input.only(&["url", "code", "resourcetype"])?;
    let (url, code) = (input.text("url"), input.text("code"));
    let of = input.text("resourcetype").map(|name| {
        let unknown = || wrong("value", format!("FHIR R4 has no resource type '{name}'."));
        types::number(&name).ok_or_else(unknown)
    });
    let of = of.transpose()?;
    let catalogue = cx.service.catalogue().map_err(General::from)?;
    let mut found = BTreeMap::<String, bool>::new();
    for number in types::numbers() {
        if of.is_some_and(|of| of != number) {
            continue;
        }
        for known in &catalogue.of_type(number).parameters {
            let fits = url.as_ref().is_none_or(|url| **url == *known.url)
                && code.as_ref().is_none_or(|code| **code == *known.code);
            if fits {
                *found.entry(known.url.to_string()).or_insert(true) &=
                    cx.service.index.is_complete(known);
            }
        }
    }
    if found.is_empty() {
        let text = "No search parameter of this service is meant. /metadata lists them.";
        return Err(Outcome::error(StatusCode::NOT_FOUND, "not-found", text));
    }
    Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, told(&found)))
}

fn told(found: &BTreeMap<String, bool>) -> Vec<u8> {
    let mut body = Vec::new();
    let mut writer = Writer::new(&mut body);
    writer.begin_object().key("resourceType").string("Parameters").key("parameter").begin_array();
    for (url, is_complete) in found {
        let state = if *is_complete { "Enabled" } else { "Supported" };
        writer.begin_object().key("name").string("searchParameterStatus").key("part").begin_array();
        writer.begin_object().key("name").string("url").key("valueUri").string(url).end_object();
        writer.begin_object().key("name").string("status").key("valueString").string(state);
        writer.end_object().end_array().end_object();
    }
    writer.end_array().end_object();
    body
}
