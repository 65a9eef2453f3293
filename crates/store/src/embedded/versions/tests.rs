//! What is asked of versions, of a store as it is written now and of one that also has the rows
//! that older formats wrote.

use std::sync::Arc;

use base::{TestClock, Timestamp};
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::tables::{META, META_FORMAT};
use super::*;
use crate::{
    Commit, Content, HistoryOf, HistoryPlan, Operation, Purged, PutCondition, ResourceId,
    SnapshotNumber, Store, StoreOptions, TypeId, VersionHead,
};

fn key(id: &str) -> Key {
    Key { resource_type: TypeId(3), id: ResourceId::new(id).unwrap() }
}

fn put(id: &str, body: &str) -> Operation {
    let hash = body.bytes().fold([0; 16], |hash, byte| hash.map(|it: u8| it.wrapping_add(byte)));
    let content = Content::compress(body.as_bytes(), hash, [0; 12], None).unwrap();
    Operation::Put { key: key(id), condition: PutCondition::Any, content }
}

fn delete(id: &str) -> Operation {
    Operation::Delete { key: key(id), condition: None }
}

fn hard_delete(id: &str) -> Operation {
    Operation::HardDelete { key: key(id) }
}

fn purge(id: &str, which: Purged) -> Operation {
    Operation::PurgeHistory { key: key(id), which }
}

/// A store whose clock stands still, so that two of them that do the same hold the same.
struct World {
    folder: TempDir,
    store: Store,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Self::open(&folder);
        Self { folder, store }
    }

    fn open(folder: &TempDir) -> Store {
        let clock = Arc::new(TestClock::at(Timestamp::from_unix_seconds(1_800_000_000)));
        let options = StoreOptions { clock, map_bytes: 16 << 20, ..StoreOptions::default() };
        Store::open(folder.path(), options).unwrap()
    }

    fn reopened(self) -> Self {
        let Self { folder, store } = self;
        drop(store);
        let store = Self::open(&folder);
        Self { folder, store }
    }

    fn commit(&self, operations: &[Operation]) {
        let commit = Commit { operations: operations.to_vec(), guards: Vec::new() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.store.commit(commit)).unwrap();
    }

    fn lived(commits: &[&[Operation]]) -> Self {
        let world = Self::new();
        commits.iter().for_each(|operations| world.commit(operations));
        world
    }

    /// Gives the newest version of every resource the row that formats up to 6 gave it.
    fn grow_old(&self) {
        let grown = self.store.shared.engine.write_growing(|writer| {
            let newest = writer.view().all(CURRENT)?.map(|entry| {
                let rid = read_rid(entry?.1, "current")?;
                Ok(named_row(writer.view(), rid)?.head)
            });
            let newest = newest.collect::<Result<Vec<VersionHead>, Fault>>()?;
            newest.iter().try_for_each(|head| {
                let row = key::of_history(&head.key, head.number);
                writer.put(HISTORY, &row, &key::of_rid(head.rid))
            })?;
            writer.put(META, META_FORMAT, &6_u32.to_be_bytes())
        });
        grown.unwrap();
    }

    fn numbers_in_history(&self) -> Vec<u8> {
        let reader = self.store.shared.engine.read().unwrap();
        let rows = reader.view().all(HISTORY).unwrap();
        rows.map(|row| *row.unwrap().0.last().unwrap()).collect()
    }

    /// What every snapshot answers about the versions of these resources.
    fn answers(&self, ids: &[&str]) -> Vec<String> {
        assert_eq!(self.store.check(), Vec::<String>::new());
        let latest = self.store.snapshot().number().0;
        let mut answers = Vec::new();
        for at in 0..=latest {
            let snapshot = self.store.snapshot_at(SnapshotNumber(at)).unwrap().unwrap();
            for key in ids.iter().map(|id| key(id)) {
                let number = |number| snapshot.version(&key, number).unwrap();
                let numbers = (0..9).map(number).collect::<Vec<_>>();
                answers.push(format!("{at} {key:?} {numbers:?}"));
                answers.push(format!("{at} {key:?} {:?}", snapshot.current(&key).unwrap()));
                let times = numbers.iter().flatten().map(|it| Some(it.last_updated)).chain([None]);
                for (since, ascending) in times.flat_map(|time| [(time, true), (time, false)]) {
                    for only in [None, Some(vec![key])] {
                        let of = HistoryOf::Instance(key);
                        let plan = HistoryPlan { since, ascending, only, ..HistoryPlan::of(of) };
                        let told = self.paged(at, &plan);
                        let count = snapshot.count_history(&plan).unwrap();
                        assert_eq!(count, told.len() as u64, "{plan:?}");
                        answers.push(format!("{at} {key:?} {since:?} {ascending} {told:?}"));
                    }
                }
            }
        }
        answers
    }

    /// All pages of a history.
    fn paged(&self, at: u64, plan: &HistoryPlan) -> Vec<(u64, u64)> {
        let snapshot = self.store.snapshot_at(SnapshotNumber(at)).unwrap().unwrap();
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let page = snapshot.history(plan, after, 2).unwrap();
            let heads = snapshot.heads(&page.rids).unwrap();
            told.extend(heads.iter().map(|head| (head.rid.0, head.number)));
            after = page.rids.last().copied();
            if !page.more {
                return told;
            }
        }
    }
}

