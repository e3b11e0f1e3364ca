//! When each payment is to be written: a schedule of intended send times.
//!
//! Open loop: the schedule knows nothing of how fast the other side is. A payment that is late is sent as
//! soon as can be and the next one is still due at its own time, so a slow receiver shows as lag and never
//! as a lower rate. Promises that no byte of the output depends on it. Must never read a clock: what time
//! it is now is handed in.
//!
//! ```text
//! gaps of 1 (constant), or random with mean 1 ──▶ through the rate over time ──▶ intended send time
//!                                                 flat or daily curve, times bursts
//! ```

use std::time::Duration;

use clap::ValueEnum;
use sentinel_domain::Instant;
use sentinel_synth::Random;

/// How payments follow each other at a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pace {
    /// At equal distances.
    Constant,
    /// At random, as independent customers come.
    Poisson,
    /// At random, more by day than by night; the rate is the mean over a day.
    Daily,
}

/// So many times the rate, at the beginning of each period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// How many times the rate.
    pub times: f64,
    /// How long, in seconds.
    pub length_secs: f64,
    /// From one beginning to the next, in seconds.
    pub period_secs: f64,
}

/// What the daily curve multiplies the rate with, by hour. The mean is 1.
const DAILY: [f64; 24] = [
    0.35, 0.22, 0.16, 0.13, 0.14, 0.22, 0.45, 0.80, 1.10, 1.25, 1.35, 1.45, 1.60, 1.50, 1.35, 1.35,
    1.45, 1.65, 1.75, 1.60, 1.35, 1.10, 0.98, 0.70,
];

/// What a schedule by rate is made of.
#[derive(Debug, Clone, Copy)]
pub struct RateOptions {
    /// Payments a second, above 0.
    pub rate: f64,
    /// How they follow each other.
    pub pace: Pace,
    /// What comes on top.
    pub burst: Option<Burst>,
    /// The seconds of a day of the daily curve: 86,400, or fewer to see a whole day sooner.
    pub day_secs: f64,
    /// The time of day at which the curve begins, as a share of the day.
    pub day_begins: f64,
    /// For the random distances.
    pub seed: u64,
}

/// Intended send times.
#[derive(Debug)]
pub enum Schedule {
    /// As fast as can be.
    Unpaced,
    /// By a rate.
    Rate(RateSchedule),
    /// As the event times lie, so many times as fast.
    Speed {
        /// The event time that is sent at once.
        start: Instant,
        /// How many seconds of event time pass in one second.
        times: f64,
    },
}

impl Schedule {
    /// A schedule by rate.
    pub fn by_rate(options: RateOptions) -> Self {
        Self::Rate(RateSchedule {
            options,
            random: Random::new(options.seed ^ 0x7061_6365),
            made: 0,
            reached_secs: 0.0,
        })
    }

    /// Whether every payment is due at once.
    pub fn is_unpaced(&self) -> bool {
        matches!(self, Self::Unpaced)
    }

    /// When the next payment is due, from the beginning of the sending. To be asked once a payment.
    pub fn next_due(&mut self, event_time: Instant) -> Duration {
        let secs = match self {
            Self::Unpaced => 0.0,
            Self::Rate(schedule) => schedule.next(),
            Self::Speed { start, times } => event_time.micros_since(*start) as f64 / 1e6 / *times,
        };
        // Too far away to be a duration is never.
        Duration::try_from_secs_f64(secs.max(0.0)).unwrap_or(Duration::MAX)
    }
}

/// Intended send times by a rate over time.
#[derive(Debug)]
pub struct RateSchedule {
    options: RateOptions,
    random: Random,
    made: u64,
    reached_secs: f64,
}

impl RateSchedule {
    fn next(&mut self) -> f64 {
        let options = self.options;
        self.made += 1;
        if options.pace == Pace::Constant && options.burst.is_none() {
            // Not summed up, so that no rounding adds up over days.
            return (self.made - 1) as f64 / options.rate;
        }
        let mut left = match options.pace {
            Pace::Constant if self.made == 1 => 0.0,
            Pace::Constant => 1.0,
            Pace::Poisson | Pace::Daily => self.random.exponential(),
        };
        // Through the stretches of one rate each, until the payments that are left are used up.
        loop {
            let (rate, end_secs) = self.stretch();
            let holds = (end_secs - self.reached_secs) * rate;
            if left < holds {
                self.reached_secs += left / rate;
                return self.reached_secs;
            }
            left -= holds;
            self.reached_secs = end_secs;
        }
    }

