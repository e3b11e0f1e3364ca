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

use sentinel_domain::{EventId, Instant, Label, LabelSource, MICROS_PER_SECOND, Text, Transaction};

use crate::builder::fraud_label;
use crate::look_alike::after_seconds;
use crate::options::Options;
use crate::plan::{Plan, Queued};
use crate::random::Random;
use crate::spelling::push_number;
use crate::story::{LookAlike, Story};
use crate::world::{Purpose, World};
use crate::{episode, everyday, look_alike, payment};

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

/// The share of payments in innocent episodes and in the honest parts of stories.
const INNOCENT_SHARE: f64 = 0.03;

/// How likely an owed episode is planned at each everyday payment; more where fraud is frequent.
const BEGIN_CHANCE: f64 = 0.05;

/// No more innocent payments are owed than this, however long the queue was full.
const INNOCENT_OWED_MAX: f64 = 100.0;

/// Episodes that began this long before the first payment still have payments to come.
const WARM_UP_SECONDS: f64 = 2_400.0;

/// With more plans waiting only the shortest story is told, so that the queue stays bounded. It is
/// reached above some ten thousand payments a second; the first minutes then have less fraud than asked.
const WAITING_MAX: usize = 1 << 18;

/// An endless stream of payments. The same options give the same stream.
#[derive(Debug, Clone)]
pub struct Stream {
    world: World,
    options: Options,
    random: Random,
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
        let mut stream = Self {
            random: Random::new(world.hash(Purpose::Stream, 0)),
            everyday_at: options.start,
            world,
            options,
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
        &self.options
    }

    fn warm_up(&mut self) {
        let payments = self.options.payments_per_second * WARM_UP_SECONDS;
        self.fraud_owed = payments * self.options.fraud_rate;
        self.innocent_owed = payments * INNOCENT_SHARE;
        while (self.fraud_owed > 0.0 || self.innocent_owed > 0.0)
            && self.waiting.len() < WAITING_MAX
        {
            let earlier = -self.random.within(0.0, WARM_UP_SECONDS);
            let begin = after_seconds(self.options.start, earlier);
            self.begin_owed_episodes(begin);
        }
        (self.fraud_owed, self.innocent_owed) = (0.0, 0.0);
    }

    fn begin_owed_episodes(&mut self, begin: Instant) {
        if self.fraud_owed > 0.0 {
            let story = if self.waiting.len() < WAITING_MAX {
                episode::any_story(&mut self.random)
            } else {
                Story::VelocityBurst
            };
            episode::plan(
                &self.world,
                story,
                begin,
                &mut self.random,
                &mut self.planned,
            );
            self.queue_planned();
        }
        if self.innocent_owed > 0.0 && self.waiting.len() < WAITING_MAX {
            look_alike::plan(&self.world, begin, &mut self.random, &mut self.planned);
            self.queue_planned();
        }
    }

    fn queue_planned(&mut self) {
        for plan in self.planned.drain(..) {
            if plan.is_fraud() {
                self.fraud_owed -= 1.0;
            } else {
                self.innocent_owed -= 1.0;
            }
            if plan.at >= self.options.start {
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
        let everyday_share = 1.0 - self.options.fraud_rate - INNOCENT_SHARE;
        let rate = self.options.payments_per_second * everyday_share;
        self.everyday_at = at.plus_micros(micros(self.random.exponential() / rate).max(1));
        self.fraud_owed += self.options.fraud_rate / everyday_share;
        let innocent = self.innocent_owed + INNOCENT_SHARE / everyday_share;
        self.innocent_owed = innocent.min(INNOCENT_OWED_MAX);
        let keen = self.options.fraud_rate / everyday_share * 0.3;
        if self.random.chance(BEGIN_CHANCE + keen) {
            let begin = after_seconds(self.everyday_at, self.random.within(0.0, 30.0));
            self.begin_owed_episodes(begin);
        }
        everyday::payment(&self.world, at, &mut self.random)
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
        let label = plan.is_fraud().then(|| {
            let source = match plan.story {
                Some(Story::AccountTakeover) => LabelSource::Customer,
                Some(Story::CompromisedTerminal) => LabelSource::IssuerAlert,
                _ => LabelSource::Chargeback,
            };
            fraud_label(&transaction, source, self.options.label_delay_micros)
        });
        Generated {
            transaction,
            label,
            story: plan.story,
            look_alike: plan.look_alike,
            repeated: false,
        }
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
    reason = "waiting times are hours at most, and the conversion saturates"
)]
fn micros(seconds: f64) -> i64 {
    libm::round(seconds * MICROS_PER_SECOND as f64) as i64
}

#[cfg(test)]
mod tests;
