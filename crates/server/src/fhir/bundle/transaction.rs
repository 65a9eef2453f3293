//! <https://hl7.org/fhir/R4/http.html#trules>: all entries or none.

use std::collections::{HashMap, HashSet};

use authority::DataAction;
use base::Fault;
use base::limits::{BUNDLE_ANSWER_BYTES, PATCH_ATTEMPTS};
use http::StatusCode;
use json::{Document, Stripped};
use store::{Commit, Committed, HistoryOf, Key, Operation, Refused, Rejected, Snapshot};

use super::batch::operation;
use super::entry::{self, Entry, Task, path, reference};
use super::prepare::{Prepared, Work, about, prepare};
use super::references::{References, Target};
use super::resolve::{self, Resolved};
use super::response::{self, Response};
use super::{Refusal, entries};
use crate::exchange::Answer;
use crate::fhir::conditional;
use crate::fhir::context::Context;
use crate::fhir::ops::{Call, Level};
use crate::fhir::outcome::Outcome;
use crate::fhir::refusal::General;
use crate::fhir::route::Interaction;
use crate::fhir::search::listing::{self, Listing};
use crate::fhir::{delete, meta_history, ops, patch, refusal, types, update};

/// Does everything in one commit, in the order DELETE, POST, PUT, GET, and answers in the order of
/// the entries.
/// When the resource of a PATCH without `If-Match` was changed meanwhile, all of it begins again.
pub(crate) async fn transaction(cx: &Context<'_>, document: Document) -> Result<Answer, Refusal> {
    let mut again = Some(document);
    for attempt in 1..=PATCH_ATTEMPTS {
        let Some(document) = again.take() else { break };
        let is_last = attempt == PATCH_ATTEMPTS;
        if let Some(answer) = attempted(cx, document, &mut again, is_last).await? {
            return Ok(answer);
        }
    }
    Err(General::bug("a transaction was neither done nor refused").into())
}

/// One attempt; None when it is to be made again, for which the document is then put back.
async fn attempted(
    cx: &Context<'_>,
    document: Document,
    again: &mut Option<Document>,
    is_last: bool,
) -> Result<Option<Answer>, Refusal> {
    let mut entries = understand(cx, &document)?;
    let Resolved { guards, searched } = resolve::resolve(cx, &document, &mut entries).await?;
    distinct(&entries)?;
    let references = references(cx, &entries)?.with(searched);
    let work = entries.iter().enumerate().filter_map(|(place, entry)| {
        let full_url = entry.full_url.clone();
        let (expected, patching) = (entry.task.expects()?, entry.task.patching().cloned());
        let key = entry.task.writes()?;
        Some(Work { place, expected, key, full_url, patching })
    });
    let prepared = prepare(cx, &document, work.collect(), Some(references)).await?;
    let patches = entries.iter().any(|entry| entry.task.patching().is_some());
    *again = ((patches || !guards.is_empty()) && !is_last).then_some(document);
    let (commit, order, stripped) = plan(cx, &mut entries, prepared)?;
    let commit = Commit { guards, ..commit };
    look_ahead(cx, &entries).await?;
    let committed = match cx.service.store.commit(commit).await {
        Ok(committed) => committed,
        Err(Rejected::At { operation, why }) => {
            let place = order.get(operation).copied().unwrap_or(0);
            let entry = entries.get(place);
            let patching = entry.and_then(|entry| entry.task.patching());
            if again.is_some() && patching.is_some_and(|patching| patching.version.is_none()) {
                return Ok(None);
            }
            let outcome = entry.map(|entry| refused(entry, why));
            let outcome = outcome.unwrap_or_else(|| General::bug("no such operation").into());
            return Err(Refusal::Entry(outcome.at(&path(place))));
        }
        Err(Rejected::Stale { .. }) if again.is_some() => return Ok(None),
        Err(rejected) => return Err(rejected.into()),
    };
    let responses = respond(cx, &entries, committed, &order, stripped).await?;
    Ok(Some(response::answer(cx, "transaction-response", responses)?))
}

/// Reads all entries; the refusal tells the faults of all that fail the way the first one does.
fn understand(cx: &Context<'_>, document: &Document) -> Result<Vec<Entry>, Refusal> {
    let read = entries(document).map(|value| {
        let entry = entry::read(cx, value)?;
        possible(cx, &entry)?;
        Ok(entry)
    });
    collect(read.enumerate())
}

