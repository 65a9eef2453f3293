//! Where the elements, attributes, texts and comments of a document stand.

use std::ops::Range;

use base::limits::{JSON_DEPTH, JSON_NODES, PATCH_NAMESPACES};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::patch::Flaw;

/// The namespace of resources, which the prefix `f` stands for everywhere.
const FHIR: &str = "http://hl7.org/fhir";

/// A document: node 0 is its root element.
pub(super) struct Tree<'x> {
    source: &'x str,
    nodes: Vec<Node<'x>>,
    pub(super) attributes: Vec<Attribute>,
    /// The declarations that hold where the reading is.
    declared: Vec<Declaration<'x>>,
}

/// A namespace, how deep it is declared, and for which prefix; none is the empty one.
struct Declaration<'x> {
    depth: usize,
    prefix: &'x str,
    namespace: &'x str,
}

struct Node<'x> {
    range: Range<usize>,
    kind: NodeKind<'x>,
    children: Vec<usize>,
}

enum NodeKind<'x> {
    Element(Element<'x>),
    Text,
    Comment,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Element,
    Text,
    Comment,
}

pub(super) struct Element<'x> {
    /// Without its prefix.
    pub(super) name: Range<usize>,
    pub(super) name_written: Range<usize>,
    pub(super) namespace: &'x str,
    pub(super) range: Range<usize>,
    /// Where another attribute would go.
    pub(super) attributes_end: usize,
    /// What is between the tags.
    pub(super) content: Range<usize>,
    /// `<a/>`
    pub(super) is_closed: bool,
    pub(super) attributes: Range<usize>,
}

pub(super) struct Attribute {
    pub(super) name: Range<usize>,
    /// Between the quotes.
    pub(super) value: Range<usize>,
    /// With the space before it.
    pub(super) range: Range<usize>,
}

impl<'x> Tree<'x> {
    /// Reads a document; one without an element is refused.
    pub(super) fn read(source: &'x str) -> Result<Tree<'x>, Flaw> {
        let (nodes, attributes, declared) = (Vec::new(), Vec::new(), Vec::new());
        let mut tree = Tree { source, nodes, attributes, declared };
        let mut reader = Reader::from_str(source);
        let mut open: Vec<usize> = Vec::new();
        let broken = |error: &dyn std::fmt::Display| {
            Flaw::malformed(format!("the XML is not well-formed: {error}"))
        };
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        loop {
            let start = place(reader.buffer_position());
            let event = reader.read_event().map_err(|error| broken(&error))?;
            let range = start..place(reader.buffer_position());
            match event {
                Event::Start(_) => {
                    let node = tree.open(range, false, &open)?;
                    open.push(node);
                }
                Event::Empty(_) => drop(tree.open(range, true, &open)?),
                Event::End(_) => {
                    if let Some(node) = open.pop() {
                        tree.close(node, &range);
                    }
                }
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    tree.text_node(range, open.last().copied());
                }
                Event::Comment(_) => tree.push(range, NodeKind::Comment, open.last().copied()),
                Event::DocType(_) => return Err(broken(&"a DOCTYPE is not allowed")),
                Event::Decl(_) | Event::PI(_) => {}
                Event::Eof if open.is_empty() && !tree.nodes.is_empty() => return Ok(tree),
                Event::Eof => return Err(broken(&"there is no whole element")),
            }
            if open.len() > JSON_DEPTH || tree.nodes.len() > JSON_NODES {
                return Err(Flaw::too_costly("the XML is nested too deep or too large"));
            }
        }
    }

    fn push(&mut self, range: Range<usize>, kind: NodeKind<'x>, parent: Option<usize>) {
        // What is outside the root is nothing that a path can find.
        if parent.is_none() && !matches!(kind, NodeKind::Element(_)) {
            return;
        }
        let node = self.nodes.len();
        if let Some(parent) = parent.and_then(|parent| self.nodes.get_mut(parent)) {
            parent.children.push(node);
        }
        self.nodes.push(Node { range, kind, children: Vec::new() });
    }

