//! <https://hl7.org/fhir/R4/terminology-service.html>: what a request is about.

use json::{Document, Error, Limits, Value};

use super::scope::split;
use super::{AllCodes, Coding, Failure, Parameters, Question, Route, Scope, VersionRules};
use crate::definitions::{Definitions, Layer, Origin, Registry, ValueSet};

/// The definitions that a request brings itself: `valueSet` and `tx-resource`.
pub struct Brought {
    all: Layer,
    inline: Option<Layer>,
}

impl Brought {
    /// Reads them. The error is one of a resource that is too large for `limits`.
    pub fn of(base: &Definitions, given: &Parameters<'_>, limits: &Limits) -> Result<Self, Error> {
        let parse = |resource: Value<'_>| Document::parse(resource.raw().to_vec(), limits);
        let mut all = given.resources("tx-resource").map(parse).collect::<Result<Vec<_>, _>>()?;
        let inline = given.resources("valueSet").map(parse).next().transpose()?;
        all.extend(inline.clone());
        let layer = |documents: &[Document]| Layer::new(base, Origin::Rest, documents);
        let inline = inline.map(|inline| layer(&[inline]));
        Ok(Self { all: layer(&all), inline })
    }

    /// The same where `url` is the value set of all codes of a system, which the system names and
    /// nobody wrote down.
    #[must_use]
    pub fn with_all_codes(
        self,
        registry: &Registry,
        versions: &VersionRules,
        given: &Parameters<'_>,
    ) -> Self {
        let (Some(canonical), None) = (canonical(given), &self.inline) else { return self };
        let scope = Scope::new(registry, versions).with(&self.all);
        let implied = AllCodes::named(&scope, &canonical);
        Self { inline: implied.map(AllCodes::into_layer), ..self }
    }

    /// All of it.
    #[must_use]
    pub fn layer(&self) -> &Layer {
        &self.all
    }

    /// The value set that the request is about: the one that it brings, else that of `url` and
    /// `valueSetVersion`; None when it names none.
    pub fn value_set<'a>(
        &'a self,
        scope: &Scope<'a>,
        given: &Parameters<'_>,
    ) -> Result<Option<ValueSet<'a>>, Failure> {
        let inline =
            self.inline.as_ref().and_then(|inline| inline.terminology().value_sets().next());
        if inline.is_some() {
            return Ok(inline);
        }
        let Some(canonical) = canonical(given) else { return Ok(None) };
        scope.value_set(&canonical).map(Some).ok_or(Failure::NoValueSet(canonical))
    }
}

/// The value set that `url` and `valueSetVersion` name. Two versions that differ name none.
fn canonical(given: &Parameters<'_>) -> Option<String> {
    let url = given.text("url")?;
    Some(match given.text("valueSetVersion") {
        Some(version) if split(&url).1 != Some(&version) => format!("{url}|{version}"),
        _ => url.into_owned(),
    })
}

impl Route {
    /// What the parameters of a request say.
    #[must_use]
    pub fn of(given: &Parameters<'_>) -> Self {
        let text = |name: &str| given.text(name).map(std::borrow::Cow::into_owned);
        let map = text("url").map(|url| match text("conceptMapVersion") {
            Some(version) => format!("{url}|{version}"),
            None => url,
        });
        Self {
            map,
            source: text("source"),
            target: text("target"),
            target_system: text("targetsystem"),
            is_reverse: given.flag("reverse").unwrap_or(false),
        }
    }
}

impl Question {
    /// The codings that were given.
    pub fn views(&self) -> impl Iterator<Item = Coding<'_>> {
        self.codings.iter().map(super::OwnedCoding::view)
    }
}
