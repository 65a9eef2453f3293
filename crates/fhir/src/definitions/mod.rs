//! The standard as data: one compact pack for each FHIR version, decoded into flat tables.
//!
//! Types and search parameters are read when a version is first asked for; profiles, terminology
//! and concept maps when they are first needed. `docs/definitions.md` says what a pack holds.

#![deny(clippy::indexing_slicing)]

pub mod build;
mod compartments;
mod element;
mod operations;
mod overlay;
mod pack;
mod registry;
mod rows;
mod search;
mod stored;
mod structures;
mod terminology;
#[cfg(test)]
mod tests;
mod texts;
mod types;

use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

use pack::{Kind, Pack};
use types::Types;

pub use compartments::{Compartment, Compartments};
pub use element::{Binding, Constraint, ConstraintId, Element, Given, Slicing, TypeRef};
pub use operations::{Operation, Operations};
pub use overlay::{Layer, Origin};
pub use pack::{About, PackError};
pub use registry::Registry;
pub use search::{SearchKind, SearchParameter, SearchParameters};
pub use stored::{STORED_TYPES, Stored, Unusable};
pub use structures::{
    Derivation, DiscriminatorKind, Role, Rules, Severity, Strength, Structure, StructureKind,
};
pub use terminology::{
    CodeSystem, Concept, ConceptMap, ConceptMaps, Contained, DeclaredProperty, Designation,
    Expansion, Filter, Include, IncludedConcept, MapGroup, Mapping, Property, PropertyKind,
    Terminology, Unmapped, UnmappedKind, ValueSet,
};
pub use types::{Child, Primitive, Type, TypeId, TypeKind};

static R4: &[u8] = include_bytes!("../../gen/r4.pack");

/// One version of FHIR. Shared: one for all services of a process.
pub struct Definitions {
    pack: Pack,
    types: Types,
    search_parameters: SearchParameters,
    compartments: Compartments,
    operations: Operations,
    profiles: OnceLock<Profiles>,
    terminology: OnceLock<Terminology>,
    concept_maps: OnceLock<ConceptMaps>,
}

impl Definitions {
    /// FHIR R4 (4.0.1), read when it is first asked for.
    pub fn r4() -> &'static Self {
        static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| {
            #[expect(clippy::expect_used, reason = "the pack is part of the program, and tested")]
            Definitions::load(R4).expect("the pack of R4 that was compiled in")
        });
        &DEFINITIONS
    }

    /// Reads a pack: checks all of it against its sums and decodes what every start needs.
    ///
    /// # Errors
    /// When the bytes are not a pack of this layout, as it was written.
    pub fn load(pack: impl Into<Cow<'static, [u8]>>) -> Result<Self, PackError> {
        let pack = Pack::open(pack.into())?;
        Ok(Self {
            types: pack.section(Kind::Types)?,
            search_parameters: SearchParameters::new(pack.section(Kind::SearchParameters)?),
            compartments: Compartments::new(pack.section(Kind::Compartments)?),
            operations: Operations::new(pack.section(Kind::Operations)?),
            profiles: OnceLock::new(),
            terminology: OnceLock::new(),
            concept_maps: OnceLock::new(),
            pack,
        })
    }

    /// Decodes what is otherwise decoded when it is first needed; for tests and for a server that
    /// would rather pay at its start.
    ///
    /// # Errors
    /// When a section was written wrongly. Until it is called, such a section reads as empty.
    pub fn load_all(&self) -> Result<(), PackError> {
        let profiles = self.pack.section(Kind::Profiles)?;
        let terminology = self.pack.section(Kind::Terminology)?;
        let concept_maps = self.pack.section(Kind::ConceptMaps)?;
        self.profiles.get_or_init(|| Profiles(profiles));
        self.terminology.get_or_init(|| Terminology::new(terminology));
        self.concept_maps.get_or_init(|| ConceptMaps::new(concept_maps));
        Ok(())
    }

    /// The FHIR version: `4.0.1`.
    pub fn version(&self) -> &str {
        &self.pack.about().version
    }

    /// What the pack says about itself.
    pub fn about(&self) -> &About {
        self.pack.about()
    }

    /// The type of this name: `Patient`, `string`, `Patient.contact`.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        self.types.named(name)
    }

    /// The type of this number.
    pub fn ty(&self, id: TypeId) -> Type<'_> {
        self.types.known(id)
    }

    /// All types, in the order of their numbers, backbone elements included.
    pub fn types(&self) -> impl Iterator<Item = Type<'_>> {
        self.types.iter()
    }

    /// The StructureDefinition with this canonical URL, of a type, a profile or an extension.
    pub fn structure(&self, canonical: &str) -> Option<Structure<'_>> {
        self.types.structures().find(canonical).or_else(|| self.profiles().find(canonical))
    }

    /// The profiles and extension definitions that the version brings.
    pub fn profiles(&self) -> &Profiles {
        // `load` checked the bytes, and a test decodes all of them: the default is not reached.
        let read = || Profiles(self.pack.section(Kind::Profiles).unwrap_or_default());
        self.profiles.get_or_init(read)
    }

    /// The search parameters, as they were defined: see [`Definitions::search_parameter`].
    pub fn search_parameters(&self) -> &SearchParameters {
        &self.search_parameters
    }

    /// What `code` means in a search of the resource type `ty`: its own parameters, and those of
    /// `DomainResource` and `Resource`.
    pub fn search_parameter(&self, ty: TypeId, code: &str) -> Option<SearchParameter<'_>> {
        self.find_for(&self.search_parameters, ty, code)
    }

    /// The parameter among `parameters` that `ty` or what it specializes has under `code`.
    fn find_for<'p>(
        &self,
        parameters: &'p SearchParameters,
        ty: TypeId,
        code: &str,
    ) -> Option<SearchParameter<'p>> {
        self.lineage(ty).find_map(|ty| parameters.find(ty.name(), code))
    }

    /// All parameters that a search of the resource type `ty` may have.
    pub fn search_parameters_of(&self, ty: TypeId) -> impl Iterator<Item = SearchParameter<'_>> {
        self.lineage(ty).flat_map(|ty| self.search_parameters.of_base(ty.name()))
    }

    fn lineage(&self, ty: TypeId) -> impl Iterator<Item = Type<'_>> {
        std::iter::successors(Some(self.ty(ty)), |ty| ty.base()).take(64)
    }

    /// The compartments.
    pub fn compartments(&self) -> &Compartments {
        &self.compartments
    }

    /// The operations.
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Code systems and value sets.
    pub fn terminology(&self) -> &Terminology {
        let read = || Terminology::new(self.pack.section(Kind::Terminology).unwrap_or_default());
        self.terminology.get_or_init(read)
    }

    /// Concept maps.
    pub fn concept_maps(&self) -> &ConceptMaps {
        let read = || ConceptMaps::new(self.pack.section(Kind::ConceptMaps).unwrap_or_default());
        self.concept_maps.get_or_init(read)
    }
}

/// Profiles and extension definitions.
#[derive(Default)]
pub struct Profiles(structures::Structures);

impl Profiles {
    /// The one with this canonical URL, `url` or `url|version`.
    pub fn find(&self, canonical: &str) -> Option<Structure<'_>> {
        self.0.find(canonical)
    }

    /// All of them, by file name of the package.
    pub fn iter(&self) -> impl Iterator<Item = Structure<'_>> {
        self.0.iter()
    }
}
