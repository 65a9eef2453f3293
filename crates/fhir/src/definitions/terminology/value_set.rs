//! ValueSet: how it is composed, and the expansion that was published with it.

use super::code_system::{Designation, designations};
use super::tables::{ContainedRow, IncludeRow, IncludedConceptRow, TerminologyTables, ValueSetRow};
use crate::definitions::rows::Span;
use crate::definitions::texts::{Text, find_last};

/// A ValueSet.
#[derive(Clone, Copy)]
pub struct ValueSet<'a> {
    pub(super) tables: &'a TerminologyTables,
    pub(super) row: &'a ValueSetRow,
}

impl<'a> ValueSet<'a> {
    fn text(self, text: Text) -> &'a str {
        self.tables.texts.get(text)
    }

    /// Its canonical URL.
    pub fn url(self) -> &'a str {
        self.text(self.row.url)
    }

    /// Its business version; empty when it has none.
    pub fn version(self) -> &'a str {
        self.text(self.row.version)
    }

    /// Its name for machines.
    pub fn name(self) -> &'a str {
        self.text(self.row.name)
    }

    /// Its name for people.
    pub fn title(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.title)
    }

    /// `draft`, `active`, `retired`, `unknown`.
    pub fn status(self) -> &'a str {
        self.text(self.row.status)
    }

    /// What belongs to it.
    pub fn includes(self) -> impl Iterator<Item = Include<'a>> {
        self.sets(self.row.includes)
    }

    /// What does not, although it was included.
    pub fn excludes(self) -> impl Iterator<Item = Include<'a>> {
        self.sets(self.row.excludes)
    }

    fn sets(self, span: Span<IncludeRow>) -> impl Iterator<Item = Include<'a>> {
        let rows = span.of(&self.tables.includes).iter();
        rows.map(move |row| Include { tables: self.tables, row })
    }

    /// Whether inactive codes belong to it; none says nothing.
    pub fn inactive(self) -> Option<bool> {
        self.row.inactive
    }

    /// The day as of which systems without a version are meant.
    pub fn locked_date(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.locked_date)
    }

    /// The language of its displays.
    pub fn language(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.language)
    }

    /// Whether it is not meant for real use.
    pub fn is_experimental(self) -> bool {
        self.row.experimental.unwrap_or(false)
    }

    /// `trial-use`, `normative`, `deprecated`, `withdrawn`, ...: an extension.
    pub fn standards_status(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.standards_status)
    }

    /// The supplements of code systems that it needs: an extension.
    pub fn supplements(self) -> impl Iterator<Item = &'a str> {
        self.tables.texts.list(self.row.supplements.of(&self.tables.lists))
    }

    /// Parameters that an expansion is to be made with, as (name, value): an extension.
    pub fn parameters(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let texts = &self.tables.texts;
        let rows = self.row.parameters.of(&self.tables.parameters).iter();
        rows.map(|row| (texts.get(row.name), texts.get(row.value)))
    }

    /// The published expansion.
    pub fn expansion(self) -> Option<Expansion<'a>> {
        self.row.is_expanded.then_some(Expansion { tables: self.tables, row: self.row })
    }
}

/// `ValueSet.compose.include` or `.exclude`.
#[derive(Clone, Copy)]
pub struct Include<'a> {
    tables: &'a TerminologyTables,
    row: &'a IncludeRow,
}

