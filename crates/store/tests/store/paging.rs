//! Listings: order, pages pinned to a snapshot, criteria, restrictions, counts.

use base::Timestamp;
use store::*;

use crate::world::*;

fn twenty_five(world: &World) {
    for number in 0..25 {
        world.tick();
        let key = patient(&format!("p{number}"));
        world.run(put(key, "original"));
    }
}

fn numbered(numbers: impl Iterator<Item = u32>) -> Vec<String> {
    numbers.map(|number| format!("p{number}")).collect()
}

#[test]
fn a_page_shows_the_moment_it_was_pinned_to() {
    let world = World::new();
    twenty_five(&world);
    let pinned = world.store.snapshot();
    let mut plan = SearchPlan { types: only(PATIENT), most: 10, ..SearchPlan::default() };
    let mut pages = Vec::new();
    loop {
        let page = pinned.search(&plan).unwrap();
        plan.after = page.rids.last().copied();
        pages.push(names(&pinned, &page.rids));
        // What happens between the pages is not seen.
        world.run(put(patient("p14"), &format!("changed {}", pages.len())));
        world.run(delete(patient(&format!("p2{}", pages.len()))));
        world.run(put(patient(&format!("new{}", pages.len())), "new"));
        if !page.more {
            break;
        }
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    assert_eq!(pages.concat(), numbered(0..25));
    assert_eq!(body_of(&pinned, &patient("p14")).as_deref(), Some("original"));
    assert_eq!(pinned.count(&plan).unwrap(), 25);

    let again = world.store.snapshot_at(pinned.number()).unwrap().unwrap();
    assert_eq!(found(&again, &all_of(both())), numbered(0..25));
    let now = world.store.snapshot();
    assert_eq!(now.count(&all_of(both())).unwrap(), 25 - 3 + 3);
    let order = found(&now, &all_of(both()));
    assert_eq!(order.len(), 25);
    assert_eq!(order.last().map(String::as_str), Some("new3"), "updates move to the end");
    world.sound();
}

#[test]
fn descending_is_the_same_list_from_the_other_end() {
    let world = World::new();
    twenty_five(&world);
    let pinned = world.store.snapshot();
    let mut plan = SearchPlan { descending: true, most: 7, ..all_of(both()) };
    let mut all = Vec::new();
    loop {
        let page = pinned.search(&plan).unwrap();
        all.extend(names(&pinned, &page.rids));
        plan.after = page.rids.last().copied();
        if !page.more {
            break;
        }
    }
    assert_eq!(all, numbered((0..25).rev()));
}

#[test]
fn the_last_page_is_not_followed_by_an_empty_one() {
    let world = World::new();
    twenty_five(&world);
    let now = world.store.snapshot();
    let page = |most| now.search(&SearchPlan { most, ..all_of(both()) }).unwrap();
    assert!(!page(25).more);
    assert!(page(24).more);
    assert_eq!((page(0).rids.len(), page(0).more), (0, true));
    let none = SearchPlan { types: only(OBSERVATION), ..SearchPlan::default() };
    assert_eq!(now.search(&none).unwrap(), Page::default());
}

#[test]
fn types_are_merged_in_the_order_of_writing_and_restrictions_hide_them() {
    let world = World::new();
    for number in 0..4 {
        world.run(put(patient(&format!("p{number}")), "x"));
        world.run(put(observation(&format!("o{number}")), "x"));
    }
    let now = world.store.snapshot();
    let merged = ["p0", "o0", "p1", "o1", "p2", "o2", "p3", "o3"];
    assert_eq!(found(&now, &all_of(both())), merged);
    let hidden = TypeRestriction { resource_type: PATIENT, restriction: Restriction::Nothing };
    let restrictions = Restrictions { types: vec![hidden], others_hidden: false };
    let plan = SearchPlan { restrictions, ..all_of(both()) };
    assert_eq!(found(&now, &plan), ["o0", "o1", "o2", "o3"]);
    assert_eq!(now.count(&plan).unwrap(), 4);
    let by_id = Criterion::Ids(vec![id("p1"), id("o1")]);
    assert_eq!(found(&now, &with(plan, &[by_id])), ["o1"]);
}

#[test]
fn ids_are_looked_up_at_the_snapshot_and_come_once() {
    let world = World::new();
    for text in ["a", "b", "c"] {
        world.run(put(patient(text), "x"));
    }
    world.run(put(observation("b"), "x"));
    let old = world.store.snapshot();
    world.run(delete(patient("a")));
    world.run(put(patient("b"), "y"));
    let ids = |texts: &[&str]| Criterion::Ids(texts.iter().map(|text| id(text)).collect());
    let plan = |criteria: Vec<Criterion>| with(all_of(both()), &criteria);
    let listed = plan(vec![ids(&["c", "b", "a", "b", "unknown"])]);
    assert_eq!(found(&old, &listed), ["a", "b", "c", "b"]);
    let now = world.store.snapshot();
    assert_eq!(found(&now, &listed), ["c", "b", "b"]);
    assert_eq!(now.count(&listed).unwrap(), 3);
    assert_eq!(found(&now, &plan(vec![ids(&["a", "c"]), ids(&["c", "b"])])), ["c"]);
    let after = now.search(&listed).unwrap().rids[0];
    let rest = SearchPlan { after: Some(after), most: 1, ..listed };
    let page = now.search(&rest).unwrap();
    assert_eq!((names(&now, &page.rids), page.more), (vec!["b".to_owned()], true));
}

#[test]
fn last_updated_is_an_interval_of_commits() {
    let world = World::new();
    twenty_five(&world);
    let now = world.store.snapshot();
    let time = |number: u32| {
        let version = now.current(&patient(&format!("p{number}"))).unwrap().unwrap();
        version.last_updated
    };
    let after = |moment: Timestamp| Timestamp::from_ticks(moment.ticks() + 1);
    let within = |from, before| Criterion::LastUpdated { from, before };
    let outside = |from, before| Criterion::Not(Box::new(Criterion::LastUpdated { from, before }));
    let check = |criteria: Vec<Criterion>, expected: Vec<String>| {
        let plan = with(all_of(only(PATIENT)), &criteria);
        assert_eq!(found(&now, &plan), expected, "{plan:?}");
        assert_eq!(now.count(&plan).unwrap(), expected.len() as u64);
        let plan = SearchPlan { descending: true, ..plan };
        assert_eq!(found(&now, &plan), expected.into_iter().rev().collect::<Vec<_>>());
    };
    check(vec![within(Some(time(5)), Some(time(8)))], numbered(5..8));
    check(vec![within(Some(after(time(5))), Some(after(time(8))))], numbered(6..9));
    check(vec![within(None, Some(time(3)))], numbered(0..3));
    check(vec![within(Some(time(22)), None)], numbered(22..25));
    check(vec![within(None, None)], numbered(0..25));
    check(vec![within(Some(time(8)), Some(time(8)))], vec![]);
    check(vec![within(Some(after(time(24))), None)], vec![]);
    check(vec![within(None, Some(time(0)))], vec![]);
    check(vec![outside(Some(time(5)), Some(time(23)))], numbered((0..5).chain(23..25)));
    check(vec![outside(None, None)], vec![]);
    check(vec![outside(Some(time(8)), Some(time(8)))], numbered(0..25));
    let both = vec![within(Some(time(3)), Some(time(9))), outside(Some(time(5)), Some(time(7)))];
    check(both, numbered([3, 4, 7, 8].into_iter()));
    let ids = Criterion::Ids(vec![id("p4"), id("p20")]);
    check(vec![ids, within(Some(time(5)), None)], numbered([20].into_iter()));
}

#[test]
fn snapshots_exist_from_nothing_to_the_latest_commit() {
    let world = World::new();
    world.run(put(patient("p"), "one"));
    world.run(put(patient("p"), "two"));
    let at = |number| world.store.snapshot_at(SnapshotNumber(number)).unwrap();
    assert_eq!(found(&at(0).unwrap(), &all_of(both())), Vec::<String>::new());
    assert_eq!(body_of(&at(1).unwrap(), &patient("p")).as_deref(), Some("one"));
    assert_eq!(body_of(&at(2).unwrap(), &patient("p")).as_deref(), Some("two"));
    assert!(at(3).is_none());
    assert_eq!(at(1).unwrap().version(&patient("p"), 2).unwrap(), None);
}

#[test]
fn counts_of_whole_types_agree_with_walking() {
    let world = World::new();
    twenty_five(&world);
    for text in ["p3", "p4"] {
        world.run(delete(patient(text)));
    }
    world.run(put(patient("p3"), "back"));
    world.run(put(observation("o"), "x"));
    let now = world.store.snapshot();
    assert_eq!(now.count(&all_of(only(PATIENT))).unwrap(), 24);
    assert_eq!(now.count(&all_of(both())).unwrap(), 25);
    world.run(put(observation("later"), "x"));
    assert_eq!(now.count(&all_of(both())).unwrap(), 25, "walked, since it is no longer the latest");
}
