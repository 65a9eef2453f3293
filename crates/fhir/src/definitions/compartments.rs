//! CompartmentDefinitions: which resources belong to a patient, a practitioner, a device.

use super::rows::{Span, row, section};
use super::texts::Text;

section! {
    /// All compartments of a version.
    struct CompartmentTables {
        compartments: CompartmentRow,
        members: MemberRow,
        lists: Text,
    }
}

row! {
    struct CompartmentRow {
        url: Text,
        code: Text,
        name: Text,
        is_example: bool,
        members: Span<MemberRow>,
    }
}

row! {
    /// A resource type, with the parameters that put it into the compartment.
    struct MemberRow { ty: Text, parameters: Span<Text>, }
}

/// The compartments of a version.
#[derive(Default)]
pub struct Compartments(CompartmentTables);

impl Compartments {
    pub(crate) fn new(tables: CompartmentTables) -> Self {
        Self(tables)
    }

    /// All of them. R4's package has a sixth, an example under the code of another; it is left
    /// out.
    pub fn iter(&self) -> impl Iterator<Item = Compartment<'_>> {
        let rows = self.0.compartments.iter().filter(|row| !row.is_example);
        rows.map(|row| Compartment { tables: &self.0, row })
    }

    /// The one of this code, which is a resource type: `Patient`.
    pub fn find(&self, code: &str) -> Option<Compartment<'_>> {
        self.iter().find(|compartment| compartment.code() == code)
    }
}

/// A CompartmentDefinition.
#[derive(Clone, Copy)]
pub struct Compartment<'a> {
    tables: &'a CompartmentTables,
    row: &'a CompartmentRow,
}

impl<'a> Compartment<'a> {
    /// Its canonical URL.
    pub fn url(self) -> &'a str {
        self.tables.texts.get(self.row.url)
    }

    /// The resource type it is of: `Patient`.
    pub fn code(self) -> &'a str {
        self.tables.texts.get(self.row.code)
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        self.tables.texts.get(self.row.name)
    }

    /// The types that can be in it.
    pub fn types(self) -> impl Iterator<Item = &'a str> {
        let rows = self.row.members.of(&self.tables.members).iter();
        let can = rows.filter(|row| row.parameters.length > 0);
        can.map(|row| self.tables.texts.get(row.ty))
    }

    /// The reference parameters that put a resource of this type into it: `subject`,
    /// `performer` for `Observation`. `{def}` stands for being what the compartment is of.
    pub fn parameters(self, ty: &str) -> impl Iterator<Item = &'a str> {
        let mut rows = self.row.members.of(&self.tables.members).iter();
        let row = rows.find(|row| self.tables.texts.get(row.ty) == ty);
        let list = row.map_or(Span::default(), |row| row.parameters);
        self.tables.texts.list(list.of(&self.tables.lists))
    }
}
