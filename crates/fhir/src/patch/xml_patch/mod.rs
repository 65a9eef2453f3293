//! <https://www.rfc-editor.org/rfc/rfc5261>: XML Patch.
//!
//! Places are found in the text and the text is changed there; the rest keeps its bytes. What an
//! operation brings is put in as it is written, and declares the prefixes that it takes from the
//! patch around it.

mod select;
mod tree;

use std::ops::Range;

use base::limits::{PATCH_BYTES, PATCH_OPERATIONS};

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
    let operations: Vec<(usize, &Element)> =
        diff.children(0).filter_map(|node| Some((node, diff.element(node)?))).collect();
    if operations.is_empty() {
        return Err(Flaw::malformed("The patch has no operation: add, replace or remove.").whole());
    }
    if operations.len() > PATCH_OPERATIONS {
        let text = format!("At most {PATCH_OPERATIONS} operations are taken at once.");
        return Err(Flaw::too_costly(text).whole());
    }
    let (mut text, mut spent) = (target.to_owned(), 0_usize);
    for (index, operation) in operations.into_iter().enumerate() {
        spent = spent.saturating_add(text.len());
        let changed = if spent > PATCH_BYTES {
            let text = format!("the operations went through more than {PATCH_BYTES} bytes");
            Err(Flaw::too_costly(text))
        } else {
            apply(&text, &diff, operation)
        };
        text = changed.map_err(|flaw| flaw.of(index, None))?;
    }
    Ok(text)
}

fn apply(
    text: &str,
    diff: &Tree<'_>,
    (node, operation): (usize, &Element),
) -> Result<String, Flaw> {
    let name = diff.text(&operation.name);
    let Some(path) = diff.attribute(operation, "sel") else {
        return Err(Flaw::malformed(format!("{name}: the attribute sel is missing")));
    };
    let change = || {
        let target = Tree::read(text)?;
        let found = match select(&target, path)?.as_slice() {
            [found] => *found,
            [] => return Err(Flaw::inapplicable("the path finds nothing")),
            many => {
                let text = format!("the path finds {} places, and one can be meant", many.len());
                return Err(Flaw::inapplicable(text));
            }
        };
        let inner = brought(diff, node, operation);
        match name {
            "add" => add(&target, found, (diff, operation), &inner),
            "replace" => replace(&target, found, &inner),
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
/// declared around them.
fn brought(diff: &Tree<'_>, node: usize, operation: &Element) -> String {
    let root = diff.element(0);
    let around: Vec<_> =
        std::iter::once(operation).chain(root).flat_map(|it| diff.prefixes(it)).collect();
    let (mut text, mut from) = (String::new(), operation.content.start);
    for element in diff.children(node).filter_map(|child| diff.element(child)) {
        text.push_str(diff.text(&(from..element.attributes_end)));
        from = element.attributes_end;
        let written = diff.text(&element.range);
        let mut declared: Vec<&str> = diff.prefixes(element).map(|(prefix, _)| prefix).collect();
        for (prefix, namespace) in &around {
            if written.contains(&format!("{prefix}:")) && !declared.contains(prefix) {
                declared.push(prefix);
                text.push_str(&format!(" xmlns:{prefix}=\"{namespace}\""));
            }
        }
    }
    text.push_str(diff.text(&(from..operation.content.end)));
    text
}

fn add(
    target: &Tree<'_>,
    found: Found,
    (diff, operation): (&Tree<'_>, &Element),
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
fn inside(target: &Tree<'_>, element: &Element, at: usize, inner: &str) -> Change {
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
    Ok(inner.replace('"', "&quot;"))
}
