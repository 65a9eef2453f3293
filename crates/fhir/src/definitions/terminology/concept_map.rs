//! ConceptMap: which code of one system is which of another.

use super::find_canonical;
use crate::definitions::rows::{Span, codes, row, section};
use crate::definitions::texts::Text;

section! {
    /// All concept maps of a version.
    struct ConceptMapTables {
        maps: MapRow,
        maps_by_url: u32,
        groups: GroupRow,
        mappings: MappingRow,
        depends: (Text, Text, Text),
        unmapped: UnmappedRow,
    }
}

row! {
    struct MapRow {
        url: Text,
        version: Text,
        name: Text,
        title: Text,
        status: Text,
        source: Text,
        target: Text,
        groups: Span<GroupRow>,
    }
}

row! {
    struct GroupRow {
        source: Text,
        source_version: Text,
        target: Text,
        target_version: Text,
        mappings: Span<MappingRow>,
        unmapped: Span<UnmappedRow>,
    }
}

row! {
    /// A code and one of its targets; a code without a target has one row with none.
    struct MappingRow {
        code: Text,
        display: Text,
        relationship: Text,
        target: Text,
        target_display: Text,
        comment: Text,
        depends_on: Span<(Text, Text, Text)>,
        product: Span<(Text, Text, Text)>,
    }
}

row! {
    struct UnmappedRow { kind: UnmappedKind, code: Text, display: Text, url: Text, }
}

codes! {
    /// `ConceptMap.group.unmapped.mode`.
    pub enum UnmappedKind {
        /// The source code is the target code (`use-source-code` in R5).
        #[default]
        Provided = "provided",
        /// One code for all.
        Fixed = "fixed",
        /// Another map says.
        OtherMap = "other-map",
    }
}

/// The concept maps of a version or of a package.
#[derive(Default)]
pub struct ConceptMaps(ConceptMapTables);

impl ConceptMaps {
    pub(crate) fn new(tables: ConceptMapTables) -> Self {
        Self(tables)
    }

    /// The one with this canonical URL, `url` or `url|version`.
    pub fn find(&self, canonical: &str) -> Option<ConceptMap<'_>> {
        let tables = &self.0;
        let rows = (tables.maps_by_url.as_slice(), tables.maps.as_slice());
        let row = find_canonical(&tables.texts, rows, canonical, |row| (row.url, row.version))?;
        Some(ConceptMap { tables, row })
    }

    /// All of them, by file name of the package.
    pub fn iter(&self) -> impl Iterator<Item = ConceptMap<'_>> {
        self.0.maps.iter().map(|row| ConceptMap { tables: &self.0, row })
    }
}

/// A ConceptMap.
#[derive(Clone, Copy)]
pub struct ConceptMap<'a> {
    tables: &'a ConceptMapTables,
    row: &'a MapRow,
}

impl<'a> ConceptMap<'a> {
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

    /// The value set of the source codes.
    pub fn source(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.source)
    }

    /// The value set of the target codes.
    pub fn target(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.target)
    }

    /// The mappings, by systems.
    pub fn groups(self) -> impl Iterator<Item = MapGroup<'a>> {
        let rows = self.row.groups.of(&self.tables.groups).iter();
        rows.map(move |row| MapGroup { tables: self.tables, row })
    }
}

/// The mappings from one code system to another.
#[derive(Clone, Copy)]
pub struct MapGroup<'a> {
    tables: &'a ConceptMapTables,
    row: &'a GroupRow,
}

impl<'a> MapGroup<'a> {
    /// The code system of the source codes.
    pub fn source(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.source)
    }

    /// Its version.
    pub fn source_version(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.source_version)
    }

    /// The code system of the target codes.
    pub fn target(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.target)
    }

    /// Its version.
    pub fn target_version(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.target_version)
    }

    /// Each code with each of its targets.
    pub fn mappings(self) -> impl Iterator<Item = Mapping<'a>> {
        let rows = self.row.mappings.of(&self.tables.mappings).iter();
        rows.map(move |row| Mapping { tables: self.tables, row })
    }

    /// What is done with codes that are not listed.
    pub fn unmapped(self) -> Option<Unmapped<'a>> {
        let row = self.row.unmapped.of(&self.tables.unmapped).first()?;
        let texts = &self.tables.texts;
        Some(Unmapped {
            kind: row.kind,
            code: texts.some(row.code),
            display: texts.some(row.display),
            url: texts.some(row.url),
        })
    }
}

/// `ConceptMap.group.unmapped`.
#[derive(Clone, Copy, Debug)]
pub struct Unmapped<'a> {
    /// `ConceptMap.group.unmapped.mode`.
    pub kind: UnmappedKind,
    /// The code of `fixed`.
    pub code: Option<&'a str>,
    /// Its display.
    pub display: Option<&'a str>,
    /// The map of `other-map`.
    pub url: Option<&'a str>,
}

/// A code and one of its targets.
#[derive(Clone, Copy)]
pub struct Mapping<'a> {
    tables: &'a ConceptMapTables,
    row: &'a MappingRow,
}

impl<'a> Mapping<'a> {
    /// The source code.
    pub fn code(self) -> &'a str {
        self.tables.texts.get(self.row.code)
    }

    /// The source display.
    pub fn display(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.display)
    }

    /// `equivalence` of R4, `relationship` of R5; none for a code without a target.
    pub fn relationship(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.relationship)
    }

    /// The target code; none where there is none.
    pub fn target(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.target)
    }

    /// The target display.
    pub fn target_display(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.target_display)
    }

    /// What the author said.
    pub fn comment(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.comment)
    }

    /// What else must hold: (property, system, value).
    pub fn depends_on(self) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        self.others(self.row.depends_on)
    }

    /// What else follows: (property, system, value).
    pub fn product(self) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        self.others(self.row.product)
    }

    fn others(
        self,
        span: Span<(Text, Text, Text)>,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        let texts = &self.tables.texts;
        let rows = span.of(&self.tables.depends).iter();
        rows.map(|(property, system, value)| {
            (texts.get(*property), texts.get(*system), texts.get(*value))
        })
    }
}
