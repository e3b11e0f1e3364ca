//! The windows of one entity: one ring of events, one cursor per window.
//!
//! A window is the stretch of the ring between its cursor and the head. An arriving event is added to
//! every window's running sums; an event that a cursor passes is taken off. Both are O(1) an event and
//! window. Maximum and distinct count share the ring too:
//!
//! * **Distinct**: an event is *superseded* once a later event carries the same value. A window's distinct
//!   count is the number of events in it that are not superseded: one bit an event serves all windows.
//! * **Maximum**: in a small ring one backward pass answers every window. A large ring keeps the indices
//!   of a falling sequence of amounts; a window's maximum is the first of them at or after its cursor.
//!
//! Must never: hold more than [`EVENTS_PER_ENTITY_MAX`] events, or sum amounts other than as integers.

#![allow(
    clippy::needless_range_loop,
    reason = "a window is an index into several arrays of one length"
)]

use std::collections::VecDeque;

use hashbrown::HashMap;
use sentinel_domain::{Coordinates, Instant};

use crate::slice::{Measure, Slice};
use crate::window::{EVENTS_PER_ENTITY_MAX, LONGEST_MS, WINDOW_COUNT, WINDOWS};

/// What an entity needs to know of a transaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// When it happened.
    pub time: Instant,
    /// Minor units of the reference currency; `None` where there is no rate.
    pub amount: Option<i64>,
    /// Where it happened.
    pub place: Option<Coordinates>,
    /// The counterpart whose distinct values are counted: an interned number from 1; 0 for none.
    pub counterpart: u32,
}

/// One event in a ring, 16 bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    /// Event time in milliseconds, lower half: ages within a ring are far below 2^32 ms.
    time_ms: u32,
    /// The counterpart, and in the top bit whether it is superseded.
    value: u32,
    /// Minor units; [`UNPRICED`] where the amount is missing.
    amount: i64,
}

const SUPERSEDED: u32 = 1 << 31;
const UNPRICED: i64 = i64::MIN;
const CAPACITY_START: usize = 4;
/// Above this capacity a ring keeps the indices of [`Large`].
const SMALL_MAX: usize = 64;

/// The indices that make distinct and maximum O(1) in a large ring.
#[derive(Debug, Clone, Default)]
struct Large {
    /// The newest position of each counterpart. Looked up, never iterated for a value.
    newest: HashMap<u32, u32, foldhash::fast::FixedState>,
    /// Positions of events whose amount is above that of every later one.
    falling: VecDeque<u32>,
}

/// The state of one entity.
#[derive(Debug, Clone)]
pub struct EntityWindows {
    ring: Box<[Held]>,
    /// The position the next event gets; positions count up and wrap, slots are positions masked.
    head: u32,
    /// Each window's oldest position.
    cursor: [u32; WINDOW_COUNT],
    /// Sums of priced amounts.
    sum: [i64; WINDOW_COUNT],
    unpriced: [u32; WINDOW_COUNT],
    distinct: [u32; WINDOW_COUNT],
    large: Option<Box<Large>>,
    /// `T`: the greatest event time so far, whole milliseconds.
    newest_ms: i64,
    first: Instant,
    newest: Instant,
    /// Time of the newest event that left early because the ring was full.
    dropped_ms: Option<i64>,
    count_ever: u64,
    priced_ever: u64,
    sum_ever: i128,
    place: Option<(Instant, Coordinates)>,
}

/// How an event was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// At or after the entity's newest event.
    InOrder,
    /// Before it: put in its place.
    Late,
    /// Before it, and older than everything a full entity holds: it leaves at once, as the oldest does.
    Outdated,
}

impl EntityWindows {
    /// The state of an entity that has seen nothing.
    pub fn new() -> Self {
        Self {
            ring: Box::default(),
            head: 0,
            cursor: [0; WINDOW_COUNT],
            sum: [0; WINDOW_COUNT],
            unpriced: [0; WINDOW_COUNT],
            distinct: [0; WINDOW_COUNT],
            large: None,
            newest_ms: i64::MIN,
            first: Instant::default(),
            newest: Instant::default(),
            dropped_ms: None,
            count_ever: 0,
            priced_ever: 0,
            sum_ever: 0,
            place: None,
        }
    }

