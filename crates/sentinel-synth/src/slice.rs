//! Slices: planned payments, to be spelt out on any thread.
//!
//! Planning is in order and cheap; spelling out a payment is most of the work and a function of the
//! world, the plan and the payment's number alone. So a caller may take slices off the stream one after
//! the other, spell them out on as many threads as it likes and join them in order: the values are those
//! that the stream itself would have given. Starts no thread.

use std::num::NonZeroU64;
use std::sync::Arc;

use sentinel_domain::{EventId, Instant, Label, MICROS_PER_SECOND, Text, Transaction};

use crate::builder::fraud_label;
use crate::options::Options;
use crate::payment;
use crate::plan::Plan;
use crate::profile::Fraud;
use crate::random::Random;
use crate::spelling::push_number;
use crate::story::Story;
use crate::stream::Generated;
use crate::world::{Purpose, World};

/// A planned payment with its number in the stream.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) plan: Plan,
    pub(crate) number: u64,
    pub(crate) repeated: bool,
}

/// A run of planned payments of a [`crate::Stream`].
#[derive(Debug, Clone)]
pub struct Slice {
    speller: Arc<Speller>,
    entries: Vec<Entry>,
}

impl Slice {
    pub(crate) fn new(speller: Arc<Speller>, entries: Vec<Entry>) -> Self {
        Self { speller, entries }
    }

    /// How many payments it has, repeats included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The payments, in order, each made when it is asked for.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Generated> {
        self.entries
            .iter()
            .map(|entry| self.speller.spell_out(entry))
    }

    /// All payments, in order.
    pub fn generate(&self) -> Vec<Generated> {
        self.iter().collect()
    }
}

/// What every payment of a stream is spelt out with.
#[derive(Debug)]
pub(crate) struct Speller {
    pub(crate) world: World,
    pub(crate) options: Options,
}

impl Speller {
    pub(crate) fn spell_out(&self, entry: &Entry) -> Generated {
        let mut plan = entry.plan.clone();
        let traits = self.world.hash(Purpose::Payment, entry.number);
        let random = &mut Random::new(traits);
        // Acquirers stamp whole milliseconds.
        plan.at = Instant::from_micros(plan.at.micros().div_euclid(1_000) * 1_000);
        let mut event_id = Text::new(&self.options.id_prefix);
        push_number(&mut event_id, entry.number);
        let mut transaction = payment::render(&self.world, &plan, EventId(event_id), random);
        let naive = self.naive_fraud(entry.number, &mut transaction);
        self.perhaps_late(&mut transaction, random);
        let label = (naive || plan.is_fraud()).then(|| self.label(&plan, &transaction));
        Generated {
            transaction,
            label,
            story: plan.story,
            episode: plan.episode.map(NonZeroU64::get),
            look_alike: plan.look_alike,
            repeated: entry.repeated,
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
        // Nothing is learnt of a payment before it came, however late it was.
        let own = micros(days * 86_400.0).max(self.options.late_micros_max + 1);
        let delay_micros = self.options.label_delay_micros.unwrap_or(own);
        fraud_label(transaction, delay.source, delay_micros)
    }

    /// The one story of a profile without stories: every so many payments the amount is many times what
    /// it would have been.
    fn naive_fraud(&self, number: u64, transaction: &mut Transaction) -> bool {
        let Fraud::EveryNth { nth, amount_times } = self.options.profile.fraud else {
            return false;
        };
        if !(number + 1).is_multiple_of(u64::from(nth.max(1))) {
            return false;
        }
        transaction.amount_minor = times(transaction.amount_minor, amount_times);
        let billed = transaction.billing_amount_minor.as_mut();
        if let Some(billed) = billed {
            *billed = times(*billed, amount_times);
        }
        true
    }

    /// A payment that was held up: it carries an earlier time than those before it.
    fn perhaps_late(&self, transaction: &mut Transaction, random: &mut Random) {
        if !random.chance(self.options.late_share) {
            return;
        }
        let at = transaction.event_time;
        let most = self.options.late_micros_max;
        let held_up = micros(random.unit() * most as f64 / MICROS_PER_SECOND as f64) + 1;
        let earlier = at.plus_micros(-held_up).micros().div_euclid(1_000) * 1_000;
        if earlier >= self.options.start.micros() && held_up <= most {
            transaction.event_time = Instant::from_micros(earlier);
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "below 2^53 minor units times at most a million, and the conversion saturates"
)]
fn times(minor: i64, times: f64) -> i64 {
    (libm::round(minor as f64 * times) as i64).clamp(1, 1 << 53)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "waiting times are months at most, and the conversion saturates"
)]
pub(crate) fn micros(seconds: f64) -> i64 {
    libm::round(seconds * MICROS_PER_SECOND as f64) as i64
}
