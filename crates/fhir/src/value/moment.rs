//! <https://hl7.org/fhir/R4/datatypes.html#dateTime>

use std::cmp::Ordering;
use std::fmt;

use super::calendar::{DAY, HOUR, MINUTE, MONTHS, SECOND, date_of, day_number, days_in_month};
use super::quantity::CalendarUnit;
use super::read::{Malformed, Reader};
use super::time::Time;

/// How precise a moment or time is. Coarse is less than fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the unit it is named for")]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// Digits of the fraction of a second, 1 to 9.
    Fraction(u8),
}

impl Precision {
    /// Ticks of a unit of it; None for years and months, which differ. A fraction finer than a
    /// tick is a tick.
    #[must_use]
    pub fn ticks(self) -> Option<i64> {
        match self {
            Precision::Year | Precision::Month => None,
            Precision::Day => Some(DAY),
            Precision::Hour => Some(HOUR),
            Precision::Minute => Some(MINUTE),
            Precision::Second => Some(SECOND),
            Precision::Fraction(digits) => Some((SECOND / 10i64.pow(u32::from(digits))).max(1)),
        }
    }
}

/// A zone: minutes east of Greenwich.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(pub i16);

impl Zone {
    /// `Z`
    pub const UTC: Zone = Zone(0);
    /// The zones that a moment without one can be in.
    const EXTREMES: (i64, i64) = (-12 * 60, 14 * 60);

    fn read(reader: &mut Reader<'_>) -> Result<Option<Zone>, Malformed> {
        let sign = match reader.peek() {
            Some(b'Z') => {
                reader.at += 1;
                return Ok(Some(Zone::UTC));
            }
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Ok(None),
        };
        reader.at += 1;
        let at = reader.at;
        let hours = i16::from(reader.two(14, "the hours of a zone")?);
        reader.expect(b':', "expected the ':' of a zone such as +02:00")?;
        let minutes = i16::from(reader.two(59, "the minutes of a zone")?);
        if hours * 60 + minutes > 14 * 60 {
            return Err(Malformed::new(at, "a zone is at most 14:00 from UTC"));
        }
        Ok(Some(Zone(sign * (hours * 60 + minutes))))
    }
}

/// `Z` for UTC, else `+hh:mm` or `-hh:mm`.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("Z"),
            minutes => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

/// A date, dateTime or instant as it was written: an interval, of which the zone may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) time: Time,
    pub(crate) zone: Option<Zone>,
    pub(crate) precision: Precision,
}

impl Moment {
    /// Reads a FHIR date: a year, month or day.
    ///
    /// # Errors
    /// Where the text stops being a date, and why.
    pub fn parse_date(text: &str) -> Result<Moment, Malformed> {
        let mut reader = Reader::new(text);
        let moment = Self::read_date(&mut reader)?;
        reader.end("expected the end of the date")?;
        Ok(moment)
    }

    /// Reads a FHIR dateTime: a date, or a day with hours, minutes, seconds and a zone.
    ///
    /// # Errors
    /// Where the text stops being a dateTime, and why.
    pub fn parse_date_time(text: &str) -> Result<Moment, Malformed> {
        let moment = Self::parse_partial(text)?;
        if moment.precision <= Precision::Day {
            return Ok(moment);
        }
        if moment.precision < Precision::Second {
            return Err(Malformed::new(text.len(), "a time has hours, minutes and seconds"));
        }
        if moment.zone.is_none() {
            return Err(Malformed::new(text.len(), "expected a zone: Z, or one such as +02:00"));
        }
        Ok(moment)
    }

    /// Reads a FHIR instant: a day with hours, minutes, seconds and a zone.
    ///
    /// # Errors
    /// Where the text stops being an instant, and why.
    pub fn parse_instant(text: &str) -> Result<Moment, Malformed> {
        let moment = Self::parse_date_time(text)?;
        if moment.precision < Precision::Second {
            return Err(Malformed::new(text.len(), "an instant has a time: expected 'T'"));
        }
        Ok(moment)
    }

