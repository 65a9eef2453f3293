//! Definitions that were stored one by one over REST.
//!
//! Each is a layer of its own, found by its URL, so that a change costs what it changes and not
//! all that is there.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use json::{Document, Value};

use super::Definitions;
use super::overlay::{Layer, Origin};
use super::registry::Registry;
use super::structures::split_canonical;
use crate::path::{self, Options, Schema};
use crate::snapshot;

/// The resource types of definitions that a service may have of its own.
pub const STORED_TYPES: [&str; 5] =
    ["CodeSystem", "ConceptMap", "SearchParameter", "StructureDefinition", "ValueSet"];

/// What was stored over REST. Cheap to clone.
#[derive(Clone, Default)]
pub struct Stored {
    /// By the number under which it was put in: what was stored last has the highest.
    all: BTreeMap<u64, Definition>,
    /// Those of one URL, the one to be found first at the end: by version, then by number.
    by_url: HashMap<Arc<str>, Vec<(Arc<str>, u64)>>,
}

#[derive(Clone)]
struct Definition {
    url: Arc<str>,
    is_parameter: bool,
    /// A profile that came without a snapshot, as it came.
    partial: Option<Document>,
    layer: Arc<Layer>,
}

/// Why a resource is not among the definitions, though it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is of another type.
    NotADefinition,
    /// Without a URL nothing can name it.
    NoUrl,
    /// A SearchParameter without a code or without bases.
    NoCode,
    /// A SearchParameter whose expression does not compile.
    Expression(path::Error),
}

impl fmt::Display for Unusable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADefinition => out.write_str("it is of another type"),
            Self::NoUrl => out.write_str("it has no url"),
            Self::NoCode => out.write_str("it has no code or no base"),
            Self::Expression(error) => write!(out, "its expression does not compile: {error}"),
        }
    }
}

impl std::error::Error for Unusable {}

impl Stored {
    /// Puts a resource in under `number`, in place of what was there.
    ///
    /// # Errors
    /// When it cannot be used; then nothing is under `number`.
    pub fn insert(
        &mut self,
        number: u64,
        base: &Definitions,
        resource: &Document,
    ) -> Result<(), Unusable> {
        self.remove(number);
        let root = resource.root();
        let text = |key| root.get(key).and_then(Value::as_str).unwrap_or_default();
        let (ty, url, version) = (text("resourceType"), text("url"), text("version"));
        if !STORED_TYPES.contains(&&*ty) {
            return Err(Unusable::NotADefinition);
        }
        if url.is_empty() {
            return Err(Unusable::NoUrl);
        }
        let is_parameter = ty == "SearchParameter";
        if is_parameter {
            check_parameter(root)?;
        }
        let layer = Arc::new(Layer::new(base, Origin::Rest, [resource]));
        let is_partial = ty == "StructureDefinition" && root.get("snapshot").is_none();
        let partial = is_partial.then(|| resource.clone());
        let url: Arc<str> = url.into();
        let of_url = self.by_url.entry(Arc::clone(&url)).or_default();
        let place = (Arc::from(version), number);
        of_url.insert(of_url.partition_point(|known| *known < place), place);
        self.all.insert(number, Definition { url, is_parameter, partial, layer });
        Ok(())
    }

    /// Makes snapshots of the profiles that came without one, over these definitions and those of
    /// `packages`. They are made anew each time: what they build on may have changed.
    pub fn complete(&mut self, packages: &Registry) {
        let partial: Vec<(u64, Document)> = self
            .all
            .iter()
            .filter_map(|(number, known)| Some((*number, known.partial.clone()?)))
            .collect();
        if partial.is_empty() {
            return;
        }
        let known = packages.with_stored(Arc::new(self.clone()));
        let (numbers, documents): (Vec<u64>, Vec<Document>) = partial.into_iter().unzip();
        for (number, whole) in numbers.into_iter().zip(snapshot::complete(&known, &documents)) {
            if let Some(known) = self.all.get_mut(&number) {
                known.layer = Arc::new(Layer::new(packages.base(), Origin::Rest, [&whole]));
            }
        }
    }

    /// Takes out what was put in under `number`.
    pub fn remove(&mut self, number: u64) {
        let Some(gone) = self.all.remove(&number) else { return };
        if let Some(of_url) = self.by_url.get_mut(&gone.url) {
            of_url.retain(|(_, known)| *known != number);
            if of_url.is_empty() {
                self.by_url.remove(&gone.url);
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them, the last stored first.
    pub(super) fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.all.values().rev().map(|known| &*known.layer)
    }

    /// Those that have search parameters, the last stored first.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &Layer> {
        let own = self.all.values().rev().filter(|known| known.is_parameter);
        own.map(|known| &*known.layer)
    }

    /// Those of a canonical URL, in the order in which they are asked.
    pub(super) fn of(&self, canonical: &str) -> impl Iterator<Item = &Layer> {
        let of_url = self.by_url.get(split_canonical(canonical).0);
        let numbers = of_url.into_iter().flatten().rev().map(|(_, number)| number);
        numbers.filter_map(|number| self.all.get(number)).map(|known| &*known.layer)
    }
}

fn check_parameter(root: Value<'_>) -> Result<(), Unusable> {
    let text = |key| root.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let has_base = root.get("base").is_some_and(|base| base.elements().next().is_some());
    if text("code").is_none() || !has_base {
        return Err(Unusable::NoCode);
    }
    let Some(expression) = text("expression") else { return Ok(()) };
    let options = Options { as_filters: true, ..Options::default() };
    path::compile(&expression, &Schema::r4(), options).map(drop).map_err(Unusable::Expression)
}
