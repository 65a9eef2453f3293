//! A stored body: the resource less what changes with each version, and how to put that back.

use std::io::Write;
use std::ops::Range;

use crate::cut::{self, Cuts};
use crate::hash;
use crate::value::{Kind, Value};
use crate::write::write_string;

/// What a version stores of its resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stripped {
    /// The bytes as given, less `id`, `meta.versionId`, `meta.lastUpdated`, and less a `meta` that
    /// this left empty.
    pub body: Vec<u8>,
    /// Where they go back in.
    pub splice: Splice,
    /// xxh3-128, big-endian, of what the body says: whitespace, the spelling of strings and the
    /// order of members do not matter, the text of numbers and the order of elements do.
    pub hash: [u8; 16],
}

/// Where in a stripped body `id` and `meta` go back in: 12 bytes to keep beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Splice {
    id: u32,
    meta: u32,
    form: MetaForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MetaForm {
    /// The body has no `meta`: a whole one goes in.
    Whole = 1,
    /// The body's `meta` has other members: two go in beside them.
    Members = 2,
    /// The body's `meta` is no object, so there is nowhere to put them. No valid resource has this.
    Alien = 3,
}

/// Takes `id`, `meta.versionId` and `meta.lastUpdated` out of `resource`, an object. Key order is
/// kept.
#[must_use]
pub fn strip(resource: Value<'_>) -> Stripped {
    let meta = resource.get("meta");
    let meta_cuts = meta
        .map(|meta| cut::cuts(meta, |member| member.is("versionId") || member.is("lastUpdated")));
    let form = match (meta, &meta_cuts) {
        (Some(meta), _) if meta.kind() != Kind::Object => MetaForm::Alien,
        (Some(_), Some(Cuts { last_kept: Some(_), .. })) => MetaForm::Members,
        _ => MetaForm::Whole,
    };
    let outer = cut::cuts(resource, |member| {
        member.is("id") || form == MetaForm::Whole && member.is("meta")
    });
    if outer.last_kept.is_none() {
        let hash = hash::content(resource, &outer.ranges);
        return stripped((b"{}".to_vec(), hash), 1, 1, MetaForm::Whole);
    }
    let inner = if form == MetaForm::Members { meta_cuts } else { None };
    let id = id_place(resource, &outer);
    let meta = match (meta, &inner) {
        (Some(meta), Some(inner)) => {
            inner.ranges.first().map_or(meta.span().start + 1, |first| first.start)
        }
        (Some(meta), None) => place_of(meta, &outer).unwrap_or(id),
        (None, _) => id,
    };
    let mut gone = outer.ranges;
    gone.extend(inner.map(|inner| inner.ranges).unwrap_or_default());
    gone.sort_unstable_by_key(|range| range.start);
    let body = without(resource, &gone);
    let hash = hash::content(resource, &gone);
    stripped((body, hash), moved(resource, id, &gone), moved(resource, meta, &gone), form)
}

/// Where the id stood; else right behind `resourceType`; else at the front.
fn id_place(resource: Value<'_>, outer: &Cuts) -> usize {
    let stood = resource.get("id").and_then(|id| place_of(id, outer));
    let behind_type = || resource.get("resourceType").map(|name| name.span().end);
    stood.or_else(behind_type).unwrap_or(resource.span().start + 1)
}

/// Where the cut begins that took `value` away.
fn place_of(value: Value<'_>, cuts: &Cuts) -> Option<usize> {
    let start = value.span().start;
    cuts.ranges.iter().find(|range| range.contains(&start)).map(|range| range.start)
}

fn without(resource: Value<'_>, gone: &[Range<usize>]) -> Vec<u8> {
    let Range { mut start, end } = resource.span();
    let mut body = Vec::with_capacity(end - start);
    for range in gone {
        body.extend_from_slice(resource.text().get(start..range.start).unwrap_or_default());
        start = range.end;
    }
    body.extend_from_slice(resource.text().get(start..end).unwrap_or_default());
    body
}

