//! <https://ucum.org/ucum>: units of measure, their canonical form, and conversion.
//!
//! The tables and the grammar are octofhir-ucum's; the official functional tests are
//! `tests/fhir/ucum_suite.rs`.
//!
//! Never here: FHIR's elements, the units of the calendar.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use base::limits::{UCUM_UNIT_BYTES, UCUM_UNITS};
use octofhir_ucum::Number;
use rust_decimal::Decimal;

/// A value in base units: of two canonical quantities with equal units the values compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Canonical {
    value: Number,
    unit: String,
}

impl Canonical {
    /// The base units, such as `g.m.s-2`; `1` for none.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// The value where 28 digits hold it.
    #[must_use]
    pub fn value(&self) -> Option<Decimal> {
        to_decimal(self.value)
    }

    /// Which is more; None if they do not measure the same.
    #[must_use]
    pub fn compare(&self, other: &Canonical) -> Option<Ordering> {
        if self.unit != other.unit {
            return None;
        }
        let difference = self.value.checked_sub(other.value)?;
        Some(match (difference.is_zero(), difference.is_negative()) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        })
    }
}

/// Value and unit, as in `1000 g`.
impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit)
    }
}

/// Whether a code is a unit.
#[must_use]
pub fn is_valid(code: &str) -> bool {
    octofhir_ucum::validate(code).is_ok()
}

/// Whether two units measure the same.
#[must_use]
pub fn is_comparable(left: &str, right: &str) -> bool {
    octofhir_ucum::is_comparable(left, right).unwrap_or(false)
}

/// A quantity in base units; None if the unit is not known or not linear (as pH is not).
#[must_use]
pub fn canonical(value: Decimal, code: &str) -> Option<Canonical> {
    let unit = octofhir_ucum::get_canonical_units(code).ok()?;
    let value = to_number(value)?.checked_mul(unit.factor)?.checked_add(unit.offset)?;
    Some(Canonical { value, unit: unit.unit })
}

/// How a unit is told in base units; remembered for as long as the process lives, since reading
/// a unit costs more than everything else that is done with it.
#[derive(Debug)]
pub struct Scale {
    unit: Arc<str>,
    factor: Number,
    offset: Number,
}

impl Scale {
    /// The base units, such as `g.m.s-2`; `1` for none.
    #[must_use]
    pub fn unit(&self) -> &Arc<str> {
        &self.unit
    }

    /// A number's text in base units: an integer and the power of ten that it is times, in 28
    /// significant digits. None if its exponent is beyond measure.
    #[must_use]
    pub fn canonical(&self, number: &str) -> Option<(i128, i32)> {
        let value = Number::parse(number)?.checked_mul(self.factor)?.checked_add(self.offset)?;
        Some(value.to_integer_and_exponent())
    }
}

/// The scale of a unit; None if the unit is not known or not linear.
#[must_use]
pub fn scale(code: &str) -> Option<Arc<Scale>> {
    type Known = RwLock<HashMap<Box<str>, Option<Arc<Scale>>>>;
    static KNOWN: LazyLock<Known> = LazyLock::new(Known::default);
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(scale) = known.get(code) {
        return scale.clone();
    }
    drop(known);
    let unit = octofhir_ucum::get_canonical_units(code).ok();
    let scale = unit.map(|canonical| {
        let (unit, factor, offset) = (canonical.unit.into(), canonical.factor, canonical.offset);
        Arc::new(Scale { unit, factor, offset })
    });
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if is_kept(known.len(), code) {
        known.insert(code.into(), scale.clone());
    }
    scale
}

/// Units come from anybody: what does not fit any more is read each time.
fn is_kept(known: usize, code: &str) -> bool {
    known < UCUM_UNITS && code.len() <= UCUM_UNIT_BYTES
}

/// A value in another unit; None if the units do not measure the same or are not linear.
#[must_use]
pub fn convert(value: Decimal, from: &str, to: &str) -> Option<Decimal> {
    let source = canonical(value, from)?;
    let target = octofhir_ucum::get_canonical_units(to).ok()?;
    if source.unit != target.unit {
        return None;
    }
    to_decimal(source.value.checked_sub(target.offset)?.checked_div(target.factor)?)
}

/// The unit of a product.
#[must_use]
pub fn product(left: &str, right: &str) -> Option<String> {
    match (left, right) {
        ("1", unit) | (unit, "1") => Some(unit.to_owned()),
        _ => known(format!("{}.{}", left, grouped(right))),
    }
}

/// The unit of a quotient.
#[must_use]
pub fn quotient(left: &str, right: &str) -> Option<String> {
    match (left, right) {
        (left, right) if left == right => Some("1".to_owned()),
        (unit, "1") => Some(unit.to_owned()),
        ("1", unit) => known(format!("/{}", grouped(unit))),
        _ => known(format!("{}/{}", left, grouped(right))),
    }
}

fn grouped(unit: &str) -> String {
    if unit.contains(['.', '/']) { format!("({unit})") } else { unit.to_owned() }
}

fn known(unit: String) -> Option<String> {
    is_valid(&unit).then_some(unit)
}

fn to_number(value: Decimal) -> Option<Number> {
    Number::parse(&value.to_string())
}

/// Rounded to 28 digits after the point, which is all that a decimal has.
fn to_decimal(value: Number) -> Option<Decimal> {
    let (mut digits, exponent) = value.to_integer_and_exponent();
    if exponent >= 0 {
        let digits = Decimal::try_from_i128_with_scale(digits, 0).ok()?;
        return (0..exponent).try_fold(digits, |value, _| value.checked_mul(Decimal::TEN));
    }
    let mut scale = exponent.unsigned_abs();
    if let Some(excess) = scale.checked_sub(Decimal::MAX_SCALE).filter(|excess| *excess > 0) {
        let power = 10i128.checked_pow(excess).unwrap_or(i128::MAX);
        digits = digits / power + (digits % power) / (power / 2).max(1);
        scale = Decimal::MAX_SCALE;
    }
    Decimal::try_from_i128_with_scale(digits, scale).ok()
}

/// A unit in words, such as `(meter ^ 3) * (kilogram ^ -1)`.
#[must_use]
pub fn display(code: &str) -> Option<String> {
    octofhir_ucum::display_name(code).ok()
}

#[cfg(test)]
mod tests {
    use base::limits::{UCUM_UNIT_BYTES, UCUM_UNITS};

    use super::{is_kept, scale};

    #[test]
    fn a_unit_is_read_once_and_so_many_are_kept() {
        let first = scale("mg/dL").map(|scale| scale.unit().to_string());
        assert_eq!(first.as_deref(), Some("g.m-3"));
        assert_eq!(scale("mg/dL").map(|scale| scale.unit().to_string()), first);
        assert!(scale("[pH]").is_none() && scale("no unit").is_none());
        let longest = "m".repeat(UCUM_UNIT_BYTES);
        assert!(is_kept(UCUM_UNITS - 1, &longest) && !is_kept(UCUM_UNITS, &longest));
        assert!(!is_kept(0, &(longest + "m")));
    }
}
