//! Time as an argument: ticks of 100 ns since the year 1, read from a [`Clock`] that tests can
//! move.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Ticks in one second; a tick is 100 ns.
pub const TICKS_PER_SECOND: i64 = 10_000_000;

/// Seconds from 0001-01-01T00:00Z to 1970-01-01T00:00Z.
const UNIX_EPOCH_SECONDS: i64 = 62_135_596_800;

/// A moment in UTC: ticks of 100 ns since 0001-01-01T00:00Z. Ordered, eight bytes, good until the
/// year 29,227.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From ticks of 100 ns since the year 1.
    #[must_use]
    pub const fn from_ticks(ticks: i64) -> Self {
        Self(ticks)
    }

    /// From seconds since 1970.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_add(UNIX_EPOCH_SECONDS).saturating_mul(TICKS_PER_SECOND))
    }

    /// Ticks of 100 ns since the year 1.
    #[must_use]
    pub const fn ticks(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(TICKS_PER_SECOND) - UNIX_EPOCH_SECONDS
    }

    /// Whole milliseconds since 1970, rounded down; 0 before that year.
    #[must_use]
    pub fn unix_milliseconds(self) -> u64 {
        let ticks = self.0 - UNIX_EPOCH_SECONDS * TICKS_PER_SECOND;
        u64::try_from(ticks.div_euclid(TICKS_PER_SECOND / 1_000)).unwrap_or(0)
    }

    /// This moment and `duration` more.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let ticks = i64::try_from(duration.as_nanos() / 100).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ticks))
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let ticks = u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0);
        Duration::from_nanos(ticks.saturating_mul(100))
    }

    /// This moment without what is finer than a microsecond: what `meta.lastUpdated` holds.
    #[must_use]
    pub const fn whole_microseconds(self) -> Self {
        Self(self.0 - self.0.rem_euclid(10))
    }

    /// The calendar fields in UTC; years past 9999 are not told apart.
    fn civil(self) -> jiff::civil::DateTime {
        let nanos = i32::try_from(self.0.rem_euclid(TICKS_PER_SECOND) * 100).unwrap_or(0);
        let moment = jiff::Timestamp::new(self.unix_seconds(), nanos);
        jiff::tz::Offset::UTC.to_datetime(moment.unwrap_or(jiff::Timestamp::MAX))
    }

    /// As an HTTP date (RFC 9110, section 5.6.7): `Tue, 24 Nov 2026 14:58:54 GMT`.
    #[must_use]
    pub fn http_date(self) -> String {
        const DAYS: &[u8; 21] = b"MonTueWedThuFriSatSun";
        const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
        let name = |names: &'static [u8], index: i8| {
            names.chunks(3).nth(usize::try_from(index).unwrap_or(0)).unwrap_or(b"???")
        };
        let civil = self.civil();
        let mut text = *b"Ddd, 00 Mmm 0000 00:00:00 GMT";
        text[..3].copy_from_slice(name(DAYS, civil.weekday().to_monday_zero_offset()));
        put(&mut text[5..7], civil.day().into());
        text[8..11].copy_from_slice(name(MONTHS, civil.month() - 1));
        put(&mut text[12..16], civil.year().into());
        put_time(&mut text[17..25], civil);
        String::from_utf8(text.to_vec()).unwrap_or_default()
    }

    /// As Entra writes it in error bodies: `2026-11-24 14:58:54Z`.
    #[must_use]
    pub fn entra(self) -> String {
        let mut text = *b"0000-00-00 00:00:00Z";
        put_date(&mut text[..10], self.civil());
        put_time(&mut text[11..19], self.civil());
        String::from_utf8(text.to_vec()).unwrap_or_default()
    }
}

/// Writes a number with leading zeros into all of `digits`.
fn put(digits: &mut [u8], number: i32) {
    // Unsigned, to divide by ten without minding the sign.
    let mut number = number.unsigned_abs();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Into the ten places of `0000-00-00`.
fn put_date(text: &mut [u8], civil: jiff::civil::DateTime) {
    put(&mut text[..4], civil.year().into());
    put(&mut text[5..7], civil.month().into());
    put(&mut text[8..], civil.day().into());
}

/// Into the eight places of `00:00:00`.
fn put_time(text: &mut [u8], civil: jiff::civil::DateTime) {
    put(&mut text[..2], civil.hour().into());
    put(&mut text[3..5], civil.minute().into());
    put(&mut text[6..], civil.second().into());
}

/// RFC 3339 in UTC with microseconds, the form of `meta.lastUpdated`:
/// `2026-11-24T14:58:54.000000Z`. Written by hand: every answer holds it.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.civil();
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        put_date(&mut text[..10], civil);
        put_time(&mut text[11..19], civil);
        put(&mut text[20..26], civil.subsec_nanosecond() / 1_000);
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the time comes from. Ask it once per request and pass the answer on.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_seconds(0).plus(since_1970)
    }
}

/// A clock that stands still until it is moved. Clones share the same hands.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.ticks())))
    }

    /// Moves the hands forward.
    pub fn advance(&self, by: Duration) {
        let now = self.now().plus(by);
        self.0.store(now.ticks(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ticks(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_prints_as_rfc_3339_http_and_entra_want_it() {
        let moment = Timestamp::from_unix_seconds(1_795_532_334);
        assert_eq!(moment.to_string(), "2026-11-24T14:58:54.000000Z");
        assert_eq!(moment.http_date(), "Tue, 24 Nov 2026 14:58:54 GMT");
        assert_eq!(moment.entra(), "2026-11-24 14:58:54Z");
        assert_eq!(moment.unix_seconds(), 1_795_532_334);
        assert_eq!(moment.unix_milliseconds(), 1_795_532_334_000);
    }

    #[test]
    fn a_test_clock_moves_only_when_told() {
        let clock = TestClock::at(Timestamp::from_unix_seconds(0));
        let other = clock.clone();
        clock.advance(Duration::from_micros(1_500));
        assert_eq!(
            other.now().since(Timestamp::from_unix_seconds(0)),
            Duration::from_micros(1_500)
        );
        assert_eq!(other.now().to_string(), "1970-01-01T00:00:00.001500Z");
    }
}
