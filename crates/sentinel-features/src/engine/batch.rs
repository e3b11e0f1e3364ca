//! The stages of a micro-batch.

use sentinel_domain::Transaction;

use super::{Applied, FeatureEngine, SWEEP_ENTRIES};
use crate::entity::{ENTITY_KINDS, EntityKind, Key};
use crate::field::{Category, CategoryValue};
use crate::filter::EarlierAmounts;
use crate::local_time::LocalTime;
use crate::plan::Plan;
use crate::table::{Dictionary, EntityTable, EventView};
use crate::totals::ABSENT;
use crate::window::{FORGOTTEN_AFTER_MS, LATENESS_ALLOWED_MS};

/// Events that go through the stages together. More would push each other out of the cache.
const EVENTS_MAX: usize = 64;

/// Buffers of the stages, reused.
#[derive(Debug, Default)]
pub(super) struct Batch {
    times: Vec<Time>,
    /// Event after event for each lane: single entities, then pairs.
    lookups: Vec<Lookup>,
    numbers: Vec<i64>,
    categories: Vec<u32>,
}

/// The kinds that the plan numbers, in the order in which each event meets them: singles, then pairs.
#[derive(Debug)]
pub(super) struct Lanes {
    singles: Vec<EntityKind>,
    pairs: Vec<EntityKind>,
    /// The lane of each single kind.
    places: [Option<u8>; ENTITY_KINDS],
}

impl Lanes {
    pub fn of_plan(plan: &Plan) -> Self {
        let numbered = |kind: &&EntityKind| plan.kinds[kind.index()].is_numbered;
        let (pairs, singles): (Vec<EntityKind>, Vec<EntityKind>) = EntityKind::ALL
            .iter()
            .filter(numbered)
            .partition(|kind| kind.parts().is_some());
        let mut places = [None; ENTITY_KINDS];
        for (lane, kind) in (0..).zip(&singles) {
            places[kind.index()] = Some(lane);
        }
        Self {
            singles,
            pairs,
            places,
        }
    }

    fn count(&self) -> usize {
        self.singles.len() + self.pairs.len()
    }

    fn iter(&self) -> impl Iterator<Item = &EntityKind> {
        self.singles.iter().chain(&self.pairs)
    }

