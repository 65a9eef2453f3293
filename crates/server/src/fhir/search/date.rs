//! <https://hl7.org/fhir/R4/search.html#date>: a date is the interval it could mean.

use base::{TICKS_PER_SECOND, Timestamp};
use fhir::value::Zone;
use store::{Comparison, Test};

use super::number;
use crate::edge::config::{Compatibility, ServiceSettings};

/// How a service reads dates that are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dates {
    /// Where a time is told that does not say it.
    pub(crate) zone: Zone,
    /// Azure's way: a date equals what it overlaps.
    pub(crate) overlap: bool,
}

impl Dates {
    pub(crate) fn of(settings: &ServiceSettings) -> Self {
        let overlap = settings.compatibility == Compatibility::Azure;
        Self { zone: settings.time_zone, overlap }
    }
}

/// From here on (inclusive) up to there (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interval {
    pub(crate) from: i64,
    pub(crate) before: i64,
}

/// How a searched date relates to the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

const PREFIXES: [(&str, Prefix); 9] = [
    ("eq", Prefix::Eq),
    ("ne", Prefix::Ne),
    ("gt", Prefix::Gt),
    ("lt", Prefix::Lt),
    ("ge", Prefix::Ge),
    ("le", Prefix::Le),
    ("sa", Prefix::Sa),
    ("eb", Prefix::Eb),
    ("ap", Prefix::Ap),
];

const EVER: Interval = Interval { from: i64::MIN, before: i64::MAX };

/// The moments that a searched value such as `ge2026-11` matches, as one or two intervals; the
/// stored moment is an instant. The error says what is wrong with the value.
pub(crate) fn matched(
    value: &str,
    (now, zone): (Timestamp, Zone),
) -> Result<Vec<Interval>, String> {
    let known = PREFIXES
        .iter()
        .find_map(|(text, prefix)| value.strip_prefix(text).map(|date| (*prefix, date)));
    let (prefix, date) = known.unwrap_or((Prefix::Eq, value));
    let Interval { from, before } = interval_in(date, zone)?;
    let earlier = Interval { before: from, ..EVER };
    let later = Interval { from: before, ..EVER };
    Ok(match prefix {
        Prefix::Eq => vec![Interval { from, before }],
        Prefix::Ne => vec![earlier, later],
        Prefix::Gt | Prefix::Sa => vec![later],
        Prefix::Lt | Prefix::Eb => vec![earlier],
        Prefix::Ge => vec![Interval { from, ..EVER }],
        Prefix::Le => vec![Interval { before, ..EVER }],
        Prefix::Ap => vec![around(Interval { from, before }, now)],
    })
}

/// What is asked of a stored date, which is an interval itself.
pub(crate) fn test(value: &str, (now, dates): (Timestamp, Dates)) -> Result<Test, String> {
    let (comparison, date) = number::prefix(value);
    let found = interval_in(date, dates.zone)?;
    let (comparison, Interval { from, before }) = match comparison {
        Comparison::Overlaps => (comparison, around(found, now)),
        Comparison::Equal if dates.overlap => (Comparison::Overlaps, found),
        _ => (comparison, found),
    };
    Ok(Test::Date { comparison, low: from, high: before })
}

/// R4: 10 % of the gap between now and the date, either way.
fn around(date: Interval, now: Timestamp) -> Interval {
    let gap = if now.ticks() < date.from {
        date.from - now.ticks()
    } else {
        (now.ticks() - date.before).max(0)
    };
    Interval { from: date.from - gap / 10, before: date.before + gap / 10 }
}

/// The interval of a date or dateTime of any precision; a time without a zone is read as UTC.
pub(crate) fn interval(text: &str) -> Result<Interval, String> {
    interval_in(text, Zone::UTC)
}

/// The same where a time without a zone is read in this one.
pub(crate) fn interval_in(text: &str, zone: Zone) -> Result<Interval, String> {
    parse(text, zone).ok_or_else(|| {
        format!(
            "'{text}' is not a date. Write it as 2026, 2026-11, 2026-11-24 or \
             2026-11-24T14:58:54.123+01:00"
        )
    })
}

fn parse(text: &str, zone: Zone) -> Option<Interval> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.splitn(3, '-');
    let year = digits(parts.next()?, 4).filter(|year| *year > 0)?;
    let (month, day) = (parts.next(), parts.next());
    let Some(month) = month else {
        let days = |year| days_before_month(year, 1);
        return time.is_none().then(|| whole_days(days(year), days(year + 1)));
    };
    let month = digits(month, 2).filter(|month| (1..=12).contains(month))?;
    let first = days_before_month(year, month);
    let next = if month == 12 {
        days_before_month(year + 1, 1)
    } else {
        days_before_month(year, month + 1)
    };
    let Some(day) = day else {
        return time.is_none().then(|| whole_days(first, next));
    };
    let day = digits(day, 2).filter(|day| *day >= 1 && first + day <= next)?;
    let start = first + day - 1;
    match time {
        None => Some(whole_days(start, start + 1)),
        Some(time) => time_of_day(start * 86_400, time, zone),
    }
}