#[test]
fn a_version_has_its_row_in_history_once_another_took_its_place() {
    let world = World::lived(&[&[put("p", "1")], &[put("q", "1")]]);
    assert_eq!(world.numbers_in_history(), [0; 0]);
    world.commit(&[put("p", "2")]);
    assert_eq!(world.numbers_in_history(), [1]);
    world.commit(&[delete("p")]);
    assert_eq!(world.numbers_in_history(), [1, 2]);
    world.commit(&[put("p", "4"), purge("p", Purged::AllButCurrent)]);
    assert_eq!(world.numbers_in_history(), [0; 0]);
    world.commit(&[put("p", "5")]);
    assert_eq!(world.numbers_in_history(), [4]);
    world.commit(&[hard_delete("p")]);
    assert_eq!(world.numbers_in_history(), [0; 0]);
}

#[test]
fn each_snapshot_has_the_versions_up_to_its_own() {
    let world =
        World::lived(&[&[put("p", "1")], &[put("p", "2")], &[put("p", "3")], &[delete("p")]]);
    for (at, expected) in
        [(0, &[][..]), (1, &[1]), (2, &[1, 2]), (3, &[1, 2, 3]), (4, &[1, 2, 3, 4])]
    {
        let snapshot = world.store.snapshot_at(SnapshotNumber(at)).unwrap().unwrap();
        let found = (0..9).filter_map(|number| snapshot.version(&key("p"), number).unwrap());
        assert_eq!(found.map(|it| it.number).collect::<Vec<_>>(), expected);
        let current = snapshot.current(&key("p")).unwrap();
        assert_eq!(current.map(|it| it.number), expected.last().copied());
        let numbers = |ascending| {
            let of = HistoryOf::Instance(key("p"));
            let told = world.paged(at, &HistoryPlan { ascending, ..HistoryPlan::of(of) });
            told.iter().map(|it| it.1).collect::<Vec<_>>()
        };
        assert_eq!(numbers(true), expected);
        assert_eq!(numbers(false), expected.iter().rev().copied().collect::<Vec<_>>());
    }
}

