//! The payer's clock and calendar.
//!
//! Promises the hour, the weekday, the day and the month of an event where the payer is, found by
//! counting, year by year and month by month.

use sentinel_domain::Transaction;

/// Where an event lies in the payer's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// 0 to 23.
    pub hour: usize,
    /// Monday is 0.
    pub weekday: usize,
    /// Days since 1970-01-01.
    pub day: i64,
    /// Months since 1970-01.
    pub month: i64,
}

/// Of a transaction: by the offset it sends, else by its longitude, else UTC.
pub fn local(t: &Transaction) -> Local {
    let offset_seconds = match (t.utc_offset_minutes, t.coordinates) {
        (Some(minutes), _) => i64::from(minutes) * 60,
        // 360 degrees are a day, so a second is 360 / 86,400 degrees: 10^7 units of longitude times 3,600
        // seconds over 15 degrees. Rounded down.
        (None, Some(place)) => (i64::from(place.lon_e7) * 3_600).div_euclid(15 * 10_000_000),
        (None, None) => 0,
    };
    let seconds = t.event_time.micros().div_euclid(1_000_000) + offset_seconds;
    let day = seconds.div_euclid(86_400);
    Local {
        hour: (seconds.rem_euclid(86_400) / 3_600) as usize,
        // 1970-01-01 was a Thursday.
        weekday: (day + 3).rem_euclid(7) as usize,
        day,
        month: month_of(day),
    }
}

fn days_in_month(months: i64) -> i64 {
    let (year, month) = (1970 + months.div_euclid(12), months.rem_euclid(12));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 if leap => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// Months since 1970-01 of a day since 1970-01-01, month by month.
pub fn month_of(day: i64) -> i64 {
    let (mut month, mut first) = (0, 0);
    while first > day {
        month -= 1;
        first -= days_in_month(month);
    }
    while first + days_in_month(month) <= day {
        first += days_in_month(month);
        month += 1;
    }
    month
}

#[test]
fn months_are_counted_with_leap_years() {
    // 1970-01-31, 1970-02-01, 1969-12-31, 2000-02-29 and 03-01, 2024-02-29, 1900-01-01.
    for (day, month) in [
        (30, 0),
        (31, 1),
        (-1, -1),
        (11_016, 361),
        (11_017, 362),
        (19_782, 649),
        (-25_567, -840),
    ] {
        assert_eq!(month_of(day), month, "day {day}");
    }
}
