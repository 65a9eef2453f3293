//! <https://hl7.org/fhir/R4/search.html#number>: numbers as bytes whose order is theirs.
//!
//! A sign, the place of the first digit, the digits: `1E-245` and numbers of a thousand digits are
//! exact. Nothing is computed but halves of the last digit.

use std::fmt;

use smallvec::SmallVec;

const NEGATIVE: u8 = 0;
const ZERO: u8 = 1;
const POSITIVE: u8 = 2;

/// A number in order: as bytes it compares as its value does, `1.0` equal to `1`.
///
/// A first byte says negative, zero or positive; then, of a negative number with all bits turned,
/// the power of ten above the first digit (four bytes, the least first of all) and two digits a
/// byte, each one more than itself, closed by a zero half byte. So no encoding begins another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberKey(SmallVec<[u8; 24]>);

impl NumberKey {
    /// The key of a number's text; None if it is not a JSON number.
    #[must_use]
    pub fn of(text: &str) -> Option<NumberKey> {
        Some(Parts::read(text)?.key())
    }

    /// The key of `digits` times ten to the power of `exponent`.
    #[must_use]
    pub fn of_parts(digits: i128, exponent: i32) -> NumberKey {
        let mut parts = Parts {
            is_negative: digits < 0,
            digits: Digits::new(),
            exponent: 0,
            is_scientific: false,
        };
        let mut rest = digits.unsigned_abs();
        while rest > 0 {
            parts.digits.push(u8::try_from(rest % 10).unwrap_or(0));
            rest /= 10;
        }
        parts.digits.reverse();
        parts.exponent = i64::from(exponent);
        parts.key()
    }

    /// From the least to the greatest number that is written like this one: half a unit of its
    /// last digit to each side. `1.50` is 1.495 to 1.505.
    #[must_use]
    pub fn implied(text: &str) -> Option<(NumberKey, NumberKey)> {
        let (low, high) = Parts::read(text)?.implied();
        Some((low.key(), high.key()))
    }

    /// The bytes, which compare as the numbers do.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for NumberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

type Digits = SmallVec<[u8; 32]>;

/// The numbers of [`NumberKey::implied`], as texts.
#[must_use]
pub fn implied_numbers(text: &str) -> Option<(String, String)> {
    let (low, high) = Parts::read(text)?.implied();
    Some((low.text(), high.text()))
}

/// `digits` as an integer, times ten to the power of `exponent`.
#[derive(Clone)]
struct Parts {
    is_negative: bool,
    digits: Digits,
    exponent: i64,
    /// Whether there is an exponent in the text.
    is_scientific: bool,
}

impl Parts {
    fn read(text: &str) -> Option<Parts> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, read_exponent(exponent)?),
            None => (text, 0),
        };
        let is_scientific = text.contains(['e', 'E']);
        let mut parts = Parts { is_negative, digits: Digits::new(), exponent, is_scientific };
        let mut is_fraction = false;
        for byte in digits.bytes() {
            match byte {
                b'0'..=b'9' => {
                    parts.digits.push(byte - b'0');
                    parts.exponent -= i64::from(is_fraction);
                }
                b'.' if !is_fraction => is_fraction = true,
                _ => return None,
            }
        }
        (!parts.digits.is_empty()).then_some(parts)
    }

    /// Half a unit of the last digit to each side. R4 says of `1e2` that it is 95 to 105: with an
    /// exponent, one digit counts as two.
    fn implied(mut self) -> (Parts, Parts) {
        if self.is_scientific && self.digits.len() == 1 {
            self.digits.push(0);
            self.exponent -= 1;
        }
        let (near, far) = (self.clone().nearer_zero(), self.clone().farther_from_zero());
        if self.is_negative { (far, near) } else { (near, far) }
    }

    fn text(&self) -> String {
        let sign = if self.is_negative { "-" } else { "" };
        let digits: String = self.digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        format!("{sign}{digits}e{}", self.exponent)
    }

    /// Half a unit of the last digit further from zero.
    fn farther_from_zero(mut self) -> Parts {
        self.digits.push(5);
        self.exponent -= 1;
        self
    }

    /// Half a unit of the last digit nearer to zero; of zero itself, beyond it.
    fn nearer_zero(mut self) -> Parts {
        if self.digits.iter().all(|digit| *digit == 0) {
            self.is_negative = !self.is_negative;
            return self.farther_from_zero();
        }
        for digit in self.digits.iter_mut().rev() {
            if let Some(less) = digit.checked_sub(1) {
                *digit = less;
                break;
            }
            *digit = 9;
        }
        self.farther_from_zero()
    }

    fn key(&self) -> NumberKey {
        let start = self.digits.iter().position(|digit| *digit != 0);
        let Some(start) = start else { return NumberKey(SmallVec::from_slice(&[ZERO])) };
        let end = self.digits.iter().rposition(|digit| *digit != 0).map_or(start, |last| last + 1);
        let count = i64::try_from(self.digits.len() - start).unwrap_or(i64::MAX);
        let turn = if self.is_negative { 0xff } else { 0 };
        let mut key = SmallVec::new();
        key.push(if self.is_negative { NEGATIVE } else { POSITIVE });
        // The sign bit is turned, so that the order of the bytes is that of the powers.
        let power = clamp(self.exponent.saturating_add(count)) ^ i32::MIN;
        key.extend(power.to_be_bytes().map(|byte| byte ^ turn));
        let digits = self.digits.get(start..end).unwrap_or_default();
        for pair in digits.chunks(2) {
            let low = pair.get(1).map_or(0, |digit| digit + 1);
            key.push(((pair.first().map_or(0, |digit| digit + 1) << 4) | low) ^ turn);
        }
        if digits.len() % 2 == 0 {
            key.push(turn);
        }
        NumberKey(key)
    }
}

