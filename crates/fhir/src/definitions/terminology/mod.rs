//! Code systems, value sets with their expansions, concept maps.

mod code_system;
mod concept_map;
mod tables;
mod value_set;

pub use code_system::{CodeSystem, Concept, Designation, Property};
pub use concept_map::{ConceptMap, ConceptMaps, MapGroup, Mapping, Unmapped, UnmappedKind};
pub use tables::PropertyKind;
pub use value_set::{Contained, Expansion, Filter, Include, IncludedConcept, ValueSet};

pub(crate) use concept_map::{ConceptMapTables, GroupRow, MapRow, MappingRow, UnmappedRow};
pub(crate) use tables::{
    CodeSystemRow, ConceptRow, ContainedRow, DesignationRow, FilterRow, IncludeRow,
    IncludedConceptRow, PropertyRow, TerminologyTables, ValueSetRow,
};

use super::structures::split_canonical;
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

    /// All code systems, by file name of the package.
    pub fn code_systems(&self) -> impl Iterator<Item = CodeSystem<'_>> {
        self.0.systems.iter().map(|row| CodeSystem { tables: &self.0, row })
    }

    /// All value sets, by file name of the package.
    pub fn value_sets(&self) -> impl Iterator<Item = ValueSet<'_>> {
        self.0.sets.iter().map(|row| ValueSet { tables: &self.0, row })
    }
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
