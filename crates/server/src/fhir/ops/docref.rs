//! <https://hl7.org/fhir/us/core/OperationDefinition/docref>
//!
//! A search of DocumentReferences under other names; its pages, totals and links are those of a
//! search. No document is made for it: what is stored is found.

use authority::DataAction;
use form_urlencoded::Serializer;
use store::{Criterion, ResourceId};

use super::Input;
use super::input::wrong;
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::outcome::{Issue, Outcome};
use crate::fhir::refusal::General;
use crate::fhir::search::date;
use crate::fhir::search::interpret::Interpreter;
use crate::fhir::search::listing::{self, Listing};
use crate::fhir::search::parameters::{self, Meaning, Rules, Searching};
use crate::fhir::types;

const PARAMETERS: &str = "patient, start, end, type and on-demand";

/// `[base]/DocumentReference/$docref`: the references to a patient's documents.
pub(crate) async fn docref(cx: &Context<'_>, input: &Input) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Read)?;
    let form = input.form()?;
    Ok(listing::list(cx, Listing::DocRef, &[cx.query, &form]).await?)
}

/// What the parameters mean: a search.
pub(crate) fn meaning(
    interpreter: &Interpreter<'_>,
    queries: &[&str],
    rules: Rules,
) -> Result<Meaning, listing::Refusal> {
    let mut asked = Asked::default();
    let mut others = Vec::new();
    for pair in queries.iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()) {
        let (name, value) = parameters::decoded(pair);
        match name.starts_with('_') || name == "ct" {
            true => others.push(pair),
            false => asked.hear(pair, (&name, &value))?,
        }
    }
    let query = [asked.query()?, others.join("&")].join("&");
    let number = types::number("DocumentReference");
    let types = vec![number.ok_or_else(|| General::bug("R4 has no DocumentReference"))?];
    let searching = Searching { interpreter: *interpreter, types, many: false };
    let read = parameters::read(&[&query], rules, Some(&searching));
    let mut meaning = read.map_err(General::from)?;
    if !meaning.heard.iter().any(|pair| pair.starts_with("patient=")) {
        // Without it the documents of everybody would be found.
        let left_out = meaning.ignored.iter();
        let issues = left_out.map(|it| Issue::error("not-supported", &it.diagnostics)).collect();
        return Err(General::Content(issues).into());
    }
    // The links repeat what was asked for, and not what it was read as.
    meaning.heard.retain(|pair| pair.starts_with('_'));
    meaning.heard.extend(asked.heard);
    if asked.on_demand {
        let text = "No document is made on demand here: without on-demand=true those that are \
                    stored are found.";
        meaning.notes.push(Issue::warning("informational", text));
        meaning.types.iter_mut().for_each(|of| of.criterion = Criterion::nothing());
    }
    Ok(meaning)
}

/// What was asked for, as it stands in a search.
#[derive(Default)]
struct Asked<'q> {
    patient: Option<String>,
    period: Vec<String>,
    types: Vec<String>,
    on_demand: bool,
    heard: Vec<String>,
    seen: Vec<&'q str>,
}

impl<'q> Asked<'q> {
    fn hear(&mut self, pair: &'q str, (name, value): (&str, &str)) -> Result<(), General> {
        let once = pair.split('=').next().unwrap_or_default();
        if name != "type" && self.seen.contains(&once) {
            return Err(wrong("value", format!("{name} is given more than once.")));
        }
        self.seen.push(once);
        match name {
            "patient" => self.patient = Some(patient(value)?),
            "start" => self.period.push(bound("ge", name, value)?),
            "end" => self.period.push(bound("le", name, value)?),
            "type" => self.types.push(value.to_owned()),
            "on-demand" => {
                self.on_demand = value.parse().map_err(|_| {
                    wrong("value", format!("on-demand is true or false, not '{value}'."))
                })?;
            }
            _ => {
                let text = format!("$docref has no parameter '{name}' here, only {PARAMETERS}.");
                return Err(wrong("not-supported", text));
            }
        }
        self.heard.push(pair.to_owned());
        Ok(())
    }

    fn query(&self) -> Result<String, General> {
        let Some(patient) = &self.patient else {
            return Err(wrong("required", "$docref needs the patient: give patient=ID."));
        };
        let mut query = Serializer::new(String::new());
        query.append_pair("patient", patient);
        for bound in &self.period {
            query.append_pair("period", bound);
        }
        if self.period.is_empty() {
            // US Core: without dates the current document is what is asked for.
            query.append_pair("status", "current");
        }
        if !self.types.is_empty() {
            query.append_pair("type", &self.types.join(","));
        }
        Ok(query.finish())
    }
}

/// `Patient/ID` of an id, or of itself.
fn patient(value: &str) -> Result<String, General> {
    let id = ResourceId::new(value.strip_prefix("Patient/").unwrap_or(value));
    let id = id.ok_or_else(|| {
        wrong("value", format!("patient is the id of one Patient, not '{value}'."))
    })?;
    Ok(format!("Patient/{id}"))
}

fn bound(prefix: &str, name: &str, value: &str) -> Result<String, General> {
    date::interval(value).map_err(|why| wrong("value", format!("{name}: {why}.")))?;
    Ok(format!("{prefix}{value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The search that a query is; or words of why it is none.
    fn check(query: &str, expected: &str) {
        let mut asked = Asked::default();
        let heard = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .try_for_each(|pair| {
                let (name, value) = parameters::decoded(pair);
                asked.hear(pair, (&name, &value))
            })
            .and_then(|()| asked.query());
        let found = heard.unwrap_or_else(|refusal| format!("{refusal:?}"));
        assert!(found.contains(expected), "{query}: {found}");
    }

    #[test]
    fn it_is_a_search_under_other_names() {
        check("patient=1", "patient=Patient%2F1&status=current");
        check("patient=Patient/1&type=s|a&type=b", "status=current&type=s%7Ca%2Cb");
        check(
            "patient=1&start=2026&end=2026-02-01T10:00:00Z",
            "patient=Patient%2F1&period=ge2026&period=le2026-02-01T10%3A00%3A00Z",
        );
        check("", "needs the patient");
        check("start=2026", "needs the patient");
        check("patient=1,2", "one Patient");
        check("patient=1&patient=2", "more than once");
        check("patient=1&start=yesterday", "start: ");
        check("patient=1&on-demand=maybe", "true or false");
        check("patient=1&profile=http://p.example", "no parameter 'profile'");
    }
}