fn whole_days(first: i64, end: i64) -> Interval {
    let ticks = |days: i64| days * 86_400 * TICKS_PER_SECOND;
    Interval { from: ticks(first), before: ticks(end) }
}

/// `hh:mm[:ss[.fff]][zone]` on the day that begins at `midnight`, in seconds since the year 1.
fn time_of_day(midnight: i64, time: &str, otherwise: Zone) -> Option<Interval> {
    let (time, offset) = zone(time, otherwise)?;
    let mut parts = time.splitn(3, ':');
    let hour = digits(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = digits(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let minute_start = midnight + hour * 3_600 + minute * 60 - offset;
    let Some(seconds) = parts.next() else {
        let from = minute_start * TICKS_PER_SECOND;
        return Some(Interval { from, before: from + 60 * TICKS_PER_SECOND });
    };
    let (second, fraction) = match seconds.split_once('.') {
        Some((second, fraction)) => (second, Some(fraction)),
        None => (seconds, None),
    };
    // A leap second is a second.
    let second = digits(second, 2).filter(|second| *second <= 60)?;
    let start = (minute_start + second) * TICKS_PER_SECOND;
    let (offset, width) = match fraction {
        None => (0, TICKS_PER_SECOND),
        Some(fraction) => fraction_ticks(fraction)?,
    };
    Some(Interval { from: start + offset, before: start + offset + width })
}

/// Where in the second the digits begin, and how wide the interval is that they leave open: at
/// least one tick.
fn fraction_ticks(fraction: &str) -> Option<(i64, i64)> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (mut offset, mut width) = (0, TICKS_PER_SECOND);
    for digit in fraction.bytes().take(7) {
        width /= 10;
        offset += i64::from(digit - b'0') * width;
    }
    Some((offset, width))
}

/// The time without its zone, and the zone in seconds east of Greenwich. A plus sign that was not
/// percent-encoded in a URL arrives as a space.
fn zone(time: &str, otherwise: Zone) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0));
    }
    let Some(at) = time.find(['+', '-', ' ']) else {
        return Some((time, i64::from(otherwise.0) * 60));
    };
    let (time, zone) = time.split_at_checked(at)?;
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let hours = digits(hours, 2).filter(|hours| *hours <= 14)?;
    let minutes = digits(minutes, 2).filter(|minutes| *minutes < 60)?;
    Some((time, sign * (hours * 3_600 + minutes * 60)))
}

fn digits(text: &str, width: usize) -> Option<i64> {
    let plain = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Days from 0001-01-01 to the first of a month.
fn days_before_month(year: i64, month: i64) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let years = year - 1;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let months = usize::try_from(month - 1).ok().and_then(|month| BEFORE.get(month)).copied();
    let leap_day = i64::from(leap && month > 2);
    years * 365 + years / 4 - years / 100 + years / 400 + months.unwrap_or(0) + leap_day
}

