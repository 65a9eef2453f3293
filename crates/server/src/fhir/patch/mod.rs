//! <https://hl7.org/fhir/R4/http.html#patch>

mod change;
mod meta;

use authority::DataAction;
use base::limits::PATCH_ATTEMPTS;
use http::StatusCode;
use json::Stripped;
use store::{Key, Operation, Outcome as Stored, PutCondition, Refused, Rejected, VersionHead};

pub(crate) use change::{Change, Format, Patched, Patching, body_of_entry};
pub(crate) use meta::{LISTS, MetaChange, items, name};

use super::conditions::Malformed;
use super::context::Context;
use super::incoming::Incoming;
use super::outcome::{Issue, Outcome};
use super::refusal::{self, General};
use super::values::Indexing;
use super::{meta_history, provenance, resource};
use crate::edge::blocking;
use crate::exchange::{Answer, Body};
use crate::versioning::Policy;

/// Everything that can go wrong with a patch, in the order in which it is checked.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    /// 400: a condition cannot be understood.
    Condition(Malformed),
    /// 400: `If-None-Match: *` says that there is nothing to patch.
    IfNoneMatch,
    /// 400: the version policy of the type asks for `If-Match`.
    NoIfMatch(Key),
    /// 400: an entry of a Bundle carries something else than a patch.
    NotAPatch(String),
    /// 404
    NotFound(Key),
    /// 410: deleted by this version.
    Gone(Key, u64),
    /// 412: `If-Match` names another version than the current one.
    Mismatch {
        supplied: Option<String>,
        current: u64,
    },
    /// 400 when it is no patch or cannot be applied to the resource, 413 when it costs
    /// too much.
    Patch(fhir::patch::Error),
    /// 400: what only the server may set was changed.
    Immutable(&'static str),
    /// 409: others changed the resource again and again.
    Overtaken(Key),
}

impl<T: Into<General>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let bad = |code, text: String| Self::error(StatusCode::BAD_REQUEST, code, text);
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::Condition(malformed) => bad("value", malformed.text()),
            Refusal::IfNoneMatch => bad(
                "value",
                "If-None-Match: * says that the resource does not exist, and a patch changes one \
                 that does. Leave it out."
                    .to_owned(),
            ),
            Refusal::NoIfMatch(key) => refusal::no_if_match(&key),
            Refusal::NotAPatch(text) => bad("structure", text),
            Refusal::NotFound(key) => refusal::not_found(&key),
            Refusal::Gone(key, version) => refusal::gone(&key, version),
            Refusal::Mismatch { supplied, current } => {
                refusal::version_mismatch(supplied.as_deref(), current)
            }
            Refusal::Patch(error) => of_patch(&error),
            Refusal::Immutable(element) => bad(
                "business-rule",
                format!("A patch cannot change {element}: the server alone sets it."),
            ),
            Refusal::Overtaken(key) => Self::error(
                StatusCode::CONFLICT,
                "conflict",
                format!(
                    "{} changed {PATCH_ATTEMPTS} times while the patch was made. Nothing was \
                     changed; send it again.",
                    super::bundle::reference(&key)
                ),
            ),
        }
    }
}

fn of_patch(error: &fhir::patch::Error) -> Outcome {
    use fhir::patch::ErrorKind;
    let (status, code) = match error.kind {
        ErrorKind::Malformed => (StatusCode::BAD_REQUEST, "invalid"),
        // A fault of what was sent: 422 is for what breaks a rule of a profile.
        ErrorKind::Inapplicable => (StatusCode::BAD_REQUEST, "invalid"),
        ErrorKind::TooCostly => (StatusCode::PAYLOAD_TOO_LARGE, "too-costly"),
    };
    let end = if error.message.ends_with('.') { "" } else { "." };
    let issue = Issue::error(code, format!("{error}{end}"));
    let issue = match error.position {
        Some(position) => issue.placed(position),
        None => issue,
    };
    Outcome::new(status, vec![issue])
}

/// `PATCH [base]/[type]/[id]`: reads the current version, applies the patch, and commits on
/// condition that the version is still current. Without `If-Match` it begins again when it is not.
pub(crate) async fn patch(
    cx: &Context<'_>,
    key: Key,
    format: Format,
    body: Body,
) -> Result<Answer, Refusal> {
    let patching = begin(cx, key)?;
    let bytes = cx.read(body).await?;
    let change = blocking::run(move || Change::read(format, bytes)).await??;
    let (head, stripped) = apply(cx, patching, change).await?;
    Ok(resource::written(cx, StatusCode::OK, &head, &stripped))
}

