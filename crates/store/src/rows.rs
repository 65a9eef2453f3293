//! The rows of the search index: which keys a version's values get, and where the rows of a test
//! are.
//!
//! A key is the parameter, a byte that says what follows, the value, the rid. Texts and numbers are
//! cut at a length; a row that was cut, or that holds a hash of more than a test asks for, does not
//! decide: the packed values do.

use fhir::search::{Interval, fold};
use xxhash_rust::xxh3::xxh3_64;

use crate::forward::{Packed, PackedReference, PackedToken, Range, Target, Values};
use crate::key::{Key, ParameterId};
use crate::matching::{has_word, is_below};
use crate::plan::{
    Comparison, NumberTest, ReferenceTest, StringTest, Test, TokenTest, UnitTest, UriTest,
};

const CODE: u8 = 1;
const SYSTEM_CODE: u8 = 2;
const SYSTEM: u8 = 3;
const TEXT: u8 = 4;
const OF_TYPE: u8 = 5;
const TARGET: u8 = 6;
const URL: u8 = 7;
const IDENTIFIER: u8 = 8;
const NOTHING: u8 = 10;
const STRING: u8 = 11;
const DATE: u8 = 12;
const DATE_END: u8 = 13;
const NUMBER: u8 = 14;
const RANGE: u8 = 15;
const CANONICAL: u8 = 16;
const CANONICAL_RANGE: u8 = 17;
const URI: u8 = 18;
const POSITION: u8 = 19;
/// Added to the number of a composite's component that its rows are made of.
const COMPONENT: u8 = 0x80;

/// Texts in keys are cut here; the longest key must stay below 511 bytes.
const TEXT_BYTES: usize = 64;
const URI_BYTES: usize = 128;
const NUMBER_BYTES: usize = 40;

/// The index keys of one version, without their rids: in rising order, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows(Vec<Vec<u8>>);

impl Rows {
    pub(crate) fn of(values: Values<'_>) -> Self {
        let mut rows = Vec::new();
        for (parameter, value) in values.all() {
            let mut row = parameter.0.to_be_bytes().to_vec();
            let before = rows.len();
            write_value(&mut row, &value, &mut rows);
            if rows.len() == before {
                // Every value has a row: it tells that the parameter is not missing.
                row.push(NOTHING);
                rows.push(row);
            }
        }
        rows.sort_unstable();
        rows.dedup();
        Self(rows)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|row| row.len() + 32).sum()
    }
}

fn hash(parts: &[Option<&str>]) -> [u8; 8] {
    let mut text = Vec::with_capacity(64);
    for part in parts {
        // No text holds these bytes, so parts cannot run into each other.
        text.extend(part.unwrap_or_default().as_bytes());
        text.push(if part.is_some() { 0xff } else { 0xfe });
    }
    xxh3_64(&text).to_be_bytes()
}

fn hash_key(key: &Key) -> [u8; 8] {
    let mut text = key.resource_type.0.to_be_bytes().to_vec();
    text.extend(key.id.as_str().as_bytes());
    xxh3_64(&text).to_be_bytes()
}

/// Adds the rows of one value; `row` is what they begin with, and is left as it was.
fn write_value(row: &mut Vec<u8>, value: &Packed<'_>, rows: &mut Vec<Vec<u8>>) {
    let mut add = |form: u8, parts: &[&[u8]]| {
        let mut key = row.clone();
        key.push(form);
        parts.iter().for_each(|part| key.extend(*part));
        rows.push(key);
    };
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
fn decisive(mut is_hashed: impl Iterator<Item = bool>) -> usize {
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
            let mut with_form = vec![&[][..]; 0];
            let inner = [form];
            with_form.push(&inner);
            with_form.extend(parts);
            add(IDENTIFIER, &with_form);
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
        Range { low: Some(low), high: Some(high) } if low == high => {
            add(point, &[unit, cut(low, NUMBER_BYTES)]);
        }
        Range { low, .. } => {
            add(range, &[unit, cut(low.unwrap_or_default(), NUMBER_BYTES)]);
        }
    }
}

fn cut(bytes: &[u8], most: usize) -> &[u8] {
    bytes.get(..most).unwrap_or(bytes)
}

