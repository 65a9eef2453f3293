//! <https://hl7.org/fhir/R4/search.html>: an interpreter for tests that need no service.

use std::sync::Arc;

use base::Timestamp;
use fhir::Definitions;
use fhir::definitions::Registry;
use fhir::value::Zone;

use super::catalogue::Catalogue;
use super::date::Dates;
use super::gaps::Gaps;
use super::interpret::Interpreter;
use crate::fhir::values::Indexing;
use crate::registry::LooseSystems;

/// Runs `with` for a service of R4 alone that has nothing stored.
pub(crate) fn interpreting<T>(bases: &[String], with: impl FnOnce(Interpreter<'_>) -> T) -> T {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store::Store::open(folder.path(), store::StoreOptions::default());
    let snapshot = store.expect("a store").snapshot();
    let registry = Registry::new(Definitions::r4());
    let catalogue = Catalogue::of(&registry, None);
    let now = Timestamp::from_unix_seconds(0);
    let indexing = Indexing::with(Arc::clone(&catalogue), bases.to_vec().into(), now);
    with(Interpreter {
        gaps: &Gaps::default(),
        loose: &LooseSystems::of(&registry),
        index: None,
        catalogue: &catalogue,
        indexing: &indexing.expect("a moment"),
        registry: &registry,
        bases,
        now,
        dates: Dates { zone: Zone::UTC, overlap: false },
        snapshot: &snapshot,
    })
}
