//! Names of stored things and their byte layouts: every key of every table is made and read here.
//!
//! All integers are big-endian, so the order of bytes is the order of values. An id inside a key is
//! followed by a zero byte, which no id holds and which sorts before every character of one.

use std::fmt;
use std::ops::Deref;

use base::limits::ID_CHARACTERS;

/// A stored version's number: rises in commit order over all resources, starts at 1, is never
/// used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Rid(pub u64);

/// A number for a resource type. The server owns the table of names; numbers never change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TypeId(pub u16);

/// A search parameter of one resource type. The server makes the number, from the type and the
/// whole definition, so that another definition is another parameter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ParameterId(pub u64);

/// The number of a commit: 1, 2, 3… without gaps; 0 is the store before its first commit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SnapshotNumber(pub u64);

/// A resource's logical id: `[A-Za-z0-9.-]{1,64}`
/// (<https://hl7.org/fhir/R4/datatypes.html#id>). Held in place, so it is cheap to copy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    bytes: [u8; ID_CHARACTERS], // zeros behind the id: derived order and equality are the text's
    length: u8,
}

impl ResourceId {
    /// The id that `text` spells; `None` when R4 does not allow it.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        if text.is_empty() || !text.bytes().all(allowed) {
            return None;
        }
        let mut bytes = [0; ID_CHARACTERS];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: u8::try_from(text.len()).ok()? })
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let used = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(used).unwrap_or_default()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(std::str::from_utf8(bytes).ok()?)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What names a resource within one service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// Its type.
    pub resource_type: TypeId,
    /// Its logical id.
    pub id: ResourceId,
}

/// The bytes of a key, built in place: the longest is type, id, zero, type, rid.
#[derive(Clone, Copy)]
pub(crate) struct KeyBytes {
    bytes: [u8; 2 + ID_CHARACTERS + 1 + 2 + 8],
    length: usize,
}

impl KeyBytes {
    fn new() -> Self {
        Self { bytes: [0; 2 + ID_CHARACTERS + 1 + 2 + 8], length: 0 }
    }

    fn with(mut self, part: &[u8]) -> Self {
        let end = self.length + part.len();
        debug_assert!(end <= self.bytes.len(), "a key is never longer than its longest layout");
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(part);
            self.length = end;
        }
        self
    }
}

impl Deref for KeyBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// `version`, `forward`, `superseded`: rid.
pub(crate) fn of_rid(rid: Rid) -> [u8; 8] {
    rid.0.to_be_bytes()
}

