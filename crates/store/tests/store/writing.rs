//! Creating, updating and the conditions on it.

use base::Timestamp;
use fhir::search::Value;
use store::*;

use crate::world::*;

#[test]
fn versions_count_up_and_each_can_be_read() {
    let world = World::new();
    assert!(matches!(world.run(put(patient("p"), "one")), Outcome::Created(it) if it.number == 1));
    world.tick();
    let second = world.run(put(patient("p"), "two"));
    let Outcome::Updated(head) = second else { panic!("{second:?}") };
    assert_eq!((head.number, head.kind), (2, Kind::Update));

    let now = world.store.snapshot();
    let version = now.version(&patient("p"), 1).unwrap().unwrap();
    assert_eq!((&*version.body, version.kind), (&b"one"[..], Kind::Create));
    assert_eq!(version.splice, [3; 12]);
    assert!(version.last_updated < head.last_updated);
    let current = now.current(&patient("p")).unwrap().unwrap();
    assert_eq!((current.head(), &*current.body), (head, &b"two"[..]));
    assert_eq!(now.version(&patient("p"), 3).unwrap(), None);
    assert_eq!(now.current(&patient("q")).unwrap(), None);
    assert_eq!(now.current(&observation("p")).unwrap(), None);
    world.sound();
}

#[test]
fn content_that_is_the_same_makes_no_version() {
    let world = World::new();
    world.run(put(patient("p"), "one"));
    let before = world.store.snapshot().number();
    assert!(
        matches!(world.run(put(patient("p"), "one")), Outcome::Unchanged(it) if it.number == 1)
    );
    assert_eq!(world.store.snapshot().number(), before);
    let matching = put_if(patient("p"), PutCondition::Version(1), "one");
    assert!(matches!(world.run(matching), Outcome::Unchanged(_)));
    world.run(put(patient("p"), "two"));
    assert!(matches!(world.run(put(patient("p"), "one")), Outcome::Updated(it) if it.number == 3));
}

#[test]
fn a_put_after_a_deletion_counts_on_and_creates() {
    let world = World::new();
    world.run(put(patient("p"), "one"));
    assert!(matches!(world.run(delete(patient("p"))), Outcome::Deleted(it) if it.number == 2));
    let again = world.run(put(patient("p"), "one"));
    assert!(
        matches!(again, Outcome::Created(it) if it.number == 3 && it.kind == Kind::Create),
        "{again:?}"
    );
    world.sound();
}

#[test]
fn if_match_wants_the_current_version_of_an_existing_resource() {
    let world = World::new();
    let put_at = |number| put_if(patient("p"), PutCondition::Version(number), "next");
    assert_eq!(world.refused(put_at(1)), Refused::NotFound);
    world.run(put(patient("p"), "one"));
    assert_eq!(world.refused(put_at(2)), Refused::VersionMismatch { current: 1 });
    assert!(matches!(world.run(put_at(1)), Outcome::Updated(it) if it.number == 2));
    assert_eq!(world.refused(put_at(1)), Refused::VersionMismatch { current: 2 });
    world.run(delete(patient("p")));
    assert_eq!(world.refused(put_at(3)), Refused::Gone { number: 3 });
}

#[test]
fn absent_wants_an_unused_id_and_not_exists_one_that_is_free() {
    let world = World::new();
    let absent = || put_if(patient("p"), PutCondition::Absent, "one");
    let not_exists = || put_if(patient("p"), PutCondition::NotExists, "one");
    assert!(matches!(world.run(absent()), Outcome::Created(_)));
    assert_eq!(world.refused(absent()), Refused::Exists { number: 1 });
    assert_eq!(world.refused(not_exists()), Refused::Exists { number: 1 });
    world.run(delete(patient("p")));
    assert_eq!(world.refused(absent()), Refused::Exists { number: 2 });
    assert!(matches!(world.run(not_exists()), Outcome::Created(it) if it.number == 3));
}

