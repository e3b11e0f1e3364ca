//! The stream: everyday payments, innocent episodes and fraud in one order of time, without end.
//!
//! **Shares.** Fraud and look-alikes are owed: each everyday payment adds to what is owed, each episode
//! pays a part of it back when it is planned. So the shares hold over any longer stretch while episodes
//! still begin at irregular times. Before the first payment, episodes of the last forty minutes are
//! planned, so that the first minute has its fraud too.
//!
//! **Order.** Event times never fall, but for the late share (an event that was held up) and repeats
//! (the same value once more, a little later).

use std::collections::BinaryHeap;
use std::sync::Arc;

use sentinel_domain::{Instant, Label, Transaction};

use crate::calibration::{INNOCENT_SHARE, echo_share};
use crate::curve::{Curve, HourAccounts};
use crate::look_alike::after_seconds;
use crate::options::Options;
use crate::plan::{Plan, Queued};
use crate::profile::Fraud;
use crate::random::Random;
use crate::slice::{Entry, Slice, Speller, micros};
use crate::story::{LookAlike, Story};
use crate::world::{Purpose, World};
use crate::{echo, episode, everyday, look_alike};

/// One payment with what is known beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// What a system under test may see.
    pub transaction: Transaction,
    /// What will be learnt later; there exactly where the payment is fraud.
    pub label: Option<Label>,
    /// The story it belongs to. Not every payment of a story is fraud: some stories need honest ones.
    pub story: Option<Story>,
    /// The way in which it looks like fraud and is not.
    pub look_alike: Option<LookAlike>,
    /// The very same value came before.
    pub repeated: bool,
}

/// How likely an owed episode is planned at each everyday payment; more where fraud is frequent.
const BEGIN_CHANCE: f64 = 0.05;

/// No more innocent payments are owed than this, however long the queue was full.
const INNOCENT_OWED_MAX: f64 = 100.0;

/// Episodes that began this long before the first payment still have payments to come.
const WARM_UP_SECONDS: f64 = 2_400.0;

/// With more plans waiting only the shortest story is told, so that the queue stays bounded. It is
/// reached above some ten thousand payments a second; the first minutes then have less fraud than asked.
const WAITING_MAX: usize = 1 << 18;

/// No hour has a larger share of fraud.
const FRAUD_RATE_OF_HOUR_MAX: f64 = 0.8;

/// How many episodes are told to learn what stories pay.
const SAMPLE_EPISODES: u32 = 600;

/// What stories and innocent episodes plan, each plan with its weight.
fn told_sample(world: &World) -> Vec<(Plan, f64)> {
    let mut random = Random::new(world.hash(Purpose::Stream, 1));
    let mut plans = Vec::new();
    for _ in 0..SAMPLE_EPISODES {
        let story = episode::any_story(&mut random);
        episode::plan(world, story, world.start, &mut random, &mut plans);
        look_alike::plan(world, world.start, &mut random, &mut plans);
    }
    plans.into_iter().map(|plan| (plan, 1.0)).collect()
}

