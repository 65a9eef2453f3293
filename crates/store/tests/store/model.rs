//! Random lives of a store against a naive model of it: a list of all versions ever written.

use std::collections::BTreeMap;

use proptest::prelude::*;
use store::*;

use crate::world::*;

#[derive(Clone, Debug)]
enum Event {
    Put(Key, u8),
    PutAt(Key, u64, u8),
    PutNew(Key, u8),
    Delete(Key),
    HardDelete(Key),
    PurgeHistory(Key),
    PutAndForget(Key, u8),
}

/// A version as the model remembers it; no body is a deletion.
#[derive(Clone, PartialEq, Debug)]
struct Told {
    key: Key,
    number: u64,
    commit: u64,
    body: Option<String>,
}

#[derive(Default)]
struct Model {
    versions: Vec<Told>,
    commits: u64,
}

impl Model {
    fn current(&self, key: &Key, at: u64) -> Option<&Told> {
        self.versions.iter().rev().find(|it| it.key == *key && it.commit <= at)
    }

    /// What the commit should come to: whether it is accepted.
    fn commit(&mut self, events: &[Event]) -> bool {
        let next = self.commits + 1;
        let mut trial = self.versions.clone();
        let (mut written, mut purged) = (Vec::new(), false);
        for event in events {
            let (Event::Put(key, _)
            | Event::PutAt(key, _, _)
            | Event::PutNew(key, _)
            | Event::Delete(key)
            | Event::HardDelete(key)
            | Event::PurgeHistory(key)
            | Event::PutAndForget(key, _)) = event;
            if !matches!(event, Event::PurgeHistory(_)) {
                if written.contains(key) {
                    return false;
                }
                written.push(*key);
            }
            let before = trial.iter().rev().find(|it| it.key == *key).cloned();
            let live = before.as_ref().and_then(|it| it.body.clone());
            let number = before.as_ref().map_or(0, |it| it.number);
            let mut append = |body| {
                trial.push(Told { key: *key, number: number + 1, commit: next, body });
            };
            match event {
                Event::PutAt(_, wanted, _) if live.is_none() || *wanted != number => return false,
                Event::PutNew(..) if live.is_some() => return false,
                Event::Put(_, body) | Event::PutAt(_, _, body) | Event::PutNew(_, body) => {
                    let body = Some(format!("body {body}"));
                    if live != body {
                        append(body);
                    }
                }
                Event::Delete(_) if live.is_some() => append(None),
                Event::Delete(_) => {}
                Event::HardDelete(_) => trial.retain(|it| it.key != *key),
                Event::PurgeHistory(_) => {
                    trial.retain(|it| it.key != *key || it.number == number);
                    purged |= number > 1;
                }
                Event::PutAndForget(_, body) => {
                    let body = Some(format!("body {body}"));
                    if live != body {
                        append(body);
                        trial.retain(|it| it.key != *key || it.number != number);
                    }
                }
            }
        }
        if purged || trial != self.versions {
            (self.versions, self.commits) = (trial, next);
        }
        true
    }

    fn listed(&self, at: u64, resource_type: Option<TypeId>) -> Vec<Told> {
        let is_current = |it: &&Told| self.current(&it.key, at) == Some(*it);
        let chosen = |it: &&Told| resource_type.is_none_or(|one| it.key.resource_type == one);
        let listed = self.versions.iter().filter(is_current).filter(chosen);
        listed.filter(|it| it.body.is_some()).cloned().collect()
    }
}

fn operations(event: &Event) -> Vec<Operation> {
    let body = |number: &u8| format!("body {number}");
    let purge = |key: &Key, which| Operation::PurgeHistory { key: *key, which };
    vec![match event {
        Event::PurgeHistory(key) => purge(key, Purged::AllButCurrent),
        Event::PutAndForget(key, number) => {
            return vec![put(*key, &body(number)), purge(key, Purged::Replaced)];
        }
        Event::Put(key, number) => put(*key, &body(number)),
        Event::PutAt(key, at, number) => put_if(*key, PutCondition::Version(*at), &body(number)),
        Event::PutNew(key, number) => put_if(*key, PutCondition::NotExists, &body(number)),
        Event::Delete(key) => delete(*key),
        Event::HardDelete(key) => Operation::HardDelete { key: *key },
    }]
}

