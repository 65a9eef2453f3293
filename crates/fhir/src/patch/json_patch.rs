//! <https://www.rfc-editor.org/rfc/rfc6902>: JSON Patch.

use std::borrow::Cow;

use json::{Document, Edits, Kind, Value};

use super::pointer::{self, Spot};
use super::subject::{Subject, applied};
use super::{Error, Flaw, equal, list};

/// One operation, read.
struct Operation<'p> {
    action: Action<'p>,
    path: Cow<'p, str>,
}

enum Action<'p> {
    Add(Value<'p>),
    Remove,
    Replace(Value<'p>),
    Move { from: Cow<'p, str> },
    Copy { from: Cow<'p, str> },
    Test(Value<'p>),
}

/// Applies a JSON Patch document. The result is valid JSON; whether it is a resource is not looked
/// at. Where something is taken away, so is what that leaves empty: FHIR has no empty objects and
/// arrays.
///
/// # Errors
/// The first operation that is wrong or cannot be applied, or a limit.
pub fn json_patch(document: &Document, patch: &Document) -> Result<Document, Error> {
    if patch.root().kind() != Kind::Array {
        let text = "A JSON Patch is an array of operations: \
                    [{\"op\":\"replace\",\"path\":\"/active\",\"value\":true}].";
        return Err(Flaw::malformed(text).whole());
    }
    let mut subject = Subject::new(document, patch.root().len())?;
    // All are read before the first is applied: a malformed one is that whatever the resource is.
    let mut operations = Vec::new();
    for (index, value) in patch.root().elements().enumerate() {
        let operation = read(value).map_err(|flaw| flaw.of(index, Some(value.position())))?;
        operations.push((operation, value));
    }
    for (index, (operation, value)) in operations.iter().enumerate() {
        apply(&mut subject, operation).map_err(|flaw| {
            let flaw = flaw.prefixed(&format!("{} {}", operation.name(), operation.path));
            flaw.of(index, Some(value.position()))
        })?;
    }
    if operations.iter().any(|(operation, _)| operation.takes_away()) {
        leave_nothing_empty(&mut subject).map_err(Flaw::whole)?;
    }
    Ok(subject.into_document())
}

impl Operation<'_> {
    fn takes_away(&self) -> bool {
        matches!(self.action, Action::Remove | Action::Move { .. })
    }

    fn name(&self) -> &'static str {
        match self.action {
            Action::Add(_) => "add",
            Action::Remove => "remove",
            Action::Replace(_) => "replace",
            Action::Move { .. } => "move",
            Action::Copy { .. } => "copy",
            Action::Test(_) => "test",
        }
    }
}

fn read(value: Value<'_>) -> Result<Operation<'_>, Flaw> {
    let Some(name) = text(value, "op")? else {
        return Err(Flaw::malformed("'op' is missing: add, remove, replace, move, copy or test"));
    };
    let missing = |key: &str| Flaw::malformed(format!("{name}: '{key}' is missing"));
    let given = || value.get("value").ok_or_else(|| missing("value"));
    let pointer = |key: &str| {
        let text = text(value, key)?.ok_or_else(|| missing(key))?;
        pointer::tokens(&text).map(|_| text)
    };
    let action = match name.as_ref() {
        "add" => Action::Add(given()?),
        "remove" => Action::Remove,
        "replace" => Action::Replace(given()?),
        "move" => Action::Move { from: pointer("from")? },
        "copy" => Action::Copy { from: pointer("from")? },
        "test" => Action::Test(given()?),
        other => {
            return Err(Flaw::malformed(format!(
                "'{other}' is not an operation: add, remove, replace, move, copy, test"
            )));
        }
    };
    Ok(Operation { action, path: pointer("path")? })
}

/// A member that is a string when it is there.
fn text<'p>(operation: Value<'p>, key: &str) -> Result<Option<Cow<'p, str>>, Flaw> {
    let Some(value) = operation.get(key) else { return Ok(None) };
    let text = value.as_str();
    text.map(Some).ok_or_else(|| Flaw::malformed(format!("'{key}' is not a string")))
}

fn apply(subject: &mut Subject, operation: &Operation<'_>) -> Result<(), Flaw> {
    let path: &str = &operation.path;
    match &operation.action {
        Action::Add(value) => add(subject, path, value.raw()),
        Action::Remove => remove(subject, path),
        Action::Replace(value) => replace(subject, path, value.raw()),
        Action::Move { from } => {
            let moved = existing(subject, from)?.raw().to_vec();
            // Into itself it cannot move, says section 4.4.
            if path.strip_prefix(from.as_ref()).is_some_and(|rest| rest.starts_with('/')) {
                return Err(Flaw::inapplicable(format!("{from} cannot move into itself")));
            }
            if path == from.as_ref() {
                return Ok(());
            }
            remove(subject, from)?;
            add(subject, path, &moved)
        }
        Action::Copy { from } => {
            let copied = existing(subject, from)?.raw().to_vec();
            add(subject, path, &copied)
        }
        Action::Test(value) => {
            let found = existing(subject, path)?;
            if equal::equal(found, *value) {
                return Ok(());
            }
            Err(Flaw::inapplicable("the value there is another one; nothing was changed"))
        }
    }
}

/// What stands at a pointer.
fn existing<'s>(subject: &'s Subject, path: &str) -> Result<Value<'s>, Flaw> {
    let spot = pointer::find(subject.document().root(), path)?;
    spot.value().ok_or_else(|| pointer::missing(path))
}