/// The union of intervals: sorted, with no two that touch.
pub(crate) fn union(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.retain(|interval| interval.from < interval.before);
    intervals.sort_unstable();
    let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
    for next in intervals {
        match merged.last_mut() {
            Some(last) if next.from <= last.before => last.before = last.before.max(next.before),
            _ => merged.push(next),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(interval: Interval) -> String {
        let bound = |ticks: i64| match ticks {
            i64::MIN | i64::MAX => "*".to_owned(),
            ticks => Timestamp::from_ticks(ticks).to_string().replace(".000000Z", "Z"),
        };
        format!("{} .. {}", bound(interval.from), bound(interval.before))
    }

    fn check(value: &str, expected: &str) {
        let found = interval(value).map_or_else(|_| "error".to_owned(), text);
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn a_date_is_the_interval_it_could_mean() {
        check("2020", "2020-01-01T00:00:00Z .. 2021-01-01T00:00:00Z");
        check("2020-02", "2020-02-01T00:00:00Z .. 2020-03-01T00:00:00Z");
        check("2020-12", "2020-12-01T00:00:00Z .. 2021-01-01T00:00:00Z");
        check("2020-02-29", "2020-02-29T00:00:00Z .. 2020-03-01T00:00:00Z");
        check("1970-01-01", "1970-01-01T00:00:00Z .. 1970-01-02T00:00:00Z");
        check("2020-01-01T10:30", "2020-01-01T10:30:00Z .. 2020-01-01T10:31:00Z");
        check("2020-01-01T10:30:15", "2020-01-01T10:30:15Z .. 2020-01-01T10:30:16Z");
        check("2020-01-01T10:30:15Z", "2020-01-01T10:30:15Z .. 2020-01-01T10:30:16Z");
        check("2020-01-01T10:30:15+02:00", "2020-01-01T08:30:15Z .. 2020-01-01T08:30:16Z");
        check("2020-01-01T10:30:15 02:00", "2020-01-01T08:30:15Z .. 2020-01-01T08:30:16Z");
        check("2020-01-01T10:30:15-05:30", "2020-01-01T16:00:15Z .. 2020-01-01T16:00:16Z");
        check(
            "2020-01-01T10:30:15.5Z",
            "2020-01-01T10:30:15.500000Z .. 2020-01-01T10:30:15.600000Z",
        );
        check(
            "2020-01-01T10:30:15.123456Z",
            "2020-01-01T10:30:15.123456Z .. 2020-01-01T10:30:15.123457Z",
        );
        check("2020-02-29T23:59:60Z", "2020-03-01T00:00:00Z .. 2020-03-01T00:00:01Z");
    }

    #[test]
    fn what_is_no_date_is_an_error() {
        let wrong = [
            "",
            "yesterday",
            "20",
            "02020",
            "2019-02-29",
            "2020-13",
            "2020-00",
            "2020-1-1",
            "0000",
            "2020T10:00",
            "2020-01-01T",
            "2020-01-01T25:00",
            "2020-01-01T10",
            "2020-01-01T10:61",
            "2020-01-01T10:30:61",
            "2020-01-01T10:30:15.",
            "2020-01-01T10:30:15.x",
            "2020-01-01 10:30",
            "2020-01-01T10:30+15:00",
            "2020-01-01T10:30+1",
            "+2020",
            "２０２０",
        ];
        for value in wrong {
            check(value, "error");
        }
    }

    #[test]
    fn prefixes_compare_an_instant_with_the_interval() {
        // Now is 2021-01-01: the gap to the end of November 2020 is 31 days, a tenth of it 3 days
        // and 2:24.
        let now = Timestamp::from_ticks(interval("2021-01-01").map_or(0, |interval| interval.from));
        let rows = [
            ("2020-11", "2020-11-01T00:00:00Z .. 2020-12-01T00:00:00Z"),
            ("eq2020-11", "2020-11-01T00:00:00Z .. 2020-12-01T00:00:00Z"),
            ("ne2020-11", "* .. 2020-11-01T00:00:00Z, 2020-12-01T00:00:00Z .. *"),
            ("gt2020-11", "2020-12-01T00:00:00Z .. *"),
            ("sa2020-11", "2020-12-01T00:00:00Z .. *"),
            ("lt2020-11", "* .. 2020-11-01T00:00:00Z"),
            ("eb2020-11", "* .. 2020-11-01T00:00:00Z"),
            ("ge2020-11", "2020-11-01T00:00:00Z .. *"),
            ("le2020-11", "* .. 2020-12-01T00:00:00Z"),
            ("ap2020-11", "2020-10-28T21:36:00Z .. 2020-12-04T02:24:00Z"),
        ];
        for (value, expected) in rows {
            let found = matched(value, (now, Zone::UTC))
                .map(|all| all.into_iter().map(text).collect::<Vec<_>>().join(", "));
            assert_eq!(found.as_deref(), Ok(expected), "{value}");
        }
        assert!(matched("xx2020", (now, Zone::UTC)).is_err());
    }

    #[test]
    fn a_time_without_a_zone_is_told_in_that_of_the_service() {
        for (value, expected) in [
            ("2020-01-01T10:30", "2020-01-01T08:30:00Z .. 2020-01-01T08:31:00Z"),
            ("2020-01-01T10:30:00Z", "2020-01-01T10:30:00Z .. 2020-01-01T10:30:01Z"),
            ("2020-01-01T10:30:00-01:00", "2020-01-01T11:30:00Z .. 2020-01-01T11:30:01Z"),
            // A day is one wherever it is: stored days have no zone either.
            ("2020-01-01", "2020-01-01T00:00:00Z .. 2020-01-02T00:00:00Z"),
        ] {
            assert_eq!(interval_in(value, Zone(120)).map(text).as_deref(), Ok(expected), "{value}");
        }
    }

    #[test]
    fn azures_equality_is_an_overlap_and_other_prefixes_stay() {
        let now = Timestamp::from_ticks(0);
        for (value, r4, azure) in [
            ("2020", Comparison::Equal, Comparison::Overlaps),
            ("eq2020", Comparison::Equal, Comparison::Overlaps),
            ("ne2020", Comparison::NotEqual, Comparison::NotEqual),
            ("ge2020", Comparison::GreaterOrEqual, Comparison::GreaterOrEqual),
        ] {
            for (overlap, expected) in [(false, r4), (true, azure)] {
                let found = test(value, (now, Dates { zone: Zone::UTC, overlap }));
                let Interval { from, before } = interval("2020").expect("a year");
                let test = Test::Date { comparison: expected, low: from, high: before };
                assert_eq!(found, Ok(test), "{value} {overlap}");
            }
        }
    }

    #[test]
    fn intervals_that_touch_become_one() {
        let span = |from, before| Interval { from, before };
        let merged = union(vec![span(5, 7), span(1, 3), span(3, 4), span(6, 9), span(2, 2)]);
        assert_eq!(merged, vec![span(1, 4), span(5, 9)]);
    }
}
