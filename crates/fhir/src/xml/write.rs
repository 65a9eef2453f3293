//! JSON to XML.

use std::borrow::Cow;

use json::{Kind, Value};
use smallvec::SmallVec;

use super::error::Unwritable;
use super::{DECLARATION, NAMESPACE, characters, narrative};
use crate::definitions::{Child, Definitions, Primitive, Type, TypeKind};

/// Writes a document.
pub(super) fn document(
    definitions: &Definitions,
    resource: Value<'_>,
    pretty: bool,
    out: &mut Vec<u8>,
) -> Result<(), Unwritable> {
    out.extend_from_slice(DECLARATION);
    let mut write = Write { definitions, pretty, depth: 0, out };
    write.resource(resource, true).map_err(Refusal::located)
}

/// What cannot be written, and in which element, the innermost first.
struct Refusal {
    reason: String,
    path: Vec<String>,
}

impl Refusal {
    #[cold]
    fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), path: Vec::new() }
    }

    #[cold]
    fn inside(mut self, name: &str, index: Option<usize>) -> Self {
        self.path.push(index.map_or_else(|| name.to_owned(), |index| format!("{name}[{index}]")));
        self
    }

    fn located(self) -> Unwritable {
        let path = self.path.into_iter().rev().collect::<Vec<_>>().join(".");
        Unwritable { path, reason: self.reason }
    }
}

/// A member, with what stands beside it under `_name`.
struct Item<'a, 'd> {
    name: Cow<'d, str>,
    child: Child<'a>,
    value: Option<Value<'d>>,
    sibling: Option<Value<'d>>,
}

type Items<'a, 'd> = SmallVec<[Item<'a, 'd>; 8]>;

struct Write<'a, 'o> {
    definitions: &'a Definitions,
    pretty: bool,
    depth: usize,
    out: &'o mut Vec<u8>,
}

impl<'a> Write<'a, '_> {
    /// A resource, as an element of the name of its type.
    fn resource(&mut self, resource: Value<'_>, is_root: bool) -> Result<(), Refusal> {
        let name = resource.get("resourceType").and_then(Value::as_str);
        let name = name.ok_or_else(|| Refusal::because("a resource has a resourceType"))?;
        let ty = self.definitions.type_named(&name).map(|id| self.definitions.ty(id));
        let ty = ty.filter(|ty| ty.kind() == TypeKind::Resource && !ty.is_abstract());
        let ty =
            ty.ok_or_else(|| Refusal::because(format!("there is no resource type '{name}'")))?;
        self.open(&name);
        if is_root {
            self.out.extend_from_slice(b" xmlns=\"");
            self.out.extend_from_slice(NAMESPACE.as_bytes());
            self.out.push(b'"');
        }
        self.content(ty, &name, None, Some(resource)).map_err(|refusal| refusal.inside(&name, None))
    }

    /// Begins a start tag, on a line of its own when that is wanted.
    fn open(&mut self, name: &str) {
        self.line();
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
    }

    fn line(&mut self) {
        if self.pretty {
            self.out.push(b'\n');
            self.out.extend(std::iter::repeat_n(b' ', 2 * self.depth));
        }
    }

    /// The rest of a start tag and what follows up to the end tag: the value of a primitive, and
    /// what the members of an object make.
    fn content(
        &mut self,
        ty: Type<'a>,
        name: &str,
        value: Option<Value<'_>>,
        object: Option<Value<'_>>,
    ) -> Result<(), Refusal> {
        let items = object.map_or_else(|| Ok(Items::new()), |object| items(ty, object))?;
        let inside = items.iter().filter(|item| !item.child.element.is_xml_attribute()).count();
        for item in items.iter().filter(|item| item.child.element.is_xml_attribute()) {
            self.attribute(&item.name, item.value)
                .map_err(|refusal| refusal.inside(&item.name, None))?;
        }
        if let Some(value) = value {
            self.attribute("value", Some(value))?;
        }
        if inside == 0 {
            self.out.extend_from_slice(b"/>");
            return Ok(());
        }
        self.out.push(b'>');
        self.depth += 1;
        for item in items.iter().filter(|item| !item.child.element.is_xml_attribute()) {
            self.item(item)?;
        }
        self.depth -= 1;
        self.close(name);
        Ok(())
    }

    fn close(&mut self, name: &str) {
        self.line();
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    /// A name, the text of a value.
    fn attribute(&mut self, name: &str, value: Option<Value<'_>>) -> Result<(), Refusal> {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
        match value.map(|value| (value, value.kind())) {
            Some((value, Kind::String)) => {
                let text = value.as_str().unwrap_or_default();
                allowed(&text)?;
                characters::write_value(self.out, &text);
            }
            Some((value, Kind::Number | Kind::Bool)) => self.out.extend_from_slice(value.raw()),
            Some((_, Kind::Null | Kind::Array | Kind::Object)) | None => {
                return Err(Refusal::because("a primitive value is expected"));
            }
        }
        self.out.push(b'"');
        Ok(())
    }

    /// One member: an element, or one for each element of an array.
    fn item(&mut self, item: &Item<'a, '_>) -> Result<(), Refusal> {
        let ty = self.definitions.ty(item.child.ty);
        let name = &*item.name;
        if !item.child.many {
            let written = self.element(ty, name, item.value, item.sibling);
            return written.map_err(|refusal| refusal.inside(name, None));
        }
        let is_array = |value: &Value<'_>| value.kind() == Kind::Array;
        if ![item.value, item.sibling].iter().flatten().all(is_array) {
            return Err(Refusal::because("an array is expected").inside(name, None));
        }
        let mut values = item.value.into_iter().flat_map(Value::elements);
        let mut siblings = item.sibling.into_iter().flat_map(Value::elements);
        for index in 0.. {
            let (value, sibling) = (values.next(), siblings.next());
            if value.is_none() && sibling.is_none() {
                break;
            }
            let some = |value: &Value<'_>| value.kind() != Kind::Null;
            self.element(ty, name, value.filter(some), sibling.filter(some))
                .map_err(|refusal| refusal.inside(name, Some(index)))?;
        }
        Ok(())
    }

    /// One element.
    fn element(
        &mut self,
        ty: Type<'a>,
        name: &str,
        value: Option<Value<'_>>,
        sibling: Option<Value<'_>>,
    ) -> Result<(), Refusal> {
        match (ty.primitive(), value) {
            (Some(Primitive::Xhtml), Some(value)) => {
                let text = value.as_str();
                let text = text.ok_or_else(|| Refusal::because("a string is expected"))?;
                allowed(&text)?;
                self.line();
                narrative::write(self.out, &text);
                Ok(())
            }
            (Some(_), value) => {
                self.open(name);
                self.content(ty, name, value, sibling)
            }
            (None, Some(value)) if ty.kind() == TypeKind::Resource => {
                self.open(name);
                self.out.push(b'>');
                self.depth += 1;
                self.resource(value, false)?;
                self.depth -= 1;
                self.close(name);
                Ok(())
            }
            (None, value) => {
                self.open(name);
                let value = value.ok_or_else(|| Refusal::because("an object is expected"))?;
                self.content(ty, name, None, Some(value))
            }
        }
    }
}

