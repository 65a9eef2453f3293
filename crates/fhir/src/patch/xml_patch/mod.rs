//! <https://www.rfc-editor.org/rfc/rfc5261>: XML Patch.
//!
//! Places are found in the text and the text is changed there; the rest keeps its bytes. What an
//! operation brings is put in as it is written, and declares the prefixes that it takes from the
//! patch around it.

mod select;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::Range;

use base::limits::{BODY_BYTES, PATCH_BYTES, PATCH_OPERATIONS};

use super::{Error, Flaw};
use select::{Found, select};
use tree::{Content, Element, Tree};

/// Applies an XML Patch document to the text of a document. The result is well-formed; whether it
/// is a resource is not looked at.
///
/// # Errors
/// The first operation that is wrong or cannot be applied, or a limit.
pub fn xml_patch(target: &str, patch: &str) -> Result<String, Error> {
    let diff = Tree::read(patch).map_err(|flaw| flaw.prefixed("the patch").whole())?;
    let operations: Vec<(usize, &Element<'_>)> =
        diff.children(0).filter_map(|node| Some((node, diff.element(node)?))).collect();
    if operations.is_empty() {
        return Err(Flaw::malformed("The patch has no operation: add, replace or remove.").whole());
    }
    if operations.len() > PATCH_OPERATIONS {
        let text = format!("At most {PATCH_OPERATIONS} operations are taken at once.");
        return Err(Flaw::too_costly(text).whole());
    }
    let (mut text, mut spent) = (target.to_owned(), 0);
    for (index, operation) in operations.into_iter().enumerate() {
        let changed = spend(&mut spent, text.len())
            .and_then(|()| apply(&text, &diff, operation, &mut spent))
            .and_then(|changed| fits(changed, text.len()));
        text = changed.map_err(|flaw| flaw.of(index, None))?;
    }
    Ok(text)
}

/// Counts bytes that the operations go through.
fn spend(spent: &mut usize, bytes: usize) -> Result<(), Flaw> {
    *spent = spent.saturating_add(bytes);
    if *spent > PATCH_BYTES {
        let text = format!("the operations went through more than {PATCH_BYTES} bytes");
        return Err(Flaw::too_costly(text));
    }
    Ok(())
}

/// A text that has grown past what is read as a resource is refused.
fn fits(text: String, before: usize) -> Result<String, Flaw> {
    if text.len() > BODY_BYTES.max(before) {
        let message = format!("the resource would have more than {BODY_BYTES} bytes");
        return Err(Flaw::too_costly(message));
    }
    Ok(text)
}

fn apply(
    text: &str,
    diff: &Tree<'_>,
    (node, operation): (usize, &Element<'_>),
    spent: &mut usize,
) -> Result<String, Flaw> {
    let name = diff.text(&operation.name);
    let Some(path) = diff.attribute(operation, "sel") else {
        return Err(Flaw::malformed(format!("{name}: the attribute sel is missing")));
    };
    let mut change = || {
        let target = Tree::read(text)?;
        let found = match select(&target, path)?.as_slice() {
            [found] => *found,
            [] => return Err(Flaw::inapplicable("the path finds nothing")),
            many => {
                let text = format!("the path finds {} places, and one can be meant", many.len());
                return Err(Flaw::inapplicable(text));
            }
        };
        let mut inner = || brought(diff, node, operation, spent);
        match name {
            "add" => add(&target, found, (diff, operation), &inner()?),
            "replace" => replace(&target, found, &inner()?),
            "remove" => remove(&target, found),
            _ => Err(Flaw::malformed("that is no operation: add, replace, remove")),
        }
    };
    let (range, put) = change().map_err(|flaw| flaw.prefixed(&format!("{name} {path}")))?;
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    Ok([before.unwrap_or_default(), &put, after.unwrap_or_default()].concat())
}

/// A range of the text and what stands there instead.
type Change = (Range<usize>, String);

/// What is between the tags of an operation; its elements declare the prefixes in them that are
/// declared around them. It is counted while it is made.
fn brought(
    diff: &Tree<'_>,
    node: usize,
    operation: &Element<'_>,
    spent: &mut usize,
) -> Result<String, Flaw> {
    let around: Vec<_> = std::iter::once(operation)
        .chain(diff.element(0))
        .flat_map(|it| diff.prefixes(it))
        .collect();
    spend(spent, operation.content.len())?;
    let (mut text, mut from) = (String::new(), operation.content.start);
    for (child, element) in diff.children(node).filter_map(|it| Some((it, diff.element(it)?))) {
        text.push_str(diff.text(&(from..element.attributes_end)));
        from = element.attributes_end;
        let declared: Vec<&str> = diff.prefixes(element).map(|(prefix, _)| prefix).collect();
        for (prefix, namespace) in used(diff, child, &around) {
            if !declared.contains(&prefix) {
                let declaration = declaration(prefix, namespace);
                spend(spent, declaration.len())?;
                text.push_str(&declaration);
            }
        }
        text = fits(text, 0)?;
    }
    text.push_str(diff.text(&(from..operation.content.end)));
    Ok(text)
}

/// The declarations that the names in an element need, the innermost for each prefix.
fn used<'x>(
    diff: &Tree<'x>,
    node: usize,
    around: &[(&'x str, &'x str)],
) -> Vec<(&'x str, &'x str)> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for prefix in diff.prefixes_in(node) {
        let known = around.iter().find(|(known, _)| *known == prefix);
        all.extend(known.filter(|_| all.iter().all(|(known, _)| *known != prefix)));
    }
    all
}

