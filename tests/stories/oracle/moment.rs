//! <https://hl7.org/fhir/R4/search.html#date>: a date is the interval that it leaves open, in ticks
//! of 100 ns since 1970.

/// From the first tick to before the second.
pub(super) type Span = (i64, i64);

pub(super) const PAST: i64 = i64::MIN;
pub(super) const FUTURE: i64 = i64::MAX;
const SECOND: i64 = 10_000_000;

/// `2020`, `2020-02`, `2020-02-29`, `2020-02-29T10:00`, with seconds, fractions and a zone.
pub(super) fn span(text: &str) -> Span {
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let mut parts = date.split('-').map(|part| part.parse::<i64>().expect("a number"));
    let year = parts.next().expect("a year");
    let Some(month) = parts.next() else { return days(day(year, 1, 1), day(year + 1, 1, 1)) };
    let Some(of_month) = parts.next() else {
        let after = if month == 12 { day(year + 1, 1, 1) } else { day(year, month + 1, 1) };
        return days(day(year, month, 1), after);
    };
    let date = day(year, month, of_month);
    if time.is_empty() { days(date, date + 1) } else { at(date, time) }
}

fn days(from: i64, to: i64) -> Span {
    (from * 86_400 * SECOND, to * 86_400 * SECOND)
}

/// Days since 1970-01-01, counted year by year.
fn day(year: i64, month: i64, of_month: i64) -> i64 {
    let leap = |year: i64| i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let years: i64 = match year >= 1970 {
        true => (1970..year).map(|year| 365 + leap(year)).sum(),
        false => -(year..1970).map(|year| 365 + leap(year)).sum::<i64>(),
    };
    let lengths = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    years + lengths.iter().take(month as usize - 1).sum::<i64>() + of_month - 1
}

fn at(date: i64, time: &str) -> Span {
    let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone);
    let offset = match zone {
        "" | "Z" => 0,
        zone => {
            let number = |part: &str| part.parse::<i64>().expect("a number");
            let minutes = number(&zone[1..3]) * 60 + number(&zone[4..6]);
            if zone.starts_with('-') { -minutes } else { minutes }
        }
    };
    let mut parts = clock.split(':');
    let mut next = || parts.next().map(|part| part.to_owned());
    let number = |part: Option<String>| part.expect("a part").parse::<i64>().expect("a number");
    let minutes = number(next()) * 60 + number(next()) - offset;
    let start = (date * 86_400 + minutes * 60) * SECOND;
    let Some(seconds) = next() else { return (start, start + 60 * SECOND) };
    let (whole, fraction) = seconds.split_once('.').unwrap_or((&seconds, ""));
    let start = start + number(Some(whole.to_owned())) * SECOND;
    if fraction.is_empty() {
        return (start, start + SECOND);
    }
    let width = 10_i64.pow(7 - fraction.len() as u32);
    let start = start + number(Some(fraction.to_owned())) * width;
    (start, start + width)
}

/// The moment itself, of the clock of this machine.
pub(super) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    (since.expect("a time after 1970").as_nanos() / 100) as i64
}

#[test]
fn a_date_is_what_it_leaves_open() {
    assert_eq!(span("1970"), (0, 365 * 86_400 * SECOND));
    assert_eq!(span("1970-01-02"), (86_400 * SECOND, 2 * 86_400 * SECOND));
    assert_eq!(span("1970-01-01T01:00+01:00"), (0, 60 * SECOND));
    assert_eq!(span("1970-01-01T00:00:00.5Z"), (5_000_000, 6_000_000));
    assert_eq!(span("2000-03").0 - span("2000-02").0, 29 * 86_400 * SECOND);
    assert_eq!(span("1969-12-31").1, 0);
}
