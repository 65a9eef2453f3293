//! <https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request>: what one entry asks for.

use authority::ExpectedAudience;
use base::Timestamp;
use bytes::Bytes;
use http::{Method, StatusCode};
use json::{Kind, Value};
use store::{Key, Operation, PutCondition, TypeId};

use crate::exchange::{Answer, Body};
use crate::fhir::check::Expected;
use crate::fhir::conditions::Conditions;
use crate::fhir::context::Context;
use crate::fhir::ops::Call;
use crate::fhir::outcome::Outcome;
use crate::fhir::patch::{self, Attempts, Patching};
use crate::fhir::route::{Interaction, route};
use crate::fhir::search::date;
use crate::fhir::{conditional, create, delete, look, negotiate, ops, types, update};

/// An entry whose request is understood and allowed.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) full_url: Option<String>,
    pub(crate) task: Task,
    /// Whether the answer is to be without its body.
    pub(crate) head: bool,
    pub(crate) query: String,
    pub(crate) conditions: Conditions,
    /// What an operation is sent that only looks.
    pub(crate) body: Option<Bytes>,
}

/// What is to be done, in the order in which R4 has it done.
#[derive(Debug)]
pub(crate) enum Task {
    Delete {
        key: Key,
        operation: Operation,
    },
    Create {
        key: Key,
    },
    Update {
        key: Key,
        condition: PutCondition,
    },
    /// `base` is the version that the result was made from, once it was made.
    Patch {
        patching: Patching,
        base: u64,
        attempts: Attempts,
    },
    /// A delete of up to so many as the criteria matched.
    DeleteAll {
        keys: Vec<Key>,
        hard: bool,
    },
    /// A write by criteria, which are looked up before it becomes one of the others.
    Conditional {
        what: What,
        resource_type: TypeId,
    },
    /// An update of what criteria matched, or of what the body names when they matched nothing.
    Replace {
        key: Key,
        condition: PutCondition,
    },
    /// A create whose criteria matched this.
    Exists(Key),
    /// A delete whose criteria matched nothing.
    Nothing,
    Look(Interaction),
}

/// What is done by criteria.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Create,
    Update,
    Patch,
    Delete,
}

impl Task {
    /// DELETE, POST, PUT and PATCH, GET.
    pub(crate) fn phase(&self) -> usize {
        match self {
            Self::Conditional { what: What::Delete, .. }
            | Self::Delete { .. }
            | Self::DeleteAll { .. }
            | Self::Nothing => 0,
            Self::Conditional { what: What::Create, .. }
            | Self::Create { .. }
            | Self::Exists(_) => 1,
            Self::Conditional { what: What::Update | What::Patch, .. }
            | Self::Update { .. }
            | Self::Replace { .. }
            | Self::Patch { .. } => 2,
            Self::Look(_) => 3,
        }
    }

    /// The one resource that is written.
    pub(crate) fn writes(&self) -> Option<Key> {
        match self {
            Self::DeleteAll { .. } => None,
            other => other.written().first().copied(),
        }
    }

    /// The resources that are written.
    pub(crate) fn written(&self) -> &[Key] {
        match self {
            Self::Delete { key, .. }
            | Self::Create { key }
            | Self::Update { key, .. }
            | Self::Replace { key, .. } => std::slice::from_ref(key),
            Self::Patch { patching, .. } => std::slice::from_ref(&patching.key),
            Self::DeleteAll { keys, .. } => keys,
            Self::Conditional { .. } | Self::Exists(_) | Self::Nothing | Self::Look(_) => &[],
        }
    }

    /// What the entry's resource has to be; `None` when it needs none.
    pub(crate) fn expects(&self) -> Option<Expected> {
        match self {
            Self::Create { key } | Self::Replace { key, .. } => {
                Some(Expected { resource_type: key.resource_type, id: None })
            }
            Self::Update { key, .. } | Self::Patch { patching: Patching { key, .. }, .. } => {
                Some(Expected { resource_type: key.resource_type, id: Some(key.id) })
            }
            Self::Delete { .. }
            | Self::DeleteAll { .. }
            | Self::Conditional { .. }
            | Self::Exists(_)
            | Self::Nothing
            | Self::Look(_) => None,
        }
    }

