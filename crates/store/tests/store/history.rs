//! Histories of an instance, a type and the system.

use store::*;

use crate::world::*;

/// p/1, o/1, p/2, q/1, p/3 (deletion), q/2, a second apart.
fn lives() -> World {
    let world = World::new();
    let events = [
        put(patient("p"), "1"),
        put(observation("o"), "1"),
        put(patient("p"), "2"),
        put(patient("q"), "1"),
        delete(patient("p")),
        put(patient("q"), "2"),
    ];
    for event in events {
        world.tick();
        world.run(event);
    }
    world
}

#[test]
fn histories_tell_everything_newest_first() {
    let world = lives();
    let now = world.store.snapshot();
    let check = |of, expected: &[&str]| assert_eq!(told(&now, &HistoryPlan::of(of)), expected);
    check(HistoryOf::Instance(patient("p")), &["p/3", "p/2", "p/1"]);
    check(HistoryOf::Instance(patient("unknown")), &[]);
    check(HistoryOf::Type(PATIENT), &["q/2", "p/3", "q/1", "p/2", "p/1"]);
    check(HistoryOf::Type(OBSERVATION), &["o/1"]);
    check(HistoryOf::System, &["q/2", "p/3", "q/1", "p/2", "o/1", "p/1"]);
}

#[test]
fn a_history_is_that_of_its_snapshot() {
    let world = lives();
    let old = world.store.snapshot_at(SnapshotNumber(3)).unwrap().unwrap();
    assert_eq!(told(&old, &HistoryPlan::of(HistoryOf::System)), ["p/2", "o/1", "p/1"]);
    assert_eq!(told(&old, &HistoryPlan::of(HistoryOf::Instance(patient("p")))), ["p/2", "p/1"]);
    assert_eq!(told(&old, &HistoryPlan::of(HistoryOf::Instance(patient("q")))), [""; 0]);
}

#[test]
fn histories_are_paged_without_loss_or_repetition() {
    let world = lives();
    let now = world.store.snapshot();
    for (of, length) in [(HistoryOf::System, 6), (HistoryOf::Instance(patient("p")), 3)] {
        let plan = HistoryPlan::of(of);
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = now.history(&plan, after, 2).unwrap();
            all.extend(page.rids.iter().copied());
            after = page.rids.last().copied();
            world.run(put(patient("p"), &format!("later {}", all.len())));
            if !page.more {
                break;
            }
        }
        assert_eq!(all.len(), length);
        assert!(all.is_sorted_by(|a, b| a > b));
    }
}

#[test]
fn since_is_inclusive_and_before_is_not() {
    let world = lives();
    let now = world.store.snapshot();
    let time = |key: Key, number| now.version(&key, number).unwrap().unwrap().last_updated;
    let (second, deleted) = (time(patient("p"), 2), time(patient("p"), 3));
    let check = |of, since, before, expected: &[&str]| {
        let plan = HistoryPlan { since, before, ..HistoryPlan::of(of) };
        assert_eq!(told(&now, &plan), expected);
    };
    let (system, p) = (HistoryOf::System, HistoryOf::Instance(patient("p")));
    check(system, Some(second), None, &["q/2", "p/3", "q/1", "p/2"]);
    check(system, None, Some(deleted), &["q/1", "p/2", "o/1", "p/1"]);
    check(system, Some(second), Some(deleted), &["q/1", "p/2"]);
    check(p, Some(second), Some(deleted), &["p/2"]);
    check(p, None, Some(second), &["p/1"]);
    check(HistoryOf::Type(PATIENT), Some(deleted), None, &["q/2", "p/3"]);
}

#[test]
fn a_restricted_type_is_in_no_history() {
    let world = lives();
    let now = world.store.snapshot();
    let hidden = TypeRestriction { resource_type: PATIENT, restriction: Restriction::Nothing };
    let restrictions = Restrictions { types: vec![hidden], others_hidden: false };
    let restricted = |of| HistoryPlan { restrictions: restrictions.clone(), ..HistoryPlan::of(of) };
    assert_eq!(told(&now, &restricted(HistoryOf::System)), ["o/1"]);
    assert_eq!(told(&now, &restricted(HistoryOf::Type(PATIENT))), [""; 0]);
    assert_eq!(told(&now, &restricted(HistoryOf::Instance(patient("p")))), [""; 0]);
    assert_eq!(told(&now, &restricted(HistoryOf::Type(OBSERVATION))), ["o/1"]);
}

#[test]
fn a_history_of_a_time_begins_with_what_was_current_then() {
    let world = World::new();
    let mut moments = Vec::new();
    for operation in [
        put(patient("p"), "one"),
        put(patient("p"), "two"),
        put(observation("o"), "one"),
        delete(patient("p")),
        put(patient("p"), "four"),
    ] {
        world.tick();
        moments.push(world.commit(vec![operation]).unwrap().last_updated);
    }
    let now = world.store.snapshot();
    let check = |from: usize, before: Option<usize>, expected: &[&str]| {
        let plan = HistoryPlan {
            current_from: Some(moments[from]),
            before: before.map(|before| moments[before]),
            ..HistoryPlan::of(HistoryOf::System)
        };
        assert_eq!(told(&now, &plan), expected);
    };
    check(0, Some(1), &["p/1"]);
    check(2, Some(3), &["o/1", "p/2"]);
    // A deletion that was in force is no version that was current.
    check(3, None, &["p/4", "o/1"]);
    check(4, None, &["p/4", "o/1"]);
}

#[test]
fn a_history_can_be_told_from_its_beginning_and_of_some_resources() {
    let world = World::new();
    for operation in [put(patient("p"), "one"), put(patient("q"), "one"), put(patient("p"), "two")]
    {
        world.run(operation);
    }
    world.run(put(observation("p"), "one"));
    let now = world.store.snapshot();
    let only = Some(vec![patient("p"), observation("p"), patient("never")]);
    let of = |of, only: &Option<Vec<Key>>, ascending| {
        told(&now, &HistoryPlan { only: only.clone(), ascending, ..HistoryPlan::of(of) })
    };
    assert_eq!(of(HistoryOf::System, &None, true), ["p/1", "q/1", "p/2", "p/1"]);
    assert_eq!(of(HistoryOf::Instance(patient("p")), &None, true), ["p/1", "p/2"]);
    assert_eq!(of(HistoryOf::Type(PATIENT), &only, false), ["p/2", "p/1"]);
    assert_eq!(of(HistoryOf::System, &only, true), ["p/1", "p/2", "p/1"]);
    let plan = HistoryPlan { ascending: true, ..HistoryPlan::of(HistoryOf::System) };
    let first = now.history(&plan, None, 3).unwrap();
    let rest = now.history(&plan, first.rids.last().copied(), 3).unwrap();
    assert!(first.more && !rest.more);
    assert_eq!((names(&now, &first.rids).len(), names(&now, &rest.rids)), (3, vec!["p".into()]));
}
