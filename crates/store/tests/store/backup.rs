//! Backups are consistent, taken while writes go on, and restored with checks.

use std::fs;

use store::*;

use crate::world::*;

#[test]
fn a_backup_taken_while_writing_is_one_moment_of_the_store() {
    let world = World::new();
    let to = world.folder.path().join("backup");
    RUNTIME.block_on(async {
        let store = world.store.clone();
        let writer = tokio::spawn(async move {
            for number in 0..300 {
                let body = format!("{number}");
                let operations = vec![put(patient("left"), &body), put(patient("right"), &body)];
                store.commit(Commit { operations, ..Commit::default() }).await.unwrap();
            }
        });
        let (store, to) = (world.store.clone(), to.clone());
        tokio::task::spawn_blocking(move || store.backup(&to)).await.unwrap().unwrap();
        writer.await.unwrap();
    });
    let restored = world.folder.path().join("restored");
    restore(&to, &restored).unwrap();
    let copy = Store::open(&restored, options(&world.clock)).unwrap();
    assert_eq!(copy.check(), Vec::<String>::new());
    assert_eq!(copy.guid(), world.store.guid());
    let now = copy.snapshot();
    assert!(now.number() <= world.store.snapshot().number());
    assert_eq!(body_of(&now, &patient("left")), body_of(&now, &patient("right")));
    assert_eq!(world.store.snapshot().number().0, 300);
}

#[test]
fn a_restored_store_goes_on_where_the_backup_was() {
    let world = World::new();
    world.run(put(patient("p"), "one"));
    let to = world.folder.path().join("backup");
    world.store.backup(&to).unwrap();
    assert_eq!(fs::read_dir(&to).unwrap().count(), 1, "one file");
    world.run(put(patient("p"), "two"));
    let restored = world.folder.path().join("restored");
    restore(&to, &restored).unwrap();
    let copy = Store::open(&restored, options(&world.clock)).unwrap();
    assert_eq!(body_of(&copy.snapshot(), &patient("p")).as_deref(), Some("one"));
    let put = Commit::of(put(patient("p"), "other"));
    let outcome = RUNTIME.block_on(copy.commit(put)).unwrap().outcomes[0];
    assert!(matches!(outcome, Outcome::Updated(it) if it.number == 2));
}

#[test]
fn nothing_is_overwritten_and_nothing_wrong_is_restored() {
    let world = World::new();
    world.run(put(patient("p"), "one"));
    let to = world.folder.path().join("backup");
    world.store.backup(&to).unwrap();
    assert!(world.store.backup(&to).is_err(), "the folder is no longer empty");

    let empty = world.folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let full = world.folder.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("note"), "mine").unwrap();
    let why = |from: &std::path::Path, to: &std::path::Path| restore(from, to).err().unwrap().why;
    assert!(matches!(why(&to, &full), OpenFailure::NotEmpty));
    assert!(matches!(why(&empty, &full.join("new")), OpenFailure::NotAStore(_)));
    assert!(matches!(why(&world.path(), &empty), OpenFailure::Held { .. }));

    fs::write(to.join("data.mdb"), [7; 50_000]).unwrap();
    let target = world.folder.path().join("target");
    assert!(matches!(why(&to, &target), OpenFailure::NotAStore(_)));
    assert!(!target.join("data.mdb").exists(), "no store is left behind");
}
