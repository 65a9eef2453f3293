//! StructureDefinitions as tables: elements, constraints, bindings, slicing, in the order of the
//! snapshot. The form is the same for types, profiles and extension definitions.

use super::TypeId;
use super::element::Element;
use super::rows::{Span, codes, row, section};
use super::texts::{Text, find_last};

section! {
    /// Structures and what they consist of.
    struct Structures {
        structures: StructureRow,
        /// Places of `structures` by (url, version).
        by_url: u32,
        elements: ElementRow,
        types: TypeRow,
        constraints: ConstraintRow,
        /// Lists of places in `constraints`.
        constraint_lists: u32,
        slicings: SlicingRow,
        discriminators: DiscriminatorRow,
        values: ValueRow,
        contexts: ContextRow,
        /// Lists of texts: profiles, targets, invariants of contexts.
        lists: Text,
    }
}

row! {
    /// A StructureDefinition.
    struct StructureRow {
        url: Text,
        version: Text,
        name: Text,
        title: Text,
        kind: StructureKind,
        derivation: Derivation,
        is_abstract: bool,
        ty: Text,
        base: Text,
        elements: Span<ElementRow>,
        contexts: Span<ContextRow>,
        context_invariants: Span<Text>,
    }
}

row! {
    /// An ElementDefinition of a snapshot; the elements below it follow it, up to `end`.
    struct ElementRow {
        id: Text,
        path: Text,
        name: Text,
        base_path: Text,
        slice_name: Text,
        end: u32,
        depth: u32,
        order: u32,
        min: u32,
        max: Option<u32>,
        repeats: bool,
        is_modifier: bool,
        is_summary: bool,
        must_support: bool,
        is_xml_attribute: bool,
        is_xhtml: bool,
        types: Span<TypeRow>,
        content_reference: Text,
        binding: Option<Strength>,
        value_set: Text,
        max_value_set: Text,
        constraints: Span<u32>,
        slicing: Option<u32>,
        values: Span<ValueRow>,
        max_length: Option<u32>,
    }
}

row! {
    /// A type that an element may have.
    struct TypeRow {
        code: Text,
        ty: Option<TypeId>,
        pattern: Text,
        profiles: Span<Text>,
        targets: Span<Text>,
    }
}

row! {
    /// A constraint; each distinct one once.
    struct ConstraintRow {
        key: Text,
        severity: Severity,
        human: Text,
        expression: Text,
        source: Text,
        best_practice: bool,
    }
}

row! {
    struct SlicingRow { discriminators: Span<DiscriminatorRow>, rules: Rules, ordered: bool, }
}

row! {
    struct DiscriminatorRow { kind: DiscriminatorKind, path: Text, }
}

row! {
    /// A value that an ElementDefinition gives: `fixedCode` is (Fixed, `Code`, JSON text).
    struct ValueRow { role: Role, ty: Text, json: Text, }
}

row! {
    struct ContextRow { kind: Text, expression: Text, }
}

codes! {
    /// `StructureDefinition.kind`.
    pub enum StructureKind {
        /// `string`, `date`.
        #[default]
        Primitive = "primitive-type",
        /// `HumanName`, `Extension`.
        Complex = "complex-type",
        /// `Patient`.
        Resource = "resource",
        /// A model that no instance of FHIR conforms to.
        Logical = "logical",
    }
}

codes! {
    /// `StructureDefinition.derivation`.
    pub enum Derivation {
        /// It defines a type.
        #[default]
        Specialization = "specialization",
        /// It is a profile of a type.
        Constraint = "constraint",
    }
}

codes! {
    /// `ElementDefinition.binding.strength`.
    pub enum Strength {
        /// Only codes of the value set.
        #[default]
        Required = "required",
        /// Codes of the value set where one fits.
        Extensible = "extensible",
        /// Codes of the value set are preferred.
        Preferred = "preferred",
        /// The value set is an example.
        Example = "example",
    }
}

codes! {
    /// `ElementDefinition.constraint.severity`.
    pub enum Severity {
        /// Breaking it makes the resource invalid.
        #[default]
        Error = "error",
        /// Breaking it is a warning.
        Warning = "warning",
    }
}

codes! {
    /// `ElementDefinition.slicing.rules`.
    pub enum Rules {
        /// Values beside the slices are allowed.
        #[default]
        Open = "open",
        /// They are not.
        Closed = "closed",
        /// They are, after the slices.
        OpenAtEnd = "openAtEnd",
    }
}