    /// Takes an event in and answers as of the entity's greatest event time.
    pub fn apply(&mut self, event: &Event, slice: &mut Slice) -> Arrival {
        self.describe_history(event, slice);
        let arrival = self.take_in(event);
        self.describe_windows(event, arrival != Arrival::Outdated, slice);
        self.remember(event);
        arrival
    }

    /// Answers for an event that is too late to be taken in.
    pub fn peek(&self, event: &Event, slice: &mut Slice) {
        self.describe_history(event, slice);
        self.describe_windows(event, false, slice);
    }

    /// Whether any window misses events that left early.
    pub fn is_estimated(&self) -> bool {
        self.dropped_ms
            .is_some_and(|dropped| self.newest_ms - dropped < LONGEST_MS)
    }

    /// Bytes held, for capacity planning.
    pub fn bytes(&self) -> usize {
        let large = self.large.as_ref().map_or(0, |large| {
            size_of::<Large>() + large.newest.capacity() * 9 + large.falling.capacity() * 4
        });
        size_of::<Self>() + self.ring.len() * size_of::<Held>() + large
    }

    fn take_in(&mut self, event: &Event) -> Arrival {
        let time_ms = event.time.millis_floor();
        if time_ms >= self.newest_ms {
            self.advance(time_ms);
            self.make_room();
            self.push(event, time_ms);
            Arrival::InOrder
        } else if self.is_outdated(time_ms) {
            self.dropped_ms = self.dropped_ms.max(Some(time_ms));
            Arrival::Outdated
        } else {
            self.make_room();
            self.insert(event, time_ms);
            Arrival::Late
        }
    }

    /// Whether a late event is older than everything held while there is no room for more.
    fn is_outdated(&self, time_ms: i64) -> bool {
        let oldest = self.cursor[WINDOW_COUNT - 1];
        self.live() == EVENTS_PER_ENTITY_MAX
            && self.newest_ms - time_ms > self.age_ms(self.held(oldest))
    }

    /// Moves `T` forward and lets every window drop what has left it.
    fn advance(&mut self, time_ms: i64) {
        if self.newest_ms == i64::MIN || time_ms - self.newest_ms >= LONGEST_MS {
            self.clear();
        }
        self.newest_ms = time_ms;
        for window in 0..WINDOW_COUNT {
            while self.cursor[window] != self.head {
                let held = self.held(self.cursor[window]);
                if self.age_ms(held) < WINDOWS[window].length_ms {
                    break;
                }
                self.leave(window);
            }
        }
        if let Some(large) = &mut self.large {
            let oldest = self.cursor[WINDOW_COUNT - 1];
            let live = self.head.wrapping_sub(oldest);
            while large
                .falling
                .front()
                .is_some_and(|at| self.head.wrapping_sub(*at) > live)
            {
                large.falling.pop_front();
            }
        }
    }

    /// Forgets every held event: all of them have left the longest window.
    fn clear(&mut self) {
        self.cursor = [self.head; WINDOW_COUNT];
        self.sum = [0; WINDOW_COUNT];
        self.unpriced = [0; WINDOW_COUNT];
        self.distinct = [0; WINDOW_COUNT];
        if let Some(large) = &mut self.large {
            large.newest.clear();
            large.falling.clear();
        }
    }

    /// The oldest event of a window leaves it.
    fn leave(&mut self, window: usize) {
        let held = self.held(self.cursor[window]);
        if held.amount == UNPRICED {
            self.unpriced[window] -= 1;
        } else {
            self.sum[window] -= held.amount;
        }
        self.distinct[window] -= u32::from(held.value & SUPERSEDED == 0);
        self.cursor[window] = self.cursor[window].wrapping_add(1);
    }

