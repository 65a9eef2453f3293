//! <https://learn.microsoft.com/en-us/azure/healthcare-apis/fhir/fhir-versioning-policy-and-history-management>
//!
//! `_meta-history=false`: a change of nothing but `meta` is a new version, and the one that it
//! replaces is not kept.

use base::Fault;
use json::{Document, Edits, Limits, Stripped};
use store::{Key, Operation, Purged};

use super::context::Context;
use super::outcome::Issue;
use super::refusal::General;
use crate::versioning::Policy;

/// The parameter of a write.
pub(crate) const PARAMETER: &str = "_meta-history";

/// Refuses another value than true and false.
pub(crate) fn check(cx: &Context<'_>) -> Result<(), General> {
    match cx.parameter(PARAMETER).as_deref() {
        None | Some("true" | "false" | "") => Ok(()),
        Some(other) => {
            let text = format!("{PARAMETER} is true or false, not '{other}'.");
            Err(General::Content(vec![Issue::error("value", text)]))
        }
    }
}

/// What is to be done beside a write: the end of the version that it replaces, when nobody wants to
/// keep that.
pub(crate) fn forgotten(
    cx: &Context<'_>,
    key: Key,
    stripped: &Stripped,
) -> Result<Option<Operation>, General> {
    // Where no version is kept, this one is not either.
    let is_wanted = cx.parameter(PARAMETER).as_deref() == Some("false")
        && cx.policy(key.resource_type) != Policy::NoVersion;
    if !is_wanted {
        return Ok(None);
    }
    let Some(current) = cx.service.store.snapshot().current(&key)? else { return Ok(None) };
    if current.is_deletion() || without_meta(&current.body)? != without_meta(&stripped.body)? {
        return Ok(None);
    }
    let which = Purged::ReplacedNumber(current.number);
    Ok(Some(Operation::PurgeHistory { key, which }))
}

/// The hash of a stored body without its meta.
fn without_meta(body: &[u8]) -> Result<[u8; 16], Fault> {
    let parse = |text: Vec<u8>| {
        let parsed = Document::parse(text, &Limits::default());
        parsed.map_err(|_| Fault::because("a stored resource is not JSON"))
    };
    let whole = parse(body.to_vec())?;
    let mut edits = Edits::new(&whole);
    if whole.root().get("meta").is_some() {
        edits.remove(whole.root(), "meta");
    }
    let rest = edits.apply().map_err(|_| Fault::because("one edit overlaps itself"))?;
    Ok(json::strip(parse(rest)?.root()).hash)
}
