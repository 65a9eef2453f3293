//! Dictionaries: made of what is stored, used for what is stored next, never in the way of reading.

use std::time::Duration;

use store::*;

use crate::world::*;

/// All of the bodies, as a test may.
fn everything(samples: &[Sample]) -> Vec<Vec<u8>> {
    samples.iter().map(|sample| sample.body.clone()).collect()
}

/// A store of its own in the place of the world's.
fn with(sampler: Option<Sampler>) -> (World, Store) {
    let world = World::new();
    let store = Store::open(
        &world.folder.path().join("own"),
        StoreOptions { sampler, ..StoreOptions::default() },
    );
    (world, store.unwrap())
}

fn body(number: usize) -> String {
    format!(r#"{{"resourceType":"Patient","active":true,"name":[{{"family":"Number {number}"}}]}}"#)
}

/// Stores bodies as a server does.
fn store_some(store: &Store, of: TypeId, numbers: std::ops::Range<usize>) {
    for some in numbers.collect::<Vec<_>>().chunks(64) {
        let operations = some.iter().map(|&number| {
            let key = Key { resource_type: of, id: id(&format!("n{number}")) };
            let dictionary = store.dictionary(of);
            let hash = u128::try_from(number).unwrap().to_be_bytes();
            let text = body(number);
            let content = Content::compress(text.as_bytes(), hash, [3; 12], dictionary.as_deref());
            Operation::Put { key, condition: PutCondition::Absent, content: content.unwrap() }
        });
        let commit = Commit { operations: operations.collect(), guards: Vec::new() };
        RUNTIME.block_on(store.commit(commit)).unwrap();
    }
}

fn read_back(store: &Store, of: TypeId, numbers: std::ops::Range<usize>) {
    let snapshot = store.snapshot();
    for number in numbers {
        let key = Key { resource_type: of, id: id(&format!("n{number}")) };
        let version = snapshot.current(&key).unwrap().unwrap();
        assert_eq!(version.body, body(number).as_bytes());
    }
}

/// Waits until the thread beside has done its work.
fn until(what: impl Fn() -> bool) {
    let looking = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    let most = Duration::from_secs(60);
    RUNTIME.block_on(async { tokio::time::timeout(most, looking).await }).unwrap();
}

#[test]
fn a_type_gets_a_dictionary_of_its_own_and_everything_stays_readable() {
    let (world, store) = with(Some(everything));
    store_some(&store, OBSERVATION, 0..10);
    store_some(&store, PATIENT, 0..1_100);
    until(|| store.statistics().unwrap().dictionaries == 1);
    assert!(store.dictionary(OBSERVATION).is_none());
    store_some(&store, PATIENT, 1_100..1_200);
    let dictionary = store.dictionary(PATIENT);
    let [without, with] = [None, dictionary.as_deref()].map(|dictionary| {
        let content = Content::compress(body(7).as_bytes(), [0; 16], [0; 12], dictionary);
        format!("{:?}", content.unwrap()).len()
    });
    assert!(with < without, "{with} is no less than {without}");
    let all_is_there = |store: &Store| {
        read_back(store, PATIENT, 0..1_200);
        read_back(store, OBSERVATION, 0..10);
        assert_eq!(store.check(), Vec::<String>::new());
    };
    all_is_there(&store);
    let (copy, restored) = (world.folder.path().join("copy"), world.folder.path().join("restored"));
    store.backup(&copy).unwrap();
    drop(store);
    restore(&copy, &restored).unwrap();
    for path in [world.folder.path().join("own"), restored] {
        // Also by who makes none.
        let store = Store::open(&path, StoreOptions::default()).unwrap();
        all_is_there(&store);
        assert!(store.dictionary(PATIENT).is_some());
        store_some(&store, PATIENT, 1_200..1_300);
        read_back(&store, PATIENT, 1_200..1_300);
    }
}

#[test]
fn resources_that_were_there_before_are_what_it_is_made_of() {
    let (world, store) = with(None);
    store_some(&store, PATIENT, 0..1_500);
    assert!(store.dictionary(PATIENT).is_none());
    drop(store);
    let options = StoreOptions { sampler: Some(everything), ..StoreOptions::default() };
    let store = Store::open(&world.folder.path().join("own"), options).unwrap();
    store_some(&store, PATIENT, 1_500..1_501);
    until(|| store.statistics().unwrap().dictionaries == 1);
    read_back(&store, PATIENT, 0..1_501);
}

#[test]
fn only_what_the_sampler_gives_is_kept() {
    fn nothing_of_them(bodies: &[Sample]) -> Vec<Vec<u8>> {
        (0..bodies.len()).map(|_| br#"{"resourceType":"Patient","active":true,"#.to_vec()).collect()
    }
    let (world, store) = with(Some(nothing_of_them));
    store_some(&store, PATIENT, 0..1_100);
    until(|| store.statistics().unwrap().dictionaries == 1);
    let keys =
        (0..1_100).map(|number| Key { resource_type: PATIENT, id: id(&format!("n{number}")) });
    let operations = keys.map(|key| Operation::HardDelete { key }).collect();
    RUNTIME.block_on(store.commit(Commit { operations, guards: Vec::new() })).unwrap();
    let copy = world.folder.path().join("copy");
    store.backup(&copy).unwrap();
    let bytes = std::fs::read(copy.join("data.mdb")).unwrap();
    let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(has(b"\"active\":true"), "the dictionary is there");
    assert!(!has(b"Number "), "nothing else of a body is");
}
