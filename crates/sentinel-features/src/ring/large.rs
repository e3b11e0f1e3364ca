//! Indices of large rings: where a value was last, and which amounts no later one exceeds.

use std::collections::VecDeque;

use super::{RingHeader, RingStore, SUPERSEDED};
use crate::arena::read_i64;
use crate::slots::Slots;
use crate::totals::ABSENT;

/// The indices that make distinct values and extremes O(1).
#[derive(Debug)]
pub(super) struct Large {
    /// The newest position of each value, a category each. Looked up, never iterated for a value.
    newest: Vec<Slots>,
    /// Positions of events whose number no later one reaches from the right side, a number each: the
    /// falling sequence for the greatest, the rising one for the least.
    falling: Vec<VecDeque<u32>>,
    rising: Vec<VecDeque<u32>>,
}

impl Large {
    pub(super) fn bytes(&self) -> usize {
        let newest: usize = self.newest.iter().map(Slots::bytes).sum();
        let deques = self.falling.iter().chain(&self.rising);
        let deques: usize = deques.map(|deque| deque.capacity() * 4).sum();
        size_of::<Self>() + newest + deques
    }

    pub(super) fn clear(&mut self) {
        self.newest.iter_mut().for_each(Slots::clear);
        for deque in self.falling.iter_mut().chain(&mut self.rising) {
            deque.clear();
        }
    }

    /// Drops extremes that have left the ring.
    pub(super) fn forget_before(&mut self, oldest: u32, head: u32) {
        let live = head.wrapping_sub(oldest);
        for deque in self.falling.iter_mut().chain(&mut self.rising) {
            while deque
                .front()
                .is_some_and(|at| head.wrapping_sub(*at) > live)
            {
                deque.pop_front();
            }
        }
    }

    /// Notes that a value is at a position now; where it was before, if that is still held.
    pub(super) fn renew(
        &mut self,
        category: usize,
        value: u32,
        position: u32,
        header: &RingHeader,
    ) -> Option<u32> {
        let newest = &mut self.newest[category];
        let live = position.wrapping_sub(header.oldest);
        // Stale positions are dropped when they outnumber the ring several times over.
        if newest.len() > 4 * header.capacity() {
            let held = header.head.wrapping_sub(header.oldest);
            newest.retain(|at| at.wrapping_sub(header.oldest) <= held);
        }
        let before = newest.replace(value, position)?;
        let back = position.wrapping_sub(before);
        (back != 0 && back <= live).then_some(before)
    }

    /// Asks for the line where a value is looked up.
    pub(super) fn prefetch(&self, category: usize, value: u32) {
        self.newest[category].prefetch(value);
    }
}

impl RingStore {
    /// Makes the indices of a ring from the ring itself; none where nothing is looked up in them.
    pub(super) fn index(&mut self, header: &mut RingHeader) {
        if self.plan.categories.is_empty() && !self.plan.has_extremes {
            return;
        }
        let mut large = Large {
            newest: vec![Slots::default(); self.plan.categories.len()],
            falling: vec![VecDeque::new(); self.plan.extremes.len()],
            rising: vec![VecDeque::new(); self.plan.extremes.len()],
        };
        for step in 0..header.head.wrapping_sub(header.oldest) {
            let position = header.oldest.wrapping_add(step);
            let event = self.event(header, position);
            for (category, newest) in large.newest.iter_mut().enumerate() {
                let value = event[self.plan.categories_at + category];
                if value & SUPERSEDED == 0 {
                    newest.replace(value, position);
                }
            }
        }
        header.large = self.large.insert(large);
        for step in 0..header.head.wrapping_sub(header.oldest) {
            self.push_extremes(header, header.oldest.wrapping_add(step));
        }
    }

