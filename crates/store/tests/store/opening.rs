//! What is no store is refused by name, and never harmed.

use std::fs;

use store::control::ControlStore;
use store::*;

use crate::world::*;

fn failure(path: &std::path::Path) -> OpenFailure {
    let error = Store::open(path, StoreOptions::default()).err().unwrap();
    assert!(error.to_string().contains(". "), "the text says what to do: {error}");
    error.why
}

#[test]
fn a_store_is_opened_once() {
    let world = World::new();
    let pid = std::process::id();
    assert!(matches!(failure(&world.path()), OpenFailure::Held { pid: Some(it) } if it == pid));
    let dotted = world.path().join("..").join("fhir");
    assert!(matches!(failure(&dotted), OpenFailure::Held { .. }));
    let snapshot = world.store.snapshot();
    let World { folder, store, clock } = world;
    drop(store);
    let path = folder.path().join("fhir");
    assert!(matches!(failure(&path), OpenFailure::Held { .. }), "a snapshot still reads from it");
    drop(snapshot);
    Store::open(&path, options(&clock)).unwrap();
}

#[test]
fn a_folder_with_its_parents_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b/c");
    drop(Store::open(&deep, StoreOptions::default()).unwrap());
    assert!(deep.join("data.mdb").is_file());
}

#[test]
fn a_file_that_is_not_lmdb_is_not_a_store() {
    for bytes in [&b"{}"[..], &[0x41; 100_000], &[0; 100_000]] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.mdb");
        fs::write(&file, bytes).unwrap();
        assert!(matches!(failure(folder.path()), OpenFailure::NotAStore(_)));
        assert_eq!(fs::read(&file).unwrap(), bytes, "it is left as it was");
    }
}

#[test]
fn a_file_that_was_cut_short_is_damaged() {
    let world = World::new();
    for number in 0..50 {
        world.run(put(patient(&format!("p{number}")), &"long ".repeat(20_000)));
    }
    let World { folder, store, .. } = world;
    drop(store);
    let path = folder.path().join("fhir");
    let file = fs::OpenOptions::new().write(true).open(path.join("data.mdb")).unwrap();
    file.set_len(3 * 4096).unwrap();
    assert!(matches!(failure(&path), OpenFailure::Unreadable(_)));
}

#[test]
fn the_two_kinds_of_environment_are_not_mixed_up() {
    let folder = tempfile::tempdir().unwrap();
    drop(ControlStore::open(folder.path(), StoreOptions::default()).unwrap());
    let why = failure(folder.path());
    assert!(
        matches!(&why, OpenFailure::OtherKind { found, expected: "service" } if found == "control"),
        "{why}"
    );
    let world = World::new();
    let World { folder, store, .. } = world;
    drop(store);
    let control = ControlStore::open(&folder.path().join("fhir"), StoreOptions::default());
    assert!(matches!(control.err().unwrap().why, OpenFailure::OtherKind { .. }));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_io_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Store::open(&file.join("below"), StoreOptions::default()).err().unwrap();
    assert!(matches!(error.why, OpenFailure::Io { .. }), "{error}");
}
