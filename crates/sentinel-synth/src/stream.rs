//! The stream: everyday payments, innocent episodes and fraud in one order of time, without end.
//!
//! **Shares.** Which episodes begin when is told at `schedule`. An honest payment of a story takes the
//! place of an everyday one, so that the rate holds.
//!
//! **Order.** Event times never fall, but for the late share (an event that was held up) and repeats
//! (the same value once more, a little later).

use std::num::NonZeroU64;

use sentinel_domain::{EventId, Instant, Label, MICROS_PER_SECOND, Text, Transaction};

use crate::builder::fraud_label;
use crate::options::Options;
use crate::plan::Plan;
use crate::random::Random;
use crate::schedule::Schedule;
use crate::spelling::push_number;
use crate::story::{LookAlike, Story};
use crate::world::{Purpose, World};
use crate::{everyday, payment};

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

/// An endless stream of payments. The same options give the same stream.
#[derive(Debug, Clone)]
pub struct Stream {
    world: World,
    options: Options,
    random: Random,
    /// What is planned beyond everyday payments.
    schedule: Schedule,
    /// Everyday payments whose place honest payments of stories took.
    replaced: u64,
    everyday_at: Instant,
    /// How many transactions were made.
    made: u64,
    /// Values to give once more, each when so many transactions were made.
    repeats: Vec<(u64, Generated)>,
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
        let world = World::new(&options);
        let mut random = Random::new(world.hash(Purpose::Stream, 0));
        let pace = options.payments_per_second;
        let schedule = Schedule::new(&world, options.fraud_rate, pace, &mut random);
        Self {
            random,
            everyday_at: options.start,
            world,
            options,
            schedule,
            replaced: 0,
            made: 0,
            repeats: Vec::new(),
        }
    }

    /// What the stream was asked for, every value within its bounds.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The next plan in order of time.
    fn next_plan(&mut self) -> Plan {
        loop {
            if let Some(plan) = self.schedule.pop(&self.world, self.everyday_at) {
                if plan.story.is_some() && !plan.fraud {
                    self.replaced += 1;
                    self.schedule.count_honest();
                }
                return plan;
            }
            let at = self.everyday_at;
            let rate = self.options.payments_per_second * self.schedule.everyday_share();
            self.everyday_at = at.plus_micros(micros(self.random.exponential() / rate).max(1));
            self.schedule.habits(&self.world, at);
            self.schedule
                .perhaps_begin(&self.world, self.everyday_at, &mut self.random);
            if self.replaced > 0 {
                self.replaced -= 1;
                continue;
            }
            self.schedule.count_honest();
            let habits = self.schedule.habits(&self.world, at);
            return everyday::payment(&self.world, habits, at, &mut self.random);
        }
    }

    fn spell_out(&mut self, mut plan: Plan) -> Generated {
        // Acquirers stamp whole milliseconds.
        plan.at = Instant::from_micros(plan.at.micros().div_euclid(1_000) * 1_000);
        let mut event_id = Text::new(&self.options.id_prefix);
        push_number(&mut event_id, self.made);
        self.made += 1;
        let mut transaction =
            payment::render(&self.world, &plan, EventId(event_id), &mut self.random);
        self.perhaps_late(&mut transaction);
        let label = plan.fraud.then(|| self.label(&plan, &transaction));
        Generated {
            transaction,
            label,
            story: plan.story,
            episode: plan.episode.map(NonZeroU64::get),
            look_alike: plan.look_alike,
            repeated: false,
        }
    }

    /// What will be learnt about a fraud, and when: a matter of its story, its episode and, where
    /// payments are found out one by one, its card or account.
    fn label(&self, plan: &Plan, transaction: &Transaction) -> Label {
        let delay = plan.story.unwrap_or(Story::CardTesting).label_delay();
        let episode = plan.episode.map_or(0, NonZeroU64::get);
        let one = if delay.together {
            0
        } else {
            u64::from(plan.payer) + 1
        };
        let draw = self.world.hash(Purpose::LabelDelay, episode) ^ one;
        let spread = delay.spread * Random::new(draw).normal();
        let days = (delay.days_median * libm::exp(spread)).clamp(delay.days_min, delay.days_max);
        let own = micros(days * 86_400.0);
        let delay_micros = self.options.label_delay_micros.unwrap_or(own);
        fraud_label(transaction, delay.source, delay_micros)
    }

    /// A payment that was held up: it carries an earlier time than those before it.
    fn perhaps_late(&mut self, transaction: &mut Transaction) {
        if !self.random.chance(self.options.late_share) {
            return;
        }
        let at = transaction.event_time;
        let held_up = micros(self.random.unit() * seconds(self.options.late_micros_max)) + 1;
        let earlier = at.plus_micros(-held_up).micros().div_euclid(1_000) * 1_000;
        if earlier >= self.options.start.micros() && held_up <= self.options.late_micros_max {
            transaction.event_time = Instant::from_micros(earlier);
        }
    }

    fn perhaps_repeat(&mut self, generated: &Generated) {
        if self.random.chance(self.options.repeat_share) {
            let due = self.made + self.random.between(1, 100);
            let again = Generated {
                repeated: true,
                ..generated.clone()
            };
            self.repeats.push((due, again));
        }
    }
}

impl Iterator for Stream {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        let due = self.repeats.iter().position(|(due, _)| *due <= self.made);
        if let Some(due) = due {
            return Some(self.repeats.swap_remove(due).1);
        }
        let plan = self.next_plan();
        let generated = self.spell_out(plan);
        self.perhaps_repeat(&generated);
        Some(generated)
    }
}

/// A number within bounds; the lower one where it is no number.
fn bounded(value: f64, low: f64, high: f64) -> f64 {
    if value.is_nan() {
        low
    } else {
        value.clamp(low, high)
    }
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / MICROS_PER_SECOND as f64
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "waiting times are months at most, and the conversion saturates"
)]
fn micros(seconds: f64) -> i64 {
    libm::round(seconds * MICROS_PER_SECOND as f64) as i64
}

#[cfg(test)]
mod tests;
