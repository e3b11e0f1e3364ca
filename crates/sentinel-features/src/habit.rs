//! The habit of an entity: at what hour, on what day of the week and for how much it pays.
//!
//! Counters without a window: when a list has counted 255 events, its counters are halved, so that an old habit
//! fades. Each list by itself: halving rounds down, so one of many counters loses more than one of few, and what
//! bounds the one is no bound of the other. A byte a counter: the whole lies in one line of memory.

use crate::local_time::LocalTime;
use crate::totals::{bucket, count_to_f64};

const AMOUNT_BUCKETS: usize = 32;
/// Events that a list counts before it is halved: no counter ever passes a byte.
const EVENTS_MAX: u16 = 255;

/// Counters of earlier events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Habit {
    pub hours: [u8; 24],
    pub weekdays: [u8; 7],
    pub amounts: [u8; AMOUNT_BUCKETS],
}

impl Habit {
    /// Of an entity without events.
    pub const EMPTY: Self = Self {
        hours: [0; 24],
        weekdays: [0; 7],
        amounts: [0; AMOUNT_BUCKETS],
    };

    /// Counters as they were written.
    pub fn of(hours: [u8; 24], weekdays: [u8; 7], amounts: [u8; AMOUNT_BUCKETS]) -> Self {
        Self {
            hours,
            weekdays,
            amounts,
        }
    }

    /// Whether events could have made these counters.
    pub fn is_possible(&self) -> bool {
        let lists: [&[u8]; 3] = [&self.hours, &self.weekdays, &self.amounts];
        lists.iter().all(|list| total(list) < EVENTS_MAX)
    }

    /// Share of earlier events within an hour of this time of day.
    pub fn hour_share(&self, local: &LocalTime) -> f64 {
        let hour = usize::from(local.hour);
        let near = [(hour + 23) % 24, hour, (hour + 1) % 24];
        let near: u64 = near.iter().map(|at| u64::from(self.hours[*at])).sum();
        share(near, total(&self.hours))
    }

    /// Share of earlier events on this day of the week.
    pub fn weekday_share(&self, local: &LocalTime) -> f64 {
        let total = total(&self.weekdays);
        share(u64::from(self.weekdays[usize::from(local.weekday)]), total)
    }

    /// Share of earlier amounts that are not in a higher bucket.
    pub fn amount_share(&self, amount: Option<i64>) -> f64 {
        let Some(amount) = amount else {
            return f64::NAN;
        };
        let own = bucket(amount) / 2;
        let not_above = self.amounts[..=own].iter().map(|n| u64::from(*n)).sum();
        share(not_above, total(&self.amounts))
    }

    /// Counts an event.
    pub fn take_in(&mut self, local: &LocalTime, amount: Option<i64>) {
        count(&mut self.hours, usize::from(local.hour));
        count(&mut self.weekdays, usize::from(local.weekday));
        if let Some(amount) = amount {
            count(&mut self.amounts, bucket(amount) / 2);
        }
    }
}

/// Counts an event in a list, and halves what is full.
fn count(counters: &mut [u8], at: usize) {
    counters[at] += 1;
    if total(counters) >= EVENTS_MAX {
        counters.iter_mut().for_each(|counter| *counter /= 2);
    }
}

fn total(counters: &[u8]) -> u16 {
    counters.iter().map(|counter| u16::from(*counter)).sum()
}

fn share(part: u64, total: u16) -> f64 {
    if total == 0 {
        f64::NAN
    } else {
        count_to_f64(part) / f64::from(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(weekday: u8, hour: u8) -> LocalTime {
        LocalTime {
            day: 0,
            month: 0,
            weekday,
            hour,
            seconds_of_day: 0,
        }
    }

    /// Found by `sentinel verify`: the lists were halved by what the hours had counted. Twenty-four of them lose more to
    /// rounding than seven days do, so that those counted on: past what a snapshot may hold, at last past a byte.
    #[test]
    fn however_events_are_spread_no_list_passes_its_bound() {
        let weekdays: [fn(u64) -> u64; 3] = [|_| 1, |n| n / 24 % 7, |n| n % 7];
        let hours: [fn(u64) -> u64; 3] = [|n| n % 24, |_| 12, |n| n * n % 24];
        for weekday in weekdays {
            for hour in hours {
                let mut habit = Habit::EMPTY;
                for n in 0..5_000 {
                    let place = |number: u64| u8::try_from(number).unwrap();
                    let time = at(place(weekday(n)), place(hour(n)));
                    habit.take_in(&time, Some(1 << (n % 30)));
                    assert!(habit.is_possible(), "{n}: {habit:?}");
                }
            }
        }
    }
}