fn any_event() -> impl Strategy<Value = Event> {
    let key = || {
        (1..3_u16, 0..5_u8).prop_map(|(resource_type, number)| Key {
            resource_type: TypeId(resource_type),
            id: id(&format!("id{number}")),
        })
    };
    prop_oneof![
        6 => (key(), 0..4_u8).prop_map(|(key, body)| Event::Put(key, body)),
        2 => (key(), 1..4_u64, 0..4_u8).prop_map(|(key, at, body)| Event::PutAt(key, at, body)),
        1 => (key(), 0..4_u8).prop_map(|(key, body)| Event::PutNew(key, body)),
        3 => key().prop_map(Event::Delete),
        1 => key().prop_map(Event::HardDelete),
        1 => key().prop_map(Event::PurgeHistory),
        2 => (key(), 0..4_u8).prop_map(|(key, body)| Event::PutAndForget(key, body)),
    ]
}

fn tell(snapshot: &Snapshot, rids: &[Rid]) -> Vec<(Key, u64, Option<String>)> {
    let versions = snapshot.versions(rids).unwrap().into_iter();
    let told = versions.map(|it| {
        let body = (!it.is_deletion()).then(|| String::from_utf8(it.body.to_vec()).unwrap());
        (it.key, it.number, body)
    });
    told.collect()
}

fn strip(told: Vec<Told>) -> Vec<(Key, u64, Option<String>)> {
    told.into_iter().map(|it| (it.key, it.number, it.body)).collect()
}

fn compare(world: &World, model: &Model, at: u64) {
    let snapshot = world.store.snapshot_at(SnapshotNumber(at)).unwrap().unwrap();
    for resource_type in [None, Some(TypeId(1)), Some(TypeId(2))] {
        let plan = all_of(resource_type.map_or_else(both, only));
        let expected = strip(model.listed(at, resource_type));
        assert_eq!(tell(&snapshot, &snapshot.search(&plan).unwrap().rids), expected);
        assert_eq!(snapshot.count(&plan).unwrap(), expected.len() as u64);
        let mut upwards = Vec::new();
        let mut paged = SearchPlan { most: 2, ..plan };
        loop {
            let page = snapshot.search(&paged).unwrap();
            upwards.extend(tell(&snapshot, &page.rids));
            paged.after = page.rids.last().copied();
            if !page.more {
                break;
            }
        }
        assert_eq!(upwards, expected);
    }
    let mut all = model.versions.iter().filter(|it| it.commit <= at).cloned().collect::<Vec<_>>();
    all.reverse();
    let system = snapshot.history(&HistoryPlan::of(HistoryOf::System), None, 1_000).unwrap();
    assert_eq!(tell(&snapshot, &system.rids), strip(all.clone()));
    let mut by_key = BTreeMap::<Key, Vec<Told>>::new();
    for told in all {
        by_key.entry(told.key).or_default().push(told);
    }
    for (key, told) in by_key {
        let of = HistoryPlan::of(HistoryOf::Instance(key));
        let page = snapshot.history(&of, None, 1_000).unwrap();
        assert_eq!(tell(&snapshot, &page.rids), strip(told.clone()));
        let current = snapshot.current(&key).unwrap().unwrap();
        assert_eq!(
            (current.number, current.is_deletion()),
            (told[0].number, told[0].body.is_none())
        );
        for number in 0..told[0].number + 2 {
            let found = snapshot.version(&key, number).unwrap().map(|it| it.number);
            assert_eq!(found, told.iter().any(|it| it.number == number).then_some(number));
        }
        let of = HistoryPlan { ascending: true, ..of };
        let page = snapshot.history(&of, None, 1_000).unwrap();
        assert_eq!(tell(&snapshot, &page.rids), strip(told.into_iter().rev().collect()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(
        commits in prop::collection::vec(prop::collection::vec(any_event(), 1..4), 1..40),
    ) {
        let mut world = World::new();
        let mut model = Model::default();
        for events in &commits {
            let accepted = model.commit(events);
            let committed = world.commit(events.iter().flat_map(operations).collect());
            prop_assert_eq!(committed.is_ok(), accepted);
            prop_assert_eq!(world.store.snapshot().number().0, model.commits);
        }
        for reopened in [false, true] {
            for at in [0, model.commits / 3, model.commits * 2 / 3, model.commits] {
                compare(&world, &model, at);
            }
            world.sound();
            if !reopened {
                world = world.reopened();
            }
        }
    }
}