    /// What is patched.
    pub(crate) fn patching(&self) -> Option<&Patching> {
        match self {
            Self::Patch { patching, .. } => Some(patching),
            Self::Delete { .. }
            | Self::DeleteAll { .. }
            | Self::Create { .. }
            | Self::Update { .. }
            | Self::Conditional { .. }
            | Self::Replace { .. }
            | Self::Exists(_)
            | Self::Nothing
            | Self::Look(_) => None,
        }
    }

    /// Notes the version that a patched resource was made from.
    pub(crate) fn made_from(&mut self, version: Option<u64>) {
        if let (Self::Patch { base, .. }, Some(version)) = (self, version) {
            *base = version;
        }
    }

    /// Whether a patch may begin again after its resource was changed meanwhile; counts.
    pub(crate) fn begins_again(&mut self) -> bool {
        let Self::Patch { patching, attempts, .. } = self else { return false };
        patching.version.is_none() && attempts.another()
    }
}

/// How entries are named in outcomes.
pub(crate) fn path(place: usize) -> String {
    format!("Bundle.entry[{place}]")
}

/// Reads and authorizes one entry.
pub(crate) fn read(cx: &Context<'_>, entry: Value<'_>) -> Result<Entry, Outcome> {
    if entry.kind() != Kind::Object {
        return Err(wrong("structure", "An entry is a JSON object."));
    }
    let full_url = text(entry, "fullUrl")?;
    let Some(request) = entry.get("request") else {
        return Err(wrong("required", "The entry has no request: add its method and url."));
    };
    let required = |key: &str| {
        let missing = || wrong("required", format!("The entry's request has no {key}."));
        text(request, key)?.ok_or_else(missing)
    };
    let (method, url) = (required("method")?, required("url")?);
    let since = text(request, "ifModifiedSince")?.as_deref().map(instant).transpose()?;
    let conditions = Conditions {
        if_match: text(request, "ifMatch")?,
        if_none_match: text(request, "ifNoneMatch")?,
        if_modified_since: since,
        if_none_exist: text(request, "ifNoneExist")?,
    };
    let (path, query) = local(cx, &url)?;
    let has_resource = entry.get("resource").is_some();
    let task = task(&cx.entry(query, &conditions), (&method, path), has_resource)?;
    let head = method == "HEAD";
    let is_sent = matches!(task, Task::Look(Interaction::Operation(call)) if call.is_post);
    let body = is_sent.then(|| entry.get("resource").map_or(&b""[..], |it| it.raw()));
    let body = body.map(Bytes::copy_from_slice);
    Ok(Entry { full_url, task, head, query: query.to_owned(), conditions, body })
}

/// The answer of an entry that only looks.
pub(crate) async fn looked(
    cx: &Context<'_>,
    interaction: Interaction,
    body: Option<&Bytes>,
) -> Result<Answer, Outcome> {
    match (interaction, body) {
        (Interaction::Operation(call), Some(body)) => {
            Box::pin(ops::operate(cx, call, Some(Body::of(body.clone())))).await
        }
        (interaction, _) => look(cx, interaction).await,
    }
}

