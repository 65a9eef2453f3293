//! The element tables as the structural checks read them: what may stand where, found with one
//! hash and one comparison.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use super::codes::Codes;
use crate::definitions::{Primitive, Strength, Type, TypeKind};
use crate::{Child as Defined, Definitions, TypeId};

/// What may stand where, for all types of a version of FHIR.
pub struct Rules {
    pub(super) definitions: &'static Definitions,
    /// By the number of the type.
    shapes: Vec<Shape>,
    /// The types of resources by their names.
    resources: HashMap<&'static str, TypeId>,
    /// The value sets of required bindings, read when a code is first looked up in them.
    codes: Vec<(&'static str, OnceLock<Codes>)>,
    /// Type names that a `Reference` may point at; none for any.
    targets: Vec<Box<[TypeId]>>,
    element: TypeId,
}

/// A type: what its objects hold.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) special: Special,
    /// The elements that must be there, a bit each.
    pub(super) required: u128,
    /// The bits of `extension` and of `value[x]`.
    pub(super) nested: u128,
    pub(super) valued: u128,
    /// The names of the elements by bit; `value[x]` for a choice.
    pub(super) elements: Vec<&'static str>,
    pub(super) children: Vec<Child>,
    /// Places of `children` by the hash of the name, `EMPTY` where there is none; a power of two.
    slots: Vec<u16>,
}

/// Types that have rules of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Special {
    #[default]
    Nothing,
    Resource,
    AbstractResource,
    Extension,
    Reference,
}

/// A name that may stand in an object.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) name: &'static str,
    pub(super) what: What,
    /// Which element it is a form of, as a bit of [`Shape::required`].
    pub(super) element: u8,
    pub(super) many: bool,
    pub(super) choice: bool,
    /// The highest number of values, where there is one beyond `many`.
    pub(super) most: u32,
    codes: u16,
    targets: u16,
}

/// What a child's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The name of a resource's type.
    TypeName,
    Primitive(Primitive),
    Object(TypeId),
    /// A resource of any type.
    Resource,
}

const EMPTY: u16 = u16::MAX;
const NONE: u16 = u16::MAX;

