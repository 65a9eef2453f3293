//! Where an element stands in a resource, and the edits that add, change or take it away.
//!
//! A primitive stands in two places: its value under `birthDate`, its id and extensions under
//! `_birthDate`; a list of them is two arrays in step, with `null` where one side has nothing.

use json::{Edits, Kind as Json, Value};

use super::list;
use crate::path::{ElementId, Kind, Schema, TypeId};

/// An element in its parent.
pub(super) struct Place<'d> {
    /// The object that has it as a member.
    pub(super) object: Value<'d>,
    /// What it is in that type.
    pub(super) element: ElementId,
    /// The key of its value, without the `_` of its sibling.
    pub(super) key: String,
    /// Which of its list it is.
    pub(super) index: Option<usize>,
    /// Whether only the `_` sibling was asked for.
    is_sibling: bool,
}

/// What an element is made of: a value, and the `_` sibling of a primitive.
#[derive(Clone, Debug, Default)]
pub(super) struct Piece {
    /// The key of the value: for a choice it says the type.
    pub(super) key: String,
    pub(super) json: Option<Vec<u8>>,
    pub(super) sibling: Option<Vec<u8>>,
}

/// The type of an object that is said to be of a type, which for a resource it says itself.
pub(super) fn actual(type_id: TypeId, value: Value<'_>, schema: &Schema) -> TypeId {
    if schema.kind(type_id) != Kind::AbstractResource {
        return type_id;
    }
    let name = value.get("resourceType").and_then(Value::as_str);
    name.and_then(|name| schema.type_named(&name)).unwrap_or(type_id)
}

impl<'d> Place<'d> {
    /// The place of a value inside a resource; None for the resource itself and for what the
    /// element tables do not know.
    pub(super) fn of(root: Value<'d>, value: Value<'d>, schema: &Schema) -> Option<Place<'d>> {
        let (wanted, start) = (value.index(), value.span().start);
        let contains = |candidate: &Value<'_>| candidate.span().contains(&start);
        let name = root.get("resourceType")?.as_str()?;
        let (mut object, mut type_id) = (root, schema.type_named(&name)?);
        loop {
            let member = object.members().find(|member| contains(&member.value()))?;
            let written = member.key();
            let key = written.strip_prefix('_').unwrap_or(&written).to_owned();
            let is_sibling = key.len() < written.len();
            let (element, form) = schema.element_of_key(type_id, &key)?;
            let (index, at) = match member.value().kind() {
                Json::Array => {
                    let mut elements = member.value().elements().enumerate();
                    let (index, at) = elements.find(|(_, at)| contains(at))?;
                    (Some(index), at)
                }
                _ => (None, member.value()),
            };
            if at.index() == wanted {
                return Some(Place { object, element, key, index, is_sibling });
            }
            (object, type_id) = (at, actual(form.type_id, at, schema));
        }
    }

    /// Its list, or the value alone.
    pub(super) fn values(&self) -> Option<Value<'d>> {
        self.object.get(&self.key)
    }

    fn siblings(&self) -> Option<Value<'d>> {
        self.object.get(&sibling_key(&self.key))
    }

    /// How many elements its list has.
    pub(super) fn length(&self) -> usize {
        length(self.values(), self.siblings())
    }

    /// Whether both are elements of one list.
    pub(super) fn is_beside(&self, other: &Place<'_>) -> bool {
        self.object.index() == other.object.index()
            && self.key == other.key
            && self.index.is_some()
            && other.index.is_some()
    }

    /// Takes the element away, and with it what would be left empty: FHIR has no empty objects
    /// and lists.
    pub(super) fn delete(mut self, root: Value<'d>, schema: &Schema, edits: &mut Edits<'_>) {
        while self.is_all_there_is() && self.object.index() != root.index() {
            let Some(around) = Place::of(root, self.object, schema) else { break };
            self = around;
            if self.is_sibling && self.has_value() {
                return self.delete_sibling(edits);
            }
        }
        for key in [self.key.clone(), sibling_key(&self.key)] {
            match (self.object.get(&key), self.index) {
                (Some(array), Some(index)) if remains(array, index) => {
                    edits.replace(array, list::remove(array, index));
                }
                _ => edits.remove(self.object, &key),
            }
        }
    }

    /// Whether nothing else is in the object around it.
    fn is_all_there_is(&self) -> bool {
        let own = |key: &str| key.strip_prefix('_').unwrap_or(key) == self.key;
        let alone = self.object.members().all(|member| own(&member.key()));
        alone && (self.index.is_none() || self.length() == 1)
    }

    /// Whether the value is there beside the `_` sibling.
    fn has_value(&self) -> bool {
        let values = self.values();
        let own = match self.index {
            Some(index) => values.and_then(|values| values.elements().nth(index)),
            None => values,
        };
        own.is_some_and(|value| value.kind() != Json::Null)
    }

    /// Takes id and extensions away and leaves the value.
    fn delete_sibling(&self, edits: &mut Edits<'_>) {
        match (self.siblings(), self.index) {
            (Some(array), Some(index)) if remains(array, index) => {
                edits.replace(array, list::replace(array, index, b"null"));
            }
            _ => edits.remove(self.object, &sibling_key(&self.key)),
        }
    }

    /// Puts another value where it stands; one of another type of a choice under its own key.
    pub(super) fn replace(&self, piece: &Piece, edits: &mut Edits<'_>) {
        if piece.key != self.key {
            for key in [self.key.clone(), sibling_key(&self.key)] {
                edits.remove(self.object, &key);
            }
        }
        for (key, json) in piece.sides() {
            let there = self.object.get(&key);
            match (self.index, there, json) {
                (Some(index), Some(array), Some(json)) => {
                    edits.replace(array, list::replace(array, index, json));
                }
                (Some(index), Some(array), None) if remains(array, index) => {
                    edits.replace(array, list::replace(array, index, b"null"));
                }
                (Some(index), None, Some(json)) => {
                    edits.set(self.object, &key, padded(self.length(), index, json));
                }
                (None, _, Some(json)) => edits.set(self.object, &key, json),
                (_, _, None) => edits.remove(self.object, &key),
            }
        }
    }

    /// Gives a primitive that has none its `_` sibling.
    pub(super) fn set_sibling(&self, json: &[u8], edits: &mut Edits<'_>) {
        match (self.index, self.siblings()) {
            (Some(index), Some(array)) => {
                edits.replace(array, list::replace(array, index, json));
            }
            (Some(index), None) => {
                let padded = padded(self.length(), index, json);
                edits.set(self.object, &sibling_key(&self.key), padded);
            }
            (None, _) => edits.set(self.object, &sibling_key(&self.key), json),
        }
    }

    /// Moves it within its list.
    pub(super) fn shift(&self, source: usize, destination: usize, edits: &mut Edits<'_>) {
        for array in [self.values(), self.siblings()].into_iter().flatten() {
            edits.replace(array, list::shift(array, source, destination));
        }
    }
}