#[test]
fn a_commit_happens_whole_or_not_at_all() {
    let world = World::new();
    world.run(put(patient("p"), "one"));
    let before = world.store.snapshot().number();
    let refused = world.commit(vec![
        put(patient("q"), "new"),
        delete(patient("p")),
        put_if(patient("r"), PutCondition::Version(7), "none"),
    ]);
    assert!(matches!(refused, Err(Rejected::At { operation: 2, why: Refused::NotFound })));
    assert_eq!(world.store.snapshot().number(), before);
    assert_eq!(found(&world.store.snapshot(), &all_of(both())), ["p"]);

    let whole = world.commit(vec![put(patient("q"), "new"), delete(patient("p"))]).unwrap();
    assert_eq!(whole.snapshot.number().0, before.0 + 1);
    let times = [patient("p"), patient("q")]
        .map(|key| whole.snapshot.current(&key).unwrap().unwrap().last_updated);
    assert_eq!(times, [whole.last_updated; 2]);
    world.sound();
}

#[test]
fn one_commit_writes_a_resource_once_but_may_look_at_it() {
    let world = World::new();
    let twice = world.commit(vec![put(patient("p"), "one"), delete(patient("p"))]);
    assert!(matches!(twice, Err(Rejected::At { operation: 1, why: Refused::SameKeyTwice })));

    let expect = |text| Operation::Expect { key: patient(text) };
    assert_eq!(world.refused(expect("p")), Refused::NotFound);
    let seen = world.commit(vec![put(patient("p"), "one"), expect("p")]).unwrap();
    let [Outcome::Created(made), Outcome::Expected(looked)] = seen.outcomes[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(made, looked);
    let deleted = world.commit(vec![delete(patient("p")), expect("p")]);
    let gone = Refused::Gone { number: 2 };
    assert!(matches!(deleted, Err(Rejected::At { operation: 1, why }) if why == gone));
}

#[test]
fn times_rise_from_commit_to_commit_even_when_the_clock_stands_or_is_fine() {
    let world = World::new();
    let first = world.commit(vec![put(patient("p"), "1")]).unwrap().last_updated;
    let second = world.commit(vec![put(patient("p"), "2")]).unwrap().last_updated;
    assert_eq!(second, Timestamp::from_ticks(first.ticks() + 10));
    world.clock.advance(std::time::Duration::from_nanos(12_300));
    let third = world.commit(vec![put(patient("p"), "3")]).unwrap().last_updated;
    assert_eq!(third.ticks() % 10, 0);
    assert_eq!(third, Timestamp::from_ticks(first.ticks() + 120));
}

#[test]
fn a_commit_of_nothing_changes_nothing() {
    let world = World::new();
    let committed = world.commit(vec![]).unwrap();
    assert_eq!((committed.outcomes.len(), committed.snapshot.number().0), (0, 0));
    world.run(put(patient("p"), "one"));
    let looked = world.commit(vec![Operation::Expect { key: patient("p") }]).unwrap();
    assert_eq!(looked.snapshot.number().0, 1);
}

#[test]
fn what_was_stored_is_there_after_reopening() {
    let mut world = World::new();
    world.run(put(patient("p"), "one"));
    world.run(put(patient("p"), "two"));
    world.run(put(observation("o"), "three"));
    world.run(delete(observation("o")));
    let guid = world.store.guid();
    for _ in 0..2 {
        world = world.reopened();
        let now = world.store.snapshot();
        assert_eq!(now.number(), SnapshotNumber(4));
        assert_eq!(body_of(&now, &patient("p")).as_deref(), Some("two"));
        assert_eq!(found(&now, &all_of(both())), ["p"]);
        assert_eq!(world.store.guid(), guid);
        world.sound();
    }
    assert!(
        matches!(world.run(put(patient("p"), "three")), Outcome::Updated(it) if it.number == 3)
    );
}

#[test]
fn compartments_and_search_values_come_and_go_with_their_versions() {
    let world = World::new();
    let values = [(ParameterId(7), Value::String("vital".into()))];
    let forward = Forward::pack(&values, &|_| None);
    let rich = content("vitals").with_values(forward, vec![patient("p"), patient("q")]);
    let key = observation("o");
    world.run(Operation::Put { key, condition: PutCondition::Any, content: rich });
    world.sound();
    world.run(Operation::HardDelete { key });
    world.sound();
}
