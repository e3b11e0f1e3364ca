//! Rings of which nothing is asked but how many events a window holds and what one number adds up to.
//!
//! Then an event is four words and a window three, cursor and sum, and one pass over the windows drops what
//! has left, adds what has come and reads both: a third of what the ways for every plan take. Only for an
//! event in order that there is room for, which most are; any other goes the ways for every plan over the
//! same words. Must never: know a layout that [`RingPlan`] does not give, or give another value than they.

use super::{RingHeader, RingStore, low_half};
use crate::arena::{low, read_i64};
use crate::plan::{COLUMNS_MAX, OpKind, RingPlan};
use crate::reading::{COUNT, ROWS, Readings, Sample};
use crate::totals::ABSENT;
use crate::window::{EXACT_COUNT, LONGEST_EXACT_MS, WINDOW_COUNT};

/// Words of an event: time, marks and the number.
const EVENT_WORDS: usize = 4;
/// Words of a window: cursor and sum.
const WINDOW_WORDS: usize = 3;

/// What such a plan asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lean {
    /// Place in `WINDOWS` and length of each window, the shortest first.
    windows: [(usize, u32); EXACT_COUNT],
    used: usize,
    /// Which of the kind's numbers is summed.
    column: usize,
}

impl Lean {
    /// `None` where the plan asks for more.
    pub(super) fn of(plan: &RingPlan) -> Option<Self> {
        let [column] = plan.numbers[..] else {
            return None;
        };
        let is_plain = |at: usize| {
            let window = &plan.windows[at];
            let [op] = window.ops[..] else { return false };
            let cursor_at = at * WINDOW_WORDS;
            op.kind == OpKind::Sum(0) && (window.cursor_at, op.at) == (cursor_at, cursor_at + 1)
        };
        let asks_for_more = plan.has_extremes || plan.has_spread || plan.has_gaps;
        if asks_for_more
            || !(plan.categories.is_empty() && plan.marks.is_empty())
            || plan.stride != EVENT_WORDS
            || !(0..plan.windows.len()).all(is_plain)
        {
            return None;
        }
        let mut windows = [(0, 0); EXACT_COUNT];
        for (to, window) in windows.iter_mut().zip(&plan.windows) {
            *to = (window.index, low_half(window.length_ms));
        }
        Some(Self {
            windows,
            used: plan.windows.len(),
            column: usize::from(column),
        })
    }

    fn windows(&self) -> &[(usize, u32)] {
        &self.windows[..self.used.min(EXACT_COUNT)]
    }

    /// Drops what has left each window, adds the event at the head and reads; where the longest begins.
    fn enter(
        &self,
        events: &[[u32; EVENT_WORDS]],
        (mask, head): (usize, u32),
        totals: &mut [[u32; WINDOW_WORDS]],
        readings: &mut Readings,
    ) -> u32 {
        let event = &events[head as usize & mask];
        let (newest, own) = (event[0], number(event));
        let mut oldest = head;
        for ((index, length_ms), words) in self.windows().iter().zip(totals) {
            let mut cursor = words[0];
            let mut sum = read_i64(words, 1);
            while cursor != head {
                let event = &events[cursor as usize & mask];
                if newest.wrapping_sub(event[0]) < *length_ms {
                    break;
                }
                sum -= number(event);
                cursor = cursor.wrapping_add(1);
            }
            sum += own;
            let bits = sum.cast_unsigned();
            *words = [cursor, low(bits), low(bits >> 32)];
            oldest = cursor;
            let row = readings.own_row(*index);
            readings.line(COUNT)[row] = u64::from(head.wrapping_sub(cursor)) + 1;
            readings.numbers[self.column % COLUMNS_MAX][row].sum = sum;
        }
        oldest
    }

    /// Adds a small ring up, back from its newest event.
    fn walk(
        &self,
        events: &[[u32; EVENT_WORDS]],
        header: &RingHeader,
        newest: u32,
        readings: &mut Readings,
    ) {
        let mask = header.mask();
        let (live, mut held, mut sum) = (header.live(), 0, 0);
        let mut position = header.head.wrapping_sub(1);
        let numbers = &mut readings.numbers[self.column % COLUMNS_MAX];
        for (index, length_ms) in self.windows() {
            while held < live {
                let event = &events[position as usize & mask];
                if newest.wrapping_sub(event[0]) >= *length_ms {
                    break;
                }
                sum += number(event);
                held += 1;
                position = position.wrapping_sub(1);
            }
            numbers[held % ROWS].sum = sum;
            readings.rows[*index % WINDOW_COUNT] = u8::try_from(held % ROWS).unwrap_or(0);
        }
    }
}

