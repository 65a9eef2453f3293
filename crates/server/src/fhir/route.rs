//! <https://hl7.org/fhir/R4/http.html#summary>: which interaction a method and a path ask for.

use std::borrow::Cow;

use http::header::ALLOW;
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use store::{HistoryOf, Key, ResourceId, TypeId};
use uuid::Uuid;

use super::ops::{self, Asked, Call, Level};
use super::outcome::Outcome;
use super::{options, types};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interaction {
    Capabilities,
    SmartConfiguration,
    Versions,
    Health,
    Read(Key),
    Vread(Key, u64),
    Create(TypeId),
    Update(Key),
    Patch(Key),
    Delete(Key),
    /// By the criteria in the query.
    UpdateMatching(TypeId),
    PatchMatching(TypeId),
    DeleteMatching(TypeId),
    History(HistoryOf),
    /// With the parameters in the query.
    Search(Searched),
    /// The rest of what a page of a search includes.
    Includes(Searched),
    /// The same, with parameters in a form as well.
    SearchForm(Searched),
    /// A batch or a transaction.
    Bundle,
    /// `$name`, on the whole service, a type or an instance.
    Operation(Call),
    /// How a reindex job stands.
    ReindexJob(Uuid),
    CancelReindex(Uuid),
}

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Searched {
    System,
    Type(TypeId),
    /// What belongs to a patient or another; of one type or of all.
    Compartment(Key, Option<TypeId>),
}

impl Interaction {
    /// The specification's word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Capabilities => "capabilities",
            Self::SmartConfiguration => "smart-configuration",
            Self::Versions => "versions",
            Self::Health => "health-check",
            Self::Read(_) => "read",
            Self::Vread(..) => "vread",
            Self::Create(_) => "create",
            Self::Update(_) | Self::UpdateMatching(_) => "update",
            Self::Patch(_) | Self::PatchMatching(_) => "patch",
            Self::Delete(_) | Self::DeleteMatching(_) => "delete",
            Self::History(HistoryOf::Instance(_)) => "history-instance",
            Self::History(HistoryOf::Type(_)) => "history-type",
            Self::History(HistoryOf::System) => "history-system",
            Self::Search(of) | Self::SearchForm(of) => match of {
                Searched::System => "search-system",
                Searched::Type(_) => "search-type",
                Searched::Compartment(..) => "search-compartment",
            },
            Self::Includes(_) => "includes",
            Self::Bundle => "transaction",
            Self::Operation(call) => ops::name(call.operation),
            Self::ReindexJob(_) => "reindex-status",
            Self::CancelReindex(_) => "reindex-cancel",
        }
    }

    /// Whether it is answered without a token.
    pub(crate) fn is_anonymous(self) -> bool {
        use Interaction::{Capabilities, Health, SmartConfiguration, Versions};
        matches!(self, Capabilities | SmartConfiguration | Versions | Health)
    }
}

/// Everything that a method and a path can be wrong about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 404: `GET [base]` without parameters asks for nothing.
    Base,
    /// 404: nothing is at this path.
    UnknownPath(String),
    /// 404: R4 has no such resource type.
    UnknownType(String),
    /// 404: not an operation of R4 or of Azure's.
    UnknownOperation(String),
    /// 404: a version that is no number; ours are.
    UnknownVersion(String),
    /// 400: R4 does not allow such an id.
    BadId(String),
    /// 405
    Method { method: String, allow: &'static str },
    /// 405: criteria delete within one type.
    DeleteOfAllTypes,
    /// 501: part of the service, but not there yet.
    Later(String),
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let not_found = |text: String| Self::error(StatusCode::NOT_FOUND, "not-found", text);
        match refusal {
            Refusal::Base => not_found(
                "This is the base of a FHIR service. Start with /metadata, or ask for a type: \
                 /Patient."
                    .to_owned(),
            ),
            Refusal::UnknownPath(path) => not_found(format!(
                "There is nothing at '/{path}'. Paths look like /Patient, /Patient/ID or \
                 /Patient/ID/_history."
            )),
            Refusal::UnknownType(name) => Self::error(
                StatusCode::NOT_FOUND,
                "not-supported",
                match types::meant(&name) {
                    Some(meant) => format!(
                        "FHIR R4 has no resource type '{name}'. Did you mean '{meant}'? Names \
                         are case-sensitive."
                    ),
                    None => format!("FHIR R4 has no resource type '{name}'. /metadata lists them."),
                },
            ),
            Refusal::UnknownOperation(name) => {
                not_found(format!("There is no operation '{name}' in this place."))
            }
            Refusal::UnknownVersion(text) => {
                not_found(format!("There is no version '{text}': versions are numbered 1, 2, 3…"))
            }
            Refusal::BadId(id) => Self::error(
                StatusCode::BAD_REQUEST,
                "value",
                format!(
                    "'{id}' cannot be the id of a resource: 1 to 64 letters, digits, '-' \
                 and '.'."
                ),
            ),
            Refusal::Method { method, allow } => Self::error(
                StatusCode::METHOD_NOT_ALLOWED,
                "not-supported",
                format!("{method} has no meaning here. Allowed: {allow}."),
            )
            .with(ALLOW, &options::with_it(allow)),
            Refusal::DeleteOfAllTypes => Self::error(
                StatusCode::METHOD_NOT_ALLOWED,
                "not-supported",
                "Criteria delete within one type: DELETE /Patient?identifier=…. Send one request \
                 for each type, or a Bundle of them.",
            )
            .with(ALLOW, &options::with_it(ON_BASE)),
            Refusal::Later(what) => Self::error(
                StatusCode::NOT_IMPLEMENTED,
                "not-supported",
                format!(
                    "{what} comes later; it is part of this service and not available yet. \
                 /metadata lists what is."
                ),
            ),
        }
    }
}

