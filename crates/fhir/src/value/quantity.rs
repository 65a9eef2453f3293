//! <https://hl7.org/fhirpath/N1/#quantity>

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::calendar::{DAY, HOUR, MINUTE, SECOND};
use crate::ucum;

/// A duration of the calendar, as in `3 days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the unit it is named for")]
pub enum CalendarUnit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

impl CalendarUnit {
    const ALL: [(CalendarUnit, &'static str, &'static str, &'static str); 8] = [
        (CalendarUnit::Year, "year", "years", "a"),
        (CalendarUnit::Month, "month", "months", "mo"),
        (CalendarUnit::Week, "week", "weeks", "wk"),
        (CalendarUnit::Day, "day", "days", "d"),
        (CalendarUnit::Hour, "hour", "hours", "h"),
        (CalendarUnit::Minute, "minute", "minutes", "min"),
        (CalendarUnit::Second, "second", "seconds", "s"),
        (CalendarUnit::Millisecond, "millisecond", "milliseconds", "ms"),
    ];

    /// The unit of a keyword, singular or plural.
    #[must_use]
    pub fn named(word: &str) -> Option<CalendarUnit> {
        Self::ALL.iter().find(|row| row.1 == word || row.2 == word).map(|row| row.0)
    }

    /// The calendar's unit that is exactly as long as a unit of UCUM: all but year and month.
    #[must_use]
    pub fn of_ucum(code: &str) -> Option<CalendarUnit> {
        let unit = Self::ALL.iter().find(|row| row.3 == code)?.0;
        unit.is_definite().then_some(unit)
    }

    fn row(self) -> (CalendarUnit, &'static str, &'static str, &'static str) {
        Self::ALL.into_iter().find(|row| row.0 == self).unwrap_or(Self::ALL[0])
    }

    /// The singular keyword.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// UCUM's unit of about or exactly this length.
    #[must_use]
    pub fn ucum(self) -> &'static str {
        self.row().3
    }

    /// Whether all of them are equally long.
    #[must_use]
    pub fn is_definite(self) -> bool {
        !matches!(self, CalendarUnit::Year | CalendarUnit::Month)
    }

    /// Ticks of 100 ns, a year taken as 365 and a month as 30 days.
    #[must_use]
    pub fn ticks(self) -> i64 {
        match self {
            CalendarUnit::Year => 365 * DAY,
            CalendarUnit::Month => 30 * DAY,
            CalendarUnit::Week => 7 * DAY,
            CalendarUnit::Day => DAY,
            CalendarUnit::Hour => HOUR,
            CalendarUnit::Minute => MINUTE,
            CalendarUnit::Second => SECOND,
            CalendarUnit::Millisecond => SECOND / 1_000,
        }
    }
}

/// The unit of a quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A keyword of the calendar.
    Calendar(CalendarUnit),
    /// A code of UCUM; `1` for none.
    Ucum(Arc<str>),
}

impl Unit {
    /// No unit: UCUM's `1`.
    #[must_use]
    pub fn one() -> Unit {
        Unit::Ucum(Arc::from("1"))
    }

    /// The code with which quantities are converted; None for years and months.
    fn definite(&self) -> Option<&str> {
        match self {
            Unit::Calendar(unit) => unit.is_definite().then(|| unit.ucum()),
            Unit::Ucum(code) => Some(code),
        }
    }

    /// The code in UCUM, where a year is `a` and a month `mo`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Unit::Calendar(unit) => unit.ucum(),
            Unit::Ucum(code) => code,
        }
    }
}

/// A number with a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// How many.
    pub value: Decimal,
    /// Of what.
    pub unit: Unit,
}

impl Quantity {
    /// Whether the units measure the same: a calendar's years and months only each other.
    #[must_use]
    pub fn is_comparable(&self, other: &Quantity) -> bool {
        match (self.months(), other.months()) {
            (Some(_), Some(_)) => true,
            (None, None) => self.unit == other.unit || self.ucum_comparable(other),
            _ => false,
        }
    }

    fn ucum_comparable(&self, other: &Quantity) -> bool {
        match (self.unit.definite(), other.unit.definite()) {
            (Some(left), Some(right)) => ucum::is_comparable(left, right),
            _ => false,
        }
    }

    fn months(&self) -> Option<Decimal> {
        match self.unit {
            Unit::Calendar(CalendarUnit::Year) => self.value.checked_mul(Decimal::from(12)),
            Unit::Calendar(CalendarUnit::Month) => Some(self.value),
            _ => None,
        }
    }

    /// Which is more; None if the units do not measure the same.
    #[must_use]
    pub fn compare(&self, other: &Quantity) -> Option<Ordering> {
        if self.unit == other.unit {
            return Some(self.value.cmp(&other.value));
        }
        match (self.months(), other.months()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            (None, None) => {
                let left = ucum::canonical(self.value, self.unit.definite()?)?;
                let right = ucum::canonical(other.value, other.unit.definite()?)?;
                left.compare(&right)
            }
            _ => None,
        }
    }

    /// This quantity's value in the unit of another.
    #[must_use]
    pub fn value_in(&self, unit: &Unit) -> Option<Decimal> {
        if self.unit == *unit {
            return Some(self.value);
        }
        ucum::convert(self.value, self.unit.code(), unit.code())
    }
}

/// As FHIRPath writes it: `4 days`, `4 'mg'`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Calendar(unit) if self.value == Decimal::ONE => {
                write!(f, "{} {}", self.value, unit.word())
            }
            Unit::Calendar(unit) => write!(f, "{} {}s", self.value, unit.word()),
            Unit::Ucum(code) => write!(f, "{} '{code}'", self.value),
        }
    }
}
