//! A hash of what a text says: neither its layout nor the spelling of its strings nor the order of
//! its members counts, the text of its numbers and the order of its elements do.

use std::ops::Range;

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use crate::value::{Kind, Value};

/// An object or array around the present place.
struct Around {
    /// Where it ends on the tape.
    end: usize,
    /// What its place is worth.
    place: u64,
    /// How many elements were before.
    elements: u64,
}

/// xxh3-128 of every value with its place, added up, so that members may come in any order;
/// big-endian. Members whose keys stand in one of the ranges of `gone` do not count.
pub(crate) fn content(value: Value<'_>, gone: &[Range<usize>]) -> [u8; 16] {
    let (source, end) = (value.source(), value.node().next().min(value.source().tape.len()));
    let (mut sum, mut around) = (0_u128, Vec::<Around>::with_capacity(16));
    let mut at = value.index();
    while at < end {
        let value = Value::new(source, at);
        let is_gone = |key: usize| gone.iter().any(|range| range.contains(&key));
        if value.node().key().is_some_and(is_gone) {
            at = value.node().next();
            continue;
        }
        while around.pop_if(|around| around.end <= at).is_some() {}
        let place = place(value, around.last_mut());
        let kind = value.kind();
        sum = sum.wrapping_add(match kind {
            Kind::Object | Kind::Array => {
                around.push(Around { end: value.node().next(), place, elements: 0 });
                xxh3_128_with_seed(if kind == Kind::Object { b"{" } else { b"[" }, place)
            }
            Kind::String => {
                let text = value.as_str().unwrap_or_default();
                // Another seed than that of the number with the same text.
                xxh3_128_with_seed(text.as_bytes(), !place)
            }
            Kind::Null | Kind::Bool | Kind::Number => xxh3_128_with_seed(value.raw(), place),
        });
        at += 1;
    }
    sum.to_be_bytes()
}

/// What the place of a value is worth, by that of what is around it.
fn place(value: Value<'_>, around: Option<&mut Around>) -> u64 {
    let Some(around) = around else { return 0 };
    if let Some(member) = value.member() {
        return xxh3_64_with_seed(member.key().as_bytes(), around.place);
    }
    around.elements += 1;
    xxh3_64_with_seed(&around.elements.to_le_bytes(), !around.place)
}
