//! `kill -9` in the middle of writing: every acknowledged commit is there, none is there in part.

use std::io::{BufRead, BufReader};
use std::sync::Arc;

use base::{Random, SystemRandom, TestClock, Timestamp};
use store::*;

use crate::child;
use crate::world::*;

/// Clients of the child that write at the same time.
const CLIENTS: usize = 4;

/// Commit `number` of a client puts a patient and two observations, updates one resource that all
/// share, and deletes what the commit before made second.
pub(crate) fn operations(name: &str, number: u32) -> Vec<Operation> {
    let at = |suffix: &str| observation(&format!("{name}-{number}-{suffix}"));
    let mut operations = vec![
        put(patient(&format!("{name}-{number}")), "patient"),
        put(at("a"), &format!("observation of {name}")),
        put(at("b"), &"long ".repeat(2_000)),
        put(patient("shared"), &format!("{name}-{number}")),
    ];
    if number > 0 {
        operations.push(delete(observation(&format!("{name}-{}-b", number - 1))));
    }
    operations
}

/// Only the child runs this: it writes until it is killed, and tells what was acknowledged.
#[test]
fn child_writes_until_killed() {
    let Some(folder) = child::folder() else { return };
    let generation = child::setting("FIREKEEP_STORE_GENERATION").unwrap_or_default();
    let store = Store::open(&folder, options(&base_clock())).unwrap();
    let start = store.snapshot().number().0;
    RUNTIME.block_on(async {
        let clients = (0..CLIENTS).map(|client| {
            let (store, name) = (store.clone(), format!("g{generation}{start}-{client}"));
            tokio::spawn(async move {
                for number in 0.. {
                    let operations = operations(&name, number);
                    store.commit(Commit { operations, ..Commit::default() }).await.unwrap();
                    child::tell(&format!("stored {name} {number}"));
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
    });
}

pub(crate) fn base_clock() -> TestClock {
    TestClock::at(Timestamp::from_unix_seconds(1_800_000_000))
}

/// Lets a child write until `lines` commits are acknowledged, kills it, and gives all that it told.
fn killed_after(folder: &std::path::Path, lines: usize) -> Vec<(String, u32)> {
    let mut child = child::of_test("crash::child_writes_until_killed", folder, &[]);
    let mut told = Vec::new();
    let out = BufReader::new(child.stdout.take().unwrap());
    for line in out.lines() {
        // A line that was cut short by the kill is not an acknowledgement.
        let line = line.unwrap_or_default();
        // The first line of a test shares its line with the name that the test harness prints.
        let Some((_, acknowledged)) = line.split_once("stored ") else { continue };
        let Some((name, number)) = acknowledged.split_once(' ') else { continue };
        told.push((name.to_owned(), number.parse().unwrap()));
        if told.len() == lines {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(told.len() >= lines, "the child stopped after {} commits", told.len());
    told
}

#[test]
fn acknowledged_commits_survive_kill_9_and_none_is_there_in_part() {
    let rounds = child::setting("FIREKEEP_KILLS").map_or(5, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for _ in 0..rounds {
        let mut random = [0; 1];
        SystemRandom.fill(&mut random);
        acknowledged.extend(killed_after(folder.path(), 1 + usize::from(random[0])));

        let store = Store::open(folder.path(), options(&base_clock())).unwrap();
        assert_eq!(store.check(), Vec::<String>::new());
        let now = store.snapshot();
        for (name, number) in &acknowledged {
            is_whole(&now, name, *number);
        }
        none_in_part(&now);
        found_by_their_words(&now);
    }
}

pub(crate) fn is_whole(snapshot: &Snapshot, name: &str, number: u32) {
    let live = |key: &Key| snapshot.current(key).unwrap().is_some_and(|it| !it.is_deletion());
    for operation in operations(name, number) {
        match operation {
            Operation::Put { key, .. } => {
                let exists = snapshot.version(&key, 1).unwrap().is_some();
                assert!(exists, "{key:?} of {name} {number} is missing");
            }
            Operation::Delete { key, .. } => assert!(!live(&key), "{key:?} is back"),
            Operation::HardDelete { .. }
            | Operation::PurgeHistory { .. }
            | Operation::Expect { .. } => unreachable!(),
        }
    }
}

/// Walks the history: what belongs to one commit has one time, and is complete.
fn none_in_part(snapshot: &Snapshot) {
    let plan = HistoryPlan::of(HistoryOf::Instance(patient("shared")));
    let mut after = None;
    loop {
        let page = snapshot.history(&plan, after, 500).unwrap();
        for version in snapshot.versions(&page.rids).unwrap() {
            let body = String::from_utf8(version.body.to_vec()).unwrap();
            let (name, number) = body.rsplit_once('-').unwrap();
            is_whole(snapshot, name, number.parse().unwrap());
            let sibling = snapshot.version(&patient(&body), 1).unwrap().unwrap();
            assert_eq!(sibling.last_updated, version.last_updated);
        }
        after = page.rids.last().copied();
        if !page.more {
            break;
        }
    }
    let patients = snapshot.count(&all_of(only(PATIENT))).unwrap();
    let shared = snapshot.count_history(&plan).unwrap();
    assert_eq!(patients, shared + 1, "one patient per commit, and the shared one");
}

#[test]
fn a_killed_process_leaves_no_lock_behind() {
    let folder = tempfile::tempdir().unwrap();
    killed_after(folder.path(), 1);
    let clock: Arc<dyn base::Clock> = Arc::new(base_clock());
    let options = StoreOptions { clock, ..StoreOptions::default() };
    Store::open(folder.path(), options).unwrap();
}