/// A signed integer as bytes in its order.
fn ordered(ticks: i64) -> [u8; 8] {
    (ticks.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

fn unordered(bytes: &[u8]) -> Option<i64> {
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

/// Where the rows of a test are.
pub(crate) struct Lookup<'p> {
    /// From and to, both included.
    pub(crate) ranges: Vec<(Vec<u8>, Vec<u8>)>,
    /// Further ranges, none of whose rows decides.
    pub(crate) unsure: Vec<(Vec<u8>, Vec<u8>)>,
    /// The length of what a key has before what `says` is given.
    pub(crate) skip: usize,
    /// What a row says: its key without parameter, form and rid.
    pub(crate) says: Box<dyn Fn(&[u8]) -> Says + 'p>,
    /// The name of the kind of look-up, for people.
    pub(crate) name: &'static str,
    /// How much it is likely to find: the smallest goes first.
    pub(crate) rank: u8,
}

/// What a row tells about its version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Says {
    /// It has a value that passes.
    Yes,
    /// This row does not show one.
    No,
    /// The packed values must be looked at.
    Unsure,
}

/// All rows of a parameter.
pub(crate) fn all(parameter: ParameterId) -> (Vec<u8>, Vec<u8>) {
    let (from, mut to) = within(parameter.0.to_be_bytes().to_vec());
    to.extend([0xff; URI_BYTES]);
    (from, to)
}

/// Where the rows are that reference `key`.
pub(crate) fn references_to(parameter: ParameterId, key: &Key) -> (Vec<u8>, Vec<u8>) {
    let mut row = parameter.0.to_be_bytes().to_vec();
    row.push(TARGET);
    row.extend(hash_key(key));
    within(row)
}

/// All rows that begin with `prefix`, however long they are.
fn whole_form(prefix: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let (from, mut to) = within(prefix);
    to.extend([0xff; URI_BYTES]);
    (from, to)
}

/// The rows that consist of `row` and a rid.
fn within(prefix: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let mut last = prefix.clone();
    last.extend([0xff; 9]);
    (prefix, last)
}

/// Where the rows of a test of a parameter are. The classes of its dates are asked for one by one.
pub(crate) fn lookup(parameter: ParameterId, test: &Test) -> Lookup<'_> {
    lookup_in(parameter.0.to_be_bytes().to_vec(), test)
}

fn lookup_in(prefix: Vec<u8>, test: &Test) -> Lookup<'_> {
    let skip = prefix.len() + 1;
    let lookup = find(prefix, test);
    // A composite's look-up is that of a component, which says itself what it skips.
    if lookup.skip == 0 { Lookup { skip, ..lookup } } else { lookup }
}

fn find(prefix: Vec<u8>, test: &Test) -> Lookup<'_> {
    let row = |form: u8, value: &[u8]| {
        let mut row = prefix.clone();
        row.push(form);
        row.extend(value);
        row
    };
    match test {
        Test::Token(test) => token_lookup(test, &row),
        Test::Reference(ReferenceTest::Resource { key, version }) => {
            exact(row(TARGET, &hash_key(key)), version.is_none(), "reference")
        }
        Test::Reference(ReferenceTest::Url { url, version }) => {
            exact(row(URL, &hash(&[Some(url)])), version.is_none(), "reference by URL")
        }
        Test::Reference(ReferenceTest::Identifier(test)) => {
            let row = |form: u8, value: &[u8]| {
                let mut inner = row(IDENTIFIER, &[form]);
                inner.extend(value);
                inner
            };
            Lookup { name: "identifier of a reference", ..token_lookup(test, &row) }
        }
        Test::String(test) => string_lookup(test, &row),
        Test::Date { comparison, low, high } => {
            date_lookup(*comparison, Interval { low: *low, high: *high }, &row)
        }
        Test::Number(test) => number_lookup(test, [row(NUMBER, &[]), row(RANGE, &[])], 0),
        Test::Quantity { unit: UnitTest::Canonical(unit), number } => {
            let unit = hash(&[Some(unit)]);
            let rows = [row(CANONICAL, &unit), row(CANONICAL_RANGE, &unit)];
            Lookup { name: "quantity in base units", ..number_lookup(number, rows, 8) }
        }
        Test::Quantity { unit, number } => {
            let found = number_lookup(number, [row(NUMBER, &[]), row(RANGE, &[])], 0);
            match unit {
                UnitTest::Any => found,
                _ => unsure(found),
            }
        }
        Test::Uri(test) => uri_lookup(test, &row),
        Test::Near { .. } => {
            Lookup::new("positions", 6, vec![within(row(POSITION, &[]))], |_| Says::Unsure)
        }
        Test::Composite(tests) => {
            let kinds = tests.iter().map(|it| matches!(it, Test::Token(_) | Test::Reference(_)));
            let place = decisive(kinds);
            let prefix = row(COMPONENT | u8::try_from(place).unwrap_or(0x7f), &[]);
            match tests.get(place) {
                Some(test) => unsure(lookup_in(prefix, test)),
                None => exact(prefix, false, "composite"),
            }
        }
    }
}

