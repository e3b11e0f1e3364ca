//! The schedule: which episodes begin when, and what is planned beyond everyday payments.
//!
//! **Shares.** Every tale has its share of the payments, and each honest payment adds to what its
//! episodes owe; an episode pays back all of its payments when it begins. So shares hold over any longer
//! stretch, however long a story is, while episodes still begin at irregular times. Before the first
//! payment the episodes of the past are planned, each tale as far back as it lasts, so that the first
//! minute has bust-outs whose quiet weeks lie before the stream.
//!
//! **Memory.** Of an episode only the next few payments wait; the rest is told again when they are
//! gone. The queue is bounded by [`WAITING_MAX`]. Must never hold a text.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::num::NonZeroU64;

use sentinel_domain::{Instant, MICROS_PER_SECOND};

use crate::calibration::INNOCENT_SHARE;
use crate::curve::{Curve, HourAccounts};
use crate::drift::Habits;
use crate::look_alike;
use crate::options::Options;
use crate::plan::Plan;
use crate::random::Random;
use crate::story::{Reach, Story, Tale};
use crate::telling::{Episode, after_seconds, reach_seconds};
use crate::world::World;

/// How likely it is at each everyday payment that an owed episode begins; more where fraud is frequent.
const BEGIN_CHANCE: f64 = 0.05;

/// No more payments are owed by a look-alike than this, however long the queue was full.
const INNOCENT_OWED_MAX: f64 = 100.0;

/// With more waiting only the shortest story is told, so that the queue stays bounded; some ten million
/// customers fill it. 160 bytes each at most.
pub(crate) const WAITING_MAX: usize = 1 << 20;

/// Payments of an episode that are due within this part of a day of the world, or within a minute, wait
/// together; for those of later the episode is told again. Longer takes more memory, shorter more time.
const TOGETHER_DAYS: f64 = 0.25;
const TOGETHER_SECONDS: f64 = 60.0;

/// Shares follow the drift and the calendar at this pace of event time.
const REFRESH_MICROS: i64 = 600 * MICROS_PER_SECOND;

/// What waits: one payment, or the rest of an episode from a payment on.
#[derive(Debug, Clone)]
enum Waiting {
    Payment(Plan),
    Rest { episode: Episode, from: u32 },
}

/// Something in the queue: the earliest first, in the order of planning where times are equal.
#[derive(Debug, Clone)]
struct Queued {
    at: Instant,
    sequence: u64,
    waiting: Waiting,
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        // Turned round: the standard heap gives the greatest first.
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}

/// What a tale owes.
#[derive(Debug, Clone)]
struct Debt {
    tale: Tale,
    /// Payments still to be planned, may be negative.
    owed: f64,
    /// What an honest payment adds.
    accrual: f64,
}

/// Episodes begun and to begin.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    fraud_rate: f64,
    queue: BinaryHeap<Queued>,
    sequence: u64,
    /// How many episodes began.
    episodes: u64,
    debts: Vec<Debt>,
    /// What holds now, until when, and honest payments since it was looked up.
    habits: Habits,
    habits_until: Instant,
    honest: f64,
    /// What hours of the day owe, where they differ.
    hours: Option<(Curve, HourAccounts)>,
    /// Plans of one episode on their way to the queue; kept for its memory.
    planned: Vec<Plan>,
}

/// How many episodes of each tale are told to learn what stories pay.
const SAMPLE_EPISODES: u64 = 16;

/// What stories and innocent episodes plan, each plan with its weight.
pub(crate) fn told_sample(world: &World) -> Vec<(Plan, f64)> {
    let mut sample = Vec::new();
    let mut plans = Vec::new();
    for tale in Tale::all() {
        let Some(script) = tale.script() else {
            continue;
        };
        let fraud = matches!(tale, Tale::Fraud(_));
        let mut told: Vec<Plan> = Vec::new();
        for number in 1..=SAMPLE_EPISODES {
            let episode = Episode {
                tale,
                number: NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN),
                start: world.start,
            };
            episode.tell(world, &mut plans);
            told.extend(plans.drain(..).filter(|plan| plan.fraud == fraud));
        }
        let weight = script.share / f64::max(told.len() as f64, 1.0);
        sample.extend(told.into_iter().map(|plan| (plan, weight)));
    }
    sample
}

impl Schedule {
    /// A schedule at the start of the world, with what past episodes left for it.
    pub(crate) fn new(world: &World, options: &Options, random: &mut Random) -> Self {
        let (fraud_rate, pace) = (options.fraud_rate, options.payments_per_second);
        let debts = Tale::all().filter(|tale| tale.script().is_some());
        let mut schedule = Self {
            fraud_rate,
            queue: BinaryHeap::new(),
            sequence: 0,
            episodes: 0,
            debts: debts
                .map(|tale| Debt {
                    tale,
                    owed: 0.0,
                    accrual: 0.0,
                })
                .collect(),
            habits: world.habits(world.start),
            habits_until: world.start,
            honest: 0.0,
            hours: options.daily_curve.then(|| {
                let curve = Curve::new(&options.profile, options.start);
                (curve, HourAccounts::default())
            }),
            planned: Vec::new(),
        };
        schedule.look_up(world, world.start);
        schedule.warm_up(world, pace * schedule.everyday_share(), random);
        schedule
    }

