//! Edits by span: what is not touched leaves as the bytes that came in.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::cut;
use crate::document::{Document, Source};
use crate::value::{Kind, Value};
use crate::write::write_string;

/// Changes to one document, collected and then made at once.
///
/// JSON that is put in must be valid; it is not looked at here. An edit inside a value that another
/// edit replaces or removes is an error.
pub struct Edits<'d> {
    source: &'d Source,
    replaced: Vec<Change>,
    /// By the tape index of the object.
    members: BTreeMap<usize, Vec<MemberEdit>>,
    refused: Option<EditError>,
}

/// A span of the source and what stands there instead.
type Change = (Range<usize>, Vec<u8>);

/// A key and its new value; None is removal.
type MemberEdit = (String, Option<Vec<u8>>);

/// Why edits cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditError {
    /// A member of something that is not an object.
    NotAnObject,
    /// Two edits of the same text.
    Overlap,
    /// A value of another document, or outside the value whose text was asked for.
    Outside,
}

impl<'d> Edits<'d> {
    /// No edits yet.
    #[must_use]
    pub fn new(document: &'d Document) -> Self {
        let source = document.source();
        Self { source, replaced: Vec::new(), members: BTreeMap::new(), refused: None }
    }

    /// Puts `json` where `value` stands.
    pub fn replace(&mut self, value: Value<'_>, json: impl Into<Vec<u8>>) {
        if self.accepts(value) {
            self.replaced.push((value.span(), json.into()));
        }
    }

    /// Gives `object` the member `key`: in place of the one it has, else as its last.
    /// Of several edits of one key of one object the last counts.
    pub fn set(&mut self, object: Value<'_>, key: &str, json: impl Into<Vec<u8>>) {
        self.member(object, key, Some(json.into()));
    }

    /// Takes the member `key` from `object`, if it is there.
    pub fn remove(&mut self, object: Value<'_>, key: &str) {
        self.member(object, key, None);
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.replaced.is_empty() && self.members.is_empty()
    }

    /// The whole text with the edits made.
    ///
    /// # Errors
    /// The first edit that cannot be made.
    pub fn apply(self) -> Result<Vec<u8>, EditError> {
        let whole = 0..self.source.bytes().len();
        self.apply_within(whole)
    }

    /// The text of `value` alone with the edits made; all of them must be inside it.
    ///
    /// # Errors
    /// The first edit that cannot be made.
    pub fn apply_to(self, value: Value<'_>) -> Result<Vec<u8>, EditError> {
        if !std::ptr::eq(value.source(), self.source) {
            return Err(EditError::Outside);
        }
        self.apply_within(value.span())
    }

    fn apply_within(mut self, Range { start, end }: Range<usize>) -> Result<Vec<u8>, EditError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let mut changes = std::mem::take(&mut self.replaced);
        for (object, members) in std::mem::take(&mut self.members) {
            member_changes(Value::new(self.source, object), &members, &mut changes);
        }
        // Stable: what is inserted at one place stays in order. An insertion goes before what
        // begins there.
        changes.sort_by_key(|(range, _)| (range.start, range.end));
        let mut edited = Vec::with_capacity(end - start + 64 * changes.len());
        let mut done = start;
        for (range, json) in changes {
            if range.start < start || range.end > end {
                return Err(EditError::Outside);
            }
            let kept = self.source.bytes().get(done..range.start).ok_or(EditError::Overlap)?;
            edited.extend_from_slice(kept);
            edited.extend_from_slice(&json);
            done = range.end;
        }
        edited.extend_from_slice(self.source.bytes().get(done..end).unwrap_or_default());
        Ok(edited)
    }

    fn member(&mut self, object: Value<'_>, key: &str, json: Option<Vec<u8>>) {
        if !self.accepts(object) {
            return;
        }
        if object.kind() != Kind::Object {
            self.refused.get_or_insert(EditError::NotAnObject);
            return;
        }
        let members = self.members.entry(object.index()).or_default();
        match members.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => *known = json,
            None => members.push((key.to_owned(), json)),
        }
    }

    fn accepts(&mut self, value: Value<'_>) -> bool {
        let ours = std::ptr::eq(value.source(), self.source);
        if !ours {
            self.refused.get_or_insert(EditError::Outside);
        }
        ours
    }
}

/// The changes of text that make `members` of `object` what they should be.
fn member_changes(object: Value<'_>, members: &[MemberEdit], changes: &mut Vec<Change>) {
    let removed = |key: &str| members.iter().any(|(name, json)| name == key && json.is_none());
    let cuts = cut::cuts(object, |member| removed(&member.key()));
    let mut appended = Vec::new();
    for (key, json) in members {
        let Some(json) = json else { continue };
        if let Some(value) = object.get(key) {
            changes.push((value.span(), json.clone()));
            continue;
        }
        if cuts.last_kept.is_some() || !appended.is_empty() {
            appended.push(b',');
        }
        write_string(&mut appended, key);
        appended.push(b':');
        appended.extend_from_slice(json);
    }
    changes.extend(cuts.ranges.into_iter().map(|range| (range, Vec::new())));
    if !appended.is_empty() {
        let place = cuts.last_kept.unwrap_or(object.span().start + 1);
        changes.push((place..place, appended));
    }
}

impl std::error::Error for EditError {}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnObject => "only an object has members to set or remove",
            Self::Overlap => "two edits concern the same text",
            Self::Outside => "an edit concerns a value outside the text that is edited",
        })
    }
}

#[cfg(test)]
mod tests;
