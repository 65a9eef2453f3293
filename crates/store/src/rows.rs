//! The rows of the search index: which keys a version's values get.
//!
//! A key is the parameter, a byte that says what follows, the value. Texts and numbers are
//! cut at a length; a row that was cut, or that holds a hash of more than a test asks for, does not
//! decide: the packed values do.

use std::fmt;
use std::ops::Range as Span;

use fhir::search::{Interval, fold};
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

use crate::forward::{Packed, PackedReference, PackedToken, Range, Target, Values};
use crate::key::Key;

pub(crate) const CODE: u8 = 1;
pub(crate) const SYSTEM_CODE: u8 = 2;
pub(crate) const SYSTEM: u8 = 3;
pub(crate) const TEXT: u8 = 4;
pub(crate) const OF_TYPE: u8 = 5;
pub(crate) const TARGET: u8 = 6;
pub(crate) const URL: u8 = 7;
pub(crate) const IDENTIFIER: u8 = 8;
pub(crate) const NOTHING: u8 = 10;
pub(crate) const STRING: u8 = 11;
pub(crate) const DATE: u8 = 12;
pub(crate) const DATE_END: u8 = 13;
pub(crate) const NUMBER: u8 = 14;
pub(crate) const RANGE: u8 = 15;
pub(crate) const CANONICAL: u8 = 16;
pub(crate) const CANONICAL_RANGE: u8 = 17;
pub(crate) const URI: u8 = 18;
pub(crate) const POSITION: u8 = 19;
/// Added to the number of a composite's component that its rows are made of.
pub(crate) const COMPONENT: u8 = 0x80;

/// Texts in keys are cut here; the longest key must stay below 511 bytes.
pub(crate) const TEXT_BYTES: usize = 64;
pub(crate) const URI_BYTES: usize = 128;
pub(crate) const NUMBER_BYTES: usize = 40;

/// Values of more bytes are mostly texts that rows cut.
const ROOM_BYTES: usize = 8 << 10;

/// The index keys of one version: in rising order, each once.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// A row: where in `bytes` it is, and how it goes on behind the parameter, with zeros at the end of
/// one that is shorter: what tells most rows of a parameter apart.
#[derive(Clone)]
struct Place {
    beginning: u64,
    span: Span<usize>,
}

impl Rows {
    pub(crate) fn of(values: Values<'_>) -> Self {
        let mut rows = Self::with_room(values.0.len());
        let (mut current, mut first) = (None, 0);
        let mut row = Vec::with_capacity(16);
        for (parameter, value) in values.all() {
            // The values stand in the order of their parameters.
            if current.replace(parameter) != Some(parameter) {
                rows.sort_from(first);
                first = rows.len();
                row.clear();
                row.extend_from_slice(&parameter.0.to_be_bytes());
            }
            let before = rows.len();
            write_value(&mut row, &value, &mut rows);
            if rows.len() == before {
                // Every value has a row: it tells that the parameter is not missing.
                rows.push(&row, NOTHING, &[]);
            }
        }
        rows.sort_from(first);
        let Self { bytes, places } = &mut rows;
        let row = |place: &Place| bytes.get(place.span.clone()).unwrap_or_default();
        places.dedup_by(|one, two| one.beginning == two.beginning && row(one) == row(two));
        rows
    }

    /// Room for the rows of most values that take so many bytes; of long texts they hold little.
    fn with_room(bytes: usize) -> Self {
        let bytes = bytes.min(ROOM_BYTES);
        let places = Vec::with_capacity(bytes / 16);
        Self { bytes: Vec::with_capacity(bytes + bytes / 2), places }
    }

    /// Sorts the rows of one parameter, which are the last.
    fn sort_from(&mut self, first: usize) {
        let row = |place: &Place| self.bytes.get(place.span.clone()).unwrap_or_default();
        let places = self.places.get_mut(first..).unwrap_or_default();
        places.sort_unstable_by(|one, two| {
            one.beginning.cmp(&two.beginning).then_with(|| row(one).cmp(row(two)))
        });
    }

