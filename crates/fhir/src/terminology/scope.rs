//! Where code systems and value sets are found, and in which version.

use std::cmp::Ordering;

use super::contains::Found;
use super::{Failure, version};
use crate::definitions::{CodeSystem, Concept, ConceptMap, Definitions, Layer, Registry, ValueSet};

/// Which versions a request wants, beyond what the definitions themselves say.
#[derive(Clone, Debug, Default)]
pub struct VersionRules {
    /// `system-version`: for systems without a version.
    pub system: Vec<(String, String)>,
    /// `check-system-version`: all others are errors.
    pub check: Vec<(String, String)>,
    /// `force-system-version`: whatever the value set says.
    pub force: Vec<(String, String)>,
    /// `default-valueset-version`: for value sets without a version.
    pub value_set: Vec<(String, String)>,
}

/// Why there is no code system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nobody knows a system of this URL.
    System(String),
    /// The system is there, but not in this version.
    Version {
        /// The URL.
        system: String,
        /// The version that was asked for.
        version: String,
    },
}

impl Missing {
    /// `url` or `url|version`.
    #[must_use]
    pub fn canonical(&self) -> String {
        match self {
            Self::System(system) => system.clone(),
            Self::Version { system, version } => format!("{system}|{version}"),
        }
    }
}

/// The definitions of a service, with what a request brought itself before them.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    registry: &'a Registry,
    brought: Option<&'a Layer>,
    versions: &'a VersionRules,
}

impl<'a> Scope<'a> {
    /// What is loaded.
    #[must_use]
    pub fn new(registry: &'a Registry, versions: &'a VersionRules) -> Self {
        Self { registry, brought: None, versions }
    }

    /// The same, where what is in `layer` comes first.
    #[must_use]
    pub fn with(self, layer: &'a Layer) -> Self {
        Self { brought: Some(layer), ..self }
    }

