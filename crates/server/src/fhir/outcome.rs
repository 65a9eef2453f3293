//! <https://hl7.org/fhir/R4/operationoutcome.html>

use http::StatusCode;
use serde::Serialize;

use crate::exchange::Answer;

/// One thing that went wrong, or that the client should know.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Issue {
    pub(crate) severity: Severity,
    /// A code of <http://hl7.org/fhir/issue-type>.
    pub(crate) code: &'static str,
    pub(crate) diagnostics: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Error,
    Warning,
    Information,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationOutcome<'a> {
    resource_type: &'static str,
    issue: &'a [Issue],
}

/// An answer whose body is an OperationOutcome.
pub(crate) fn answer(status: StatusCode, issues: &[Issue]) -> Answer {
    let outcome = OperationOutcome { resource_type: "OperationOutcome", issue: issues };
    let body = serde_json::to_vec(&outcome).unwrap_or_default();
    Answer::of(status, "application/fhir+json; charset=utf-8", body)
}
