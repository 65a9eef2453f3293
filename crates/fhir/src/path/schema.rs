//! The element tables as FHIRPath walks them: types, their elements, the forms of a choice.

mod tables;

use std::collections::HashMap;

/// A type: a data type, a resource type, or the type of a backbone element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(u32);

/// An element of a type, whatever forms it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ElementId(u32);

/// The System type whose values a primitive's text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the System type of its name")]
pub enum Primitive {
    Boolean,
    Integer,
    Decimal,
    String,
    Date,
    DateTime,
    Time,
}

impl Primitive {
    /// The System type of a FHIR primitive.
    #[must_use]
    pub fn of(name: &str) -> Primitive {
        match name {
            "boolean" => Primitive::Boolean,
            "integer" | "positiveInt" | "unsignedInt" | "integer64" => Primitive::Integer,
            "decimal" => Primitive::Decimal,
            "date" => Primitive::Date,
            "dateTime" | "instant" => Primitive::DateTime,
            "time" => Primitive::Time,
            _ => Primitive::String,
        }
    }
}

/// What the values of a type are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value with text, perhaps with an `_` sibling.
    Primitive(Primitive),
    /// Quantity and the types made from it.
    Quantity,
    /// Another data type or backbone element.
    Complex,
    /// A resource type that instances have.
    Resource,
    /// Resource and DomainResource: the instance says which it is.
    AbstractResource,
}

/// One of the ways in which an element stands in JSON: `valueQuantity`, a Quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The key of the member.
    pub key: Box<str>,
    /// The key of its `_` sibling.
    pub(crate) sibling: Box<str>,
    /// The type of its value.
    pub type_id: TypeId,
}

impl Form {
    /// The form of a key.
    #[must_use]
    pub fn new(key: &str, type_id: TypeId) -> Form {
        Form { key: key.into(), sibling: format!("_{key}").into(), type_id }
    }
}

#[derive(Debug)]
struct TypeRow {
    name: Box<str>,
    base: Option<TypeId>,
    kind: Kind,
    /// By name.
    elements: Vec<(Box<str>, ElementId)>,
    /// By JSON key.
    keys: Vec<(Box<str>, ElementId, usize)>,
}

#[derive(Debug)]
struct ElementRow {
    name: Box<str>,
    forms: Box<[Form]>,
    list: bool,
}

/// All types of a version of FHIR.
#[derive(Debug, Default)]
pub struct Schema {
    types: Vec<TypeRow>,
    elements: Vec<ElementRow>,
    by_name: HashMap<Box<str>, TypeId>,
}

impl Schema {
    /// Adds a type. `path` is what finds it: `Patient`, or `Patient.contact` for the type of a
    /// backbone element, whose `name` is `BackboneElement`.
    pub fn add_type(&mut self, path: &str, name: &str, kind: Kind) -> TypeId {
        let id = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        let (elements, keys) = (Vec::new(), Vec::new());
        self.types.push(TypeRow { name: name.into(), base: None, kind, elements, keys });
        self.by_name.insert(path.into(), id);
        id
    }

    /// Says which type a type specializes.
    pub fn set_base(&mut self, type_id: TypeId, base: TypeId) {
        if let Some(row) = self.types.get_mut(type_id.0 as usize) {
            row.base = Some(base);
        }
    }

    /// Adds an element to a type; inherited elements are added to each type that has them.
    pub fn add_element(&mut self, of: TypeId, name: &str, forms: Vec<Form>, list: bool) {
        let id = ElementId(u32::try_from(self.elements.len()).unwrap_or(u32::MAX));
        if let Some(row) = self.types.get_mut(of.0 as usize) {
            let at = row.elements.partition_point(|(other, _)| **other < *name);
            row.elements.insert(at, (name.into(), id));
            for (index, form) in forms.iter().enumerate() {
                let at = row.keys.partition_point(|(key, _, _)| **key < *form.key);
                row.keys.insert(at, (form.key.clone(), id, index));
            }
        }
        self.elements.push(ElementRow { name: name.into(), forms: forms.into(), list });
    }

    fn row(&self, type_id: TypeId) -> Option<&TypeRow> {
        self.types.get(type_id.0 as usize)
    }

    /// The type of a name such as `Patient`, `code` or `Patient.contact`.
    #[must_use]
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }

    /// The name of a type; `BackboneElement` for that of a backbone element.
    #[must_use]
    pub fn type_name(&self, type_id: TypeId) -> &str {
        self.row(type_id).map_or("", |row| &row.name)
    }

    /// The type that a type specializes.
    #[must_use]
    pub fn base(&self, type_id: TypeId) -> Option<TypeId> {
        self.row(type_id)?.base
    }

    /// What its values are like.
    #[must_use]
    pub fn kind(&self, type_id: TypeId) -> Kind {
        self.row(type_id).map_or(Kind::Complex, |row| row.kind)
    }

    /// The element of a name; `value` for the choice `value[x]`.
    #[must_use]
    pub fn element(&self, type_id: TypeId, name: &str) -> Option<ElementId> {
        let elements = &self.row(type_id)?.elements;
        let at = elements.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        elements.get(at).map(|(_, element)| *element)
    }

    /// The element and form of a JSON key, without its `_`.
    #[must_use]
    pub fn element_of_key(&self, type_id: TypeId, key: &str) -> Option<(ElementId, &Form)> {
        let keys = &self.row(type_id)?.keys;
        let at = keys.binary_search_by(|(other, _, _)| (**other).cmp(key)).ok()?;
        let (_, element, index) = keys.get(at)?;
        Some((*element, self.forms(*element).get(*index)?))
    }

    /// The elements of a type.
    pub fn elements(&self, type_id: TypeId) -> impl Iterator<Item = ElementId> {
        self.row(type_id).into_iter().flat_map(|row| row.elements.iter().map(|(_, id)| *id))
    }

    /// The name of an element; `value` for the choice `value[x]`.
    #[must_use]
    pub fn element_name(&self, element: ElementId) -> &str {
        self.elements.get(element.0 as usize).map_or("", |row| &row.name)
    }

    /// Its forms; more than one for a choice.
    #[must_use]
    pub fn forms(&self, element: ElementId) -> &[Form] {
        self.elements.get(element.0 as usize).map_or(&[], |row| &row.forms)
    }

    /// Whether it may stand more than once.
    #[must_use]
    pub fn is_list(&self, element: ElementId) -> bool {
        self.elements.get(element.0 as usize).is_some_and(|row| row.list)
    }

    /// Whether a type is another or made from it.
    #[must_use]
    pub fn is_a(&self, type_id: TypeId, ancestor: TypeId) -> bool {
        let mut at = Some(type_id);
        // No chain of types is as long as this; a circular one must still end.
        for _ in 0..16 {
            match at {
                Some(id) if id == ancestor => return true,
                Some(id) => at = self.base(id),
                None => return false,
            }
        }
        false
    }
}
