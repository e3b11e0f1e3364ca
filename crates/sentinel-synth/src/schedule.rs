//! The schedule: which episodes begin when, and what is planned beyond everyday payments.
//!
//! **Shares.** Every tale has its share of the payments, and each honest payment adds to what its
//! episodes owe; an episode pays back all of its payments when it begins. So shares hold over any longer
//! stretch, however long a story is, while episodes still begin at irregular times.
//!
//! **The beginning** is as any other time, in a world of five hundred people and of ten million. Before
//! the first payment the episodes of the past are planned, each tale as far back as it lasts, so that the
//! first minute has bust-outs whose quiet weeks lie before the stream. What a tale owes then is somewhere
//! between two of its episodes: a small world may begin with none. Where there are more episodes of the
//! past than may wait, the shortest story takes their place until new ones have come as far. The
//! beginning lies some ten thousand payments before the first that is given, so that hours have settled.
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

/// An episode begins within so many seconds behind the payment at which it was decided on.
const BEGIN_SECONDS: f64 = 30.0;

/// The story that stands in for others where the queue is full.
const SHORT: Story = Story::VelocityBurst;

/// The part of the queue that the past of other tales leaves to it.
const STAND_IN_ROOM: usize = WAITING_MAX / 4;

/// How often is looked what a story must stand in for.
const STAND_IN_MICROS: i64 = 10 * MICROS_PER_SECOND;

/// What a tale owes.
#[derive(Debug, Clone)]
struct Debt {
    tale: Tale,
    /// Payments still to be planned, may be negative.
    owed: f64,
    /// What an honest payment adds.
    accrual: f64,
    /// The part of the past's episodes that was not planned, for want of room.
    missing: f64,
}

impl Debt {
    /// The part of its payments that is missing at an instant: all of the past's at the beginning, none once
    /// no episode of the past would go on.
    fn missing_at(&self, world: &World, since: Instant, at: Instant) -> f64 {
        if self.missing <= 0.0 {
            return 0.0;
        }
        let gone = at.micros_since(since) as f64 / MICROS_PER_SECOND as f64;
        let reach = reach_seconds(world, self.tale);
        self.missing * (1.0 - gone / f64::max(reach, 1.0)).max(0.0)
    }
}