/// An event's number; 0, which adds nothing, where it has none.
#[inline]
fn number(event: &[u32; EVENT_WORDS]) -> i64 {
    let number = read_i64(event, 2);
    if number == ABSENT { 0 } else { number }
}

impl RingStore {
    /// Takes an event in and reads the windows, where the plan is lean, the event in order and room for it: the
    /// position it got.
    #[inline]
    pub(super) fn take_in_lean(
        &mut self,
        header: &mut RingHeader,
        newest_ms: i64,
        sample: &Sample<'_>,
        (readings, is_asked): (&mut Readings, bool),
    ) -> Option<u32> {
        let lean = self.lean.as_ref()?;
        let moves_ms = sample.time_ms.saturating_sub(newest_ms);
        let is_plain = (0..LONGEST_EXACT_MS).contains(&moves_ms)
            && header.live() < header.capacity()
            && header.overflow == super::NONE;
        if !is_plain {
            return None;
        }
        let (mask, head) = (header.mask(), header.head);
        let newest = low_half(sample.time_ms);
        let bits = sample.numbers[lean.column % COLUMNS_MAX].cast_unsigned();
        let events = self.events.block_mut(header.events, header.size);
        let (events, _) = events.as_chunks_mut::<EVENT_WORDS>();
        events[head as usize & mask] = [newest, sample.marks, low(bits), low(bits >> 32)];
        if header.has_totals() {
            let totals = self.totals.block_mut(header.totals, 0);
            let (totals, _) = totals.as_chunks_mut::<WINDOW_WORDS>();
            header.oldest = lean.enter(events, (mask, head), totals, readings);
            header.head = head.wrapping_add(1);
            return Some(head);
        }
        while header.oldest != head
            && i64::from(newest.wrapping_sub(events[header.oldest as usize & mask][0]))
                >= LONGEST_EXACT_MS
        {
            header.oldest = header.oldest.wrapping_add(1);
        }
        header.head = head.wrapping_add(1);
        if is_asked {
            lean.walk(events, header, newest, readings);
        }
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Aggregate, Definition};
    use crate::entity::EntityKind;
    use crate::feature::{Family, Feature, Missing, Source, Unit};
    use crate::field::{Category, Number};
    use crate::plan::Plan;
    use crate::window::WindowIndex;

    fn is_lean(aggregates: &[(Aggregate, WindowIndex)]) -> bool {
        let feature = |(aggregate, window): &(Aggregate, WindowIndex)| Feature {
            name: format!("{aggregate:?}_{}", window.window().name),
            family: Family::Velocity,
            unit: Unit::Raw,
            missing: Missing::NoEntity,
            doc: String::new(),
            example: 1.0,
            phrase: String::new(),
            source: Source::Windowed(Definition {
                entity: EntityKind::Card,
                aggregate: aggregate.clone(),
                window: *window,
                ratio_to: None,
                filter: None,
            }),
        };
        let features: Vec<Feature> = aggregates.iter().map(feature).collect();
        let plan = Plan::compile(&features, &[]).unwrap();
        let ring = plan.kinds[EntityKind::Card.index()].ring.as_ref();
        Lean::of(ring.unwrap()).is_some()
    }

    #[test]
    fn a_plan_is_lean_that_counts_and_sums_alone() {
        use WindowIndex as W;
        let sum = Aggregate::Sum(Number::Amount);
        let both = [(sum.clone(), W::M1), (sum.clone(), W::H24)];
        assert!(is_lean(&both));
        // The day decides what is held: where it has no sum, its words are fewer.
        assert!(!is_lean(&both[..1]));
        for more in [
            Aggregate::Mean(Number::Amount),
            Aggregate::Max(Number::Amount),
            Aggregate::Median(Number::Amount),
            Aggregate::Sum(Number::DistanceMetres),
            Aggregate::Distinct(Category::Currency),
            Aggregate::GapMean,
        ] {
            let all = [both.as_slice(), &[(more.clone(), W::H1)]].concat();
            assert!(!is_lean(&all), "{more:?}");
        }
    }
}
