//! <https://hl7.org/fhir/R4/profiling.html>: invariants, bindings, slicing and profiles.
//!
//! A [`Validator`] walks a resource once and holds each value against its type and any number of
//! profiles; what the shape of the types alone says is the matter of [`super::structure`].
//!
//! To add a rule of profiles: its file here, called from `walk.rs`, and a row in `tests.rs`.
//! Never here: terminology beyond asking for membership; references that lead out of the document.

mod attachment;
mod binding;
mod bundle;
mod extension;
mod given;
mod invariant;
mod membership;
mod program;
mod reference;
mod rule;
mod scope;
mod slice;
mod walk;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use json::Value;

use super::{Issues, Place};
use crate::definitions::Registry;
use crate::path::Schema;
use crate::terminology::Terminologies;
use crate::value::Moment;
use program::Programs;
use walk::Pass;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Invariants of severity error, and required bindings of Coding and CodeableConcept.
    Base,
    /// All that is known: warnings, weaker bindings, extensions, references, bundles.
    Full,
}

/// What to hold a resource against.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// How much is looked at.
    pub depth: Depth,
    /// Profiles by canonical URL, all of which must hold.
    pub profiles: &'r [&'r str],
    /// Whether the profiles of `meta.profile` must hold, in each resource inside too.
    pub declared: bool,
    /// Extensions below these URLs may be unknown; `None` takes all but modifiers.
    pub extension_domains: Option<&'r [&'r str]>,
    /// What `now()` and `today()` are.
    pub now: Moment,
}

impl Request<'_> {
    /// Everything that is known, with what `meta.profile` says.
    #[must_use]
    pub fn full(now: Moment) -> Self {
        Self { depth: Depth::Full, profiles: &[], declared: true, extension_domains: None, now }
    }
}

/// Checks resources against the definitions of one service. Shared between threads.
pub struct Validator {
    terminologies: Terminologies,
    schema: Arc<Schema>,
    /// Expressions know the types of the version, and no registry: shared by all services.
    programs: Arc<Programs>,
}

impl Validator {
    /// A validator that knows what `registry` does.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        let schema = if std::ptr::eq(registry.base(), crate::Definitions::r4()) {
            Schema::r4()
        } else {
            Arc::new(Schema::of(registry.base()))
        };
        let terminologies = Terminologies::new(registry);
        Self { terminologies, schema, programs: Arc::default() }
    }

    /// A validator of the same FHIR version that knows what `registry` does, and has what this
    /// one compiled.
    #[must_use]
    pub fn over(&self, registry: &Registry) -> Self {
        let (schema, programs) = (Arc::clone(&self.schema), Arc::clone(&self.programs));
        Self { terminologies: Terminologies::new(registry), schema, programs }
    }

    /// The definitions it knows.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.terminologies.registry()
    }

    /// Notes what is wrong with a resource and all resources inside it. Its structure is taken
    /// as it comes: what [`super::structure`] refuses is passed over.
    pub fn check(&self, root: Value<'_>, request: &Request<'_>, issues: &mut Issues) {
        let name = root.get("resourceType").and_then(Value::as_str);
        let ty = name.and_then(|name| self.registry().base().type_named(&name));
        let Some(ty) = ty.map(|ty| self.registry().base().ty(ty)) else { return };
        let place = Place { root, path: ty.name() };
        let entries = reference::Entries::default();
        Pass { validator: self, request, place, entries }.root(root, issues);
    }
}
