//! <https://hl7.org/fhir/R4/http.html#brules>: every entry stands alone.

use std::collections::HashSet;

use bytes::Bytes;
use json::{Document, Stripped};
use store::{Commit, Committed, Operation, PutCondition, Rejected};
use tokio::task::JoinSet;

use base::Fault;
use base::limits::{BUNDLE_ANSWER_BYTES, GROUP_COMMITS};

use super::entry::{self, Entry, Task, What};
use super::prepare::{Work, prepare};
use super::response::{self, Response};
use super::transaction::{forgotten, refused};
use super::{Refusal, conditionals, entries};
use crate::exchange::{Answer, Body};
use crate::fhir::conditional as by_criteria;
use crate::fhir::context::Context;
use crate::fhir::outcome::{Issue, Outcome};
use crate::fhir::patch;
use crate::fhir::refusal::General;

/// Writes of one phase that wait for the store at one time; they share its syncs.
const AT_ONCE: usize = GROUP_COMMITS;

/// Does what each entry asks for, DELETE, POST, PUT and GET after each other, and answers in their
/// order.
pub(crate) async fn batch(
    cx: &Context<'_>,
    document: Document,
    faults: Vec<(usize, Issue)>,
) -> Result<Answer, Refusal> {
    let mut batch = Batch { cx, responses: Vec::new() };
    let mut phases: [Vec<(usize, Entry)>; 4] = Default::default();
    let mut faults = faults.into_iter().peekable();
    for (place, value) in entries(&document).enumerate() {
        batch.responses.push(None);
        let of_entry = std::iter::from_fn(|| faults.next_if(|(of, _)| *of == place));
        let issues: Vec<Issue> = of_entry.map(|(_, issue)| issue).collect();
        if !issues.is_empty() {
            batch.refuse(place, General::Content(issues).into());
            continue;
        }
        match entry::read(cx, value) {
            Ok(entry) => {
                if let Some(phase) = phases.get_mut(entry.task.phase()) {
                    phase.push((place, entry));
                }
            }
            Err(refusal) => batch.refuse(place, refusal),
        }
    }
    let [deletes, creates, updates, looks] = phases;
    for phase in [deletes, creates, updates] {
        batch.write(&document, phase).await?;
    }
    batch.look(looks).await;
    let lost = || Outcome::from(General::bug("an entry of a batch was not answered"));
    let responses = batch.responses.into_iter();
    let responses =
        responses.map(|response| response.unwrap_or_else(|| Response::refused(cx, &lost())));
    Ok(response::answer(cx, "batch-response", responses.collect())?)
}

struct Batch<'b> {
    cx: &'b Context<'b>,
    /// By place; all are there in the end.
    responses: Vec<Option<Response>>,
}

/// A write on its way to the store and back.
struct Write {
    place: usize,
    entry: Entry,
    stripped: Option<Stripped>,
    answer: Result<Committed, Rejected>,
}