    /// Text, with the references in it, is one node.
    fn text_node(&mut self, range: Range<usize>, parent: Option<usize>) {
        if let (Some(last), Some(_)) = (self.nodes.last_mut(), parent)
            && matches!(last.kind, NodeKind::Text)
            && last.range.end == range.start
        {
            last.range.end = range.end;
            return;
        }
        self.push(range, NodeKind::Text, parent);
    }

    fn open(
        &mut self,
        range: Range<usize>,
        is_closed: bool,
        open: &[usize],
    ) -> Result<usize, Flaw> {
        if open.is_empty() && !self.nodes.is_empty() {
            return Err(Flaw::malformed("the XML has a second root"));
        }
        let tag = self.source.get(range.clone()).unwrap_or_default();
        let end = tag.len() - if is_closed { 2 } else { 1 };
        let length = tag.find([' ', '\t', '\r', '\n', '/', '>']).unwrap_or(end);
        let name_written = range.start + 1..range.start + length;
        let colon = self.text(&name_written).find(':');
        let name = name_written.start + colon.map_or(0, |colon| colon + 1)..name_written.end;
        let first = self.attributes.len();
        let mut at = range.start + length;
        while let Some(attribute) = self.next_attribute(at, range.start + end)? {
            at = attribute.range.end;
            self.attributes.push(attribute);
        }
        let element = Element {
            name,
            namespace: "",
            attributes_end: at,
            content: range.end..range.end,
            range: range.clone(),
            is_closed,
            attributes: first..self.attributes.len(),
            name_written,
        };
        self.declare(&element, open.len())?;
        let namespace = self.namespace(&element);
        let node = self.nodes.len();
        let kind = NodeKind::Element(Element { namespace, ..element });
        self.push(range, kind, open.last().copied());
        Ok(node)
    }

    fn next_attribute(&self, from: usize, end: usize) -> Result<Option<Attribute>, Flaw> {
        let rest = self.source.get(from..end).unwrap_or_default();
        let text = rest.trim_start();
        if text.is_empty() {
            return Ok(None);
        }
        let broken = || Flaw::malformed(format!("the XML has no attribute at '{text}'"));
        let start = end - text.len();
        let (name, value) = text.split_once('=').ok_or_else(broken)?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        let quote = quote.ok_or_else(broken)?;
        let inner = value.get(1..).unwrap_or_default();
        let length = inner.find(quote).ok_or_else(broken)?;
        let value_start = end - inner.len();
        Ok(Some(Attribute {
            name: start..start + name.trim_end().len(),
            value: value_start..value_start + length,
            range: from..value_start + length + 1,
        }))
    }

    fn close(&mut self, node: usize, end: &Range<usize>) {
        let Some(node) = self.nodes.get_mut(node) else { return };
        node.range.end = end.end;
        if let NodeKind::Element(element) = &mut node.kind {
            element.range.end = end.end;
            element.content.end = end.start;
        }
    }

    /// Takes what an element declares in place of what those before it did.
    fn declare(&mut self, element: &Element<'x>, depth: usize) -> Result<(), Flaw> {
        self.declared.retain(|declaration| declaration.depth < depth);
        let attributes = self.attributes.get(element.attributes.clone()).unwrap_or_default();
        for attribute in attributes {
            let name = self.text(&attribute.name);
            let prefix = name.strip_prefix("xmlns:").or((name == "xmlns").then_some(""));
            let Some(prefix) = prefix else { continue };
            let namespace = self.text(&attribute.value);
            self.declared.push(Declaration { depth, prefix, namespace });
            if self.declared.len() > PATCH_NAMESPACES {
                return Err(Flaw::too_costly(format!(
                    "the XML declares more than {PATCH_NAMESPACES} namespaces in one place. \
                     Declare only those that are used, each once"
                )));
            }
        }
        Ok(())
    }

