//! How much is asked of the store.

use std::sync::Arc;

use store::ResourceId;

use super::*;
use crate::fhir::search::interpreting::interpreting;

/// A group may have as many members as a body has room for, and there are hundreds of references.
#[test]
fn what_belongs_to_a_group_is_held_once_beside_all_references() {
    interpreting(&[], |interpreter| {
        let number = |name| types::number(name).expect("a type");
        let id = ResourceId::new("g").expect("an id");
        let group = Key { resource_type: number("Group"), id };
        let of = of(&interpreter, Whose::One(group)).expect("what belongs to it");
        let Criterion::Shared(members) = &of.belongs else { panic!("{:?}", of.belongs) };
        let bounds = ["_since=2020-01-01"];
        let asked = referred_to(&interpreter, &of, number("Practitioner"), &bounds);
        let Criterion::Any(references) = asked.expect("what refers to it") else {
            panic!("no list")
        };
        assert!(references.len() > 100, "{}", references.len());
        assert_eq!(Arc::strong_count(&members.0), 1 + references.len());
    });
}
