//! When: by hour and by weekday (UTC, or the table's own clock where its mapping sets a base), and by day.

use std::collections::BTreeMap;

use sentinel_domain::Instant;

use super::Tally;

const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// Days told apart at most: 27 years.
const DAYS_MAX: usize = 10_000;

/// Rows by time.
#[derive(Debug, Default)]
pub struct Calendar {
    /// By hour of the day.
    pub hours: [Tally; 24],
    /// Monday first.
    pub weekdays: [Tally; 7],
    /// By day since 1970.
    pub days: BTreeMap<i64, Tally>,
    /// Rows of days beyond the bound.
    pub other_days: Tally,
    /// The first and the last event.
    pub span: Option<(Instant, Instant)>,
}

impl Calendar {
    /// One more row.
    pub fn add(&mut self, at: Instant, fraud: bool) {
        let micros = at.micros();
        let day = micros.div_euclid(MICROS_PER_DAY);
        let hour = micros.rem_euclid(MICROS_PER_DAY) / MICROS_PER_HOUR;
        // The first day of 1970 was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        let within = |index: i64| usize::try_from(index).unwrap_or(0);
        if let Some(tally) = self.hours.get_mut(within(hour)) {
            tally.add(fraud);
        }
        if let Some(tally) = self.weekdays.get_mut(within(weekday)) {
            tally.add(fraud);
        }
        if let Some(tally) = self.days.get_mut(&day) {
            tally.add(fraud);
        } else if self.days.len() < DAYS_MAX {
            self.days.entry(day).or_default().add(fraud);
        } else {
            self.other_days.add(fraud);
        }
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }
}

/// The date of a day since 1970.
pub fn date(day: i64) -> String {
    let midnight = Instant::from_micros(day.saturating_mul(MICROS_PER_DAY));
    midnight.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_falls_into_its_hour_weekday_and_day() {
        let mut calendar = Calendar::default();
        for (text, fraud) in [
            ("2026-11-21T23:59:59.999999Z", true),
            ("2026-11-22T00:00:00Z", false),
            ("1969-12-31T01:00:00Z", false),
        ] {
            calendar.add(Instant::parse_rfc3339(text).unwrap(), fraud);
        }
        assert_eq!(calendar.hours[23], Tally { rows: 1, fraud: 1 });
        assert_eq!(calendar.hours[0].rows, 1);
        // A Saturday, a Sunday and a Wednesday.
        assert_eq!(calendar.weekdays[5], Tally { rows: 1, fraud: 1 });
        assert_eq!(
            (calendar.weekdays[6].rows, calendar.weekdays[2].rows),
            (1, 1)
        );
        let days: Vec<String> = calendar.days.keys().map(|day| date(*day)).collect();
        assert_eq!(days, ["1969-12-31", "2026-11-21", "2026-11-22"]);
    }
}
