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
        let (stride, categories_at) = (self.plan.stride, self.plan.categories_at);
        let events = self.events.block(header.events, header.size);
        let totals = self.totals.block_mut(header.totals, 0);
        let newest = low_half(newest_ms);
        let (mask, head) = (header.mask(), header.head);
        for window in &self.plan.windows {
            let length_ms = low_half(window.length_ms);
            let began = totals[window.cursor_at];
            let mut cursor = began;
            while cursor != head {
                let at = (cursor as usize & mask) * stride;
                if newest.wrapping_sub(events[at]) < length_ms {
                    break;
                }
                let next = cursor.wrapping_add(1);
                let event = &events[at..at + stride];
                let next_time = (next != head).then(|| events[(next as usize & mask) * stride]);
                leave(window, totals, event, categories_at, next_time);
                cursor = next;
            }
            if cursor != began {
                totals[window.cursor_at] = cursor;
            }
            header.oldest = cursor;
        }
    }

    /// The oldest event leaves early, out of every window that still holds it.
    pub(super) fn drop_oldest(&mut self, header: &mut RingHeader) {
        let stride = self.plan.stride;
        let events = self.events.block(header.events, header.size);
        let totals = self.totals.block_mut(header.totals, 0);
        let at = header.slot(header.oldest) * stride;
        let next = header.oldest.wrapping_add(1);
        let next_time = events[header.slot(next) * stride];
        for window in &self.plan.windows {
            if totals[window.cursor_at] == header.oldest {
                let event = &events[at..at + stride];
                leave(
                    window,
                    totals,
                    event,
                    self.plan.categories_at,
                    Some(next_time),
                );
                totals[window.cursor_at] = next;
            }
        }
        header.oldest = next;
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

/// Takes an event off a window; `next_time` is that of the event behind it.
#[inline]
fn leave(
    window: &RingWindow,
    totals: &mut [u32],
    event: &[u32],
    categories_at: usize,
    next_time: Option<u32>,
) {
    for op in &window.ops {
        match op.kind {
            OpKind::Distinct(category) => {
                let value = event[categories_at + usize::from(category)];
                totals[op.at] -= u32::from(value & SUPERSEDED == 0);
            }
            OpKind::GapSquares => {
                if let Some(next_time) = next_time {
                    let gap = i64::from(next_time.wrapping_sub(event[0]));
                    let squares = read_i64(totals, op.at) - gap * gap;
                    write_i64(totals, op.at, squares);
                }
            }
            OpKind::Sum(place) => {
                let number = read_i64(event, NUMBERS_AT + 2 * usize::from(place));
                if number != ABSENT {
                    let sum = read_i64(totals, op.at) - number;
                    write_i64(totals, op.at, sum);
                }
            }
            _ => tally::<false>(*op, totals, event),
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
