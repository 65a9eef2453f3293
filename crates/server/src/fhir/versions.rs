//! <https://hl7.org/fhir/R4/capabilitystatement-operation-versions.html>

use http::{HeaderValue, StatusCode};

use super::context::Context;
use super::negotiate::Form;
use super::outcome::{CONTENT_TYPE, Outcome};
use crate::exchange::Answer;

/// What everybody but FHIR clients gets, as from Azure's service.
const PLAIN: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const VERSIONS: &str = r#"{"versions":["4.0"],"defaultVersion":"4.0"}"#;
const PARAMETERS: &str = concat!(
    r#"{"resourceType":"Parameters","parameter":[{"name":"version","valueString":"4.0"},"#,
    r#"{"name":"default","valueString":"4.0"}]}"#
);

/// `GET [base]/$versions`: the FHIR version that is spoken here.
pub(crate) fn versions(cx: &Context<'_>, form: Form) -> Result<Answer, Outcome> {
    cx.only_parameters(&[])?;
    let (content_type, body) =
        if form.is_fhir { (CONTENT_TYPE, PARAMETERS) } else { (PLAIN, VERSIONS) };
    Ok(Answer::of(StatusCode::OK, content_type, body))
}
