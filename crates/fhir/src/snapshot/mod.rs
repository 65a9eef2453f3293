//! <https://hl7.org/fhir/R4/profiling.html#snapshot>: the snapshots of profiles that were
//! published with differentials only.
//!
//! [`complete`] takes definitions as they are loaded and gives them back with snapshots. A base
//! or a profile that they build on may be among them or known to the registry. What only people
//! read is not inherited: the tables of the definitions do not have it.

mod draft;
mod merge;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use json::{Document, Edits, Limits, Value, Writer};

use crate::definitions::Registry;
use draft::Draft;

/// The definitions, with snapshots where a profile had none and what it builds on is known.
#[must_use]
pub fn complete(registry: &Registry, definitions: &[Document]) -> Vec<Document> {
    let mut own = HashMap::new();
    for definition in definitions {
        let of = definition.root();
        if is_structure(of)
            && let Some(url) = of.get("url").and_then(Value::as_str)
        {
            own.insert(url.into_owned(), definition);
        }
    }
    let mut snapshots = Snapshots { registry, own, made: HashMap::new() };
    definitions
        .iter()
        .map(|one| snapshots.with_snapshot(one).unwrap_or_else(|| one.clone()))
        .collect()
}

fn is_structure(of: Value<'_>) -> bool {
    of.get("resourceType").is_some_and(|name| name.is_str("StructureDefinition"))
}

/// The elements of a snapshot; shared, as many profiles build on few types.
type Elements = Arc<Vec<Draft>>;

struct Snapshots<'r> {
    registry: &'r Registry,
    own: HashMap<String, &'r Document>,
    /// By URL; none while it is being made, and where it cannot be.
    made: HashMap<String, Option<Elements>>,
}

impl<'r> Snapshots<'r> {
    fn with_snapshot(&mut self, definition: &Document) -> Option<Document> {
        let of = definition.root();
        if !is_structure(of) || of.get("snapshot").is_some() || of.get("differential").is_none() {
            return None;
        }
        let elements = self.generate(of)?;
        let mut json = Vec::new();
        let mut writer = Writer::new(&mut json);
        writer.begin_object().key("element").begin_array();
        for element in elements.iter() {
            element.write(&mut writer);
        }
        writer.end_array().end_object();
        let mut edits = Edits::new(definition);
        edits.set(of, "snapshot", json);
        Document::parse(edits.apply().ok()?, &Limits::default()).ok()
    }

    /// The elements of the structure with this URL.
    fn elements(&mut self, canonical: &str) -> Option<Elements> {
        let url = canonical.split_once('|').map_or(canonical, |(url, _)| url);
        if let Some(made) = self.made.get(url) {
            return made.clone();
        }
        // A definition that builds on itself finds nothing.
        self.made.insert(url.to_owned(), None);
        let own = self.own.get(url).map(|document| document.root());
        let made = match own {
            Some(of) if of.get("snapshot").is_none() => self.generate(of),
            Some(of) => Some(Arc::new(draft::of_json(of.get("snapshot")?))),
            None => {
                let structure = self.registry.structure(url)?;
                Some(Arc::new(structure.elements().map(draft::of_element).collect()))
            }
        };
        let made = made.filter(|elements| !elements.is_empty());
        self.made.insert(url.to_owned(), made.clone());
        made
    }

    /// The elements of the type of this name.
    fn of_type(&mut self, name: &str) -> Option<Elements> {
        let base = self.registry.base();
        let url = base.ty(base.type_named(name)?).structure()?.url();
        self.elements(url)
    }

    fn generate(&mut self, of: Value<'_>) -> Option<Elements> {
        let base = of.get("baseDefinition").and_then(Value::as_str)?;
        let base = self.elements(&base)?;
        let differential = draft::of_json(of.get("differential")?);
        Some(Arc::new(merge::merge(self, &base, &differential)))
    }
}