/// The place in the body of a place in the text.
fn moved(resource: Value<'_>, place: usize, gone: &[Range<usize>]) -> usize {
    let before = gone.iter().filter(|range| range.end <= place).map(Range::len).sum::<usize>();
    place - resource.span().start - before
}

fn stripped((body, hash): (Vec<u8>, [u8; 16]), id: usize, meta: usize, form: MetaForm) -> Stripped {
    debug_assert!(id < body.len() && meta < body.len(), "both places are inside the brackets");
    let narrow = |place| u32::try_from(place).unwrap_or(u32::MAX);
    Stripped { body, splice: Splice { id: narrow(id), meta: narrow(meta), form }, hash }
}

impl Splice {
    /// For keeping.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 12] {
        let [a, b, c, d] = self.id.to_le_bytes();
        let [e, f, g, h] = self.meta.to_le_bytes();
        [a, b, c, d, e, f, g, h, self.form as u8, 0, 0, 0]
    }

    /// What was kept; None when these are not the 12 bytes of a splice.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Splice> {
        let &[a, b, c, d, e, f, g, h, form, 0, 0, 0] = bytes else { return None };
        let form = match form {
            1 => MetaForm::Whole,
            2 => MetaForm::Members,
            3 => MetaForm::Alien,
            _ => return None,
        };
        let (id, meta) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        Some(Splice { id, meta, form })
    }

    /// Appends the resource as it leaves: `id` where it stood, else right behind `resourceType`;
    /// `versionId` and `lastUpdated` inside `meta`; a `meta` that was absent right behind the `id`.
    #[expect(clippy::too_many_arguments, reason = "a splice and the five things it joins")]
    pub fn write(
        &self,
        body: &[u8],
        id: &str,
        version_id: u64,
        last_updated: &str,
        out: &mut Vec<u8>,
    ) {
        out.reserve(body.len() + id.len() + last_updated.len() + 64);
        let write_id = |out: &mut Vec<u8>| {
            out.extend_from_slice(b"\"id\":");
            write_string(out, id);
        };
        let write_meta = |out: &mut Vec<u8>| self.write_meta(version_id, last_updated, out);
        let (id_at, meta_at) = (self.id as usize, self.meta as usize);
        let mut written = 0;
        let mut insert_at = |at: usize, write: &dyn Fn(&mut Vec<u8>)| {
            out.extend_from_slice(body.get(written..at).unwrap_or_default());
            written = at;
            insert(body, at, write, out);
        };
        if self.form == MetaForm::Alien {
            insert_at(id_at, &write_id);
        } else if meta_at == id_at && self.form == MetaForm::Whole {
            insert_at(id_at, &|out| {
                write_id(out);
                out.push(b',');
                write_meta(out);
            });
        } else if meta_at < id_at {
            insert_at(meta_at, &write_meta);
            insert_at(id_at, &write_id);
        } else {
            insert_at(id_at, &write_id);
            insert_at(meta_at, &write_meta);
        }
        out.extend_from_slice(body.get(written..).unwrap_or_default());
    }

    fn write_meta(&self, version_id: u64, last_updated: &str, out: &mut Vec<u8>) {
        let is_whole = self.form == MetaForm::Whole;
        out.extend_from_slice(if is_whole { b"\"meta\":{" } else { b"" });
        // A Vec takes whatever is written.
        let _ = write!(out, "\"versionId\":\"{version_id}\",\"lastUpdated\":");
        write_string(out, last_updated);
        out.extend_from_slice(if is_whole { b"}" } else { b"" });
    }
}

/// Writes members at a place between others. The neighbours say which commas are needed.
fn insert(body: &[u8], at: usize, write: &dyn Fn(&mut Vec<u8>), out: &mut Vec<u8>) {
    let (before, behind) = body.split_at_checked(at).unwrap_or((body, b""));
    if !matches!(before.trim_ascii_end().last(), Some(b'{' | b',')) {
        out.push(b',');
    }
    write(out);
    if behind.trim_ascii_start().first() == Some(&b'"') {
        out.push(b',');
    }
}

#[cfg(test)]
mod tests;