const ON_BASE: &str = "GET, HEAD, POST";
const ON_TYPE: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const ON_SEARCH: &str = "GET, HEAD, POST";
const ON_INSTANCE: &str = "GET, HEAD, PUT, PATCH, DELETE";
const GET_ONLY: &str = "GET, HEAD";

/// Operations of R4 and of Azure's service that are still to come; all other names are unknown.
const OPERATIONS: [&str; 26] = [
    "$apply",
    "$bulk-delete",
    "$bulk-delete-soft-deleted",
    "$bulk-update",
    "$cds-hooks",
    "$closure",
    "$conforms",
    "$convert-data",
    "$data-requirements",
    "$evaluate-measure",
    "$export",
    "$find",
    "$find-matches",
    "$graphql",
    "$implements",
    "$import",
    "$match",
    "$populate",
    "$preferred-id",
    "$process-message",
    "$snapshot",
    "$stats",
    "$submit",
    "$submit-data",
    "$subset",
    "$transform",
];

/// Types that have compartments.
const COMPARTMENTS: [&str; 5] = ["Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"];

fn reindex_job(method: &Method, id: &str) -> Result<Interaction, Refusal> {
    let unknown = |_| Refusal::UnknownPath(format!("_operations/reindex/{id}"));
    let id = id.parse::<Uuid>().map_err(unknown)?;
    match *method {
        Method::DELETE => Ok(Interaction::CancelReindex(id)),
        Method::GET | Method::HEAD => Ok(Interaction::ReindexJob(id)),
        _ => Err(Refusal::Method { method: method.to_string(), allow: "GET, HEAD, DELETE" }),
    }
}

/// Finds the interaction. `path` is what follows the base, percent-encoded as sent.
pub(crate) fn route(method: &Method, path: &str, query: &str) -> Result<Interaction, Refusal> {
    let path = decoded(path);
    let path = path.strip_prefix('/').unwrap_or(&path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.split('/');
    let place: [Option<&str>; 6] = std::array::from_fn(|_| segments.next());
    match place {
        [Some(""), None, ..] => base(method, query),
        [Some("metadata"), None, ..] => get(method, Interaction::Capabilities),
        [Some("$versions"), None, ..] => get(method, Interaction::Versions),
        [Some(".well-known"), Some("smart-configuration"), None, ..] => {
            get(method, Interaction::SmartConfiguration)
        }
        [Some("health"), Some("check"), None, ..] => get(method, Interaction::Health),
        [Some("_history"), None, ..] => get(method, Interaction::History(HistoryOf::System)),
        [Some("_search"), None, ..] => search(method, Searched::System),
        [Some("$includes"), None, ..] => get(method, Interaction::Includes(Searched::System)),
        [Some(name), Some("$includes"), None, ..] => {
            get(method, Interaction::Includes(Searched::Type(type_of(name)?)))
        }
        [Some(name), Some(id), Some(inside), Some("$includes"), None, ..]
            if COMPARTMENTS.contains(&name) =>
        {
            get(method, Interaction::Includes(compartment(name, id, inside)?))
        }
        [Some("_operations"), Some("reindex"), Some(id), None, ..] => reindex_job(method, id),
        [Some("_operations"), ..] => Err(Refusal::UnknownPath(path.to_owned())),
        [Some(name), None, ..] if name.starts_with('$') => operation(method, name, Level::System),
        [Some(name), None, ..] => of_type(method, type_of(name)?),
        [Some(name), Some("_history"), None, ..] => {
            get(method, Interaction::History(HistoryOf::Type(type_of(name)?)))
        }
        [Some(name), Some("_search"), None, ..] => search(method, Searched::Type(type_of(name)?)),
        [Some(name), Some(called), None, ..] if called.starts_with('$') => {
            operation(method, called, Level::Type(type_of(name)?))
        }
        [Some(name), Some(id), None, ..] => of_instance(method, key(name, id)?),
        [Some(name), Some(id), Some("_history"), None, ..] => {
            get(method, Interaction::History(HistoryOf::Instance(key(name, id)?)))
        }
        [Some(name), Some(id), Some("_history"), Some(version), None, ..] => {
            let key = key(name, id)?;
            get(method, Interaction::Vread(key, numbered(version)?))
        }
        [Some(name), Some(id), Some("_history"), Some(version), Some(called), None]
            if called.starts_with('$') =>
        {
            let (key, number) = (key(name, id)?, numbered(version)?);
            asked(method, called, &ops::find_on_version(method, called, key, number))
        }
        [Some(name), Some(id), Some(called), None, ..] if called.starts_with('$') => {
            operation(method, called, Level::Instance(key(name, id)?))
        }
        [Some(name), Some(id), Some(inside), None, ..] if COMPARTMENTS.contains(&name) => {
            get(method, Interaction::Search(compartment(name, id, inside)?))
        }
        [Some(name), Some(id), Some(inside), Some("_search"), None, ..]
            if COMPARTMENTS.contains(&name) =>
        {
            search(method, compartment(name, id, inside)?)
        }
        [Some(name), ..] => {
            type_of(name)?;
            Err(Refusal::UnknownPath(path.to_owned()))
        }
        [None, ..] => Err(Refusal::UnknownPath(path.to_owned())),
    }
}

fn decoded(path: &str) -> Cow<'_, str> {
    match path.contains('%') {
        true => percent_decode_str(path).decode_utf8_lossy(),
        false => Cow::Borrowed(path),
    }
}

