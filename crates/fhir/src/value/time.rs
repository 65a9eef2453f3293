//! <https://hl7.org/fhir/R4/datatypes.html#time>

use std::cmp::Ordering;
use std::fmt;

use super::calendar::{HOUR, MINUTE, SECOND, TICK_NANOSECONDS};
use super::moment::{Precision, compare_intervals};
use super::read::{Malformed, Reader};

/// A time of the day, without a zone, as precise as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    /// 60 in a leap second.
    pub(crate) second: u8,
    pub(crate) nanosecond: u32,
    pub(crate) precision: Precision,
}

impl Time {
    pub(crate) const MIDNIGHT: Time =
        Time { hour: 0, minute: 0, second: 0, nanosecond: 0, precision: Precision::Hour };

    /// Reads a FHIR time: hours, minutes and seconds.
    ///
    /// # Errors
    /// Where the text stops being a time, and why.
    pub fn parse(text: &str) -> Result<Time, Malformed> {
        let time = Self::parse_partial(text)?;
        match time.precision {
            Precision::Second | Precision::Fraction(_) => Ok(time),
            _ => Err(Malformed::new(text.len(), "a time has hours, minutes and seconds")),
        }
    }

    /// Reads a FHIRPath time, which may end after hours or minutes.
    ///
    /// # Errors
    /// Where the text stops being a time, and why.
    pub fn parse_partial(text: &str) -> Result<Time, Malformed> {
        let mut reader = Reader::new(text);
        let time = Self::read(&mut reader)?;
        reader.end("expected the end: a time has no zone")?;
        Ok(time)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Time, Malformed> {
        let mut time = Time { hour: reader.two(23, "an hour")?, ..Time::MIDNIGHT };
        if reader.take(b':') {
            time.minute = reader.two(59, "a minute")?;
            time.precision = Precision::Minute;
        }
        if time.precision == Precision::Minute && reader.take(b':') {
            time.second = reader.two(60, "a second")?;
            time.precision = Precision::Second;
        }
        if time.precision == Precision::Second && reader.take(b'.') {
            let (nanosecond, digits) = reader.fraction()?;
            time.nanosecond = nanosecond;
            time.precision = Precision::Fraction(digits);
        }
        Ok(time)
    }

    /// How precise it is.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Ticks since midnight, from the first that it can mean to the one after the last. A leap
    /// second, for which ticks have no room, is the last tick of its minute.
    #[must_use]
    pub fn interval(&self) -> (i64, i64) {
        let start = i64::from(self.hour) * HOUR + i64::from(self.minute) * MINUTE;
        if self.second == 60 {
            return (start + MINUTE - 1, start + MINUTE);
        }
        let ticks = i64::from(self.nanosecond / TICK_NANOSECONDS);
        let start = start + i64::from(self.second) * SECOND + ticks;
        (start, start + self.precision.ticks().unwrap_or(HOUR))
    }

    /// Which is earlier; None where that depends on digits that were not given.
    #[must_use]
    pub fn compare(&self, other: &Time) -> Option<Ordering> {
        compare_intervals(self.decided(), other.decided())
    }

    /// The interval, where seconds with and without a fraction are equally precise.
    fn decided(&self) -> (i64, i64) {
        let (low, high) = self.interval();
        if self.precision >= Precision::Second { (low, low + 1) } else { (low, high) }
    }

    /// The time that is `ticks` later, past midnight if need be, with the same precision.
    #[must_use]
    pub fn plus(&self, ticks: i64) -> Time {
        let at = (self.interval().0 + ticks).rem_euclid(24 * HOUR);
        Time::at(at, self.precision)
    }

    /// The time some ticks after midnight; at most a day's.
    pub(crate) fn at(ticks: i64, precision: Precision) -> Time {
        let small = |number: i64| u8::try_from(number).unwrap_or_default();
        let nanosecond = ticks % SECOND * i64::from(TICK_NANOSECONDS);
        Time {
            hour: small(ticks / HOUR),
            minute: small(ticks % HOUR / MINUTE),
            second: small(ticks % MINUTE / SECOND),
            nanosecond: u32::try_from(nanosecond).unwrap_or_default(),
            precision,
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.hour)?;
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
        }
        if let Precision::Fraction(digits) = self.precision {
            let shown = self.nanosecond / 10u32.pow(9 - u32::from(digits.min(9)));
            write!(f, ".{shown:0width$}", width = usize::from(digits))?;
        }
        Ok(())
    }
}