/// An endless stream of payments. The same options give the same stream.
#[derive(Debug, Clone)]
pub struct Stream {
    speller: Arc<Speller>,
    random: Random,
    /// The profile's hours and days, and what its hours owe; `None` where every hour is alike.
    curve: Option<(Curve, HourAccounts)>,
    /// What is planned beyond everyday payments.
    waiting: BinaryHeap<Queued>,
    /// Plans of one episode on their way to the queue; kept for its memory.
    planned: Vec<Plan>,
    sequence: u64,
    everyday_at: Instant,
    /// Payments of fraud, and of innocent episodes, still to be planned.
    fraud_owed: f64,
    innocent_owed: f64,
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
        world.calibrate(&options.profile, told_sample(&world));
        let curve = Curve::new(&options.profile, options.start);
        let mut stream = Self {
            random: Random::new(world.hash(Purpose::Stream, 0)),
            curve: options
                .daily_curve
                .then(|| (curve, HourAccounts::default())),
            everyday_at: options.start,
            speller: Arc::new(Speller { world, options }),
            waiting: BinaryHeap::new(),
            planned: Vec::new(),
            sequence: 0,
            fraud_owed: 0.0,
            innocent_owed: 0.0,
            made: 0,
            repeats: Vec::new(),
        };
        stream.warm_up();
        stream
    }

    /// What the stream was asked for, every value within its bounds.
    pub fn options(&self) -> &Options {
        &self.speller.options
    }

    fn warm_up(&mut self) {
        let options = &self.speller.options;
        let (start, fraud_rate) = (options.start, options.fraud_rate);
        let now = |(curve, _): &(Curve, HourAccounts)| (curve.volume_at(start), curve.fraud(start));
        let (volume, fraud) = self.curve.as_ref().map_or((1.0, 1.0), now);
        let payments = options.payments_per_second * volume * WARM_UP_SECONDS;
        self.fraud_owed = payments * fraud_rate * fraud;
        self.innocent_owed = payments * INNOCENT_SHARE;
        while (self.fraud_owed > 0.0 || self.innocent_owed > 0.0)
            && self.waiting.len() < WAITING_MAX
        {
            let earlier = -self.random.within(0.0, WARM_UP_SECONDS);
            let begin = after_seconds(start, earlier);
            self.begin_owed_episodes(begin);
        }
        (self.fraud_owed, self.innocent_owed) = (0.0, 0.0);
    }

    fn begin_owed_episodes(&mut self, begin: Instant) {
        if self.fraud_owed > 0.0 && self.hour_is_open(begin) {
            let story = if self.waiting.len() < WAITING_MAX {
                episode::any_story(&mut self.random)
            } else {
                Story::VelocityBurst
            };
            episode::plan(
                &self.speller.world,
                story,
                begin,
                &mut self.random,
                &mut self.planned,
            );
            self.queue_planned();
        }
        if self.innocent_owed > 0.0 && self.waiting.len() < WAITING_MAX {
            look_alike::plan(
                &self.speller.world,
                begin,
                &mut self.random,
                &mut self.planned,
            );
            self.queue_planned();
        }
    }

    /// Whether the hour still owes fraud; before the start every hour does.
    fn hour_is_open(&mut self, at: Instant) -> bool {
        let warming_up = at < self.speller.options.start;
        let open = |(_, hours): &mut (Curve, HourAccounts)| warming_up || hours.open(at);
        self.curve.as_mut().is_none_or(open)
    }

    fn queue_planned(&mut self) {
        for plan in self.planned.drain(..) {
            if plan.is_fraud() {
                self.fraud_owed -= 1.0;
                if let Some((_, hours)) = &mut self.curve
                    && plan.at >= self.speller.options.start
                {
                    hours.pay(plan.at);
                }
            } else {
                self.innocent_owed -= 1.0;
            }
            if plan.at >= self.speller.options.start {
                self.sequence += 1;
                self.waiting.push(Queued {
                    plan,
                    sequence: self.sequence,
                });
            }
        }
    }

    /// The next plan in order of time.
    fn next_plan(&mut self) -> Plan {
        if let Some(first) = self.waiting.peek()
            && first.plan.at <= self.everyday_at
            && let Some(first) = self.waiting.pop()
        {
            return first.plan;
        }
        let at = self.everyday_at;
        let options = &self.speller.options;
        let fraud_rate = match &self.curve {
            None => options.fraud_rate,
            Some((curve, _)) => {
                (options.fraud_rate * curve.fraud(at)).clamp(0.0, FRAUD_RATE_OF_HOUR_MAX)
            }
        };
        let everyday_share = 1.0 - fraud_rate - INNOCENT_SHARE;
        let echoes = echo_share(&options.profile) / everyday_share;
        let everyday_pace =
            options.payments_per_second * (1.0 - options.fraud_rate - INNOCENT_SHARE);
        let wait = self.random.exponential() / everyday_pace;
        let next = match &mut self.curve {
            None => at.plus_micros(micros(wait)),
            Some((curve, hours)) => {
                hours.owe(at, fraud_rate / everyday_share);
                curve.after(at, wait)
            }
        };
        self.everyday_at = next.max(at.plus_micros(1));
        self.fraud_owed += fraud_rate / everyday_share;
        let innocent = self.innocent_owed + INNOCENT_SHARE / everyday_share;
        self.innocent_owed = innocent.min(INNOCENT_OWED_MAX);
        let keen = fraud_rate / everyday_share * 0.3;
        if self.random.chance(BEGIN_CHANCE + keen) {
            let begin = after_seconds(self.everyday_at, self.random.within(0.0, 30.0));
            self.begin_owed_episodes(begin);
        }
        let world = &self.speller.world;
        if self.random.chance(echoes)
            && let Some(plan) = echo::payment(world, at, &mut self.random)
        {
            return plan;
        }
        everyday::payment(world, at, &mut self.random)
    }

    /// The next payment, planned.
    fn next_entry(&mut self) -> Entry {
        let due = self.repeats.iter().position(|(due, _)| *due <= self.made);
        if let Some(due) = due {
            return self.repeats.swap_remove(due).1;
        }
        let entry = Entry {
            plan: self.next_plan(),
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

/// A number within bounds; the lower one where it is no number.
fn bounded(value: f64, low: f64, high: f64) -> f64 {
    if value.is_nan() {
        low
    } else {
        value.clamp(low, high)
    }
}

#[cfg(test)]
mod tests;
