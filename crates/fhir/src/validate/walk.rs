//! Walks a resource and compares each value with what may stand there. Nothing is allocated until
//! something is wrong; what says so stands in `faults.rs`.

use json::{Kind, Value};

use super::issue::{Issues, Place};
use super::rules::{Child, Rules, Shape, Special, What};
use super::{narrative, primitive};
use crate::TypeId;
use crate::definitions::Primitive;

/// One check of one document.
pub(super) struct Walk<'w, 'd> {
    pub(super) place: &'w Place<'d, 'w>,
    pub(super) rules: &'w Rules,
    pub(super) issues: &'w mut Issues,
    /// Whether the resources inside are checked too.
    pub(super) inner: bool,
}

impl<'w, 'd> Walk<'w, 'd> {
    /// A resource: the root, a contained one, or that of an entry.
    pub(super) fn resource(&mut self, resource: Value<'d>) {
        if resource.kind() != Kind::Object {
            return self.not_a_resource(resource);
        }
        if let Some(shape) = self.resource_type(resource) {
            self.object(resource, shape);
        }
    }

    fn resource_type(&mut self, resource: Value<'d>) -> Option<&'w Shape> {
        let found = resource.get("resourceType");
        let name = found.and_then(Value::as_str);
        match name.as_deref().and_then(|name| self.rules.resource_type(name)) {
            Some((_, shape)) if shape.special == Special::Resource => Some(shape),
            _ => {
                self.no_resource_type(resource, found);
                None
            }
        }
    }

    fn object(&mut self, object: Value<'d>, shape: &'w Shape) {
        let (mut seen, mut count) = (0_u128, 0_u32);
        for member in object.members() {
            count += 1;
            let value = member.value();
            if let Some(child) = shape.find(member.key_raw()) {
                let bit = 1 << child.element;
                if child.choice && seen & bit != 0 {
                    self.chosen_twice(object, value, shape, child);
                }
                seen |= bit;
                self.child(object, value, child);
            } else if let Some(child) = self.sibling(object, value, shape, seen) {
                seen |= 1 << child.element;
            }
        }
        if count == 0 {
            return self.empty(object);
        }
        if shape.required & !seen != 0 {
            self.missing(object, shape, shape.required & !seen);
        }
        if shape.special == Special::Extension {
            let (nested, valued) = (seen & shape.nested != 0, seen & shape.valued != 0);
            if nested == valued {
                self.extension(object, valued);
            }
        }
    }

    fn child(&mut self, object: Value<'d>, value: Value<'d>, child: &'w Child) {
        if value.kind() != Kind::Array {
            return match (child.many, value.kind()) {
                (_, Kind::Null) => self.null(value),
                (true, _) => self.not_an_array(value),
                (false, _) => self.one(value, child),
            };
        }
        if !child.many {
            return self.an_array(value);
        }
        let (mut count, mut nulls) = (0_u32, false);
        for element in value.elements() {
            count += 1;
            if element.kind() == Kind::Null {
                nulls = true;
            } else {
                self.one(element, child);
            }
        }
        if count == 0 {
            self.empty(value);
        }
        if count > child.most {
            self.too_many(value, child.most, count);
        }
        if nulls {
            self.nulls(object, value, child);
        }
    }

    #[inline]
    fn one(&mut self, value: Value<'d>, child: &'w Child) {
        match child.what {
            What::Primitive(Primitive::Xhtml) => self.narrative(value),
            What::Primitive(primitive) => self.primitive(value, primitive, child),
            What::Object(of) => self.complex(value, of, child),
            What::Resource if self.inner => self.resource(value),
            What::Resource => {}
            // Read already, before what stands beside it.
            What::TypeName => {}
        }
    }

    fn primitive(&mut self, value: Value<'d>, primitive: Primitive, child: &'w Child) {
        if let Err(wrong) = primitive::check(primitive, value) {
            return self.malformed(value, primitive, wrong);
        }
        if let Some((codes, url)) = self.rules.codes(child)
            && value.as_str().is_some_and(|code| !codes.has(&code))
        {
            self.no_such_code(value, codes, url);
        }
    }

    fn complex(&mut self, value: Value<'d>, of: TypeId, child: &'w Child) {
        let Some(shape) = self.rules.shape(of) else { return };
        if value.kind() != Kind::Object {
            return self.not_an_object(value, shape);
        }
        self.object(value, shape);
        if shape.special == Special::Reference {
            self.reference(value, self.rules.targets(child));
        }
    }

    fn narrative(&mut self, value: Value<'d>) {
        let Some(text) = value.as_str() else {
            return self.malformed(value, Primitive::Xhtml, primitive::Wrong::Kind);
        };
        for fault in narrative::check(&text) {
            self.bad_narrative(value, fault);
        }
    }

    /// What the tables do not have by this key: the `_` sibling of a primitive, a key that is
    /// written with escapes, or a mistake. Gives the element that is now seen.
    #[cold]
    fn sibling(
        &mut self,
        object: Value<'d>,
        value: Value<'d>,
        shape: &'w Shape,
        seen: u128,
    ) -> Option<&'w Child> {
        let member = value.member()?;
        let key = member.key();
        let primitive = |child: &&Child| matches!(child.what, What::Primitive(_));
        let name = key.strip_prefix('_');
        let child = name.and_then(|name| shape.find(name.as_bytes())).filter(primitive);
        let plain = shape.find(key.as_bytes()).filter(|_| name.is_none());
        let Some(child) = child.or(plain) else {
            self.unknown(value, shape, &key);
            return None;
        };
        if child.choice && seen & (1 << child.element) != 0 {
            self.chosen_twice(object, value, shape, child);
        }
        if plain.is_some() {
            self.child(object, value, child);
        } else if child.many {
            self.siblings(value, object.get(child.name));
        } else {
            self.extensions(value);
        }
        Some(child)
    }