    /// Reads a dateTime of any precision, as FHIRPath and searches have them: it may end after
    /// hours or minutes, and lack the zone.
    ///
    /// # Errors
    /// Where the text stops being a dateTime, and why.
    pub fn parse_partial(text: &str) -> Result<Moment, Malformed> {
        let mut reader = Reader::new(text);
        let mut moment = Self::read_date(&mut reader)?;
        if moment.precision == Precision::Day && reader.take(b'T') && !reader.is_done() {
            moment.time = Time::read(&mut reader)?;
            moment.precision = moment.time.precision;
            moment.zone = Zone::read(&mut reader)?;
        } else {
            reader.take(b'T');
        }
        reader.end("expected the end of the dateTime")?;
        Ok(moment)
    }

    fn read_date(reader: &mut Reader<'_>) -> Result<Moment, Malformed> {
        let year = reader.digits(4, "a year")?;
        if year == 0 {
            return Err(Malformed::new(0, "years begin with 0001"));
        }
        let mut moment = Moment {
            year,
            month: 1,
            day: 1,
            time: Time::MIDNIGHT,
            zone: None,
            precision: Precision::Year,
        };
        if !reader.take(b'-') {
            return Ok(moment);
        }
        moment.month = reader.two(12, "a month")?;
        moment.precision = Precision::Month;
        if moment.month == 0 {
            return Err(Malformed::new(reader.at - 2, "months begin with 01"));
        }
        if reader.take(b'-') {
            moment.day = reader.two(99, "a day")?;
            moment.precision = Precision::Day;
            moment.check_day(reader.at - 2)?;
        }
        Ok(moment)
    }

    fn check_day(&self, at: usize) -> Result<(), Malformed> {
        let most = days_in_month(self.year, self.month);
        if (1..=most).contains(&self.day) {
            return Ok(());
        }
        let month = MONTHS.get(usize::from(self.month) - 1).unwrap_or(&"");
        Err(Malformed::new(at, format!("{month} {} has {most} days", self.year)))
    }

    /// The moment some ticks after the beginning of year 1, as seen in `zone`; None outside the
    /// years 1 to 9999.
    #[must_use]
    pub fn at(ticks: i64, zone: Option<Zone>, precision: Precision) -> Option<Moment> {
        let local = ticks + zone.map_or(0, |zone| i64::from(zone.0) * MINUTE);
        let (year, month, day) = date_of(local.div_euclid(DAY))?;
        let time = Time::at(local.rem_euclid(DAY), precision);
        let mut moment = Moment { year, month, day, time, zone, precision };
        moment.cut();
        Some(moment)
    }

    /// Forgets what is finer than the precision.
    fn cut(&mut self) {
        let precision = self.precision;
        if precision < Precision::Month {
            self.month = 1;
        }
        if precision < Precision::Day {
            self.day = 1;
        }
        if precision < Precision::Hour {
            (self.time, self.zone) = (Time::MIDNIGHT, None);
            return;
        }
        if let Some(unit) = precision.ticks() {
            let low = self.time.interval().0;
            let second = self.time.second;
            self.time = Time::at(low - low % unit, precision);
            if second == 60 && precision >= Precision::Second {
                self.time.second = 60;
            }
        }
    }

    /// The same moment, less precise.
    #[must_use]
    pub fn to_precision(mut self, precision: Precision) -> Moment {
        self.precision = self.precision.min(precision);
        self.time.precision = self.precision;
        self.cut();
        self
    }

    /// How precise it is.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The zone it was written with.
    #[must_use]
    pub fn zone(&self) -> Option<Zone> {
        self.zone
    }

    /// Ticks since the beginning of year 1, UTC: from the first that it can mean to the one
    /// after the last. `zone` is the zone of a moment that has none.
    #[must_use]
    pub fn interval(&self, zone: Zone) -> (i64, i64) {
        let offset = i64::from(self.zone.unwrap_or(zone).0) * MINUTE;
        let start = day_number(self.year, self.month, self.day) * DAY - offset;
        match self.precision {
            Precision::Year => (start, day_number(self.year + 1, 1, 1) * DAY - offset),
            Precision::Month => {
                let days = i64::from(days_in_month(self.year, self.month));
                (start, start + days * DAY)
            }
            Precision::Day => (start, start + DAY),
            _ => {
                let (low, high) = self.time.interval();
                (start + low, start + high)
            }
        }
    }

