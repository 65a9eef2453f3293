//! <https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.valueSet>: the value set of all
//! codes of a system, which the system names and nobody wrote down.

use json::{Document, Limits, Writer};

use super::Scope;
use super::scope::split;
use crate::definitions::{CodeSystem, Layer, Origin, ValueSet};

/// A value set that is implied.
pub struct AllCodes(Layer);

impl AllCodes {
    /// That of `url` or `url|version`: all codes of the system of this version, else of the version
    /// that the rules say or the newest. None where it is written down, or no system names it.
    #[must_use]
    pub fn named(scope: &Scope<'_>, canonical: &str) -> Option<Self> {
        if scope.value_set(canonical).is_some() {
            return None;
        }
        let system = scope.system_of(canonical)?;
        let text = written(scope, canonical, system);
        let document = Document::parse(text, &Limits::default()).ok()?;
        Some(Self(Layer::new(scope.base(), Origin::Rest, &[document])))
    }

    /// The value set.
    #[must_use]
    pub fn value_set(&self) -> Option<ValueSet<'_>> {
        self.0.terminology().value_sets().next()
    }

    pub(super) fn into_layer(self) -> Layer {
        self.0
    }
}

fn written(scope: &Scope<'_>, canonical: &str, system: CodeSystem<'_>) -> Vec<u8> {
    let (url, wanted) = split(canonical);
    let included = wanted.map(|_| system.version()).filter(|version| !version.is_empty());
    let known = scope.code_system(system.url(), included).ok();
    let version = known.map(CodeSystem::version).filter(|version| !version.is_empty());
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.begin_object().key("resourceType").string("ValueSet").key("url").string(url);
    if let Some(version) = version {
        writer.key("version").string(version);
    }
    writer.key("status").string("active").key("compose").begin_object();
    writer.key("include").begin_array().begin_object().key("system").string(system.url());
    if let Some(version) = included {
        writer.key("version").string(version);
    }
    writer.end_object().end_array().end_object().end_object();
    out
}