    /// The share of honest payments outside of innocent episodes.
    pub(crate) fn everyday_share(&self) -> f64 {
        1.0 - self.fraud_rate - INNOCENT_SHARE
    }

    /// What holds at an instant. The instants asked for never fall.
    pub(crate) fn habits(&mut self, world: &World, at: Instant) -> &Habits {
        if at >= self.habits_until {
            self.look_up(world, at);
        }
        &self.habits
    }

    fn look_up(&mut self, world: &World, at: Instant) {
        self.habits = world.habits(at);
        self.habits_until = at.plus_micros(REFRESH_MICROS);
        let everyday = self.everyday_share();
        let weight = |tale: Tale, habits: &Habits| {
            let usual = tale.script().map_or(0.0, |script| script.share);
            match tale {
                Tale::Fraud(story) => usual * habits.story_factor(story),
                Tale::Innocent(kind) => usual * look_alike::season(kind, at),
            }
        };
        let (mut frauds, mut innocents) = (0.0, 0.0);
        for debt in &self.debts {
            match debt.tale {
                Tale::Fraud(_) => frauds += weight(debt.tale, &self.habits),
                Tale::Innocent(_) => innocents += weight(debt.tale, &self.habits),
            }
        }
        for debt in &mut self.debts {
            let (share, sum) = match debt.tale {
                Tale::Fraud(_) => (self.fraud_rate, frauds),
                Tale::Innocent(_) => (INNOCENT_SHARE, innocents),
            };
            debt.owed += debt.accrual * self.honest;
            let part = weight(debt.tale, &self.habits) / f64::max(sum, 1e-9);
            debt.accrual = share * part / everyday;
        }
        self.honest = 0.0;
    }

    /// Plans what began before the start and is not over. Each tale may take up a part of the queue,
    /// tales of an hour a small one: their room is reached above ten thousand payments a second, where
    /// filling it further would take seconds.
    fn warm_up(&mut self, world: &World, everyday_pace: f64, random: &mut Random) {
        for index in 0..self.debts.len() {
            let Some(debt) = self.debts.get(index) else {
                break;
            };
            let (tale, accrual) = (debt.tale, debt.accrual);
            let part = match tale.script().map(|script| script.reach) {
                Some(Reach::Days(_)) => WAITING_MAX / 6,
                _ => WAITING_MAX / 32,
            };
            let room = (self.queue.len() + part).min(WAITING_MAX);
            let reach = reach_seconds(world, tale);
            let mut owed = accrual * everyday_pace * reach;
            while owed > 0.0 && self.queue.len() < room {
                let earlier = random.within(0.0, reach);
                owed -= self.begin(world, tale, after_seconds(world.start, -earlier));
            }
            if let Some(debt) = self.debts.get_mut(index) {
                // The last episode paid too much back; more is owed where the queue was full.
                debt.owed = owed.min(0.0);
            }
        }
    }

    /// An honest payment was made: more is owed, and the hour is due this share of fraud.
    pub(crate) fn count_honest(&mut self, at: Instant, fraud_rate: f64) {
        self.honest += 1.0;
        if let Some((_, hours)) = &mut self.hours {
            hours.owe(
                at,
                fraud_rate / (1.0 - fraud_rate - INNOCENT_SHARE).max(0.1),
            );
        }
    }

    /// Perhaps begins an episode that is owed, around an instant.
    pub(crate) fn perhaps_begin(&mut self, world: &World, around: Instant, random: &mut Random) {
        let keen = (self.fraud_rate + INNOCENT_SHARE) / self.everyday_share();
        if !random.chance(BEGIN_CHANCE + keen * 0.6) {
            return;
        }
        let mut left = random.unit() * keen;
        let by_share = self.debts.iter().position(|debt| {
            left -= debt.accrual;
            left < 0.0
        });
        let Some(mut index) = by_share else { return };
        let mut by_hour = false;
        if self
            .hours
            .as_mut()
            .is_some_and(|(_, hours)| hours.open(around))
            && let Some(most) = self.most_owed_fraud()
        {
            // Hours say how much fraud there is, debts only which.
            (index, by_hour) = (most, true);
        }
        let Some(debt) = self.debts.get(index) else {
            return;
        };
        let mut owed = debt.owed + debt.accrual * self.honest;
        let closed = self.hours.is_some() && matches!(debt.tale, Tale::Fraud(_));
        if !by_hour && (owed <= 0.0 || closed) {
            return;
        }
        let start = after_seconds(around, random.within(0.0, 30.0));
        let full = self.queue.len() >= WAITING_MAX;
        match debt.tale {
            Tale::Fraud(_) if full => {
                let short = Tale::Fraud(Story::VelocityBurst);
                owed -= self.begin(world, short, start);
            }
            Tale::Innocent(_) if full => owed = owed.min(INNOCENT_OWED_MAX),
            tale => owed -= self.begin(world, tale, start),
        }
        if let Some(debt) = self.debts.get_mut(index) {
            debt.owed = owed - debt.accrual * self.honest;
        }
    }

