//! The file that holds the definitions of one version: a header that names it, then sections.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `FHIRPACK` |
//! | 4 | the number of this layout, [`FORMAT`] |
//! | 4 + n, three times | length and text of: FHIR version, sources, licence |
//! | 4 | how many sections |
//! | 20 each | kind, compressed length, length, xxh3-64 of the compressed bytes |
//! | 8 | xxh3-64 of all before it |
//! | | the sections, zstd, in that order |
//!
//! Numbers are little-endian. A section of a kind that the reader does not know is skipped.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::rows::{Cursor, Section, Words, length};

const MAGIC: &[u8; 8] = b"FHIRPACK";
/// Raised when a row or a section changes its shape; a pack of another layout is refused.
pub(crate) const FORMAT: u32 = 2;
/// The most a section may unfold to: three times THO, far above any FHIR version.
const SECTION_BYTES: u32 = 256 << 20;

/// What a section holds; the number is the kind in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Types = 1,
    Profiles = 2,
    SearchParameters = 3,
    Compartments = 4,
    Operations = 5,
    Terminology = 6,
    ConceptMaps = 7,
}

/// Why bytes are not a pack that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackError {
    /// The bytes begin like something else.
    NotAPack,
    /// Another layout than this program reads.
    Format(u32),
    /// The bytes end too early, or the header was changed.
    Damaged,
    /// A section is not what was written.
    DamagedSection(&'static str),
    /// A section that must be there is not.
    Missing(&'static str),
}

impl fmt::Display for PackError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPack => out.write_str("not a pack of FHIR definitions"),
            Self::Format(found) => write!(
                out,
                "a pack of layout {found}, and this program reads {FORMAT}; make it anew with \
                 cargo xtask gen"
            ),
            Self::Damaged => out.write_str("the pack is cut short or its header is damaged"),
            Self::DamagedSection(name) => write!(out, "the section of {name} is damaged"),
            Self::Missing(name) => write!(out, "the pack has no section of {name}"),
        }
    }
}

impl std::error::Error for PackError {}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Types => "types",
            Self::Profiles => "profiles",
            Self::SearchParameters => "search parameters",
            Self::Compartments => "compartments",
            Self::Operations => "operations",
            Self::Terminology => "terminology",
            Self::ConceptMaps => "concept maps",
        }
    }
}

/// What a pack says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The FHIR version, such as `4.0.1`.
    pub version: String,
    /// The packages it was made from.
    pub sources: String,
    /// The licence of what it holds.
    pub licence: String,
}

/// A pack whose header was read and whose bytes are as they were written.
pub(crate) struct Pack {
    bytes: Cow<'static, [u8]>,
    about: About,
    sections: Vec<Place>,
}

/// Where a section lies.
struct Place {
    kind: u32,
    bytes: Range<usize>,
    unfolded: u32,
}

impl Pack {
    /// Reads the header and checks every section against its sum; unfolds none.
    pub(crate) fn open(bytes: Cow<'static, [u8]>) -> Result<Self, PackError> {
        let mut from = Cursor::new(&bytes);
        if from.bytes(MAGIC.len()) != Some(MAGIC) {
            return Err(PackError::NotAPack);
        }
        match from.word() {
            Some(FORMAT) => {}
            Some(other) => return Err(PackError::Format(other)),
            None => return Err(PackError::Damaged),
        }
        let (about, sections) = header(&bytes).ok_or(PackError::Damaged)?;
        Ok(Self { about, sections, bytes })
    }

    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// The section, unfolded and decoded.
    pub(crate) fn section<T: Section>(&self, kind: Kind) -> Result<T, PackError> {
        let place = self.sections.iter().find(|place| place.kind == kind as u32);
        let place = place.ok_or(PackError::Missing(kind.name()))?;
        let decoded = self.bytes.get(place.bytes.clone()).and_then(|bytes| {
            let unfolded = zstd::bulk::decompress(bytes, place.unfolded as usize).ok()?;
            T::decode(&unfolded)
        });
        decoded.ok_or(PackError::DamagedSection(kind.name()))
    }
}

/// The header and where the sections lie; none when anything is not as it was written.
fn header(bytes: &[u8]) -> Option<(About, Vec<Place>)> {
    let mut from = Cursor::new(bytes.get(MAGIC.len() + 4..)?);
    let mut text = || {
        let length = from.word()? as usize;
        Some(std::str::from_utf8(from.bytes(length)?).ok()?.to_owned())
    };
    let about = About { version: text()?, sources: text()?, licence: text()? };
    let count = from.word()? as usize;
    let table = from.bytes(count.checked_mul(20)?)?;
    let sum = from.bytes(8)?;
    let mut rest = Cursor::new(from.rest());
    let head = bytes.len() - from.rest().len();
    if sum != xxh3_64(bytes.get(..head - 8)?).to_le_bytes() {
        return None;
    }
    let mut table = Cursor::new(table);
    let mut start = head;
    let mut sections = Vec::new();
    while !table.is_at_end() {
        let (kind, folded, unfolded) = (table.word()?, table.word()? as usize, table.word()?);
        let sum = table.bytes(8)?;
        if unfolded > SECTION_BYTES || sum != xxh3_64(rest.bytes(folded)?).to_le_bytes() {
            return None;
        }
        sections.push(Place { kind, bytes: start..start + folded, unfolded });
        start += folded;
    }
    rest.is_at_end().then_some((about, sections))
}

/// Writes a pack, compressed at this level of zstd: the same sections give the same bytes.
pub(crate) fn write(
    about: &About,
    sections: &[(Kind, Vec<u8>)],
    level: i32,
) -> std::io::Result<Vec<u8>> {
    let mut out = MAGIC.to_vec();
    FORMAT.put(&mut out);
    for text in [&about.version, &about.sources, &about.licence] {
        length(text.len()).put(&mut out);
        out.extend_from_slice(text.as_bytes());
    }
    length(sections.len()).put(&mut out);
    let mut folded = Vec::new();
    for (kind, bytes) in sections {
        let section = zstd::bulk::compress(bytes, level)?;
        (*kind as u32).put(&mut out);
        length(section.len()).put(&mut out);
        length(bytes.len()).put(&mut out);
        out.extend_from_slice(&xxh3_64(&section).to_le_bytes());
        folded.extend_from_slice(&section);
    }
    out.extend_from_slice(&xxh3_64(&out).to_le_bytes());
    out.extend_from_slice(&folded);
    Ok(out)
}