fn declaration(prefix: &str, namespace: &str) -> String {
    format!(" xmlns:{prefix}=\"{}\"", namespace.replace('"', "&quot;"))
}

fn add(
    target: &Tree<'_>,
    found: Found,
    (diff, operation): (&Tree<'_>, &Element<'_>),
    inner: &str,
) -> Result<Change, Flaw> {
    let Found::Node(node) = found else {
        return Err(Flaw::inapplicable("an attribute has nothing inside it"));
    };
    let range = target.range(node);
    match (diff.attribute(operation, "type"), diff.attribute(operation, "pos")) {
        (None, Some("before")) => return Ok((range.start..range.start, inner.to_owned())),
        (None, Some("after")) => return Ok((range.end..range.end, inner.to_owned())),
        _ => {}
    }
    let element = target.element(node);
    let element = element.ok_or_else(|| Flaw::inapplicable("that is not an element"))?;
    match (diff.attribute(operation, "type"), diff.attribute(operation, "pos")) {
        (None, None) => Ok(inside(target, element, element.content.end, inner)),
        (None, Some("prepend")) => Ok(inside(target, element, element.content.start, inner)),
        (Some(kind), None) => {
            let name = match (kind.strip_prefix('@'), kind.strip_prefix("namespace::")) {
                (Some(name), _) => name.to_owned(),
                (_, Some(prefix)) => format!("xmlns:{prefix}"),
                _ => return Err(Flaw::malformed("type is @NAME or namespace::PREFIX")),
            };
            if target.attribute(element, &name).is_some() {
                return Err(Flaw::inapplicable(format!("there is a {name} already; use replace")));
            }
            let value = value(inner)?;
            Ok((element.attributes_end..element.attributes_end, format!(" {name}=\"{value}\"")))
        }
        _ => Err(Flaw::malformed("pos is before, after or prepend, and never with type")),
    }
}

/// Content put into an element, which `<a/>` has to be opened for.
fn inside(target: &Tree<'_>, element: &Element<'_>, at: usize, inner: &str) -> Change {
    if !element.is_closed {
        return (at..at, inner.to_owned());
    }
    let name = target.text(&element.name_written);
    (element.attributes_end..element.range.end, format!(">{inner}</{name}>"))
}

fn replace(target: &Tree<'_>, found: Found, inner: &str) -> Result<Change, Flaw> {
    match found {
        Found::Attribute(_, attribute) => Ok((target.attribute_at(attribute).1, value(inner)?)),
        Found::Node(node) => {
            let inner = match target.content(node) {
                Content::Text => inner,
                Content::Element | Content::Comment => inner.trim(),
            };
            Ok((target.range(node), inner.to_owned()))
        }
    }
}

fn remove(target: &Tree<'_>, found: Found) -> Result<Change, Flaw> {
    match found {
        Found::Attribute(_, attribute) => Ok((target.attribute_at(attribute).0, String::new())),
        Found::Node(0) => Err(Flaw::inapplicable("the resource itself cannot be removed")),
        Found::Node(node) => Ok((target.range(node), String::new())),
    }
}

/// Text as the value of an attribute.
fn value(inner: &str) -> Result<String, Flaw> {
    if inner.contains('<') {
        return Err(Flaw::malformed("the value of an attribute is text"));
    }
    Ok(inner.replace('"', "&quot;").replace('\'', "&apos;"))
}