    /// The story that is furthest behind its share.
    fn most_owed_fraud(&self) -> Option<usize> {
        let honest = self.honest;
        let owed = |debt: &Debt| debt.owed + debt.accrual * honest;
        let told = |debt: &Debt| matches!(debt.tale, Tale::Fraud(_)) && debt.accrual > 0.0;
        let frauds = self.debts.iter().enumerate().filter(|(_, debt)| told(debt));
        let most = frauds.max_by(|one, other| owed(one.1).total_cmp(&owed(other.1)));
        most.map(|(index, _)| index)
    }

    /// Begins an episode and says how many payments it has of the kind that its tale owes.
    fn begin(&mut self, world: &World, tale: Tale, start: Instant) -> f64 {
        self.episodes += 1;
        let number = NonZeroU64::new(self.episodes).unwrap_or(NonZeroU64::MIN);
        let episode = Episode {
            tale,
            number,
            start,
        };
        let fraud = matches!(tale, Tale::Fraud(_));
        self.tell(world, episode);
        let count = self.planned.iter().filter(|plan| plan.fraud == fraud);
        let paid = count.count() as f64;
        let past = self.planned.partition_point(|plan| plan.at < world.start);
        if let Some((_, hours)) = &mut self.hours {
            let near = self.planned.iter().skip(past).filter(|plan| !plan.far);
            for plan in near.filter(|plan| plan.fraud) {
                hours.pay(plan.at);
            }
        }
        self.queue_from(world, episode, past);
        // A tale that finds nobody to tell of must not be tried for ever.
        paid.max(1.0)
    }

    /// Tells an episode. What lies many hours behind its beginning keeps to the hours of fraud.
    fn tell(&mut self, world: &World, episode: Episode) {
        episode.tell(world, &mut self.planned);
        let Some((curve, _)) = &self.hours else {
            return;
        };
        if self.planned.last().is_some_and(|last| last.far) {
            let begin = episode.start;
            for plan in self.planned.iter_mut().filter(|plan| plan.far) {
                plan.at = curve.towards_fraud(plan.at).max(begin);
            }
            self.planned.sort_by_key(|plan| plan.at);
        }
    }

    /// Queues the next payments of the told episode, and what tells it again after them.
    fn queue_from(&mut self, world: &World, episode: Episode, from: usize) {
        let Some(first) = self.planned.get(from) else {
            return;
        };
        let seconds = (TOGETHER_DAYS * world.day_seconds).max(TOGETHER_SECONDS);
        let soon = after_seconds(first.at, seconds);
        let until = self.planned.partition_point(|plan| plan.at <= soon);
        let rest = self.planned.get(until).map(|plan| plan.at);
        let mut planned = std::mem::take(&mut self.planned);
        for plan in planned.drain(..).take(until).skip(from) {
            self.wait_for(plan.at, Waiting::Payment(plan));
        }
        self.planned = planned;
        if let Some(at) = rest {
            let from = u32::try_from(until).unwrap_or(u32::MAX);
            self.wait_for(at, Waiting::Rest { episode, from });
        }
    }

    fn wait_for(&mut self, at: Instant, waiting: Waiting) {
        self.sequence += 1;
        self.queue.push(Queued {
            at,
            sequence: self.sequence,
            waiting,
        });
    }

    /// The next planned payment, if it is due by an instant.
    pub(crate) fn pop(&mut self, world: &World, by: Instant) -> Option<Plan> {
        loop {
            if self.queue.peek()?.at > by {
                return None;
            }
            match self.queue.pop()?.waiting {
                Waiting::Payment(plan) => {
                    if let Some((_, hours)) = &mut self.hours
                        && plan.fraud
                        && plan.far
                    {
                        hours.pay(plan.at);
                    }
                    return Some(plan);
                }
                Waiting::Rest { episode, from } => {
                    self.tell(world, episode);
                    self.queue_from(world, episode, usize::try_from(from).unwrap_or(usize::MAX));
                }
            }
        }
    }

    /// How many payments and rests of episodes wait.
    #[cfg(test)]
    pub(crate) fn waiting_count(&self) -> usize {
        self.queue.len()
    }
}