    /// Which is earlier; None where that depends on digits or a zone that were not given.
    #[must_use]
    pub fn compare(&self, other: &Moment) -> Option<Ordering> {
        match (self.zone, other.zone) {
            (None, Some(_)) if self.precision > Precision::Day => {
                compare_intervals(self.in_any_zone(), other.decided())
            }
            (Some(_), None) if other.precision > Precision::Day => {
                compare_intervals(self.decided(), other.in_any_zone())
            }
            (None, Some(_)) => compare_intervals(self.decided(), other.in_no_zone().decided()),
            (Some(_), None) => compare_intervals(self.in_no_zone().decided(), other.decided()),
            _ => compare_intervals(self.decided(), other.decided()),
        }
    }

    fn in_no_zone(mut self) -> Moment {
        self.zone = None;
        self
    }

    /// The interval, where seconds with and without a fraction are equally precise.
    fn decided(&self) -> (i64, i64) {
        let (low, high) = self.interval(Zone::UTC);
        if self.precision >= Precision::Second { (low, low + 1) } else { (low, high) }
    }

    fn in_any_zone(&self) -> (i64, i64) {
        let (low, high) = self.decided();
        let (west, east) = Zone::EXTREMES;
        (low - east * MINUTE, high - west * MINUTE)
    }

    /// The moment `amount` units later, as precise as this one; None outside the years 1 to
    /// 9999. Of a unit finer than the precision only whole units of the precision count.
    #[must_use]
    pub fn plus(&self, amount: i64, unit: CalendarUnit) -> Option<Moment> {
        match (unit, self.precision) {
            (CalendarUnit::Year, _) => self.plus_months(amount.checked_mul(12)?),
            (CalendarUnit::Month, Precision::Year) => self.plus_months(amount / 12 * 12),
            (CalendarUnit::Month, _) => self.plus_months(amount),
            (_, precision) => {
                let ticks = amount.checked_mul(unit.ticks())?;
                match precision {
                    Precision::Year => self.plus_months((ticks / (365 * DAY)).checked_mul(12)?),
                    Precision::Month => self.plus_months(ticks / (30 * DAY)),
                    _ => self.plus_ticks(ticks),
                }
            }
        }
    }

    /// The moment some ticks later, whole units of its precision; None outside the years 1 to
    /// 9999.
    fn plus_ticks(&self, ticks: i64) -> Option<Moment> {
        let unit = self.precision.ticks()?.min(DAY);
        let low = self.interval(Zone::UTC).0;
        Moment::at(low.checked_add(ticks - ticks % unit)?, self.zone, self.precision)
    }

    fn plus_months(&self, months: i64) -> Option<Moment> {
        let all = i64::from(self.year) * 12 + i64::from(self.month) - 1;
        let all = all.checked_add(months)?;
        let year = u16::try_from(all.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year));
        let month = u8::try_from(all.rem_euclid(12) + 1).ok()?;
        let mut later = *self;
        later.year = year?;
        later.month = month;
        later.day = later.day.min(days_in_month(later.year, month));
        Some(later)
    }
}

/// How two intervals lie; equal only if they are the same, None if they overlap otherwise.
pub(crate) fn compare_intervals(left: (i64, i64), right: (i64, i64)) -> Option<Ordering> {
    if left == right {
        Some(Ordering::Equal)
    } else if left.1 <= right.0 {
        Some(Ordering::Less)
    } else if right.1 <= left.0 {
        Some(Ordering::Greater)
    } else {
        None
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if self.precision >= Precision::Month {
            write!(f, "-{:02}", self.month)?;
        }
        if self.precision >= Precision::Day {
            write!(f, "-{:02}", self.day)?;
        }
        if self.precision >= Precision::Hour {
            write!(f, "T{}", self.time)?;
        }
        match self.zone {
            Some(zone) => write!(f, "{zone}"),
            None => Ok(()),
        }
    }
}