    fn of(&self, kind: EntityKind) -> Option<usize> {
        self.places[kind.index()].map(usize::from)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Time {
    time_ms: i64,
    now_ms: i64,
    is_too_late: bool,
}

/// The search for one entity of one event.
#[derive(Debug, Clone, Copy, Default)]
struct Lookup {
    /// What an entity is called that has a number for a name, as pairs and networks have.
    called: u64,
    hash: u32,
    candidate: u32,
    number: u32,
    is_named: bool,
    /// Its entity was forgotten before: earlier events of the batch may still look at what it was.
    begins_anew: bool,
}

impl FeatureEngine {
    /// Takes events in, in groups that never cross a sweep; fills their rows where there are any.
    pub(super) fn run(
        &mut self,
        events: &[(&Transaction, Option<i64>)],
        rows: Option<&mut [f64]>,
        mut applied: impl FnMut(Applied),
    ) {
        let (width, mut rows) = match rows {
            Some(rows) => (self.set.width(), rows),
            None => (0, Default::default()),
        };
        assert_eq!(
            rows.len(),
            width * events.len(),
            "each row has the width of its feature set"
        );
        let mut events = events;
        while !events.is_empty() {
            let until_sweep = SWEEP_ENTRIES - self.entries % SWEEP_ENTRIES;
            let until_sweep = usize::try_from(until_sweep).unwrap_or(EVENTS_MAX);
            let most = events.len().min(EVENTS_MAX).min(until_sweep);
            let count = self.stand_in_time(&events[..most]);
            let (group, rest) = events.split_at(count);
            let (group_rows, rest_rows) = rows.split_at_mut(count * width);
            self.run_group(group, (group_rows, width), &mut applied);
            (events, rows) = (rest, rest_rows);
            self.entries += count as u64;
            if self.entries.is_multiple_of(SWEEP_ENTRIES)
                && let Some(now_ms) = self.greatest_ms
            {
                self.sweep(now_ms);
            }
        }
    }

    fn run_group(
        &mut self,
        events: &[(&Transaction, Option<i64>)],
        (rows, width): (&mut [f64], usize),
        applied: &mut impl FnMut(Applied),
    ) {
        let mut batch = std::mem::take(&mut self.batch);
        self.look_up(events, &mut batch);
        self.find_candidates(events.len(), &mut batch);
        self.number(events, &mut batch);
        self.read_fields(events, &mut batch);
        self.prefetch_blocks(events.len(), &batch);
        for (at, event) in events.iter().enumerate() {
            let row = &mut rows[at * width..(at + 1) * width];
            applied(self.apply_one(*event, at, &batch, row));
        }
        self.batch = batch;
    }

    /// How each event stands to the partition's greatest event time. How many of them may go through
    /// the stages together: none may be so far ahead that it forgets whom an earlier one of them names.
    fn stand_in_time(&mut self, events: &[(&Transaction, Option<i64>)]) -> usize {
        let times = &mut self.batch.times;
        times.clear();
        let mut begin_ms = None;
        for (transaction, _) in events {
            let time_ms = transaction.event_time.millis_floor();
            let now_ms = self.greatest_ms.map_or(time_ms, |ms| ms.max(time_ms));
            if now_ms - *begin_ms.get_or_insert(now_ms) > FORGOTTEN_AFTER_MS {
                break;
            }
            self.greatest_ms = Some(now_ms);
            times.push(Time {
                time_ms,
                now_ms,
                is_too_late: time_ms < now_ms - LATENESS_ALLOWED_MS,
            });
        }
        times.len()
    }

    /// Hashes names, and asks for the lines where the hashes point.
    fn look_up(&self, events: &[(&Transaction, Option<i64>)], batch: &mut Batch) {
        let all = events.len() * self.lanes.count();
        batch.lookups.clear();
        batch.lookups.resize(all, Lookup::default());
        let lanes = batch.lookups.chunks_exact_mut(events.len());
        for (kind, lookups) in self.lanes.singles.iter().zip(lanes) {
            let table = &self.tables[kind.index()];
            for (lookup, (transaction, _)) in lookups.iter_mut().zip(events) {
                let key = kind.key(transaction);
                if key == Key::Absent {
                    continue;
                }
                if let Key::Number(called) = key {
                    lookup.called = called;
                }
                lookup.hash = table.hash(key);
                lookup.is_named = true;
                table.prefetch_hash(lookup.hash);
            }
        }
    }

    /// Finds candidates by hash alone, and asks for the lines of their names and headers.
    fn find_candidates(&self, events: usize, batch: &mut Batch) {
        let lanes = batch.lookups.chunks_exact_mut(events);
        for (kind, lookups) in self.lanes.singles.iter().zip(lanes) {
            find_candidates(&self.tables[kind.index()], lookups);
        }
    }

    /// Numbers every entity, in log order; then the pairs, whose names are numbers.
    fn number(&mut self, events: &[(&Transaction, Option<i64>)], batch: &mut Batch) {
        let (times, count) = (&batch.times, events.len());
        let singles = self.lanes.singles.len();
        let (of_singles, of_pairs) = batch.lookups.split_at_mut(singles * count);
        for (kind, lookups) in self
            .lanes
            .singles
            .iter()
            .zip(of_singles.chunks_exact_mut(count))
        {
            let table = &mut self.tables[kind.index()];
            let by_number = kind.is_called_by_number();
            for (((transaction, _), lookup), time) in events.iter().zip(lookups).zip(times) {
                if lookup.is_named {
                    let key = if by_number {
                        Key::Number(lookup.called)
                    } else {
                        kind.key(transaction)
                    };
                    name(table, key, lookup, *time);
                }
            }
        }
        for (kind, lookups) in self
            .lanes
            .pairs
            .iter()
            .zip(of_pairs.chunks_exact_mut(count))
        {
            self.look_up_pairs(events, of_singles, lookups, *kind);
            let table = &mut self.tables[kind.index()];
            find_candidates(table, lookups);
            for (lookup, time) in lookups.iter_mut().zip(times) {
                if lookup.is_named {
                    name(table, Key::Number(lookup.called), lookup, *time);
                }
            }
        }
    }

    fn look_up_pairs(
        &self,
        events: &[(&Transaction, Option<i64>)],
        singles: &[Lookup],
        pairs: &mut [Lookup],
        kind: EntityKind,
    ) {
        let Some((one, other)) = kind.parts() else {
            return;
        };
        let (Some(one), Some(other)) = (self.lanes.of(one), self.lanes.of(other)) else {
            return;
        };
        let lane = |lane: usize| &singles[lane * events.len()..(lane + 1) * events.len()];
        let table = &self.tables[kind.index()];
        let parts = lane(one).iter().zip(lane(other));
        for ((pair, (first, second)), (transaction, _)) in pairs.iter_mut().zip(parts).zip(events) {
            let second = match kind {
                // The country stands in the transaction itself.
                EntityKind::CardCountry => match Category::MerchantCountry.value(transaction) {
                    CategoryValue::Code(code) => Some(code),
                    _ => None,
                },
                _ => second.is_named.then_some(second.number),
            };
            let (true, Some(second)) = (first.is_named, second) else {
                continue;
            };
            // A part that is not known (number 0) makes a pair that is not known either.
            pair.called = u64::from(first.number) << 32 | u64::from(second);
            pair.hash = table.hash(Key::Number(pair.called));
            pair.is_named = true;
            table.prefetch_hash(pair.hash);
        }
    }

    /// Asks for the lines of what headers point at.
    fn prefetch_blocks(&self, events: usize, batch: &Batch) {
        let categories = self.set.plan().categories.len();
        for (kind, lookups) in self.lanes.iter().zip(batch.lookups.chunks_exact(events)) {
            let table = &self.tables[kind.index()];
            if table.plan().slots.is_empty() || !table.plan().has_windows() {
                continue;
            }
            for (at, lookup) in lookups.iter().enumerate() {
                if lookup.number != 0 {
                    let values = &batch.categories[at * categories..(at + 1) * categories];
                    table.prefetch_blocks(lookup.number, values);
                }
            }
        }
        for (kind, lookups) in self.lanes.iter().zip(batch.lookups.chunks_exact(events)) {
            let table = &self.tables[kind.index()];
            if table.plan().ring.is_none() {
                continue;
            }
            for lookup in lookups {
                if lookup.number != 0 {
                    table.prefetch_cursors(lookup.number);
                }
            }
        }
    }

    /// The set's numbers and categories of each event.
    fn read_fields(&mut self, events: &[(&Transaction, Option<i64>)], batch: &mut Batch) {
        let plan = self.set.plan();
        batch.numbers.clear();
        batch.categories.clear();
        for (at, (transaction, amount)) in events.iter().enumerate() {
            let numbers = plan.numbers.iter();
            batch.numbers.extend(
                numbers.map(|number| number.value(transaction, *amount, None).unwrap_or(ABSENT)),
            );
            let time = batch.times[at];
            for (category, dictionary) in plan.categories.iter().zip(&mut self.dictionaries) {
                let value = match category {
                    // Too late: it enters no window, so its words need no number.
                    _ if time.is_too_late => 0,
                    Category::Entity(kind) => self
                        .lanes
                        .of(*kind)
                        .map_or(0, |lane| batch.lookups[lane * events.len() + at].number),
                    _ => code(category, transaction, dictionary.as_mut(), time.now_ms),
                };
                batch.categories.push(value);
            }
        }
    }

    /// What the account of an event paid before, where some filter asks.
    fn earlier_amounts(&self, at: usize, batch: &Batch) -> EarlierAmounts {
        let account = EntityKind::Account;
        let table = &self.tables[account.index()];
        let Some(lane) = self
            .lanes
            .of(account)
            .filter(|_| table.plan().keeps_amounts)
        else {
            return EarlierAmounts::default();
        };
        let lookup = &batch.lookups[lane * batch.times.len() + at];
        if lookup.begins_anew {
            return EarlierAmounts::default();
        }
        table.earlier_amounts(lookup.number)
    }

    fn apply_one(
        &mut self,
        (transaction, amount): (&Transaction, Option<i64>),
        at: usize,
        batch: &Batch,
        row: &mut [f64],
    ) -> Applied {
        let plan = self.set.plan();
        let time = batch.times[at];
        // A set without a feature has nothing to say either.
        let answers = !row.is_empty();
        let view = EventView {
            transaction,
            answers,
            time_ms: time.time_ms,
            now_ms: time.now_ms,
            is_too_late: time.is_too_late,
            amount,
            marks: marks(plan, (transaction, amount), self.earlier_amounts(at, batch)),
            numbers: &batch.numbers[at * plan.numbers.len()..(at + 1) * plan.numbers.len()],
            categories: &batch.categories
                [at * plan.categories.len()..(at + 1) * plan.categories.len()],
            local: if plan.needs_local_time {
                LocalTime::of(transaction)
            } else {
                LocalTime::EPOCH
            },
        };
        let mut applied = Applied {
            too_late: time.is_too_late,
            ..Applied::default()
        };
        if answers {
            self.set.fill_own(transaction, amount, row);
        }
        let lookups = batch.lookups[at..].iter().step_by(batch.times.len());
        for (kind, lookup) in self.lanes.iter().zip(lookups) {
            let table = &mut self.tables[kind.index()];
            if lookup.begins_anew {
                table.begin_anew(lookup.number);
            }
            if *kind == EntityKind::Merchant && lookup.number != 0 && !time.is_too_late {
                table.keep_category(lookup.number, transaction.mcc);
            }
            if !lookup.is_named {
                let slots = if answers { &*table.plan().slots } else { &[] };
                for slot in slots {
                    row[usize::from(slot.at)] = f64::NAN;
                }
            } else if !table.plan().slots.is_empty() || table.plan().keeps_amounts {
                let flags = table.apply(lookup.number, &view, &mut self.scratch, row);
                if !table.plan().slots.is_empty() {
                    applied.late |= flags.is_late;
                    applied.estimated |= flags.is_estimated;
                }
            }
        }
        applied
    }
}

/// Finds candidates of one lane by hash alone, and asks for the lines of their names and headers.
fn find_candidates(table: &EntityTable, lookups: &mut [Lookup]) {
    for lookup in lookups {
        if lookup.is_named {
            lookup.candidate = table.candidate(lookup.hash);
            table.prefetch_headers(lookup.candidate);
        }
    }
}

/// Numbers the entity that an event names.
#[inline]
fn name(table: &mut EntityTable, key: Key<'_>, lookup: &mut Lookup, time: Time) {
    if time.is_too_late {
        lookup.number = table.find(key, lookup.hash, lookup.candidate, time.now_ms);
    } else {
        (lookup.number, lookup.begins_anew) =
            table.name(key, lookup.hash, lookup.candidate, time.now_ms);
    }
}

/// One bit a filter that the event passes.
fn marks(
    plan: &Plan,
    (transaction, amount): (&Transaction, Option<i64>),
    earlier: EarlierAmounts,
) -> u32 {
    let mut marks = 0;
    for (at, filter) in plan.filters.iter().enumerate() {
        marks |= u32::from(filter.matches(transaction, amount, earlier)) << at;
    }
    marks
}

/// The number of a category that is no entity.
fn code(
    category: &Category,
    transaction: &Transaction,
    dictionary: Option<&mut Dictionary>,
    now_ms: i64,
) -> u32 {
    match category.value(transaction) {
        CategoryValue::Code(code) => code,
        CategoryValue::Word(word) => {
            dictionary.map_or(0, |dictionary| dictionary.number(&word, now_ms))
        }
        CategoryValue::Absent | CategoryValue::Entity(_) => 0,
    }
}
