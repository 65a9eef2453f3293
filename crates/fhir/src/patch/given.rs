//! The values that a FHIRPath Patch gives: `value[x]`, a resource, or parts for a type without a
//! name.

use json::{Value, Writer};

use super::Flaw;
use super::place::{Piece, sibling_key};
use crate::path::{ElementId, Form, Kind, Schema, TypeId};

/// A value under a key such as `valueCode`.
pub(super) struct Given<'p> {
    /// What follows `value` in its key: `Code`.
    pub(super) type_name: String,
    pub(super) value: Option<Value<'p>>,
    sibling: Option<Value<'p>>,
}

impl<'p> Given<'p> {
    /// The `value[x]` of a parameter or part.
    pub(super) fn of(part: Value<'p>) -> Option<Given<'p>> {
        let type_name = part.members().find_map(|member| {
            let key = member.key();
            let key = key.strip_prefix('_').unwrap_or(&key);
            Some(key.strip_prefix("value")?.to_owned())
        })?;
        let key = format!("value{type_name}");
        Some(Given { value: part.get(&key), sibling: part.get(&sibling_key(&key)), type_name })
    }
}

/// The element of a type that is named in a patch: `value`, `value[x]`, `valueQuantity`.
pub(super) fn element_named(type_id: TypeId, name: &str, schema: &Schema) -> Option<ElementId> {
    let plain = name.strip_suffix("[x]").unwrap_or(name);
    let by_key = || schema.element_of_key(type_id, name).map(|(element, _)| element);
    schema.element(type_id, plain).or_else(by_key)
}

/// What a part gives for an element.
pub(super) fn piece(part: Value<'_>, element: ElementId, schema: &Schema) -> Result<Piece, Flaw> {
    let forms = schema.forms(element);
    let name = schema.element_name(element);
    if let Some(given) = Given::of(part) {
        let form = form_for(&given.type_name, forms, schema).ok_or_else(|| {
            let allowed: Vec<&str> =
                forms.iter().map(|form| schema.type_name(form.type_id)).collect();
            let allowed = allowed.join(", ");
            Flaw::malformed(format!("{name} takes {allowed}, not value{}", given.type_name))
        })?;
        let json = given.value.map(|value| value.raw().to_vec());
        let sibling = given.sibling.map(|value| value.raw().to_vec());
        return Ok(Piece { key: form.key.to_string(), json, sibling });
    }
    let [form] = forms else {
        let text = format!("{name} can be of several types: give the value as value[x]");
        return Err(Flaw::malformed(text));
    };
    let key = form.key.to_string();
    if let Some(resource) = part.get("resource") {
        if !matches!(schema.kind(form.type_id), Kind::Resource | Kind::AbstractResource) {
            return Err(Flaw::malformed(format!("{name} does not take a resource")));
        }
        return Ok(Piece { key, json: Some(resource.raw().to_vec()), sibling: None });
    }
    let parts = part.get("part").filter(|parts| parts.len() > 0);
    let parts = parts.ok_or_else(|| {
        let text = format!("a value for {name} is missing: give value[x], a resource or parts");
        Flaw::malformed(text)
    })?;
    if !matches!(schema.kind(form.type_id), Kind::Complex | Kind::Quantity) {
        let text = format!("{name} is not made of parts: give the value as value[x]");
        return Err(Flaw::malformed(text));
    }
    Ok(Piece { key, json: Some(object(parts, form.type_id, schema)?), sibling: None })
}

/// The form that takes a type: of a choice the one of that name, else one that can hold it.
fn form_for<'s>(type_name: &str, forms: &'s [Form], schema: &Schema) -> Option<&'s Form> {
    let mut letters = type_name.chars();
    let lower: String = letters.next()?.to_lowercase().chain(letters).collect();
    let given = schema.type_named(type_name).or_else(|| schema.type_named(&lower))?;
    if let [form] = forms {
        let both_primitive = matches!(schema.kind(form.type_id), Kind::Primitive(_))
            && matches!(schema.kind(given), Kind::Primitive(_));
        let related = schema.is_a(given, form.type_id) || schema.is_a(form.type_id, given);
        return (both_primitive || related).then_some(form);
    }
    forms.iter().find(|form| form.type_id == given)
}

/// The object of a type that parts describe; parts of one name make a list.
fn object(parts: Value<'_>, type_id: TypeId, schema: &Schema) -> Result<Vec<u8>, Flaw> {
    let mut elements: Vec<(ElementId, Vec<Piece>)> = Vec::new();
    for part in parts.elements() {
        let Some(name) = part.get("name").and_then(Value::as_str) else {
            return Err(Flaw::malformed("a part of the value has no name"));
        };
        let element = element_named(type_id, &name, schema).ok_or_else(|| {
            let of = schema.type_name(type_id);
            Flaw::malformed(format!("{of} has no element '{name}' here"))
        })?;
        let piece = piece(part, element, schema)?;
        match elements.iter_mut().find(|(known, _)| *known == element) {
            Some((_, pieces)) => pieces.push(piece),
            None => elements.push((element, vec![piece])),
        }
    }
    object_of(&elements, schema)
}

/// The object with these elements, of which a list may have many pieces.
pub(super) fn object_of(
    elements: &[(ElementId, Vec<Piece>)],
    schema: &Schema,
) -> Result<Vec<u8>, Flaw> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.begin_object();
    for (element, pieces) in elements {
        let name = schema.element_name(*element);
        if schema.is_list(*element) {
            write_list(pieces, &mut writer);
        } else if let [piece] = pieces.as_slice() {
            write_one(piece, &mut writer);
        } else {
            let text = format!("{name} stands at most once, not {} times", pieces.len());
            return Err(Flaw::malformed(text));
        }
    }
    writer.end_object();
    Ok(out)
}

fn write_one(piece: &Piece, writer: &mut Writer<'_>) {
    if let Some(json) = &piece.json {
        writer.key(&piece.key).raw(json);
    }
    if let Some(sibling) = &piece.sibling {
        writer.key(&sibling_key(&piece.key)).raw(sibling);
    }
}

fn write_list(pieces: &[Piece], writer: &mut Writer<'_>) {
    // All forms of a list are one, so all keys are the same.
    let Some(first) = pieces.first() else { return };
    let values = pieces.iter().map(|piece| piece.json.as_deref());
    let siblings = pieces.iter().map(|piece| piece.sibling.as_deref());
    write_side(&first.key, values, writer);
    write_side(&sibling_key(&first.key), siblings, writer);
}

fn write_side<'t>(
    key: &str,
    texts: impl Iterator<Item = Option<&'t [u8]>> + Clone,
    writer: &mut Writer<'_>,
) {
    if texts.clone().flatten().next().is_none() {
        return;
    }
    writer.key(key).begin_array();
    for text in texts {
        writer.raw(text.unwrap_or(b"null"));
    }
    writer.end_array();
}
