//! Running totals of medium and large rings.

use super::{RingHeader, RingStore, SUPERSEDED, low_half, supersede, write};
use crate::arena::{read_i64, read_u128, write_i64, write_u128};
use crate::plan::{COLUMNS_MAX, Op, OpKind, RingPlan, RingWindow};
use crate::reading::{COUNT, Readings, Sample, line_of_category, line_of_mark};
use crate::totals::{ABSENT, bucket, square};

/// Where the numbers of an event begin.
const NUMBERS_AT: usize = 2;

impl RingStore {
    /// Appends an event at the head, marks values of earlier events that it carries again, adds it to every
    /// window and reads what the windows add up to with it.
    pub(super) fn push_and_read(
        &mut self,
        header: &mut RingHeader,
        sample: &Sample<'_>,
        readings: &mut Readings,
    ) {
        let plan = &self.plan;
        let (position, mask) = (header.head, header.mask());
        let events = self.events.block_mut(header.events, header.size);
        let at = (position as usize & mask) * plan.stride;
        write(plan, &mut events[at..at + plan.stride], sample);
        for category in 0..plan.categories.len() {
            let large = self.large.get_mut(header.large);
            self.previous[category] = supersede(plan, events, large, header, category, position);
        }
        header.head = position.wrapping_add(1);
        let arrival = Arrival {
            events,
            event: &events[at..at + plan.stride],
            previous: &self.previous,
            position,
            mask,
        };
        let totals = self.totals.block_mut(header.totals, 0);
        for window in &plan.windows {
            arrival.enter_and_read(plan, window, totals, readings);
        }
    }

    /// Lets every window drop what has left it.
    pub(super) fn advance_running(&mut self, header: &mut RingHeader, newest_ms: i64) {
        let plan = &self.plan;
        let (stride, mask, head) = (plan.stride, header.mask(), header.head);
        let events = self.events.block(header.events, header.size);
        let totals = self.totals.block_mut(header.totals, 0);
        let newest = low_half(newest_ms);
        for window in &plan.windows {
            let length_ms = low_half(window.length_ms);
            let from = totals[window.cursor_at];
            let mut to = from;
            while to != head
                && newest.wrapping_sub(events[(to as usize & mask) * stride]) >= length_ms
            {
                to = to.wrapping_add(1);
            }
            header.oldest = to;
            if from != to {
                let ring = (events, mask, head);
                leave(plan, window, totals, ring, (from, to));
            }
        }
    }

    /// The oldest event leaves early, out of every window that still holds it.
    pub(super) fn drop_oldest(&mut self, header: &mut RingHeader) {
        let events = self.events.block(header.events, header.size);
        let totals = self.totals.block_mut(header.totals, 0);
        let (from, to) = (header.oldest, header.oldest.wrapping_add(1));
        for window in &self.plan.windows {
            if totals[window.cursor_at] == from {
                let ring = (events, header.mask(), header.head);
                leave(&self.plan, window, totals, ring, (from, to));
            }
        }
        header.oldest = to;
    }

    /// Rebuilds cursors and totals from the events in the ring.
    pub(super) fn recount(&mut self, header: &RingHeader, newest_ms: i64) {
        let stride = self.plan.stride;
        let events = self.events.block(header.events, header.size);
        let totals = self.totals.block_mut(header.totals, 0);
        totals.fill(0);
        let newest = low_half(newest_ms);
        for window in &self.plan.windows {
            let mut cursor = header.oldest;
            while cursor != header.head
                && i64::from(newest.wrapping_sub(events[header.slot(cursor) * stride]))
                    >= window.length_ms
            {
                cursor = cursor.wrapping_add(1);
            }
            totals[window.cursor_at] = cursor;
            for step in 0..header.head.wrapping_sub(cursor) {
                let position = cursor.wrapping_add(step);
                let at = header.slot(position) * stride;
                let event = &events[at..at + stride];
                for op in &window.ops {
                    match op.kind {
                        OpKind::Distinct(category) => {
                            let value = event[self.plan.categories_at + usize::from(category)];
                            totals[op.at] += u32::from(value & SUPERSEDED == 0);
                        }
                        OpKind::GapSquares if step > 0 => {
                            let before = events[header.slot(position.wrapping_sub(1)) * stride];
                            let gap = i64::from(event[0].wrapping_sub(before));
                            let squares = read_i64(totals, op.at) + gap * gap;
                            write_i64(totals, op.at, squares);
                        }
                        _ => tally::<true>(*op, totals, event),
                    }
                }
            }
        }
    }
}

/// An event that has just been put at the head of a ring.
struct Arrival<'a> {
    events: &'a [u32],
    event: &'a [u32],
    /// Where the same values were before, a category each.
    previous: &'a [Option<u32>],
    position: u32,
    mask: usize,
}