/// The same rows, none of which decides.
fn unsure(lookup: Lookup<'_>) -> Lookup<'_> {
    let says = lookup.says;
    let says = Box::new(move |row: &[u8]| match says(row) {
        Says::Yes | Says::Unsure => Says::Unsure,
        Says::No => Says::No,
    });
    Lookup { says, ..lookup }
}

fn exact(row: Vec<u8>, is_sure: bool, name: &'static str) -> Lookup<'static> {
    let says = if is_sure { Says::Yes } else { Says::Unsure };
    Lookup::new(name, 1, vec![within(row)], move |_| says)
}

impl<'p> Lookup<'p> {
    fn new(
        name: &'static str,
        rank: u8,
        ranges: Vec<(Vec<u8>, Vec<u8>)>,
        says: impl Fn(&[u8]) -> Says + 'p,
    ) -> Self {
        Self { ranges, unsure: Vec::new(), skip: 0, says: Box::new(says), name, rank }
    }
}

fn token_lookup<'p>(test: &'p TokenTest, row: &dyn Fn(u8, &[u8]) -> Vec<u8>) -> Lookup<'p> {
    match test {
        TokenTest::Code(code) => {
            Lookup { rank: 2, ..exact(row(CODE, &hash(&[Some(code)])), true, "code") }
        }
        TokenTest::SystemCode { system, code } => {
            let hash = hash(&[system.as_deref(), Some(code)]);
            exact(row(SYSTEM_CODE, &hash), true, "system and code")
        }
        TokenTest::System(system) => {
            Lookup { rank: 4, ..exact(row(SYSTEM, &hash(&[Some(system)])), true, "system") }
        }
        TokenTest::OfType { system, code, value } => {
            let hash = hash(&[system.as_deref(), Some(code), Some(value)]);
            exact(row(OF_TYPE, &hash), true, "type and identifier")
        }
        TokenTest::Text(text) => {
            let says = |found: &[u8]| text_says(found, |it| has_word(it, text));
            Lookup::new("all texts", 6, vec![whole_form(row(TEXT, &[]))], says)
        }
    }
}

/// What a cut, folded text tells: all when it was not cut, only good news when it was.
fn text_says(found: &[u8], passes: impl Fn(&str) -> bool) -> Says {
    let text = found.strip_suffix(&[0]).unwrap_or(found);
    let whole = text.len() < TEXT_BYTES;
    match std::str::from_utf8(text) {
        Ok(text) if passes(text) => Says::Yes,
        Ok(_) if whole => Says::No,
        _ => Says::Unsure,
    }
}

fn string_lookup<'p>(test: &'p StringTest, row: &dyn Fn(u8, &[u8]) -> Vec<u8>) -> Lookup<'p> {
    match test {
        StringTest::StartsWith(wanted) => {
            let is_sure = wanted.len() <= TEXT_BYTES;
            let says = if is_sure { Says::Yes } else { Says::Unsure };
            let range = whole_form(row(STRING, cut(wanted.as_bytes(), TEXT_BYTES)));
            Lookup::new("beginning of a string", 3, vec![range], move |_| says)
        }
        StringTest::Exact(wanted) => {
            let folded = fold(wanted);
            let mut text = cut(folded.as_bytes(), TEXT_BYTES).to_vec();
            text.push(0);
            exact(row(STRING, &text), false, "string")
        }
        StringTest::Contains(wanted) => {
            let says = |found: &[u8]| text_says(found, |it| it.contains(&**wanted));
            Lookup::new("all strings", 6, vec![whole_form(row(STRING, &[]))], says)
        }
    }
}

