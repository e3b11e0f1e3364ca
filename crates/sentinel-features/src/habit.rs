//! The habit of an entity: at what hour, on what day of the week and for how much it pays.
//!
//! Counters without a window: when a thousand events have been counted, all are halved, so that a habit
//! of years fades within months.

use crate::local_time::LocalTime;
use crate::totals::{bucket, count_to_f64};

const AMOUNT_BUCKETS: usize = 32;
/// Events counted before the counters are halved.
const EVENTS_MAX: u16 = 1_024;

/// Counters of earlier events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Habit {
    pub hours: [u16; 24],
    pub weekdays: [u16; 7],
    pub amounts: [u16; AMOUNT_BUCKETS],
    hour_total: u16,
    amount_total: u16,
}

impl Habit {
    /// Of an entity without events.
    pub const EMPTY: Self = Self {
        hours: [0; 24],
        weekdays: [0; 7],
        amounts: [0; AMOUNT_BUCKETS],
        hour_total: 0,
        amount_total: 0,
    };

    /// Counters as they were written.
    pub fn of(hours: [u16; 24], weekdays: [u16; 7], amounts: [u16; AMOUNT_BUCKETS]) -> Self {
        Self {
            hours,
            weekdays,
            amounts,
            hour_total: hours.iter().sum(),
            amount_total: amounts.iter().sum(),
        }
    }

    /// Share of earlier events within an hour of this time of day.
    pub fn hour_share(&self, local: &LocalTime) -> f64 {
        let hour = usize::from(local.hour);
        let near = [(hour + 23) % 24, hour, (hour + 1) % 24];
        let near: u64 = near.iter().map(|at| u64::from(self.hours[*at])).sum();
        share(near, self.hour_total)
    }

    /// Share of earlier events on this day of the week.
    pub fn weekday_share(&self, local: &LocalTime) -> f64 {
        let total: u16 = self.weekdays.iter().sum();
        share(u64::from(self.weekdays[usize::from(local.weekday)]), total)
    }

    /// Share of earlier amounts that are not in a higher bucket.
    pub fn amount_share(&self, amount: Option<i64>) -> f64 {
        let Some(amount) = amount else {
            return f64::NAN;
        };
        let own = bucket(amount) / 2;
        let not_above = self.amounts[..=own].iter().map(|n| u64::from(*n)).sum();
        share(not_above, self.amount_total)
    }

    /// Counts an event.
    pub fn take_in(&mut self, local: &LocalTime, amount: Option<i64>) {
        self.hours[usize::from(local.hour)] += 1;
        self.weekdays[usize::from(local.weekday)] += 1;
        self.hour_total += 1;
        if self.hour_total >= EVENTS_MAX {
            halve(&mut self.weekdays);
            self.hour_total = halve(&mut self.hours);
        }
        if let Some(amount) = amount {
            self.amounts[bucket(amount) / 2] += 1;
            self.amount_total += 1;
            if self.amount_total >= EVENTS_MAX {
                self.amount_total = halve(&mut self.amounts);
            }
        }
    }
}

fn halve(counters: &mut [u16]) -> u16 {
    counters.iter_mut().for_each(|counter| *counter /= 2);
    counters.iter().sum()
}

fn share(part: u64, total: u16) -> f64 {
    if total == 0 {
        f64::NAN
    } else {
        count_to_f64(part) / f64::from(total)
    }
}