    fn push(&mut self, prefix: &[u8], form: u8, parts: &[&[u8]]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(prefix);
        self.bytes.push(form);
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        let span = start..self.bytes.len();
        let beginning = beginning(self.bytes.get(start + 8..).unwrap_or_default());
        self.places.push(Place { beginning, span });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|place| self.bytes.get(place.span.clone()).unwrap_or_default())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len() + 32 * self.len()
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The first eight bytes in their order, filled up with zeros.
fn beginning(text: &[u8]) -> u64 {
    let padded =
        || text.iter().chain(&[0; 8]).take(8).fold(0, |word, byte| word << 8 | u64::from(*byte));
    text.first_chunk().map_or_else(padded, |whole| u64::from_be_bytes(*whole))
}

pub(crate) fn hash(parts: &[Option<&str>]) -> [u8; 8] {
    let mut text = SmallVec::<[u8; 128]>::new();
    for part in parts {
        // No text holds these bytes, so parts cannot run into each other.
        text.extend_from_slice(part.unwrap_or_default().as_bytes());
        text.push(if part.is_some() { 0xff } else { 0xfe });
    }
    xxh3_64(&text).to_be_bytes()
}

pub(crate) fn hash_key(key: &Key) -> [u8; 8] {
    let mut text = key.resource_type.0.to_be_bytes().to_vec();
    text.extend(key.id.as_str().as_bytes());
    xxh3_64(&text).to_be_bytes()
}

/// Adds the rows of one value; `row` is what they begin with, and is left as it was.
fn write_value(row: &mut Vec<u8>, value: &Packed<'_>, rows: &mut Rows) {
    let mut add = |form: u8, parts: &[&[u8]]| rows.push(row, form, parts);
    match value {
        Packed::Token(token) => token_rows(token, &mut add),
        Packed::Reference(reference) => reference_rows(reference, &mut add),
        Packed::String(text) => add(STRING, &[cut(fold(text).as_bytes(), TEXT_BYTES), &[0]]),
        Packed::Date(found) => {
            let (low, high) = (ordered(found.low), ordered(found.high));
            add(DATE, &[&[class(*found)], &low, &high]);
            add(DATE_END, &[&high]);
        }
        Packed::Number(range) => range_rows([NUMBER, RANGE], &[], *range, &mut add),
        Packed::Quantity(quantity) => {
            range_rows([NUMBER, RANGE], &[], quantity.given, &mut add);
            if let Some((unit, range)) = quantity.canonical {
                let unit = hash(&[Some(unit)]);
                range_rows([CANONICAL, CANONICAL_RANGE], &unit, range, &mut add);
            }
        }
        Packed::Uri { url, .. } => add(URI, &[cut(url.as_bytes(), URI_BYTES), &[0]]),
        Packed::Position { latitude, longitude } => {
            add(POSITION, &[&[cell(*latitude)], &[cell(*longitude / 2.0)]]);
        }
        Packed::Composite(components) => {
            let kinds = components.iter().map(|values| values.first().is_some_and(is_hashed));
            let place = decisive(kinds);
            let Some(values) = components.get(place) else { return };
            row.push(COMPONENT | u8::try_from(place).unwrap_or(0x7f));
            values.iter().for_each(|value| write_value(row, value, rows));
            row.pop();
        }
    }
}

fn is_hashed(value: &Packed<'_>) -> bool {
    matches!(value, Packed::Token(_) | Packed::Reference(_))
}

/// The component of a composite that its rows are made of: the first that is found by a hash.
pub(crate) fn decisive(mut is_hashed: impl Iterator<Item = bool>) -> usize {
    is_hashed.position(|it| it).unwrap_or(0)
}

fn token_rows(token: &PackedToken<'_>, add: &mut dyn FnMut(u8, &[&[u8]])) {
    if let Some(code) = token.code {
        add(CODE, &[&hash(&[Some(code)])]);
        add(SYSTEM_CODE, &[&hash(&[token.system, Some(code)])]);
        for (system, its) in &token.types {
            add(OF_TYPE, &[&hash(&[*system, Some(its), Some(code)])]);
        }
    }
    if let Some(system) = token.system {
        add(SYSTEM, &[&hash(&[Some(system)])]);
    }
    if let Some(text) = token.text {
        add(TEXT, &[cut(fold(text).as_bytes(), TEXT_BYTES), &[0]]);
    }
}

fn reference_rows(reference: &PackedReference<'_>, add: &mut dyn FnMut(u8, &[&[u8]])) {
    match reference.target {
        Target::Resource { key, .. } => add(TARGET, &[&hash_key(&key)]),
        Target::Url { url, .. } => add(URL, &[&hash(&[Some(url)])]),
        Target::Nothing => {}
    }
    if let Some((system, code)) = reference.identifier {
        let token = PackedToken { system, code, text: None, types: Vec::new() };
        token_rows(&token, &mut |form, parts| {
            add(IDENTIFIER, &[&[&[form][..]], parts].concat());
        });
    }
}

fn range_rows(
    [point, range]: [u8; 2],
    unit: &[u8],
    found: Range<'_>,
    add: &mut dyn FnMut(u8, &[&[u8]]),
) {
    match found {
        Range { low: Some(low), high: Some(high), .. } if low == high => {
            add(point, &[unit, cut(low, NUMBER_BYTES)]);
        }
        Range { low, .. } => {
            add(range, &[unit, cut(low.unwrap_or_default(), NUMBER_BYTES)]);
        }
    }
}

pub(crate) fn cut(bytes: &[u8], most: usize) -> &[u8] {
    bytes.get(..most).unwrap_or(bytes)
}

/// A signed integer as bytes in its order.
pub(crate) fn ordered(ticks: i64) -> [u8; 8] {
    (ticks.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

pub(crate) fn unordered(bytes: &[u8]) -> Option<i64> {
    let bytes = bytes.first_chunk::<8>()?;
    Some((u64::from_be_bytes(*bytes) ^ (1 << 63)).cast_signed())
}

/// How many bits the width of an interval has: rows of one class are found by their beginning.
fn class(interval: Interval) -> u8 {
    let width = i128::from(interval.high) - i128::from(interval.low);
    let bits = 128 - width.max(0).leading_zeros();
    u8::try_from(bits).unwrap_or(u8::MAX)
}

/// Degrees, cut to whole ones and counted from the pole; halves of a longitude for a byte.
fn cell(degrees: f64) -> u8 {
    let from_pole = (degrees.clamp(-90.0, 90.0) + 90.0).floor();
    (0..=180_u8).rev().find(|cell| f64::from(*cell) <= from_pole).unwrap_or(0)
}

#[cfg(test)]
mod tests;
