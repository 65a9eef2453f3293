//! All that one service knows: its FHIR version, packages over it, and over these what was stored
//! over REST.

use std::sync::Arc;

use super::overlay::{Layer, Origin};
use super::search::SearchParameter;
use super::stored::Stored;
use super::structures::Structure;
use super::terminology::{CodeSystem, ConceptMap, ValueSet};
use super::{Definitions, TypeId};

/// The definitions of a service. What is looked up is found in the first place that has it: what
/// was stored over REST, then packages, the last added first, then the FHIR version.
#[derive(Clone)]
pub struct Registry {
    base: &'static Definitions,
    stored: Arc<Stored>,
    /// In the order in which they are asked.
    layers: Vec<Arc<Layer>>,
}

impl Registry {
    /// A service that has nothing of its own.
    #[must_use]
    pub fn new(base: &'static Definitions) -> Self {
        Self { base, stored: Arc::default(), layers: Vec::new() }
    }

    /// The same with `layer`, which replaces the one of the same origin.
    #[must_use]
    pub fn with(&self, layer: Arc<Layer>) -> Self {
        let mut layers = self.layers.clone();
        layers.retain(|known| known.origin() != layer.origin());
        let stored = layers.partition_point(|known| *known.origin() == Origin::Rest);
        let place = if *layer.origin() == Origin::Rest { 0 } else { stored };
        layers.insert(place, layer);
        Self { layers, ..self.clone() }
    }

    /// The same without the layer of this origin.
    #[must_use]
    pub fn without(&self, origin: &Origin) -> Self {
        let layers = self.layers.iter().filter(|known| known.origin() != origin).cloned();
        Self { layers: layers.collect(), ..self.clone() }
    }

    /// The same with what was stored over REST one by one.
    #[must_use]
    pub fn with_stored(&self, stored: Arc<Stored>) -> Self {
        Self { stored, ..self.clone() }
    }

    /// The FHIR version that it stands on: its types, compartments and operations.
    pub fn base(&self) -> &'static Definitions {
        self.base
    }

    /// Its layers, in the order in which they are asked; each resource that was stored over REST is
    /// one.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.stored.layers().chain(self.layers.iter().map(|layer| &**layer))
    }

    /// What `find` finds first in the layers that may have this canonical URL.
    fn find<'r, T>(&'r self, canonical: &str, find: impl Fn(&'r Layer) -> Option<T>) -> Option<T> {
        let stored = self.stored.of(canonical).find_map(&find);
        stored.or_else(|| self.layers.iter().find_map(|layer| find(layer)))
    }

    /// The StructureDefinition with this canonical URL, `url` or `url|version`.
    pub fn structure(&self, canonical: &str) -> Option<Structure<'_>> {
        let own = self.find(canonical, |layer| layer.profiles().find(canonical));
        own.or_else(|| self.base.structure(canonical))
    }

    /// What `code` means in a search of the resource type `ty`.
    pub fn search_parameter(&self, ty: TypeId, code: &str) -> Option<SearchParameter<'_>> {
        let own = self.stored.parameters().chain(self.layers.iter().map(|layer| &**layer));
        let mut own =
            own.filter_map(|layer| self.base.find_for(layer.search_parameters(), ty, code));
        own.next().or_else(|| self.base.search_parameter(ty, code))
    }

    /// The code system with this canonical URL, `url` or `url|version`.
    pub fn code_system(&self, canonical: &str) -> Option<CodeSystem<'_>> {
        let own = self.find(canonical, |layer| layer.terminology().code_system(canonical));
        own.or_else(|| self.base.terminology().code_system(canonical))
    }

    /// All code systems; one that stands in several layers comes once for each.
    pub fn code_systems(&self) -> impl Iterator<Item = CodeSystem<'_>> {
        let own = self.layers().flat_map(|layer| layer.terminology().code_systems());
        own.chain(self.base.terminology().code_systems())
    }

    /// The value set with this canonical URL, `url` or `url|version`.
    pub fn value_set(&self, canonical: &str) -> Option<ValueSet<'_>> {
        let own = self.find(canonical, |layer| layer.terminology().value_set(canonical));
        own.or_else(|| self.base.terminology().value_set(canonical))
    }

    /// The concept map with this canonical URL, `url` or `url|version`.
    pub fn concept_map(&self, canonical: &str) -> Option<ConceptMap<'_>> {
        let own = self.find(canonical, |layer| layer.concept_maps().find(canonical));
        own.or_else(|| self.base.concept_maps().find(canonical))
    }
}
