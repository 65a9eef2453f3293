//! <https://confluence.hl7.org/display/FHIR/NPM+Package+Specification>
//!
//! `package.json`: what a package says about itself.

use json::{Document, Value};

/// A package that another one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// `hl7.terminology.r4`
    pub name: String,
    /// `7.0.1`, `1.0.x`, `current`.
    pub version: String,
}

/// What a package says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// `hl7.fhir.us.core`; empty when it has none.
    pub name: String,
    /// `6.1.0`; empty when it has none.
    pub version: String,
    /// Its name for people.
    pub title: Option<String>,
    /// An SPDX identifier.
    pub licence: Option<String>,
    /// The FHIR versions that it is for; older packages do not say.
    pub fhir_versions: Vec<String>,
    /// The packages that it needs.
    pub dependencies: Vec<Dependency>,
}

impl Manifest {
    /// `name#version`
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}#{}", self.name, self.version)
    }

    pub(super) fn of(document: &Document) -> Self {
        let root = document.root();
        let text = |key| root.get(key).and_then(Value::as_str).map(std::borrow::Cow::into_owned);
        let versions =
            ["fhirVersions", "fhir-version-list"].into_iter().find_map(|it| root.get(it));
        let versions = versions.into_iter().flat_map(Value::elements).filter_map(Value::as_str);
        let needed = root.get("dependencies").into_iter().flat_map(Value::members);
        Self {
            name: text("name").unwrap_or_default(),
            version: text("version").unwrap_or_default(),
            title: text("title"),
            licence: text("license"),
            fhir_versions: versions.map(std::borrow::Cow::into_owned).collect(),
            dependencies: needed
                .filter_map(|member| {
                    let version = member.value().as_str()?.into_owned();
                    Some(Dependency { name: member.key().into_owned(), version })
                })
                .collect(),
        }
    }

    /// Whether it is for this FHIR version; one that does not say is for all.
    pub(super) fn is_for(&self, version: &str) -> bool {
        let release = |of: &str| of.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
        self.fhir_versions.is_empty()
            || self.fhir_versions.iter().any(|known| release(known) == release(version))
    }
}
