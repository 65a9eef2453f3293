//! <https://hl7.org/fhir/R4/searchparameter.html>: whether one that is written can be searched by.

use fhir::Definitions;
use fhir::definitions::{Layer, Origin};
use fhir::path::Schema;
use fhir::search::{CompileError, Reason, check};
use json::{Document, Limits, Value};

use super::outcome::Issue;
use super::refusal::General;
use crate::service::Service;

/// Refuses an active SearchParameter whose expression finds nothing: nobody would learn that it is
/// not searched by. What it builds on may come later: a component is no reason.
pub(crate) fn usable(service: &Service, resource: Value<'_>, at: &str) -> Result<(), General> {
    let is_active = resource.get("status").is_some_and(|status| status.is_str("active"));
    let document = Document::parse(resource.raw().to_vec(), &Limits::default());
    let Some(document) = document.ok().filter(|_| is_active) else { return Ok(()) };
    let layer = Layer::new(Definitions::r4(), Origin::Rest, [&document]);
    let registry = service.registry()?;
    let checked = layer.search_parameters().iter();
    let checked = checked.filter_map(|it| check(&registry, &Schema::r4(), it).err()).flatten();
    let is_wrong = |error: &CompileError| {
        !matches!(error.reason, Reason::NoExpression | Reason::Special | Reason::Component(_))
    };
    let issue = |error: CompileError| {
        let text = format!("{error}. With another status than active it is stored all the same.");
        Issue::error("invalid", text).at(format!("{at}.expression"))
    };
    let issues: Vec<Issue> = checked.filter(is_wrong).map(issue).collect();
    if issues.is_empty() { Ok(()) } else { Err(General::Content(issues)) }
}
