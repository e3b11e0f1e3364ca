//! Local time: what the clock and the calendar on the payer's wall show.
//!
//! The zone is the offset the sender gave, else the one that the longitude suggests (fifteen degrees an
//! hour), else UTC. Whole seconds, integers only: the same on every machine. Must never know a zone by
//! name or a change of the clocks; who needs one sends the offset.

use sentinel_domain::{MICROS_PER_SECOND, Transaction};

const DAY_SECONDS: i64 = 86_400;

/// An instant as the payer's clock and calendar show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalTime {
    /// Days since 1970-01-01.
    pub day: i64,
    /// Months since January of the year 0: `year * 12 + month - 1`.
    pub month: i64,
    /// 0 on a Monday, 6 on a Sunday.
    pub weekday: u8,
    /// 0 to 23.
    pub hour: u8,
    /// Seconds since midnight.
    pub seconds_of_day: i64,
}

impl LocalTime {
    /// For plans that ask for no local time.
    pub const EPOCH: Self = Self {
        day: 0,
        month: 0,
        weekday: 0,
        hour: 0,
        seconds_of_day: 0,
    };

    /// When the transaction was made where the payer is.
    pub fn of(transaction: &Transaction) -> Self {
        let seconds = local_seconds(transaction);
        let day = seconds.div_euclid(DAY_SECONDS);
        Self {
            day,
            month: month_of(day),
            weekday: weekday(seconds),
            hour: hour(seconds),
            seconds_of_day: seconds.rem_euclid(DAY_SECONDS),
        }
    }
}

/// Seconds since the epoch as the payer's clock counts them.
pub(crate) fn local_seconds(transaction: &Transaction) -> i64 {
    let offset_seconds = match (transaction.utc_offset_minutes, transaction.coordinates) {
        (Some(minutes), _) => i64::from(minutes) * 60,
        // Fifteen degrees are an hour: 1.5e8 units of 1e-7 degrees are 3,600 seconds.
        (None, Some(place)) => (i64::from(place.lon_e7) * 3_600).div_euclid(150_000_000),
        (None, None) => 0,
    };
    let seconds = transaction.event_time.micros();
    seconds.div_euclid(MICROS_PER_SECOND) + offset_seconds
}

/// The hour of the day, 0 to 23.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the remainder of a day in hours is 0 to 23"
)]
pub(crate) fn hour(local_seconds: i64) -> u8 {
    (local_seconds.rem_euclid(DAY_SECONDS) / 3_600) as u8
}

/// The day of the week, 0 on a Monday.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a remainder by seven"
)]
pub(crate) fn weekday(local_seconds: i64) -> u8 {
    // Day 0 of the epoch was a Thursday.
    (local_seconds.div_euclid(DAY_SECONDS) + 3).rem_euclid(7) as u8
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_EPOCH: i64 = 719_468;
/// Days of 400 years, after which the calendar repeats.
const CYCLE_DAYS: i64 = 146_097;

/// The month of a day of the epoch, as [`LocalTime::month`] counts.
///
/// Years are counted from March, so that the leap day is the last of its year and the lengths of the
/// months before it follow one line: 153 days in every five.
fn month_of(day: i64) -> i64 {
    let since = day + DAYS_BEFORE_EPOCH;
    let (cycle, rest) = (since.div_euclid(CYCLE_DAYS), since.rem_euclid(CYCLE_DAYS));
    let leap_days = rest / 1_460 - rest / 36_524 + rest / (CYCLE_DAYS - 1);
    let year = (rest - leap_days) / 365;
    let day_of_year = rest - (year * 365 + year / 4 - year / 100);
    let month_from_march = (day_of_year * 5 + 2) / 153;
    (cycle * 400 + year) * 12 + month_from_march + 2
}

#[cfg(test)]
mod tests {
    use sentinel_domain::{Coordinates, Instant};
    use sentinel_synth::builder;

    use super::*;

    fn at(text: &str) -> Transaction {
        let instant = Instant::parse_rfc3339(text).unwrap();
        builder::transaction("e").at(instant).build()
    }

    #[test]
    fn the_clock_is_the_payers() {
        let mut payment = at("2026-03-01T12:00:00Z");
        assert_eq!(LocalTime::of(&payment).seconds_of_day, 12 * 3_600);
        payment.coordinates = Coordinates::new(0, -900_000_000);
        assert_eq!(LocalTime::of(&payment).hour, 6);
        payment.utc_offset_minutes = Some(330);
        let local = LocalTime::of(&payment);
        assert_eq!((local.hour, local.seconds_of_day), (17, 63_000));
    }

    #[test]
    fn the_zone_moves_day_weekday_and_month() {
        let mut payment = at("2026-03-01T00:30:00Z");
        let utc = LocalTime::of(&payment);
        assert_eq!((utc.weekday, utc.month), (6, 2026 * 12 + 2), "a Sunday");
        payment.utc_offset_minutes = Some(-60);
        let local = LocalTime::of(&payment);
        assert_eq!((local.weekday, local.hour), (5, 23));
        assert_eq!((local.day, local.month), (utc.day - 1, 2026 * 12 + 1));
    }

    #[test]
    fn a_longitude_rounds_down_to_the_second() {
        let mut payment = at("1970-01-01T00:00:00Z");
        payment.coordinates = Coordinates::new(0, -1);
        assert_eq!(local_seconds(&payment), -1);
        assert_eq!(LocalTime::of(&payment).day, -1);
        payment.coordinates = Coordinates::new(0, 41_666);
        assert_eq!(local_seconds(&payment), 0);
    }

    #[test]
    fn every_day_of_three_centuries_lies_in_its_month() {
        for day in -25_567..84_006 {
            let text = Instant::from_seconds(day * DAY_SECONDS).to_string();
            let year: i64 = text[..4].parse().unwrap();
            let month: i64 = text[5..7].parse().unwrap();
            assert_eq!(month_of(day), year * 12 + month - 1, "{text}");
        }
    }

    #[test]
    fn days_of_the_week_follow_each_other() {
        // 2026-01-05 is a Monday.
        let monday = builder::FIXED_TIME.micros() / MICROS_PER_SECOND;
        for day in -20..20 {
            let expected = u8::try_from(i64::rem_euclid(day, 7)).unwrap();
            assert_eq!(weekday(monday + day * DAY_SECONDS), expected);
        }
    }
}
