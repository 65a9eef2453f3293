//! CodeSystem: concepts, their places in the hierarchy, what is known about each.

use super::tables::{
    CodeSystemRow, ConceptRow, DesignationRow, PropertyKind, PropertyRow, TerminologyTables,
};
use crate::definitions::rows::Span;
use crate::definitions::texts::{Text, find_last};

/// A CodeSystem.
#[derive(Clone, Copy)]
pub struct CodeSystem<'a> {
    pub(super) tables: &'a TerminologyTables,
    pub(super) row: &'a CodeSystemRow,
}

impl<'a> CodeSystem<'a> {
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

    /// `complete`, `fragment`, `example`, `supplement`, `not-present`.
    pub fn content(self) -> &'a str {
        self.text(self.row.content)
    }

    /// Whether `A` and `a` are two codes. The specification says to take them as such when the
    /// code system is silent.
    pub fn is_case_sensitive(self) -> bool {
        self.row.case_sensitive.unwrap_or(true)
    }

    /// `is-a`, `part-of`, `grouped-by`, `classified-with`.
    pub fn hierarchy_meaning(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.hierarchy_meaning)
    }

    /// Whether codes can be put together into expressions.
    pub fn is_compositional(self) -> bool {
        self.row.compositional.unwrap_or(false)
    }

    /// The code system that it adds to.
    pub fn supplements(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.supplements)
    }

    /// The value set of all its codes.
    pub fn value_set(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.value_set)
    }

    /// The properties that it declares.
    pub fn declared_properties(self) -> impl Iterator<Item = DeclaredProperty<'a>> {
        let texts = &self.tables.texts;
        self.row.declared.of(&self.tables.declared).iter().map(|row| DeclaredProperty {
            code: texts.get(row.code),
            uri: texts.some(row.uri),
            kind: texts.get(row.kind),
        })
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

    /// The concept of this code, in the case that it is written in or, where case does not
    /// matter, in any.
    pub fn concept(self, code: &str) -> Option<Concept<'a>> {
        let rows = self.row.concepts.of(&self.tables.concepts);
        let places = self.tables.concepts_by_code.get(self.row.concepts.range())?;
        let (place, _) = if self.is_case_sensitive() {
            find_last(places, rows, |row| self.text(row.code).cmp(code))?
        } else {
            let folded = code.to_lowercase();
            find_last(places, rows, |row| self.text(row.code).to_lowercase().cmp(&folded))?
        };
        self.at(u32::try_from(place).ok()?)
    }

    /// All concepts, each before those below it.
    pub fn concepts(self) -> impl Iterator<Item = Concept<'a>> {
        (0..self.row.concepts.length).filter_map(move |place| self.at(place))
    }

    /// The concepts that stand below no other.
    pub fn roots(self) -> impl Iterator<Item = Concept<'a>> {
        self.concepts().filter(|concept| concept.row.parent.is_none())
    }

    fn at(self, place: u32) -> Option<Concept<'a>> {
        let row = self.row.concepts.of(&self.tables.concepts).get(place as usize)?;
        Some(Concept { system: self, row, place })
    }
}

/// A property that a code system declares.
#[derive(Clone, Copy, Debug)]
pub struct DeclaredProperty<'a> {
    /// The code under which concepts have it.
    pub code: &'a str,
    /// What it means, wherever it is used.
    pub uri: Option<&'a str>,
    /// The type of its values: `code`, `boolean`, ...
    pub kind: &'a str,
}

/// A concept of a code system.
#[derive(Clone, Copy)]
pub struct Concept<'a> {
    system: CodeSystem<'a>,
    row: &'a ConceptRow,
    place: u32,
}

impl<'a> Concept<'a> {
    /// Its code, as the system writes it.
    pub fn code(self) -> &'a str {
        self.system.text(self.row.code)
    }

    /// What people read.
    pub fn display(self) -> Option<&'a str> {
        self.system.tables.texts.some(self.row.display)
    }

    /// What it means.
    pub fn definition(self) -> Option<&'a str> {
        self.system.tables.texts.some(self.row.definition)
    }

    /// The concept that it is listed below.
    pub fn parent(self) -> Option<Concept<'a>> {
        self.system.at(self.row.parent?)
    }

    /// The concepts listed right below it.
    pub fn children(self) -> impl Iterator<Item = Concept<'a>> {
        self.descendants().filter(move |below| below.row.parent == Some(self.place))
    }

    /// All concepts listed below it, at any distance.
    pub fn descendants(self) -> impl Iterator<Item = Concept<'a>> {
        (self.place + 1..self.row.end).filter_map(move |place| self.system.at(place))
    }

    /// Whether it is listed below `other`, at any distance; other parents that are given as
    /// properties are not followed.
    pub fn is_below(self, other: Concept<'_>) -> bool {
        (other.place + 1..other.row.end).contains(&self.place)
    }

    /// Other ways to say it, in other languages or for other uses.
    pub fn designations(self) -> impl Iterator<Item = Designation<'a>> {
        designations(self.system.tables, self.row.designations)
    }

    /// What else the system knows about it.
    pub fn properties(self) -> impl Iterator<Item = Property<'a>> {
        let tables = self.system.tables;
        self.row.properties.of(&tables.properties).iter().map(|row| property(tables, row))
    }
}

/// Another way to say a concept.
#[derive(Clone, Copy, Debug)]
pub struct Designation<'a> {
    /// `de`, `en-GB`; none when it was not said.
    pub language: Option<&'a str>,
    /// The system of `use_code`.
    pub use_system: Option<&'a str>,
    /// What it is for: `preferred`, `synonym`.
    pub use_code: Option<&'a str>,
    /// The text.
    pub value: &'a str,
}

pub(super) fn designations(
    tables: &TerminologyTables,
    span: Span<DesignationRow>,
) -> impl Iterator<Item = Designation<'_>> {
    let texts = &tables.texts;
    span.of(&tables.designations).iter().map(|row| Designation {
        language: texts.some(row.language),
        use_system: texts.some(row.use_system),
        use_code: texts.some(row.use_code),
        value: texts.get(row.value),
    })
}

/// A property of a concept.
#[derive(Clone, Copy, Debug)]
pub struct Property<'a> {
    /// Which property.
    pub code: &'a str,
    /// The type of the value.
    pub kind: PropertyKind,
    /// The value; of a Coding, its code.
    pub value: &'a str,
    /// The system of a Coding.
    pub system: Option<&'a str>,
    /// The display of a Coding.
    pub display: Option<&'a str>,
}

fn property<'a>(tables: &'a TerminologyTables, row: &PropertyRow) -> Property<'a> {
    Property {
        code: tables.texts.get(row.code),
        kind: row.kind,
        value: tables.texts.get(row.value),
        system: tables.texts.some(row.system),
        display: tables.texts.some(row.display),
    }
}
