//! How much is asked of the store.

use base::Timestamp;
use fhir::Definitions;
use fhir::definitions::Registry;
use fhir::value::Zone;

use super::*;
use crate::fhir::search::catalogue::Catalogue;
use crate::fhir::search::date::Dates;
use crate::fhir::search::gaps::Gaps;
use crate::fhir::values::Indexing;
use crate::registry::LooseSystems;

/// A group may have as many members as a body has room for, and there are hundreds of references.
#[test]
fn what_belongs_to_a_group_is_held_once_beside_all_references() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store::Store::open(folder.path(), store::StoreOptions::default());
    let snapshot = store.expect("a store").snapshot();
    let registry = Registry::new(Definitions::r4());
    let catalogue = Catalogue::of(&registry, None);
    let now = Timestamp::from_unix_seconds(0);
    let indexing = Indexing::with(Arc::clone(&catalogue), Vec::new().into(), now);
    let (gaps, loose) = (Gaps::default(), LooseSystems::of(&registry));
    let interpreter = Interpreter {
        gaps: &gaps,
        loose: &loose,
        index: None,
        catalogue: &catalogue,
        indexing: &indexing.expect("a moment"),
        registry: &registry,
        bases: &[],
        now,
        dates: Dates { zone: Zone::UTC, overlap: false },
        snapshot: &snapshot,
    };
    let number = |name| types::number(name).expect("a type");
    let id = ResourceId::new("g").expect("an id");
    let group = Key { resource_type: number("Group"), id };
    let of = of(&interpreter, Whose::One(group)).expect("what belongs to it");
    let Criterion::Shared(members) = &of.belongs else { panic!("{:?}", of.belongs) };
    let bounds = ["_since=2020-01-01"];
    let asked = referred_to(&interpreter, &of, number("Practitioner"), &bounds);
    let Criterion::Any(references) = asked.expect("what refers to it") else { panic!("no list") };
    assert!(references.len() > 100, "{}", references.len());
    assert_eq!(Arc::strong_count(&members.0), 1 + references.len());
}
