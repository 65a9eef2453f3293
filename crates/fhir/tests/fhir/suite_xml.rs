//! The XML of suites: elements with texts, and resources as JSON.

use std::collections::BTreeMap;

use fhir::path::{Kind, Primitive, Schema, TypeId};
use json::Writer;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element of a small document.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Element>,
    pub(crate) text: String,
    /// Its markup, where that is XHTML.
    raw: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub(crate) fn children(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(crate) fn first(&self) -> Option<&Element> {
        self.children.first()
    }
}

/// Reads a document.
pub(crate) fn read_element(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        let start = reader.buffer_position();
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => {
                let mut element = element(&tag)?;
                if element.name == "div" {
                    reader.read_to_end(tag.name()).map_err(|error| error.to_string())?;
                    let place = |at: u64| usize::try_from(at).map_err(|error| error.to_string());
                    let (from, to) = (place(start)?, place(reader.buffer_position())?);
                    element.raw = text[from..to].to_owned();
                    open.last_mut().ok_or("no parent")?.children.push(element);
                } else {
                    open.push(element);
                }
            }
            Event::Empty(tag) => open.last_mut().ok_or("no parent")?.children.push(element(&tag)?),
            Event::End(_) => {
                let element = open.pop().ok_or("an end without a start")?;
                open.last_mut().ok_or("no parent")?.children.push(element);
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|error| error.to_string())?;
                open.last_mut().ok_or("no parent")?.text.push_str(&text);
            }
            Event::GeneralRef(name) => {
                let name = name.decode().map_err(|error| error.to_string())?.into_owned();
                let text = quick_xml::escape::unescape(&format!("&{name};"))
                    .map_err(|error| error.to_string())?
                    .into_owned();
                open.last_mut().ok_or("no parent")?.text.push_str(&text);
            }
            Event::Eof => {
                return open.pop().and_then(|mut all| all.children.pop()).ok_or("empty".into());
            }
            _ => {}
        }
    }
}

fn element(tag: &BytesStart<'_>) -> Result<Element, String> {
    let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
    let mut attributes = BTreeMap::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        let value = String::from_utf8_lossy(&attribute.value).into_owned();
        let value = quick_xml::escape::unescape(&value).map_err(|error| error.to_string())?;
        attributes.insert(key, value.into_owned());
    }
    Ok(Element { name, attributes, ..Element::default() })
}

/// A resource as JSON.
pub(crate) fn to_json(text: &str, schema: &Schema) -> Result<Vec<u8>, String> {
    element_to_json(&read_element(text)?, schema)
}

/// A resource that is part of a document as JSON.
pub(crate) fn element_to_json(element: &Element, schema: &Schema) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    resource(element, schema, &mut Writer::new(&mut out))?;
    Ok(out)
}

fn resource(element: &Element, schema: &Schema, writer: &mut Writer<'_>) -> Result<(), String> {
    let name = &element.name;
    let type_id = schema.type_named(name).ok_or_else(|| format!("no type {name}"))?;
    writer.begin_object().key("resourceType").string(name);
    members(element, type_id, schema, writer)?;
    writer.end_object();
    Ok(())
}

fn members(
    element: &Element,
    type_id: TypeId,
    schema: &Schema,
    writer: &mut Writer<'_>,
) -> Result<(), String> {
    for key in ["id", "url"] {
        if let Some(value) = element.attribute(key) {
            writer.key(key).string(value);
        }
    }
    let mut done: Vec<&str> = Vec::new();
    for child in &element.children {
        if done.contains(&child.name.as_str()) {
            continue;
        }
        done.push(&child.name);
        let found = schema.element_of_key(type_id, &child.name);
        let (id, form) = found.ok_or_else(|| format!("no element {}", child.name))?;
        let all: Vec<&Element> = element.children(&child.name).collect();
        let shape = Shape { name: &child.name, list: schema.is_list(id), type_id: form.type_id };
        member(&shape, &all, schema, writer)?;
    }
    Ok(())
}

/// How an element stands in JSON.
struct Shape<'n> {
    name: &'n str,
    list: bool,
    type_id: TypeId,
}

fn member(
    shape: &Shape<'_>,
    all: &[&Element],
    schema: &Schema,
    writer: &mut Writer<'_>,
) -> Result<(), String> {
    let Shape { name, list, type_id } = *shape;
    let Kind::Primitive(primitive) = schema.kind(type_id) else {
        return many(name, all, list, writer, |element, writer| {
            if schema.kind(type_id) == Kind::AbstractResource {
                let inner = element.children.first().ok_or("an empty container")?;
                return resource(inner, schema, writer);
            }
            writer.begin_object();
            members(element, type_id, schema, writer)?;
            writer.end_object();
            Ok(())
        });
    };
    if all.iter().any(|e| e.attribute("value").is_some() || !e.raw.is_empty()) {
        many(name, all, list, writer, |element, writer| {
            scalar(element, primitive, writer);
            Ok(())
        })?;
    }
    if all.iter().any(|e| !e.children.is_empty() || e.attribute("id").is_some()) {
        many(&format!("_{name}"), all, list, writer, |element, writer| {
            writer.begin_object();
            members(element, type_id, schema, writer)?;
            writer.end_object();
            Ok(())
        })?;
    }
    Ok(())
}

fn many(
    key: &str,
    all: &[&Element],
    list: bool,
    writer: &mut Writer<'_>,
    mut each: impl FnMut(&Element, &mut Writer<'_>) -> Result<(), String>,
) -> Result<(), String> {
    writer.key(key);
    if list {
        writer.begin_array();
    }
    for element in all {
        each(element, writer)?;
    }
    if list {
        writer.end_array();
    }
    Ok(())
}

fn scalar(element: &Element, primitive: Primitive, writer: &mut Writer<'_>) {
    match (element.attribute("value"), primitive) {
        (None, _) if element.raw.is_empty() => writer.null(),
        (None, _) => writer.string(&element.raw),
        (Some(value), Primitive::Boolean) => writer.bool(value == "true"),
        (Some(value), Primitive::Integer | Primitive::Decimal) => writer.number_text(value),
        (Some(value), _) => writer.string(value),
    };
}
