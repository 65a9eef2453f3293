//! Types: what may stand in what. Each resource, datatype and backbone element is one.

use super::element::Element;
use super::rows::{Cursor, Section, Span, Words, codes, row, section};
use super::structures::{Structure, Structures};
use super::texts::{Text, Texts, find_last};

/// A type of the definitions that it came from: a datatype, a resource, or a backbone element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(crate) u16);

impl TypeId {
    /// As an index into a table of one's own; numbers are dense from 0.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for TypeId {
    fn default() -> Self {
        Self(u16::MAX)
    }
}

impl Words for TypeId {
    const COUNT: usize = 1;

    fn put(&self, out: &mut Vec<u8>) {
        u32::from(self.0).put(out);
    }

    fn read(from: &mut Cursor<'_>) -> Option<Self> {
        u16::try_from(from.word()?).ok().map(Self)
    }
}

section! {
    /// The types, beside the section of their structures.
    struct TypeTables {
        types: TypeRow,
        /// Places of `types` by name.
        by_name: u32,
        children: ChildRow,
    }
}

row! {
    struct TypeRow {
        name: Text,
        kind: TypeKind,
        base: Option<TypeId>,
        is_abstract: bool,
        primitive: Option<Primitive>,
        pattern: Text,
        structure: u32,
        element: u32,
        children: Span<ChildRow>,
    }
}

row! {
    /// A name that may stand in an object of the type, in the order of XML.
    struct ChildRow {
        name: Text,
        element: u32,
        ty: TypeId,
        many: bool,
        choice: bool,
        named_type: bool,
        primitive_sibling: bool,
    }
}

codes! {
    /// What a type is.
    pub enum TypeKind {
        /// A JSON string, number or boolean.
        #[default]
        Primitive = "primitive",
        /// A datatype with elements.
        Complex = "complex",
        /// A resource.
        Resource = "resource",
        /// The elements that stand below an element of another type.
        Backbone = "backbone",
        /// A logical model.
        Logical = "logical",
    }
}

codes! {
    /// The primitives of all FHIR versions.
    pub enum Primitive {
        /// Text.
        #[default]
        String = "string",
        /// Bytes in base 64.
        Base64Binary = "base64Binary",
        /// `true` or `false`.
        Boolean = "boolean",
        /// A URL with a version, to a definition.
        Canonical = "canonical",
        /// A code of some system.
        Code = "code",
        /// Year, year and month, or day.
        Date = "date",
        /// A date, or a day with time and zone.
        DateTime = "dateTime",
        /// A number whose text counts.
        Decimal = "decimal",
        /// What a resource can be called.
        Id = "id",
        /// A moment, exact to the second at least.
        Instant = "instant",
        /// 32 bits.
        Integer = "integer",
        /// 64 bits, a string in JSON (R5).
        Integer64 = "integer64",
        /// Text that may be markdown.
        Markdown = "markdown",
        /// An OID as a URI.
        Oid = "oid",
        /// From 1.
        PositiveInt = "positiveInt",
        /// A time of a day.
        Time = "time",
        /// From 0.
        UnsignedInt = "unsignedInt",
        /// A URI.
        Uri = "uri",
        /// A URL.
        Url = "url",
        /// A UUID as a URI.
        Uuid = "uuid",
        /// The markup of a narrative.
        Xhtml = "xhtml",
    }
}

/// The types and their structures, and the table that finds a child by its name.
pub(crate) struct Types {
    tables: TypeTables,
    structures: Structures,
    names: Names,
    /// Stands for a number of other definitions.
    unknown: TypeRow,
}

impl Section for Types {
    fn encode(&self) -> Vec<u8> {
        let (types, structures) = (self.tables.encode(), self.structures.encode());
        let mut out = Vec::new();
        super::rows::length(types.len()).put(&mut out);
        out.extend_from_slice(&types);
        out.extend_from_slice(&structures);
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Cursor::new(bytes);
        let types = from.word()? as usize;
        let tables = TypeTables::decode(from.bytes(types)?)?;
        Some(Self::new(tables, Structures::decode(from.rest())?))
    }
}