    /// The rate from here on, and until when it holds.
    fn stretch(&self) -> (f64, f64) {
        let options = &self.options;
        let at = self.reached_secs;
        let (mut rate, mut end) = (options.rate, f64::INFINITY);
        if options.pace == Pace::Daily {
            let hour_secs = options.day_secs / 24.0;
            let offset_secs = options.day_begins * options.day_secs;
            let (hour, next) = step(at + offset_secs, hour_secs);
            rate *= daily(hour);
            end = next - offset_secs;
        }
        if let Some(burst) = options.burst {
            let (period, next) = step(at, burst.period_secs);
            let quiet = period * burst.period_secs + burst.length_secs;
            if at < quiet {
                rate *= burst.times;
                end = end.min(quiet);
            } else {
                end = end.min(next);
            }
        }
        // Where rounding would make a stretch of no length, the next instant that can be told.
        (rate, end.max(at.next_up()))
    }
}

/// In which step of this length an instant lies, and where the next begins.
fn step(at: f64, length: f64) -> (f64, f64) {
    let number = libm::floor(at / length);
    (number, (number + 1.0) * length)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number from 0 to 23"
)]
fn daily(hour: f64) -> f64 {
    DAILY.get((hour % 24.0) as usize).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(pace: Pace, rate: f64, burst: Option<Burst>) -> Schedule {
        Schedule::by_rate(RateOptions {
            rate,
            pace,
            burst,
            day_secs: 240.0,
            day_begins: 0.0,
            seed: 1,
        })
    }

    /// How many are due in each of the first seconds.
    fn by_second(mut schedule: Schedule, seconds: usize) -> Vec<u32> {
        let mut counts = vec![0; seconds];
        loop {
            let due = schedule.next_due(Instant::default()).as_secs();
            match counts.get_mut(usize::try_from(due).unwrap()) {
                Some(count) => *count += 1,
                None => return counts,
            }
        }
    }

    #[test]
    fn the_daily_curve_keeps_the_mean() {
        let sum: f64 = DAILY.iter().sum();
        assert!((sum - 24.0).abs() < 0.05, "{sum}");
    }

    #[test]
    fn a_constant_rate_is_exact_however_long() {
        assert_eq!(
            by_second(schedule(Pace::Constant, 400_000.0, None), 3),
            [400_000; 3]
        );
        let mut slow = schedule(Pace::Constant, 0.5, None);
        let due: Vec<u64> = (0..3)
            .map(|_| slow.next_due(Instant::default()).as_secs())
            .collect();
        assert_eq!(due, [0, 2, 4]);
    }

    #[test]
    fn a_burst_multiplies_the_rate_for_its_length_only() {
        let burst = Burst {
            times: 5.0,
            length_secs: 2.0,
            period_secs: 5.0,
        };
        let counts = by_second(schedule(Pace::Constant, 100.0, Some(burst)), 10);
        for (second, count) in counts.iter().enumerate() {
            let expected = if second % 5 < 2 { 500 } else { 100 };
            assert!(count.abs_diff(expected) <= 1, "{counts:?}");
        }
    }

    #[test]
    fn random_distances_have_the_rate_as_their_mean_and_its_variance() {
        let counts = by_second(schedule(Pace::Poisson, 1_000.0, None), 200);
        let mean = f64::from(counts.iter().sum::<u32>()) / 200.0;
        let variance = counts
            .iter()
            .map(|count| (f64::from(*count) - mean).powi(2))
            .sum::<f64>()
            / 200.0;
        assert!((mean - 1_000.0).abs() < 10.0, "{mean}");
        assert!((600.0..1_500.0).contains(&variance), "{variance}");
    }

    #[test]
    fn a_day_of_the_daily_curve_has_its_hours() {
        // An hour is ten seconds here.
        let counts = by_second(schedule(Pace::Daily, 1_000.0, None), 240);
        for (hour, factor) in DAILY.iter().enumerate() {
            let made: u32 = counts[hour * 10..hour * 10 + 10].iter().sum();
            let expected = factor * 10_000.0;
            assert!(
                (f64::from(made) - expected).abs() < 6.0 * expected.sqrt(),
                "{hour}: {made}"
            );
        }
    }

    #[test]
    fn event_time_at_a_speed_is_divided_by_it() {
        let start = Instant::from_seconds(1_000);
        let mut schedule = Schedule::Speed { start, times: 60.0 };
        let due = |at| schedule.next_due(Instant::from_seconds(at));
        assert_eq!(
            [1_000, 1_120, 900].map(due).map(|due| due.as_secs()),
            [0, 2, 0]
        );
    }
}
