//! <https://hl7.org/fhir/R4/validation.html>
//!
//! What a write checks: decided here, for every interaction that stores something.

use std::sync::{Arc, OnceLock};

use base::Timestamp;
use fhir::validate::{
    Depth, IssueCode, Issues, Place, Request, Rules, Validator, shell, structure,
};
use http::{HeaderMap, HeaderName};
use json::{Document, Kind, Value};
use store::{ResourceId, TypeId};

use super::outcome::{Issue, Severity};
use super::refusal::General;
use super::{search_parameter, types, validation};
use crate::edge::config::Validation;
use crate::service::Service;

const SEARCH_PARAMETER: &str = "SearchParameter";
const PROFILE_VALIDATION: HeaderName = HeaderName::from_static("x-ms-profile-validation");

/// What the URL says about the resource in the body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) resource_type: TypeId,
    /// The id the body must have; `None` when the server assigns one.
    pub(crate) id: Option<ResourceId>,
}

/// What a service holds writes against; shared by the entries of a Bundle, which all see one state
/// of the definitions.
#[derive(Clone)]
pub(crate) struct Checks {
    level: Validation,
    service: Arc<Service>,
    now: Timestamp,
    validator: Arc<OnceLock<Validator>>,
}

impl Checks {
    /// Those of the service; `x-ms-profile-validation: true` asks for all, as on Azure.
    pub(crate) fn of(service: &Arc<Service>, headers: &HeaderMap, now: Timestamp) -> Self {
        let asked = headers.get(PROFILE_VALIDATION);
        let asked = asked.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        let level = if asked { Validation::Profiles } else { service.settings.validation };
        Self { level, service: Arc::clone(service), now, validator: Arc::default() }
    }

    /// Whether they are for the threads that serve sockets, for a resource of this type: others
    /// read definitions and go through terminology.
    pub(crate) fn are_quick(&self, of: TypeId) -> bool {
        self.level == Validation::Structure && types::name(of) != SEARCH_PARAMETER
    }

    /// Refuses a resource with everything that is wrong with it: with its structure, else with the
    /// rules that it breaks. `at` is its FHIRPath, which begins with the type of what was sent.
    /// Blocks unless the checks are quick.
    pub(crate) fn resource(
        &self,
        document: &Document,
        resource: Value<'_>,
        expected: Expected,
        at: &str,
    ) -> Result<(), General> {
        structural(document, resource, expected, at)?;
        if types::name(expected.resource_type) == SEARCH_PARAMETER {
            search_parameter::usable(&self.service, resource, at)?;
        }
        let declared = match self.level {
            Validation::Structure => return Ok(()),
            Validation::Base => false,
            Validation::Profiles => true,
        };
        let now = validation::moment(self.now)?;
        let request = Request { depth: Depth::Base, declared, ..Request::full(now) };
        let mut issues = Issues::new();
        self.validator()?.check(resource, &request, &mut issues);
        let mut told = told(issues, document);
        told.retain(|issue| matches!(issue.severity, Severity::Error | Severity::Fatal));
        if told.is_empty() {
            return Ok(());
        }
        let within = types::name(expected.resource_type);
        for expression in told.iter_mut().filter_map(|issue| issue.expression.as_mut()) {
            let inner = expression.strip_prefix(within).unwrap_or_default();
            *expression = format!("{at}{inner}");
        }
        Err(General::Rules(told))
    }

    fn validator(&self) -> Result<&Validator, General> {
        if let Some(validator) = self.validator.get() {
            return Ok(validator);
        }
        let validator = validation::validator(&self.service)?;
        Ok(self.validator.get_or_init(|| validator))
    }
}

/// Refuses a resource that is not what R4 and the URL say a resource is.
pub(crate) fn structural(
    document: &Document,
    resource: Value<'_>,
    expected: Expected,
    at: &str,
) -> Result<(), General> {
    let place = Place { root: resource, path: at };
    let mut issues = Issues::new();
    structure(&place, Rules::r4(), &mut issues);
    if resource.kind() == Kind::Object {
        as_expected(&place, expected, &mut issues);
    }
    if issues.is_empty() { Ok(()) } else { Err(General::Content(told(issues, document))) }
}

/// Refuses a resource whose references were rewritten, when they now point at the wrong types.
/// There are no lines and columns: nobody sent this text.
pub(crate) fn rewritten(resource: Value<'_>, at: &str) -> Result<(), General> {
    let mut issues = Issues::new();
    structure(&Place { root: resource, path: at }, Rules::r4(), &mut issues);
    if issues.is_empty() {
        return Ok(());
    }
    let issues = issues.into_list(&[]).into_iter();
    let unplaced =
        issues.map(|issue| Issue::from(fhir::validate::Issue { position: None, ..issue }));
    Err(General::Content(unplaced.collect()))
}

/// What is wrong with a Bundle besides the resources in it: with all of it, and with single
/// entries, by their places.
pub(crate) fn bundle(document: &Document) -> Result<Vec<(usize, Issue)>, General> {
    let place = Place { root: document.root(), path: "Bundle" };
    let mut issues = Issues::new();
    shell(&place, Rules::r4(), &mut issues);
    let whole = issues.is_full();
    let entry = |issue: &Issue| {
        let path = issue.expression.as_deref()?.strip_prefix("Bundle.entry[")?;
        path.split_once(']')?.0.parse::<usize>().ok()
    };
    let told = told(issues, document);
    if whole || told.iter().any(|issue| entry(issue).is_none()) {
        return Err(General::Content(told));
    }
    Ok(told.into_iter().filter_map(|issue| Some((entry(&issue)?, issue))).collect())
}

fn told(issues: Issues, document: &Document) -> Vec<Issue> {
    issues.into_list(document.bytes()).into_iter().map(Issue::from).collect()
}

/// Whether type and id are those that the URL names.
fn as_expected(place: &Place<'_, '_>, expected: Expected, issues: &mut Issues) {
    let resource = place.root;
    let name = types::name(expected.resource_type);
    if let Some(value) = resource.get("resourceType")
        && let Some(found) = value.as_str()
        && found != name
        && types::number(&found).is_some()
    {
        let text = format!("The URL says {name}, the body is of type {found}.");
        issues.error(place, value, IssueCode::Invariant, text);
    }
    let Some(id) = expected.id else { return };
    match resource.get("id") {
        None => {
            let text = format!("An update needs the id of the URL in the body: \"id\": \"{id}\".");
            issues.error(place, resource, IssueCode::Required, text);
        }
        Some(value) => {
            let found = value.as_str().filter(|found| ResourceId::new(found).is_some());
            if let Some(found) = found.filter(|found| *found != id.as_str()) {
                let text = format!("The id in the URL is '{id}', that in the body '{found}'.");
                issues.error(place, value, IssueCode::Value, text);
            }
        }
    }
}
