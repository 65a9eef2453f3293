//! <https://hl7.org/fhir/R4/http.html#patch>
//!
//! A patch as it came in, and what it makes of the version that is current.

use std::borrow::Cow;
use std::fmt;

use base::{Fault, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fhir::patch::{ErrorKind, Setting, fhirpath_patch, json_patch, xml_patch};
use fhir::path::Schema;
use fhir::{Definitions, xml};
use json::{Document, Value};
use store::{Key, Store};

use super::Refusal;
use super::meta::MetaChange;
use crate::fhir::check::{Checks, Expected};
use crate::fhir::incoming::{Incoming, parse};
use crate::fhir::{resource, translate, validation};

/// The kinds of patch, as their media types say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Xml,
    /// A Parameters resource.
    FhirPath,
}

impl Format {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Xml => "application/xml-patch+xml",
            Self::FhirPath => "application/fhir+json",
        }
    }
}

/// A patch that was read. Cloning shares it.
#[derive(Clone)]
pub(crate) enum Change {
    Json(Document),
    Xml(Bytes),
    FhirPath(Document),
    Meta(MetaChange),
}

impl Change {
    /// Reads the body of a PATCH.
    pub(crate) fn read(format: Format, body: Bytes) -> Result<Self, Refusal> {
        Ok(match format {
            Format::Json => Self::Json(parse(body)?),
            Format::Xml => Self::Xml(body),
            Format::FhirPath => Self::FhirPath(parse(body)?),
        })
    }

    /// Reads the resource of a PATCH in a Bundle: a Parameters resource, or a Binary whose data is
    /// a JSON Patch or an XML Patch.
    pub(crate) fn of_entry(resource: Value<'_>) -> Result<Self, Refusal> {
        let (format, body) = body_of_entry(resource)?;
        Self::read(format, body)
    }
}

/// The patch in the resource of a PATCH in a Bundle, and its kind.
pub(crate) fn body_of_entry(resource: Value<'_>) -> Result<(Format, Bytes), Refusal> {
    let text = |key: &str| resource.get(key).and_then(Value::as_str).unwrap_or_default();
    match text("resourceType").as_ref() {
        "Parameters" => Ok((Format::FhirPath, Bytes::copy_from_slice(resource.raw()))),
        "Binary" => {
            let kind = text("contentType");
            let essence = kind.split(';').next().unwrap_or_default().trim();
            let mut formats = [Format::Json, Format::Xml].into_iter();
            let format = formats.find(|it| it.media_type().eq_ignore_ascii_case(essence));
            let format = format.ok_or_else(|| {
                Refusal::NotAPatch(format!(
                    "The Binary of a PATCH has the contentType application/json-patch+json or \
                     application/xml-patch+xml, not '{kind}'."
                ))
            })?;
            let data = STANDARD.decode(text("data").as_bytes()).map_err(|error| {
                Refusal::NotAPatch(format!("The data of the Binary is not base64: {error}."))
            })?;
            Ok((format, data.into()))
        }
        other => Err(Refusal::NotAPatch(format!(
            "An entry with PATCH carries a Parameters resource (FHIRPath Patch) or a Binary \
             with a JSON Patch or an XML Patch, not '{other}'."
        ))),
    }
}

/// What is to be patched, and how it must be.
#[derive(Clone)]
pub(crate) struct Patching {
    pub(crate) store: Store,
    pub(crate) key: Key,
    /// The version that `If-Match` asks for.
    pub(crate) version: Option<u64>,
    /// `If-Match` as it was written.
    pub(crate) supplied: Option<String>,
    pub(crate) now: Timestamp,
    pub(crate) checks: Checks,
}

/// What a patch made of a version.
pub(crate) struct Patched {
    /// The version.
    pub(crate) before: Document,
    /// The result, which was checked.
    pub(crate) after: Document,
    /// The version's number.
    pub(crate) base: u64,
}

impl fmt::Debug for Patching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patching").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Patching {
    /// Applies a change to the current version. Blocks.
    pub(crate) fn patched(&self, change: &Change) -> Result<Patched, Refusal> {
        let key = self.key;
        let current = self.store.snapshot().current(&key)?.ok_or(Refusal::NotFound(key))?;
        if current.is_deletion() {
            return Err(Refusal::Gone(key, current.number));
        }
        if self.version.is_some_and(|version| version != current.number) {
            let (supplied, current) = (self.supplied.clone(), current.number);
            return Err(Refusal::Mismatch { supplied, current });
        }
        let before = resource::whole(&current)?;
        let after = self.apply(change, &before)?;
        immutable(before.root(), after.root())?;
        let expected = Expected { resource_type: key.resource_type, id: Some(key.id) };
        Incoming::check(&after, expected, &self.checks)?;
        Ok(Patched { before, after, base: current.number })
    }

    fn apply(&self, change: &Change, before: &Document) -> Result<Document, Refusal> {
        let applied = match change {
            Change::Json(patch) => json_patch(before, patch),
            Change::Xml(patch) => return in_xml(before, patch),
            Change::FhirPath(parameters) => {
                let setting = Setting { schema: Schema::r4(), now: validation::moment(self.now)? };
                fhirpath_patch(before, parameters.root(), &setting)
            }
            Change::Meta(change) => return Ok(change.apply(before)?),
        };
        applied.map_err(Refusal::Patch)
    }
}

/// Applies an XML Patch to the XML of a resource. The way through XML puts members in another
/// order, which is no change.
fn in_xml(before: &Document, patch: &[u8]) -> Result<Document, Refusal> {
    let patch = std::str::from_utf8(patch).map_err(|error| {
        Refusal::NotAPatch(format!("The XML Patch is not valid UTF-8: {error}."))
    })?;
    let target = xml_text(before.root())?;
    let target = std::str::from_utf8(&target).map_err(|error| Fault::new("writing XML", error))?;
    let patched = xml_patch(target, patch).map_err(Refusal::Patch)?;
    Ok(parse(translate::patched(patched.as_bytes())?)?)
}

fn xml_text(resource: Value<'_>) -> Result<Vec<u8>, Refusal> {
    let mut text = Vec::with_capacity(resource.raw().len() * 5 / 4);
    let written = xml::from_json(Definitions::r4(), resource, false, &mut text);
    written.map(|()| text).map_err(|unwritable| {
        Refusal::Patch(fhir::patch::Error {
            kind: ErrorKind::Inapplicable,
            operation: None,
            position: None,
            message: format!("{unwritable}, so that no XML Patch applies to it"),
        })
    })
}

/// What the server sets stays, or is left out.
fn immutable(before: Value<'_>, after: Value<'_>) -> Result<(), Refusal> {
    let changed = |path: [&str; 2]| {
        let [outer, inner] = path;
        let of = |root: Value<'_>| {
            let value = root.get(outer)?;
            let value = if inner.is_empty() { Some(value) } else { value.get(inner) };
            value?.as_str().map(Cow::into_owned)
        };
        let after = of(after);
        after.is_some() && after != of(before)
    };
    let elements = [
        (["resourceType", ""], "resourceType"),
        (["id", ""], "id"),
        (["meta", "versionId"], "meta.versionId"),
        (["meta", "lastUpdated"], "meta.lastUpdated"),
    ];
    match elements.into_iter().find(|(path, _)| changed(*path)) {
        Some((_, name)) => Err(Refusal::Immutable(name)),
        None => Ok(()),
    }
}
