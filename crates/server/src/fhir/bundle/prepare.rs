//! <https://hl7.org/fhir/R4/http.html#trules>
//!
//! The resources of a Bundle checked, rewritten, stripped and compressed: on all cores when there
//! is much to do.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::Fault;
use base::limits::BUNDLE_PATCH_BYTES;
use bytes::Bytes;
use http::StatusCode;
use json::{Document, Limits, Value};
use store::{Key, Store};

use super::entries;
use super::entry::path;
use super::references::References;
use crate::edge::blocking;
use crate::fhir::check::{self, Checks, Expected};
use crate::fhir::context::Context;
use crate::fhir::incoming::{Incoming, LONG};
use crate::fhir::outcome::{Issue, Outcome};
use crate::fhir::patch::{Change, Patched, Patching};
use crate::fhir::refusal::General;
use crate::fhir::values::Indexing;

/// One entry's share of the work.
pub(crate) struct Work {
    /// Which entry.
    pub(crate) place: usize,
    pub(crate) expected: Expected,
    /// What is written.
    pub(crate) key: Key,
    pub(crate) full_url: Option<String>,
    /// What the entry's resource is a patch of.
    pub(crate) patching: Option<Patching>,
}

/// A resource that is ready for the store.
pub(crate) struct Ready {
    pub(crate) incoming: Incoming,
    /// The version that a patched one was made from.
    pub(crate) base: Option<u64>,
}

/// A prepared resource, or why it cannot be stored.
pub(crate) type Prepared = Result<Ready, Outcome>;

/// Prepares the resources of the entries that `work` names, in its order. References are those of a
/// transaction; a batch has none.
pub(crate) async fn prepare(
    cx: &Context<'_>,
    document: &Document,
    work: Vec<Work>,
    references: Option<References>,
) -> Result<Vec<Prepared>, Fault> {
    let (document, checks) = (document.clone(), cx.checks.clone());
    let indexing = Indexing::of(cx)?;
    let patches = work.iter().any(|item| item.patching.is_some());
    let (store, patched) = (cx.service.store.clone(), AtomicUsize::new(0));
    let job = Job { checks, document, references, indexing, store, patched };
    let is_quick = |item: &Work| job.checks.are_quick(item.key.resource_type);
    if job.document.bytes().len() <= LONG && !patches && work.iter().all(is_quick) {
        return Ok(job.some(&work));
    }
    blocking::run(move || job.all(&work)).await
}

struct Job {
    checks: Checks,
    document: Document,
    references: Option<References>,
    indexing: Indexing,
    store: Store,
    /// Bytes of resources that patches have made.
    patched: AtomicUsize,
}

impl Job {
    /// Everything, parted among the cores.
    fn all(&self, work: &[Work]) -> Vec<Prepared> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let share = work.len().div_ceil(cores).max(1);
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                work.chunks(share).map(|part| (part, scope.spawn(|| self.some(part)))).collect();
            workers
                .into_iter()
                .flat_map(|(part, worker)| worker.join().unwrap_or_else(|_| lost(part)))
                .collect()
        })
    }

    /// A part of the work, one entry after the other.
    fn some(&self, work: &[Work]) -> Vec<Prepared> {
        let mut entries = entries(&self.document).enumerate();
        let mut entry = |place| entries.find(|(other, _)| *other == place).map(|(_, entry)| entry);
        work.iter().map(|item| self.one(item, entry(item.place))).collect()
    }

    fn one(&self, item: &Work, entry: Option<Value<'_>>) -> Prepared {
        let resource = entry.and_then(|entry| entry.get("resource"));
        let resource = resource.ok_or_else(|| {
            Outcome::error(
                StatusCode::BAD_REQUEST,
                "required",
                "The entry has no resource to store.",
            )
        })?;
        if let Some(patching) = &item.patching {
            let change = Change::of_entry(resource)?;
            let Patched { before, after, base } = patching.patched(&change)?;
            if !fits(&self.patched, after.bytes().len()) {
                return Err(too_much());
            }
            let incoming = self.ready(after.root(), item, Some(before.root()))?;
            return Ok(Ready { incoming, base: Some(base) });
        }
        let at = format!("{}.resource", path(item.place));
        self.checks.resource(&self.document, resource, item.expected, &at)?;
        Ok(Ready { incoming: self.ready(resource, item, None)?, base: None })
    }

    /// With its references rewritten, where it is in a transaction; those of the version before
    /// stay.
    fn ready(
        &self,
        resource: Value<'_>,
        item: &Work,
        before: Option<Value<'_>>,
    ) -> Result<Incoming, Outcome> {
        match &self.references {
            Some(references) => {
                let full_url = item.full_url.as_deref();
                let rewritten = references.rewrite(resource, full_url, before);
                self.rewritten(rewritten, resource, item)
            }
            None => Ok(Incoming::prepare(resource, item.key, (&self.indexing, &self.store))?),
        }
    }

    fn rewritten(
        &self,
        rewritten: Result<Option<Vec<u8>>, String>,
        resource: Value<'_>,
        item: &Work,
    ) -> Result<Incoming, Outcome> {
        let rewritten = rewritten.map_err(|dangling| {
            let text = format!(
                "No entry of the Bundle has the fullUrl {dangling}, which this resource refers to."
            );
            Outcome::error(StatusCode::BAD_REQUEST, "not-found", text)
        })?;
        let Some(text) = rewritten else {
            return Ok(Incoming::prepare(resource, item.key, (&self.indexing, &self.store))?);
        };
        let document = Document::parse(Bytes::from(text), &Limits::default());
        let document = document.map_err(|error| Fault::new("rewriting references", error));
        let document = document.map_err(General::from)?;
        check::rewritten(document.root(), &format!("{}.resource", path(item.place)))?;
        Ok(Incoming::prepare(document.root(), item.key, (&self.indexing, &self.store))?)
    }
}

/// Counts the bytes of what a patch made.
fn fits(patched: &AtomicUsize, length: usize) -> bool {
    patched.fetch_add(length, Ordering::Relaxed).saturating_add(length) <= BUNDLE_PATCH_BYTES
}

/// 413 for a patch whose result does not fit beside those before it.
fn too_much() -> Outcome {
    let text = format!(
        "The resources that the patches of one Bundle make have at most {BUNDLE_PATCH_BYTES} \
         bytes together. Send the Bundle in parts."
    );
    Outcome::error(StatusCode::PAYLOAD_TOO_LARGE, "too-costly", text)
}

/// What a worker that panicked leaves behind: its entries fail, the others do not.
fn lost(part: &[Work]) -> Vec<Prepared> {
    let fault = |_: &Work| Err(General::bug("preparing an entry panicked").into());
    part.iter().map(fault).collect()
}

/// An issue about the Bundle that names an entry.
pub(crate) fn about(place: usize, code: &'static str, text: String) -> Outcome {
    let issue = Issue::error(code, text).at(path(place));
    Outcome::new(StatusCode::BAD_REQUEST, vec![issue])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_make_at_most_so_many_bytes() {
        let patched = AtomicUsize::new(0);
        assert!(fits(&patched, 1_000));
        assert!(fits(&patched, BUNDLE_PATCH_BYTES - 1_000));
        assert!(!fits(&patched, 1));
    }
}