    /// The namespace of the element that is being read.
    fn namespace(&self, element: &Element<'x>) -> &'x str {
        let prefix = self.prefix(&element.name_written);
        let found = self.declared.iter().rev().find(|declaration| declaration.prefix == prefix);
        let known = if prefix == "f" { FHIR } else { "" };
        found.map_or(known, |declaration| declaration.namespace)
    }

    /// What is before the colon of a name, else nothing.
    fn prefix(&self, name: &Range<usize>) -> &'x str {
        self.text(name).split_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// The prefixes of the names in an element, as often as they are there.
    pub(super) fn prefixes_in(&self, node: usize) -> impl Iterator<Item = &'x str> {
        let end = self.range(node).end;
        let inside = self.nodes.get(node..).unwrap_or_default().iter();
        let inside = inside.take_while(move |node| node.range.start < end);
        inside.flat_map(|node| {
            let element = match &node.kind {
                NodeKind::Element(element) => Some(element),
                NodeKind::Text | NodeKind::Comment => None,
            };
            let attributes = element.and_then(|it| self.attributes.get(it.attributes.clone()));
            let attributes = attributes.unwrap_or_default().iter().map(|it| &it.name);
            attributes.chain(element.map(|it| &it.name_written)).map(|name| self.prefix(name))
        })
    }

    pub(super) fn text(&self, range: &Range<usize>) -> &'x str {
        self.source.get(range.clone()).unwrap_or_default()
    }

    pub(super) fn range(&self, node: usize) -> Range<usize> {
        self.nodes.get(node).map_or(0..0, |node| node.range.clone())
    }

    pub(super) fn content(&self, node: usize) -> Content {
        match self.nodes.get(node).map(|node| &node.kind) {
            Some(NodeKind::Element(_)) => Content::Element,
            Some(NodeKind::Comment) => Content::Comment,
            Some(NodeKind::Text) | None => Content::Text,
        }
    }

    pub(super) fn element(&self, node: usize) -> Option<&Element<'x>> {
        match &self.nodes.get(node)?.kind {
            NodeKind::Element(element) => Some(element),
            NodeKind::Text | NodeKind::Comment => None,
        }
    }

    pub(super) fn children(&self, node: usize) -> impl Iterator<Item = usize> {
        self.nodes.get(node).into_iter().flat_map(|node| node.children.iter().copied())
    }

    /// Where an attribute and its value stand.
    pub(super) fn attribute_at(&self, attribute: usize) -> (Range<usize>, Range<usize>) {
        let attribute = self.attributes.get(attribute);
        attribute.map_or((0..0, 0..0), |it| (it.range.clone(), it.value.clone()))
    }

    /// What is between the tags of an element.
    pub(super) fn inner(&self, element: &Element<'x>) -> &'x str {
        self.text(&element.content)
    }

    /// The prefixes that an element declares, and the namespaces they stand for.
    pub(super) fn prefixes(
        &self,
        element: &Element<'x>,
    ) -> impl Iterator<Item = (&'x str, &'x str)> {
        let attributes = self.attributes.get(element.attributes.clone()).unwrap_or_default();
        attributes.iter().filter_map(|attribute| {
            let prefix = self.text(&attribute.name).strip_prefix("xmlns:")?;
            Some((prefix, self.text(&attribute.value)))
        })
    }

    /// The value of an attribute, as written.
    pub(super) fn attribute(&self, element: &Element<'x>, name: &str) -> Option<&'x str> {
        let attribute = self.attribute_place(element, name)?;
        Some(self.text(&self.attributes.get(attribute)?.value))
    }

    pub(super) fn attribute_place(&self, element: &Element<'x>, name: &str) -> Option<usize> {
        element.attributes.clone().find(|attribute| {
            let attribute = self.attributes.get(*attribute);
            attribute.is_some_and(|attribute| self.text(&attribute.name) == name)
        })
    }
}
