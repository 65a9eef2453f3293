//! A stored version and the byte layout of its row in the `version` table.

use base::{Fault, Timestamp};
use bytes::Bytes;

use crate::compression;
use crate::content::{self, Content};
use crate::embedded::Dictionaries;
use crate::key::{Key, ResourceId, Rid, TypeId};

/// What a version did to its resource. The number is the byte in the tables.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// It made the resource, or made it anew after a deletion.
    Create = 1,
    /// It changed the resource.
    Update = 2,
    /// It deleted the resource; such a version has no body.
    Delete = 3,
    /// It made the resource under an id that nobody else had: one of the server's.
    Assign = 4,
    /// It changed parts of the resource.
    Patch = 5,
}

impl Kind {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Create),
            2 => Some(Self::Update),
            3 => Some(Self::Delete),
            4 => Some(Self::Assign),
            5 => Some(Self::Patch),
            _ => None,
        }
    }
}

/// A version without its body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionHead {
    /// Its place in commit order.
    pub rid: Rid,
    /// The resource.
    pub key: Key,
    /// `meta.versionId`: 1, 2, 3… per resource, going on after a deletion.
    pub number: u64,
    /// `meta.lastUpdated`: whole microseconds, rising with the rid from commit to commit.
    pub last_updated: Timestamp,
    /// What it did.
    pub kind: Kind,
}

/// A stored version, its body decompressed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// Its place in commit order.
    pub rid: Rid,
    /// The resource.
    pub key: Key,
    /// `meta.versionId`.
    pub number: u64,
    /// `meta.lastUpdated`.
    pub last_updated: Timestamp,
    /// What it did.
    pub kind: Kind,
    /// The content hash as given to [`Content::compress`]; zeros for a deletion.
    pub hash: [u8; 16],
    /// The splice as given to [`Content::compress`]; zeros for a deletion.
    pub splice: [u8; 12],
    /// The body as given to [`Content::compress`]; empty for a deletion.
    pub body: Bytes,
}

impl Version {
    /// Whether the resource does not exist at this version.
    #[must_use]
    pub fn is_deletion(&self) -> bool {
        self.kind == Kind::Delete
    }

    /// The version without its body.
    #[must_use]
    pub fn head(&self) -> VersionHead {
        let Self { rid, key, number, last_updated, kind, .. } = *self;
        VersionHead { rid, key, number, last_updated, kind }
    }
}

/// A row of the `version` table, read in place.
pub(crate) struct Row<'t> {
    pub(crate) head: VersionHead,
    pub(crate) hash: [u8; 16],
    splice: [u8; 12],
    raw_length: u32,
    dictionary: u16,
    compartments: &'t [u8],
    body: &'t [u8],
}

impl<'t> Row<'t> {
    /// Reads the row of `rid`; the layout is the table in `docs/store.md`.
    pub(crate) fn read(rid: Rid, bytes: &'t [u8]) -> Result<Self, Fault> {
        Self::parse(rid, bytes)
            .ok_or_else(|| Fault::because(format!("the row of version {} is broken", rid.0)))
    }

    fn parse(rid: Rid, bytes: &'t [u8]) -> Option<Self> {
        let (resource_type, rest) = bytes.split_first_chunk::<2>()?;
        let (&kind, rest) = rest.split_first()?;
        let (dictionary, rest) = rest.split_first_chunk::<2>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (ticks, rest) = rest.split_first_chunk::<8>()?;
        let (&hash, rest) = rest.split_first_chunk::<16>()?;
        let (&splice, rest) = rest.split_first_chunk::<12>()?;
        let (raw_length, rest) = rest.split_first_chunk::<4>()?;
        let (compartments_length, rest) = rest.split_first_chunk::<4>()?;
        let (&id_length, rest) = rest.split_first()?;
        let (id, rest) = rest.split_at_checked(usize::from(id_length))?;
        let compartments_length = u32::from_be_bytes(*compartments_length) as usize;
        let (compartments, body) = rest.split_at_checked(compartments_length)?;
        let resource_type = TypeId(u16::from_be_bytes(*resource_type));
        let head = VersionHead {
            rid,
            key: Key { resource_type, id: ResourceId::from_bytes(id)? },
            number: u64::from_be_bytes(*number),
            last_updated: Timestamp::from_ticks(i64::from_be_bytes(*ticks)),
            kind: Kind::from_byte(kind)?,
        };
        let raw_length = u32::from_be_bytes(*raw_length);
        let dictionary = u16::from_be_bytes(*dictionary);
        Some(Self { head, hash, splice, raw_length, dictionary, compartments, body })
    }

    /// The version with its body.
    pub(crate) fn version(&self, dictionaries: &Dictionaries) -> Result<Version, Fault> {
        Ok(self.with_body(self.body(dictionaries)?.into()))
    }

    /// The body, decompressed; of a deletion none.
    pub(crate) fn body(&self, dictionaries: &Dictionaries) -> Result<Vec<u8>, Fault> {
        match self.head.kind {
            Kind::Delete => Ok(Vec::new()),
            Kind::Create | Kind::Assign | Kind::Update | Kind::Patch => {
                let dictionary = dictionaries.numbered(self.dictionary)?;
                compression::decompress(self.body, self.raw_length, dictionary.as_deref())
            }
        }
    }

