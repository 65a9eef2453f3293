//! <https://hl7.org/fhir/R4/operationoutcome.html>

use base::Fault;
use fhir::validate;
use http::header::HeaderName;
use http::{HeaderValue, StatusCode};
use json::Writer;

use crate::exchange::Answer;

/// What all FHIR answers with a body are.
pub(crate) const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("application/fhir+json; charset=utf-8");

/// How bad an issue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Fatal,
    Error,
    Warning,
    Information,
}

impl Severity {
    fn code(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// One thing to say to the client: what is wrong and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) severity: Severity,
    /// A code of <http://hl7.org/fhir/issue-type>.
    pub(crate) code: &'static str,
    pub(crate) diagnostics: String,
    /// What is wrong, without the place.
    pub(crate) details: Option<String>,
    /// The FHIRPath of the element: `Patient.meta.tag[1]`.
    pub(crate) expression: Option<String>,
    /// The place in the text that was sent.
    pub(crate) position: Option<json::Position>,
}

impl Issue {
    pub(crate) fn error(code: &'static str, diagnostics: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            diagnostics: diagnostics.into(),
            details: None,
            expression: None,
            position: None,
        }
    }

    pub(crate) fn warning(code: &'static str, diagnostics: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, diagnostics) }
    }

    pub(crate) fn information(code: &'static str, diagnostics: impl Into<String>) -> Self {
        Self { severity: Severity::Information, ..Self::error(code, diagnostics) }
    }

    pub(crate) fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression = Some(expression.into());
        self
    }

    pub(crate) fn placed(mut self, position: json::Position) -> Self {
        self.position = Some(position);
        self
    }
}

/// What validation found, as clients read it.
impl From<validate::Issue> for Issue {
    fn from(issue: validate::Issue) -> Self {
        let severity = match issue.severity {
            validate::Severity::Fatal => Severity::Fatal,
            validate::Severity::Error => Severity::Error,
            validate::Severity::Warning => Severity::Warning,
            validate::Severity::Information => Severity::Information,
        };
        let key = issue.key.map(|key| format!(" ({key})")).unwrap_or_default();
        let diagnostics = match issue.position {
            Some(position) => format!("At {position}: {}{key}", issue.text),
            None => format!("{}{key}", issue.text),
        };
        Self {
            severity,
            code: issue.code.code(),
            diagnostics,
            details: Some(issue.text),
            expression: Some(issue.location),
            position: issue.position,
        }
    }
}

/// A refusal, ready to be answered: every interaction's own refusals become one of these.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: StatusCode,
    pub(crate) issues: Vec<Issue>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What went wrong inside, for the log; the client is told only that something did.
    pub(crate) fault: Option<Fault>,
}

impl Outcome {
    pub(crate) fn new(status: StatusCode, issues: Vec<Issue>) -> Self {
        Self { status, issues, headers: Vec::new(), fault: None }
    }

    /// The usual outcome: one error.
    pub(crate) fn error(
        status: StatusCode,
        code: &'static str,
        diagnostics: impl Into<String>,
    ) -> Self {
        Self::new(status, vec![Issue::error(code, diagnostics)])
    }

    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Says of every issue that names no element yet which one it concerns.
    pub(crate) fn at(mut self, expression: &str) -> Self {
        for issue in self.issues.iter_mut().filter(|issue| issue.expression.is_none()) {
            issue.expression = Some(expression.to_owned());
        }
        self
    }

    pub(crate) fn json(&self, id: Option<&str>) -> Vec<u8> {
        resource(id, &self.issues)
    }

    /// Logs a fault, once, and answers.
    pub(crate) fn answer(self, correlation_id: &str) -> Answer {
        if let Some(fault) = &self.fault {
            tracing::error!(correlation_id, "the request failed: {fault}");
        }
        let body = self.json(Some(correlation_id));
        let mut answer = Answer::of(self.status, CONTENT_TYPE, body);
        answer.headers.extend(self.headers);
        answer
    }
}

/// For what is refused before there is a FHIR request: unknown hosts, too long a path.
pub(crate) fn answer(status: StatusCode, issues: &[Issue]) -> Answer {
    Answer::of(status, CONTENT_TYPE, resource(None, issues))
}

/// The resource with these issues.
pub(crate) fn resource(id: Option<&str>, issues: &[Issue]) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut writer = Writer::new(&mut out);
    writer.begin_object().key("resourceType").string("OperationOutcome");
    if let Some(id) = id.filter(|id| store::ResourceId::new(id).is_some()) {
        writer.key("id").string(id);
    }
    writer.key("issue").begin_array();
    for issue in issues {
        writer.begin_object();
        if let Some(position) = issue.position {
            place(&mut writer, position);
        }
        writer.key("severity").string(issue.severity.code()).key("code").string(issue.code);
        if let Some(text) = &issue.details {
            writer.key("details").begin_object().key("text").string(text).end_object();
        }
        writer.key("diagnostics").string(&issue.diagnostics);
        if let Some(path) = &issue.expression {
            writer.key("expression").begin_array().string(path).end_array();
        }
        writer.end_object();
    }
    writer.end_array().end_object();
    out
}

/// Line and column, as extensions: `location` is for paths.
fn place(writer: &mut Writer<'_>, position: json::Position) {
    const URL: &str = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-";
    writer.key("extension").begin_array();
    for (name, number) in [("line", position.line), ("col", position.column)] {
        writer.begin_object().key("url").string(&format!("{URL}{name}"));
        writer.key("valueInteger").integer(number).end_object();
    }
    writer.end_array();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_says_what_where_and_how_bad() {
        let issue = Issue::warning("not-supported", "No \"x\".").at("Patient.x");
        let text = String::from_utf8(resource(Some("c1"), &[issue])).unwrap_or_default();
        assert_eq!(
            text,
            r#"{"resourceType":"OperationOutcome","id":"c1","issue":[{"severity":"warning","#
                .to_owned()
                + r#""code":"not-supported","diagnostics":"No \"x\".","#
                + r#""expression":["Patient.x"]}]}"#
        );
    }

    #[test]
    fn a_correlation_id_that_is_no_fhir_id_stays_in_the_header() {
        let text = String::from_utf8(resource(Some("a b"), &[])).unwrap_or_default();
        assert_eq!(text, r#"{"resourceType":"OperationOutcome","issue":[]}"#);
    }
}