/// The members of an object in the order of XML.
fn items<'a, 'd>(ty: Type<'a>, object: Value<'d>) -> Result<Items<'a, 'd>, Refusal> {
    if object.kind() != Kind::Object {
        return Err(Refusal::because("an object is expected"));
    }
    let mut items = Items::new();
    let mut has_siblings = false;
    for member in object.members() {
        let (key, value) = (member.key(), member.value());
        if key == "resourceType" && ty.kind() == TypeKind::Resource {
            continue;
        }
        let Some(child) = ty.child(&key).filter(|child| child.named_type) else {
            return Err(
                Refusal::because(format!("{} has no such element", ty.name())).inside(&key, None)
            );
        };
        let is_sibling = key.starts_with('_');
        let name = if is_sibling { without_underscore(key) } else { key };
        let beside =
            items.iter_mut().find(|item| (is_sibling || has_siblings) && item.name == name);
        has_siblings |= is_sibling;
        let (value, sibling) = if is_sibling { (None, Some(value)) } else { (Some(value), None) };
        match beside {
            Some(item) => {
                item.value = item.value.or(value);
                item.sibling = item.sibling.or(sibling);
            }
            None => items.push(Item { name, child, value, sibling }),
        }
    }
    if !items.is_sorted_by_key(|item| item.child.element.order()) {
        items.sort_by_key(|item| item.child.element.order());
    }
    Ok(items)
}

fn without_underscore(key: Cow<'_, str>) -> Cow<'_, str> {
    match key {
        Cow::Borrowed(key) => Cow::Borrowed(key.strip_prefix('_').unwrap_or(key)),
        Cow::Owned(key) => Cow::Owned(key.replacen('_', "", 1)),
    }
}

/// Refuses the characters that XML cannot hold.
fn allowed(text: &str) -> Result<(), Refusal> {
    let Some((_, found)) = characters::forbidden(text) else { return Ok(()) };
    let code = u32::from(found);
    Err(Refusal::because(format!("XML does not allow the character U+{code:04X}")))
}