    /// The `_` sibling of an array: `null` where the value beside it has no extensions.
    fn siblings(&mut self, siblings: Value<'d>, values: Option<Value<'d>>) {
        if siblings.kind() != Kind::Array {
            return self.not_an_array(siblings);
        }
        let values = values.filter(|values| values.kind() == Kind::Array);
        let mut beside = values.map(Value::elements);
        let mut any = false;
        for sibling in siblings.elements() {
            let value = beside.as_mut().and_then(Iterator::next);
            match sibling.kind() {
                Kind::Null if value.is_none() => self.null(sibling),
                Kind::Null => {}
                _ => {
                    any = true;
                    self.extensions(sibling);
                }
            }
        }
        if !any {
            self.empty(siblings);
        }
        if let Some(values) = values.filter(|values| values.len() != siblings.len()) {
            self.misaligned(siblings, values);
        }
    }

    /// The id and the extensions of a primitive.
    fn extensions(&mut self, sibling: Value<'d>) {
        let Some(shape) = self.rules.sibling() else { return };
        match sibling.kind() {
            Kind::Object => self.object(sibling, shape),
            Kind::Null => self.null(sibling),
            _ => self.not_an_object(sibling, shape),
        }
    }

    /// The nulls of an array of primitives: each needs an object beside it.
    #[cold]
    fn nulls(&mut self, object: Value<'d>, values: Value<'d>, child: &'w Child) {
        let beside = match child.what {
            What::Primitive(_) => object.get(&format!("_{}", child.name)),
            _ => None,
        };
        let mut beside = beside.map(Value::elements);
        for value in values.elements() {
            let sibling = beside.as_mut().and_then(Iterator::next);
            let extended = sibling.is_some_and(|sibling| sibling.kind() == Kind::Object);
            if value.kind() == Kind::Null && !extended {
                self.null(value);
            }
        }
    }
}
