//! OperationDefinitions in short: what is called how, on which types.

use super::rows::{Span, row, section};
use super::texts::Text;

section! {
    /// All operations of a version.
    struct OperationTables {
        operations: OperationRow,
        lists: Text,
    }
}

row! {
    struct OperationRow {
        url: Text,
        version: Text,
        name: Text,
        code: Text,
        is_query: bool,
        affects_state: Option<bool>,
        resources: Span<Text>,
        system: bool,
        ty: bool,
        instance: bool,
    }
}

/// The operations of a version.
#[derive(Default)]
pub struct Operations(OperationTables);

impl Operations {
    pub(crate) fn new(tables: OperationTables) -> Self {
        Self(tables)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Operation<'_>> {
        self.0.operations.iter().map(|row| Operation { tables: &self.0, row })
    }

    /// Those of this code, without `$`: `validate-code` is one of CodeSystem and one of ValueSet.
    pub fn named(&self, code: &str) -> impl Iterator<Item = Operation<'_>> {
        self.iter().filter(move |operation| operation.code() == code)
    }

    /// The one with this URL.
    pub fn by_url(&self, url: &str) -> Option<Operation<'_>> {
        self.iter().find(|operation| operation.url() == url)
    }
}

/// An OperationDefinition.
#[derive(Clone, Copy)]
pub struct Operation<'a> {
    tables: &'a OperationTables,
    row: &'a OperationRow,
}

impl<'a> Operation<'a> {
    /// Its canonical URL.
    pub fn url(self) -> &'a str {
        self.tables.texts.get(self.row.url)
    }

    /// Its business version; empty when it has none.
    pub fn version(self) -> &'a str {
        self.tables.texts.get(self.row.version)
    }

    /// Its name for people.
    pub fn name(self) -> &'a str {
        self.tables.texts.get(self.row.name)
    }

    /// What it is called after `$`: `everything`.
    pub fn code(self) -> &'a str {
        self.tables.texts.get(self.row.code)
    }

    /// Whether it is a named query (`_query`).
    pub fn is_query(self) -> bool {
        self.row.is_query
    }

    /// Whether it changes what is stored; none says nothing.
    pub fn affects_state(self) -> Option<bool> {
        self.row.affects_state
    }

    /// The types that it is for.
    pub fn resources(self) -> impl Iterator<Item = &'a str> {
        self.tables.texts.list(self.row.resources.of(&self.tables.lists))
    }

    /// `[base]/$code`.
    pub fn on_system(self) -> bool {
        self.row.system
    }

    /// `[base]/[type]/$code`.
    pub fn on_type(self) -> bool {
        self.row.ty
    }

    /// `[base]/[type]/[id]/$code`.
    pub fn on_instance(self) -> bool {
        self.row.instance
    }
}
