//! Criteria that stand in many places of a plan.

use std::sync::Arc;

use store::*;

use crate::searching::*;
use crate::world::*;

#[test]
fn what_stands_in_many_places_is_decided_once_for_each_type() {
    let world = World::new();
    [("a", "ann"), ("b", "bob")].iter().for_each(|(id, name)| named(&world, id, name));
    observations(&world, &["a", "b", "c"]);
    let now = world.store.snapshot();
    let either = Criterion::Any(vec![has_code("c1"), has_code("c2")]);
    let shared = Criterion::Shared(Shared(Arc::new(either.clone())));
    let plan = |criterion: &Criterion| {
        let referred = |parameter| {
            let source = Box::new(search(OBSERVATION, criterion.clone()));
            Criterion::Has { source, parameter }
        };
        let referred = [REFERENCE, PAIR, REFERENCE].map(referred);
        let outside = search(PATIENT, Criterion::Any(referred.into()));
        all_of(vec![search(OBSERVATION, criterion.clone()), outside])
    };
    assert_eq!(found(&now, &plan(&shared)), found(&now, &plan(&either)));
    let steps = now.explain(&plan(&shared)).unwrap();
    let told: Vec<(&str, u64)> = steps
        .iter()
        .filter(|step| step.what.starts_with("Shared"))
        .map(|it| (it.index, it.left))
        .collect();
    let before = ("decided before", 2);
    assert_eq!(told, [("once for its type", 2), before, before, before]);
    assert!(steps.iter().all(|step| step.what.len() < 1_000), "{steps:?}");
}