impl Batch<'_> {
    fn set(&mut self, place: usize, response: Response) {
        if let Some(slot) = self.responses.get_mut(place) {
            *slot = Some(response);
        }
    }

    fn refuse(&mut self, place: usize, refusal: Outcome) {
        let refusal = refusal.at(&entry::path(place));
        let response = Response::refused(self.cx, &refusal);
        self.set(place, response);
    }

    /// Prepares and commits the writes of one phase, each as a commit of its own.
    async fn write(
        &mut self,
        document: &Document,
        mut phase: Vec<(usize, Entry)>,
    ) -> Result<(), Fault> {
        let alone: Vec<_> = phase
            .extract_if(.., |(place, entry)| {
                let resource = entries(document).nth(*place).and_then(|it| it.get("resource"));
                let refers = || resource.is_some_and(|it| !conditionals(it).is_empty());
                matches!(entry.task, Task::Conditional { .. })
                    || (matches!(entry.task, Task::Create { .. } | Task::Update { .. }) && refers())
            })
            .collect();
        for (place, entry) in alone {
            self.alone(document, place, &entry).await;
        }
        while !phase.is_empty() {
            let some = round(&mut phase);
            let work = some.iter().filter_map(|(place, entry)| {
                let expected = entry.task.expects()?;
                let patching = entry.task.patching().cloned();
                let key = entry.task.writes()?;
                Some(Work { place: *place, expected, key, full_url: None, patching })
            });
            let mut prepared = prepare(self.cx, document, work.collect(), None).await?.into_iter();
            let mut under_way = JoinSet::new();
            for (place, mut entry) in some {
                let incoming = entry.task.expects().and_then(|_| prepared.next()).transpose();
                let (content, stripped) = match incoming {
                    Ok(ready) => ready
                        .map(|ready| {
                            entry.task.made_from(ready.base);
                            (ready.incoming.content, ready.incoming.stripped)
                        })
                        .unzip(),
                    Err(refusal) => {
                        self.refuse(place, refusal);
                        continue;
                    }
                };
                let Some(operation) = operation(&mut entry.task, content) else { continue };
                let mut operations = vec![operation];
                match forgotten(self.cx, &entry, stripped.as_ref()) {
                    Ok(forgotten) => operations.extend(forgotten),
                    Err(refusal) => {
                        self.refuse(place, refusal.into());
                        continue;
                    }
                }
                operations.extend(self.cx.purges(&operations));
                let store = self.cx.service.store.clone();
                under_way.spawn(async move {
                    let answer = store.commit(Commit { operations, guards: Vec::new() }).await;
                    Write { place, entry, stripped, answer }
                });
            }
            while let Some(done) = under_way.join_next().await {
                let write = done.map_err(|error| Fault::new("committing an entry", error))?;
                phase.extend(self.stored(write));
            }
        }
        Ok(())
    }

    /// Does what needs criteria, as a request by itself would.
    async fn alone(&mut self, document: &Document, place: usize, entry: &Entry) {
        let resource = entries(document).nth(place).and_then(|it| it.get("resource"));
        let cx = self.cx.entry(&entry.query, &entry.conditions);
        let body = || Body::of(Bytes::copy_from_slice(resource.map_or(b"", |it| it.raw())));
        let answered = match &entry.task {
            Task::Create { key } => {
                Box::pin(by_criteria::create(&cx, key.resource_type, body())).await
            }
            Task::Update { key, .. } => Box::pin(by_criteria::update(&cx, *key, body())).await,
            Task::Conditional { what, resource_type } => match what {
                What::Create => Box::pin(by_criteria::create(&cx, *resource_type, body())).await,
                What::Update => {
                    Box::pin(by_criteria::update_one(&cx, *resource_type, body())).await
                }
                What::Patch => match resource.map(patch::body_of_entry) {
                    Some(Ok((kind, body))) => {
                        let of = (*resource_type, kind);
                        Box::pin(by_criteria::patch_one(&cx, of, Body::of(body))).await
                    }
                    Some(Err(refusal)) => Err(refusal.into()),
                    None => Err(General::bug("an entry without a patch").into()),
                },
                What::Delete => Box::pin(by_criteria::delete_matching(&cx, *resource_type)).await,
            },
            _ => Err(General::bug("an entry that needs no criteria").into()),
        };
        match answered {
            Ok(answer) => {
                let deletes = matches!(entry.task, Task::Conditional { what: What::Delete, .. });
                let response = match deletes && cx.parameter("_count").is_some() {
                    true => Response::counted(&answer),
                    false => Response::done(self.cx, Ok(answer), &mut { BUNDLE_ANSWER_BYTES }),
                };
                self.set(place, response);
            }
            Err(refusal) => self.refuse(place, refusal),
        }
    }

    /// Answers a write; gives back a patch that begins again.
    fn stored(&mut self, write: Write) -> Option<(usize, Entry)> {
        let Write { place, mut entry, stripped, answer } = write;
        match answer {
            Ok(committed) => {
                if let Some(stored) = committed.outcomes.first() {
                    let response = Response::written(self.cx, *stored, stripped);
                    self.set(place, response);
                }
            }
            Err(Rejected::At { .. }) if entry.task.begins_again() => return Some((place, entry)),
            Err(Rejected::At { why, .. }) => self.refuse(place, refused(&entry, why)),
            Err(rejected) => self.refuse(place, General::from(rejected).into()),
        }
        None
    }

    /// Answers what only looks, after all writes.
    async fn look(&mut self, looks: Vec<(usize, Entry)>) {
        let mut room = BUNDLE_ANSWER_BYTES;
        for (place, entry) in looks {
            let Task::Look(interaction) = entry.task else { continue };
            let cx = self.cx.entry(&entry.query, &entry.conditions);
            match entry::looked(&cx, interaction, entry.body.as_ref()).await {
                Ok(answer) => {
                    let response = Response::found(self.cx, Ok(answer), entry.head, &mut room);
                    self.set(place, response.of_read(self.cx, interaction));
                }
                Err(refusal) => self.refuse(place, refusal),
            }
        }
    }
}

/// The next writes that go side by side: no two of the same resource, which are done in their
/// order.
fn round(phase: &mut Vec<(usize, Entry)>) -> Vec<(usize, Entry)> {
    let rest = phase.split_off(phase.len().min(AT_ONCE));
    let mut keys = HashSet::new();
    let mut is_first = |entry: &Entry| entry.task.writes().is_none_or(|key| keys.insert(key));
    let some = phase.extract_if(.., |(_, entry)| is_first(entry)).collect();
    phase.extend(rest);
    some
}

/// The change that a task makes; `None` when it makes none.
pub(crate) fn operation(task: &mut Task, content: Option<store::Content>) -> Option<Operation> {
    Some(match task {
        Task::Delete { operation, .. } => operation.clone(),
        Task::Create { key } => {
            Operation::Put { key: *key, condition: PutCondition::Absent, content: content? }
        }
        Task::Update { key, condition } | Task::Replace { key, condition } => {
            Operation::Put { key: *key, condition: *condition, content: content? }
        }
        Task::Patch { patching, base, .. } => Operation::Put {
            key: patching.key,
            condition: PutCondition::Patched(*base),
            content: content?,
        },
        Task::Exists(key) => Operation::Expect { key: *key },
        Task::DeleteAll { .. } | Task::Conditional { .. } | Task::Nothing | Task::Look(_) => {
            return None;
        }
    })
}
