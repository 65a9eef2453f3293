//! An ElementDefinition, and what it says: types, binding, constraints, slicing, values.

use super::TypeId;
use super::structures::{
    DiscriminatorKind, ElementRow, Role, Rules, Severity, SlicingRow, Strength, Structures, TypeRow,
};
use super::texts::Text;

/// A place in a snapshot.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    tables: &'a Structures,
    row: &'a ElementRow,
    place: u32,
}

impl<'a> Element<'a> {
    pub(crate) fn at(tables: &'a Structures, place: u32) -> Option<Self> {
        Some(Self { tables, row: tables.elements.get(place as usize)?, place })
    }

    fn text(self, text: Text) -> &'a str {
        self.tables.texts.get(text)
    }

    /// Its id, which names slices: `Patient.contact:work.name`.
    pub fn id(self) -> &'a str {
        self.text(self.row.id)
    }

    /// `Patient.contact.name`.
    pub fn path(self) -> &'a str {
        self.text(self.row.path)
    }

    /// The last word of the path; `value[x]` for a choice.
    pub fn name(self) -> &'a str {
        self.text(self.row.name)
    }

    /// The path where the element was first defined: `Resource.id` for `Patient.id`.
    pub fn base_path(self) -> &'a str {
        self.text(self.row.base_path)
    }

    /// The least number of values.
    pub fn min(self) -> u32 {
        self.row.min
    }

    /// The highest number of values; none for `*`.
    pub fn max(self) -> Option<u32> {
        self.row.max
    }

    /// Whether it is an array in JSON, whatever a profile allows.
    pub fn repeats(self) -> bool {
        self.row.repeats
    }

    /// Its place among the elements beside it, which is the order of XML.
    pub fn order(self) -> u32 {
        self.row.order
    }

    /// How far below the root it stands; slices stand beside what they slice.
    pub fn depth(self) -> u32 {
        self.row.depth
    }

    /// Whether the name ends with the type of the value.
    pub fn is_choice(self) -> bool {
        self.name().ends_with("[x]")
    }

    /// Whether the value may change the meaning of the element it stands in.
    pub fn is_modifier(self) -> bool {
        self.row.is_modifier
    }

    /// Whether `_summary=true` keeps it.
    pub fn is_summary(self) -> bool {
        self.row.is_summary
    }

    /// Whether the profile asks implementations to support it.
    pub fn must_support(self) -> bool {
        self.row.must_support
    }

    /// Whether XML writes it as an attribute.
    pub fn is_xml_attribute(self) -> bool {
        self.row.is_xml_attribute
    }

    /// Whether it is XHTML.
    pub fn is_xhtml(self) -> bool {
        self.row.is_xhtml
    }

    /// The types that it may have; none at a root and at a content reference.
    pub fn types(self) -> impl Iterator<Item = TypeRef<'a>> {
        let rows = self.row.types.of(&self.tables.types);
        rows.iter().map(move |row| TypeRef { tables: self.tables, row })
    }

    /// The path whose definition holds here too, without `#`.
    pub fn content_reference(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.content_reference)
    }

    /// The value set that codes come from.
    pub fn binding(self) -> Option<Binding<'a>> {
        Some(Binding {
            strength: self.row.binding?,
            value_set: self.tables.texts.some(self.row.value_set),
            max_value_set: self.tables.texts.some(self.row.max_value_set),
        })
    }

    /// What must hold of each value.
    pub fn constraints(self) -> impl Iterator<Item = Constraint<'a>> {
        let places = self.row.constraints.of(&self.tables.constraint_lists);
        places.iter().filter_map(move |place| Constraint::at(self.tables, *place))
    }

    /// The name of the slice that it defines.
    pub fn slice_name(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.slice_name)
    }

    /// How the values are told apart into slices.
    pub fn slicing(self) -> Option<Slicing<'a>> {
        let row = self.tables.slicings.get(self.row.slicing? as usize)?;
        Some(Slicing { tables: self.tables, row })
    }

    /// The value that the definition gives for this.
    pub fn given(self, role: Role) -> Option<Given<'a>> {
        let rows = self.row.values.of(&self.tables.values);
        let row = rows.iter().find(|row| row.role == role)?;
        Some(Given { ty: self.text(row.ty), json: self.text(row.json) })
    }

    /// The value that it must have, exactly.
    pub fn fixed(self) -> Option<Given<'a>> {
        self.given(Role::Fixed)
    }

    /// What the value must have at least.
    pub fn pattern(self) -> Option<Given<'a>> {
        self.given(Role::Pattern)
    }

    /// The most characters of a string.
    pub fn max_length(self) -> Option<u32> {
        self.row.max_length
    }

    /// The elements right below it, slices included, in order.
    pub fn children(self) -> impl Iterator<Item = Element<'a>> {
        let mut next = self.place + 1;
        std::iter::from_fn(move || {
            let child = (next < self.row.end).then(|| self.tables.element(next))??;
            next = child.row.end.max(next + 1);
            Some(child)
        })
    }
}

