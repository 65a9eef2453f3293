//! <https://hl7.org/fhir/R4/http.html#cond-update>
//!
//! Create, update, patch and delete by criteria, and writes whose references are criteria. Each is
//! the plain interaction on what the criteria lead to, under their guards.

use authority::DataAction;
use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use json::{Document, Edits, Value};
use store::{Guard, Key, Outcome as Stored, Rejected, ResourceId, Snapshot, TypeId};

use super::{Criteria, Looked, Refusal, references, until_settled};
use crate::edge::blocking;
use crate::exchange::{Answer, Body};
use crate::fhir::conditions::Conditions;
use crate::fhir::context::Context;
use crate::fhir::incoming;
use crate::fhir::negotiate::Format;
use crate::fhir::outcome::{Issue, Outcome};
use crate::fhir::refusal::General;
use crate::fhir::{create, delete, patch, resource, types, update};

/// How many a delete by criteria deleted.
pub(crate) const ITEMS_DELETED: HeaderName = HeaderName::from_static("items-deleted");

/// `POST [base]/[type]`, with `If-None-Exist` or without.
pub(crate) async fn create(
    cx: &Context<'_>,
    resource_type: TypeId,
    body: Body,
) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Write)?;
    let criteria = cx.conditions.if_none_exist.as_deref();
    let bad = StatusCode::BAD_REQUEST;
    let criteria = criteria.map(|query| Criteria::read(cx, resource_type, query, bad));
    let criteria = criteria.transpose()?;
    let bytes = cx.read(body).await?;
    until_settled(|| async {
        let mut guards = Vec::new();
        if let Some(criteria) = &criteria {
            let (found, guard) = find(cx, criteria).await?;
            if let Some(key) = found {
                return existing(cx, key);
            }
            guards.push(guard);
        }
        let bytes = references::resolved(cx, bytes.clone(), &mut guards).await?;
        let conditions = Conditions { if_none_exist: None, ..cx.conditions.clone() };
        let cx = guarded(cx, guards, conditions);
        match create::create(&cx, resource_type, Body::of(bytes)).await {
            Err(create::Refusal::General(General::Stale)) => Ok(None),
            answered => Ok(Some(answered?)),
        }
    })
    .await
}

/// 200 with what is there already; None when it has just gone.
pub(crate) fn existing(cx: &Context<'_>, key: Key) -> Result<Option<Answer>, Outcome> {
    let current = cx.snapshot().current(&key).map_err(General::from)?;
    let Some(version) = current.filter(|version| !version.is_deletion()) else { return Ok(None) };
    Ok(Some(resource::existing(cx, &version).map_err(General::from)?))
}

/// `PUT [base]/[type]/[id]`: a plain update, whose references may be criteria.
pub(crate) async fn update(cx: &Context<'_>, key: Key, body: Body) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Write)?;
    let bytes = cx.read(body).await?;
    until_settled(|| async {
        let mut guards = Vec::new();
        let bytes = references::resolved(cx, bytes.clone(), &mut guards).await?;
        let cx = guarded(cx, guards, cx.conditions.clone());
        match update::update(&cx, key, Body::of(bytes)).await {
            Err(update::Refusal::General(General::Stale)) => Ok(None),
            answered => Ok(Some(answered?)),
        }
    })
    .await
}

/// `PUT [base]/[type]?criteria`: updates the one that matches, or creates one.
pub(crate) async fn update_one(
    cx: &Context<'_>,
    resource_type: TypeId,
    body: Body,
) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Write)?;
    let criteria = Criteria::read(cx, resource_type, cx.query, StatusCode::BAD_REQUEST)?;
    let beside = beside(cx.query);
    update::asked(&Context { query: &beside, ..cx.clone() })?;
    let bytes = cx.read(body).await?;
    until_settled(|| async {
        let (found, guard) = find(cx, &criteria).await?;
        let mut guards = vec![guard];
        let bytes = references::resolved(cx, bytes.clone(), &mut guards).await?;
        let document = incoming::document(bytes.clone()).await?;
        let named = named(document.root())?;
        let cx = guarded(cx, guards, cx.conditions.clone());
        let cx = Context { query: &beside, ..cx };
        let answered = match (found, named) {
            (None, None) if cx.conditions.if_match.is_some() => return Err(nothing(&criteria)),
            (None, None) => {
                // A first version replaces none: what is asked of that one means nothing.
                let cx = Context { query: "", ..cx };
                match create::create(&cx, resource_type, Body::of(bytes)).await {
                    Err(create::Refusal::General(General::Stale)) => return Ok(None),
                    answered => return Ok(Some(answered?)),
                }
            }
            (None, Some(id)) => {
                let key = Key { resource_type, id };
                if is_there(&cx.snapshot(), key)? {
                    return Err(another(&criteria, key));
                }
                plain(&cx, key, bytes).await
            }
            (Some(key), None) => plain(&cx, key, with_id(&document, key)?).await,
            (Some(key), Some(id)) if key.id == id => plain(&cx, key, bytes).await,
            (Some(key), Some(id)) => return Err(mismatch(key, id)),
        };
        match answered {
            Err(update::Refusal::General(General::Stale)) => Ok(None),
            answered => Ok(Some(answered?)),
        }
    })
    .await
}

