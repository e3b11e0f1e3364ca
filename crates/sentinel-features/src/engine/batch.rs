//! The stages of a micro-batch.
//!
//! Names are numbered in log order, then each kind of entity takes all events of a group in, and the lines
//! that the next kind will touch are asked for meanwhile. A kind may depend on one before it in
//! [`EntityKind::ALL`] and on none behind it.

use sentinel_domain::Transaction;

use super::lookup::{Lookup, Time, find_candidates, number_pairs, number_singles};
use super::{Applied, FeatureEngine, SWEEP_ENTRIES};
use crate::entity::{ENTITY_KINDS, EntityKind};
use crate::field::{Category, CategoryValue};
use crate::filter::EarlierAmounts;
use crate::local_time::LocalTime;
use crate::place::Distance;
use crate::plan::Plan;
use crate::table::{Dictionary, EVENTS_MAX, EntityFlags, EntityTable, EventView};
use crate::totals::ABSENT;
use crate::window::{FORGOTTEN_AFTER_MS, LATENESS_ALLOWED_MS};

/// How many events ahead of the one at hand the lines are asked for where its windows begin.
pub(super) const CURSORS_AHEAD: usize = 8;

/// Buffers of the stages, reused.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) times: Vec<Time>,
    /// Event after event for each lane: single entities, then pairs.
    lookups: Vec<Lookup>,
    numbers: Vec<i64>,
    categories: Vec<u32>,
    /// Whether there are rows to fill. A set without a feature has nothing to say either.
    answers: bool,
}

impl Batch {
    /// The lookups of a lane; none behind the last.
    fn lane(&self, lane: usize) -> &[Lookup] {
        let events = self.times.len();
        let from = (lane * events).min(self.lookups.len());
        &self.lookups[from..(from + events).min(self.lookups.len())]
    }

    /// An event as its entities see it.
    fn view<'a>(
        &'a self,
        at: usize,
        (transaction, amount): (&'a Transaction, Option<i64>),
        marks: u32,
        plan: &Plan,
    ) -> EventView<'a> {
        let (numbers, categories) = (plan.numbers.len(), plan.categories.len());
        let time = self.times[at];
        EventView {
            transaction,
            answers: self.answers,
            place: at,
            time_ms: time.time_ms,
            now_ms: time.now_ms,
            is_too_late: time.is_too_late,
            amount,
            marks,
            numbers: &self.numbers[at * numbers..(at + 1) * numbers],
            categories: &self.categories[at * categories..(at + 1) * categories],
            local: if plan.needs_local_time {
                LocalTime::of(transaction)
            } else {
                LocalTime::EPOCH
            },
            flags: EntityFlags::default(),
        }
    }
}

/// The kinds that the plan numbers, in the order in which each event meets them: singles, then pairs.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) singles: Vec<EntityKind>,
    pub(super) pairs: Vec<EntityKind>,
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

    /// The kind of a lane.
    fn kind(&self, lane: usize) -> EntityKind {
        match self.singles.get(lane) {
            Some(kind) => *kind,
            None => self.pairs[lane - self.singles.len()],
        }
    }

    pub(super) fn of(&self, kind: EntityKind) -> Option<usize> {
        self.places[kind.index()].map(usize::from)
    }
}

