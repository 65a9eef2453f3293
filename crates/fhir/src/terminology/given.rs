//! <https://hl7.org/fhir/R4/parameters.html>: what a request gives an operation, by name.

use std::borrow::Cow;

use json::{Kind, Value};

use super::{Coding, VersionRules};

/// A parameter.
#[derive(Clone)]
pub enum Given<'d> {
    /// From a query.
    Text(Cow<'d, str>),
    /// `value[x]`
    Value(Value<'d>),
    /// `resource`
    Resource(Value<'d>),
}

/// All parameters of a request, in order.
#[derive(Clone, Default)]
pub struct Parameters<'d>(Vec<(Cow<'d, str>, Given<'d>)>);

impl<'d> Parameters<'d> {
    /// Those of a Parameters resource.
    #[must_use]
    pub fn of(resource: Value<'d>) -> Self {
        let all = resource.get("parameter").into_iter().flat_map(Value::elements);
        Self(all.filter_map(|parameter| Some((name(parameter)?, given(parameter)?))).collect())
    }

    /// Adds a parameter of a query.
    pub fn add(&mut self, name: impl Into<Cow<'d, str>>, text: impl Into<Cow<'d, str>>) {
        self.0.push((name.into(), Given::Text(text.into())));
    }

    /// Adds a resource.
    pub fn add_resource(&mut self, name: impl Into<Cow<'d, str>>, resource: Value<'d>) {
        self.0.push((name.into(), Given::Resource(resource)));
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Given<'d>> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, given)| given)
    }

    /// The primitive values of a parameter, as texts.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = Cow<'_, str>> {
        self.named(name).filter_map(|given| match given {
            Given::Text(text) => Some(Cow::Borrowed(text.as_ref())),
            Given::Value(value) => match value.kind() {
                Kind::String => value.as_str(),
                Kind::Bool | Kind::Number => Some(Cow::Borrowed(value.raw_str())),
                Kind::Null | Kind::Array | Kind::Object => None,
            },
            Given::Resource(_) => None,
        })
    }

    /// The last primitive value of a parameter, as text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.texts(name).last()
    }

    /// Whether a parameter is `true`.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "true")
    }

    /// The complex values of a parameter.
    pub fn values(&self, name: &str) -> impl Iterator<Item = Value<'d>> {
        self.named(name).filter_map(|given| match given {
            Given::Value(value) if value.kind() == Kind::Object => Some(*value),
            _ => None,
        })
    }

    /// The resources of a parameter.
    pub fn resources(&self, name: &str) -> impl Iterator<Item = Value<'d>> {
        self.named(name).filter_map(|given| match given {
            Given::Resource(value) => Some(*value),
            _ => None,
        })
    }

    /// `system-version`, `check-system-version`, `force-system-version`,
    /// `default-valueset-version`.
    #[must_use]
    pub fn version_rules(&self) -> VersionRules {
        let rules = |name: &str| {
            let canonicals = self.texts(name);
            let pairs = canonicals.filter_map(|canonical| {
                let (url, version) = canonical.split_once('|')?;
                Some((url.to_owned(), version.to_owned()))
            });
            pairs.collect()
        };
        VersionRules {
            system: rules("system-version"),
            check: rules("check-system-version"),
            force: rules("force-system-version"),
            value_set: rules("default-valueset-version"),
        }
    }

    /// The languages that displays are wanted in, the best first; `*` is any.
    #[must_use]
    pub fn languages(&self) -> Vec<String> {
        self.text("displayLanguage").map_or_else(Vec::new, |text| languages(&text))
    }
}

/// The languages of a header `Accept-Language`, the best first.
#[must_use]
pub fn languages(text: &str) -> Vec<String> {
    let mut all: Vec<(f32, &str)> = text
        .split(',')
        .filter_map(|part| {
            let (language, rest) = part.split_once(';').unwrap_or((part, ""));
            let weight = rest.trim().strip_prefix("q=").and_then(|text| text.parse().ok());
            let language = language.trim();
            (!language.is_empty()).then_some((weight.unwrap_or(1.0), language))
        })
        .collect();
    all.sort_by(|left, right| right.0.total_cmp(&left.0));
    let name = |(weight, language): (f32, &str)| match (weight > 0.0, language) {
        (true, language) => Some(language.to_owned()),
        (false, "*") => Some(super::display::NO_OTHER.to_owned()),
        (false, _) => None,
    };
    all.into_iter().filter_map(name).collect()
}

fn name(parameter: Value<'_>) -> Option<Cow<'_, str>> {
    parameter.get("name")?.as_str()
}

fn given(parameter: Value<'_>) -> Option<Given<'_>> {
    if let Some(resource) = parameter.get("resource") {
        return Some(Given::Resource(resource));
    }
    let mut members = parameter.members();
    let value = members.find(|member| member.key().starts_with("value"))?;
    Some(Given::Value(value.value()))
}

/// A Coding with its own texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnedCoding {
    /// The code system.
    pub system: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The code.
    pub code: String,
    /// What people read.
    pub display: Option<String>,
}

impl OwnedCoding {
    /// That of a JSON Coding.
    #[must_use]
    pub fn of(coding: Value<'_>) -> Self {
        let text = |key: &str| coding.get(key)?.as_str().map(Cow::into_owned);
        Self {
            system: text("system"),
            version: text("version"),
            code: text("code").unwrap_or_default(),
            display: text("display"),
        }
    }

    /// A view.
    #[must_use]
    pub fn view(&self) -> Coding<'_> {
        Coding {
            system: self.system.as_deref(),
            version: self.version.as_deref(),
            code: &self.code,
            display: self.display.as_deref(),
        }
    }
}

/// The codings of a request: `codeableConcept`, `coding`, or `code` with `system`.
pub(super) fn codings(given: &Parameters<'_>, system_name: &str) -> (Vec<OwnedCoding>, Shape) {
    if let Some(concept) = given.values("codeableConcept").next() {
        let codings = concept.get("coding").into_iter().flat_map(Value::elements);
        return (codings.map(OwnedCoding::of).collect(), Shape::CodeableConcept);
    }
    if let Some(coding) = given.values("coding").next() {
        return (vec![OwnedCoding::of(coding)], Shape::Coding);
    }
    let text = |name: &str| given.text(name).map(Cow::into_owned);
    let Some(code) = text("code") else { return (Vec::new(), Shape::Code) };
    let version = text("systemVersion").or_else(|| text("version"));
    let coding = OwnedCoding { system: text(system_name), version, code, display: text("display") };
    (vec![coding], Shape::Code)
}

/// How a code was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `code`
    Code,
    /// `coding`
    Coding,
    /// `codeableConcept`
    CodeableConcept,
}
