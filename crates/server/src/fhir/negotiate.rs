//! <https://hl7.org/fhir/R4/http.html#mime-type>
//!
//! JSON is what is spoken inside; `translate.rs` makes XML of it at the border, and JSON of XML.

use std::borrow::Cow;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::outcome::Outcome;
use super::patch;

/// The media types of patches, of which the first is the most usual.
const PATCHES: &str = "application/json-patch+json (JSON Patch), application/xml-patch+xml (XML \
                       Patch), or application/fhir+json or application/fhir+xml with a Parameters \
                       resource (FHIRPath Patch)";

/// The media types of resources.
const XML: [&str; 3] = ["application/fhir+xml", "application/xml", "text/xml"];
const JSON: [&str; 3] = ["application/fhir+json", "application/json", "text/json"];

/// How resources are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Json,
    Xml,
}

/// How the answer should look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) format: Format,
    pub(crate) pretty: bool,
    /// Whether FHIR was asked for by name: some answers are plain JSON otherwise.
    pub(crate) is_fhir: bool,
    /// Whether what is looked at is wanted as a page for people.
    pub(crate) is_page: bool,
}

/// What we write for which media range. A plus sign in a query is a space.
const RANGES: [(&str, Form); 15] = {
    const fn form(format: Format, is_fhir: bool, is_page: bool) -> Form {
        Form { format, pretty: false, is_fhir, is_page }
    }
    const FHIR_JSON: Form = form(Format::Json, true, false);
    const PLAIN_JSON: Form = form(Format::Json, false, false);
    const PAGE: Form = form(Format::Json, false, true);
    const FHIR_XML: Form = form(Format::Xml, true, false);
    [
        ("application/fhir+json", FHIR_JSON),
        ("application/fhir json", FHIR_JSON),
        ("*/*", PLAIN_JSON),
        ("application/*", PLAIN_JSON),
        ("application/json", PLAIN_JSON),
        ("text/json", PLAIN_JSON),
        ("json", PLAIN_JSON),
        ("text/html", PAGE),
        ("html", PAGE),
        ("application/fhir+xml", FHIR_XML),
        ("application/fhir xml", FHIR_XML),
        ("application/xml", FHIR_XML),
        ("text/*", FHIR_XML),
        ("text/xml", FHIR_XML),
        ("xml", FHIR_XML),
    ]
};

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
                    "This service answers in JSON and XML, FHIR version 4.0; {asked} is not \
                     available. Ask with Accept: application/fhir+json or application/fhir+xml."
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
    let mut form = Form::default();
    if !amend(&mut form, query)? {
        form = Form { pretty: form.pretty, ..accepted(headers)? };
    }
    Ok(form)
}

/// Reads `_format` and `_pretty` of a query or a form; says whether there is a `_format`.
pub(crate) fn amend(form: &mut Form, query: &str) -> Result<bool, Refusal> {
    let mut has_format = false;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "_format" if !value.is_empty() => {
                let found = format(&value);
                let refusal = || Refusal::NotAcceptable(format!("_format={value}"));
                *form = Form { pretty: form.pretty, ..found.ok_or_else(refusal)? };
                has_format = true;
            }
            "_pretty" => form.pretty = truth(&value)?,
            _ => {}
        }
    }
    Ok(has_format)
}

/// Checks what an entry of a Bundle asks for: it is answered in the format of the Bundle.
pub(crate) fn entry_form(query: &str) -> Result<(), Refusal> {
    let mut form = Form::default();
    amend(&mut form, query)?;
    match form.format {
        Format::Json => Ok(()),
        Format::Xml => Err(Refusal::NotAcceptable("XML for an entry of a Bundle".to_owned())),
    }
}

fn truth(value: &str) -> Result<bool, Refusal> {
    match value {
        "true" => Ok(true),
        // R4 ignores a parameter without a value.
        "false" | "" => Ok(false),
        other => Err(Refusal::Pretty(other.to_owned())),
    }
}