    /// An event was put in at a position, and those behind it moved up by one: so do the indices.
    pub(super) fn shift_indices(&mut self, header: &RingHeader, position: u32) {
        let Some(large) = self.large.get_mut(header.large) else {
            return;
        };
        for deque in large.falling.iter_mut().chain(&mut large.rising) {
            for at in deque.iter_mut().rev() {
                if is_before(*at, position) {
                    break;
                }
                *at = at.wrapping_add(1);
            }
        }
        let stride = self.plan.stride;
        let events = self.events.block(header.events, header.size);
        for step in 1..header.head.wrapping_sub(position) {
            let moved = position.wrapping_add(step);
            for (category, newest) in large.newest.iter_mut().enumerate() {
                let at = header.slot(moved) * stride + self.plan.categories_at + category;
                if events[at] & SUPERSEDED == 0 {
                    newest.replace(events[at], moved);
                }
            }
        }
    }

    /// Takes the event at a position into the extremes; it is the newest of those taken in.
    pub(super) fn push_extremes(&mut self, header: &RingHeader, position: u32) {
        let Some(large) = self.large.get_mut(header.large) else {
            return;
        };
        let stride = self.plan.stride;
        let events = self.events.block(header.events, header.size);
        let number_at =
            |at: u32, place: usize| read_i64(&events[header.slot(at) * stride..], 2 + 2 * place);
        for place in 0..self.plan.extremes.len() {
            let number = number_at(position, place);
            if !self.plan.extremes[place] || number == ABSENT {
                continue;
            }
            let falling = &mut large.falling[place];
            while falling
                .back()
                .is_some_and(|at| number_at(*at, place) <= number)
            {
                falling.pop_back();
            }
            falling.push_back(position);
            let rising = &mut large.rising[place];
            while rising
                .back()
                .is_some_and(|at| number_at(*at, place) >= number)
            {
                rising.pop_back();
            }
            rising.push_back(position);
        }
    }

    /// Takes a late event into the extremes; positions behind it have moved up already.
    pub(super) fn insert_extremes(&mut self, header: &RingHeader, position: u32) {
        let stride = self.plan.stride;
        let events = self.events.block(header.events, header.size);
        let Some(large) = self.large.get_mut(header.large) else {
            return;
        };
        let number_at =
            |at: u32, place: usize| read_i64(&events[header.slot(at) * stride..], 2 + 2 * place);
        for place in 0..self.plan.extremes.len() {
            let number = number_at(position, place);
            if !self.plan.extremes[place] || number == ABSENT {
                continue;
            }
            insert_sorted(
                &mut large.falling[place],
                position,
                |at| number_at(at, place) >= number,
                |at| number_at(at, place) <= number,
            );
            insert_sorted(
                &mut large.rising[place],
                position,
                |at| number_at(at, place) <= number,
                |at| number_at(at, place) >= number,
            );
        }
    }

    /// The greatest (or least) number within a window of a large ring.
    pub(super) fn extreme(
        &self,
        header: &RingHeader,
        place: usize,
        cursor: u32,
        greatest: bool,
    ) -> Option<i64> {
        let large = self.large.get(header.large)?;
        let deque = if greatest {
            &large.falling[place]
        } else {
            &large.rising[place]
        };
        let count = header.head.wrapping_sub(cursor);
        let first = deque.partition_point(|at| header.head.wrapping_sub(*at) > count);
        let at = deque.get(first)?;
        Some(read_i64(self.event(header, *at), 2 + 2 * place))
    }
}

/// Whether a position lies before another; both are of one ring.
fn is_before(one: u32, other: u32) -> bool {
    one.wrapping_sub(other) >= 1 << 31
}

/// Puts a position into a monotonic sequence, unless a later entry outdoes it; earlier entries that it
/// outdoes go.
fn insert_sorted(
    deque: &mut VecDeque<u32>,
    position: u32,
    outdoes_it: impl Fn(u32) -> bool,
    is_outdone: impl Fn(u32) -> bool,
) {
    let mut at = deque.partition_point(|have| is_before(*have, position));
    if deque.get(at).is_some_and(|later| outdoes_it(*later)) {
        return;
    }
    while at > 0
        && deque
            .get(at - 1)
            .is_some_and(|earlier| is_outdone(*earlier))
    {
        deque.remove(at - 1);
        at -= 1;
    }
    deque.insert(at, position);
}
