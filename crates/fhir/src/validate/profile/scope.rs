//! Where a value stands: its type, what it stands in, and the resource it belongs to.

use std::borrow::Cow;

use json::{Kind, Value};
use smallvec::SmallVec;

use crate::definitions::{Child, Definitions, Element, TypeId};
use crate::path::Node;

/// A value with its type; of a primitive, with the object that has its id and extensions.
#[derive(Clone, Copy)]
pub(super) struct Spot<'d> {
    /// The value; of a primitive without one, its sibling.
    pub(super) value: Value<'d>,
    pub(super) ty: TypeId,
    pub(super) sibling: Option<Value<'d>>,
    /// The object that it is a member of.
    pub(super) around: Option<Value<'d>>,
    pub(super) is_sibling: bool,
}

impl<'d> Spot<'d> {
    pub(super) fn of(value: Value<'d>, ty: TypeId) -> Self {
        Self { value, ty, sibling: None, around: None, is_sibling: false }
    }

    /// As FHIRPath takes it.
    pub(super) fn node(&self) -> Node<'d> {
        let Self { value, around, is_sibling, .. } = *self;
        Node { value, type_id: self.ty.into(), around, is_sibling }
    }

    /// The object with its id, extensions and children.
    pub(super) fn object(&self) -> Option<Value<'d>> {
        if self.value.kind() == Kind::Object { Some(self.value) } else { self.sibling }
    }
}

/// A value in an object, with its name and what the type says of it.
pub(super) struct Member<'v, 'd> {
    pub(super) key: Cow<'d, str>,
    pub(super) child: Child<'v>,
    pub(super) spot: Spot<'d>,
}

/// What stands in `spot`, as far as its type knows it, in the order of the text.
pub(super) fn members<'v, 'd>(base: &'v Definitions, spot: &Spot<'d>) -> Vec<Member<'v, 'd>> {
    let mut found = Vec::new();
    let Some(object) = spot.object() else { return found };
    let ty = base.ty(spot.ty);
    for member in object.members() {
        let key = member.key();
        let (name, sibling) = match key.strip_prefix('_') {
            Some(name) if object.get(name).is_some() => continue,
            Some(name) => (Cow::Owned(name.to_owned()), Some(member.value())),
            None => (key.clone(), object.get(&format!("_{key}"))),
        };
        let Some(child) = ty.child(&name).filter(|child| child.named_type) else { continue };
        let value = if key.starts_with('_') { None } else { Some(member.value()) };
        let is_array = |value: &Value<'_>| value.kind() == Kind::Array;
        let spot = |value: Option<Value<'d>>, sibling: Option<Value<'d>>| {
            let value = value.filter(|value| value.kind() != Kind::Null);
            let sibling = sibling.filter(|sibling| sibling.kind() == Kind::Object);
            let is_sibling = value.is_none();
            let value = value.or(sibling)?;
            Some(Spot { value, ty: child.ty, sibling, around: Some(object), is_sibling })
        };
        let mut add = |spot: Option<Spot<'d>>| {
            found.extend(spot.map(|spot| Member { key: name.clone(), child, spot }));
        };
        if !value.iter().chain(&sibling).any(is_array) {
            add(spot(value, sibling));
            continue;
        }
        let count = value.map_or(0, Value::len).max(sibling.map_or(0, Value::len));
        let mut values = value.map(Value::elements);
        let mut siblings = sibling.map(Value::elements);
        for _ in 0..count {
            let value = values.as_mut().and_then(Iterator::next);
            add(spot(value, siblings.as_mut().and_then(Iterator::next)));
        }
    }
    found
}

/// The definitions of a value by the types: that of the element and that of its own type.
pub(super) type Bases<'v> = SmallVec<[Element<'v>; 2]>;

/// A value that is being looked at, in all that it stands in.
pub(super) struct Scope<'s, 'v, 'd> {
    pub(super) spot: Spot<'d>,
    pub(super) key: &'s str,
    pub(super) bases: Bases<'v>,
    /// The resource that it belongs to.
    pub(super) resource: Value<'d>,
    /// That resource, or the one that contains it.
    pub(super) container: Value<'d>,
    pub(super) up: Option<&'s Scope<'s, 'v, 'd>>,
    /// Profiles that are being tried further out.
    pub(super) trail: Option<&'s Trail<'s>>,
}

impl Scope<'_, '_, '_> {
    /// Whether the value is a resource.
    pub(super) fn is_resource(&self) -> bool {
        self.spot.value.get("resourceType").is_some()
    }
}

/// That a value is being held against an element of a profile: references that go round end there.
pub(super) struct Trail<'t> {
    value: usize,
    /// The id of the element and the URL of the profile.
    rule: (&'t str, &'t str),
    length: usize,
    up: Option<&'t Trail<'t>>,
}

impl<'t> Trail<'t> {
    pub(super) fn new(
        value: Value<'_>,
        rule: (&'t str, &'t str),
        up: Option<&'t Trail<'t>>,
    ) -> Self {
        let length = up.map_or(0, |up| up.length) + 1;
        Self { value: value.index(), rule, length, up }
    }

    /// Whether the same is being tried already, or too much.
    pub(super) fn has(up: Option<&Self>, value: Value<'_>, rule: (&str, &str)) -> bool {
        let mut trails = std::iter::successors(up, |trail| trail.up);
        up.is_some_and(|up| up.length >= base::limits::PROFILE_DEPTH)
            || trails.any(|trail| trail.value == value.index() && trail.rule == rule)
    }
}