impl Types {
    pub(crate) fn new(tables: TypeTables, structures: Structures) -> Self {
        let names = Names::of(&tables);
        Self { tables, structures, names, unknown: TypeRow::default() }
    }

    pub(crate) fn structures(&self) -> &Structures {
        &self.structures
    }

    pub(crate) fn named(&self, name: &str) -> Option<TypeId> {
        let TypeTables { types, by_name, texts, .. } = &self.tables;
        let (place, _) = find_last(by_name, types, |row| texts.get(row.name).cmp(name))?;
        u16::try_from(place).ok().map(TypeId)
    }

    pub(crate) fn get(&self, id: TypeId) -> Option<Type<'_>> {
        let row = self.tables.types.get(id.index())?;
        Some(Type { all: self, row, id })
    }

    /// The type; for a number that came from other definitions, one without name and elements.
    pub(crate) fn known(&self, id: TypeId) -> Type<'_> {
        self.get(id).unwrap_or(Type { all: self, row: &self.unknown, id })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Type<'_>> {
        (0..u16::MAX).map_while(|id| self.get(TypeId(id)))
    }
}

/// A type: a place in the tables.
#[derive(Clone, Copy)]
pub struct Type<'a> {
    all: &'a Types,
    row: &'a TypeRow,
    id: TypeId,
}

/// What a name in an object stands for.
#[derive(Clone, Copy)]
pub struct Child<'a> {
    /// The definition; of a choice, `value[x]`.
    pub element: Element<'a>,
    /// The type of the value. `Reference` for references, `Resource` where any resource may
    /// stand, `Element` for the bare name of a choice.
    pub ty: TypeId,
    /// Whether it is an array in JSON.
    pub many: bool,
    /// Whether it is one of a choice of types.
    pub choice: bool,
    /// False for the bare name of a choice (`value`), which FHIRPath says and JSON never.
    pub named_type: bool,
    /// Whether `_name` may stand beside it, with id and extensions.
    pub primitive_sibling: bool,
}

impl<'a> Type<'a> {
    /// Its number.
    pub fn id(self) -> TypeId {
        self.id
    }

