//! Curves: how volume and fraud rise and fall over hours and days.
//!
//! The clock of a profile is UTC; its first day is the day on which the stream starts. Fraud comes in
//! episodes that begin in one hour and go on in another, so every hour of the day has an account of
//! its own: payments put in what fraud is due, a planned fraud takes out of the hour it falls in, and an
//! episode begins only in an hour that still owes some.

use sentinel_domain::{Instant, MICROS_PER_SECOND};

use crate::profile::Profile;

const HOUR_MICROS: i64 = 3_600 * MICROS_PER_SECOND;

/// How far an hour's account may be in debt or credit: an hour that can never be served does not
/// gather for ever.
const ACCOUNT_MAX: f64 = 10_000.0;

/// Hours of the day and days of a profile, relative to their mean.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    first_hour: i64,
    hour_volume: [f64; 24],
    hour_fraud: [f64; 24],
    day_volume: Vec<f64>,
    day_fraud: Vec<f64>,
}

impl Curve {
    pub(crate) fn new(profile: &Profile, start: Instant) -> Self {
        let hours = &profile.hours;
        let volume_mean = hours.volume.iter().sum::<f64>() / 24.0;
        let mut curve = Self {
            first_hour: start.micros().div_euclid(24 * HOUR_MICROS) * 24,
            hour_volume: [1.0; 24],
            hour_fraud: [1.0; 24],
            day_volume: relative(&profile.days.volume),
            day_fraud: relative(&profile.days.fraud_rate),
        };
        let frauds = hours.volume.iter().zip(&hours.fraud_rate);
        let fraud_mean = frauds.map(|(volume, rate)| volume * rate).sum::<f64>() / 24.0;
        for (value, volume) in curve.hour_volume.iter_mut().zip(&hours.volume) {
            *value = volume / volume_mean;
        }
        if fraud_mean > 0.0 {
            for (value, rate) in curve.hour_fraud.iter_mut().zip(&hours.fraud_rate) {
                *value = rate * volume_mean / fraud_mean;
            }
        }
        curve
    }

    fn day<'a>(&self, series: &'a [f64], hour: i64) -> Option<&'a f64> {
        let length = i64::try_from(series.len()).ok()?.max(1);
        let day = (hour - self.first_hour).div_euclid(24).rem_euclid(length);
        series.get(usize::try_from(day).ok()?)
    }

    /// Volume in an hour of the calendar, relative to the mean.
    fn volume(&self, hour: i64) -> f64 {
        let of_hour = self.hour_volume.get(hour_of_day(hour)).unwrap_or(&1.0);
        of_hour * self.day(&self.day_volume, hour).unwrap_or(&1.0)
    }

    /// The rate of fraud at an instant, relative to the mean.
    pub(crate) fn fraud(&self, at: Instant) -> f64 {
        let hour = at.micros().div_euclid(HOUR_MICROS);
        let of_hour = self.hour_fraud.get(hour_of_day(hour)).unwrap_or(&1.0);
        of_hour * self.day(&self.day_fraud, hour).unwrap_or(&1.0)
    }

    /// An instant of the same day, moved to where fraud is made: what is even over the day before
    /// follows the hours after.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a part of a day in microseconds"
    )]
    pub(crate) fn towards_fraud(&self, at: Instant) -> Instant {
        let day = 24 * HOUR_MICROS;
        let begin = at.micros().div_euclid(day).saturating_mul(day);
        let of_hour = |(volume, fraud): (&f64, &f64)| volume * fraud;
        let hours = || self.hour_volume.iter().zip(&self.hour_fraud).map(of_hour);
        let all: f64 = hours().sum();
        let mut left = at.micros().rem_euclid(day) as f64 / day as f64 * all;
        for (hour, share) in (0_i64..).zip(hours()) {
            if left < share {
                let into = left / share * HOUR_MICROS as f64;
                return Instant::from_micros(begin + hour * HOUR_MICROS + into as i64);
            }
            left -= share;
        }
        at
    }

    /// The instant at which so many seconds of mean volume have gone by.
    pub(crate) fn after(&self, at: Instant, mean_seconds: f64) -> Instant {
        let mut left = mean_seconds * MICROS_PER_SECOND as f64;
        let mut micros = at.micros();
        // Some hour of every round of days has volume, so this ends; the bound is for a clock at its end.
        for _ in 0..1_000_000 {
            let hour = micros.div_euclid(HOUR_MICROS);
            let until = hour.saturating_add(1).saturating_mul(HOUR_MICROS);
            let volume = self.volume(hour);
            let there = until.saturating_sub(micros) as f64 * volume;
            if left < there {
                return Instant::from_micros(micros.saturating_add(whole(left / volume)));
            }
            left -= there;
            micros = until;
        }
        Instant::from_micros(micros)
    }
}

/// A series relative to its mean; empty where it has none.
fn relative(series: &[f64]) -> Vec<f64> {
    let mean = series.iter().sum::<f64>() / series.len().max(1) as f64;
    if mean > 0.0 {
        series.iter().map(|value| value / mean).collect()
    } else {
        Vec::new()
    }
}

fn hour_of_day(hour: i64) -> usize {
    usize::try_from(hour.rem_euclid(24)).unwrap_or(0)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "less than an hour of the quietest day, and the conversion saturates"
)]
fn whole(micros: f64) -> i64 {
    libm::round(micros) as i64
}

/// What every hour of the day still owes.
#[derive(Debug, Clone, Default)]
pub(crate) struct HourAccounts {
    owed: [f64; 24],
}

impl HourAccounts {
    fn account(&mut self, at: Instant) -> Option<&mut f64> {
        let hour = at.micros().div_euclid(HOUR_MICROS);
        self.owed.get_mut(hour_of_day(hour))
    }

    /// A payment was made at which so much fraud is due.
    pub(crate) fn owe(&mut self, at: Instant, due: f64) {
        if let Some(owed) = self.account(at) {
            *owed = (*owed + due).min(ACCOUNT_MAX);
        }
    }

    /// A fraud was planned.
    pub(crate) fn pay(&mut self, at: Instant) {
        if let Some(owed) = self.account(at) {
            *owed = (*owed - 1.0).max(-ACCOUNT_MAX);
        }
    }

    /// Whether an episode may begin.
    pub(crate) fn open(&mut self, at: Instant) -> bool {
        self.account(at).is_some_and(|owed| *owed > 0.0)
    }
}
