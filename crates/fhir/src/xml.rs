//! <https://hl7.org/fhir/R4/xml.html>: resources as XML, in and out.
//!
//! The element tables say what is an attribute, what an element, in which order, and what repeats;
//! nothing here knows a type by name. No DTD, no entities beyond the five of XML: nothing is
//! fetched, nothing expands. To accept or refuse something new: a variant of [`ErrorKind`], its
//! sentence in `error.rs`, a row in `tests.rs`.

mod characters;
mod error;
mod narrative;
mod read;
mod tag;
mod write;

#[cfg(test)]
mod tests;

use json::{Limits, Position, Value};

use crate::Definitions;

pub use error::{Error, ErrorKind, Unwritable};

/// The namespace of resources.
pub const NAMESPACE: &str = "http://hl7.org/fhir";
/// The namespace of a narrative's `div`.
const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// What stands before the root.
const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// The JSON of a resource in XML: members in the order of the elements, numbers with their text,
/// the `div` with its bytes.
///
/// # Errors
/// The first thing that is wrong with the text, or the limit that it exceeds; levels and values
/// are counted as elements and attributes.
pub fn to_json(definitions: &Definitions, xml: &[u8], limits: &Limits) -> Result<Vec<u8>, Error> {
    read::read(definitions, xml, limits)
}

/// Where in a text stand the elements that made the bytes of its JSON at `offsets`, which are
/// sorted. For what is found in the JSON of a text that [`to_json`] read.
pub fn places(definitions: &Definitions, xml: &[u8], offsets: &[usize]) -> Vec<Position> {
    read::places(definitions, xml, offsets)
}

/// Appends the XML of a resource, with its declaration. `pretty` puts each element on a line of
/// its own.
///
/// # Errors
/// What of the resource XML cannot hold: members that its type does not have, characters that XML
/// forbids. `out` then holds a part.
pub fn from_json(
    definitions: &Definitions,
    resource: Value<'_>,
    pretty: bool,
    out: &mut Vec<u8>,
) -> Result<(), Unwritable> {
    write::document(definitions, resource, pretty, out)
}
