//! <https://hl7.org/fhir/R4/search.html#token>

use std::borrow::Cow;

use json::{Kind as Json, Value as Element};

use super::super::shape::Shape;
use super::super::value::{Text, Token};
use super::{member, text};

/// The tokens of an element.
pub(super) fn tokens<'d>(shape: Shape, element: Element<'d>, give: &mut dyn FnMut(Token<'d>)) {
    match shape {
        Shape::CodeableConcept => concept(element, give),
        Shape::Coding => coding(element).into_iter().for_each(give),
        Shape::Identifier => identifier(element).into_iter().for_each(give),
        Shape::ContactPoint => contact_point(element, give),
        _ => primitive(element).into_iter().for_each(give),
    }
}

/// A boolean, number or text: a code whose system is implied.
fn primitive(element: Element<'_>) -> Option<Token<'_>> {
    let code = match element.kind() {
        Json::String => text(element)?,
        Json::Bool | Json::Number => Cow::Borrowed(element.raw_str()),
        Json::Null | Json::Array | Json::Object => return None,
    };
    Some(Token { code: Some(code), ..Token::default() })
}

/// Each Coding, and the text that is about all of them.
fn concept<'d>(element: Element<'d>, give: &mut dyn FnMut(Token<'d>)) {
    for member in element.members() {
        if member.is("coding") {
            member.value().elements().filter_map(coding).for_each(&mut *give);
        } else if member.is("text")
            && let text @ Some(_) = text(member.value())
        {
            give(Token { text, ..Token::default() });
        }
    }
}

fn coding(element: Element<'_>) -> Option<Token<'_>> {
    let mut token = Token::default();
    for member in element.members() {
        if member.is("system") {
            token.system = text(member.value());
        } else if member.is("code") {
            token.code = text(member.value());
        } else if member.is("display") {
            token.text = text(member.value());
        }
    }
    (token.system.is_some() || token.code.is_some() || token.text.is_some()).then_some(token)
}

fn identifier(element: Element<'_>) -> Option<Token<'_>> {
    let mut token = Token::default();
    for member in element.members() {
        if member.is("system") {
            token.system = text(member.value());
        } else if member.is("value") {
            token.code = text(member.value());
        } else if member.is("type") {
            token.text = super::member(member.value(), "text");
            token.types = types(member.value());
        }
    }
    (token.system.is_some() || token.code.is_some()).then_some(token)
}

/// The codings of an Identifier's type.
fn types(concept: Element<'_>) -> Box<[(Option<Text<'_>>, Text<'_>)]> {
    let codings = concept.get("coding").into_iter().flat_map(Element::elements);
    codings.filter_map(|coding| Some((member(coding, "system"), member(coding, "code")?))).collect()
}

/// R4 gives a ContactPoint its `use` for a system; clients of other servers ask for its `system`.
/// Both find it.
fn contact_point<'d>(element: Element<'d>, give: &mut dyn FnMut(Token<'d>)) {
    let Some(code) = member(element, "value") else { return };
    let systems = [member(element, "use"), member(element, "system")];
    let mut token = Token { code: Some(code), ..Token::default() };
    if systems.iter().all(Option::is_none) {
        return give(token);
    }
    for system in systems.into_iter().flatten() {
        token.system = Some(system);
        give(token.clone());
    }
}