fn add(subject: &mut Subject, path: &str, json: &[u8]) -> Result<(), Flaw> {
    let mut edits = Edits::new(subject.document());
    match pointer::find(subject.document().root(), path)? {
        Spot::Root(_) => return subject.becomes(json.to_vec()),
        Spot::Member { object, key, .. } => edits.set(object, &key, json),
        Spot::Element { array, index, .. } => {
            edits.replace(array, list::insert(array, index, json));
        }
    }
    let text = applied(edits)?;
    subject.becomes(text)
}

fn remove(subject: &mut Subject, path: &str) -> Result<(), Flaw> {
    let spot = pointer::find(subject.document().root(), path)?;
    spot.value().ok_or_else(|| pointer::missing(path))?;
    let text = without(subject, spot)?;
    subject.becomes(text)
}

/// The document less what stands at a spot.
fn without(subject: &Subject, spot: Spot<'_>) -> Result<Vec<u8>, Flaw> {
    let mut edits = Edits::new(subject.document());
    match spot {
        Spot::Root(_) => return Err(Flaw::inapplicable("the resource itself cannot be removed")),
        Spot::Member { object, key, .. } => edits.remove(object, &key),
        Spot::Element { array, index, .. } => edits.replace(array, list::remove(array, index)),
    }
    applied(edits)
}

fn leave_nothing_empty(subject: &mut Subject) -> Result<(), Flaw> {
    while let Some(hollow) = first_hollow(subject.document().root(), false) {
        let text = match hollow {
            Hollow::Out(spot) => without(subject, spot)?,
            Hollow::Place(value) => {
                let mut edits = Edits::new(subject.document());
                edits.replace(value, b"null");
                applied(edits)?
            }
        };
        subject.becomes(text)?;
    }
    Ok(())
}

/// What has nothing but empty objects and arrays.
enum Hollow<'d> {
    /// It goes.
    Out(Spot<'d>),
    /// It stands beside a primitive, as in `_given`, and its place is kept.
    Place(Value<'d>),
}

/// The first from the outside; `beside` primitives elements keep their places.
fn first_hollow(value: Value<'_>, beside: bool) -> Option<Hollow<'_>> {
    let member = value.members().find_map(|member| {
        let (key, at) = (member.key(), member.value());
        let beside = key.starts_with('_') && at.kind() == Kind::Array;
        let is_null = |value: Value<'_>| beside && value.kind() == Kind::Null;
        let none = || at.elements().all(|value| is_null(value) || is_hollow(value));
        if is_hollow(at) || (beside && none()) {
            let (object, key, value) = (value, key.into_owned(), Some(at));
            return Some(Hollow::Out(Spot::Member { object, key, value }));
        }
        first_hollow(at, beside)
    });
    member.or_else(|| {
        value.elements().enumerate().find_map(|(index, at)| match (is_hollow(at), beside) {
            (false, _) => first_hollow(at, false),
            (true, true) => Some(Hollow::Place(at)),
            (true, false) => {
                Some(Hollow::Out(Spot::Element { array: value, index, value: Some(at) }))
            }
        })
    })
}

fn is_hollow(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Object => value.members().all(|member| is_hollow(member.value())),
        Kind::Array => value.elements().all(is_hollow),
        Kind::Null | Kind::Bool | Kind::Number | Kind::String => false,
    }
}

fn replace(subject: &mut Subject, path: &str, json: &[u8]) -> Result<(), Flaw> {
    let mut edits = Edits::new(subject.document());
    edits.replace(existing(subject, path)?, json);
    let text = applied(edits)?;
    subject.becomes(text)
}
