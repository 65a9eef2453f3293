//! What one service has of its own: definitions in layers over those of its FHIR version.

use std::sync::OnceLock;

use json::Document;

use super::build;
use super::pack::{Kind, Pack, PackError};
use super::rows::Section;
use super::search::SearchParameters;
use super::structures::Structures;
use super::terminology::{ConceptMaps, Terminology};
use super::{Definitions, Profiles};

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
    origin: Origin,
    /// Where what was not asked for yet is read from; none when all was built at once.
    packed: Option<Packed>,
    profiles: OnceLock<Profiles>,
    search_parameters: OnceLock<SearchParameters>,
    terminology: OnceLock<Terminology>,
    concept_maps: OnceLock<ConceptMaps>,
}

struct Packed {
    pack: Pack,
    base: &'static Definitions,
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

    /// The layer of a pack that [`crate::package::read`] made: its bytes are checked now, its
    /// sections are read when they are first needed.
    ///
    /// # Errors
    /// When the bytes are not a pack of this layout, as it was written.
    pub fn load(
        base: &'static Definitions,
        origin: Origin,
        pack: Vec<u8>,
    ) -> Result<Self, PackError> {
        let pack = Pack::open(pack.into())?;
        Ok(Self { packed: Some(Packed { pack, base }), ..Self::empty(origin) })
    }

    /// The layer of what was built, in this order: profiles, search parameters, terminology,
    /// concept maps.
    pub(super) fn built(
        origin: Origin,
        built: (Profiles, SearchParameters, Terminology, ConceptMaps),
    ) -> Self {
        let (profiles, search_parameters, terminology, concept_maps) = built;
        Self {
            profiles: profiles.into(),
            search_parameters: search_parameters.into(),
            terminology: terminology.into(),
            concept_maps: concept_maps.into(),
            ..Self::empty(origin)
        }
    }

    fn empty(origin: Origin) -> Self {
        Self {
            origin,
            packed: None,
            profiles: OnceLock::new(),
            search_parameters: OnceLock::new(),
            terminology: OnceLock::new(),
            concept_maps: OnceLock::new(),
        }
    }

    /// A section of the pack. `load` checked the bytes, so that what is empty was written so.
    fn section<T: Section>(&self, kind: Kind) -> T {
        self.packed.as_ref().and_then(|it| it.pack.section(kind).ok()).unwrap_or_default()
    }

    /// Where it came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its profiles and extension definitions.
    pub fn profiles(&self) -> &Profiles {
        self.profiles.get_or_init(|| {
            let mut profiles: Structures = self.section(Kind::Profiles);
            if let Some(Packed { base, .. }) = &self.packed {
                // The types' numbers are those of the program that reads, not of the one that
                // wrote.
                profiles.name_types(|name| base.type_named(name));
            }
            Profiles(profiles)
        })
    }

    /// Its search parameters.
    pub fn search_parameters(&self) -> &SearchParameters {
        let read = || SearchParameters::new(self.section(Kind::SearchParameters));
        self.search_parameters.get_or_init(read)
    }

    /// Its code systems and value sets.
    pub fn terminology(&self) -> &Terminology {
        self.terminology.get_or_init(|| Terminology::new(self.section(Kind::Terminology)))
    }

    /// Its concept maps.
    pub fn concept_maps(&self) -> &ConceptMaps {
        self.concept_maps.get_or_init(|| ConceptMaps::new(self.section(Kind::ConceptMaps)))
    }
}