async fn plain(cx: &Context<'_>, key: Key, bytes: Bytes) -> Result<Answer, update::Refusal> {
    update::update(cx, key, Body::of(bytes)).await
}

/// The id that a body names.
pub(crate) fn named(resource: Value<'_>) -> Result<Option<ResourceId>, General> {
    let Some(id) = resource.get("id") else { return Ok(None) };
    match id.as_str().and_then(|text| ResourceId::new(&text)) {
        Some(id) => Ok(Some(id)),
        None => {
            let text = format!("The id of the body is {}, which is none.", id.raw_str());
            Err(General::Content(vec![Issue::error("value", text).at("id")]))
        }
    }
}

pub(crate) fn is_there(snapshot: &Snapshot, key: Key) -> Result<bool, Outcome> {
    let current = snapshot.current(&key).map_err(General::from)?;
    Ok(current.is_some_and(|version| !version.is_deletion()))
}

/// The body with the id of what it updates.
fn with_id(document: &Document, key: Key) -> Result<Bytes, General> {
    let mut edits = Edits::new(document);
    edits.set(document.root(), "id", format!("\"{}\"", key.id));
    let text = edits.apply().map_err(|_| {
        General::Content(vec![Issue::error("structure", "The body is not a JSON object.")])
    })?;
    Ok(text.into())
}

/// 409 for a body that names another than the criteria, which match nothing.
pub(crate) fn another(criteria: &Criteria, key: Key) -> Outcome {
    let name = types::name(key.resource_type);
    let text = format!(
        "Nothing matches the criteria '{}', but {name}/{}, which the body names, exists. Update \
         it under its id.",
        criteria.query, key.id
    );
    Outcome::error(StatusCode::CONFLICT, "conflict", text)
}

/// 400 for a body whose id is not that of what matches.
pub(crate) fn mismatch(key: Key, id: ResourceId) -> Outcome {
    let text = format!("The criteria match the id '{}', that in the body is '{id}'.", key.id);
    Outcome::error(StatusCode::BAD_REQUEST, "value", text)
}

/// `PATCH [base]/[type]?criteria`: patches the one that matches.
pub(crate) async fn patch_one(
    cx: &Context<'_>,
    (resource_type, kind): (TypeId, patch::Format),
    body: Body,
) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Write)?;
    let failed = StatusCode::PRECONDITION_FAILED;
    let criteria = Criteria::read(cx, resource_type, cx.query, failed)?;
    let beside = beside(cx.query);
    patch::asked(&Context { query: &beside, ..cx.clone() })?;
    let bytes = cx.read_as_sent(body).await?;
    until_settled(|| async {
        let (found, guard) = find(cx, &criteria).await?;
        let Some(key) = found else { return Err(nothing(&criteria)) };
        let cx = Context { guards: vec![guard], query: &beside, ..cx.clone() };
        match patch::patch(&cx, key, kind, Body::of(bytes.clone())).await {
            Err(patch::Refusal::General(General::Stale)) => Ok(None),
            answered => Ok(Some(answered?)),
        }
    })
    .await
}

/// 404 for criteria of a patch, or of `If-Match`, that match nothing.
pub(crate) fn nothing(criteria: &Criteria) -> Outcome {
    let text = format!("Nothing matches the criteria '{}'.", criteria.query);
    Outcome::error(StatusCode::NOT_FOUND, "not-found", text)
}

