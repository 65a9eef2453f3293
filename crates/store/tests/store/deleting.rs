//! Deletions that stay in history, those that do not, and the end of past versions.

use base::Timestamp;
use store::*;

use crate::world::*;

#[test]
fn a_second_delete_adds_no_version_and_an_absent_resource_says_so() {
    let world = World::new();
    assert_eq!(world.run(delete(patient("p"))), Outcome::Absent);
    world.run(put(patient("p"), "one"));
    let first = world.run(delete(patient("p")));
    let Outcome::Deleted(head) = first else { panic!("{first:?}") };
    assert_eq!(world.run(delete(patient("p"))), Outcome::AlreadyDeleted(head));

    let now = world.store.snapshot();
    let current = now.current(&patient("p")).unwrap().unwrap();
    assert!(current.is_deletion() && current.body.is_empty());
    assert_eq!(current.head(), head);
    assert_eq!(found(&now, &all_of(both())), Vec::<String>::new());
    world.sound();
}

#[test]
fn a_conditional_delete_wants_the_current_version() {
    let world = World::new();
    let delete_at = |number| Operation::Delete { key: patient("p"), condition: Some(number) };
    assert_eq!(world.run(delete_at(1)), Outcome::Absent);
    world.run(put(patient("p"), "one"));
    assert_eq!(world.refused(delete_at(2)), Refused::VersionMismatch { current: 1 });
    assert!(matches!(world.run(delete_at(1)), Outcome::Deleted(it) if it.number == 2));
    assert!(matches!(world.run(delete_at(1)), Outcome::AlreadyDeleted(it) if it.number == 2));
}

#[test]
fn a_hard_delete_vanishes_from_every_snapshot() {
    let world = World::new();
    world.run(put(patient("p"), "one"));
    world.run(put(patient("q"), "other"));
    world.run(put(patient("p"), "two"));
    let old = world.store.snapshot();
    let rids = old.history(&HistoryPlan::of(HistoryOf::System), None, 10).unwrap().rids;
    assert_eq!(world.run(Operation::HardDelete { key: patient("p") }), Outcome::HardDeleted);

    for snapshot in [&old, &world.store.snapshot()] {
        assert_eq!(snapshot.current(&patient("p")).unwrap(), None);
        assert_eq!(snapshot.version(&patient("p"), 1).unwrap(), None);
        assert_eq!(found(snapshot, &all_of(both())), ["q"]);
        assert_eq!(told(snapshot, &HistoryPlan::of(HistoryOf::System)), ["q/1"]);
        assert_eq!(names(snapshot, &rids), ["q"]);
        assert_eq!(snapshot.count(&all_of(only(PATIENT))).unwrap(), 1);
    }
    world.sound();
    assert_eq!(world.run(Operation::HardDelete { key: patient("p") }), Outcome::HardDeleted);

    let anew = world.run(put(patient("p"), "anew"));
    assert!(matches!(anew, Outcome::Created(it) if it.number == 1), "{anew:?}");
    assert_eq!(old.current(&patient("p")).unwrap(), None);
    assert_eq!(found(&old, &all_of(both())), ["q"]);
    drop(old);
    world.reopened().sound();
}

#[test]
fn a_hard_delete_takes_a_deleted_resource_too() {
    let world = World::new();
    world.run(put(patient("p"), "one"));
    world.run(delete(patient("p")));
    world.run(Operation::HardDelete { key: patient("p") });
    assert_eq!(told(&world.store.snapshot(), &HistoryPlan::of(HistoryOf::System)), [""; 0]);
    assert_eq!(world.store.snapshot().count(&all_of(both())).unwrap(), 0);
    world.sound();
}

#[test]
fn a_purged_history_leaves_the_current_version() {
    let world = World::new();
    let purge = || Operation::PurgeHistory { key: patient("p"), which: Purged::AllButCurrent };
    assert_eq!(world.run(purge()), Outcome::Absent);
    for body in ["one", "two", "three"] {
        world.run(put(patient("p"), body));
    }
    world.run(put(patient("q"), "other"));
    assert!(matches!(world.run(purge()), Outcome::Expected(it) if it.number == 3));
    let now = world.store.snapshot();
    assert_eq!(told(&now, &HistoryPlan::of(HistoryOf::System)), ["q/1", "p/3"]);
    assert_eq!(now.version(&patient("p"), 2).unwrap(), None);
    assert_eq!(body_of(&now, &patient("p")).as_deref(), Some("three"));
    assert_eq!(now.count(&all_of(only(PATIENT))).unwrap(), 2);
    world.sound();
    assert!(matches!(world.run(put(patient("p"), "four")), Outcome::Updated(it) if it.number == 4));
    drop(now);
    world.reopened().sound();
}

#[test]
fn a_write_may_forget_the_version_that_it_replaces() {
    let world = World::new();
    let forget = || Operation::PurgeHistory { key: patient("p"), which: Purged::Replaced };
    for body in ["one", "two"] {
        world.run(put(patient("p"), body));
    }
    let old = world.store.snapshot();
    let committed = world.commit(vec![put(patient("p"), "three"), forget()]).unwrap();
    assert!(matches!(committed.outcomes[..], [Outcome::Updated(_), Outcome::Expected(_)]));
    let of_p = HistoryPlan::of(HistoryOf::Instance(patient("p")));
    assert_eq!(told(&world.store.snapshot(), &of_p), ["p/3", "p/1"]);
    // Who looks at the past still finds the resource once, as it was before.
    assert_eq!(found(&old, &all_of(both())), ["p"]);
    assert_eq!(body_of(&old, &patient("p")).as_deref(), Some("one"));
    // A write that changes nothing replaces nothing, and neither does no write.
    world.commit(vec![put(patient("p"), "three"), forget()]).unwrap();
    world.run(forget());
    let forget_one =
        Operation::PurgeHistory { key: patient("p"), which: Purged::ReplacedNumber(2) };
    world.commit(vec![put(patient("p"), "four"), forget_one]).unwrap();
    assert_eq!(told(&world.store.snapshot(), &of_p), ["p/4", "p/3", "p/1"]);
    world.commit(vec![put(patient("p"), "five"), forget()]).unwrap();
    assert_eq!(told(&world.store.snapshot(), &of_p), ["p/5", "p/3", "p/1"]);
    world.sound();
}

#[test]
fn a_version_without_values_stays_hidden_when_what_hid_it_is_purged() {
    let world = World::new();
    for body in ["one", "two"] {
        world.run(put(patient("p"), body));
    }
    // A hard delete brings all rows into their table, and a vacuum takes those of the first.
    world.run(put(patient("q"), "gone"));
    world.run(Operation::HardDelete { key: patient("q") });
    while world.store.vacuum(Timestamp::from_unix_seconds(4_000_000_000), 9).unwrap() {}
    let old = world.store.snapshot();
    let forget = Operation::PurgeHistory { key: patient("p"), which: Purged::Replaced };
    world.commit(vec![put(patient("p"), "three"), forget]).unwrap();
    assert_eq!(found(&old, &all_of(both())), [""; 0]);
    assert_eq!(found(&world.store.snapshot(), &all_of(both())), ["p"]);
    world.sound();
    drop(old);
    world.reopened().sound();
}