codes! {
    /// `ElementDefinition.slicing.discriminator.type`.
    pub enum DiscriminatorKind {
        /// The value at the path: fixed, pattern or required binding.
        #[default]
        Value = "value",
        /// Whether there is something at the path.
        Exists = "exists",
        /// The pattern at the path.
        Pattern = "pattern",
        /// The type of what is at the path.
        Type = "type",
        /// The profile of what is at the path.
        Profile = "profile",
        /// The place among the repetitions (R5).
        Position = "position",
    }
}

codes! {
    /// What a value in an ElementDefinition is for.
    pub enum Role {
        /// The value must be it, exactly.
        #[default]
        Fixed = "fixed",
        /// The value must have at least what it has.
        Pattern = "pattern",
        /// The least value.
        MinValue = "minValue",
        /// The highest value.
        MaxValue = "maxValue",
        /// The value that none stands for (STU3).
        DefaultValue = "defaultValue",
    }
}

impl Structures {
    /// The structure with this canonical URL (`url` or `url|version`); of several the newest.
    pub(crate) fn find(&self, canonical: &str) -> Option<Structure<'_>> {
        let (url, version) = split_canonical(canonical);
        let (_, row) = find_last(&self.by_url, &self.structures, |row| {
            let order = self.texts.get(row.url).cmp(url);
            match version {
                Some(version) => order.then_with(|| self.texts.get(row.version).cmp(version)),
                None => order,
            }
        })?;
        Some(Structure { tables: self, row })
    }

    /// Gives the types that elements have their numbers.
    pub(crate) fn name_types(&mut self, ty: impl Fn(&str) -> Option<TypeId>) {
        for row in &mut self.types {
            row.ty = ty(self.texts.get(row.code));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Structure<'_>> {
        self.structures.iter().map(|row| Structure { tables: self, row })
    }

    pub(crate) fn element(&self, place: u32) -> Option<Element<'_>> {
        Element::at(self, place)
    }
}

/// `url|version` in its parts.
pub(crate) fn split_canonical(canonical: &str) -> (&str, Option<&str>) {
    match canonical.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (canonical, None),
    }
}

/// A StructureDefinition: of a type, a profile or an extension.
#[derive(Clone, Copy)]
pub struct Structure<'a> {
    tables: &'a Structures,
    row: &'a StructureRow,
}

impl<'a> Structure<'a> {
    pub(crate) fn at(tables: &'a Structures, place: u32) -> Option<Self> {
        Some(Self { tables, row: tables.structures.get(place as usize)? })
    }

    /// Its canonical URL.
    pub fn url(self) -> &'a str {
        self.tables.texts.get(self.row.url)
    }

    /// Its business version; empty when it has none.
    pub fn version(self) -> &'a str {
        self.tables.texts.get(self.row.version)
    }

    /// Its name for machines.
    pub fn name(self) -> &'a str {
        self.tables.texts.get(self.row.name)
    }

    /// Its name for people.
    pub fn title(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.title)
    }

    /// Whether it describes a primitive, a complex type, a resource or a logical model.
    pub fn kind(self) -> StructureKind {
        self.row.kind
    }

    /// The name of the type that it defines or constrains.
    pub fn ty(self) -> &'a str {
        self.tables.texts.get(self.row.ty)
    }

    /// The canonical URL of what it is derived from.
    pub fn base(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.base)
    }

    /// Whether it defines a type or constrains one.
    pub fn derivation(self) -> Derivation {
        self.row.derivation
    }

    /// Whether no instance can be of it alone.
    pub fn is_abstract(self) -> bool {
        self.row.is_abstract
    }

    /// Where the extension that it defines may stand: (kind, expression), such as
    /// (`element`, `Patient.contact`).
    pub fn contexts(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let texts = &self.tables.texts;
        let rows = self.row.contexts.of(&self.tables.contexts);
        rows.iter().map(|row| (texts.get(row.kind), texts.get(row.expression)))
    }

    /// FHIRPath that must hold where the extension stands.
    pub fn context_invariants(self) -> impl Iterator<Item = &'a str> {
        self.tables.texts.list(self.row.context_invariants.of(&self.tables.lists))
    }

    /// Its first element; none when it was published without a snapshot.
    pub fn root(self) -> Option<Element<'a>> {
        self.elements().next()
    }

    /// All elements of its snapshot, each before what is below it.
    pub fn elements(self) -> impl Iterator<Item = Element<'a>> {
        let start = self.row.elements.start;
        let places = start..start.saturating_add(self.row.elements.length);
        places.filter_map(move |place| self.tables.element(place))
    }
}
