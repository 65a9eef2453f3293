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

    fn jiff(self) -> jiff::Timestamp {
        let nanos = i32::try_from(self.0.rem_euclid(TICKS_PER_SECOND) * 100).unwrap_or(0);
        jiff::Timestamp::new(self.unix_seconds(), nanos).unwrap_or(jiff::Timestamp::MAX)
    }

    /// As an HTTP date (RFC 9110, section 5.6.7): `Tue, 24 Nov 2026 14:58:54 GMT`.
    #[must_use]
    pub fn http_date(self) -> String {
        self.jiff().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// As Entra writes it in error bodies: `2026-11-24 14:58:54Z`.
    #[must_use]
    pub fn entra(self) -> String {
        self.jiff().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    }
}

/// RFC 3339 in UTC with microseconds, the form of `meta.lastUpdated`:
/// `2026-11-24T14:58:54.000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.jiff().strftime("%Y-%m-%dT%H:%M:%S.%6fZ"))
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