/// Changes the current version, again and again while others change it first.
pub(crate) async fn apply(
    cx: &Context<'_>,
    patching: Patching,
    change: Change,
) -> Result<(VersionHead, Stripped), Refusal> {
    let key = patching.key;
    let indexing = Indexing::of(cx)?;
    let mut attempts = Attempts::first();
    let is_patch = !matches!(change, Change::Meta(_));
    loop {
        let (patching, change, indexing) = (patching.clone(), change.clone(), indexing.clone());
        let store = cx.service.store.clone();
        let (incoming, version) = blocking::run(move || {
            let Patched { after, base, .. } = patching.patched(&change)?;
            Ok::<_, Refusal>((Incoming::prepare(after.root(), key, (&indexing, &store))?, base))
        })
        .await??;
        let operations = operations(cx, key, &incoming, (version, is_patch)).await?;
        let stripped = incoming.stripped;
        match cx.commit_all(operations).await {
            Ok(committed) => match committed.outcomes.first() {
                Some(Stored::Updated(head) | Stored::Unchanged(head)) => {
                    return Ok((*head, stripped));
                }
                other => return Err(General::bug(&format!("a patch came to {other:?}")).into()),
            },
            Err(Rejected::At { why, .. }) if cx.conditions.if_match.is_some() => {
                return Err(refused(key, cx.conditions.if_match.clone(), why));
            }
            Err(Rejected::At { .. }) if attempts.another() => {}
            Err(Rejected::At { .. }) => return Err(Refusal::Overtaken(key)),
            Err(rejected) => return Err(General::from(rejected).into()),
        }
    }
}

/// How often a patch was begun.
#[derive(Debug)]
pub(crate) struct Attempts(usize);

impl Attempts {
    pub(crate) fn first() -> Self {
        Self(1)
    }

    /// Whether it may begin again; counts.
    pub(crate) fn another(&mut self) -> bool {
        self.0 += 1;
        self.0 <= PATCH_ATTEMPTS
    }
}

/// The change, its Provenance when one was sent, and what is left of the version before.
async fn operations(
    cx: &Context<'_>,
    key: Key,
    incoming: &Incoming,
    (version, is_patch): (u64, bool),
) -> Result<Vec<Operation>, General> {
    let condition =
        if is_patch { PutCondition::Patched(version) } else { PutCondition::Version(version) };
    let content = incoming.content.clone();
    let mut operations = vec![Operation::Put { key, condition, content }];
    if cx.provenance.is_some() {
        let before = cx.service.store.snapshot().version(&key, version)?;
        let stays = before.is_some_and(|before| before.hash == incoming.stripped.hash);
        let made = if stays { version } else { version + 1 };
        operations.extend(provenance::of_version(cx, key, made).await?);
    }
    operations.extend(meta_history::forgotten(cx, key, &incoming.stripped)?);
    Ok(operations)
}

/// What is checked before the patch is read: gives what is to be patched.
pub(crate) fn begin(cx: &Context<'_>, key: Key) -> Result<Patching, Refusal> {
    let version = asked(cx)?;
    if version.is_none() && cx.policy(key.resource_type) == Policy::VersionedUpdate {
        return Err(Refusal::NoIfMatch(key));
    }
    let (store, now) = (cx.service.store.clone(), cx.now);
    let (supplied, checks) = (cx.conditions.if_match.clone(), cx.checks.clone());
    Ok(Patching { store, key, version, supplied, now, checks })
}

/// What is checked before it is known which resource is patched: gives the version that the client
/// says it has.
pub(crate) fn asked(cx: &Context<'_>) -> Result<Option<u64>, Refusal> {
    cx.allow(DataAction::Write)?;
    cx.only_parameters(&[meta_history::PARAMETER])?;
    meta_history::check(cx)?;
    match cx.conditions.put_condition().map_err(Refusal::Condition)? {
        PutCondition::Version(version) | PutCondition::Patched(version) => Ok(Some(version)),
        PutCondition::NotExists => Err(Refusal::IfNoneMatch),
        PutCondition::Any | PutCondition::Absent => Ok(None),
    }
}

/// What the store says about a condition that does not hold any more.
pub(crate) fn refused(key: Key, supplied: Option<String>, why: Refused) -> Refusal {
    match why {
        Refused::VersionMismatch { current } => Refusal::Mismatch { supplied, current },
        Refused::NotFound => Refusal::NotFound(key),
        Refused::Gone { number } => Refusal::Gone(key, number),
        Refused::Exists { .. } | Refused::SameKeyTwice => {
            General::bug("a patch was refused for a reason that it has not").into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_begins_at_most_so_often() {
        let mut attempts = Attempts::first();
        assert!((1..PATCH_ATTEMPTS).all(|_| attempts.another()));
        assert!(!attempts.another());
    }
}