impl Piece {
    /// Keys and texts of the value and of its sibling.
    fn sides(&self) -> [(String, Option<&[u8]>); 2] {
        [
            (self.key.clone(), self.json.as_deref()),
            (sibling_key(&self.key), self.sibling.as_deref()),
        ]
    }
}

/// Puts an element into the list of `object` at `index`, or at its end; makes the list if need be.
pub(super) fn insert(
    object: Value<'_>,
    piece: &Piece,
    index: Option<usize>,
    edits: &mut Edits<'_>,
) {
    let length = length(object.get(&piece.key), object.get(&sibling_key(&piece.key)));
    let index = index.unwrap_or(length);
    for (key, json) in piece.sides() {
        match (object.get(&key), json) {
            (Some(array), json) => {
                edits.replace(array, list::insert(array, index, json.unwrap_or(b"null")));
            }
            (None, Some(json)) => edits.set(object, &key, padded(length + 1, index, json)),
            (None, None) => {}
        }
    }
}

/// Makes an element that is no list.
pub(super) fn set(object: Value<'_>, piece: &Piece, edits: &mut Edits<'_>) {
    for (key, json) in piece.sides() {
        if let Some(json) = json {
            edits.set(object, &key, json);
        }
    }
}

/// `_birthDate`
pub(super) fn sibling_key(key: &str) -> String {
    format!("_{key}")
}

fn length(values: Option<Value<'_>>, siblings: Option<Value<'_>>) -> usize {
    let count = |list: Option<Value<'_>>| list.map_or(0, |list| list.elements().count());
    count(values).max(count(siblings))
}

/// Whether something but `null` is left of a list without its element `index`.
fn remains(array: Value<'_>, index: usize) -> bool {
    let others = array.elements().enumerate().filter(|(at, _)| *at != index);
    others.into_iter().any(|(_, value)| value.kind() != Json::Null)
}

/// A list of `length` with nothing but one element.
fn padded(length: usize, index: usize, json: &[u8]) -> Vec<u8> {
    let elements: Vec<&[u8]> =
        (0..length).map(|at| if at == index { json } else { b"null" }).collect();
    [b"[", elements.join(&b","[..]).as_slice(), b"]"].concat()
}
