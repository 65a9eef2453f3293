//! <https://hl7.org/fhir/R4/validation.html>: resources against the definitions of a service.

use std::sync::LazyLock;

use base::{Fault, Timestamp};
use fhir::Definitions;
use fhir::definitions::Registry;
use fhir::validate::{self, Issues, Place, Request, Rules, Validator};
use fhir::value::Moment;
use json::{Document, Value};

use super::outcome::{Issue, Severity};
use crate::service::Service;

/// Has the rules of R4 compiled, for all services.
static R4: LazyLock<Validator> =
    LazyLock::new(|| Validator::new(&Registry::new(Definitions::r4())));

/// Compiles nothing yet, but reads the types that all rules are about.
pub(super) fn warm() {
    LazyLock::force(&R4);
}

/// A validator that knows what the service does now.
pub(crate) fn validator(service: &Service) -> Result<Validator, Fault> {
    Ok(R4.over(&*service.registry()?))
}

/// The moment as rules see it.
pub(crate) fn moment(now: Timestamp) -> Result<Moment, Fault> {
    let text = now.to_string();
    Moment::parse_instant(&text).map_err(|_| Fault::because(format!("{text} is no instant")))
}

/// All that is wrong with a resource of `document`, of the type `name`, in the order of the text.
pub(crate) fn all(
    validator: &Validator,
    (document, resource): (&Document, Value<'_>),
    name: &str,
    request: &Request<'_>,
) -> Vec<Issue> {
    let mut issues = Issues::new();
    validate::structure(&Place { root: resource, path: name }, Rules::r4(), &mut issues);
    validator.check(resource, request, &mut issues);
    issues.into_list(document.bytes()).into_iter().map(told).collect()
}

fn told(issue: validate::Issue) -> Issue {
    let severity = match issue.severity {
        validate::Severity::Information => Severity::Information,
        validate::Severity::Warning => Severity::Warning,
        validate::Severity::Error | validate::Severity::Fatal => Severity::Error,
    };
    let mut told = Issue::error(issue.code.code(), issue.text).at(issue.location);
    if let Some(position) = issue.position {
        told = told.placed(position);
    }
    Issue { severity, ..told }
}
