//! <https://hl7.org/fhir/R4/terminology-service.html>: what the operations on codes share.

use std::borrow::Cow;
use std::sync::Arc;

use authority::DataAction;
use base::limits::{JSON_DEPTH, JSON_NODES};
use bytes::Bytes;
use fhir::definitions::{Registry, ValueSet};
use fhir::terminology::{Brought, Failure, Parameters, Scope, VersionRules};
use http::StatusCode;
use json::{Document, Limits};
use store::Key;

use super::Level;
use super::input::{Input, is_of_type, wrong};
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::outcome::{CONTENT_TYPE, Outcome};
use crate::fhir::refusal::{self, General};
use crate::fhir::{incoming, types};

/// What can be wrong with any of them.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    Failure(Failure),
    /// 404: the operation was called on a resource that is not there.
    Instance(Key),
}

impl<E: Into<General>> From<E> for Refusal {
    fn from(refusal: E) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::Instance(key) => refusal::not_found(&key),
            Refusal::Failure(failure) => {
                let status = match &failure {
                    Failure::NoCodeSystem(_)
                    | Failure::NoValueSet(_)
                    | Failure::NoConceptMap(_)
                    | Failure::NoSupplement(_)
                    | Failure::NoSuchCode { .. } => StatusCode::NOT_FOUND,
                    Failure::TooCostly(_)
                    | Failure::Cycle(_)
                    | Failure::Filter(_)
                    | Failure::Version { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                };
                Self::error(status, failure.code(), failure.to_string())
            }
        }
    }
}

/// A request and all that it is answered from.
pub(crate) struct Asked<'i> {
    pub(crate) given: Parameters<'i>,
    /// URL and version of the resource that the operation is called on.
    pub(crate) instance: Option<(String, Option<String>)>,
    registry: Arc<Registry>,
    versions: VersionRules,
    brought: Brought,
}

impl<'i> Asked<'i> {
    /// Reads the parameters, all of which must be `known`. Looking up codes is reading. Where
    /// `displayLanguage` does not say it, `Accept-Language` says in which language. The supplements
    /// that are asked for must be there; those that are there count without being asked for.
    pub(crate) fn of(
        cx: &Context<'_>,
        level: Level,
        input: &'i Input,
        known: &[&str],
    ) -> Result<Self, Refusal> {
        cx.allow(DataAction::Read)?;
        let is_set = input.body_resource().is_some_and(|body| is_of_type(body, "ValueSet"));
        match is_set && known.contains(&"valueSet") {
            true => input.only(known)?,
            false => input.only_parameters(known)?,
        }
        let mut given = input.given();
        if known.contains(&"displayLanguage")
            && given.text("displayLanguage").is_none()
            && let Some(languages) = cx.accept_language
        {
            given.add("displayLanguage", languages.to_owned());
        }
        let registry = cx.service.registry()?;
        let limits = Limits { bytes: usize::MAX, depth: JSON_DEPTH, nodes: JSON_NODES };
        let bring = |given: &Parameters<'_>| {
            let brought = Brought::of(registry.base(), given, &limits);
            brought.map_err(|error| wrong("structure", error.to_string()))
        };
        let stored = stored(cx, level)?;
        let (brought, instance) = match &stored {
            None => (bring(&given)?, None),
            Some((name, document)) => {
                let mut all = given.clone();
                all.add_resource(*name, document.root());
                (bring(&all)?, canonical(document))
            }
        };
        let versions = given.version_rules();
        let brought = if known.contains(&"valueSet") {
            brought.with_all_codes(&registry, &versions, &given)
        } else {
            brought
        };
        let asked = Self { given, instance, registry, versions, brought };
        let missing = {
            let scope = asked.scope();
            let mut named = asked.given.texts("useSupplement").map(Cow::into_owned);
            named.find(|supplement| scope.supplement(supplement).is_none())
        };
        match missing {
            Some(supplement) => Err(Failure::NoSupplement(supplement).into()),
            None => Ok(asked),
        }
    }

    /// Where codes are looked up.
    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope::new(&self.registry, &self.versions).with(self.brought.layer())
    }

    /// The value set that the request is about.
    pub(crate) fn value_set(&self) -> Result<ValueSet<'_>, Refusal> {
        let missing = "Say which value set: 'url', or 'valueSet' in a body.";
        let set = self.brought.value_set(&self.scope(), &self.given)?;
        Ok(set.ok_or_else(|| wrong("required", missing))?)
    }
}

/// The resource that an operation is called on, and the parameter that it stands for.
fn stored(cx: &Context<'_>, level: Level) -> Result<Option<(&'static str, Document)>, Refusal> {
    let Level::Instance(key) = level else { return Ok(None) };
    let current = cx.snapshot().current(&key)?;
    let version = current.filter(|version| !version.is_deletion());
    let version = version.ok_or(Refusal::Instance(key))?;
    let document = incoming::parse(Bytes::copy_from_slice(&version.body))?;
    let is_set = types::name(key.resource_type) == "ValueSet";
    Ok(Some((if is_set { "valueSet" } else { "tx-resource" }, document)))
}

fn canonical(document: &Document) -> Option<(String, Option<String>)> {
    let text = |name: &str| document.root().get(name)?.as_str().map(Cow::into_owned);
    Some((text("url")?, text("version")))
}

/// 200 with a resource.
pub(crate) fn answer(resource: Vec<u8>) -> Answer {
    Answer::of(StatusCode::OK, CONTENT_TYPE, resource)
}