    /// Bytes of the body.
    pub(crate) fn raw_length(&self) -> u32 {
        self.raw_length
    }

    /// The version, its body decompressed already.
    pub(crate) fn with_body(&self, body: Bytes) -> Version {
        let VersionHead { rid, key, number, last_updated, kind } = self.head;
        let (hash, splice) = (self.hash, self.splice);
        Version { rid, key, number, last_updated, kind, hash, splice, body }
    }

    /// The compartments the version is in.
    pub(crate) fn compartments(&self) -> impl Iterator<Item = Key> + 't {
        let mut rest = self.compartments;
        std::iter::from_fn(move || {
            let (resource_type, tail) = rest.split_first_chunk::<2>()?;
            let (&length, tail) = tail.split_first()?;
            let (id, tail) = tail.split_at_checked(usize::from(length))?;
            rest = tail;
            let resource_type = TypeId(u16::from_be_bytes(*resource_type));
            Some(Key { resource_type, id: ResourceId::from_bytes(id)? })
        })
    }
}

/// The bytes of a row with other compartments; `None` when it is broken.
pub(crate) fn with_compartments(row: &[u8], compartments: &[Key]) -> Option<Vec<u8>> {
    const LENGTH_AT: usize = 2 + 1 + 2 + 8 + 8 + 16 + 12 + 4;
    let (before, rest) = row.split_at_checked(LENGTH_AT)?;
    let (old, rest) = rest.split_first_chunk::<4>()?;
    let (&id_length, _) = rest.split_first()?;
    let (id, rest) = rest.split_at_checked(1 + usize::from(id_length))?;
    let body = rest.get(u32::from_be_bytes(*old) as usize..)?;
    let mut packed = Vec::new();
    for compartment in compartments {
        packed.extend(compartment.resource_type.0.to_be_bytes());
        push_id(&mut packed, compartment.id);
    }
    let length = u32::try_from(packed.len()).ok()?.to_be_bytes();
    Some([before, &length, id, &packed, body].concat())
}

/// The bytes of the row of `head`; `content` is `None` for a deletion.
pub(crate) fn write_row(head: &VersionHead, content: Option<&Content>) -> Vec<u8> {
    debug_assert_eq!(content.is_none(), head.kind == Kind::Delete);
    let mut compartments = Vec::new();
    for compartment in content.iter().flat_map(|content| &content.compartments) {
        compartments.extend(compartment.resource_type.0.to_be_bytes());
        push_id(&mut compartments, compartment.id);
    }
    let body = content.map_or(&[][..], |content| &content.body);
    let mut row = Vec::with_capacity(128 + compartments.len() + body.len());
    row.extend(head.key.resource_type.0.to_be_bytes());
    row.push(head.kind as u8);
    row.extend(content.map_or(content::NO_DICTIONARY, |content| content.dictionary).to_be_bytes());
    row.extend(head.number.to_be_bytes());
    row.extend(head.last_updated.ticks().to_be_bytes());
    row.extend(content.map_or([0; 16], |content| content.hash));
    row.extend(content.map_or([0; 12], |content| content.splice));
    row.extend(content.map_or(0, |content| content.raw_length).to_be_bytes());
    row.extend(u32::try_from(compartments.len()).unwrap_or(u32::MAX).to_be_bytes());
    push_id(&mut row, head.key.id);
    row.extend(compartments);
    row.extend(body);
    row
}

fn push_id(row: &mut Vec<u8>, id: ResourceId) {
    let text = id.as_str().as_bytes();
    row.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    row.extend(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(kind: Kind) -> VersionHead {
        let key = Key { resource_type: TypeId(3), id: ResourceId::new("p1").unwrap() };
        let last_updated = Timestamp::from_ticks(5);
        VersionHead { rid: Rid(9), key, number: 2, last_updated, kind }
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let mut content = Content::compress(b"{\"a\":1}", [7; 16], [8; 12], None).unwrap();
        content.compartments = vec![head(Kind::Create).key, head(Kind::Create).key];
        let bytes = write_row(&head(Kind::Update), Some(&content));
        let row = Row::read(Rid(9), &bytes).unwrap();
        let version = row.version(&Dictionaries::default()).unwrap();
        assert_eq!(version.head(), head(Kind::Update));
        assert_eq!((version.hash, version.splice), ([7; 16], [8; 12]));
        assert_eq!(version.body, &b"{\"a\":1}"[..]);
        assert_eq!(row.compartments().collect::<Vec<_>>(), content.compartments);
    }

    #[test]
    fn a_deletion_is_the_documented_bytes() {
        let mut expected = vec![0, 3, 3, 0, 0];
        expected.extend([0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 5]);
        expected.extend([0; 16 + 12 + 4 + 4]);
        expected.extend(b"\x02p1");
        let bytes = write_row(&head(Kind::Delete), None);
        assert_eq!(bytes, expected);
        assert!(
            Row::read(Rid(9), &bytes)
                .unwrap()
                .version(&Dictionaries::default())
                .unwrap()
                .is_deletion()
        );
    }

    proptest! {
        #[test]
        fn broken_rows_are_faults_not_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(row) = Row::read(Rid(1), &bytes) {
                let _ = (row.version(&Dictionaries::default()).is_ok(), row.compartments().count());
            }
        }
    }
}