/// Episodes begun and to begin.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    /// Nothing is planned for before it.
    begin: Instant,
    fraud_rate: f64,
    queue: BinaryHeap<Queued>,
    sequence: u64,
    /// How many episodes began.
    episodes: u64,
    debts: Vec<Debt>,
    /// What an honest payment adds to all of them.
    accruals: f64,
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
    /// A schedule from an instant on, at or before the start of the world, with what past episodes left for it.
    pub(crate) fn new(
        world: &World,
        options: &Options,
        begin: Instant,
        random: &mut Random,
    ) -> Self {
        let (fraud_rate, pace) = (options.fraud_rate, options.payments_per_second);
        let debts = Tale::all().filter(|tale| tale.script().is_some());
        let mut schedule = Self {
            begin,
            fraud_rate,
            queue: BinaryHeap::new(),
            sequence: 0,
            episodes: 0,
            debts: debts
                .map(|tale| Debt {
                    tale,
                    owed: 0.0,
                    accrual: 0.0,
                    missing: 0.0,
                })
                .collect(),
            accruals: 0.0,
            habits: world.habits(begin),
            habits_until: begin,
            honest: 0.0,
            hours: options.daily_curve.then(|| {
                let curve = Curve::new(&options.profile, options.start);
                (curve, HourAccounts::default())
            }),
            planned: Vec::new(),
        };
        schedule.look_up(world, begin);
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
        self.stand_in(world, at);
        self.accruals = self.debts.iter().map(|debt| debt.accrual).sum();
        self.honest = 0.0;
    }

    /// The shortest story is told for what is missing of others' past.
    fn stand_in(&mut self, world: &World, at: Instant) {
        let frauds = || {
            let told = |debt: &&Debt| matches!(debt.tale, Tale::Fraud(_));
            self.debts.iter().filter(told)
        };
        let lacking = |debt: &Debt| debt.accrual * debt.missing_at(world, self.begin, at);
        let missing: f64 = frauds().map(lacking).sum();
        if missing <= 0.0 {
            return;
        }
        self.habits_until = at.plus_micros(STAND_IN_MICROS);
        let short = |debt: &&mut Debt| debt.tale == Tale::Fraud(SHORT);
        if let Some(debt) = self.debts.iter_mut().find(short) {
            debt.accrual += missing;
        }
    }

    /// Plans what began before the start and is not over, last the story that stands in for others.
    fn warm_up(&mut self, world: &World, everyday_pace: f64, random: &mut Random) {
        let is_short = |debt: &Debt| debt.tale == Tale::Fraud(SHORT);
        let short = self.debts.iter().position(is_short);
        for index in (0..self.debts.len()).filter(|index| Some(*index) != short) {
            self.warm_up_tale(world, index, everyday_pace, random);
        }
        if let Some(index) = short {
            self.look_up(world, self.begin);
            self.warm_up_tale(world, index, everyday_pace, random);
        }
    }

    /// Each tale may take up a part of the queue, tales of an hour a small one: their room is reached above
    /// ten thousand payments a second, where filling it further would take seconds.
    fn warm_up_tale(
        &mut self,
        world: &World,
        index: usize,
        everyday_pace: f64,
        random: &mut Random,
    ) {
        let Some(debt) = self.debts.get(index) else {
            return;
        };
        let (tale, accrual) = (debt.tale, debt.accrual);
        let part = match tale.script().map(|script| script.reach) {
            Some(Reach::Days(_)) => WAITING_MAX / 6,
            _ => WAITING_MAX / 32,
        };
        let room = if tale == Tale::Fraud(SHORT) {
            WAITING_MAX
        } else {
            (self.queue.len() + part).min(WAITING_MAX - STAND_IN_ROOM)
        };
        let reach = reach_seconds(world, tale) + BEGIN_SECONDS;
        let all = accrual * everyday_pace * reach;
        if all <= 0.0 {
            return;
        }
        // Where between two of its episodes the beginning falls is drawn with the first of them.
        let mut phase = Some(random.unit());
        let mut owed = all;
        while self.queue.len() < room {
            let decided = random.within(0.0, reach);
            let start = random.within(0.0, BEGIN_SECONDS) - decided;
            let (episode, paid) = self.next_episode(world, tale, after_seconds(self.begin, start));
            owed -= phase.take().unwrap_or(0.0) * paid;
            if owed <= 0.0 {
                break;
            }
            self.begin(world, episode);
            owed -= paid;
        }
        if let Some(debt) = self.debts.get_mut(index) {
            // The last episode paid too much back; what found no room is missing.
            debt.owed = owed.min(0.0);
            debt.missing = (owed / all).max(0.0);
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
        let mut left = random.unit() * self.accruals;
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
        let start = after_seconds(around, random.within(0.0, BEGIN_SECONDS));
        let full = self.queue.len() >= WAITING_MAX;
        let tale = match debt.tale {
            Tale::Fraud(_) if full => Some(Tale::Fraud(SHORT)),
            Tale::Innocent(_) if full => None,
            tale => Some(tale),
        };
        if let Some(tale) = tale {
            let (episode, paid) = self.next_episode(world, tale, start);
            self.begin(world, episode);
            owed -= paid;
        } else {
            owed = owed.min(INNOCENT_OWED_MAX);
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

    /// Tells the next episode, and says how many payments it has of the kind that its tale owes.
    fn next_episode(&mut self, world: &World, tale: Tale, start: Instant) -> (Episode, f64) {
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
        // A tale that finds nobody to tell of must not be tried for ever.
        (episode, f64::max(count.count() as f64, 1.0))
    }

    /// Begins the episode that was just told.
    fn begin(&mut self, world: &World, episode: Episode) {
        let begin = self.begin;
        let past = self.planned.partition_point(|plan| plan.at < begin);
        if let Some((_, hours)) = &mut self.hours {
            let near = self.planned.iter().skip(past).filter(|plan| !plan.far);
            for plan in near.filter(|plan| plan.fraud) {
                hours.pay(plan.at);
            }
        }
        self.queue_from(world, episode, past);
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