    /// The same under other rules for versions.
    pub(super) fn under<'b>(self, versions: &'b VersionRules) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope { versions, ..self }
    }

    /// The definitions of R4.
    pub(super) fn base(&self) -> &'a Definitions {
        self.registry.base()
    }

    /// The rules for versions.
    #[must_use]
    pub fn versions(&self) -> &'a VersionRules {
        self.versions
    }

    fn terminologies(&self) -> impl Iterator<Item = &'a crate::definitions::Terminology> {
        let own = self.brought.into_iter().chain(self.registry.layers());
        own.map(Layer::terminology).chain([self.registry.base().terminology()])
    }

    /// All code systems of this URL that are loaded, the ones that come first before others.
    pub fn systems(&self, url: &str) -> impl Iterator<Item = CodeSystem<'a>> {
        self.terminologies().flat_map(move |known| known.versions_of(url))
    }

    /// The code system, in the version that `wanted` or the rules say, else in the latest.
    pub fn code_system(&self, url: &str, wanted: Option<&str>) -> Result<CodeSystem<'a>, Missing> {
        let rule = |rules: &'a [(String, String)]| {
            rules.iter().find(|(system, _)| system == url).map(|(_, version)| version.as_str())
        };
        let given = rule(&self.versions.force).or(wanted);
        let wanted = given.or_else(|| rule(&self.versions.system));
        let wanted = wanted.or_else(|| rule(&self.versions.check));
        self.exact_system(url, wanted)
    }

    /// The code system in this version, whatever the rules say, or in the latest.
    pub fn exact_system(&self, url: &str, wanted: Option<&str>) -> Result<CodeSystem<'a>, Missing> {
        let mut is_known = false;
        for terminology in self.terminologies() {
            let mut all = terminology.versions_of(url).peekable();
            is_known |= all.peek().is_some();
            let fits = all.filter(|system| fits(wanted, system.version()));
            let newest = fits.max_by(|left, right| newer(left.version(), right.version()));
            if let Some(found) = newest {
                return Ok(found);
            }
        }
        match wanted {
            Some(version) if is_known => {
                Err(Missing::Version { system: url.to_owned(), version: version.to_owned() })
            }
            _ => Err(Missing::System(url.to_owned())),
        }
    }

    /// The value set `url` or `url|version`; of several versions the latest.
    pub fn value_set(&self, canonical: &str) -> Option<ValueSet<'a>> {
        let (url, wanted) = split(canonical);
        let rule = || self.versions.value_set.iter().find(|(set, _)| set == url);
        let wanted = wanted.or_else(|| rule().map(|(_, version)| version.as_str()));
        self.terminologies().find_map(|terminology| {
            let fits = terminology.value_set_versions(url);
            let fits = fits.filter(|set| fits_exactly(wanted, set.version()));
            fits.max_by(|left, right| newer(left.version(), right.version()))
        })
    }

    /// The code system that names the value set `url` or `url|version` as that of all its codes; of
    /// several versions the latest.
    pub fn system_of(&self, canonical: &str) -> Option<CodeSystem<'a>> {
        let (url, wanted) = split(canonical);
        let names = |system: &CodeSystem<'_>| {
            let (named, version) = split(system.value_set().unwrap_or_default());
            let version = version.unwrap_or(system.version());
            named == url && fits_exactly(wanted, version) && system.content() != "supplement"
        };
        self.terminologies().find_map(|terminology| {
            let all = terminology.code_systems().filter(names);
            all.max_by(|left, right| newer(left.version(), right.version()))
        })
    }

    /// As [`Self::code_system`]; what `check-system-version` does not allow is a failure.
    pub fn allowed_system(
        &self,
        url: &str,
        wanted: Option<&str>,
    ) -> Result<CodeSystem<'a>, Failure> {
        let system = self.code_system(url, wanted).map_err(Failure::NoCodeSystem)?;
        let allowed = self.versions.check.iter().find(|(known, _)| known == url);
        match allowed {
            Some((_, allowed)) if !version::matches(allowed, system.version()) => {
                Err(Failure::Version {
                    system: url.to_owned(),
                    version: system.version().to_owned(),
                    allowed: allowed.clone(),
                })
            }
            _ => Ok(system),
        }
    }

    /// The supplement with this canonical URL.
    #[must_use]
    pub fn supplement(&self, canonical: &str) -> Option<CodeSystem<'a>> {
        let (url, version) = split(canonical);
        self.exact_system(url, version).ok().filter(|system| system.content() == "supplement")
    }

    /// What the supplements that are loaded say about a concept.
    pub(super) fn supplementing(&self, found: &Found<'a>) -> Vec<Concept<'a>> {
        let Some(system) = found.system else { return Vec::new() };
        self.supplements(system).filter_map(|more| more.concept(found.code())).collect()
    }

    /// The supplements of a code system that are loaded.
    pub fn supplements(&self, of: CodeSystem<'a>) -> impl Iterator<Item = CodeSystem<'a>> {
        let all = self.terminologies().flat_map(crate::definitions::Terminology::code_systems);
        all.filter(move |system| {
            system.content() == "supplement"
                && system.supplements().is_some_and(|canonical| {
                    let (url, version) = split(canonical);
                    url == of.url() && fits(version, of.version())
                })
        })
    }

    /// All concept maps.
    pub fn concept_maps(&self) -> impl Iterator<Item = ConceptMap<'a>> {
        let own = self.brought.into_iter().chain(self.registry.layers());
        let own = own.flat_map(|layer| layer.concept_maps().iter());
        own.chain(self.registry.base().concept_maps().iter())
    }
}

/// `url|version` in its parts.
pub(super) fn split(canonical: &str) -> (&str, Option<&str>) {
    match canonical.split_once('|') {
        Some((url, version)) if !version.is_empty() => (url, Some(version)),
        Some((url, _)) => (url, None),
        None => (canonical, None),
    }
}

fn fits(wanted: Option<&str>, version: &str) -> bool {
    wanted.is_none_or(|wanted| version::matches(wanted, version))
}

fn fits_exactly(wanted: Option<&str>, version: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == version)
}

fn newer(left: &str, right: &str) -> Ordering {
    version::compare(left, right)
}
