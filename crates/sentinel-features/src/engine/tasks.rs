//! Taking many events in by several hands.
//!
//! ```text
//!  names of single kinds ─▶ names of pairs; fields and marks ─▶ each kind takes the events in ─▶ sweep
//!  a task a kind            a task each                         a task a kind                    the caller's
//! ```
//!
//! The kinds know nothing of each other but numbers of names and what an account paid before; both are settled before
//! the windows are touched. A task owns all that it changes and shares what nobody changes any more, so neither the
//! order of tasks nor their threads can show. Events go through in groups that end where the sweep works, as with one
//! pair of hands.
//!
//! Promises the state that [`FeatureEngine::absorb`] gives, byte for byte. Must never start a thread: that is for whoever
//! brings the [`Executor`].

#![allow(
    clippy::vec_box,
    reason = "a table of a thousand bytes goes from list to list by its address"
)]

use std::sync::Arc;

use sentinel_domain::Transaction;

use super::batch::{CURSORS_AHEAD, Lanes, code, marks};
use super::lookup::{Lookup, Time, find_candidates, number_pairs, number_singles};
use super::{FeatureEngine, Home, SWEEP_ENTRIES, sweep};
use crate::entity::EntityKind;
use crate::field::Category;
use crate::filter::EarlierAmounts;
use crate::local_time::LocalTime;
use crate::place::Distance;
use crate::plan::Plan;
use crate::table::{Dictionary, EVENTS_MAX, EntityFlags, EntityTable, EventView, Scratch};
use crate::totals::ABSENT;

/// Fewer events are taken in by the caller alone: handing them on would take as long.
const SHARED_MIN: usize = 48;

/// How many events ahead of the one at hand lines are asked for: of columns, and of the blocks that headers point at.
const COLUMNS_AHEAD: usize = 32;
const BLOCKS_AHEAD: usize = 16;

/// The kinds that have most to do, by measurement: their tasks are begun first.
const HEAVY: [EntityKind; 5] = [
    EntityKind::Account,
    EntityKind::Card,
    EntityKind::Device,
    EntityKind::Ip,
    EntityKind::Merchant,
];

/// A transaction and its amount in minor units of the reference currency.
#[derive(Debug)]
pub struct Event {
    /// What it says.
    pub transaction: Box<Transaction>,
    /// The amount.
    pub amount: Option<i64>,
}

/// Whoever runs tasks.
pub trait Executor {
    /// Runs every task to its end, in any order and on any threads, and gives all of them back in any order. Those
    /// that take longest come first.
    fn run(&mut self, tasks: Vec<Task>) -> Vec<Task>;
}

/// A piece of work.
#[derive(Debug)]
pub struct Task(Work);

#[derive(Debug)]
enum Work {
    Single(Box<Hand>, Arc<Group>),
    Pair(Box<Hand>, Arc<Named>),
    Describe(Box<Describing>, Arc<Named>),
    TakeIn(Box<Hand>, Arc<Described>),
}

impl Task {
    /// Does the work.
    pub fn run(&mut self) {
        match &mut self.0 {
            Work::Single(hand, group) => hand.number(group),
            Work::Pair(hand, named) => hand.number_pairs(named),
            Work::Describe(describing, named) => describing.describe(named),
            Work::TakeIn(hand, described) => hand.take_in(described),
        }
    }
}

/// What is kept from call to call.
#[derive(Debug, Default)]
pub(super) struct Kept {
    plan: Option<Arc<Plan>>,
    /// One of each kind.
    scratches: Vec<Box<Scratch>>,
}

/// A kind with its table, on its way through the tasks.
#[derive(Debug)]
struct Hand {
    kind: EntityKind,
    table: EntityTable,
    lookups: Arc<Vec<Lookup>>,
    scratch: Box<Scratch>,
}

impl Home for Box<Hand> {
    fn table(&self) -> &EntityTable {
        &self.table
    }

    fn table_mut(&mut self) -> &mut EntityTable {
        &mut self.table
    }
}

