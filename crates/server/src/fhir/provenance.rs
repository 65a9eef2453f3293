//! <https://hl7.org/fhir/R4/provenance.html#header>
//!
//! `X-Provenance`: a Provenance of what is written, stored in the same commit.

use http::HeaderMap;
use json::{Document, Edits};
use store::{Key, Operation, PutCondition};

use super::bundle::reference;
use super::check::Expected;
use super::context::Context;
use super::incoming::{self, Incoming};
use super::outcome::Issue;
use super::refusal::General;
use super::types;
use super::values::Indexing;
use crate::edge::blocking;

const HEADER: &str = "X-Provenance";

/// What the header holds: a Provenance without its target.
#[derive(Clone)]
pub(crate) struct Provenance(Document);

impl Provenance {
    /// Reads the header.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, General> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        let parsed = incoming::parse(value.as_bytes().to_vec().into()).map_err(named)?;
        let root = parsed.root();
        if !root.get("resourceType").is_some_and(|name| name.is_str("Provenance")) {
            let text = format!("{HEADER} holds a Provenance resource in JSON.");
            return Err(wrong("structure", text));
        }
        if root.get("target").is_some() {
            let text = format!("{HEADER} has no target: that is the version that is written.");
            return Err(wrong("business-rule", text));
        }
        Ok(Some(Self(parsed)))
    }

    /// Stores it as the provenance of a version.
    async fn operation(
        &self,
        cx: &Context<'_>,
        key: Key,
        number: u64,
    ) -> Result<Operation, General> {
        let target = format!(r#"[{{"reference":"{}/_history/{number}"}}]"#, reference(&key));
        let mut edits = Edits::new(&self.0);
        edits.set(self.0.root(), "target", target);
        let text = edits.apply().map_err(|_| General::bug("one edit overlaps itself"))?;
        let whole = incoming::parse(text.into())?;
        let resource_type = types::number("Provenance");
        let resource_type = resource_type.ok_or_else(|| General::bug("R4 has no Provenance"))?;
        let key = Key { resource_type, id: cx.new_id()? };
        let (expected, checks) = (Expected { resource_type, id: None }, cx.checks.clone());
        let (indexing, store) = (Indexing::of(cx)?, cx.service.store.clone());
        let content = blocking::run(move || {
            Incoming::check(&whole, expected, &checks).map_err(named)?;
            Ok::<_, General>(Incoming::prepare(whole.root(), key, (&indexing, &store))?.content)
        });
        let content = content.await??;
        Ok(Operation::Put { key, condition: PutCondition::Absent, content })
    }
}

/// What stores the Provenance that came with a request, as that of a version.
pub(crate) async fn of_version(
    cx: &Context<'_>,
    key: Key,
    number: u64,
) -> Result<Option<Operation>, General> {
    match &cx.provenance {
        Some(provenance) => Ok(Some(provenance.operation(cx, key, number).await?)),
        None => Ok(None),
    }
}

/// Says of faults that they are in the header; a place in it would look like one in the body.
fn named(refusal: General) -> General {
    let (issues, of): (_, fn(_) -> _) = match refusal {
        General::Content(issues) => (issues, General::Content),
        General::Rules(issues) => (issues, General::Rules),
        other => return other,
    };
    let issue = |issue: Issue| Issue {
        diagnostics: format!("{HEADER}: {}", issue.diagnostics),
        position: None,
        ..issue
    };
    of(issues.into_iter().map(issue).collect())
}

fn wrong(code: &'static str, text: String) -> General {
    General::Content(vec![Issue::error(code, text)])
}
