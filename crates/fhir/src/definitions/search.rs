//! SearchParameters: what can be searched, by which expression.

use super::rows::{Span, codes, row, section};
use super::structures::split_canonical;
use super::texts::{Text, find_last};

section! {
    /// All search parameters of a version.
    struct SearchTables {
        parameters: ParameterRow,
        /// Places of `parameters` by (url, version).
        by_url: u32,
        /// One row for each type and code of a parameter, in that order.
        codes: CodeRow,
        components: ComponentRow,
        lists: Text,
    }
}

row! {
    struct ParameterRow {
        url: Text,
        version: Text,
        name: Text,
        code: Text,
        kind: SearchKind,
        bases: Span<Text>,
        expression: Text,
        xpath: Text,
        xpath_usage: Text,
        targets: Span<Text>,
        components: Span<ComponentRow>,
        comparators: Span<Text>,
        modifiers: Span<Text>,
        chains: Span<Text>,
        multiple_or: Option<bool>,
        multiple_and: Option<bool>,
        derived_from: Text,
        is_experimental: bool,
    }
}

row! {
    struct CodeRow { base: Text, code: Text, parameter: u32, }
}

row! {
    struct ComponentRow { definition: Text, expression: Text, }
}

codes! {
    /// `SearchParameter.type`.
    pub enum SearchKind {
        /// A number.
        #[default]
        Number = "number",
        /// A date, time or period.
        Date = "date",
        /// Text, by its beginning.
        String = "string",
        /// A code with its system.
        Token = "token",
        /// Another resource.
        Reference = "reference",
        /// Several parameters that hold of one element.
        Composite = "composite",
        /// A number with its unit.
        Quantity = "quantity",
        /// A URI.
        Uri = "uri",
        /// By rules of its own.
        Special = "special",
        /// A resource by its URL (R5).
        Resource = "resource",
    }
}

/// The search parameters of a version or of a package.
#[derive(Default)]
pub struct SearchParameters(SearchTables);

impl SearchParameters {
    pub(crate) fn new(tables: SearchTables) -> Self {
        Self(tables)
    }

    fn at(&self, place: usize) -> Option<SearchParameter<'_>> {
        Some(SearchParameter { tables: &self.0, row: self.0.parameters.get(place)? })
    }

    /// All of them, by file name of the package.
    pub fn iter(&self) -> impl Iterator<Item = SearchParameter<'_>> {
        self.0.parameters.iter().map(|row| SearchParameter { tables: &self.0, row })
    }

    /// The one with this canonical URL, `url` or `url|version`.
    pub fn by_url(&self, canonical: &str) -> Option<SearchParameter<'_>> {
        let (url, version) = split_canonical(canonical);
        let texts = &self.0.texts;
        let (_, row) = find_last(&self.0.by_url, &self.0.parameters, |row| {
            let order = texts.get(row.url).cmp(url);
            order.then_with(|| {
                version.map_or(std::cmp::Ordering::Equal, |v| texts.get(row.version).cmp(v))
            })
        })?;
        Some(SearchParameter { tables: &self.0, row })
    }

    /// The one that is defined for exactly this type under this code: `_id` for `Resource`,
    /// not for `Patient`. What is experimental never hides what is not.
    pub fn find(&self, base: &str, code: &str) -> Option<SearchParameter<'_>> {
        let key = |row: &CodeRow| (self.0.texts.get(row.base), self.0.texts.get(row.code));
        let after = self.0.codes.partition_point(|row| key(row) <= (base, code));
        let row = self.0.codes.get(after.checked_sub(1)?)?;
        (key(row) == (base, code)).then(|| self.at(row.parameter as usize)).flatten()
    }

    /// Those defined for exactly this type, in the order of their codes, each code once.
    pub fn of_base<'a>(&'a self, base: &str) -> impl Iterator<Item = SearchParameter<'a>> {
        let texts = &self.0.texts;
        let start = self.0.codes.partition_point(|row| texts.get(row.base) < base);
        let end = self.0.codes.partition_point(|row| texts.get(row.base) <= base);
        let rows = self.0.codes.get(start..end).unwrap_or_default();
        let last_of_code = move |place: usize, row: &CodeRow| {
            rows.get(place + 1).is_none_or(|next| next.code != row.code)
        };
        let shown = rows.iter().enumerate().filter(move |(place, row)| last_of_code(*place, row));
        shown.filter_map(|(_, row)| self.at(row.parameter as usize))
    }
}

/// A SearchParameter.
#[derive(Clone, Copy)]
pub struct SearchParameter<'a> {
    tables: &'a SearchTables,
    row: &'a ParameterRow,
}

impl<'a> SearchParameter<'a> {
    fn text(self, text: Text) -> &'a str {
        self.tables.texts.get(text)
    }

    fn list(self, list: Span<Text>) -> impl Iterator<Item = &'a str> {
        self.tables.texts.list(list.of(&self.tables.lists))
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

    /// What it is called in a URL: `birthdate`.
    pub fn code(self) -> &'a str {
        self.text(self.row.code)
    }

    /// `SearchParameter.type`.
    pub fn kind(self) -> SearchKind {
        self.row.kind
    }

    /// The types that it is defined for; none for ten examples of R4.
    pub fn bases(self) -> impl Iterator<Item = &'a str> {
        self.list(self.row.bases)
    }

    /// Where its values are, in FHIRPath; of all bases together.
    pub fn expression(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.expression)
    }

    /// Where its values are, in XPath.
    pub fn xpath(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.xpath)
    }

    /// `normal`, `phonetic`, `nearby`, `distance`, `other`.
    pub fn xpath_usage(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.xpath_usage)
    }

    /// The types that a reference may point to.
    pub fn targets(self) -> impl Iterator<Item = &'a str> {
        self.list(self.row.targets)
    }

    /// The parts of a composite: (canonical URL of the parameter, expression from the common
    /// element).
    pub fn components(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let rows = self.row.components.of(&self.tables.components);
        rows.iter().map(move |row| (self.text(row.definition), self.text(row.expression)))
    }

    /// The prefixes that it declares; none says nothing.
    pub fn comparators(self) -> impl Iterator<Item = &'a str> {
        self.list(self.row.comparators)
    }

    /// The modifiers that it declares; none says nothing.
    pub fn modifiers(self) -> impl Iterator<Item = &'a str> {
        self.list(self.row.modifiers)
    }

    /// The parameters that may be chained to it; none says nothing.
    pub fn chains(self) -> impl Iterator<Item = &'a str> {
        self.list(self.row.chains)
    }

    /// Whether several values, separated by commas, may be given; none says nothing.
    pub fn multiple_or(self) -> Option<bool> {
        self.row.multiple_or
    }

    /// Whether it may be repeated; none says nothing.
    pub fn multiple_and(self) -> Option<bool> {
        self.row.multiple_and
    }

    /// The canonical URL of the parameter that it is derived from.
    pub fn derived_from(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.derived_from)
    }

    /// Whether it is for testing only.
    pub fn is_experimental(self) -> bool {
        self.row.is_experimental
    }
}
