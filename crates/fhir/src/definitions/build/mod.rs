//! From published definitions, as JSON, to a pack or to a [`Layer`].
//!
//! `cargo xtask gen` makes the packs of FHIR versions here. Definitions that a service gets later,
//! in packages or over REST, go the same way and become a layer over such a pack.

mod concept_maps;
mod read;
mod search;
mod structures;
mod terminology;
mod types;
mod unique;

use json::{Document, Value};

use super::overlay::{Layer, Origin};
use super::pack::{self, About, Kind};
use super::rows::Section;
use super::search::SearchParameters;
use super::structures::Derivation;
use super::terminology::{ConceptMaps, Terminology};
use super::{Definitions, Profiles};

/// The best that is still quick to write; reading does not depend on it.
const LEVEL: i32 = 19;
/// Of packs that are written while somebody waits.
const LAYER_LEVEL: i32 = 9;

/// Takes definitions in the order in which they shall be listed.
#[derive(Default)]
pub struct Builder {
    types: structures::StructureBuilder,
    profiles: structures::StructureBuilder,
    search_parameters: search::SearchBuilder,
    compartments: search::CompartmentBuilder,
    operations: search::OperationBuilder,
    terminology: terminology::TerminologyBuilder,
    concept_maps: concept_maps::ConceptMapBuilder,
}

impl Builder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a definition of a FHIR version. False when packs do not hold its resource type.
    pub fn add(&mut self, definition: &Document) -> bool {
        let of = definition.root();
        let is_type = structures::derivation(of) == Derivation::Specialization;
        if is_type && read::string(of, "resourceType") == "StructureDefinition" {
            self.types.add(of);
            return true;
        }
        self.add_to_layer(of)
    }

    /// Takes what may be in a layer, too.
    pub(crate) fn add_to_layer(&mut self, of: Value<'_>) -> bool {
        match &*read::string(of, "resourceType") {
            "StructureDefinition" => self.profiles.add(of),
            "SearchParameter" => self.search_parameters.add(of),
            "CompartmentDefinition" => self.compartments.add(of),
            "OperationDefinition" => self.operations.add(of),
            "CodeSystem" => self.terminology.add_code_system(of),
            "ValueSet" => self.terminology.add_value_set(of),
            "ConceptMap" => self.concept_maps.add(of),
            _ => return false,
        }
        true
    }

    /// Takes the expansion of a ValueSet that was added before.
    pub fn add_expansion(&mut self, value_set: &Document) {
        self.terminology.add_expansion(value_set.root());
    }

    /// The pack of all that was added: the same definitions give the same bytes.
    ///
    /// # Errors
    /// When it cannot be compressed, for want of memory.
    pub fn pack(self, about: &About) -> std::io::Result<Vec<u8>> {
        let types = types::types(self.types);
        let profiles = self.profiles.finish(|name| types.named(name));
        let sections = [
            (Kind::Types, types.encode()),
            (Kind::Profiles, profiles.encode()),
            (Kind::SearchParameters, self.search_parameters.finish().encode()),
            (Kind::Compartments, self.compartments.finish().encode()),
            (Kind::Operations, self.operations.finish().encode()),
            (Kind::Terminology, self.terminology.finish().encode()),
            (Kind::ConceptMaps, self.concept_maps.finish().encode()),
        ];
        pack::write(about, &sections, LEVEL)
    }

    /// The pack of what may be in a layer: without types, and quicker to write.
    pub(crate) fn layer_pack(self, about: &About) -> std::io::Result<Vec<u8>> {
        // Who reads it gives types their numbers.
        let profiles = self.profiles.finish(|_| None);
        let sections = [
            (Kind::Profiles, profiles.encode()),
            (Kind::SearchParameters, self.search_parameters.finish().encode()),
            (Kind::Terminology, self.terminology.finish().encode()),
            (Kind::ConceptMaps, self.concept_maps.finish().encode()),
        ];
        pack::write(about, &sections, LAYER_LEVEL)
    }
}

/// A layer over `base` of the definitions that a service got; what is none is left out.
pub(super) fn layer<'d>(
    base: &Definitions,
    origin: Origin,
    definitions: impl IntoIterator<Item = &'d Document>,
) -> Layer {
    let mut builder = Builder::new();
    for definition in definitions {
        builder.add_to_layer(definition.root());
    }
    let built = (
        Profiles(builder.profiles.finish(|name| base.type_named(name))),
        SearchParameters::new(builder.search_parameters.finish()),
        Terminology::new(builder.terminology.finish()),
        ConceptMaps::new(builder.concept_maps.finish()),
    );
    Layer::built(origin, built)
}