    /// Makes sure that one more event fits: by growing, or at the cap by letting the oldest go early.
    fn make_room(&mut self) {
        let live = self.live();
        if live < self.ring.len() {
            return;
        }
        if live < EVENTS_PER_ENTITY_MAX {
            self.grow();
            return;
        }
        let oldest = self.cursor[WINDOW_COUNT - 1];
        let age_ms = self.age_ms(self.held(oldest));
        self.dropped_ms = self.dropped_ms.max(Some(self.newest_ms - age_ms));
        // Shortest first: a lagging short window must not keep a position that the longest gave up.
        for window in 0..WINDOW_COUNT {
            if self.cursor[window] == oldest {
                self.leave(window);
            }
        }
        if let Some(large) = &mut self.large
            && large.falling.front() == Some(&oldest)
        {
            large.falling.pop_front();
        }
    }

    fn grow(&mut self) {
        let capacity = (self.ring.len() * 2).max(CAPACITY_START);
        let mut ring = vec![Held::default(); capacity].into_boxed_slice();
        let oldest = self.cursor[WINDOW_COUNT - 1];
        for step in 0..self.head.wrapping_sub(oldest) {
            let position = oldest.wrapping_add(step);
            ring[position as usize & (capacity - 1)] = self.held(position);
        }
        self.ring = ring;
        if capacity > SMALL_MAX && self.large.is_none() {
            self.large = Some(Box::default());
            self.index_large();
        }
    }

    /// Rebuilds the indices of a large ring from the ring itself.
    fn index_large(&mut self) {
        let Some(mut large) = self.large.take() else {
            return;
        };
        large.newest.clear();
        large.falling.clear();
        let oldest = self.cursor[WINDOW_COUNT - 1];
        for step in 0..self.head.wrapping_sub(oldest) {
            let position = oldest.wrapping_add(step);
            let held = self.held(position);
            if held.value & !SUPERSEDED != 0 {
                large.newest.insert(held.value & !SUPERSEDED, position);
            }
            self.push_falling(&mut large, position, held.amount);
        }
        self.large = Some(large);
    }

    fn push_falling(&self, large: &mut Large, position: u32, amount: i64) {
        if amount == UNPRICED {
            return;
        }
        while large
            .falling
            .back()
            .is_some_and(|at| self.held(*at).amount <= amount)
        {
            large.falling.pop_back();
        }
        large.falling.push_back(position);
    }

    /// Appends an event at the head; it lies in every window.
    fn push(&mut self, event: &Event, time_ms: i64) {
        let position = self.head;
        let previous = self.supersede(event.counterpart, position);
        let held = Held {
            time_ms: low_half(time_ms),
            value: if event.counterpart == 0 {
                SUPERSEDED
            } else {
                event.counterpart
            },
            amount: event.amount.unwrap_or(UNPRICED),
        };
        let slot = self.slot(position);
        self.ring[slot] = held;
        self.head = position.wrapping_add(1);
        for window in 0..WINDOW_COUNT {
            match event.amount {
                Some(amount) => self.sum[window] += amount,
                None => self.unpriced[window] += 1,
            }
            let repeats = previous.is_some_and(|at| self.holds(window, at));
            self.distinct[window] += u32::from(event.counterpart != 0 && !repeats);
        }
        if let Some(mut large) = self.large.take() {
            self.push_falling(&mut large, position, held.amount);
            self.large = Some(large);
        }
    }

    /// Finds the newest event with this counterpart and marks it as superseded.
    fn supersede(&mut self, counterpart: u32, position: u32) -> Option<u32> {
        if counterpart == 0 {
            return None;
        }
        let live = self.live();
        let previous = match &mut self.large {
            Some(large) => {
                // Stale positions are dropped when they outnumber the ring several times over.
                if large.newest.len() > 4 * self.ring.len() {
                    let head = self.head;
                    large
                        .newest
                        .retain(|_, at| head.wrapping_sub(*at) as usize <= live);
                }
                let head = self.head;
                large
                    .newest
                    .insert(counterpart, position)
                    .filter(|at| head.wrapping_sub(*at) as usize <= live)
            }
            None => (1..=self.head.wrapping_sub(self.cursor[WINDOW_COUNT - 1]))
                .map(|back| self.head.wrapping_sub(back))
                .find(|at| self.held(*at).value & !SUPERSEDED == counterpart),
        };
        if let Some(at) = previous {
            let slot = self.slot(at);
            self.ring[slot].value |= SUPERSEDED;
        }
        previous
    }