/// Events that go through together, and how each stands in time.
#[derive(Debug)]
struct Group {
    events: Arc<Vec<Event>>,
    from: usize,
    times: Vec<Time>,
}

impl Group {
    fn events(&self) -> &[Event] {
        &self.events[self.from..self.from + self.times.len()]
    }
}

/// Events whose single entities have their numbers.
#[derive(Debug)]
struct Named {
    group: Arc<Group>,
    plan: Arc<Plan>,
    /// In the order of the lanes.
    singles: Vec<(EntityKind, Arc<Vec<Lookup>>)>,
}

impl Named {
    fn of(&self, kind: EntityKind) -> Option<&[Lookup]> {
        let found = self.singles.iter().find(|(single, _)| *single == kind);
        found.map(|(_, lookups)| lookups.as_slice())
    }
}

/// What the set says of each event.
#[derive(Debug, Default)]
struct Fields {
    numbers: Vec<i64>,
    categories: Vec<u32>,
    marks: Vec<u32>,
    locals: Vec<LocalTime>,
}

/// Events of which everything is known that the kinds take in.
#[derive(Debug)]
struct Described {
    group: Arc<Group>,
    plan: Arc<Plan>,
    fields: Fields,
}

/// What it takes to describe events: words of fields, and what accounts paid before.
#[derive(Debug)]
struct Describing {
    account: Option<Box<Hand>>,
    dictionaries: Vec<Option<Dictionary>>,
    fields: Fields,
}

impl FeatureEngine {
    /// Takes transactions in, in log order, by the hands of an executor, and says nothing of them: the state is as after
    /// [`FeatureEngine::absorb`]. Gives them back, for whoever lets them go.
    pub fn absorb_by(&mut self, events: Vec<Event>, executor: &mut dyn Executor) -> Vec<Event> {
        if events.len() < SHARED_MIN {
            let each = events.iter().map(|one| (&*one.transaction, one.amount));
            self.absorb(&each.collect::<Vec<_>>());
            return events;
        }
        let mut hands = self.hands();
        let events = Arc::new(events);
        let mut from = 0;
        while from < events.len() {
            let until_sweep = SWEEP_ENTRIES - self.entries % SWEEP_ENTRIES;
            let most = usize::try_from(until_sweep).unwrap_or(EVENTS_MAX);
            let group = events[from..].iter().take(most);
            let count = self.stand_in_time(group.map(|one| &*one.transaction));
            let group = Group {
                events: Arc::clone(&events),
                from,
                times: std::mem::take(&mut self.batch.times),
            };
            hands = self.run_by((hands, group), executor);
            from += count;
            self.entries += count as u64;
            if self.entries.is_multiple_of(SWEEP_ENTRIES)
                && let Some(now_ms) = self.greatest_ms
            {
                sweep(&mut self.sweep, &mut hands, &mut self.dictionaries, now_ms);
            }
        }
        for hand in hands {
            self.tables.push(hand.table);
            self.kept.scratches.push(hand.scratch);
        }
        Arc::into_inner(events).unwrap_or_default()
    }

    /// The tables, each in a hand of its own, in the order of the kinds.
    fn hands(&mut self) -> Vec<Box<Hand>> {
        let mut scratches = std::mem::take(&mut self.kept.scratches).into_iter();
        let tables = EntityKind::ALL.iter().zip(self.tables.drain(..));
        let hands = tables.map(|(kind, table)| {
            Box::new(Hand {
                kind: *kind,
                table,
                lookups: Arc::default(),
                scratch: scratches.next().unwrap_or_default(),
            })
        });
        hands.collect()
    }

