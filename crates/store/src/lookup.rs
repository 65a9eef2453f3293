//! Where in the index the rows of a test are, and what each row says of it.

use fhir::search::{Interval, fold};

use crate::forward::Range;
use crate::key::{Key, ParameterId};
use crate::matching::{has_word, is_below};
use crate::plan::{
    Comparison, NumberTest, ReferenceTest, StringTest, Test, TokenTest, UnitTest, UriTest,
};
use crate::rows::*;
use crate::spelling::spellings;

/// Where the rows of a test are.
pub(crate) struct Lookup<'p> {
    /// From and to, both included.
    pub(crate) ranges: Vec<(Vec<u8>, Vec<u8>)>,
    /// Further ranges, none of whose rows decides.
    pub(crate) unsure: Vec<(Vec<u8>, Vec<u8>)>,
    /// The length of what a key has before what `says` is given.
    pub(crate) skip: usize,
    /// What a row says: its key without parameter and form.
    pub(crate) says: Reading<'p>,
    /// The name of the kind of look-up, for people.
    pub(crate) name: &'static str,
    /// How much it is likely to find: the smallest goes first.
    pub(crate) rank: u8,
}

/// Reads what a row says.
type Reading<'p> = Box<dyn Fn(&[u8]) -> Says + 'p>;

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
    whole_form(parameter.0.to_be_bytes().to_vec())
}

/// Where the rows are that reference `key`.
pub(crate) fn references_to(parameter: ParameterId, key: &Key) -> (Vec<u8>, Vec<u8>) {
    let mut row = parameter.0.to_be_bytes().to_vec();
    row.push(TARGET);
    row.extend(hash_key(key));
    within(row)
}

/// All rows that begin with `prefix`, however long they are.
pub(crate) fn whole_form(prefix: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let (from, mut to) = within(prefix);
    to.extend([0xff; URI_BYTES]);
    (from, to)
}

/// The rows of one key.
pub(crate) fn within(prefix: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let mut last = prefix.clone();
    last.extend([0xff; 9]);
    (prefix, last)
}

/// Where the rows of a test of a parameter are. The classes of its dates are asked for one by one.
pub(crate) fn lookup(parameter: ParameterId, test: &Test) -> Lookup<'_> {
    lookup_in(&parameter.0.to_be_bytes(), test)
}

fn lookup_in<'t>(prefix: &[u8], test: &'t Test) -> Lookup<'t> {
    let skip = prefix.len() + 1;
    let lookup = find(prefix, test);
    // A composite's look-up is that of a component, which says itself what it skips.
    if lookup.skip == 0 { Lookup { skip, ..lookup } } else { lookup }
}

fn find<'t>(prefix: &[u8], test: &'t Test) -> Lookup<'t> {
    let row = |form: u8, value: &[u8]| [prefix, &[form], value].concat();
    match test {
        Test::Token(test) => token_lookup(test, &row),
        Test::Reference(ReferenceTest::Resource { key, version }) => {
            exact(row(TARGET, &hash_key(key)), version.is_none(), "reference")
        }
        Test::Reference(ReferenceTest::Url { url, version }) => {
            exact(row(URL, &hash(&[Some(url)])), version.is_none(), "reference by URL")
        }
        Test::Reference(ReferenceTest::Versions { url, .. }) => {
            exact(row(URL, &hash(&[Some(url)])), false, "reference by URL")
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
        Test::Other(_) => {
            Lookup::new("all values", 7, vec![whole_form(prefix.to_vec())], |_| Says::Unsure)
        }
        Test::Near { .. } => {
            Lookup::new("positions", 6, vec![within(row(POSITION, &[]))], |_| Says::Unsure)
        }
        Test::Composite(tests) => {
            let kinds = tests.iter().map(|it| matches!(it, Test::Token(_) | Test::Reference(_)));
            let place = decisive(kinds);
            let prefix = row(COMPONENT | u8::try_from(place).unwrap_or(0x7f), &[]);
            match tests.get(place) {
                Some(test) => unsure(lookup_in(&prefix, test)),
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
        TokenTest::AnyCase { systems, codes } => any_case((systems, codes), row),
        TokenTest::System(system) => {
            Lookup { rank: 4, ..exact(row(SYSTEM, &hash(&[Some(system)])), true, "system") }
        }
        TokenTest::OfType { system, code, value } => {
            let hash = hash(&[system.as_deref(), Some(code), Some(value)]);
            exact(row(OF_TYPE, &hash), true, "type and identifier")
        }
        TokenTest::Mime(_) => {
            Lookup::new("all codes", 6, vec![whole_form(row(CODE, &[]))], |_| Says::Unsure)
        }
        TokenTest::Text(text) => {
            let says = |found: &[u8]| text_says(found, |it| has_word(it, text));
            Lookup::new("all texts", 6, vec![whole_form(row(TEXT, &[]))], says)
        }
    }
}

/// The rows of each way to write the codes; of too many the rows of their systems.
fn any_case<'p>(
    (systems, codes): (&[Option<Box<str>>], &[Box<str>]),
    row: &dyn Fn(u8, &[u8]) -> Vec<u8>,
) -> Lookup<'p> {
    let (mut ranges, mut unsure) = (Vec::new(), Vec::new());
    match (spellings(codes), systems) {
        (Some(all), [system]) => ranges.extend(all.iter().map(|code| {
            let hash = hash(&[system.as_deref(), Some(code)]);
            within(row(SYSTEM_CODE, &hash))
        })),
        (Some(all), _) => {
            unsure.extend(all.iter().map(|code| within(row(CODE, &hash(&[Some(code)])))));
        }
        (None, systems) if systems.iter().all(Option::is_some) => {
            let of = |system: &Option<Box<str>>| within(row(SYSTEM, &hash(&[system.as_deref()])));
            unsure.extend(systems.iter().map(of));
        }
        (None, _) => unsure.push(whole_form(row(CODE, &[]))),
    }
    Lookup { unsure, ..Lookup::new("codes in any case", 4, ranges, |_| Says::Yes) }
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
        StringTest::Is(wanted) => {
            let is_sure = wanted.len() < TEXT_BYTES;
            let mut text = cut(wanted.as_bytes(), TEXT_BYTES).to_vec();
            text.push(0);
            exact(row(STRING, &text), is_sure, "string")
        }
        StringTest::EndsWith(wanted) => {
            let says = |found: &[u8]| match text_says(found, |it| it.ends_with(&**wanted)) {
                // The end of a text that was cut is not known.
                _ if found.len() > TEXT_BYTES => Says::Unsure,
                says => says,
            };
            Lookup::new("all strings", 6, vec![whole_form(row(STRING, &[]))], says)
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
                Comparison::GreaterOrEqual => (ends_at(searched.low), i64::MAX),
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
        match test.passes(Range::point(number)) {
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
                    // Of two that were cut at the same place, what follows is not told.
                    Ok(url) if above.len() < URI_BYTES && is_below(url, above) => Says::Yes,
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
