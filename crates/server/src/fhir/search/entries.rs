//! <https://hl7.org/fhir/R4/bundle.html#searchset> and `#history`: the entries of a page, read and
//! written while the answer is sent.

use std::sync::Arc;

use base::Fault;
use bytes::Bytes;
use json::{Writer, write_string};
use store::{Key, Kind, Part, Rid, Snapshot, Version};

use super::contained;
use super::parameters::Listed;
use crate::fhir::bundle::writer::{BundleWriter, Head};
use crate::fhir::conditions::etag;
use crate::fhir::outcome::{self, Issue};
use crate::fhir::subset::Subset;
use crate::fhir::{resource, types};

const SAYS_MATCH: &[u8] = br#","search":{"mode":"match"}}"#;
const SAYS_INCLUDE: &[u8] = br#","search":{"mode":"include"}}"#;
const SAYS_OUTCOME: &[u8] = br#","search":{"mode":"outcome"}}"#;
const SAYS_LOOKED: &[u8] =
    br#","request":{"method":"GET","url":"_history"},"response":{"status":"200 OK"}}"#;

/// Why an entry is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Match,
    Include,
}

/// What an entry is about.
pub(crate) enum Entry {
    Version(Rid, Mode),
    /// A match within another resource.
    Part {
        container: Key,
        part: Part,
    },
}

/// Makes the pieces of a searchset or a history.
pub(crate) struct Entries {
    /// `None` once the Bundle is finished.
    bundle: Option<BundleWriter>,
    listed: Listed,
    base: Arc<str>,
    snapshot: Snapshot,
    entries: std::vec::IntoIter<Entry>,
    warnings: Vec<Issue>,
    subset: Subset,
}

impl Entries {
    pub(crate) fn new(
        head: &Head,
        listed: Listed,
        base: Arc<str>,
        snapshot: Snapshot,
        entries: Vec<Entry>,
    ) -> Self {
        let bundle = Some(BundleWriter::new(head));
        Self {
            bundle,
            listed,
            base,
            snapshot,
            entries: entries.into_iter(),
            warnings: Vec::new(),
            subset: Subset::Whole,
        }
    }

    /// Adds an OperationOutcome behind the matches, when there is something to say.
    pub(crate) fn warn(self, warnings: Vec<Issue>) -> Self {
        Self { warnings, ..self }
    }

    /// Writes only this much of each resource.
    pub(crate) fn cut(self, subset: Subset) -> Self {
        Self { subset, ..self }
    }

    /// The next piece; `None` when there is no more.
    fn piece(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(mut bundle) = self.bundle.take() else { return Ok(None) };
        loop {
            match self.entries.next() {
                // One by one: a body may be as long as a request.
                Some(Entry::Version(rid, mode)) => {
                    for version in self.snapshot.versions(&[rid])? {
                        bundle.entry(|out| self.entry(&version, mode, out))?;
                    }
                }
                Some(Entry::Part { container, part }) => {
                    bundle.entry(|out| self.part(container, &part, out))?;
                }
                None => {
                    self.warning(&mut bundle);
                    return Ok(Some(bundle.finish()));
                }
            }
            if let Some(piece) = bundle.piece() {
                self.bundle = Some(bundle);
                return Ok(Some(piece));
            }
        }
    }

    fn entry(&self, version: &Version, mode: Mode, out: &mut Vec<u8>) -> Result<(), Fault> {
        let key = version.key;
        let name = types::name(key.resource_type);
        out.extend_from_slice(b"{\"fullUrl\":");
        write_string(out, &format!("{}/{name}/{}", self.base, key.id));
        if !version.is_deletion() {
            out.extend_from_slice(b",\"resource\":");
            match (mode, &self.subset) {
                // R4: the list of elements is not for what is included.
                (Mode::Include, Subset::Elements(_)) => Subset::Whole.write(version, out)?,
                (_, subset) => subset.write(version, out)?,
            }
        }
        match self.listed {
            Listed::Matches => out.extend_from_slice(match mode {
                Mode::Match => SAYS_MATCH,
                Mode::Include => SAYS_INCLUDE,
            }),
            Listed::Versions => history(version, name, out),
        }
        Ok(())
    }

    fn part(&self, container: Key, part: &Part, out: &mut Vec<u8>) -> Result<(), Fault> {
        out.extend_from_slice(b"{\"fullUrl\":");
        write_string(out, &contained::url(&self.base, container, part));
        out.extend_from_slice(b",\"resource\":");
        self.subset.part(part.body.to_vec(), out)?;
        out.extend_from_slice(SAYS_MATCH);
        Ok(())
    }

    fn warning(&self, bundle: &mut BundleWriter) {
        if self.warnings.is_empty() {
            return;
        }
        bundle.entry(|out| {
            out.extend_from_slice(b"{\"resource\":");
            out.extend_from_slice(&outcome::resource(None, &self.warnings));
            // A history has no search modes; its entry must say what was done instead.
            out.extend_from_slice(match self.listed {
                Listed::Matches => SAYS_OUTCOME,
                Listed::Versions => SAYS_LOOKED,
            });
        });
    }
}

impl Iterator for Entries {
    type Item = Result<Bytes, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.piece().transpose()
    }
}

/// What made a version: the end of its entry.
fn history(version: &Version, name: &str, out: &mut Vec<u8>) {
    let url = format!("{name}/{}", version.key.id);
    let (method, url, status) = match version.kind {
        Kind::Assign => ("POST", name, "201 Created"),
        Kind::Create => ("PUT", &*url, "201 Created"),
        Kind::Update => ("PUT", &*url, "200 OK"),
        Kind::Patch => ("PATCH", &*url, "200 OK"),
        Kind::Delete => ("DELETE", &*url, "204 No Content"),
    };
    out.extend_from_slice(b",\"request\":");
    let mut writer = Writer::new(out);
    writer.begin_object().key("method").string(method).key("url").string(url).end_object();
    out.extend_from_slice(b",\"response\":");
    let mut writer = Writer::new(out);
    writer.begin_object().key("status").string(status).key("etag").string(&etag(version.number));
    writer.key("lastModified").string(&resource::instant(version.last_updated)).end_object();
    out.push(b'}');
}
