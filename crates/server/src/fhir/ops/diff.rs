//! <https://hapifhir.io/hapi-fhir/docs/server_plain/rest_operations.html>: `$diff`, the FHIRPath
//! Patch that makes one version of another (<https://hl7.org/fhir/R4/fhirpatch.html>).

use authority::DataAction;
use base::limits::PATCH_OPERATIONS;
use fhir::patch::{Difference, fhirpath_diff};
use fhir::path::Schema;
use fhir::value::Reference;
use http::StatusCode;
use json::Document;
use store::{HistoryOf, HistoryPlan, Key, ResourceId, Snapshot, Version};

use super::input::{Input, wrong};
use super::{Call, Level};
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::bundle::{bases, reference};
use crate::fhir::context::Context;
use crate::fhir::outcome::{CONTENT_TYPE, Outcome};
use crate::fhir::read;
use crate::fhir::refusal::General;
use crate::fhir::search::listing;
use crate::fhir::{resource, types};

/// Everything that can go wrong with it, in the order in which it is checked.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    /// 404, 410: what is compared is not there.
    Read(read::Refusal),
    /// 404: there is no such version.
    NoVersion(Key, u64),
    /// 404: nothing came before the only version.
    NothingBefore(Key),
    /// 400
    Types(&'static str, &'static str),
    /// 413: more operations than one patch may have.
    TooMany(usize),
}

impl<T: Into<General>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let not_found = |text: String| Self::error(StatusCode::NOT_FOUND, "not-found", text);
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::Read(refusal) => refusal.into(),
            Refusal::NoVersion(key, number) => not_found(format!(
                "{} has no version {number} to compare with. Its versions are in {}/_history.",
                reference(&key),
                reference(&key)
            )),
            Refusal::NothingBefore(key) => not_found(format!(
                "{} has no version before that one to compare with.",
                reference(&key)
            )),
            Refusal::Types(from, to) => wrong(
                "value",
                format!("A {from} and a {to} cannot be compared: they are of two types."),
            )
            .into(),
            Refusal::TooMany(count) => Self::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-costly",
                format!(
                    "The versions differ in {count} places; a patch has at most \
                     {PATCH_OPERATIONS} operations. Read both."
                ),
            ),
        }
    }
}

/// `[base]/[type]/[id]/$diff`: from the version before, or from `fromVersion`, to the current one,
/// or to that of `[base]/[type]/[id]/_history/[vid]/$diff`.
/// `[base]/$diff?from=…&to=…`: from one resource to another, each with a version or the current.
pub(crate) async fn diff(cx: &Context<'_>, call: Call, input: &Input) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    let snapshot = cx.snapshot();
    let (from, to) = match call.level {
        Level::Instance(key) => {
            input.only_parameters(&["fromVersion"])?;
            let to = match call.version {
                Some(number) => version(&snapshot, key, number)?,
                None => read::current(&snapshot, key).map_err(Refusal::Read)?,
            };
            (earlier(&snapshot, &to, input)?, to)
        }
        Level::System | Level::Type(_) => {
            input.only_parameters(&["from", "to"])?;
            let bases = bases(cx);
            let one = |name| named(&snapshot, input, (name, &bases));
            (one("from")?, one("to")?)
        }
    };
    let (from_type, to_type) =
        (types::name(from.key.resource_type), types::name(to.key.resource_type));
    if from_type != to_type {
        return Err(Refusal::Types(from_type, to_type));
    }
    let (before, after) = (resource::whole(&from)?, resource::whole(&to)?);
    let found = blocking::run(move || difference(to_type, &before, &after)).await?;
    let found = found.ok_or_else(|| General::bug("versions are of one type"))?;
    match found.operations > PATCH_OPERATIONS {
        true => Err(Refusal::TooMany(found.operations)),
        false => Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, found.patch)),
    }
}

/// What the service itself sets is no difference: no patch can set it.
fn difference(name: &str, before: &Document, after: &Document) -> Option<Difference> {
    let own = ["id", "meta.versionId", "meta.lastUpdated"].map(|path| format!("{name}.{path}"));
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    fhirpath_diff(before.root(), after.root(), &Schema::r4(), &own)
}

/// The version that is compared with the current one.
fn earlier(snapshot: &Snapshot, current: &Version, input: &Input) -> Result<Version, Refusal> {
    let key = current.key;
    if input.has("fromVersion") {
        let number = input.number("fromVersion")?.unwrap_or_default() as u64;
        return version(snapshot, key, number);
    }
    // The current one, a deletion perhaps, and the one before.
    let plan = HistoryPlan::of(HistoryOf::Instance(key));
    let page = snapshot.history(&plan, Some(current.rid), 2).map_err(listing::fault)?;
    let versions = snapshot.versions(&page.rids)?;
    versions.into_iter().find(|it| !it.is_deletion()).ok_or(Refusal::NothingBefore(key))
}

fn version(snapshot: &Snapshot, key: Key, number: u64) -> Result<Version, Refusal> {
    let found = snapshot.version(&key, number)?.filter(|version| !version.is_deletion());
    found.ok_or(Refusal::NoVersion(key, number))
}

/// The version that a parameter refers to.
fn named(
    snapshot: &Snapshot,
    input: &Input,
    (name, bases): (&str, &[String]),
) -> Result<Version, Refusal> {
    let text = input.reference(name)?;
    let target = match Reference::parse(&text) {
        Reference::Absolute { base, target } if bases.iter().any(|own| own == base) => Some(target),
        Reference::Relative(target) => Some(target),
        _ => None,
    };
    let key = target.as_ref().and_then(|target| {
        let resource_type = types::number(target.resource_type)?;
        Some(Key { resource_type, id: ResourceId::new(target.id)? })
    });
    let (Some(key), Some(target)) = (key, target) else {
        let text = format!(
            "{name} is a resource of this service or a version of it, Patient/1 or \
             Patient/1/_history/2, not '{text}'."
        );
        return Err(wrong("value", text).into());
    };
    match target.version.map(str::parse) {
        None => read::current(snapshot, key).map_err(Refusal::Read),
        Some(Ok(number)) => version(snapshot, key, number),
        Some(Err(_)) => Err(Refusal::NoVersion(key, 0)),
    }
}