fn base(method: &Method, query: &str) -> Result<Interaction, Refusal> {
    match *method {
        Method::POST => Ok(Interaction::Bundle),
        Method::GET if query.is_empty() => Err(Refusal::Base),
        Method::GET => Ok(Interaction::Search(Searched::System)),
        Method::DELETE if !query.is_empty() => Err(Refusal::DeleteOfAllTypes),
        _ => Err(not_allowed(method, ON_BASE)),
    }
}

fn of_type(method: &Method, number: TypeId) -> Result<Interaction, Refusal> {
    match *method {
        Method::GET => Ok(Interaction::Search(Searched::Type(number))),
        Method::POST => Ok(Interaction::Create(number)),
        // Without criteria they hold for every resource, which is refused where they are read.
        Method::PUT => Ok(Interaction::UpdateMatching(number)),
        Method::PATCH => Ok(Interaction::PatchMatching(number)),
        Method::DELETE => Ok(Interaction::DeleteMatching(number)),
        _ => Err(not_allowed(method, ON_TYPE)),
    }
}

fn of_instance(method: &Method, key: Key) -> Result<Interaction, Refusal> {
    match *method {
        Method::GET => Ok(Interaction::Read(key)),
        Method::PUT => Ok(Interaction::Update(key)),
        Method::DELETE => Ok(Interaction::Delete(key)),
        Method::PATCH => Ok(Interaction::Patch(key)),
        _ => Err(not_allowed(method, ON_INSTANCE)),
    }
}

/// `_search`: by a form, and by the query alone.
fn search(method: &Method, of: Searched) -> Result<Interaction, Refusal> {
    match *method {
        Method::GET => Ok(Interaction::Search(of)),
        Method::POST => Ok(Interaction::SearchForm(of)),
        _ => Err(not_allowed(method, ON_SEARCH)),
    }
}

fn get(method: &Method, interaction: Interaction) -> Result<Interaction, Refusal> {
    if method == Method::GET { Ok(interaction) } else { Err(not_allowed(method, GET_ONLY)) }
}

fn not_allowed(method: &Method, allow: &'static str) -> Refusal {
    Refusal::Method { method: method.to_string(), allow }
}

fn type_of(name: &str) -> Result<TypeId, Refusal> {
    types::number(name).ok_or_else(|| Refusal::UnknownType(name.to_owned()))
}

fn key(name: &str, id: &str) -> Result<Key, Refusal> {
    let resource_type = type_of(name)?;
    let id = ResourceId::new(id).ok_or_else(|| Refusal::BadId(id.to_owned()))?;
    Ok(Key { resource_type, id })
}

fn compartment(name: &str, id: &str, inside: &str) -> Result<Searched, Refusal> {
    let of = if inside == "*" { None } else { Some(type_of(inside)?) };
    Ok(Searched::Compartment(key(name, id)?, of))
}

/// A version number in the one way we write it.
fn version_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

fn numbered(version: &str) -> Result<u64, Refusal> {
    version_number(version).ok_or_else(|| Refusal::UnknownVersion(version.to_owned()))
}

fn operation(method: &Method, name: &str, level: Level) -> Result<Interaction, Refusal> {
    asked(method, name, &ops::find(method, name, level))
}

fn asked(method: &Method, name: &str, found: &Asked) -> Result<Interaction, Refusal> {
    match found {
        Asked::Call(call) => Ok(Interaction::Operation(*call)),
        Asked::Method(allow) => Err(not_allowed(method, allow)),
        Asked::Unknown if OPERATIONS.binary_search(&name).is_ok() => {
            Err(Refusal::Later(format!("The operation {name}")))
        }
        Asked::Unknown => Err(Refusal::UnknownOperation(name.to_owned())),
    }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