    /// Takes a group through the tasks.
    fn run_by(
        &mut self,
        (hands, group): (Vec<Box<Hand>>, Group),
        executor: &mut dyn Executor,
    ) -> Vec<Box<Hand>> {
        let group = Arc::new(group);
        let plan = self
            .kept
            .plan
            .get_or_insert_with(|| Arc::new(self.set.plan().clone()));
        let plan = Arc::clone(plan);
        let lanes = &self.lanes;
        let (mut home, singles) = parted(hands, |kind| lanes.singles.contains(&kind));
        let work = singles
            .into_iter()
            .map(|hand| Work::Single(hand, Arc::clone(&group)));
        run(work, executor, &mut home);
        let named = Arc::new(Named {
            group: Arc::clone(&group),
            plan: Arc::clone(&plan),
            singles: singles_of(lanes, &home),
        });
        let (mut home, mut pairs) = parted(home, |kind| {
            kind == EntityKind::Account || lanes.pairs.contains(&kind)
        });
        let account = pairs
            .iter()
            .position(|hand| hand.kind == EntityKind::Account);
        let describing = Box::new(Describing {
            account: account.map(|at| pairs.remove(at)),
            dictionaries: std::mem::take(&mut self.dictionaries),
            fields: Fields::default(),
        });
        let work = std::iter::once(Work::Describe(describing, Arc::clone(&named)));
        let work = work.chain(
            pairs
                .into_iter()
                .map(|hand| Work::Pair(hand, Arc::clone(&named))),
        );
        let described = run(work, executor, &mut home);
        let Describing {
            dictionaries,
            fields,
            ..
        } = described.unwrap_or_else(|| {
            unreachable!("an executor gives every task back, and one of them described the events")
        });
        self.dictionaries = dictionaries;
        drop(named);
        let described = Arc::new(Described {
            group,
            plan,
            fields,
        });
        let is_numbered =
            |kind: EntityKind| lanes.of(kind).is_some() || lanes.pairs.contains(&kind);
        let (mut home, numbered) = parted(home, is_numbered);
        let work = numbered
            .into_iter()
            .map(|hand| Work::TakeIn(hand, Arc::clone(&described)));
        run(work, executor, &mut home);
        home.sort_unstable_by_key(|hand| hand.kind.index());
        assert_eq!(
            home.len(),
            EntityKind::ALL.len(),
            "an executor gives every task back"
        );
        home
    }
}

/// Those that a phase leaves alone, and those that it takes.
fn parted(
    hands: Vec<Box<Hand>>,
    takes: impl Fn(EntityKind) -> bool,
) -> (Vec<Box<Hand>>, Vec<Box<Hand>>) {
    hands.into_iter().partition(|hand| !takes(hand.kind))
}

/// Has tasks run, those of heavy kinds first; hands come home, and what was described.
fn run(
    work: impl Iterator<Item = Work>,
    executor: &mut dyn Executor,
    home: &mut Vec<Box<Hand>>,
) -> Option<Describing> {
    let mut tasks: Vec<Task> = work.map(Task).collect();
    tasks.sort_by_key(|task| match &task.0 {
        Work::Describe(..) => 0,
        Work::Single(hand, _) | Work::Pair(hand, _) | Work::TakeIn(hand, _) => {
            let heavy = HEAVY.iter().position(|kind| *kind == hand.kind);
            1 + heavy.unwrap_or(HEAVY.len())
        }
    });
    let mut described = None;
    for task in executor.run(tasks) {
        match task.0 {
            Work::Single(hand, _) | Work::Pair(hand, _) | Work::TakeIn(hand, _) => home.push(hand),
            Work::Describe(mut describing, _) => {
                home.extend(describing.account.take());
                described = Some(*describing);
            }
        }
    }
    described
}

/// The look-ups of the single kinds, in the order of the lanes.
fn singles_of(lanes: &Lanes, hands: &[Box<Hand>]) -> Vec<(EntityKind, Arc<Vec<Lookup>>)> {
    let of = |kind: &EntityKind| {
        let hand = hands.iter().find(|hand| hand.kind == *kind)?;
        Some((*kind, Arc::clone(&hand.lookups)))
    };
    lanes.singles.iter().filter_map(of).collect()
}

impl Hand {
    /// Numbers the entities that events name, in log order.
    fn number(&mut self, group: &Group) {
        let (kind, table) = (self.kind, &mut self.table);
        let lookups = renewed(&mut self.lookups, group.times.len());
        for (lookup, event) in lookups.iter_mut().zip(group.events()) {
            lookup.look_up(kind, &event.transaction, table);
        }
        find_candidates(table, lookups);
        let transactions = group.events().iter().map(|event| &*event.transaction);
        number_singles((kind, table), lookups, transactions.zip(&group.times));
    }

