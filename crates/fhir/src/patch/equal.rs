//! <https://www.rfc-editor.org/rfc/rfc6902#section-4.6>: when two JSON values are the same.

use std::borrow::Cow;

use json::{Kind, Value};

/// Strings by their characters, numbers by their value, objects without regard to order.
pub(super) fn equal(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.kind(), b.kind()) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool, Kind::Bool) => a.as_bool() == b.as_bool(),
        (Kind::Number, Kind::Number) => number(a.raw_str()) == number(b.raw_str()),
        (Kind::String, Kind::String) => a.as_str() == b.as_str(),
        (Kind::Array, Kind::Array) => {
            a.len() == b.len() && a.elements().zip(b.elements()).all(|(a, b)| equal(a, b))
        }
        (Kind::Object, Kind::Object) => {
            let (a, b) = (members(a), members(b));
            let same = |((a, x), (b, y)): (&(_, _), &(_, _))| a == b && equal(*x, *y);
            a.len() == b.len() && a.iter().zip(&b).all(same)
        }
        _ => false,
    }
}

/// By key, so that large objects compare in one pass.
fn members(object: Value<'_>) -> Vec<(Cow<'_, str>, Value<'_>)> {
    let mut members: Vec<_> =
        object.members().map(|member| (member.key(), member.value())).collect();
    members.sort_by(|(a, _), (b, _)| a.cmp(b));
    members
}

/// Sign, digits without zeros at either end, and the power of ten of the last digit. Two numbers
/// are equal when these are, whatever their size.
fn number(text: &str) -> (bool, String, i128) {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return (false, String::new(), 0);
    }
    // No text that fits in a body needs more digits for its exponent than this.
    let exponent = exponent.trim_start_matches('+').parse::<i128>().unwrap_or(i128::MAX);
    let dropped = digits.len() - significant.len();
    let shift = |length: usize| i128::try_from(length).unwrap_or(0);
    let power = exponent.saturating_sub(shift(fraction.len())).saturating_add(shift(dropped));
    (negative, significant.trim_start_matches('0').to_owned(), power)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_equal_by_value() {
        let rows = [
            ("1", "1.0", true),
            ("10", "1e1", true),
            ("0.10", "1E-1", true),
            ("0", "-0.000e9", true),
            ("100", "1", false),
            ("-1", "1", false),
            ("9007199254740993", "9007199254740992", false),
            ("1e400", "10e399", true),
        ];
        for (a, b, same) in rows {
            assert_eq!(number(a) == number(b), same, "{a} {b}");
        }
    }
}