impl Arrival<'_> {
    /// Adds it to a window and reads what the window adds up to.
    #[inline]
    fn enter_and_read(
        &self,
        plan: &RingPlan,
        window: &RingWindow,
        totals: &mut [u32],
        readings: &mut Readings,
    ) {
        let (event, position) = (self.event, self.position);
        let time_at = |position: u32| self.events[(position as usize & self.mask) * plan.stride];
        let row = readings.own_row(window.index);
        let cursor = totals[window.cursor_at];
        let held = position.wrapping_sub(cursor);
        readings.line(COUNT)[row] = u64::from(held) + 1;
        if plan.has_gaps {
            let span = event[0].wrapping_sub(time_at(cursor));
            readings.gap_span_ms[row] = i64::from(span);
        }
        for op in &window.ops {
            let number = |place: u8| read_i64(event, NUMBERS_AT + 2 * usize::from(place));
            let column = |place: u8| usize::from(plan.numbers[usize::from(place)]) % COLUMNS_MAX;
            match op.kind {
                OpKind::Counted(place) => {
                    totals[op.at] += u32::from(number(place) != ABSENT);
                    readings.numbers[column(place)][row].count = u64::from(totals[op.at]);
                }
                OpKind::Sum(place) => {
                    let number = number(place);
                    let added = if number == ABSENT { 0 } else { number };
                    let sum = read_i64(totals, op.at) + added;
                    write_i64(totals, op.at, sum);
                    readings.numbers[column(place)][row].sum = sum;
                }
                OpKind::Squares(place) => {
                    tally::<true>(*op, totals, event);
                    let squares = read_u128(totals, op.at);
                    readings.numbers[column(place)][row].squares = squares;
                }
                OpKind::Marked(mark) => {
                    totals[op.at] += event[1] >> mark & 1;
                    readings.line(line_of_mark(mark))[row] = u64::from(totals[op.at]);
                }
                OpKind::Distinct(category) => {
                    let category = usize::from(category);
                    let is_absent = event[plan.categories_at + category] == SUPERSEDED;
                    let repeats = self.previous[category]
                        .is_some_and(|earlier| position.wrapping_sub(earlier) <= held);
                    totals[op.at] += u32::from(!is_absent && !repeats);
                    let line = line_of_category(plan.categories[category]);
                    readings.line(line)[row] = u64::from(totals[op.at]);
                }
                OpKind::GapSquares => {
                    let mut squares = read_i64(totals, op.at);
                    if held > 0 {
                        let before = time_at(position.wrapping_sub(1));
                        let gap = i64::from(event[0].wrapping_sub(before));
                        squares += gap * gap;
                        write_i64(totals, op.at, squares);
                    }
                    readings.gap_squares[row] = squares;
                }
                OpKind::Histogram(_) => tally::<true>(*op, totals, event),
            }
        }
    }
}

/// Moves the cursor of a window on and takes off it what the cursor passes: total by total, so that one
/// choice of what to do serves all events. The ring is its events, the mask of slots and the head.
#[inline]
fn leave(
    plan: &RingPlan,
    window: &RingWindow,
    totals: &mut [u32],
    (events, mask, head): (&[u32], usize, u32),
    (from, to): (u32, u32),
) {
    let stride = plan.stride;
    let slot = |position: u32| (position as usize & mask) * stride;
    let gone = (0..to.wrapping_sub(from)).map(|step| from.wrapping_add(step));
    totals[window.cursor_at] = to;
    for op in &window.ops {
        match op.kind {
            OpKind::Sum(place) => {
                let word = NUMBERS_AT + 2 * usize::from(place);
                let mut sum = read_i64(totals, op.at);
                for position in gone.clone() {
                    let number = read_i64(events, slot(position) + word);
                    sum -= if number == ABSENT { 0 } else { number };
                }
                write_i64(totals, op.at, sum);
            }
            OpKind::Distinct(category) => {
                let word = plan.categories_at + usize::from(category);
                let newest = |position| (events[slot(position) + word] >> 31) ^ 1;
                totals[op.at] -= gone.clone().map(newest).sum::<u32>();
            }
            OpKind::GapSquares => {
                let mut squares = read_i64(totals, op.at);
                for position in gone.clone() {
                    let next = position.wrapping_add(1);
                    if next != head {
                        let gap = events[slot(next)].wrapping_sub(events[slot(position)]);
                        squares -= i64::from(gap) * i64::from(gap);
                    }
                }
                write_i64(totals, op.at, squares);
            }
            _ => {
                for position in gone.clone() {
                    let at = slot(position);
                    tally::<false>(*op, totals, &events[at..at + stride]);
                }
            }
        }
    }
}

/// Adds what an event has by itself, or takes it off.
#[inline]
pub(super) fn tally<const ADD: bool>(op: Op, totals: &mut [u32], event: &[u32]) {
    let number = |place: u8| {
        let number = read_i64(event, NUMBERS_AT + 2 * usize::from(place));
        (number != ABSENT).then_some(number)
    };
    match op.kind {
        OpKind::Counted(place) => {
            step::<ADD>(&mut totals[op.at], u32::from(number(place).is_some()));
        }
        OpKind::Sum(place) => {
            let number = number(place).unwrap_or(0);
            let sum = read_i64(totals, op.at);
            let sum = if ADD { sum + number } else { sum - number };
            write_i64(totals, op.at, sum);
        }
        OpKind::Squares(place) => {
            let squared = square(number(place).unwrap_or(0));
            let squares = read_u128(totals, op.at);
            let squares = if ADD {
                squares + squared
            } else {
                squares - squared
            };
            write_u128(totals, op.at, squares);
        }
        OpKind::Marked(mark) => step::<ADD>(&mut totals[op.at], event[1] >> mark & 1),
        OpKind::Histogram(place) => {
            if let Some(number) = number(place) {
                step::<ADD>(&mut totals[op.at + bucket(number)], 1);
            }
        }
        OpKind::Distinct(_) | OpKind::GapSquares => {}
    }
}

#[inline]
fn step<const ADD: bool>(count: &mut u32, by: u32) {
    if ADD {
        *count += by;
    } else {
        *count -= by;
    }
}