    /// Numbers the pairs that events name: they are called by the numbers of their parts.
    fn number_pairs(&mut self, named: &Named) {
        let group = &*named.group;
        let lookups = renewed(&mut self.lookups, group.times.len());
        let Some((one, other)) = self.kind.parts() else {
            return;
        };
        let (Some(one), Some(other)) = (named.of(one), named.of(other)) else {
            return;
        };
        let parts = one.iter().zip(other).zip(group.events());
        for (pair, (parts, event)) in lookups.iter_mut().zip(parts) {
            pair.call(self.kind, parts, &event.transaction, &self.table);
        }
        number_pairs(&mut self.table, lookups, &group.times);
    }

    /// Takes events in; lines of later ones are asked for meanwhile.
    fn take_in(&mut self, described: &Described) {
        let Described {
            group,
            plan,
            fields,
        } = described;
        let (has_slots, keeps_amounts) = {
            let plan = self.table.plan();
            (!plan.slots.is_empty(), plan.keeps_amounts)
        };
        let (numbers, categories) = (plan.numbers.len(), plan.categories.len());
        let asks = [self.table.has_columns(), self.table.has_blocks()];
        let lookups = Arc::clone(&self.lookups);
        let ahead = |table: &EntityTable, at: usize, [columns, blocks, cursors]: [usize; 3]| {
            let number = |ahead: usize| lookups.get(at + ahead).map_or(0, |later| later.number);
            let later = number(columns);
            if later != 0 {
                // Numbered by another thread, perhaps.
                table.prefetch_record(later);
            }
            if asks[0] && later != 0 {
                table.prefetch_columns(later);
            }
            let later = number(blocks);
            if asks[1] && later != 0 {
                let values = (at + blocks) * categories;
                table.prefetch_blocks(later, &fields.categories[values..values + categories]);
            }
            table.prefetch_cursors(number(cursors));
        };
        for at in 0..COLUMNS_AHEAD {
            let none = usize::MAX / 2;
            let within = |most: usize| if at < most { 0 } else { none };
            let most = [COLUMNS_AHEAD, BLOCKS_AHEAD, CURSORS_AHEAD];
            ahead(&self.table, at, most.map(within));
        }
        for (at, (lookup, event)) in lookups.iter().zip(group.events()).enumerate() {
            ahead(
                &self.table,
                at,
                [COLUMNS_AHEAD, BLOCKS_AHEAD, CURSORS_AHEAD],
            );
            if at.is_multiple_of(EVENTS_MAX) {
                self.scratch.distances.fill(Distance::UNASKED);
            }
            if lookup.begins_anew {
                self.table.begin_anew(lookup.number);
            }
            let time = group.times[at];
            if self.kind == EntityKind::Merchant && lookup.number != 0 && !time.is_too_late {
                self.table
                    .keep_category(lookup.number, event.transaction.mcc);
            }
            if lookup.is_named && (has_slots || keeps_amounts) {
                let view = EventView {
                    transaction: &event.transaction,
                    answers: false,
                    place: at % EVENTS_MAX,
                    time_ms: time.time_ms,
                    now_ms: time.now_ms,
                    is_too_late: time.is_too_late,
                    amount: event.amount,
                    marks: fields.marks[at],
                    numbers: &fields.numbers[at * numbers..(at + 1) * numbers],
                    categories: &fields.categories[at * categories..(at + 1) * categories],
                    local: fields.locals[at],
                    flags: EntityFlags::default(),
                };
                self.table
                    .apply(lookup.number, &view, &mut self.scratch, &mut []);
            }
        }
    }
}

/// Empty look-ups for so many events. Nobody else has those of before any more, so their memory is used again.
fn renewed(lookups: &mut Arc<Vec<Lookup>>, events: usize) -> &mut [Lookup] {
    let lookups = Arc::make_mut(lookups);
    lookups.clear();
    lookups.resize(events, Lookup::default());
    lookups
}