/// A type that an element may have.
#[derive(Clone, Copy)]
pub struct TypeRef<'a> {
    tables: &'a Structures,
    row: &'a TypeRow,
}

impl<'a> TypeRef<'a> {
    /// The name of the type: `Reference`, and `string` where the specification has a URL of
    /// FHIRPath's System types.
    pub fn code(self) -> &'a str {
        self.tables.texts.get(self.row.code)
    }

    /// The type; none for one that is not in the definitions.
    pub fn ty(self) -> Option<TypeId> {
        self.row.ty
    }

    /// The regular expression that the specification gives for it here.
    pub fn pattern(self) -> Option<&'a str> {
        self.tables.texts.some(self.row.pattern)
    }

    /// Profiles of the type, one of which must hold.
    pub fn profiles(self) -> impl Iterator<Item = &'a str> {
        self.tables.texts.list(self.row.profiles.of(&self.tables.lists))
    }

    /// Profiles of what a reference or a canonical points to.
    pub fn targets(self) -> impl Iterator<Item = &'a str> {
        self.tables.texts.list(self.row.targets.of(&self.tables.lists))
    }
}

/// `ElementDefinition.binding`.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// How binding it is.
    pub strength: Strength,
    /// The canonical URL of the value set, version included.
    pub value_set: Option<&'a str>,
    /// The value set that no code may lie outside of, for weaker strengths.
    pub max_value_set: Option<&'a str>,
}

/// Which constraint of its tables: equal numbers are the same expression, to be compiled once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConstraintId(u32);

impl ConstraintId {
    /// As an index into a table of one's own.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// `ElementDefinition.constraint`.
#[derive(Clone, Copy, Debug)]
pub struct Constraint<'a> {
    /// Which one, among those of the types or of the profiles.
    pub id: ConstraintId,
    /// `ele-1`.
    pub key: &'a str,
    /// What breaking it means.
    pub severity: Severity,
    /// What it says, for people.
    pub human: &'a str,
    /// What it says, in FHIRPath.
    pub expression: Option<&'a str>,
    /// The structure that it comes from.
    pub source: Option<&'a str>,
    /// Whether it is advice only.
    pub best_practice: bool,
}

impl<'a> Constraint<'a> {
    pub(crate) fn at(tables: &'a Structures, place: u32) -> Option<Self> {
        let row = tables.constraints.get(place as usize)?;
        let texts = &tables.texts;
        Some(Self {
            id: ConstraintId(place),
            key: texts.get(row.key),
            severity: row.severity,
            human: texts.get(row.human),
            expression: texts.some(row.expression),
            source: texts.some(row.source),
            best_practice: row.best_practice,
        })
    }
}

/// `ElementDefinition.slicing`.
#[derive(Clone, Copy)]
pub struct Slicing<'a> {
    tables: &'a Structures,
    row: &'a SlicingRow,
}

impl<'a> Slicing<'a> {
    /// What tells the slices apart: how, and the FHIRPath of where to look.
    pub fn discriminators(self) -> impl Iterator<Item = (DiscriminatorKind, &'a str)> {
        let rows = self.row.discriminators.of(&self.tables.discriminators);
        rows.iter().map(move |row| (row.kind, self.tables.texts.get(row.path)))
    }

    /// Whether there may be values beside the slices.
    pub fn rules(self) -> Rules {
        self.row.rules
    }

    /// Whether the slices stand in the order of the profile.
    pub fn is_ordered(self) -> bool {
        self.row.ordered
    }
}

/// A value that a definition gives: `fixedQuantity` is (`Quantity`, its JSON).
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The type, with the capital letter that the element's name has: `Quantity`, `Code`.
    pub ty: &'a str,
    /// The value as JSON without white space.
    pub json: &'a str,
}