#[test]
fn an_older_store_answers_as_a_new_one() {
    let forget = |id| purge(id, Purged::Replaced);
    for after in [
        &[][..],
        &[&[put("p", "3")][..]],
        &[&[put("p", "3")], &[put("p", "4")], &[delete("p")]],
        &[&[delete("p")], &[put("p", "4")]],
        &[&[hard_delete("p")], &[put("p", "anew")]],
        &[&[hard_delete("r")]],
        &[&[purge("p", Purged::AllButCurrent)], &[put("p", "3")]],
        &[&[purge("r", Purged::AllButCurrent)], &[put("r", "3")]],
        &[&[put("p", "3"), forget("p")], &[put("p", "4")]],
        &[&[put("q", "2"), forget("q")]],
        &[&[delete("q"), forget("q"), put("p", "3")]],
    ] {
        let mut worlds = [false, true].map(|is_old| {
            let world = World::lived(&[
                &[put("p", "1"), put("q", "1")],
                &[put("p", "2"), put("r", "1")],
                &[delete("r")],
            ]);
            if !is_old {
                return world;
            }
            world.grow_old();
            assert_eq!(world.numbers_in_history(), [1, 2, 1, 1, 2]);
            world.reopened()
        });
        for _ in 0..2 {
            let [new, old] = &worlds;
            assert_eq!(new.answers(&["p", "q", "r"]), old.answers(&["p", "q", "r"]), "{after:?}");
            after.iter().for_each(|it| worlds.iter().for_each(|world| world.commit(it)));
        }
        worlds = worlds.map(World::reopened);
        let [new, old] = &worlds;
        assert_eq!(new.answers(&["p", "q", "r"]), old.answers(&["p", "q", "r"]), "{after:?}");
        let all = ["p", "q", "r"].map(hard_delete);
        worlds.iter().for_each(|world| world.commit(&all));
        assert_eq!(worlds.map(|world| world.numbers_in_history().len()), [0, 0]);
    }
}

#[test]
fn a_check_tells_what_is_wrong_with_a_history() {
    let lost = |rid| format!("version {rid} is not in its resource's history");
    let rows = |table, found, expected| {
        format!("the table '{table}' has {found} rows, expected are Some({expected})")
    };
    let gone = || "names version 9, which is gone".to_owned();
    let (current, row) = (key::of_current(&key("p")), |number| key::of_history(&key("p"), number));
    for (table, row, names, told) in [
        (HISTORY, row(1), None, lost(1)),
        (HISTORY, row(1), Some(3), lost(1)),
        (HISTORY, row(3), Some(2), lost(3)),
        (HISTORY, row(3), Some(4), lost(3)),
        (HISTORY, row(4), Some(3), rows("history", 3, 2)),
        (HISTORY, row(4), Some(2), "2 is out of order".to_owned()),
        (HISTORY, row(4), Some(9), gone()),
        (CURRENT, current, None, lost(3)),
        (CURRENT, current, Some(1), lost(3)),
        (CURRENT, current, Some(4), rows("current", 2, 1)),
        (CURRENT, current, Some(9), gone()),
    ] {
        let puts = [put("p", "1"), put("p", "2"), put("p", "3"), put("q", "1")];
        let world = World::new();
        puts.into_iter().for_each(|put| world.commit(&[put]));
        let harm = world.store.shared.engine.write_growing(|writer| match names {
            Some(rid) => writer.put(table, &row, &key::of_rid(Rid(rid))),
            None => writer.delete(table, &row).map(drop),
        });
        harm.unwrap();
        let found = world.store.check();
        assert!(found.iter().any(|it| it.contains(&told)), "{told}: {found:?}");
    }
}

fn any_commit() -> impl Strategy<Value = Vec<Operation>> {
    let id = || prop::sample::select(&["p", "q"][..]);
    prop_oneof![
        4 => (id(), "[a-d]").prop_map(|(id, body)| vec![put(id, &body)]),
        2 => id().prop_map(|id| vec![delete(id)]),
        1 => id().prop_map(|id| vec![hard_delete(id)]),
        1 => id().prop_map(|id| vec![purge(id, Purged::AllButCurrent)]),
        2 => (id(), "[a-d]")
            .prop_map(|(id, body)| vec![put(id, &body), purge(id, Purged::Replaced)]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn rows_of_the_newest_change_no_answer_whenever_they_were_written(
        life in prop::collection::vec((any_commit(), any::<bool>()), 1..16),
    ) {
        let (new, old) = (World::new(), World::new());
        for (operations, grows_old) in &life {
            new.commit(operations);
            old.commit(operations);
            if *grows_old {
                old.grow_old();
            }
        }
        prop_assert_eq!(new.answers(&["p", "q"]), old.answers(&["p", "q"]));
    }
}