impl Describing {
    /// The set's numbers and categories of each event, its marks and the payer's clock.
    fn describe(&mut self, named: &Named) {
        let (plan, group) = (&*named.plan, &*named.group);
        let account = self.account.as_ref();
        let keeps_amounts = account.is_some_and(|hand| hand.table.plan().keeps_amounts);
        let history = if keeps_amounts {
            plan.history_filters
        } else {
            0
        };
        let earlier = match account {
            Some(hand) if history != 0 => earlier_amounts(hand, group),
            _ => Vec::new(),
        };
        let fields = &mut self.fields;
        let numbers_of: Vec<Option<&[Lookup]>> = plan
            .categories
            .iter()
            .map(|one| match one {
                Category::Entity(kind) => named.of(*kind),
                _ => None,
            })
            .collect();
        for (at, (event, time)) in group.events().iter().zip(&group.times).enumerate() {
            let (transaction, amount) = (&*event.transaction, event.amount);
            let numbers = plan.numbers.iter();
            fields.numbers.extend(
                numbers.map(|number| number.value(transaction, amount, None).unwrap_or(ABSENT)),
            );
            let columns = plan.categories.iter().zip(&numbers_of);
            for ((category, lookups), dictionary) in columns.zip(&mut self.dictionaries) {
                fields.categories.push(match category {
                    // Too late: it enters no window, so its words need no number.
                    _ if time.is_too_late => 0,
                    Category::Entity(_) => lookups.map_or(0, |lookups| lookups[at].number),
                    _ => code(category, transaction, dictionary.as_mut(), time.now_ms),
                });
            }
            let event = (transaction, amount);
            let mut marked = marks(plan, !history, event, EarlierAmounts::default());
            if let Some(earlier) = earlier.get(at) {
                marked |= marks(plan, history, event, *earlier);
            }
            fields.marks.push(marked);
            fields.locals.push(if plan.needs_local_time {
                LocalTime::of(transaction)
            } else {
                LocalTime::EPOCH
            });
        }
    }
}

/// The newest event of each number so far, found without a search through all of them.
struct Newest {
    /// Events of numbers that share a place, the newest first: one more than its index, or 0, and for each event the one
    /// before it.
    places: [usize; 256],
    before: Vec<usize>,
}

impl Newest {
    /// The newest event of a number, whose newest is `at` from here on.
    fn replace(&mut self, number: u32, at: usize, lookups: &[Lookup]) -> Option<usize> {
        let [low, ..] = number.to_le_bytes();
        let place = &mut self.places[usize::from(low)];
        let mut found = *place;
        self.before.push(std::mem::replace(place, at + 1));
        while found != 0 && lookups[found - 1].number != number {
            found = self.before[found - 1];
        }
        found.checked_sub(1)
    }
}

/// What the account of each event paid before, before any of them is taken in.
fn earlier_amounts(account: &Hand, group: &Group) -> Vec<EarlierAmounts> {
    let lookups = &*account.lookups;
    let mut newest = Newest {
        places: [0; 256],
        before: Vec::with_capacity(lookups.len()),
    };
    let mut all: Vec<EarlierAmounts> = Vec::with_capacity(lookups.len());
    for (at, lookup) in lookups.iter().enumerate() {
        let before = newest.replace(lookup.number, at, lookups);
        let earlier = match before {
            _ if lookup.begins_anew || lookup.number == 0 => EarlierAmounts::default(),
            Some(before) => {
                let EarlierAmounts { count, sum } = all[before];
                let amount = group.events()[before].amount;
                match amount.filter(|_| !group.times[before].is_too_late) {
                    Some(amount) => EarlierAmounts {
                        count: count + 1,
                        sum: sum.saturating_add(amount),
                    },
                    None => EarlierAmounts { count, sum },
                }
            }
            None => account.table.earlier_amounts(lookup.number),
        };
        all.push(earlier);
    }
    all
}