/// Rows of every class, between the beginnings that can match.
fn date_lookup(
    comparison: Comparison,
    searched: Interval,
    row: &dyn Fn(u8, &[u8]) -> Vec<u8>,
) -> Lookup<'static> {
    let ranges = (0..=65_u8)
        .map(|class| {
            // The widest of the class begins so much before its end.
            let width = 1_i128.checked_shl(u32::from(class)).unwrap_or(i128::MAX);
            let ends_at = |end: i64| i64::try_from(i128::from(end) - width).unwrap_or(i64::MIN);
            let (from, to) = match comparison {
                Comparison::Equal => (searched.low, searched.high),
                Comparison::NotEqual => (i64::MIN, i64::MAX),
                Comparison::Greater => (ends_at(searched.high), i64::MAX),
                Comparison::GreaterOrEqual => (ends_at(searched.high).min(searched.low), i64::MAX),
                Comparison::Less => (i64::MIN, searched.low),
                Comparison::LessOrEqual => (i64::MIN, searched.high),
                Comparison::StartsAfter => (searched.high, i64::MAX),
                Comparison::EndsBefore => (i64::MIN, searched.low),
                Comparison::Overlaps => (ends_at(searched.low), searched.high),
            };
            let bound = |ticks: i64| {
                let mut value = vec![class];
                value.extend(ordered(ticks));
                row(DATE, &value)
            };
            let mut last = bound(to);
            last.extend([0xff; 17]);
            (bound(from), last)
        })
        .collect();
    let says = move |found: &[u8]| {
        let parts = found.split_first().and_then(|(_, rest)| rest.split_at_checked(8));
        let found = parts.and_then(|(low, high)| {
            Some(Interval { low: unordered(low)?, high: unordered(high)? })
        });
        match found {
            Some(found) if comparison.holds(found, searched) => Says::Yes,
            Some(_) => Says::No,
            None => Says::Unsure,
        }
    };
    Lookup::new("date", 4, ranges, says)
}

/// Rows of one number each by their order, then all rows of ranges. `unit` bytes stand before the
/// number.
fn number_lookup<'p>(
    test: &'p NumberTest,
    [points, ranges]: [Vec<u8>; 2],
    unit: usize,
) -> Lookup<'p> {
    let NumberTest { comparison, exact, low, high } = test;
    let (from, to) = match comparison {
        Comparison::Equal => (low.as_bytes().min(exact.as_bytes()), high.as_bytes()),
        Comparison::Overlaps => (low.as_bytes(), high.as_bytes()),
        Comparison::NotEqual => (&[][..], &[0xff][..]),
        Comparison::Greater | Comparison::GreaterOrEqual | Comparison::StartsAfter => {
            (exact.as_bytes(), &[0xff][..])
        }
        Comparison::Less | Comparison::LessOrEqual | Comparison::EndsBefore => {
            (&[][..], exact.as_bytes())
        }
    };
    let bound = |number: &[u8], end: &[u8]| [&*points, cut(number, NUMBER_BYTES), end].concat();
    let range = (bound(from, &[]), bound(to, &[0xff; NUMBER_BYTES + 9]));
    let says = move |found: &[u8]| {
        let number = found.get(unit..).unwrap_or_default();
        if number.len() >= NUMBER_BYTES {
            return Says::Unsure;
        }
        match test.passes(Range { low: Some(number), high: Some(number) }) {
            true => Says::Yes,
            false => Says::No,
        }
    };
    let mut lookup = Lookup::new("number", 4, vec![range], says);
    lookup.unsure.push(whole_form(ranges));
    lookup
}

fn uri_lookup<'p>(test: &'p UriTest, row: &dyn Fn(u8, &[u8]) -> Vec<u8>) -> Lookup<'p> {
    let whole = |url: &str| {
        let mut text = cut(url.as_bytes(), URI_BYTES).to_vec();
        text.push(0);
        row(URI, &text)
    };
    match test {
        UriTest::Exact { url, version } => {
            exact(whole(url), version.is_none() && url.len() < URI_BYTES, "URI")
        }
        UriTest::Below(above) => {
            let range = whole_form(row(URI, cut(above.as_bytes(), URI_BYTES)));
            let says = |found: &[u8]| {
                let found = found.strip_suffix(&[0]).unwrap_or(found);
                match std::str::from_utf8(found) {
                    Ok(url) if found.len() < URI_BYTES && !is_below(url, above) => Says::No,
                    Ok(url) if is_below(url, above) => Says::Yes,
                    _ => Says::Unsure,
                }
            };
            Lookup::new("beginning of a URI", 3, vec![range], says)
        }
        UriTest::Above(below) => {
            let ends = below.char_indices().map(|(at, _)| at).chain([below.len()]);
            let ranges = ends
                .filter_map(|end| below.get(..end))
                .filter(|above| !above.is_empty() && is_below(below, above))
                .map(|above| within(whole(above)))
                .collect();
            Lookup::new("URIs above", 2, ranges, |_| Says::Unsure)
        }
    }
}

