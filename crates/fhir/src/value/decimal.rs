//! <https://hl7.org/fhir/R4/datatypes.html#decimal>: arithmetic where 28 digits are enough.
//!
//! The text of a decimal stays what it was; what is computed from it is here.

use rust_decimal::{Decimal, RoundingStrategy};

/// The exact value of a decimal's text, its trailing zeros kept; None if it has more digits or
/// a larger exponent than arithmetic can hold, as `1E-245` has.
#[must_use]
pub fn decimal(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) {
        return scientific(text);
    }
    Decimal::from_str_exact(text).ok()
}

fn scientific(text: &str) -> Option<Decimal> {
    let (digits, exponent) = text.split_once(['e', 'E'])?;
    let mut value = Decimal::from_str_exact(digits).ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let scale = i32::try_from(value.scale()).ok()?.checked_sub(exponent)?;
    if let Ok(scale) = u32::try_from(scale) {
        value.set_scale(scale).ok()?;
        return Some(value);
    }
    value.set_scale(0).ok()?;
    let power = Decimal::TEN;
    (0..scale.unsigned_abs()).try_fold(value, |value, _| value.checked_mul(power))
}

/// The interval of values that are written like this one: half a unit of its last digit to each
/// side. `1.50` is 1.495 to 1.505.
#[must_use]
pub fn implied_interval(value: Decimal) -> Option<(Decimal, Decimal)> {
    let half = Decimal::try_new(5, value.scale().checked_add(1)?).ok()?;
    Some((value.checked_sub(half)?, value.checked_add(half)?))
}

/// The value with so many digits after the point, halves away from zero.
#[must_use]
pub fn round_to(value: Decimal, digits: u32) -> Decimal {
    value.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
}