impl<'a> Include<'a> {
    /// The code system.
    pub fn system(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.system)
    }

    /// The version of the code system.
    pub fn version(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.version)
    }

    /// Value sets: what is in all of them.
    pub fn value_sets(self) -> impl Iterator<Item = &'a str> {
        self.tables.texts.list(self.row.value_sets.of(&self.tables.lists))
    }

    /// These concepts of the system; none: those that the filters choose, or all.
    pub fn concepts(self) -> impl Iterator<Item = IncludedConcept<'a>> {
        let rows = self.row.concepts.of(&self.tables.included).iter();
        rows.map(move |row| IncludedConcept { tables: self.tables, row })
    }

    /// The listed concept of this code, in the case that it is written in.
    pub fn concept(self, code: &str) -> Option<IncludedConcept<'a>> {
        let rows = self.row.concepts.of(&self.tables.included);
        let places = self.tables.included_by_code.get(self.row.concepts.range())?;
        let by_code = |row: &IncludedConceptRow| self.tables.texts.get(row.code).cmp(code);
        let (_, row) = find_last(places, rows, by_code)?;
        Some(IncludedConcept { tables: self.tables, row })
    }

    /// What concepts of the system must all fulfil.
    pub fn filters(self) -> impl Iterator<Item = Filter<'a>> {
        let texts = &self.tables.texts;
        self.row.filters.of(&self.tables.filters).iter().map(|row| Filter {
            property: texts.get(row.property),
            op: texts.get(row.op),
            value: texts.get(row.value),
        })
    }
}

/// A concept that a value set lists.
#[derive(Clone, Copy)]
pub struct IncludedConcept<'a> {
    tables: &'a TerminologyTables,
    row: &'a IncludedConceptRow,
}

impl<'a> IncludedConcept<'a> {
    /// Its code.
    pub fn code(self) -> &'a str {
        self.tables.texts.get(self.row.code)
    }

    /// What people read in this value set, when it is not what the system says.
    pub fn display(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.display)
    }

    /// Other ways to say it, in this value set.
    pub fn designations(self) -> impl Iterator<Item = Designation<'a>> {
        designations(self.tables, self.row.designations)
    }
}

/// `ValueSet.compose.include.filter`.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// `concept`, or a property that the code system declares.
    pub property: &'a str,
    /// `is-a`, `descendent-of`, `=`, `regex`, `in`, `exists`, ...
    pub op: &'a str,
    /// What it is compared with.
    pub value: &'a str,
}

/// An expansion as it was published.
#[derive(Clone, Copy)]
pub struct Expansion<'a> {
    tables: &'a TerminologyTables,
    row: &'a ValueSetRow,
}

impl<'a> Expansion<'a> {
    /// Its lines in order, each before those below it.
    pub fn contains(self) -> impl Iterator<Item = Contained<'a>> {
        let rows = self.row.contained.of(&self.tables.contained).iter();
        rows.map(move |row| Contained { tables: self.tables, row })
    }

    /// The line of a code, in the case that it is written in.
    pub fn find(self, system: &str, code: &str) -> Option<Contained<'a>> {
        let rows = self.row.contained.of(&self.tables.contained);
        let places = self.tables.contained_by_code.get(self.row.contained.range())?;
        let texts = &self.tables.texts;
        let (_, row) = find_last(places, rows, |row| {
            (texts.get(row.system), texts.get(row.code)).cmp(&(system, code))
        })?;
        Some(Contained { tables: self.tables, row })
    }
}

/// A line of an expansion.
#[derive(Clone, Copy)]
pub struct Contained<'a> {
    tables: &'a TerminologyTables,
    row: &'a ContainedRow,
}

impl<'a> Contained<'a> {
    /// The code system.
    pub fn system(self) -> &'a str {
        self.tables.texts.get(self.row.system)
    }

    /// The version of the code system.
    pub fn version(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.version)
    }

    /// The code; empty for a line that only groups others.
    pub fn code(self) -> &'a str {
        self.tables.texts.get(self.row.code)
    }

    /// What people read.
    pub fn display(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.display)
    }

    /// How many lines it stands below.
    pub fn depth(self) -> u32 {
        self.row.depth
    }

    /// Whether it may not be chosen.
    pub fn is_abstract(self) -> bool {
        self.row.is_abstract
    }

    /// Whether the code is no longer used.
    pub fn is_inactive(self) -> bool {
        self.row.is_inactive
    }

    /// Other ways to say it.
    pub fn designations(self) -> impl Iterator<Item = Designation<'a>> {
        designations(self.tables, self.row.designations)
    }
}
