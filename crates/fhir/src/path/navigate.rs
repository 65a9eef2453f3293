//! From a place on the tape to its children: arrays flattened, `_` siblings paired, choices by
//! their forms.

use json::{Kind as Json, Value};

use super::item::{Item, Items, Node};
use super::schema::{ElementId, Form, Kind, Schema, TypeId};

/// What an element is in an object: its value and its `_` sibling, at least one of them there.
pub(crate) struct Found<'d> {
    value: Option<Value<'d>>,
    sibling: Option<Value<'d>>,
    type_id: TypeId,
    around: Value<'d>,
}

/// Looks an element up in an object.
pub(crate) fn find<'d>(
    schema: &Schema,
    object: Value<'d>,
    element: ElementId,
) -> Option<Found<'d>> {
    match schema.forms(element) {
        [form] => find_form(schema, object, form),
        forms => find_choice(schema, object, schema.element_name(element), forms),
    }
}

/// A choice has many forms, of which an object has one: its members are gone through once.
fn find_choice<'d>(
    schema: &Schema,
    object: Value<'d>,
    name: &str,
    forms: &[Form],
) -> Option<Found<'d>> {
    let form = object.members().find_map(|member| {
        let key = member.key();
        let key = key.strip_prefix('_').unwrap_or(&key);
        key.starts_with(name).then(|| forms.iter().find(|form| *form.key == *key))?
    });
    find_form(schema, object, form?)
}

fn find_form<'d>(schema: &Schema, object: Value<'d>, form: &Form) -> Option<Found<'d>> {
    let found = |value, sibling| Found { value, sibling, type_id: form.type_id, around: object };
    if !matches!(schema.kind(form.type_id), Kind::Primitive(_)) {
        return object.get(&form.key).map(|value| found(Some(value), None));
    }
    let (mut value, mut sibling) = (None, None);
    for member in object.members() {
        if member.is(&form.key) {
            value = Some(member.value());
            // The sibling is looked up when somebody asks for it, unless nulls stand for values.
            if member.value().kind() != Json::Array {
                break;
            }
        } else if member.is(&form.sibling) {
            sibling = Some(member.value());
        }
    }
    (value.is_some() || sibling.is_some()).then(|| found(value, sibling))
}

impl<'d> Found<'d> {
    /// Calls `each` with every node that there is, in order.
    pub(crate) fn for_each<E>(
        &self,
        schema: &Schema,
        mut each: impl FnMut(Node<'d>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(value) = self.value else {
            return match self.sibling {
                Some(sibling) if sibling.kind() == Json::Array => sibling
                    .elements()
                    .filter_map(|s| self.node(schema, None, Some(s)))
                    .try_for_each(each),
                sibling => self.node(schema, None, sibling).map_or(Ok(()), each),
            };
        };
        if value.kind() != Json::Array {
            return self.node(schema, Some(value), self.sibling).map_or(Ok(()), each);
        }
        let mut siblings = self.sibling.map(Value::elements);
        for value in value.elements() {
            let sibling = siblings.as_mut().and_then(Iterator::next);
            if let Some(node) = self.node(schema, Some(value), sibling) {
                each(node)?;
            }
        }
        Ok(())
    }

    fn node(
        &self,
        schema: &Schema,
        value: Option<Value<'d>>,
        sibling: Option<Value<'d>>,
    ) -> Option<Node<'d>> {
        let around = matches!(schema.kind(self.type_id), Kind::Primitive(_)).then_some(self.around);
        let value = value.filter(|value| value.kind() != Json::Null);
        if let Some(value) = value {
            let type_id = actual_type(schema, self.type_id, value);
            return Some(Node { value, type_id, around, is_sibling: false });
        }
        let sibling = sibling.filter(|sibling| sibling.kind() == Json::Object)?;
        Some(Node { value: sibling, type_id: self.type_id, around, is_sibling: true })
    }
}

/// The type that a resource says it is, where its place allows any.
fn actual_type(schema: &Schema, type_id: TypeId, value: Value<'_>) -> TypeId {
    if schema.kind(type_id) != Kind::AbstractResource {
        return type_id;
    }
    let name = value.get("resourceType").and_then(Value::as_str);
    name.and_then(|name| schema.type_named(&name)).unwrap_or(type_id)
}

/// All children of a node, in the order of the text.
pub(crate) fn children<'d>(schema: &Schema, node: &Node<'d>, out: &mut Items<'d>) {
    let Some(object) = node.element() else { return };
    for member in object.members() {
        let key = member.key();
        let (name, is_sibling) = match key.strip_prefix('_') {
            Some(name) => (name, true),
            None => (&*key, false),
        };
        let Some((_, form)) = schema.element_of_key(node.type_id, name) else { continue };
        // A sibling without a value is a child of its own; others belong to their value.
        if is_sibling && object.get(name).is_some() {
            continue;
        }
        let Some(found) = find_form(schema, object, form) else { continue };
        let ended: Result<(), std::convert::Infallible> = found.for_each(schema, |child| {
            out.push(Item::Node(child));
            Ok(())
        });
        match ended {
            Ok(()) => {}
        }
    }
}