/// Gathers what went well, or the refusals with the status of the first.
fn collect<T>(all: impl Iterator<Item = (usize, Result<T, Outcome>)>) -> Result<Vec<T>, Refusal> {
    let (mut fine, mut refusal) = (Vec::new(), None::<Outcome>);
    for (place, one) in all {
        match (one, &mut refusal) {
            (Ok(one), _) => fine.push(one),
            (Err(first), None) => refusal = Some(first.at(&path(place))),
            (Err(other), Some(first)) if other.status == first.status => {
                first.issues.extend(other.at(&path(place)).issues);
            }
            (Err(_), Some(_)) => {}
        }
    }
    refusal.map_or(Ok(fine), |refusal| Err(Refusal::Entry(refusal)))
}

/// Refuses before the commit what could only fail after it.
fn possible(cx: &Context<'_>, entry: &Entry) -> Result<(), Outcome> {
    let cx = cx.entry(&entry.query, &entry.conditions);
    let Task::Look(interaction) = entry.task else { return Ok(()) };
    cx.allow(action(interaction))?;
    match interaction {
        Interaction::Search(of) => {
            listing::understand(&cx, Listing::Search(of), &[cx.query]).map(drop)?;
        }
        Interaction::Includes(of) => {
            listing::understand(&cx, Listing::Includes(of), &[cx.query]).map(drop)?;
        }
        Interaction::History(of) => {
            listing::understand(&cx, Listing::History(of), &[cx.query]).map(drop)?;
        }
        Interaction::Read(_) | Interaction::Vread(..) => cx.subset().map(drop)?,
        Interaction::Capabilities => {}
        Interaction::Operation(call) if call.only_looks() => {}
        Interaction::Operation(call) => {
            let name = ops::name(call.operation);
            let text = format!("{name} is no part of a transaction: send it by itself.");
            return Err(Outcome::error(StatusCode::BAD_REQUEST, "not-supported", text));
        }
        Interaction::SmartConfiguration
        | Interaction::Versions
        | Interaction::Health
        | Interaction::ReindexJob(_)
        | Interaction::CancelReindex(_)
        | Interaction::Create(_)
        | Interaction::Update(_)
        | Interaction::Patch(_)
        | Interaction::Delete(_)
        | Interaction::UpdateMatching(_)
        | Interaction::PatchMatching(_)
        | Interaction::DeleteMatching(_)
        | Interaction::SearchForm(_)
        | Interaction::Bundle => return Err(General::bug("this does not only look").into()),
    }
    Ok(())
}

/// What an entry that looks needs to be allowed.
fn action(interaction: Interaction) -> DataAction {
    match interaction {
        Interaction::Operation(call) if call.operation == ops::Operation::Validate => {
            DataAction::ResourceValidate
        }
        _ => DataAction::Read,
    }
}

/// No resource may be written twice, nor written where a create matches it, since the order of
/// entries means nothing.
fn distinct(entries: &[Entry]) -> Result<(), Refusal> {
    let mut places: HashMap<Key, usize> = HashMap::with_capacity(entries.len());
    for (place, entry) in entries.iter().enumerate() {
        let found = if let Task::Exists(key) = &entry.task { Some(key) } else { None };
        for key in entry.task.written().iter().chain(found) {
            if let Some(first) = places.insert(*key, place) {
                let text = format!(
                    "{} is what {} is about too; a transaction may write a resource once.",
                    reference(key),
                    path(first)
                );
                return Err(Refusal::Entry(about(place, "duplicate", text)));
            }
        }
    }
    Ok(())
}

/// What an entry answers that changes nothing, as of a snapshot; None for the others.
async fn looked(
    cx: &Context<'_>,
    entry: &Entry,
    snapshot: &Snapshot,
) -> Option<Result<Answer, Outcome>> {
    if !matches!(entry.task, Task::Look(_) | Task::Exists(_)) {
        return None;
    }
    let cx = cx.entry(&entry.query, &entry.conditions);
    let cx = Context { pinned: Some(snapshot.clone()), ..cx };
    match entry.task {
        Task::Look(interaction) => Some(entry::looked(&cx, interaction, entry.body.as_ref()).await),
        Task::Exists(key) => {
            let existing = conditional::existing(&cx, key);
            Some(existing.and_then(|found| found.ok_or_else(|| refusal::not_found(&key))))
        }
        _ => None,
    }
}

