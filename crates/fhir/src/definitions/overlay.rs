//! What one service knows: its own definitions in layers over those of its FHIR version.

use std::sync::Arc;

use json::Document;

use super::build;
use super::search::{SearchParameter, SearchParameters};
use super::structures::Structure;
use super::terminology::{CodeSystem, ConceptMap, ConceptMaps, Terminology, ValueSet};
use super::{Definitions, Profiles, TypeId};

/// Where the definitions of a layer came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A package, `name#version`.
    Package(String),
    /// Resources stored over REST.
    Rest,
}

/// Definitions of one origin; shared by the services that have the same package.
pub struct Layer {
    pub(super) origin: Origin,
    pub(super) profiles: Profiles,
    pub(super) search_parameters: SearchParameters,
    pub(super) terminology: Terminology,
    pub(super) concept_maps: ConceptMaps,
}

impl Layer {
    /// The layer of these resources, over the types of `base`.
    pub fn new<'d>(
        base: &Definitions,
        origin: Origin,
        definitions: impl IntoIterator<Item = &'d Document>,
    ) -> Self {
        build::layer(base, origin, definitions)
    }

    /// Where it came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its profiles and extension definitions.
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// Its search parameters.
    pub fn search_parameters(&self) -> &SearchParameters {
        &self.search_parameters
    }

    /// Its code systems and value sets.
    pub fn terminology(&self) -> &Terminology {
        &self.terminology
    }

    /// Its concept maps.
    pub fn concept_maps(&self) -> &ConceptMaps {
        &self.concept_maps
    }
}

/// The definitions of a service. What is looked up is found in the first place that has it: what
/// was stored over REST, then packages, the last added first, then the FHIR version.
#[derive(Clone)]
pub struct Registry {
    base: &'static Definitions,
    /// In the order in which they are asked.
    layers: Vec<Arc<Layer>>,
}

impl Registry {
    /// A service that has nothing of its own.
    #[must_use]
    pub fn new(base: &'static Definitions) -> Self {
        Self { base, layers: Vec::new() }
    }

    /// The same with `layer`, which replaces the one of the same origin.
    #[must_use]
    pub fn with(&self, layer: Arc<Layer>) -> Self {
        let mut layers = self.layers.clone();
        layers.retain(|known| known.origin != layer.origin);
        let stored = layers.partition_point(|known| known.origin == Origin::Rest);
        let place = if layer.origin == Origin::Rest { 0 } else { stored };
        layers.insert(place, layer);
        Self { base: self.base, layers }
    }

    /// The same without the layer of this origin.
    #[must_use]
    pub fn without(&self, origin: &Origin) -> Self {
        let layers = self.layers.iter().filter(|known| known.origin != *origin).cloned();
        Self { base: self.base, layers: layers.collect() }
    }

    /// The FHIR version that it stands on: its types, compartments and operations.
    pub fn base(&self) -> &'static Definitions {
        self.base
    }

    /// Its layers, in the order in which they are asked.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().map(|layer| &**layer)
    }

    /// The StructureDefinition with this canonical URL, `url` or `url|version`.
    pub fn structure(&self, canonical: &str) -> Option<Structure<'_>> {
        let own = self.layers().find_map(|layer| layer.profiles.find(canonical));
        own.or_else(|| self.base.structure(canonical))
    }

    /// What `code` means in a search of the resource type `ty`.
    pub fn search_parameter(&self, ty: TypeId, code: &str) -> Option<SearchParameter<'_>> {
        let find = |parameters| self.base.find_for(parameters, ty, code);
        let own = self.layers().find_map(|layer| find(&layer.search_parameters));
        own.or_else(|| self.base.search_parameter(ty, code))
    }

    /// The code system with this canonical URL, `url` or `url|version`.
    pub fn code_system(&self, canonical: &str) -> Option<CodeSystem<'_>> {
        let own = self.layers().find_map(|layer| layer.terminology.code_system(canonical));
        own.or_else(|| self.base.terminology().code_system(canonical))
    }

    /// The value set with this canonical URL, `url` or `url|version`.
    pub fn value_set(&self, canonical: &str) -> Option<ValueSet<'_>> {
        let own = self.layers().find_map(|layer| layer.terminology.value_set(canonical));
        own.or_else(|| self.base.terminology().value_set(canonical))
    }

    /// The concept map with this canonical URL, `url` or `url|version`.
    pub fn concept_map(&self, canonical: &str) -> Option<ConceptMap<'_>> {
        let own = self.layers().find_map(|layer| layer.concept_maps.find(canonical));
        own.or_else(|| self.base.concept_maps().find(canonical))
    }
}