/// The format that is wanted most of those that we write; the first of equals.
fn accepted(headers: &HeaderMap) -> Result<Form, Refusal> {
    let lines = || headers.get_all(ACCEPT).iter().map(text);
    // No header, or one without a word, is content with anything.
    let (mut best, mut anything) = (None, true);
    for line in lines() {
        anything &= line.trim().is_empty();
        for range in line.split(',') {
            let Some((weight, found)) = weighed(range) else { continue };
            if best.is_none_or(|(before, _)| weight > before) {
                best = Some((weight, found));
            }
        }
    }
    let found = best.map(|(_, found)| found).or(anything.then_some(Form::default()));
    found.ok_or_else(|| Refusal::NotAcceptable(lines().collect::<Vec<_>>().join(", ")))
}

fn text(line: &HeaderValue) -> Cow<'_, str> {
    line.to_str().map_or_else(|_| String::from_utf8_lossy(line.as_bytes()), Cow::Borrowed)
}

/// What we write for a media range.
fn format(range: &str) -> Option<Form> {
    weighed(range).map(|(_, found)| found)
}

/// What we write for a media range, and how much it is wanted.
fn weighed(range: &str) -> Option<(f32, Form)> {
    let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
    let name = name.trim();
    let is = |known: &&(&str, Form)| known.0.eq_ignore_ascii_case(name);
    let found = RANGES.iter().find(is)?.1;
    if parameters.is_empty() {
        return Some((1.0, found));
    }
    let weight = weight(parameters);
    let fits = weight > 0.0 && parameters.split(';').map(str::trim).all(is_ours);
    fits.then_some((weight, found))
}

/// `q`, 1 unless given; 0 means: not this one.
fn weight(parameters: &str) -> f32 {
    let parameters = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let given = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let mut weights = given.filter_map(|(_, value)| value.trim().parse().ok());
    weights.next_back().unwrap_or(1.0)
}

/// A `fhirVersion` other than 4.0 is another format.
fn is_ours(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.trim().trim_matches('"');
    !name.trim().eq_ignore_ascii_case("fhirVersion") || matches!(value, "4.0" | "4.0.1")
}