/// The exponent's digits; one that no number of this world has is as good as the greatest.
fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.trim_start_matches(['+', '-']);
    if digits.is_empty() || text.len() > digits.len() + 1 || !is_digits(digits) {
        return None;
    }
    let most = i64::from(i32::MAX);
    let size = digits.parse::<i64>().map_or(most, |size| size.min(most));
    Some(if text.starts_with('-') { -size } else { size })
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn clamp(power: i64) -> i32 {
    i32::try_from(power).unwrap_or(if power < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::{NumberKey, implied_numbers};

    fn key(text: &str) -> NumberKey {
        NumberKey::of(text).unwrap()
    }

    #[test]
    fn numbers_are_in_order_whatever_their_size() {
        let rising = [
            "-1E400",
            "-1E245",
            "-123.5",
            "-123",
            "-12.34",
            "-12.3",
            "-12",
            "-1.1",
            "-1",
            "-0.12",
            "-0.1",
            "-1E-245",
            "0",
            "1E-400",
            "1E-245",
            "1.5E-245",
            "0.09",
            "0.1",
            "0.100001",
            "1",
            "1.0000000000000000000000000000000000001",
            "9",
            "9.99",
            "10",
            "99",
            "100",
            "1E245",
        ];
        for pair in rising.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn how_a_number_is_written_does_not_matter() {
        for (left, right) in
            [("1", "1.0"), ("100", "1e2"), ("0.00", "-0"), ("1E-245", "0.1e-244"), ("12", "012.00")]
        {
            assert_eq!(key(left), key(right), "{left} = {right}");
        }
        assert_eq!(NumberKey::of_parts(-1500, -3), key("-1.5"));
        assert_eq!(NumberKey::of_parts(0, 7), key("0"));
        for text in ["", "-", "1e", "1e+-2", "a", "1.2.3", "0x1", "."] {
            assert_eq!(NumberKey::of(text), None, "{text}");
        }
    }

    #[test]
    fn the_last_digit_says_how_exact_a_number_is() {
        for (text, low, high) in [
            ("1.50", "1.495", "1.505"),
            ("100", "99.5", "100.5"),
            ("-2", "-2.5", "-1.5"),
            ("0", "-0.5", "0.5"),
            ("0.0", "-0.05", "0.05"),
            ("1E-245", "0.95E-245", "1.05E-245"),
            ("1e2", "95", "105"),
            ("-1e2", "-105", "-95"),
            ("1.0e2", "95", "105"),
            ("12e1", "115", "125"),
            ("1.50e2", "149.5", "150.5"),
            ("1000", "999.5", "1000.5"),
        ] {
            assert_eq!(NumberKey::implied(text), Some((key(low), key(high))), "{text}");
            let numbers = implied_numbers(text).map(|(low, high)| (key(&low), key(&high)));
            assert_eq!(numbers, NumberKey::implied(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_keys_is_the_order_of_numbers(
            left in any::<i64>(), right in any::<i64>(), scales in (0u32..25, 0u32..25),
            near in any::<bool>(),
        ) {
            let right = if near { left.saturating_add(right % 3) } else { right };
            let (left, right) = (Decimal::new(left, scales.0), Decimal::new(right, scales.1));
            let keys = (key(&left.to_string()), key(&right.to_string()));
            prop_assert_eq!(keys.0.cmp(&keys.1), left.cmp(&right));
            let (low, high) = NumberKey::implied(&left.to_string()).unwrap();
            prop_assert!(low < keys.0 && keys.0 < high);
        }

        #[test]
        fn no_key_begins_another(left in "-?[0-9]{1,9}(\\.[0-9]{1,9})?", right in "-?[0-9]{1,9}") {
            let (left, right) = (key(&left), key(&right));
            if left != right {
                prop_assert!(!left.as_bytes().starts_with(right.as_bytes()));
            }
        }
    }
}