impl FeatureEngine {
    /// Takes events in, in groups that never cross a sweep; fills their rows where there are any.
    pub(super) fn run(
        &mut self,
        events: &[(&Transaction, Option<i64>)],
        rows: Option<&mut [f64]>,
        mut applied: impl FnMut(Applied),
    ) {
        let (width, rows) = match rows {
            Some(rows) => (self.set.width(), rows),
            None => (0, Default::default()),
        };
        assert_eq!(
            rows.len(),
            width * events.len(),
            "each row has the width of its feature set"
        );
        let (mut events, mut rows) = (events, rows);
        while !events.is_empty() {
            let until_sweep = SWEEP_ENTRIES - self.entries % SWEEP_ENTRIES;
            let until_sweep = usize::try_from(until_sweep).unwrap_or(EVENTS_MAX);
            let most = events.len().min(EVENTS_MAX).min(until_sweep);
            let count =
                self.stand_in_time(events[..most].iter().map(|(transaction, _)| *transaction));
            let (group, rest) = events.split_at(count);
            let (group_rows, rest_rows) = rows.split_at_mut(count * width);
            self.run_group(group, group_rows, &mut applied);
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
        rows: &mut [f64],
        applied: &mut impl FnMut(Applied),
    ) {
        let mut batch = std::mem::take(&mut self.batch);
        batch.answers = !rows.is_empty();
        self.look_up(events, &mut batch);
        self.find_candidates(events.len(), &mut batch);
        self.number(events, &mut batch);
        self.read_fields(events, &mut batch);
        self.prefetch_columns(0, &batch);
        self.prefetch_columns(1, &batch);
        // On the stack: they borrow of the batch, and an event is the same to all of its entities.
        let mut views = [const { None }; EVENTS_MAX];
        let views = &mut views[..events.len()];
        self.fill_own(events, &batch, views, rows);
        for lane in 0..self.lanes.count() {
            self.run_lane(lane, &batch, views, rows);
        }
        for view in views.iter().flatten() {
            applied(Applied {
                late: view.flags.is_late,
                too_late: view.is_too_late,
                estimated: view.flags.is_estimated,
            });
        }
        self.batch = batch;
    }

    /// What the events say of themselves: slots that no entity fills, filters that ask for no history and
    /// the payer's clock. The lines of the first lane's blocks are asked for meanwhile.
    fn fill_own<'a>(
        &mut self,
        events: &[(&'a Transaction, Option<i64>)],
        batch: &'a Batch,
        views: &mut [Option<EventView<'a>>],
        mut rows: &mut [f64],
    ) {
        self.scratch.distances.fill(Distance::UNASKED);
        let first = self.lane_with_blocks(0);
        let first = first.map(|kind| &self.tables[kind.index()]);
        let lookups = batch.lane(0);
        let plan = self.set.plan();
        let width = rows.len() / events.len();
        let asked = if plan.kinds[EntityKind::Account.index()].keeps_amounts {
            !plan.history_filters
        } else {
            u32::MAX
        };
        for (at, (event, place)) in events.iter().zip(views).enumerate() {
            let row;
            (row, rows) = rows.split_at_mut(width);
            if batch.answers {
                self.set.fill_own(event.0, event.1, row);
            }
            let marks = marks(plan, asked, *event, EarlierAmounts::default());
            let view = place.insert(batch.view(at, *event, marks, plan));
            if let (Some(first), Some(lookup)) = (first, lookups.get(at))
                && lookup.number != 0
            {
                first.prefetch_blocks(lookup.number, view.categories);
            }
        }
    }

    /// Takes the events of a group into the entities of one kind. The kinds know nothing of each other but
    /// what an account paid before, which filters ask for, and accounts come first. So a kind's plan and
    /// code are at hand for all events of the group, and what the next kind will touch is asked for
    /// meanwhile.
    fn run_lane(
        &mut self,
        lane: usize,
        batch: &Batch,
        views: &mut [Option<EventView<'_>>],
        mut rows: &mut [f64],
    ) {
        let width = rows.len() / views.len();
        let kind = self.lanes.kind(lane);
        let next = self.lane_with_blocks(lane + 1);
        self.prefetch_columns(lane + 2, batch);
        // A lane's kind stands before that of the next.
        let (before, behind) = self.tables.split_at_mut(kind.index() + 1);
        let table = &mut before[kind.index()];
        let next = next.and_then(|next| behind.get(next.index().checked_sub(kind.index() + 1)?));
        let (lookups, next_lookups) = (batch.lane(lane), batch.lane(lane + 1));
        let (has_slots, keeps_amounts) =
            (!table.plan().slots.is_empty(), table.plan().keeps_amounts);
        let is_payer = kind == EntityKind::Account && keeps_amounts;
        for lookup in lookups.iter().take(CURSORS_AHEAD) {
            table.prefetch_cursors(lookup.number);
        }
        let plan = self.set.plan();
        for (at, (view, lookup)) in views.iter_mut().zip(lookups).enumerate() {
            // Every place of the group is filled.
            let Some(view) = view else { break };
            let row;
            (row, rows) = rows.split_at_mut(width);
            if let (Some(next), Some(lookup)) = (next, next_lookups.get(at))
                && lookup.number != 0
            {
                next.prefetch_blocks(lookup.number, view.categories);
            }
            if let Some(later) = lookups.get(at + CURSORS_AHEAD) {
                table.prefetch_cursors(later.number);
            }
            if is_payer {
                let earlier = earlier_amounts(table, lookup);
                let event = (view.transaction, view.amount);
                view.marks |= marks(plan, plan.history_filters, event, earlier);
            }
            if lookup.begins_anew {
                table.begin_anew(lookup.number);
            }
            if kind == EntityKind::Merchant && lookup.number != 0 && !view.is_too_late {
                table.keep_category(lookup.number, view.transaction.mcc);
            }
            if !lookup.is_named {
                if batch.answers {
                    for slot in &table.plan().slots {
                        row[usize::from(slot.at)] = f64::NAN;
                    }
                }
            } else if has_slots || keeps_amounts {
                let flags = table.apply(lookup.number, view, &mut self.scratch, row);
                view.flags.is_late |= flags.is_late && has_slots;
                view.flags.is_estimated |= flags.is_estimated && has_slots;
            }
        }
    }

    /// How each event stands to the partition's greatest event time. How many of them may go through
    /// the stages together: none may be so far ahead that it forgets whom an earlier one of them names.
    pub(super) fn stand_in_time<'t>(
        &mut self,
        events: impl Iterator<Item = &'t Transaction>,
    ) -> usize {
        let times = &mut self.batch.times;
        times.clear();
        let mut begin_ms = None;
        for transaction in events {
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
                lookup.look_up(*kind, transaction, table);
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
            let transactions = events.iter().map(|(transaction, _)| *transaction);
            number_singles((*kind, table), lookups, transactions.zip(times));
        }
        for (kind, lookups) in self
            .lanes
            .pairs
            .iter()
            .zip(of_pairs.chunks_exact_mut(count))
        {
            self.look_up_pairs(events, of_singles, lookups, *kind);
            number_pairs(&mut self.tables[kind.index()], lookups, times);
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
            pair.call(kind, (first, second), transaction, table);
        }
    }

    /// The kind of a lane, where there is such a lane and its entities have blocks.
    fn lane_with_blocks(&self, lane: usize) -> Option<EntityKind> {
        let kind = (lane < self.lanes.count()).then(|| self.lanes.kind(lane))?;
        self.tables[kind.index()].has_blocks().then_some(kind)
    }

    /// Asks for the lines of a lane's further columns.
    fn prefetch_columns(&self, lane: usize, batch: &Batch) {
        if lane >= self.lanes.count() {
            return;
        }
        let table = &self.tables[self.lanes.kind(lane).index()];
        if table.has_columns() {
            for lookup in batch.lane(lane).iter().filter(|one| one.number != 0) {
                table.prefetch_columns(lookup.number);
            }
        }
    }

    /// The set's numbers and categories of each event, field by field.
    fn read_fields(&mut self, events: &[(&Transaction, Option<i64>)], batch: &mut Batch) {
        let plan = self.set.plan();
        let (numbers, categories) = (plan.numbers.len(), plan.categories.len());
        batch.numbers.clear();
        batch.numbers.resize(events.len() * numbers, ABSENT);
        for (column, number) in plan.numbers.iter().enumerate() {
            let rows = batch.numbers.chunks_exact_mut(numbers);
            for (row, (transaction, amount)) in rows.zip(events) {
                row[column] = number.value(transaction, *amount, None).unwrap_or(ABSENT);
            }
        }
        let mut values = std::mem::take(&mut batch.categories);
        values.clear();
        values.resize(events.len() * categories, 0);
        for (column, category) in plan.categories.iter().enumerate() {
            let rows = values.chunks_exact_mut(categories).zip(&batch.times);
            // Too late: it enters no window, so its words need no number.
            let rows = rows.map(|(row, time)| (!time.is_too_late).then_some((row, time.now_ms)));
            if let Category::Entity(kind) = category {
                let lane = self.lanes.of(*kind);
                let lookups = lane.map_or(&[][..], |lane| batch.lane(lane));
                for (row, lookup) in rows.zip(lookups) {
                    if let Some((row, _)) = row {
                        row[column] = lookup.number;
                    }
                }
            } else {
                for (row, (transaction, _)) in rows.zip(events) {
                    if let Some((row, now_ms)) = row {
                        let dictionary = self.dictionaries[column].as_mut();
                        row[column] = code(category, transaction, dictionary, now_ms);
                    }
                }
            }
        }
        batch.categories = values;
    }
}

/// What the account of an event paid before.
fn earlier_amounts(accounts: &EntityTable, lookup: &Lookup) -> EarlierAmounts {
    if lookup.begins_anew {
        return EarlierAmounts::default();
    }
    accounts.earlier_amounts(lookup.number)
}

/// One bit a filter that the event passes, of those that are asked about.
pub(super) fn marks(
    plan: &Plan,
    asked: u32,
    (transaction, amount): (&Transaction, Option<i64>),
    earlier: EarlierAmounts,
) -> u32 {
    let mut marks = 0;
    for (at, flag) in &plan.flags {
        if asked >> at & 1 == 1 {
            marks |= u32::from(flag.holds(transaction, amount, earlier)) << at;
        }
    }
    for at in &plan.further_filters {
        if asked >> at & 1 == 1 {
            let filter = &plan.filters[usize::from(*at)];
            marks |= u32::from(filter.matches(transaction, amount, earlier)) << at;
        }
    }
    marks
}

/// The number of a category that is no entity.
pub(super) fn code(
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
