//! Code systems, value sets with their expansions, concept maps.

mod code_system;
mod concept_map;
mod tables;
mod value_set;

pub use code_system::{CodeSystem, Concept, DeclaredProperty, Designation, Property};
pub use concept_map::{ConceptMap, ConceptMaps, MapGroup, Mapping, Unmapped, UnmappedKind};
pub use tables::PropertyKind;
pub use value_set::{Contained, Expansion, Filter, Include, IncludedConcept, ValueSet};

pub(crate) use concept_map::{ConceptMapTables, GroupRow, MapRow, MappingRow, UnmappedRow};
pub(crate) use tables::{
    CodeSystemRow, ConceptRow, ContainedRow, DeclaredRow, DesignationRow, FilterRow, IncludeRow,
    IncludedConceptRow, ParameterRow, PropertyRow, TerminologyTables, ValueSetRow,
};

use super::structures::split_canonical;
use std::cmp::Ordering;

use super::texts::{Text, Texts, find_last};

/// Code systems and value sets.
#[derive(Default)]
pub struct Terminology(TerminologyTables);

impl Terminology {
    pub(crate) fn new(tables: TerminologyTables) -> Self {
        Self(tables)
    }

    /// The code system with this canonical URL, `url` or `url|version`.
    pub fn code_system(&self, canonical: &str) -> Option<CodeSystem<'_>> {
        let find = |row: &CodeSystemRow| (row.url, row.version);
        let tables = &self.0;
        let row = find_canonical(
            &tables.texts,
            (&tables.systems_by_url, &tables.systems),
            canonical,
            find,
        )?;
        Some(CodeSystem { tables, row })
    }

    /// The value set with this canonical URL, `url` or `url|version`.
    pub fn value_set(&self, canonical: &str) -> Option<ValueSet<'_>> {
        let find = |row: &ValueSetRow| (row.url, row.version);
        let tables = &self.0;
        let row =
            find_canonical(&tables.texts, (&tables.sets_by_url, &tables.sets), canonical, find)?;
        Some(ValueSet { tables, row })
    }

    /// All versions of the code system with this URL.
    pub fn versions_of(&self, url: &str) -> impl Iterator<Item = CodeSystem<'_>> {
        let tables = &self.0;
        let rows = &tables.systems;
        let found = equal_urls(&tables.texts, (&tables.systems_by_url, rows), url, |row| row.url);
        found.map(move |row| CodeSystem { tables, row })
    }

    /// All versions of the value set with this URL.
    pub fn value_set_versions(&self, url: &str) -> impl Iterator<Item = ValueSet<'_>> {
        let tables = &self.0;
        let rows = &tables.sets;
        let found = equal_urls(&tables.texts, (&tables.sets_by_url, rows), url, |row| row.url);
        found.map(move |row| ValueSet { tables, row })
    }

    /// All code systems, by file name of the package.
    pub fn code_systems(&self) -> impl Iterator<Item = CodeSystem<'_>> {
        self.0.systems.iter().map(|row| CodeSystem { tables: &self.0, row })
    }

    /// All value sets, by file name of the package.
    pub fn value_sets(&self) -> impl Iterator<Item = ValueSet<'_>> {
        self.0.sets.iter().map(|row| ValueSet { tables: &self.0, row })
    }
}

/// The rows of this URL, in the order of their versions as texts.
fn equal_urls<'r, T>(
    texts: &'r Texts,
    (places, rows): (&'r [u32], &'r [T]),
    url: &str,
    of: impl Fn(&T) -> Text,
) -> impl Iterator<Item = &'r T> {
    let order = |place: &u32| rows.get(*place as usize).map(|row| texts.get(of(row)).cmp(url));
    let start = places.partition_point(|place| order(place) == Some(Ordering::Less));
    let from = places.get(start..).unwrap_or_default();
    let count = from.partition_point(|place| order(place) == Some(Ordering::Equal));
    from.iter().take(count).filter_map(|place| rows.get(*place as usize))
}

/// The row with this `url` or `url|version`; of several versions the last.
fn find_canonical<'r, T>(
    texts: &Texts,
    (places, rows): (&[u32], &'r [T]),
    canonical: &str,
    of: impl Fn(&T) -> (Text, Text),
) -> Option<&'r T> {
    let (wanted, wanted_version) = split_canonical(canonical);
    let found = find_last(places, rows, |row| {
        let (url, version) = of(row);
        let order = texts.get(url).cmp(wanted);
        let by_version = |wanted: &str| order.then_with(|| texts.get(version).cmp(wanted));
        wanted_version.map_or(order, by_version)
    });
    found.map(|(_, row)| row)
}
