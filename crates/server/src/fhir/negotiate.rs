//! <https://hl7.org/fhir/R4/http.html#mime-type>: JSON is what is spoken here, for now.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use super::outcome::Outcome;
use super::patch::Format;

/// The media types of patches, of which the first is the most usual.
const PATCHES: &str = "application/json-patch+json (JSON Patch), or application/fhir+json with a \
                       Parameters resource (FHIRPath Patch)";

/// How the answer should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) pretty: bool,
}

/// Everything that is wrong with what a request speaks or wants to hear.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 406: `Accept` or `_format` names nothing that we can write.
    NotAcceptable(String),
    /// 400: `_pretty` is neither true nor false.
    Pretty(String),
    /// 415: the body is not in a format that we read.
    ContentType { sent: Option<String>, expected: &'static str },
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotAcceptable(asked) => Self::error(
                StatusCode::NOT_ACCEPTABLE,
                "not-supported",
                format!(
                    "This service answers in JSON only for now, FHIR version 4.0; {asked} is not \
                     available. Ask with Accept: application/fhir+json."
                ),
            ),
            Refusal::Pretty(value) => Self::error(
                StatusCode::BAD_REQUEST,
                "value",
                format!("_pretty is true or false, not '{value}'."),
            ),
            Refusal::ContentType { sent, expected } => {
                let sent = sent.map_or_else(
                    || "The request has no Content-Type".to_owned(),
                    |sent| format!("A body of type '{sent}' is not read here"),
                );
                Self::error(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "not-supported",
                    format!("{sent}. Send it with Content-Type: {expected}."),
                )
            }
        }
    }
}

/// Reads `Accept`, `_format` (which outweighs it) and `_pretty`.
pub(crate) fn answer_form(headers: &HeaderMap, query: &str) -> Result<Form, Refusal> {
    let (mut format, mut pretty) = (None, false);
    if !query.is_empty() {
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "_format" if !value.is_empty() => format = Some(value),
                "_pretty" => pretty = truth(&value)?,
                _ => {}
            }
        }
    }
    match format {
        Some(format) if writes(&format) => {}
        Some(format) => return Err(Refusal::NotAcceptable(format!("_format={format}"))),
        None => accepts(headers)?,
    }
    Ok(Form { pretty })
}

fn truth(value: &str) -> Result<bool, Refusal> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(Refusal::Pretty(other.to_owned())),
    }
}

fn accepts(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lines = headers.get_all(ACCEPT).iter().peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    let mut asked = Vec::new();
    for line in lines {
        let line = String::from_utf8_lossy(line.as_bytes());
        if line.split(',').any(|range| range.trim().is_empty() || writes(range)) {
            return Ok(());
        }
        asked.push(line.into_owned());
    }
    Err(Refusal::NotAcceptable(asked.join(", ")))
}

/// Whether we can write what a media range asks for.
fn writes(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    // A plus sign in a query is a space.
    let known = matches!(
        name.as_str(),
        "*/*"
            | "application/*"
            | "application/fhir+json"
            | "application/fhir json"
            | "application/json"
            | "text/json"
            | "json"
    );
    known && parts.all(|parameter| is_ours(parameter) && !is_excluded(parameter))
}

/// A `fhirVersion` other than 4.0 is another format.
fn is_ours(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.trim().trim_matches('"');
    !name.trim().eq_ignore_ascii_case("fhirVersion") || matches!(value, "4.0" | "4.0.1")
}

/// `q=0` means: not this one.
fn is_excluded(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    name.trim() == "q" && value.trim().parse::<f32>() == Ok(0.0)
}

/// Whether a body is FHIR JSON in UTF-8.
pub(crate) fn resource_body(headers: &HeaderMap) -> Result<(), Refusal> {
    let expected = "application/fhir+json";
    let names = ["application/fhir+json", "application/json", "text/json"];
    content_type(headers, &names, expected)
}

/// Which kind of patch a body is.
pub(crate) fn patch_body(headers: &HeaderMap) -> Result<Format, Refusal> {
    let is_json_patch = content_type(headers, &["application/json-patch+json"], PATCHES);
    match is_json_patch {
        Ok(()) => Ok(Format::Json),
        Err(refusal) => resource_body(headers).map(|()| Format::FhirPath).map_err(|_| refusal),
    }
}

/// Whether a body is a form; one without a type is read as a form.
pub(crate) fn form_body(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.get(CONTENT_TYPE).is_none() {
        return Ok(());
    }
    let expected = "application/x-www-form-urlencoded";
    content_type(headers, &[expected], expected)
}

fn content_type(
    headers: &HeaderMap,
    known: &[&str],
    expected: &'static str,
) -> Result<(), Refusal> {
    let sent = headers.get(CONTENT_TYPE);
    let sent = sent.map(|sent| String::from_utf8_lossy(sent.as_bytes()).into_owned());
    let read = sent.as_deref().is_some_and(|sent| {
        let mut parts = sent.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let is_known = known.iter().any(|known| known.eq_ignore_ascii_case(name));
        is_known && parts.all(|parameter| is_ours(parameter) && is_utf8(parameter))
    });
    if read { Ok(()) } else { Err(Refusal::ContentType { sent, expected }) }
}

fn is_utf8(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.trim().trim_matches('"');
    !name.trim().eq_ignore_ascii_case("charset")
        || value.eq_ignore_ascii_case("utf-8")
        || value.eq_ignore_ascii_case("utf8")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with(name: http::HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn json_is_found_among_what_is_accepted() {
        let rows = [
            ("*/*", true),
            ("application/fhir+json", true),
            ("application/json;q=0.5, application/fhir+xml", true),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("application/fhir+json; fhirVersion=4.0", true),
            ("application/fhir+json; fhirVersion=5.0", false),
            ("application/fhir+xml", false),
            ("application/json;q=0", false),
            ("text/turtle", false),
        ];
        for (accept, fine) in rows {
            let form = answer_form(&with(ACCEPT, accept), "");
            assert_eq!(form.is_ok(), fine, "{accept}");
        }
        assert!(answer_form(&HeaderMap::new(), "").is_ok());
    }

    #[test]
    fn format_outweighs_accept() {
        let xml = with(ACCEPT, "application/fhir+xml");
        assert!(answer_form(&xml, "_format=json").is_ok());
        assert!(answer_form(&xml, "_format=application/fhir+json").is_ok());
        assert!(answer_form(&HeaderMap::new(), "_format=xml").is_err());
        assert!(answer_form(&HeaderMap::new(), "_format=").is_ok());
        assert_eq!(answer_form(&xml, "_format=json&_pretty=true"), Ok(Form { pretty: true }));
        assert_eq!(answer_form(&HeaderMap::new(), "_pretty=1"), Err(Refusal::Pretty("1".into())));
    }

    #[test]
    fn a_body_is_fhir_json_in_utf_8() {
        let rows = [
            ("application/fhir+json", true),
            ("application/json; charset=UTF-8", true),
            ("text/json;charset=\"utf-8\"", true),
            ("application/fhir+json; fhirVersion=4.0", true),
            ("application/fhir+json; fhirVersion=3.0", false),
            ("application/json; charset=iso-8859-1", false),
            ("application/fhir+xml", false),
            ("application/x-www-form-urlencoded", false),
        ];
        for (sent, fine) in rows {
            assert_eq!(resource_body(&with(CONTENT_TYPE, sent)).is_ok(), fine, "{sent}");
        }
        assert!(resource_body(&HeaderMap::new()).is_err());
        assert!(form_body(&HeaderMap::new()).is_ok());
        assert!(form_body(&with(CONTENT_TYPE, "application/json")).is_err());
    }
}
