//! <https://hl7.org/fhir/R4/http.html#trules>: the criteria of a transaction, looked up in the
//! store and among the entries that are done before.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use base::limits::BUNDLE_ENTRIES;
use http::StatusCode;
use json::{Document, Value};
use store::{Criterion, Forward, Guard, Key, PutCondition, Snapshot, Tested};

use super::entry::{Entry, Task, What, path, reference};
use super::{Refusal, entries};
use crate::edge::blocking;
use crate::fhir::conditional::{self, Criteria, Deleting};
use crate::fhir::context::Context;
use crate::fhir::outcome::Outcome;
use crate::fhir::refusal::General;
use crate::fhir::values::Indexing;
use crate::fhir::{delete, patch, update};

/// What all criteria of a transaction came to.
#[derive(Default)]
pub(super) struct Resolved {
    pub(super) guards: Vec<Guard>,
    /// What references that are criteria lead to, by their texts.
    pub(super) searched: HashMap<String, String>,
}

/// Makes plain writes of conditional ones, in the order in which they are done, and finds what
/// references lead to that are criteria.
pub(super) async fn resolve(
    cx: &Context<'_>,
    document: &Document,
    entries_read: &mut [Entry],
) -> Result<Resolved, Refusal> {
    let by_criteria = |entry: &Entry| matches!(entry.task, Task::Conditional { .. });
    if !entries_read.iter().any(by_criteria) && !document.bytes().contains(&b'?') {
        return Ok(Resolved::default());
    }
    let resources = entries(document).map(|entry| entry.get("resource")).collect::<Vec<_>>();
    let snapshot = cx.service.store.snapshot();
    let indexing = Indexing::of(cx)?;
    let mut state = State {
        cx,
        snapshot,
        own: Own { indexing, made: Vec::new(), gone: HashSet::new() },
        resolved: Resolved::default(),
        deleted: 0,
    };
    let mut order: Vec<usize> = (0..entries_read.len()).collect();
    // Criteria see what the plain writes of their phase do, whichever stands first.
    order.sort_by_key(|place| {
        let entry = entries_read.get(*place);
        entry.map(|entry| (entry.task.phase(), by_criteria(entry)))
    });
    for place in order {
        let Some(entry) = entries_read.get_mut(place) else { continue };
        let resource = resources.get(place).copied().flatten();
        let named = |refusal: Outcome| Refusal::Entry(refusal.at(&path(place)));
        if let Task::Conditional { .. } = entry.task {
            entry.task = state.task(entry, resource).await.map_err(named)?;
        }
        state.own.note(&entry.task, resource);
    }
    for (place, resource) in resources.iter().enumerate() {
        let Some(resource) = resource else { continue };
        let named = |refusal: Outcome| Refusal::Entry(refusal.at(&path(place)));
        let stores = entries_read
            .get(place)
            .is_some_and(|entry| entry.task.expects().is_some() && entry.task.patching().is_none());
        if stores {
            state.references(*resource).await.map_err(named)?;
        }
    }
    Ok(state.resolved)
}

struct State<'s, 'd> {
    cx: &'s Context<'s>,
    snapshot: Snapshot,
    own: Own<'d>,
    resolved: Resolved,
    /// How many deletes with `_count` take away.
    deleted: usize,
}

impl State<'_, '_> {
    /// What a conditional write comes to.
    async fn task(&mut self, entry: &Entry, resource: Option<Value<'_>>) -> Result<Task, Outcome> {
        let Task::Conditional { what, resource_type } = entry.task else {
            return Err(General::bug("an entry without criteria").into());
        };
        let cx = self.cx.entry(&entry.query, &entry.conditions);
        let (query, status) = match what {
            What::Create => (entry.conditions.if_none_exist.as_deref(), StatusCode::BAD_REQUEST),
            What::Update => (Some(entry.query.as_str()), StatusCode::BAD_REQUEST),
            What::Patch | What::Delete => {
                (Some(entry.query.as_str()), StatusCode::PRECONDITION_FAILED)
            }
        };
        let criteria = Criteria::read(&cx, resource_type, query.unwrap_or_default(), status)?;
        if what == What::Delete
            && let Deleting { hard, count: Some(count), .. } = conditional::deleting(&cx)?
        {
            return self.all(&criteria, count, hard).await;
        }
        let found = criteria.only(&self.find(&criteria, 2).await?)?;
        let new = || Ok::<_, General>(Key { resource_type, id: cx.new_id()? });
        Ok(match (what, found) {
            (What::Create, Some(key)) => Task::Exists(key),
            (What::Create, None) => Task::Create { key: new()? },
            (What::Update, found) => {
                let beside = conditional::beside(&entry.query);
                let cx = Context { query: &beside, ..cx.clone() };
                let named = resource.map(conditional::named).transpose()?.flatten();
                let named = named.map(|id| Key { resource_type, id });
                match self.updated(&cx, &criteria, found, named)? {
                    Some((key, condition)) => Task::Replace { key, condition },
                    None => Task::Create { key: Key { resource_type, id: cx.new_id()? } },
                }
            }
            (What::Patch, Some(key)) => {
                // The criteria are no parameters of the patch.
                let beside = conditional::beside(&entry.query);
                let cx = Context { query: &beside, ..cx.clone() };
                Task::Patch {
                    patching: patch::begin(&cx, key)?,
                    base: 0,
                    attempts: patch::Attempts::first(),
                }
            }
            (What::Patch, None) => return Err(conditional::nothing(&criteria)),
            (What::Delete, Some(key)) => {
                let hard = delete::is_hard(&cx)?;
                let cx = Context { query: if hard { "hardDelete=true" } else { "" }, ..cx.clone() };
                Task::Delete { key, operation: delete::operation(&cx, key)? }
            }
            (What::Delete, None) => {
                let condition = cx.conditions.match_version();
                if condition.map_err(delete::Refusal::Condition)?.is_some() {
                    return Err(conditional::nothing(&criteria));
                }
                Task::Nothing
            }
        })
    }

