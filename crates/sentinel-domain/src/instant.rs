//! Points in time: signed 64-bit microseconds since 1970-01-01T00:00:00 UTC.
//!
//! Promises exact integer arithmetic and one text form (RFC 3339, UTC). Must never ask what time it
//! is now: an instant is always handed in.

use std::fmt;

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;

/// A point in time, microseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Instant(i64);

impl Instant {
    /// The earliest and latest instants a transaction may carry: years 1900 and 2200.
    pub const RANGE_MICROS: std::ops::Range<i64> = -2_208_988_800_000_000..7_258_118_400_000_000;

    /// An instant from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// An instant from whole seconds since the epoch; saturates at the ends of the range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down: the unit in which windows are defined.
    pub const fn millis_floor(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This instant moved by a number of microseconds; saturates.
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to this instant; negative where `earlier` is later.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339 (`2026-11-21T13:00:00Z`, any offset, up to nine fractional digits, the rest
    /// below a microsecond cut). `None` where the text is not such an instant.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let timestamp: jiff::Timestamp = text.parse().ok()?;
        Some(Self(timestamp.as_microsecond()))
    }
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC, fractional digits only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) => write!(f, "{} us", self.0),
        }
    }
}
