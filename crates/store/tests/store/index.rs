//! The life of the index: rows gather in memory, go into their table, are made again when the store
//! is opened in the middle of that, and are taken out.

use base::Timestamp;
use proptest::prelude::*;
use store::*;

use crate::world::*;

const WORDS: &[&str] = &["ann", "bob", "carl"];

#[derive(Clone, Debug)]
enum Event {
    /// So many resources of one commit, from one on, get these words.
    Put(usize, usize, Vec<&'static str>),
    Purge(usize),
    Vacuum,
    Reindex(usize),
    Reopen,
}

fn event() -> impl Strategy<Value = Event> {
    let words = prop::sample::subsequence(WORDS, 0..=WORDS.len());
    prop_oneof![
        12 => (0..40_usize, 1..30_usize, words).prop_map(|it| Event::Put(it.0, it.1, it.2)),
        1 => (0..40_usize).prop_map(Event::Purge),
        1 => Just(Event::Vacuum),
        1 => (0..40_usize).prop_map(Event::Reindex),
        4 => Just(Event::Reopen),
    ]
}

fn key(place: usize) -> Key {
    patient(&format!("p{}", place % 40))
}

/// Gives a resource the values that it has.
fn reindex(world: &World, key: Key) {
    let now = world.store.snapshot();
    let Some(version) = now.current(&key).unwrap().filter(|it| !it.is_deletion()) else { return };
    let content = content(std::str::from_utf8(&version.body).unwrap());
    let indexed =
        Indexed { rid: version.rid, forward: content.forward().clone(), compartments: Vec::new() };
    world.store.reindex(&[indexed]).unwrap();
}

#[test]
fn a_version_that_gets_its_values_late_stays_one_row_of_a_key_that_older_ones_have() {
    let world = World::new();
    world.run(put(patient("old"), "ann"));
    let nothing = content("ann").with_values(Forward::default(), Vec::new());
    let (key, condition) = (patient("late"), PutCondition::Any);
    world.run(Operation::Put { key, condition, content: nothing });
    reindex(&world, key);
    let world = world.reopened();
    world.commit((0..9).map(|place| put(self::key(place), "ann bob carl")).collect()).unwrap();
    world.run(put(patient("other"), "ann"));
    // What is taken out makes all rows go into the table.
    world.run(Operation::HardDelete { key: patient("other") });
    found_by_their_words(&world.store.snapshot());
    world.sound();
    world.run(Operation::HardDelete { key });
    found_by_their_words(&world.store.snapshot());
    world.sound();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_it_every_word_finds_what_has_it(
        events in prop::collection::vec(event(), 1..40),
    ) {
        let mut world = World::new();
        for event in events {
            world.tick();
            match event {
                Event::Put(first, most, words) => {
                    let body = words.join(" ");
                    let puts = (first..).take(most).map(|place| put(key(place), &body));
                    world.commit(puts.collect()).unwrap();
                }
                Event::Purge(place) => {
                    // Nothing may be there to take out.
                    let _ = world.commit(vec![Operation::HardDelete { key: key(place) }]);
                }
                Event::Vacuum => {
                    let all = Timestamp::from_unix_seconds(4_000_000_000);
                    while world.store.vacuum(all, 9).unwrap() {}
                }
                Event::Reindex(place) => reindex(&world, key(place)),
                Event::Reopen => world = world.reopened(),
            }
            found_by_their_words(&world.store.snapshot());
            world.sound();
        }
    }
}