fn task(
    cx: &Context<'_>,
    (method, path): (&str, &str),
    has_resource: bool,
) -> Result<Task, Outcome> {
    let unknown =
        || wrong("value", format!("'{method}' is not a method: GET, POST, PUT, PATCH, DELETE."));
    let method = match Method::from_bytes(method.as_bytes()).map_err(|_| unknown())? {
        Method::HEAD => Method::GET,
        method => method,
    };
    negotiate::entry_form(cx.query)?;
    let interaction = route(&method, path, cx.query)?;
    match interaction {
        Interaction::Delete(key) => {
            Ok(Task::Delete { key, operation: delete::operation(cx, key)? })
        }
        Interaction::Create(resource_type) if cx.conditions.if_none_exist.is_some() => {
            create::begin(cx)?;
            Ok(Task::Conditional { what: What::Create, resource_type })
        }
        Interaction::UpdateMatching(resource_type) => {
            let beside = conditional::beside(cx.query);
            update::asked(&Context { query: &beside, ..cx.clone() })?;
            Ok(Task::Conditional { what: What::Update, resource_type })
        }
        Interaction::PatchMatching(resource_type) => {
            let beside = conditional::beside(cx.query);
            patch::asked(&Context { query: &beside, ..cx.clone() })?;
            Ok(Task::Conditional { what: What::Patch, resource_type })
        }
        Interaction::DeleteMatching(resource_type) => {
            conditional::deleting(cx)?;
            Ok(Task::Conditional { what: What::Delete, resource_type })
        }
        Interaction::Create(resource_type) => {
            create::begin(cx)?;
            Ok(Task::Create { key: Key { resource_type, id: cx.new_id()? } })
        }
        Interaction::Update(key) => Ok(Task::Update { key, condition: update::begin(cx, key)? }),
        Interaction::Patch(key) => Ok(Task::Patch {
            patching: patch::begin(cx, key)?,
            base: 0,
            attempts: Attempts::first(),
        }),
        Interaction::Bundle => Err(wrong("not-supported", "A Bundle cannot stand in a Bundle.")),
        Interaction::SearchForm(_) if has_resource => Err(no_form()),
        Interaction::SearchForm(of) => Ok(Task::Look(Interaction::Search(of))),
        Interaction::ReindexJob(_) | Interaction::CancelReindex(_) => {
            Err(wrong("not-supported", "A job is asked about alone, not in a Bundle."))
        }
        Interaction::Operation(call) if call.is_post && !call.only_looks() => {
            Err(alone(call, &method))
        }
        Interaction::SmartConfiguration | Interaction::Versions | Interaction::Health => {
            Err(wrong("not-supported", "What is there is no resource: ask for it by itself."))
        }
        Interaction::Capabilities
        | Interaction::Read(_)
        | Interaction::Vread(..)
        | Interaction::History(_)
        | Interaction::Search(_)
        | Interaction::Includes(_)
        | Interaction::Operation(_) => Ok(Task::Look(interaction)),
    }
}

fn no_form() -> Outcome {
    wrong("not-supported", "An entry has no form: the parameters of its search stand in its url.")
}

/// For an operation that is no part of a Bundle.
fn alone(call: Call, method: &Method) -> Outcome {
    let name = ops::name(call.operation);
    let text =
        format!("{name} by {method} may change something: send it by itself, not in a Bundle.");
    wrong("not-supported", text)
}

/// The names of the service, without trailing slashes.
pub(crate) fn bases(cx: &Context<'_>) -> Vec<String> {
    let names = cx.app.authority.names();
    let mut bases = names.urls(&ExpectedAudience::Service(cx.service.id.clone())).to_vec();
    bases.push(cx.base.to_owned());
    bases
}

/// Path and query of an entry's URL, which is relative to the base or begins with one of the
/// service's names.
fn local<'u>(cx: &Context<'_>, url: &'u str) -> Result<(&'u str, &'u str), Outcome> {
    let below = |base: &String| {
        let rest = url.strip_prefix(base.as_str());
        rest.filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    };
    let inner = bases(cx).iter().find_map(below).unwrap_or(url);
    let (path, query) = inner.split_once('?').unwrap_or((inner, ""));
    if path.contains("://") {
        let text =
            format!("'{url}' is not an address of this service. Write it relative: Patient/1.");
        return Err(wrong("value", text));
    }
    Ok((path, query))
}

/// The end of an instant: unlike an HTTP date it can have parts of a second.
fn instant(text: &str) -> Result<Timestamp, Outcome> {
    let interval = date::interval(text);
    let interval = interval.map_err(|why| wrong("value", format!("ifModifiedSince: {why}.")))?;
    Ok(Timestamp::from_ticks(interval.before))
}

/// A member that is a string when it is there.
fn text(object: Value<'_>, key: &str) -> Result<Option<String>, Outcome> {
    let Some(value) = object.get(key) else { return Ok(None) };
    match value.as_str() {
        Some(text) => Ok(Some(text.into_owned())),
        None => Err(wrong("structure", format!("{key} is not a string."))),
    }
}

fn wrong(code: &'static str, text: impl Into<String>) -> Outcome {
    Outcome::error(StatusCode::BAD_REQUEST, code, text)
}

/// `Patient/1`
pub(crate) fn reference(key: &Key) -> String {
    format!("{}/{}", types::name(key.resource_type), key.id)
}