    /// A delete of up to `count` that match.
    async fn all(
        &mut self,
        criteria: &Criteria,
        count: usize,
        hard: bool,
    ) -> Result<Task, Outcome> {
        let mut keys = self.find(criteria, count).await?;
        keys.truncate(count);
        self.deleted += keys.len();
        if self.deleted > BUNDLE_ENTRIES {
            let text = format!(
                "The criteria of the transaction match more than {BUNDLE_ENTRIES} resources to \
                 delete, and at most so many are changed at once. Send it in parts."
            );
            return Err(Outcome::error(StatusCode::PAYLOAD_TOO_LARGE, "too-costly", text));
        }
        Ok(Task::DeleteAll { keys, hard })
    }

    /// What an update writes, by its criteria and by the id in its body, and what must hold of
    /// it; None for a new resource.
    fn updated(
        &self,
        cx: &Context<'_>,
        criteria: &Criteria,
        found: Option<Key>,
        named: Option<Key>,
    ) -> Result<Option<(Key, PutCondition)>, Outcome> {
        let asked = update::asked(cx)?;
        let key = match (found, named) {
            (Some(found), Some(named)) if found != named => {
                return Err(conditional::mismatch(found, named.id));
            }
            (Some(found), _) => found,
            (None, Some(named)) if conditional::is_there(&self.snapshot, named)? => {
                return Err(conditional::another(criteria, named));
            }
            (None, Some(named)) => named,
            (None, None) if matches!(asked, PutCondition::Version(_)) => {
                return Err(conditional::nothing(criteria));
            }
            (None, None) => return Ok(None),
        };
        Ok(Some((key, update::begin(cx, key)?)))
    }

    /// What matches: in the store, but for what the entries change, and among these.
    /// `most` of them, or more.
    async fn find(&mut self, criteria: &Criteria, most: usize) -> Result<Vec<Key>, Outcome> {
        let (snapshot, wanted) = (self.snapshot.clone(), criteria.clone());
        // So many that what the transaction itself takes away leaves as many as are wanted.
        let most = most + self.own.gone.len() + self.own.made.len();
        let looked = blocking::run(move || wanted.look(&snapshot, most)).await;
        let looked = looked.map_err(General::from)?.map_err(conditional::Refusal::from)?;
        self.resolved.guards.push(looked.guard);
        let mut found = looked.found;
        found.retain(|key| !self.own.gone.contains(key) && !self.own.makes(key));
        found.extend(self.own.matches(criteria));
        Ok(found)
    }

    /// Finds what the references of a resource lead to that are criteria.
    async fn references(&mut self, resource: Value<'_>) -> Result<(), Outcome> {
        let all = conditional::references::criteria(self.cx, resource)?;
        for (text, criteria) in all {
            if self.resolved.searched.contains_key(&text) {
                continue;
            }
            let found = criteria.only(&self.find(&criteria, 2).await?)?;
            let key = found.ok_or_else(|| conditional::Refusal::NoTarget(text.clone()))?;
            self.resolved.searched.insert(text, reference(&key));
        }
        Ok(())
    }
}

/// What the entries before did.
struct Own<'d> {
    indexing: Indexing,
    made: Vec<Made<'d>>,
    gone: HashSet<Key>,
}

struct Made<'d> {
    key: Key,
    resource: Value<'d>,
    forward: OnceCell<Forward>,
}

impl<'d> Own<'d> {
    fn note(&mut self, task: &Task, resource: Option<Value<'d>>) {
        match (task, task.writes(), resource) {
            (Task::Delete { .. } | Task::DeleteAll { .. }, ..) => self.gone.extend(task.written()),
            (
                Task::Create { .. } | Task::Update { .. } | Task::Replace { .. },
                Some(key),
                Some(resource),
            ) => {
                self.made.push(Made { key, resource, forward: OnceCell::new() });
            }
            _ => {}
        }
    }

    fn makes(&self, key: &Key) -> bool {
        self.made.iter().any(|made| made.key == *key)
    }

    fn matches(&self, criteria: &Criteria) -> Vec<Key> {
        let of_type =
            self.made.iter().filter(|made| made.key.resource_type == criteria.search.resource_type);
        let matching = of_type.filter(|made| {
            let forward =
                made.forward.get_or_init(|| self.indexing.values(made.key, made.resource).0);
            meets(made.key, forward, &criteria.search.criterion)
        });
        matching.map(|made| made.key).collect()
    }
}

/// What depends on other resources is not met by one that is still to be stored.
fn meets(key: Key, forward: &Forward, criterion: &Criterion) -> bool {
    Tested::new(key, forward).meets(criterion) == Some(true)
}