impl Rules {
    /// Those of R4, shared by all of the process.
    #[must_use]
    pub fn r4() -> &'static Rules {
        static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::of(Definitions::r4()));
        &RULES
    }

    /// Those of other definitions.
    #[must_use]
    pub fn of(definitions: &'static Definitions) -> Rules {
        let mut rules = Rules {
            definitions,
            shapes: Vec::new(),
            resources: HashMap::new(),
            codes: Vec::new(),
            targets: Vec::new(),
            element: definitions.type_named("Element").unwrap_or_default(),
        };
        for ty in definitions.types() {
            let shape = rules.shape_of(ty);
            if matches!(shape.special, Special::Resource | Special::AbstractResource) {
                rules.resources.insert(shape.name, ty.id());
            }
            rules.shapes.push(shape);
        }
        rules
    }

    pub(super) fn shape(&self, id: TypeId) -> Option<&Shape> {
        self.shapes.get(id.index())
    }

    /// What may stand in the `_` sibling of a primitive.
    pub(super) fn sibling(&self) -> Option<&Shape> {
        self.shape(self.element)
    }

    /// The resource type of a name.
    pub(super) fn resource_type(&self, name: &str) -> Option<(TypeId, &Shape)> {
        let id = *self.resources.get(name)?;
        self.shape(id).map(|shape| (id, shape))
    }

    /// The names of all resource types that have instances.
    pub(super) fn resource_names(&self) -> impl Iterator<Item = &'static str> {
        let resources = self.shapes.iter().filter(|shape| shape.special == Special::Resource);
        resources.map(|shape| shape.name)
    }

    pub(super) fn name(&self, id: TypeId) -> &'static str {
        self.shape(id).map_or("", |shape| shape.name)
    }

    /// The codes that a child may have, and the value set they are from.
    pub(super) fn codes(&self, child: &Child) -> Option<(&Codes, &'static str)> {
        let (url, codes) = self.codes.get(usize::from(child.codes))?;
        let codes = codes.get_or_init(|| Codes::of(self.definitions.terminology(), url));
        Some((codes, url))
    }

    /// The types that a reference may point at; none for any.
    pub(super) fn targets(&self, child: &Child) -> Option<&[TypeId]> {
        self.targets.get(usize::from(child.targets)).map(|targets| &**targets)
    }

    fn shape_of(&mut self, ty: Type<'static>) -> Shape {
        let special = match (ty.kind(), ty.name()) {
            (TypeKind::Resource, _) if ty.is_abstract() => Special::AbstractResource,
            (TypeKind::Resource, _) => Special::Resource,
            (TypeKind::Complex, "Extension") => Special::Extension,
            (TypeKind::Complex, "Reference") => Special::Reference,
            _ => Special::Nothing,
        };
        let mut shape = Shape { name: ty.name(), special, ..Shape::default() };
        let mut elements: Vec<&str> = Vec::new();
        for name in ty.json_names() {
            let Some(defined) = ty.child(name) else { continue };
            let element = defined.element.name();
            // The forms of a choice follow each other.
            if !defined.choice || elements.last() != Some(&element) {
                elements.push(element);
            }
            let bit = elements.len() - 1;
            debug_assert!(bit < 128, "{} has too many elements", ty.name());
            if defined.element.min() > 0 {
                shape.required |= 1 << bit;
            }
            match element {
                "extension" => shape.nested = 1 << bit,
                "value[x]" => shape.valued = 1 << bit,
                _ => {}
            }
            let child = self.child_of(ty, name, &defined, bit);
            shape.children.push(child);
        }
        if ty.kind() == TypeKind::Resource {
            shape.children.push(Child::type_name());
        }
        shape.elements = elements;
        shape.place();
        shape
    }

    fn child_of(
        &mut self,
        ty: Type<'static>,
        name: &'static str,
        defined: &Defined<'static>,
        bit: usize,
    ) -> Child {
        let definitions = self.definitions;
        let of = definitions.ty(defined.ty);
        let what = match of.primitive() {
            // The definitions call the id of a resource a string, the specification's text an id.
            _ if ty.kind() == TypeKind::Resource && name == "id" => What::Primitive(Primitive::Id),
            _ if of.kind() == TypeKind::Resource => What::Resource,
            Some(primitive) => What::Primitive(primitive),
            None => What::Object(defined.ty),
        };
        let most = defined.element.max().filter(|most| *most > 1).unwrap_or(u32::MAX);
        let binding =
            defined.element.binding().filter(|_| what == What::Primitive(Primitive::Code));
        let codes = binding.filter(|binding| binding.strength == Strength::Required);
        let codes = codes.and_then(|binding| binding.value_set);
        let codes = codes.map_or(NONE, |url| {
            number(&mut self.codes, |(known, _)| *known == url, || (url, OnceLock::new()))
        });
        let targets = match of.name() {
            "Reference" => self.targets_of(defined),
            _ => NONE,
        };
        let element = u8::try_from(bit).unwrap_or(u8::MAX);
        let (many, choice) = (defined.many, defined.choice);
        Child { name, what, element, many, choice, most, codes, targets }
    }

    fn targets_of(&mut self, defined: &Defined<'static>) -> u16 {
        let definitions = self.definitions;
        let mut targets: Vec<TypeId> = Vec::new();
        for reference in defined.element.types().filter(|of| of.code() == "Reference") {
            for canonical in reference.targets() {
                let name = canonical.rsplit('/').next().unwrap_or_default();
                match definitions.type_named(name) {
                    Some(id) if !definitions.ty(id).is_abstract() => targets.push(id),
                    // Resource, or a profile: whatever it is, it may be meant.
                    _ => return NONE,
                }
            }
        }
        if targets.is_empty() {
            return NONE;
        }
        let targets = targets.into_boxed_slice();
        number(&mut self.targets, |known| **known == *targets, || targets.clone())
    }
}

/// The place of an item in a list, put there when it is not.
fn number<T>(list: &mut Vec<T>, is: impl FnMut(&T) -> bool, new: impl FnOnce() -> T) -> u16 {
    let place = list.iter().position(is).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    });
    u16::try_from(place).unwrap_or(NONE)
}

impl Child {
    fn type_name() -> Child {
        Child {
            name: "resourceType",
            what: What::TypeName,
            element: 127,
            many: false,
            choice: false,
            most: u32::MAX,
            codes: NONE,
            targets: NONE,
        }
    }
}

impl Shape {
    /// The child of a name.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<&Child> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash(name) & mask;
        // The table is at most half full, so an empty slot comes soon.
        loop {
            let place = *self.slots.get(at)?;
            if place == EMPTY {
                return None;
            }
            let child = self.children.get(usize::from(place))?;
            if child.name.as_bytes() == name {
                return Some(child);
            }
            at = (at + 1) & mask;
        }
    }

    fn place(&mut self) {
        let size = (self.children.len() * 2).next_power_of_two();
        self.slots = vec![EMPTY; size];
        for (place, child) in (0..EMPTY).zip(&self.children) {
            let mut at = hash(child.name.as_bytes()) & (size - 1);
            while let Some(slot) = self.slots.get_mut(at) {
                if *slot == EMPTY {
                    *slot = place;
                    break;
                }
                at = (at + 1) & (size - 1);
            }
        }
    }
}

/// Of the length, the first and the last bytes: names of one type that agree in all three are
/// few, and comparing tells them apart.
#[inline]
fn hash(name: &[u8]) -> usize {
    let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => short(name),
    };
    let mixed =
        (first ^ last.rotate_left(23) ^ name.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as usize
}

#[inline]
fn short(name: &[u8]) -> (u64, u64) {
    match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
        }
        _ => (name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
    }
}
