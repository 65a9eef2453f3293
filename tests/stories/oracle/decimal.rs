//! <https://hl7.org/fhir/R4/search.html#number>: exact numbers with eighteen digits behind the
//! point, which is more than the data have.

const SCALE: u32 = 18;

/// A number times ten to the power of eighteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decimal(i128);

/// A number as it is written: its value, and the half of a unit of its last digit.
pub(super) struct Written {
    pub(super) value: Decimal,
    pub(super) half: Decimal,
}

impl Decimal {
    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }

    pub(super) fn tenth(self) -> Self {
        Self(self.0.abs() / 10)
    }

    /// Times `factor.0`, over `factor.1`.
    pub(super) fn times(self, factor: (i128, i128)) -> Self {
        Self(self.0 * factor.0 / factor.1)
    }
}

/// `-5.40`, `1e3`, `2E-2`.
pub(super) fn written(text: &str) -> Written {
    let lower = text.to_ascii_lowercase();
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let exponent: i64 = exponent.parse().expect("an exponent");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().expect("digits");
    let last = exponent - fraction.len() as i64;
    let power = u32::try_from(i64::from(SCALE) + last).expect("no more than eighteen digits");
    let unit = 10_i128.pow(power);
    // R4 says of `1e2` that it is 95 to 105: with an exponent, one digit counts as two.
    let one_digit =
        lower.contains('e') && whole.trim_start_matches('-').len() + fraction.len() == 1;
    let half = if one_digit { unit / 20 } else { unit / 2 };
    Written { value: Decimal(digits * unit), half: Decimal(half) }
}

pub(super) fn decimal(text: &str) -> Decimal {
    written(text).value
}

#[test]
fn numbers_are_as_exact_as_they_are_written() {
    assert_eq!(decimal("1.50"), decimal("15e-1"));
    assert_eq!(decimal("-1E2"), decimal("-100"));
    assert_eq!(written("100").half, decimal("0.5"));
    assert_eq!(written("1e2").half, decimal("5"));
    assert_eq!(written("12e1").half, decimal("5"));
    assert_eq!(written("5.40").half, decimal("0.005"));
    assert_eq!(decimal("2").times((254, 10_000)), decimal("0.0508"));
}
