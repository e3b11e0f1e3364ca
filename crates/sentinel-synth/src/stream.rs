//! The stream: everyday payments, innocent episodes and fraud in one order of time, without end.
//!
//! **Shares.** Which episodes begin when is told at `schedule`. An honest payment of a story takes the
//! place of an everyday one, so that the rate holds.
//!
//! **Order.** Event times never fall, but for the late share (an event that was held up) and repeats
//! (the same value once more, a little later).
//!
//! **Threads.** The stream itself only plans; what is costly is spelling out ([`Slice`]), which needs no
//! order.

use std::sync::Arc;

use sentinel_domain::{Instant, Label, Transaction};

use crate::calibration::echo_share;
use crate::curve::Curve;
use crate::options::{Options, bounded};
use crate::plan::Plan;
use crate::profile::Fraud;
use crate::random::Random;
use crate::schedule::{self, Schedule};
use crate::slice::{Entry, Slice, Speller, micros};
use crate::story::{LookAlike, Story};
use crate::world::{Purpose, World};
use crate::{echo, everyday};

/// One payment with what is known beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// What a system under test may see.
    pub transaction: Transaction,
    /// What will be learnt later; there exactly where the payment is fraud.
    pub label: Option<Label>,
    /// The story it belongs to. Not every payment of a story is fraud: some stories need honest ones.
    pub story: Option<Story>,
    /// The episode of the story or look-alike, counted from 1; the same for the same seed.
    pub episode: Option<u64>,
    /// The way in which it looks like fraud and is not.
    pub look_alike: Option<LookAlike>,
    /// The very same value came before.
    pub repeated: bool,
}

/// No hour has a larger share of fraud.
const FRAUD_RATE_OF_HOUR_MAX: f64 = 0.8;

/// So many frauds before the start until every hour of a day is somewhere between two episodes: a dozen
/// for each hour, three times. And no more payments than this, where fraud is rare.
const SETTLING_FRAUDS: f64 = 864.0;
const SETTLING_PAYMENTS_MAX: f64 = 100_000.0;

/// Since when the stream is planned: a world settles before its first payment is given.
fn settling_begins(options: &Options) -> Instant {
    let payments = if options.fraud_rate > 0.0 {
        (SETTLING_FRAUDS / options.fraud_rate).min(SETTLING_PAYMENTS_MAX)
    } else {
        0.0
    };
    options
        .start
        .plus_micros(-micros(payments / options.payments_per_second))
}

/// An endless stream of payments. The same options give the same stream.
#[derive(Debug, Clone)]
pub struct Stream {
    speller: Arc<Speller>,
    random: Random,
    /// The profile's hours and days; `None` where every hour is alike.
    curve: Option<Curve>,
    /// What is planned beyond everyday payments.
    schedule: Schedule,
    /// Everyday payments whose place honest payments of stories took.
    replaced: u64,
    /// The first plan that is not before the start.
    first: Option<Box<Plan>>,
    everyday_at: Instant,
    /// How many transactions were made.
    made: u64,
    /// Values to give once more, each when so many transactions were made.
    repeats: Vec<(u64, Entry)>,
}

impl Stream {
    /// A stream at its beginning.
    pub fn new(mut options: Options) -> Self {
        options.fraud_rate = bounded(options.fraud_rate, 0.0, Options::FRAUD_RATE_MAX);
        options.payments_per_second = bounded(options.payments_per_second, 1e-3, 1e6);
        options.late_share = bounded(options.late_share, 0.0, 1.0);
        options.repeat_share = bounded(options.repeat_share, 0.0, 1.0);
        options.late_micros_max = options.late_micros_max.max(1);
        while options.id_prefix.len() > Options::ID_PREFIX_BYTES_MAX {
            options.id_prefix.pop();
        }
        if options.profile.fraud != Fraud::Stories {
            options.fraud_rate = 0.0;
        }
        let mut world = World::new(&options);
        world.calibrate(&options.profile, schedule::told_sample(&world));
        let mut random = Random::new(world.hash(Purpose::Stream, 0));
        let curve = Curve::new(&options.profile, options.start);
        let begin = settling_begins(&options);
        let mut stream = Self {
            schedule: Schedule::new(&world, &options, begin, &mut random),
            curve: options.daily_curve.then_some(curve),
            random,
            everyday_at: begin,
            speller: Arc::new(Speller { world, options }),
            replaced: 0,
            first: None,
            made: 0,
            repeats: Vec::new(),
        };
        stream.settle();
        stream
    }