/// `DELETE [base]/[type]?criteria`: deletes the one that matches, with `_count=N` up to so many.
pub(crate) async fn delete_matching(
    cx: &Context<'_>,
    resource_type: TypeId,
) -> Result<Answer, Outcome> {
    let Deleting { hard, count, condition } = deleting(cx)?;
    let failed = StatusCode::PRECONDITION_FAILED;
    let criteria = Criteria::read(cx, resource_type, cx.query, failed)?;
    until_settled(|| async {
        let (snapshot, wanted) = (cx.service.store.snapshot(), criteria.clone());
        let most = count.unwrap_or(2);
        let looked = blocking::run(move || wanted.look(&snapshot, most)).await;
        let Looked { found, guard } = looked.map_err(General::from)?.map_err(Refusal::from)?;
        if count.is_none() {
            let only = criteria.only(&found)?;
            if condition.is_some() && only.is_none() {
                return Err(nothing(&criteria));
            }
        }
        let operations = found.iter().map(|key| delete::change(*key, hard, condition));
        let cx = guarded(cx, vec![guard], cx.conditions.clone());
        match cx.commit_all(operations.collect()).await {
            Ok(committed) => {
                let gone =
                    |stored: &&Stored| matches!(stored, Stored::Deleted(_) | Stored::HardDeleted);
                let deleted = committed.outcomes.iter().filter(gone).count();
                let mut answer = Answer::empty(StatusCode::NO_CONTENT);
                if let (None, Some(Stored::Deleted(head))) = (count, committed.outcomes.first()) {
                    answer = resource::stamped(answer, head);
                }
                answer.headers.insert(ITEMS_DELETED, HeaderValue::from(deleted));
                Ok(Some(answer))
            }
            Err(Rejected::Stale { .. }) => Ok(None),
            Err(Rejected::At { operation, why }) => {
                let key = found
                    .get(operation)
                    .copied()
                    .ok_or_else(|| General::bug("an operation was refused that was not there"))?;
                Err(delete::refused(key, cx.conditions.if_match.clone(), why).into())
            }
            Err(rejected) => Err(General::from(rejected).into()),
        }
    })
    .await
}

/// What a delete by criteria says besides them.
pub(crate) struct Deleting {
    pub(crate) hard: bool,
    /// Up to so many; without it the one that matches.
    pub(crate) count: Option<usize>,
    pub(crate) condition: Option<u64>,
}

/// What is checked before it is known what is deleted. Authorizes.
pub(crate) fn deleting(cx: &Context<'_>) -> Result<Deleting, Outcome> {
    let hard = delete::is_hard(cx)?;
    let count = count(cx)?;
    let condition = cx.conditions.match_version().map_err(delete::Refusal::Condition)?;
    if condition.is_some() && (hard || count.is_some()) {
        let text = "If-Match is for the one resource that matches; it cannot be combined with \
                    _count or hardDelete.";
        return Err(Outcome::error(StatusCode::BAD_REQUEST, "value", text));
    }
    Ok(Deleting { hard, count, condition })
}

/// How many may be deleted at once.
fn count(cx: &Context<'_>) -> Result<Option<usize>, General> {
    let Some(text) = cx.parameter("_count") else { return Ok(None) };
    let most = cx.service.settings.page_most;
    match text.parse() {
        Ok(count) if (1..=most).contains(&count) => Ok(Some(count)),
        _ => {
            let text = format!("_count of a delete is a number from 1 to {most}, not '{text}'.");
            Err(General::Content(vec![Issue::error("value", text)]))
        }
    }
}

async fn find(cx: &Context<'_>, criteria: &Criteria) -> Result<(Option<Key>, Guard), Outcome> {
    let (snapshot, criteria) = (cx.service.store.snapshot(), criteria.clone());
    let found = blocking::run(move || criteria.find(&snapshot)).await;
    Ok(found.map_err(General::from)??)
}

/// The surroundings of the plain interaction: its body is JSON by now.
fn guarded<'c>(cx: &Context<'c>, guards: Vec<Guard>, conditions: Conditions) -> Context<'c> {
    // The body was read: what it was sent as is past.
    Context { guards, conditions, sent: Format::Json, content: None, ..cx.clone() }
}

/// What of a query are no criteria.
pub(crate) fn beside(query: &str) -> String {
    let name = |pair: &&str| pair.split('=').next().unwrap_or_default().to_owned();
    let kept = query.split('&').filter(|pair| super::BESIDE.contains(&name(pair).as_str()));
    kept.collect::<Vec<_>>().join("&")
}
