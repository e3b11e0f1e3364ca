//! Late events: put in their place, at a cost that grows with the events they come behind, not with the
//! ring.

use super::running::tally;
use super::{RingHeader, RingStore, SUPERSEDED, low_half, supersede, write};
use crate::arena::{read_i64, write_i64};
use crate::plan::OpKind;
use crate::reading::Sample;
use crate::slab::NONE;

impl RingStore {
    /// Puts a late event behind every event that is not newer. There is room for it.
    pub(super) fn insert(
        &mut self,
        header: &mut RingHeader,
        newest_ms: i64,
        sample: &Sample<'_>,
    ) -> u32 {
        let position = self.open_gap(header, newest_ms, sample.time_ms);
        let at = header.slot(position) * self.plan.stride;
        let events = self.events.block_mut(header.events, header.size);
        write(&self.plan, &mut events[at..at + self.plan.stride], sample);
        header.head = header.head.wrapping_add(1);
        if header.large != NONE {
            self.shift_indices(header, position);
        }
        // One bit a category.
        let mut newest_of_value = 0;
        for category in 0..self.plan.categories.len() {
            newest_of_value |= u32::from(self.settle(header, category, position)) << category;
        }
        if header.has_totals() {
            let age_ms = newest_ms - sample.time_ms;
            self.enter_late(header, position, age_ms, newest_of_value);
        }
        if header.large != NONE {
            self.insert_extremes(header, position);
        }
        position
    }

    /// Shifts every newer event up by one; the position that became free.
    fn open_gap(&mut self, header: &RingHeader, newest_ms: i64, time_ms: i64) -> u32 {
        let stride = self.plan.stride;
        let events = self.events.block_mut(header.events, header.size);
        let (newest, age_ms) = (low_half(newest_ms), newest_ms - time_ms);
        let mut position = header.head;
        while position != header.oldest {
            let before = position.wrapping_sub(1);
            let from = header.slot(before) * stride;
            if i64::from(newest.wrapping_sub(events[from])) >= age_ms {
                break;
            }
            let to = header.slot(position) * stride;
            events.copy_within(from..from + stride, to);
            position = before;
        }
        position
    }

    /// Settles which event with the late event's value is superseded. Whether the late event is the
    /// newest with its value; the one before it is then in `previous`.
    fn settle(&mut self, header: &RingHeader, category: usize, position: u32) -> bool {
        let at = self.plan.categories_at + category;
        let value = self.event(header, position)[at];
        self.previous[category] = None;
        if value == SUPERSEDED {
            return false;
        }
        let is_carried_again = (1..header.head.wrapping_sub(position)).any(|step| {
            let later = self.event(header, position.wrapping_add(step));
            later[at] & !SUPERSEDED == value
        });
        if is_carried_again {
            let slot = header.slot(position) * self.plan.stride;
            self.events.block_mut(header.events, header.size)[slot + at] |= SUPERSEDED;
            return false;
        }
        let events = self.events.block_mut(header.events, header.size);
        let large = self.large.get_mut(header.large);
        self.previous[category] = supersede(&self.plan, events, large, header, category, position);
        true
    }

    /// Adds a late event to the windows that reach back to it; cursors of the others move up with the
    /// events they point at.
    fn enter_late(
        &mut self,
        header: &RingHeader,
        position: u32,
        age_ms: i64,
        newest_of_value: u32,
    ) {
        let stride = self.plan.stride;
        let events = self.events.block(header.events, header.size);
        let totals = self.totals.block_mut(header.totals, 0);
        let time_at = |position: u32| events[header.slot(position) * stride];
        let at = header.slot(position) * stride;
        let event = &events[at..at + stride];
        for window in &self.plan.windows {
            let cursor = totals[window.cursor_at];
            if age_ms >= window.length_ms {
                totals[window.cursor_at] = cursor.wrapping_add(1);
                continue;
            }
            let held_before = position.wrapping_sub(cursor);
            for op in &window.ops {
                match op.kind {
                    OpKind::Distinct(category) => {
                        let category = usize::from(category);
                        let repeats = self.previous[category]
                            .is_some_and(|earlier| position.wrapping_sub(earlier) <= held_before);
                        totals[op.at] += newest_of_value >> category & u32::from(!repeats);
                    }
                    OpKind::GapSquares => {
                        let next = time_at(position.wrapping_add(1));
                        let after = i64::from(next.wrapping_sub(event[0]));
                        let mut squares = read_i64(totals, op.at) + after * after;
                        if held_before > 0 {
                            let earlier = time_at(position.wrapping_sub(1));
                            let before = i64::from(event[0].wrapping_sub(earlier));
                            let whole = i64::from(next.wrapping_sub(earlier));
                            squares += before * before - whole * whole;
                        }
                        write_i64(totals, op.at, squares);
                    }
                    _ => tally::<true>(*op, totals, event),
                }
            }
        }
    }
}
