//! The Gregorian calendar in ticks of 100 ns since the first of January of year 1, UTC.

/// Nanoseconds of a tick.
pub const TICK_NANOSECONDS: u32 = 100;
/// Ticks of a second.
pub const SECOND: i64 = 10_000_000;
/// Ticks of a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Ticks of an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Ticks of a day.
pub const DAY: i64 = 24 * HOUR;

const DAYS_OF_400_YEARS: i64 = 146_097;

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// How many days a month has; `month` counts from 1.
#[must_use]
pub fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 0001-01-01 to a date. Years begin in March here, so that the leap day is the last
/// day of its year and a month's first day is a linear function of its number.
pub(crate) fn day_number(year: u16, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month < 3);
    let month = (i64::from(month) + 9) % 12;
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let days = (153 * month + 2) / 5 + i64::from(day) - 1;
    era * DAYS_OF_400_YEARS + year * 365 + year / 4 - year / 100 + days - 306
}

/// The date a number of days after 0001-01-01; None outside the years 1 to 9999.
pub(crate) fn date_of(day_number: i64) -> Option<(u16, u8, u8)> {
    let days = day_number + 306;
    let (era, day) = (days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month < 3);
    match (u16::try_from(year), u8::try_from(month), u8::try_from(day)) {
        (Ok(year @ 1..=9999), Ok(month), Ok(day)) => Some((year, month, day)),
        _ => None,
    }
}