    /// `Patient`, `HumanName`, `Patient.contact`.
    pub fn name(self) -> &'a str {
        self.all.tables.texts.get(self.row.name)
    }

    /// What it is.
    pub fn kind(self) -> TypeKind {
        self.row.kind
    }

    /// What it specializes: `DomainResource` for `Patient`.
    pub fn base(self) -> Option<Type<'a>> {
        self.all.get(self.row.base?)
    }

    /// Whether no value is of it alone.
    pub fn is_abstract(self) -> bool {
        self.row.is_abstract
    }

    /// Whether it is `other` or specializes it, at any distance.
    pub fn is_a(self, other: TypeId) -> bool {
        // Chains are shorter than ten; the bound is for a pack whose bases go round.
        let mut chain = std::iter::successors(Some(self), |ty| ty.base()).take(64);
        chain.any(|ty| ty.id == other)
    }

    /// Which primitive it is.
    pub fn primitive(self) -> Option<Primitive> {
        self.row.primitive
    }

    /// The regular expression that the specification gives for a primitive.
    pub fn pattern(self) -> Option<&'a str> {
        self.all.tables.texts.some(self.row.pattern)
    }

    /// The element that it describes: its root, or the one whose backbone it is.
    pub fn element(self) -> Option<Element<'a>> {
        self.all.structures.element(self.row.element)
    }

    /// The StructureDefinition that it comes from.
    pub fn structure(self) -> Option<Structure<'a>> {
        Structure::at(&self.all.structures, self.row.structure)
    }

    /// What `json_name` stands for in an object of this type: `name`, `valueQuantity`,
    /// `_birthDate`, or `value` as FHIRPath names a choice.
    pub fn child(self, json_name: &str) -> Option<Child<'a>> {
        let row = match json_name.strip_prefix('_') {
            None => self.find(json_name)?,
            Some(name) => self.find(name).filter(|row| row.primitive_sibling)?,
        };
        Some(Child {
            element: self.all.structures.element(row.element)?,
            ty: row.ty,
            many: row.many,
            choice: row.choice,
            named_type: row.named_type,
            primitive_sibling: row.primitive_sibling,
        })
    }

    /// The elements of the type in the order of XML; a choice once, as `value[x]`.
    pub fn children(self) -> impl Iterator<Item = Element<'a>> {
        let mut before = None;
        self.rows().iter().filter_map(move |row| {
            let again = before.replace(row.element) == Some(row.element);
            (!again).then(|| self.all.structures.element(row.element)).flatten()
        })
    }

    /// All names that may stand in an object of the type, in the order of XML; a choice once
    /// for each type.
    pub fn json_names(self) -> impl Iterator<Item = &'a str> {
        let named = self.rows().iter().filter(|row| row.named_type);
        named.map(move |row| self.all.tables.texts.get(row.name))
    }

    fn rows(self) -> &'a [ChildRow] {
        self.row.children.of(&self.all.tables.children)
    }

    fn find(self, name: &str) -> Option<&'a ChildRow> {
        let tables = &self.all.tables;
        self.all.names.places(self.id, name).find_map(|place| {
            let row = tables.children.get(place as usize)?;
            let owned = self.row.children.range().contains(&(place as usize));
            (owned && tables.texts.get(row.name) == name).then_some(row)
        })
    }
}

/// Children by the hash of type and name: open addressing, at most half full.
struct Names {
    slots: Vec<u32>,
}

const EMPTY: u32 = u32::MAX;

impl Names {
    fn of(tables: &TypeTables) -> Self {
        let size = (tables.children.len() * 2).next_power_of_two().max(2);
        let mut names = Self { slots: vec![EMPTY; size] };
        for (number, ty) in (0..u16::MAX).zip(&tables.types) {
            names.insert_all(TypeId(number), ty.children, &tables.children, &tables.texts);
        }
        names
    }

    fn insert_all(
        &mut self,
        ty: TypeId,
        span: Span<ChildRow>,
        children: &[ChildRow],
        texts: &Texts,
    ) {
        for (place, row) in (span.start..).zip(span.of(children)) {
            let mask = self.slots.len() - 1;
            let start = hash(ty, texts.get(row.name)) & mask;
            let free = (start..self.slots.len())
                .chain(0..start)
                .find(|slot| self.slots.get(*slot).is_some_and(|taken| *taken == EMPTY));
            if let Some(slot) = free.and_then(|slot| self.slots.get_mut(slot)) {
                *slot = place;
            }
        }
    }

    /// The children that may be the one of this name, the likeliest first.
    fn places(&self, ty: TypeId, name: &str) -> impl Iterator<Item = u32> {
        let start = hash(ty, name) & (self.slots.len() - 1);
        let slots = (start..self.slots.len()).chain(0..start);
        slots.filter_map(|slot| self.slots.get(slot).copied()).take_while(|place| *place != EMPTY)
    }
}

impl Default for Types {
    fn default() -> Self {
        Self::new(TypeTables::default(), Structures::default())
    }
}

/// Quick and good enough for some thirty thousand names: two multiplications for most names.
fn hash(ty: TypeId, name: &str) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = u64::from(ty.0) ^ ((name.len() as u64) << 32);
    for chunk in name.as_bytes().chunks(8) {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(chunk) {
            *to = *from;
        }
        state = (state ^ u64::from_le_bytes(word)).wrapping_mul(ODD);
        state ^= state >> 32;
    }
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
    let hash = state as usize;
    hash
}
