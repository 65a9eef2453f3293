//! A store in a temporary folder, with a clock that stands still, and short words for its
//! operations.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base::{TestClock, Timestamp};
use fhir::search::Value;
use store::*;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const PATIENT: TypeId = TypeId(1);
pub(crate) const OBSERVATION: TypeId = TypeId(2);

/// What the words of bodies are found by.
const WORD: ParameterId = ParameterId(90);

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) clock: TestClock,
    pub(crate) store: Store,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_map(1 << 30, 1 << 30)
    }

    pub(crate) fn with_map(map_bytes: usize, map_bytes_most: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::at(Timestamp::from_unix_seconds(1_800_000_000));
        // So few are gathered that small stores sort in both ways.
        let options = StoreOptions {
            clock: Arc::new(clock.clone()),
            map_bytes,
            map_bytes_most,
            gathered_most: 12,
            // Some rows in the table, some in memory.
            tail_rows: 40,
            ..StoreOptions::default()
        };
        let store = Store::open(&folder.path().join("fhir"), options).unwrap();
        Self { folder, clock, store }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("fhir")
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopened(self) -> Self {
        let Self { folder, clock, store } = self;
        drop(store);
        // Another test may be starting a process just now, which holds a copy of the lock until it
        // has become that process.
        let mut tries = 0..10_000;
        let store = loop {
            match Store::open(&folder.path().join("fhir"), options(&clock)) {
                Ok(store) => break store,
                Err(OpenError { why: OpenFailure::Held { .. }, .. }) if tries.next().is_some() => {
                    std::thread::yield_now();
                }
                Err(error) => panic!("{error}"),
            }
        };
        Self { folder, clock, store }
    }

    pub(crate) fn commit(&self, operations: Vec<Operation>) -> Result<Committed, Rejected> {
        RUNTIME.block_on(self.store.commit(Commit { operations, ..Commit::default() }))
    }

    /// One operation that must succeed.
    pub(crate) fn run(&self, operation: Operation) -> Outcome {
        let committed = self.commit(vec![operation]).unwrap();
        assert_eq!(committed.outcomes.len(), 1);
        committed.outcomes[0]
    }

    /// One operation that must be refused.
    pub(crate) fn refused(&self, operation: Operation) -> Refused {
        match self.commit(vec![operation]) {
            Err(Rejected::At { operation: 0, why }) => why,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    pub(crate) fn tick(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    pub(crate) fn sound(&self) {
        assert_eq!(self.store.check(), Vec::<String>::new());
    }
}

pub(crate) fn options(clock: &TestClock) -> StoreOptions {
    let clock = Arc::new(clock.clone());
    let (map_bytes, map_bytes_most) = (1 << 30, 1 << 30);
    StoreOptions { clock, map_bytes, map_bytes_most, tail_rows: 40, ..StoreOptions::default() }
}

pub(crate) fn id(text: &str) -> ResourceId {
    ResourceId::new(text).unwrap()
}

pub(crate) fn patient(text: &str) -> Key {
    Key { resource_type: PATIENT, id: id(text) }
}

pub(crate) fn observation(text: &str) -> Key {
    Key { resource_type: OBSERVATION, id: id(text) }
}

pub(crate) fn content(body: &str) -> Content {
    let mut hash = [0; 16];
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hash[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    let content = Content::compress(body.as_bytes(), hash, [3; 12], None).unwrap();
    let words = words(body).map(|word| (WORD, Value::String(word.into()))).collect::<Vec<_>>();
    content.with_values(Forward::pack(&words, &|_| None), Vec::new())
}

/// The words of a body that it is found by: a few, so that every store has some in its table and
/// some in memory.
fn words(body: &str) -> impl Iterator<Item = &str> {
    body.split(' ').take(4).map(|word| word.get(..20).unwrap_or(word))
}

/// Asks the index for each word of all resources, and compares.
pub(crate) fn found_by_their_words(snapshot: &Snapshot) {
    for types in [only(PATIENT), only(OBSERVATION)] {
        let everything = SearchPlan { most: usize::MAX, ..all_of(types) };
        let all = snapshot.search(&everything).unwrap().rids;
        let mut by_word = BTreeMap::<String, BTreeSet<Rid>>::new();
        for version in snapshot.versions(&all).unwrap() {
            for word in words(std::str::from_utf8(&version.body).unwrap()) {
                by_word.entry(word.to_owned()).or_default().insert(version.rid);
            }
        }
        for (word, expected) in by_word {
            let test = Test::String(StringTest::Exact(word.clone().into()));
            let plan = with(everything.clone(), &[Criterion::Value(WORD, test)]);
            let found = snapshot.search(&plan).unwrap().rids;
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{word}");
        }
    }
}

pub(crate) fn put(key: Key, body: &str) -> Operation {
    put_if(key, PutCondition::Any, body)
}

pub(crate) fn put_if(key: Key, condition: PutCondition, body: &str) -> Operation {
    Operation::Put { key, condition, content: content(body) }
}

pub(crate) fn delete(key: Key) -> Operation {
    Operation::Delete { key, condition: None }
}

pub(crate) fn only(resource_type: TypeId) -> Vec<TypeSearch> {
    vec![TypeSearch::everything(resource_type)]
}

/// All types that tests write.
pub(crate) fn both() -> Vec<TypeSearch> {
    [only(PATIENT), only(OBSERVATION)].concat()
}

pub(crate) fn all_of(types: Vec<TypeSearch>) -> SearchPlan {
    SearchPlan { types, most: 1_000, ..SearchPlan::default() }
}

/// The plan, with criteria that all hold for all of its types.
pub(crate) fn with(plan: SearchPlan, criteria: &[Criterion]) -> SearchPlan {
    let criterion = Criterion::All(criteria.to_vec());
    let ask = |of: TypeSearch| TypeSearch { criterion: criterion.clone(), ..of };
    SearchPlan { types: plan.types.into_iter().map(ask).collect(), ..plan }
}

/// The ids of the matches, in order.
pub(crate) fn found(snapshot: &Snapshot, plan: &SearchPlan) -> Vec<String> {
    names(snapshot, &snapshot.search(plan).unwrap().rids)
}

pub(crate) fn names(snapshot: &Snapshot, rids: &[Rid]) -> Vec<String> {
    let versions = snapshot.versions(rids).unwrap();
    versions.iter().map(|version| version.key.id.to_string()).collect()
}

/// `id/number` of each version of a history, newest first.
pub(crate) fn told(snapshot: &Snapshot, plan: &HistoryPlan) -> Vec<String> {
    let page = snapshot.history(plan, None, 1_000).unwrap();
    let versions = snapshot.versions(&page.rids).unwrap();
    assert_eq!(snapshot.count_history(plan).unwrap(), versions.len() as u64);
    versions.iter().map(|it| format!("{}/{}", it.key.id, it.number)).collect()
}

pub(crate) fn body_of(snapshot: &Snapshot, key: &Key) -> Option<String> {
    let version = snapshot.current(key).unwrap()?;
    (!version.is_deletion()).then(|| String::from_utf8(version.body.to_vec()).unwrap())
}
