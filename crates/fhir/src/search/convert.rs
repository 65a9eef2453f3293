//! <https://hl7.org/fhir/R4/search.html#ptypes>: from an element to the values that each type of
//! search finds in it. To add a data type: a [`Shape`], its arms here.

mod moment;
mod quantity;
mod token;

use std::borrow::Cow;

use json::{Kind as Json, Value as Element};

use super::shape::Shape;
use super::value::{Bounds, Position, Reference, Text, Uri, Value};
use crate::definitions::SearchKind;
use crate::value::{Canonical, Zone};

/// Gives every value that a search of type `kind` finds in `element`.
pub(crate) fn convert<'d>(
    kind: SearchKind,
    shape: Shape,
    element: Element<'d>,
    zone: Zone,
    give: &mut dyn FnMut(Value<'d>),
) {
    match kind {
        SearchKind::Token => token::tokens(shape, element, &mut |token| give(Value::Token(token))),
        SearchKind::String => strings(shape, element, give),
        SearchKind::Date => {
            if let Some(interval) = moment::interval(shape, element, zone) {
                give(Value::Date(interval));
            }
        }
        SearchKind::Reference => {
            if let Some(reference) = reference(shape, element) {
                give(Value::Reference(reference));
            }
        }
        SearchKind::Number => {
            if let Some(bounds) = quantity::bounds(shape, element) {
                give(Value::Number(bounds));
            }
        }
        SearchKind::Quantity => {
            if let Some(quantity) = quantity::quantity(shape, element) {
                give(Value::Quantity(quantity));
            }
        }
        SearchKind::Uri => {
            if let Some(text) = text(element) {
                give(Value::Uri(uri(shape, text)));
            }
        }
        SearchKind::Special => {
            if let Some(position) = position(element) {
                give(Value::Position(position));
            }
        }
        SearchKind::Composite | SearchKind::Resource => {}
    }
}

/// A string that is not empty.
fn text(element: Element<'_>) -> Option<Text<'_>> {
    element.as_str().filter(|text| !text.is_empty())
}

fn member<'d>(element: Element<'d>, key: &str) -> Option<Text<'d>> {
    element.get(key).and_then(text)
}

/// The strings among the members of an object that `is_part` names, lists included.
fn parts<'d>(element: Element<'d>, keys: &[&str], give: &mut dyn FnMut(Value<'d>)) {
    for member in element.members() {
        if !keys.iter().any(|key| member.is(key)) {
            continue;
        }
        match member.value().kind() {
            Json::Array => {
                member.value().elements().filter_map(text).for_each(|t| give(Value::String(t)));
            }
            _ => text(member.value()).into_iter().for_each(|t| give(Value::String(t))),
        }
    }
}

/// <https://hl7.org/fhir/R4/search.html#string>: of a name or an address any of its parts.
fn strings<'d>(shape: Shape, element: Element<'d>, give: &mut dyn FnMut(Value<'d>)) {
    match shape {
        Shape::HumanName => {
            parts(element, &["text", "family", "given", "prefix", "suffix"], give);
        }
        Shape::Address => {
            const PARTS: &[&str] =
                &["text", "line", "city", "district", "state", "postalCode", "country"];
            parts(element, PARTS, give);
        }
        Shape::CodeableConcept => {
            parts(element, &["text"], give);
            let codings = element.get("coding").into_iter().flat_map(Element::elements);
            codings.for_each(|coding| parts(coding, &["display"], give));
        }
        Shape::Coding => parts(element, &["display"], give),
        Shape::ContactPoint => parts(element, &["value"], give),
        Shape::Annotation => parts(element, &["text"], give),
        _ => text(element).into_iter().for_each(|text| give(Value::String(text))),
    }
}

/// <https://hl7.org/fhir/R4/search.html#reference>
fn reference<'d>(shape: Shape, element: Element<'d>) -> Option<Reference<'d>> {
    match shape {
        Shape::Reference => {
            let mut found = Reference::default();
            for member in element.members() {
                if member.is("reference") {
                    found.text = text(member.value());
                } else if member.is("type") {
                    found.type_name = text(member.value());
                } else if member.is("identifier") {
                    let identifier = member.value();
                    let parts =
                        (self::member(identifier, "system"), self::member(identifier, "value"));
                    found.identifier = (parts.0.is_some() || parts.1.is_some()).then_some(parts);
                }
            }
            (found.text.is_some() || found.identifier.is_some()).then_some(found)
        }
        Shape::Resource => {
            let (name, id) = (member(element, "resourceType")?, member(element, "id")?);
            let text = Some(Cow::Owned(format!("{name}/{id}")));
            Some(Reference { text, ..Reference::default() })
        }
        _ => {
            let text = Some(text(element)?);
            Some(Reference { text, is_canonical: true, ..Reference::default() })
        }
    }
}

/// <https://hl7.org/fhir/R4/search.html#uri>
fn uri(shape: Shape, text: Text<'_>) -> Uri<'_> {
    if shape != Shape::Canonical || !text.contains('|') {
        return Uri { url: text, version: None };
    }
    match text {
        Cow::Borrowed(text) => {
            let Canonical { url, version, .. } = Canonical::parse(text);
            Uri { url: Cow::Borrowed(url), version: version.map(Cow::Borrowed) }
        }
        Cow::Owned(text) => {
            let Canonical { url, version, .. } = Canonical::parse(&text);
            let version = version.map(|version| Cow::Owned(version.to_owned()));
            Uri { url: Cow::Owned(url.to_owned()), version }
        }
    }
}

/// <https://hl7.org/fhir/R4/search.html#special>
fn position(element: Element<'_>) -> Option<Position<'_>> {
    let latitude = element.get("latitude")?.as_number()?;
    let longitude = element.get("longitude")?.as_number()?;
    Some(Position { latitude, longitude })
}

/// A number as written.
fn number(element: Element<'_>) -> Option<Bounds<'_>> {
    element.as_number().map(Bounds::exactly)
}
