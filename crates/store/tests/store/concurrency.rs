//! Many clients at once.

use std::collections::BTreeSet;

use store::*;

use crate::world::*;

#[test]
fn clients_share_syncs_and_none_is_lost() {
    let world = World::new();
    RUNTIME.block_on(async {
        let clients = (0..32).map(|client| {
            let store = world.store.clone();
            tokio::spawn(async move {
                for number in 0..20 {
                    let key = patient(&format!("c{client}-{number}"));
                    let operation = put_if(key, PutCondition::Absent, "body");
                    let committed = store.commit(Commit::of(operation)).await.unwrap();
                    // Its own write is in the snapshot it is answered with, and in the latest.
                    assert!(committed.snapshot.current(&key).unwrap().is_some());
                    assert!(store.snapshot().number() >= committed.snapshot.number());
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
    });
    let statistics = world.store.statistics().unwrap();
    assert_eq!((statistics.commits, statistics.versions), (640, 640));
    assert!(statistics.groups < statistics.commits, "{statistics:?}");
    assert_eq!(statistics.readers, 0, "no snapshot holds a transaction");
    assert_eq!(world.store.snapshot().count(&all_of(both())).unwrap(), 640);
    world.sound();
}

#[test]
fn clients_that_race_for_one_resource_make_every_version_once() {
    let world = World::new();
    world.run(put(patient("p"), "0"));
    let won = RUNTIME.block_on(async {
        let clients = (0..16).map(|client| {
            let store = world.store.clone();
            tokio::spawn(async move {
                let mut won = Vec::new();
                while won.len() < 8 {
                    let seen = store.snapshot().current(&patient("p")).unwrap().unwrap().number;
                    let body = format!("{client}/{seen}");
                    let put = put_if(patient("p"), PutCondition::Version(seen), &body);
                    match store.commit(Commit::of(put)).await {
                        Ok(_) => won.push(seen + 1),
                        Err(Rejected::At { why: Refused::VersionMismatch { current }, .. }) => {
                            assert!(current > seen);
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
                won
            })
        });
        let mut won = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            won.extend(client.await.unwrap());
        }
        won
    });
    assert_eq!(won.len(), 128);
    assert_eq!(won.into_iter().collect::<BTreeSet<_>>(), (2..130).collect());
    world.sound();
}

#[test]
fn racing_creates_of_one_id_make_one_resource() {
    let world = World::new();
    let made = RUNTIME.block_on(async {
        let clients = (0..16).map(|client| {
            let store = world.store.clone();
            let put = put_if(patient("p"), PutCondition::NotExists, &format!("{client}"));
            tokio::spawn(async move { store.commit(Commit::of(put)).await.is_ok() })
        });
        let mut made = 0;
        for client in clients.collect::<Vec<_>>() {
            made += usize::from(client.await.unwrap());
        }
        made
    });
    assert_eq!(made, 1);
}

#[test]
fn readers_see_whole_commits_while_others_write() {
    let world = World::new();
    let pair = |number: u32| {
        let body = format!("{number}");
        vec![put(patient("left"), &body), put(patient("right"), &body)]
    };
    world.commit(pair(0)).unwrap();
    RUNTIME.block_on(async {
        let store = world.store.clone();
        let readers = (0..4).map(|_| {
            let store = store.clone();
            tokio::task::spawn_blocking(move || {
                loop {
                    let snapshot = store.snapshot();
                    let left = body_of(&snapshot, &patient("left")).unwrap();
                    assert_eq!(body_of(&snapshot, &patient("right")).as_ref(), Some(&left));
                    assert_eq!(found(&snapshot, &all_of(both())), ["left", "right"]);
                    if left == "200" {
                        break;
                    }
                }
            })
        });
        let readers = readers.collect::<Vec<_>>();
        for number in 1..=200 {
            store.commit(Commit { operations: pair(number), ..Commit::default() }).await.unwrap();
        }
        for reader in readers {
            reader.await.unwrap();
        }
    });
    world.sound();
}

#[test]
fn a_closed_store_finishes_what_is_queued_and_takes_no_more() {
    let world = World::new();
    RUNTIME.block_on(async {
        let writes = (0..20).map(|number| {
            let store = world.store.clone();
            let put = put(patient(&format!("p{number}")), "x");
            let commit = async move { store.commit(Commit::of(put)).await };
            tokio::spawn(commit)
        });
        let writes = writes.collect::<Vec<_>>();
        let mut stored = 0;
        tokio::task::spawn_blocking({
            let store = world.store.clone();
            move || store.close()
        })
        .await
        .unwrap();
        for write in writes {
            match write.await.unwrap() {
                Ok(_) => stored += 1,
                Err(Rejected::Closed) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(world.store.snapshot().count(&all_of(both())).unwrap(), stored);
    });
    let late = world.commit(vec![put(patient("late"), "x")]);
    assert!(matches!(late, Err(Rejected::Closed)));
}
