//! The part of XPath that RFC 5261 uses: steps by name, `*`, `@name`, `text()`, `comment()`, with
//! the predicates `[n]` and `[path='value']`.

use super::tree::{Content, Tree};
use crate::patch::Flaw;

/// A place that a path finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Node(usize),
    /// Of an element, by its place among all attributes.
    Attribute(usize, usize),
}

/// Finds the places of a path that begins at the document.
pub(super) fn select(tree: &Tree<'_>, path: &str) -> Result<Vec<Found>, Flaw> {
    let mut steps = steps(path.strip_prefix('/').unwrap_or(path))?.into_iter();
    let first = steps.next().unwrap_or_default();
    let mut found = filter(tree, &first, vec![Found::Node(0)])?;
    for step in steps {
        found = walk(tree, found, &step)?;
    }
    Ok(found)
}

/// A step with its predicates.
#[derive(Clone, Default)]
struct Step<'p> {
    test: &'p str,
    predicates: Vec<&'p str>,
}

/// Cuts a path at each `/` that is neither in brackets nor in quotes.
fn steps(path: &str) -> Result<Vec<Step<'_>>, Flaw> {
    let (mut depth, mut quote, mut from, mut all) = (0_usize, None, 0, Vec::new());
    for (at, character) in path.char_indices() {
        match (character, quote) {
            (_, Some(open)) if character == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(character),
            ('[', None) => depth += 1,
            (']', None) => depth = depth.saturating_sub(1),
            ('/', None) if depth == 0 => {
                all.push(step(path.get(from..at).unwrap_or_default())?);
                from = at + 1;
            }
            _ => {}
        }
    }
    all.push(step(path.get(from..).unwrap_or_default())?);
    Ok(all)
}

fn step(text: &str) -> Result<Step<'_>, Flaw> {
    let wrong = || Flaw::malformed(format!("'{text}' is not a step of a path that is known here"));
    let (test, mut rest) = text.split_at(text.find('[').unwrap_or(text.len()));
    let mut predicates = Vec::new();
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').ok_or_else(wrong)?;
        let (predicate, behind) = inner.split_once(']').ok_or_else(wrong)?;
        predicates.push(predicate.trim());
        rest = behind;
    }
    let is_name = |name: &str| {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        !name.is_empty() && name.bytes().all(part)
    };
    let test = test.trim();
    let known = matches!(test, "*" | "text()" | "comment()")
        || is_name(test.strip_prefix('@').unwrap_or(test));
    if known { Ok(Step { test, predicates }) } else { Err(wrong()) }
}

/// One step further from all places.
fn walk(tree: &Tree<'_>, from: Vec<Found>, step: &Step<'_>) -> Result<Vec<Found>, Flaw> {
    let mut found = Vec::new();
    for place in from {
        let Found::Node(node) = place else { continue };
        let Some(element) = tree.element(node) else { continue };
        let next = match step.test.strip_prefix('@') {
            Some(name) => {
                let attribute = tree.attribute_place(element, name);
                attribute.map(|attribute| Found::Attribute(node, attribute)).into_iter().collect()
            }
            None => tree.children(node).map(Found::Node).collect(),
        };
        found.extend(filter(tree, step, next)?);
    }
    Ok(found)
}

/// Those that pass a step's test and predicates.
fn filter(tree: &Tree<'_>, step: &Step<'_>, places: Vec<Found>) -> Result<Vec<Found>, Flaw> {
    let mut places: Vec<Found> =
        places.into_iter().filter(|place| is_what(tree, *place, step.test)).collect();
    for predicate in &step.predicates {
        if let Ok(number) = predicate.parse::<usize>() {
            let chosen = number.checked_sub(1).and_then(|index| places.get(index)).copied();
            places = chosen.into_iter().collect();
            continue;
        }
        let wrong = || Flaw::malformed(format!("[{predicate}] is not [number] or [path='value']"));
        let (path, literal) = predicate.split_once('=').ok_or_else(wrong)?;
        let literal = literal.trim();
        let quoted = ['"', '\'']
            .into_iter()
            .find_map(|quote| literal.strip_prefix(quote)?.strip_suffix(quote));
        let quoted = quoted.ok_or_else(wrong)?;
        let steps = steps(path.trim())?;
        let mut kept = Vec::new();
        for place in places {
            let mut reached = vec![place];
            for step in &steps {
                reached = walk(tree, reached, step)?;
            }
            if reached.iter().any(|place| text(tree, *place) == quoted) {
                kept.push(place);
            }
        }
        places = kept;
    }
    Ok(places)
}

fn is_what(tree: &Tree<'_>, place: Found, test: &str) -> bool {
    let node = match place {
        Found::Node(node) => node,
        Found::Attribute(..) => return true,
    };
    match (test, tree.content(node)) {
        ("text()", content) => content == Content::Text,
        ("comment()", content) => content == Content::Comment,
        ("*", content) => content == Content::Element,
        (name, Content::Element) => tree.element(node).is_some_and(|element| {
            // Without a prefix, and with `f`, the namespace of FHIR is meant.
            let name = name.strip_prefix("f:").unwrap_or(name);
            let (own, written) = (tree.text(&element.name), tree.text(&element.name_written));
            match name.contains(':') {
                true => written == name,
                false => own == name && element.namespace == crate::xml::NAMESPACE,
            }
        }),
        (_, Content::Text | Content::Comment) => false,
    }
}

/// The text of a place, as written.
fn text<'x>(tree: &Tree<'x>, place: Found) -> &'x str {
    match place {
        Found::Attribute(_, attribute) => {
            tree.attributes.get(attribute).map_or("", |attribute| tree.text(&attribute.value))
        }
        Found::Node(node) => match tree.element(node) {
            Some(element) => tree.inner(element),
            None => tree.text(&tree.range(node)),
        },
    }
}