    /// Puts a late event behind every event that is not newer, then recounts. Linear in the ring: late
    /// events are few, and a recount cannot disagree with what it counts.
    fn insert(&mut self, event: &Event, time_ms: i64) {
        let mut position = self.head;
        let oldest = self.cursor[WINDOW_COUNT - 1];
        let age_ms = self.newest_ms - time_ms;
        while position != oldest {
            let before = position.wrapping_sub(1);
            let held = self.held(before);
            if self.age_ms(held) >= age_ms {
                break;
            }
            let slot = self.slot(position);
            self.ring[slot] = held;
            position = before;
        }
        let slot = self.slot(position);
        self.ring[slot] = Held {
            time_ms: low_half(time_ms),
            value: event.counterpart,
            amount: event.amount.unwrap_or(UNPRICED),
        };
        self.head = self.head.wrapping_add(1);
        self.recount();
    }

    /// Rebuilds marks, cursors and sums from the events in the ring.
    fn recount(&mut self) {
        let oldest = self.cursor[WINDOW_COUNT - 1];
        let live = self.head.wrapping_sub(oldest);
        let mut seen: HashMap<u32, (), foldhash::fast::FixedState> = HashMap::default();
        for step in (0..live).rev() {
            let slot = self.slot(oldest.wrapping_add(step));
            let value = self.ring[slot].value & !SUPERSEDED;
            let repeats = value == 0 || seen.insert(value, ()).is_some();
            self.ring[slot].value = value | if repeats { SUPERSEDED } else { 0 };
        }
        for window in 0..WINDOW_COUNT {
            // A window whose oldest events left early must not get them back, but a late event may be
            // older than its cursor's: the cursor is the first position within the length.
            let start = (0..live)
                .map(|step| oldest.wrapping_add(step))
                .find(|at| self.age_ms(self.held(*at)) < WINDOWS[window].length_ms);
            self.cursor[window] = start.unwrap_or(self.head);
            self.sum[window] = 0;
            self.unpriced[window] = 0;
            self.distinct[window] = 0;
            for step in 0..self.head.wrapping_sub(self.cursor[window]) {
                let held = self.held(self.cursor[window].wrapping_add(step));
                if held.amount == UNPRICED {
                    self.unpriced[window] += 1;
                } else {
                    self.sum[window] += held.amount;
                }
                self.distinct[window] += u32::from(held.value & SUPERSEDED == 0);
            }
        }
        self.index_large();
    }

    /// What the entity knew before this event.
    fn describe_history(&self, event: &Event, slice: &mut Slice) {
        let seen = self.count_ever > 0;
        let since = |earlier: Instant| {
            if seen {
                to_f64(event.time.micros_since(earlier).max(0)) / 1e6
            } else {
                f64::NAN
            }
        };
        slice.set(Measure::SecondsSinceLast, since(self.newest));
        slice.set(Measure::SecondsSinceFirst, since(self.first));
        let mean = if self.priced_ever == 0 {
            f64::NAN
        } else {
            wide_to_f64(self.sum_ever) / wide_to_f64(i128::from(self.priced_ever))
        };
        slice.set(
            Measure::AmountToMeanEver,
            ratio(event.amount.map(to_f64), mean),
        );
        slice.set(Measure::CountEver, wide_to_f64(i128::from(self.count_ever)));
        let (mut distance_km, mut speed_kmh) = (f64::NAN, f64::NAN);
        if let (Some(here), Some((when, there))) = (event.place, self.place) {
            distance_km = there.distance_metres(here) / 1000.0;
            // Below a second the clock says nothing: count one second.
            let seconds = (to_f64(event.time.micros_since(when).abs()) / 1e6).max(1.0);
            speed_kmh = distance_km / (seconds / 3600.0);
        }
        slice.set(Measure::DistanceKm, distance_km);
        slice.set(Measure::SpeedKmh, speed_kmh);
    }