/// Whether a media type, parameters included, is one of those in which resources are sent.
pub(crate) fn is_resource(content_type: &str) -> bool {
    let name = content_type.split(';').next().unwrap_or_default().trim();
    XML.iter().chain(&JSON).any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a resource is asked for by name: `_format` says how it is to be written, or `Accept`
/// names one of its types. Browsers name XML among whatever they can show.
pub(crate) fn names_fhir(headers: &HeaderMap, query: &str) -> bool {
    let is_format =
        |(name, value): (Cow<'_, str>, Cow<'_, str>)| name == "_format" && !value.is_empty();
    if form_urlencoded::parse(query.as_bytes()).any(is_format) {
        return true;
    }
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let ranges: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let is_browser = ranges.iter().any(|range| range.trim().starts_with("text/html"));
    !is_browser && ranges.iter().any(|range| is_resource(range))
}

/// In which format a body is; it is FHIR in UTF-8.
pub(crate) fn resource_body(headers: &HeaderMap) -> Result<Format, Refusal> {
    if content_type(headers, &XML, "").is_ok() {
        return Ok(Format::Xml);
    }
    let expected = "application/fhir+json or application/fhir+xml";
    content_type(headers, &JSON, expected).map(|()| Format::Json)
}

/// Which kind of patch a body is.
pub(crate) fn patch_body(headers: &HeaderMap) -> Result<(patch::Format, Format), Refusal> {
    for kind in [patch::Format::Json, patch::Format::Xml] {
        if content_type(headers, &[kind.media_type()], PATCHES).is_ok() {
            // Neither is a resource, so neither is translated.
            return Ok((kind, Format::Json));
        }
    }
    match resource_body(headers) {
        Ok(format) => Ok((patch::Format::FhirPath, format)),
        Err(Refusal::ContentType { sent, .. }) => {
            Err(Refusal::ContentType { sent, expected: PATCHES })
        }
        Err(refusal) => Err(refusal),
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
    use super::*;

    fn with(name: http::HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn what_is_wanted_most_is_found_among_what_is_accepted() {
        use Format::{Json, Xml};
        let rows = [
            ("*/*", Some(Json)),
            ("", Some(Json)),
            ("application/fhir+json", Some(Json)),
            ("application/json;q=0.5, application/fhir+xml", Some(Xml)),
            ("application/json, application/xml", Some(Json)),
            ("application/xml;q=0.8, application/json;q=0.9", Some(Json)),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(Json)),
            ("application/fhir+json; fhirVersion=4.0", Some(Json)),
            ("application/fhir+xml; fhirVersion=4.0", Some(Xml)),
            ("application/fhir+json; fhirVersion=5.0", None),
            ("Text/XML", Some(Xml)),
            ("application/json;q=0", None),
            ("application/json;q=0, text/xml", Some(Xml)),
            ("text/turtle", None),
        ];
        for (accept, expected) in rows {
            let form = answer_form(&with(ACCEPT, accept), "").ok();
            assert_eq!(form.map(|form| form.format), expected, "{accept}");
        }
        assert_eq!(answer_form(&HeaderMap::new(), ""), Ok(Form::default()));
    }

    #[test]
    fn a_page_is_what_a_browser_wants_most() {
        let rows = [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", true),
            ("application/fhir+json, text/html;q=0.5", "", false),
            ("*/*", "", false),
            ("text/*", "", false),
            ("*/*", "_format=html", true),
            ("text/html", "_format=json", false),
        ];
        for (accept, query, expected) in rows {
            let form = answer_form(&with(ACCEPT, accept), query);
            assert_eq!(form.map(|form| form.is_page), Ok(expected), "{accept} {query}");
        }
    }

    #[test]
    fn format_outweighs_accept() {
        let xml = with(ACCEPT, "application/fhir+xml");
        let format = |query| answer_form(&xml, query).ok().map(|form| form.format);
        assert_eq!(format("_format=json"), Some(Format::Json));
        assert_eq!(format("_format=application/fhir+json"), Some(Format::Json));
        assert_eq!(format("_format=text%2Fxml"), Some(Format::Xml));
        assert_eq!(format("_format="), Some(Format::Xml));
        assert_eq!(format("_format=turtle"), None);
        assert_eq!(
            answer_form(&xml, "_format=json&_pretty=true").map(|form| form.pretty),
            Ok(true)
        );
        assert_eq!(answer_form(&HeaderMap::new(), "_pretty=1"), Err(Refusal::Pretty("1".into())));
    }

    #[test]
    fn a_body_is_fhir_in_utf_8() {
        let rows = [
            ("application/fhir+json", Some(Format::Json)),
            ("application/json; charset=UTF-8", Some(Format::Json)),
            ("text/json;charset=\"utf-8\"", Some(Format::Json)),
            ("application/fhir+json; fhirVersion=4.0", Some(Format::Json)),
            ("application/fhir+json; fhirVersion=3.0", None),
            ("application/json; charset=iso-8859-1", None),
            ("application/fhir+xml", Some(Format::Xml)),
            ("text/xml; charset=utf-8", Some(Format::Xml)),
            ("application/xml; charset=utf-16", None),
            ("application/x-www-form-urlencoded", None),
        ];
        for (sent, expected) in rows {
            assert_eq!(resource_body(&with(CONTENT_TYPE, sent)).ok(), expected, "{sent}");
        }
        assert!(resource_body(&HeaderMap::new()).is_err());
        assert!(form_body(&HeaderMap::new()).is_ok());
        assert!(form_body(&with(CONTENT_TYPE, "application/json")).is_err());
    }
}