/// Looks up before the commit what is looked up after it, and refuses what cannot be answered: the
/// history of what never was, and more bytes than the answers may have. What the transaction itself
/// adds to them is the one thing that can still be too much then.
async fn look_ahead(cx: &Context<'_>, entries: &[Entry]) -> Result<(), Refusal> {
    let snapshot = cx.snapshot();
    let written = entries.iter().flat_map(|entry| entry.task.written());
    let written: HashSet<Key> = written.copied().collect();
    let stored = entries.iter().filter(|entry| entry.task.expects().is_some());
    let stored: HashSet<Key> = stored.flat_map(|entry| entry.task.written()).copied().collect();
    let mut room = BUNDLE_ANSWER_BYTES;
    for (place, entry) in entries.iter().enumerate() {
        let Some(found) = looked(cx, entry, &snapshot).await else { continue };
        let is_made_here = match entry.task {
            // The commit itself says whether a resource is there in the end.
            Task::Exists(_) | Task::Look(Interaction::Read(_)) => true,
            Task::Look(Interaction::History(HistoryOf::Instance(key))) => written.contains(&key),
            Task::Look(Interaction::Vread(key, number)) => {
                let before = snapshot.current(&key).map_err(General::from)?;
                stored.contains(&key) && number == before.map_or(1, |before| before.number + 1)
            }
            Task::Look(Interaction::Operation(call)) => {
                let is_missing = |refusal: &Outcome| {
                    matches!(refusal.status, StatusCode::NOT_FOUND | StatusCode::GONE)
                };
                found.as_ref().err().is_some_and(is_missing)
                    && is_about(call, &snapshot, &written).map_err(General::from)?
            }
            _ => false,
        };
        if found.is_ok() || !is_made_here {
            Response::gathered(found, entry.head, &mut room)
                .map_err(|refusal| Refusal::Entry(refusal.at(&path(place))))?;
        }
    }
    Ok(())
}

/// Whether an operation is about what the transaction writes: on it, or on what is there, and finds
/// it by its parameters.
fn is_about(call: Call, snapshot: &Snapshot, written: &HashSet<Key>) -> Result<bool, Fault> {
    if let Level::Instance(key) = call.level
        && !written.contains(&key)
        && snapshot.current(&key)?.is_none_or(|version| version.is_deletion())
    {
        return Ok(false);
    }
    let is_on_it = matches!(call.level, Level::Instance(key) if written.contains(&key));
    let named = call.operation.finds();
    Ok(is_on_it || written.iter().any(|key| named.contains(&types::name(key.resource_type))))
}

/// What full URLs become: those of entries that store a resource.
fn references(cx: &Context<'_>, entries: &[Entry]) -> Result<References, Refusal> {
    let mut references = References::new(entry::bases(cx));
    for (place, entry) in entries.iter().enumerate() {
        let stored = match &entry.task {
            Task::Exists(key) => Some(*key),
            task => task.writes().filter(|_| task.expects().is_some()),
        };
        let (Some(url), Some(key)) = (&entry.full_url, stored) else { continue };
        let created = matches!(entry.task, Task::Create { .. });
        if !references.add(url, Target { reference: reference(&key), created }) {
            let text =
                format!("Another entry has the fullUrl {url}; each stands for one resource.");
            return Err(Refusal::Entry(about(place, "duplicate", text)));
        }
    }
    Ok(references)
}

/// The commit, the entry of each of its operations, and by place what is kept for the answer.
type Plan = (Commit, Vec<usize>, Vec<Option<Stripped>>);