/// `commits`: commit number.
pub(crate) fn of_commit(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// `live`: type.
pub(crate) fn of_type(resource_type: TypeId) -> [u8; 2] {
    resource_type.0.to_be_bytes()
}

/// `current`: type, id.
pub(crate) fn of_current(key: &Key) -> KeyBytes {
    KeyBytes::new().with(&of_type(key.resource_type)).with(key.id.as_str().as_bytes())
}

/// `history`: type, id, zero, version number.
pub(crate) fn of_history(key: &Key, number: u64) -> KeyBytes {
    of_current(key).with(&[0]).with(&number.to_be_bytes())
}

/// `by_type`: type, rid.
pub(crate) fn of_by_type(resource_type: TypeId, rid: Rid) -> KeyBytes {
    KeyBytes::new().with(&of_type(resource_type)).with(&of_rid(rid))
}

/// `compartment`: compartment type, compartment id, zero, type, rid.
pub(crate) fn of_compartment(compartment: &Key, resource_type: TypeId, rid: Rid) -> KeyBytes {
    of_current(compartment).with(&[0]).with(&of_type(resource_type)).with(&of_rid(rid))
}

/// The eight bytes of a rid, a count or a commit number.
pub(crate) fn read_u64(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// The two bytes of a type.
pub(crate) fn read_type(bytes: &[u8]) -> Option<TypeId> {
    bytes.try_into().ok().map(|bytes| TypeId(u16::from_be_bytes(bytes)))
}

/// The parts of a `by_type` key.
pub(crate) fn read_by_type(bytes: &[u8]) -> Option<(TypeId, Rid)> {
    let (resource_type, rid) = bytes.split_at_checked(2)?;
    Some((read_type(resource_type)?, Rid(read_u64(rid)?)))
}

/// The parts of a `current` key.
pub(crate) fn read_current(bytes: &[u8]) -> Option<Key> {
    let (resource_type, id) = bytes.split_at_checked(2)?;
    Some(Key { resource_type: read_type(resource_type)?, id: ResourceId::from_bytes(id)? })
}

/// The rid at the end of a `compartment` key.
pub(crate) fn read_compartment_rid(bytes: &[u8]) -> Option<Rid> {
    read_u64(bytes.get(bytes.len().checked_sub(8)?..)?).map(Rid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> ResourceId {
        ResourceId::new(text).unwrap()
    }

    #[test]
    fn an_id_is_what_r4_allows() {
        for good in ["a", "A-1.b", "0", "-", &"x".repeat(64)] {
            assert_eq!(id(good).as_str(), good);
        }
        for bad in ["", "a_b", "a b", "ä", "a/b", "a\0", &"x".repeat(65)] {
            assert_eq!(ResourceId::new(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_layouts_are_the_documented_bytes() {
        let key = Key { resource_type: TypeId(3), id: id("p1") };
        assert_eq!(of_rid(Rid(258)), [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(*of_current(&key), *b"\x00\x03p1");
        assert_eq!(*of_history(&key, 2), *b"\x00\x03p1\x00\x00\x00\x00\x00\x00\x00\x00\x02");
        assert_eq!(*of_by_type(TypeId(3), Rid(7)), *b"\x00\x03\x00\x00\x00\x00\x00\x00\x00\x07");
        let compartment = of_compartment(&key, TypeId(5), Rid(7));
        assert_eq!(*compartment, *b"\x00\x03p1\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x07");
    }

    fn any_key() -> impl Strategy<Value = Key> {
        (0..4_u16, "[A-Za-z0-9.-]{1,64}|[a-b]{1,3}")
            .prop_map(|(number, text)| Key { resource_type: TypeId(number), id: id(&text) })
    }

    proptest! {
        #[test]
        fn the_order_of_bytes_is_the_order_of_values(
            a in (any_key(), any::<u64>(), 0..4_u16),
            b in (any_key(), any::<u64>(), 0..4_u16),
        ) {
            let bytes = |(key, number, _): &(Key, u64, u16)| of_history(key, *number).to_vec();
            prop_assert_eq!(bytes(&a).cmp(&bytes(&b)), (a.0, a.1).cmp(&(b.0, b.1)));
            let order = of_current(&a.0).cmp(&of_current(&b.0));
            prop_assert_eq!(order, a.0.cmp(&b.0));
            let row = |(_, rid, number): &(Key, u64, u16)| of_by_type(TypeId(*number), Rid(*rid));
            prop_assert_eq!(row(&a).cmp(&row(&b)), (a.2, a.1).cmp(&(b.2, b.1)));
            let row = |(key, rid, number): &(Key, u64, u16)| {
                of_compartment(key, TypeId(*number), Rid(*rid))
            };
            prop_assert_eq!(row(&a).cmp(&row(&b)), (a.0, a.2, a.1).cmp(&(b.0, b.2, b.1)));
        }

        #[test]
        fn what_was_written_is_read_back(key in any_key(), number in any::<u64>()) {
            prop_assert_eq!(read_current(&of_current(&key)), Some(key));
            let by_type = of_by_type(key.resource_type, Rid(number));
            prop_assert_eq!(read_by_type(&by_type), Some((key.resource_type, Rid(number))));
            let compartment = of_compartment(&key, TypeId(9), Rid(number));
            prop_assert_eq!(read_compartment_rid(&compartment), Some(Rid(number)));
        }

        #[test]
        fn foreign_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            let _ = (read_current(&bytes), read_by_type(&bytes), read_compartment_rid(&bytes));
        }
    }
}
