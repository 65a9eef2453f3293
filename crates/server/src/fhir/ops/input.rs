//! <https://hl7.org/fhir/R4/operations.html#request>: the parameters of an operation, from the
//! query and from a body, which is a Parameters resource or the one resource that is asked about.

use std::borrow::Cow;

use fhir::terminology::Parameters;
use form_urlencoded::Serializer;
use json::{Document, Kind, Value};

use crate::exchange::Body;
use crate::fhir::context::Context;
use crate::fhir::incoming;
use crate::fhir::outcome::Issue;
use crate::fhir::refusal::General;

/// What an operation was given.
pub(crate) struct Input {
    query: Vec<(String, String)>,
    document: Option<Document>,
}

impl Input {
    /// Reads the query, and the body when there is one.
    pub(crate) async fn read(cx: &Context<'_>, body: Option<Body>) -> Result<Self, General> {
        let query = form_urlencoded::parse(cx.query.as_bytes());
        let query = query.filter(|(name, _)| !matches!(name.as_ref(), "_format" | "_pretty" | ""));
        let query: Vec<_> = query.map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
        let document = match body {
            Some(body) => {
                let bytes = cx.read(body).await?;
                if bytes.is_empty() { None } else { Some(incoming::document(bytes).await?) }
            }
            None => None,
        };
        if let Some(document) = &document {
            check(document.root())?;
        }
        Ok(Self { query, document })
    }

    /// The body.
    pub(crate) fn document(&self) -> Option<&Document> {
        self.document.as_ref()
    }

    fn root(&self) -> Option<Value<'_>> {
        Some(self.document.as_ref()?.root())
    }

    /// The body, when it is a resource and no Parameters.
    pub(crate) fn body_resource(&self) -> Option<Value<'_>> {
        self.root().filter(|root| !is_of_type(*root, "Parameters"))
    }

    /// The parameters of the body, each as (name, parameter).
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
        let root = self.root().filter(|root| is_of_type(*root, "Parameters"));
        let all = root.and_then(|root| root.get("parameter")).into_iter();
        all.flat_map(Value::elements).filter_map(|parameter| {
            Some((parameter.get("name").and_then(Value::as_str)?, parameter))
        })
    }

    /// The values of a parameter that is a primitive, as texts.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = Cow<'_, str>> {
        let queried = self.query.iter().filter(move |(known, _)| known == name);
        let queried = queried.map(|(_, value)| Cow::Borrowed(value.as_str()));
        queried.chain(self.values(name).filter_map(text))
    }

    /// The last value of a parameter that is a primitive, as text.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.texts(name).last()
    }

    /// The `value[x]` of the parameters of this name.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = Value<'_>> {
        self.parameters().filter(move |(known, _)| known == name).filter_map(|(_, parameter)| {
            let mut members = parameter.members();
            let member = members.find(|member| member.key().starts_with("value"));
            member.map(|member| member.value())
        })
    }

    /// The resource of the first parameter of this name.
    pub(crate) fn resource(&self, name: &str) -> Option<Value<'_>> {
        let mut named = self.parameters().filter(|(known, _)| known == name);
        named.find_map(|(_, parameter)| parameter.get("resource"))
    }

    /// The resource that is asked about: the parameter `resource`, else the body.
    pub(crate) fn subject(&self) -> Option<Value<'_>> {
        self.resource("resource").or_else(|| self.body_resource())
    }

    /// A parameter that is true or false.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, General> {
        self.text(name)
            .map(|text| match text.as_ref() {
                "true" => Ok(true),
                "false" => Ok(false),
                other => Err(wrong("value", format!("{name} is true or false, not '{other}'."))),
            })
            .transpose()
    }

    /// A parameter that is a whole number, from 0.
    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, General> {
        self.text(name)
            .map(|text| {
                let what = || wrong("value", format!("{name} is a whole number, not '{text}'."));
                text.parse().map_err(|_| what())
            })
            .transpose()
    }

    /// A parameter that has to be there.
    pub(crate) fn required(&self, name: &str) -> Result<Cow<'_, str>, General> {
        let missing = || wrong("required", format!("The parameter '{name}' is missing."));
        self.text(name).ok_or_else(missing)
    }

    /// The parameters of the body as a query, of operations that search.
    pub(crate) fn form(&self) -> Result<String, General> {
        self.no_resource()?;
        let mut form = Serializer::new(String::new());
        for (name, parameter) in self.parameters() {
            let value = parameter.members().find(|member| member.key().starts_with("value"));
            let text = value.and_then(|member| searched(member.value())).ok_or_else(|| {
                let text = format!("The parameter '{name}' has no value to search for.");
                wrong("value", format!("{text} Give it as it stands in a URL, as valueString."))
            })?;
            form.append_pair(&name, &text);
        }
        Ok(form.finish())
    }

    /// A parameter that has to be there and refers to a resource: as text, or as a Reference.
    pub(crate) fn reference(&self, name: &str) -> Result<Cow<'_, str>, General> {
        let references = self.values(name).filter_map(|value| value.get("reference")?.as_str());
        references.last().map_or_else(|| self.required(name), Ok)
    }

    /// Whether there is a parameter of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    /// All parameters; a ValueSet that is the whole body is the parameter `valueSet`.
    pub(crate) fn given(&self) -> Parameters<'_> {
        let root = self.root().filter(|root| is_of_type(*root, "Parameters"));
        let mut given = root.map_or_else(Parameters::default, Parameters::of);
        for (name, value) in &self.query {
            given.add(name.as_str(), value.as_str());
        }
        if let Some(set) = self.body_resource().filter(|body| is_of_type(*body, "ValueSet")) {
            given.add_resource("valueSet", set);
        }
        given
    }

    /// Refuses a body that is a resource, of operations that take Parameters alone.
    fn no_resource(&self) -> Result<(), General> {
        let Some(body) = self.body_resource().filter(|body| body.members().next().is_some()) else {
            return Ok(());
        };
        let name = body.get("resourceType").and_then(Value::as_str);
        let name = name.map_or_else(|| "no resource".to_owned(), |name| format!("a {name}"));
        Err(wrong("structure", format!("The body is {name}; this operation takes Parameters.")))
    }

    /// Refuses all but these parameters, and a body that is a resource.
    pub(crate) fn only_parameters(&self, known: &[&str]) -> Result<(), General> {
        self.no_resource()?;
        self.only(known)
    }

    /// Refuses parameters that the operation does not have: none is accepted and ignored.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), General> {
        let queried = self.query.iter().map(|(name, _)| Cow::Borrowed(name.as_str()));
        let names = queried.chain(self.parameters().map(|(name, _)| name));
        let supported = match known {
            [] => "It has none.".to_owned(),
            known => format!("Supported: {}.", known.join(", ")),
        };
        let issues: Vec<Issue> = names
            .filter(|name| !known.contains(&name.as_ref()))
            .map(|name| {
                let text = format!("The parameter '{name}' is not supported here. {supported}");
                Issue::error("not-supported", text)
            })
            .collect();
        if issues.is_empty() { Ok(()) } else { Err(General::Content(issues)) }
    }
}