fn plan(cx: &Context<'_>, entries: &mut [Entry], prepared: Vec<Prepared>) -> Result<Plan, Refusal> {
    let places: Vec<usize> = (0..entries.len())
        .filter(|place| entries.get(*place).is_some_and(|entry| entry.task.expects().is_some()))
        .collect();
    let prepared = collect(places.iter().copied().zip(prepared))?;
    let mut incoming: HashMap<usize, _> = places.into_iter().zip(prepared).collect();
    let mut operations: Vec<(usize, usize, Operation)> = Vec::with_capacity(entries.len());
    let mut stripped = Vec::with_capacity(entries.len());
    let mut purges = Vec::new();
    for (place, entry) in entries.iter_mut().enumerate() {
        let ready = incoming.remove(&place).map(|ready| {
            entry.task.made_from(ready.base);
            (ready.incoming.content, ready.incoming.stripped)
        });
        let (content, kept) = ready.unzip();
        purges.extend(forgotten(cx, entry, kept.as_ref())?);
        stripped.push(kept);
        let phase = entry.task.phase();
        let operation = match &entry.task {
            Task::Look(Interaction::Read(key)) => Some(Operation::Expect { key: *key }),
            _ => operation(&mut entry.task, content),
        };
        operations.extend(operation.map(|operation| (phase, place, operation)));
        if let Task::DeleteAll { keys, hard } = &entry.task {
            let all = keys.iter().map(|key| delete::change(*key, *hard, None));
            operations.extend(all.map(|operation| (phase, place, operation)));
        }
    }
    // A stable sort: within a phase the order of the entries stays.
    operations.sort_by_key(|(phase, ..)| *phase);
    let order = operations.iter().map(|(_, place, _)| *place).collect();
    let mut operations: Vec<_> = operations.into_iter().map(|(.., operation)| operation).collect();
    // Nobody asks what came of these.
    purges.extend(cx.purges(&operations));
    operations.append(&mut purges);
    Ok((Commit { operations, guards: Vec::new() }, order, stripped))
}

/// What `_meta-history=false` of an entry leaves of the version before.
pub(crate) fn forgotten(
    cx: &Context<'_>,
    entry: &Entry,
    stripped: Option<&Stripped>,
) -> Result<Option<Operation>, General> {
    match (&entry.task, stripped) {
        (Task::Update { .. } | Task::Replace { .. } | Task::Patch { .. }, Some(stripped))
            if !entry.query.is_empty() =>
        {
            let Some(key) = entry.task.writes() else { return Ok(None) };
            meta_history::forgotten(&cx.entry(&entry.query, &entry.conditions), key, stripped)
        }
        _ => Ok(None),
    }
}

/// What the store says about the condition of an entry that does not hold.
pub(crate) fn refused(entry: &Entry, why: Refused) -> Outcome {
    let supplied = entry.conditions.if_match.clone();
    match (&entry.task, why) {
        (Task::Delete { key, .. }, why) => delete::refused(*key, supplied, why).into(),
        (Task::Create { key } | Task::Update { key, .. } | Task::Replace { key, .. }, why) => {
            update::refused(*key, &entry.conditions, why).into()
        }
        (Task::Patch { patching, .. }, _) if patching.version.is_none() => {
            patch::Refusal::Overtaken(patching.key).into()
        }
        (Task::Patch { patching, .. }, why) => patch::refused(patching.key, supplied, why).into(),
        (Task::Exists(key), _) => refusal::not_found(key),
        (Task::DeleteAll { .. } | Task::Conditional { .. } | Task::Nothing, why) => {
            General::bug(&format!("criteria were refused: {why}")).into()
        }
        (Task::Look(Interaction::Read(key)), Refused::Gone { number }) => {
            refusal::gone(key, number)
        }
        (Task::Look(Interaction::Read(key)), _) => refusal::not_found(key),
        (Task::Look(_), why) => General::bug(&format!("a look was refused: {why}")).into(),
    }
}

async fn respond(
    cx: &Context<'_>,
    entries: &[Entry],
    committed: Committed,
    order: &[usize],
    mut stripped: Vec<Option<Stripped>>,
) -> Result<Vec<Response>, Refusal> {
    let stored: HashMap<usize, _> = order.iter().copied().zip(committed.outcomes).collect();
    let mut responses = Vec::with_capacity(entries.len());
    let mut room = BUNDLE_ANSWER_BYTES;
    for (place, entry) in entries.iter().enumerate() {
        let kept = stripped.get_mut(place).and_then(Option::take);
        let found = looked(cx, entry, &committed.snapshot).await;
        responses.push(match (&entry.task, found, stored.get(&place)) {
            (Task::Exists(_), Some(found), _) => Response::done(cx, found, &mut room),
            (Task::Look(interaction), Some(found), _) => {
                Response::found(cx, found, entry.head, &mut room).of_read(cx, *interaction)
            }
            (_, Some(found), _) => Response::found(cx, found, entry.head, &mut room),
            (Task::Nothing, ..) => Response::nothing(),
            (Task::DeleteAll { keys, .. }, ..) => Response::deleted(keys.len()),
            (.., Some(outcome)) => Response::written(cx, *outcome, kept),
            (.., None) => return Err(General::bug("an operation has no outcome").into()),
        });
    }
    Ok(responses)
}
