//! The values of a version as bytes in the order of a sort, and the rows that stand in it.

use fhir::search::{Interval, fold};

use crate::forward::{Packed, Range, Target};
use crate::key::ParameterId;
use crate::lookup::whole_form;
use crate::rows::*;

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