/// The rows of a parameter that stand in the order of its values, smallest or largest first.
pub(crate) struct Ordered {
    form: u8,
    /// Ranges whose rows are merged by their values.
    pub(crate) ranges: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where the value stands in a key, and how long it is; none is up to the rid.
    pub(crate) skip: usize,
    /// Its length, where something follows it.
    pub(crate) length: Option<usize>,
}

/// The orders to walk a parameter in; the one of its type has rows.
pub(crate) fn ordered_rows(parameter: ParameterId, descending: bool) -> [Ordered; 3] {
    let row = |form: u8, value: &[u8]| [&parameter.0.to_be_bytes()[..], &[form], value].concat();
    let dates = match descending {
        true => Ordered {
            form: DATE_END,
            ranges: vec![whole_form(row(DATE_END, &[]))],
            skip: 9,
            length: Some(8),
        },
        false => {
            let classes = (0..=65_u8).map(|class| whole_form(row(DATE, &[class]))).collect();
            Ordered { form: DATE, ranges: classes, skip: 10, length: Some(8) }
        }
    };
    let strings = vec![whole_form(row(STRING, &[]))];
    let numbers = vec![whole_form(row(NUMBER, &[]))];
    [
        dates,
        Ordered { form: STRING, ranges: strings, skip: 9, length: None },
        Ordered { form: NUMBER, ranges: numbers, skip: 9, length: None },
    ]
}

/// A value as bytes to sort by: of several the smallest counts, or the largest.
pub(crate) fn sort_bytes(value: &Packed<'_>, descending: bool) -> Option<Vec<u8>> {
    fn side<'f>(range: Range<'f>, descending: bool) -> Option<&'f [u8]> {
        if descending { range.high.or(range.low) } else { range.low.or(range.high) }
    }
    match value {
        Packed::Token(token) => token.code.or(token.text).map(|it| it.as_bytes().to_vec()),
        Packed::Reference(reference) => match reference.target {
            Target::Resource { key, .. } => {
                let mut bytes = key.resource_type.0.to_be_bytes().to_vec();
                bytes.extend(key.id.as_str().as_bytes());
                Some(bytes)
            }
            Target::Url { url, .. } => Some([&[0xff, 0xff], url.as_bytes()].concat()),
            Target::Nothing => None,
        },
        Packed::String(text) => Some(fold(text).as_bytes().to_vec()),
        Packed::Date(Interval { low, high }) => {
            Some(ordered(if descending { *high } else { *low }).to_vec())
        }
        Packed::Number(range) => side(*range, descending).map(<[u8]>::to_vec),
        Packed::Quantity(quantity) => {
            let range = quantity.canonical.map_or(quantity.given, |(_, range)| range);
            side(range, descending).map(<[u8]>::to_vec)
        }
        Packed::Uri { url, .. } => Some(url.as_bytes().to_vec()),
        Packed::Composite(_) | Packed::Position { .. } => None,
    }
}

/// What a row has of a value that [`sort_bytes`] made.
pub(crate) fn row_value(ordered: &Ordered, sorted: &[u8]) -> Vec<u8> {
    match ordered.form {
        STRING => [cut(sorted, TEXT_BYTES), &[0]].concat(),
        NUMBER => cut(sorted, NUMBER_BYTES).to_vec(),
        _ => sorted.to_vec(),
    }
}

/// Rows of values that no order of rows has all of.
pub(crate) fn unordered_rows(parameter: ParameterId) -> Vec<(Vec<u8>, Vec<u8>)> {
    let row = |form: u8| [&parameter.0.to_be_bytes()[..], &[form]].concat();
    [RANGE, CANONICAL, CANONICAL_RANGE].map(|form| whole_form(row(form))).to_vec()
}