    /// Plans what lies before the start, which nobody is given.
    fn settle(&mut self) {
        let start = self.speller.options.start;
        while self.first.is_none() {
            let plan = self.next_plan();
            if plan.at >= start {
                self.first = Some(Box::new(plan));
            }
        }
    }

    /// What the stream was asked for, every value within its bounds.
    pub fn options(&self) -> &Options {
        &self.speller.options
    }

    /// The next plan in order of time.
    fn next_plan(&mut self) -> Plan {
        let speller = Arc::clone(&self.speller);
        let world = &speller.world;
        loop {
            if let Some(plan) = self.schedule.pop(world, self.everyday_at) {
                if plan.story.is_some() && !plan.is_fraud() {
                    self.replaced += 1;
                    self.count_honest(plan.at);
                }
                return plan;
            }
            let at = self.everyday_at;
            let pace = speller.options.payments_per_second * self.schedule.everyday_share();
            let wait_seconds = self.random.exponential() / pace;
            let next = match &self.curve {
                None => at.plus_micros(micros(wait_seconds)),
                Some(curve) => curve.after(at, wait_seconds),
            };
            // Several may fall on one microsecond: were they moved on, the highest rates would not be reached.
            self.everyday_at = next.max(at);
            self.schedule.habits(world, at);
            self.schedule
                .perhaps_begin(world, self.everyday_at, &mut self.random);
            if self.replaced > 0 {
                self.replaced -= 1;
                continue;
            }
            self.count_honest(at);
            let echoes = echo_share(&speller.options.profile) / self.schedule.everyday_share();
            if self.random.chance(echoes)
                && let Some(plan) = echo::payment(world, at, &mut self.random)
            {
                return plan;
            }
            let habits = self.schedule.habits(world, at);
            return everyday::payment(world, habits, at, &mut self.random);
        }
    }

    /// More fraud is owed.
    fn count_honest(&mut self, at: Instant) {
        let rate = self.speller.options.fraud_rate;
        let factor = self.curve.as_ref().map_or(1.0, |curve| curve.fraud(at));
        let of_hour = (rate * factor).min(FRAUD_RATE_OF_HOUR_MAX);
        self.schedule.count_honest(at, of_hour);
    }

    /// The next payment, planned.
    fn next_entry(&mut self) -> Entry {
        let due = self.repeats.iter().position(|(due, _)| *due <= self.made);
        if let Some(due) = due {
            return self.repeats.swap_remove(due).1;
        }
        let entry = Entry {
            plan: match self.first.take() {
                Some(first) => *first,
                None => self.next_plan(),
            },
            number: self.made,
            repeated: false,
        };
        self.made += 1;
        self.perhaps_repeat(&entry);
        entry
    }

    fn perhaps_repeat(&mut self, entry: &Entry) {
        if self.random.chance(self.speller.options.repeat_share) {
            let due = self.made + self.random.between(1, 100);
            let again = Entry {
                repeated: true,
                ..entry.clone()
            };
            self.repeats.push((due, again));
        }
    }

    /// The next payments, planned but not yet spelt out: what the iterator would give next, to be made
    /// on any thread.
    pub fn slice(&mut self, count: usize) -> Slice {
        let entries = (0..count).map(|_| self.next_entry()).collect();
        Slice::new(Arc::clone(&self.speller), entries)
    }
}

impl Iterator for Stream {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        let entry = self.next_entry();
        Some(self.speller.spell_out(&entry))
    }
}

#[cfg(test)]
mod tests;