/// Refuses a body whose parameters could not be heard.
fn check(root: Value<'_>) -> Result<(), General> {
    if root.kind() != Kind::Object {
        let text = "The body of an operation is a Parameters resource, or the one resource that \
                    the operation is about.";
        return Err(wrong("structure", text));
    }
    let Some(parameters) = root.get("parameter").filter(|_| is_of_type(root, "Parameters")) else {
        return Ok(());
    };
    let is_named = |it: Value<'_>| it.get("name").is_some_and(|name| name.kind() == Kind::String);
    if parameters.kind() != Kind::Array || !parameters.elements().all(is_named) {
        let text = "'parameter' of Parameters is an array of objects, each with a 'name'.";
        return Err(wrong("structure", text));
    }
    Ok(())
}

/// 400 with one issue.
pub(crate) fn wrong(code: &'static str, text: impl Into<String>) -> General {
    General::Content(vec![Issue::error(code, text)])
}

pub(super) fn is_of_type(resource: Value<'_>, name: &str) -> bool {
    resource.get("resourceType").is_some_and(|found| found.is_str(name))
}

/// A value as it stands in the URL of a search: a primitive, a Coding, an Identifier, a Reference.
fn searched(value: Value<'_>) -> Option<Cow<'_, str>> {
    if value.kind() != Kind::Object {
        return text(value);
    }
    let member = |key| value.get(key).and_then(Value::as_str);
    if let Some(reference) = member("reference") {
        return Some(reference);
    }
    let code = member("code").or_else(|| member("value")).map(|code| escaped(&code))?;
    let system = member("system").map(|system| format!("{}|", escaped(&system)));
    Some(Cow::Owned(system.unwrap_or_default() + &code))
}

/// <https://hl7.org/fhir/R4/search.html#escaping>
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | ',' | '|' | '$') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// The text of a primitive.
fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value.kind() {
        Kind::String => value.as_str(),
        Kind::Bool | Kind::Number => Some(Cow::Borrowed(value.raw_str())),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

#[cfg(test)]
mod tests {
    use json::Limits;

    use super::*;

    #[test]
    fn a_value_is_written_as_it_stands_in_a_url() {
        for (value, expected) in [
            (r#""ge2026""#, Some("ge2026")),
            ("7", Some("7")),
            (r#"{"system":"urn:s","code":"a|b"}"#, Some(r"urn:s|a\|b")),
            (r#"{"code":"c"}"#, Some("c")),
            (r#"{"system":"urn:s","value":"1,2"}"#, Some(r"urn:s|1\,2")),
            (r#"{"reference":"Patient/1"}"#, Some("Patient/1")),
            (r#"{"start":"2026"}"#, None),
        ] {
            let document = Document::parse(value, &Limits::default()).expect("JSON");
            assert_eq!(searched(document.root()).as_deref(), expected, "{value}");
        }
    }
}