    fn describe_windows(&self, event: &Event, included: bool, slice: &mut Slice) {
        let maxima = self.maxima();
        for window in 0..WINDOW_COUNT {
            let count = self.head.wrapping_sub(self.cursor[window]);
            let priced = f64::from(count - self.unpriced[window]);
            let sum = to_f64(self.sum[window]);
            slice.set(Measure::Count(window), f64::from(count));
            slice.set(Measure::Sum(window), sum);
            let mean = if priced > 0.0 { sum / priced } else { f64::NAN };
            slice.set(Measure::Mean(window), mean);
            slice.set(Measure::Max(window), maxima[window]);
            slice.set(Measure::Distinct(window), f64::from(self.distinct[window]));
            // A late event is in the windows that reach back to it, and in no other.
            let within =
                included && self.newest_ms - event.time.millis_floor() < WINDOWS[window].length_ms;
            let own = event.amount.filter(|_| within);
            let others = priced - f64::from(u8::from(own.is_some()));
            let others_sum = to_f64(self.sum[window] - own.unwrap_or(0));
            let others_mean = if others > 0.0 {
                others_sum / others
            } else {
                f64::NAN
            };
            let against = ratio(event.amount.map(to_f64), others_mean);
            slice.set(Measure::AmountToMean(window), against);
        }
    }

    /// The greatest amount of each window; not-a-number where a window has none.
    fn maxima(&self) -> [f64; WINDOW_COUNT] {
        let mut maxima = [f64::NAN; WINDOW_COUNT];
        if let Some(large) = &self.large {
            for (window, maximum) in maxima.iter_mut().enumerate() {
                let count = self.head.wrapping_sub(self.cursor[window]);
                let first = large
                    .falling
                    .partition_point(|at| self.head.wrapping_sub(*at) > count);
                if let Some(at) = large.falling.get(first) {
                    *maximum = to_f64(self.held(*at).amount);
                }
            }
            return maxima;
        }
        let (mut position, mut greatest) = (self.head, UNPRICED);
        for (window, maximum) in maxima.iter_mut().enumerate() {
            while position != self.cursor[window] {
                position = position.wrapping_sub(1);
                greatest = greatest.max(self.held(position).amount);
            }
            if greatest != UNPRICED {
                *maximum = to_f64(greatest);
            }
        }
        maxima
    }

    /// Takes the event into what is known for ever.
    fn remember(&mut self, event: &Event) {
        if self.count_ever == 0 || event.time < self.first {
            self.first = event.time;
        }
        if self.count_ever == 0 || event.time > self.newest {
            self.newest = event.time;
        }
        self.count_ever += 1;
        if let Some(amount) = event.amount {
            self.priced_ever += 1;
            self.sum_ever += i128::from(amount);
        }
        if let Some(here) = event.place
            && self.place.is_none_or(|(when, _)| event.time >= when)
        {
            self.place = Some((event.time, here));
        }
    }

    fn slot(&self, position: u32) -> usize {
        position as usize & (self.ring.len() - 1)
    }

    fn held(&self, position: u32) -> Held {
        self.ring[self.slot(position)]
    }

    /// Events in the longest window.
    fn live(&self) -> usize {
        self.head.wrapping_sub(self.cursor[WINDOW_COUNT - 1]) as usize
    }

    fn holds(&self, window: usize, position: u32) -> bool {
        let behind = self.head.wrapping_sub(position);
        behind <= self.head.wrapping_sub(self.cursor[window])
    }

    /// How long before `T` an event happened.
    fn age_ms(&self, held: Held) -> i64 {
        i64::from(low_half(self.newest_ms).wrapping_sub(held.time_ms))
    }
}

impl Default for EntityWindows {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the lower half is what is wanted: differences within a ring fit in it"
)]
fn low_half(time_ms: i64) -> u32 {
    time_ms as u32
}

#[allow(
    clippy::cast_precision_loss,
    reason = "exact to 2^53 minor units, as promised"
)]
fn to_f64(value: i64) -> f64 {
    value as f64
}

#[allow(
    clippy::cast_precision_loss,
    reason = "means over a lifetime need no more than 53 bits"
)]
fn wide_to_f64(value: i128) -> f64 {
    value as f64
}

/// `amount / mean`; missing where either is, or where the mean is zero.
fn ratio(amount: Option<f64>, mean: f64) -> f64 {
    match amount {
        Some(amount) if mean > 0.0 => amount / mean,
        _ => f64::NAN,
    }
}
