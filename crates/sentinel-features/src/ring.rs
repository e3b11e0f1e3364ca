//! The exact windows of one entity: one ring of events, one cursor per window.
//!
//! A window is the stretch of the ring between its cursor and the head. Three classes, one meaning:
//!
//! * **Small** (up to 16 events): no running totals; a walk back from the head adds every window up.
//! * **Medium** (up to 64): each window has a cursor and running totals; an arriving event is added to
//!   every window, an event that a cursor passes is taken off.
//! * **Large** (up to 65,536): besides, indices make distinct values and extremes O(1).
//!
//! Distinct values share the ring: an event is *superseded* once a later event carries the same value, and
//! a window's distinct count is the number of its events that are not. One bit an event serves all windows.
//! Beyond the largest ring the oldest events leave early into [`overflow`] tiles.
//!
//! ```text
//!      oldest = cursor 24 h        cursor 1 h      cursor 1 min   head
//!        ▼                            ▼                ▼            ▼
//!   ○ ○  ● ● ● ● ● ● ● ● ● ● ● ● ● ●  ● ● ● ● ● ● ● ●  ● ● ● ● ● ●  ·
//!   gone └──────────────────────── 24 h ─────────────────────────┘
//! ```
//!
//! Must never: let the class of a ring change a value, or sum amounts other than as integers.

mod running;
mod insert;
mod large;
mod lean;
mod overflow;
mod read;
mod codec;

use crate::arena::{Arena, Block, LINE_WORDS, low, prefetch, read_i64, write_i64};
use crate::plan::{COLUMNS_MAX, RingPlan};
use crate::reading::{Readings, Sample};
use crate::slab::{NONE, Slab};
use crate::totals::ABSENT;
use crate::window::{EVENTS_PER_ENTITY_MAX, LONGEST_EXACT_MS};

use large::Large;
use lean::Lean;
use overflow::Overflow;

/// The mark of a value that a later event carries again; a value that is absent bears it too.
const SUPERSEDED: u32 = 1 << 31;
/// Events of the smallest ring.
const CAPACITY_START: usize = 2;
/// Up to this capacity a ring is small.
const SMALL_MAX: usize = 16;
/// Above this capacity it is large.
const MEDIUM_MAX: usize = 64;

/// Where an entity's events lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RingHeader {
    events: Block,
    totals: Block,
    large: u32,
    overflow: u32,
    /// The position the next event gets; positions count up and wrap, slots are positions masked.
    head: u32,
    /// The position of the oldest event of the 24-hour window.
    oldest: u32,
    size: u8,
}

impl RingHeader {
    /// Of an entity without events.
    pub const EMPTY: Self = Self {
        events: Block::NONE,
        totals: Block::NONE,
        large: NONE,
        overflow: NONE,
        head: 0,
        oldest: 0,
        size: 0,
    };

    fn capacity(&self) -> usize {
        if self.events == Block::NONE {
            0
        } else {
            CAPACITY_START << self.size
        }
    }

    /// Events held.
    pub fn live(&self) -> usize {
        self.head.wrapping_sub(self.oldest) as usize
    }

    fn slot(&self, position: u32) -> usize {
        position as usize & self.mask()
    }

    fn mask(&self) -> usize {
        (CAPACITY_START << self.size) - 1
    }

    fn has_totals(&self) -> bool {
        self.totals != Block::NONE
    }
}

/// The rings of one kind of entity.
#[derive(Debug)]
pub(crate) struct RingStore {
    plan: RingPlan,
    /// Where the plan asks for little.
    lean: Option<Lean>,
    events: Arena,
    totals: Arena,
    large: Slab<Large>,
    overflow: Slab<Overflow>,
    /// The newest earlier event with the same value, a category each; reused from event to event.
    previous: Vec<Option<u32>>,
    /// The numbers of an event that leaves early, by the kind's columns; reused.
    dropped: Vec<i64>,
}

impl RingStore {
    /// No rings yet.
    pub fn new(plan: RingPlan) -> Self {
        Self {
            events: Arena::new(plan.stride * CAPACITY_START),
            totals: Arena::new(whole_lines(plan.totals_words)),
            large: Slab::default(),
            overflow: Slab::default(),
            previous: vec![None; plan.categories.len()],
            dropped: vec![ABSENT; COLUMNS_MAX],
            lean: Lean::of(&plan),
            plan,
        }
    }

    /// Takes an event in, and reads the windows as of then where somebody asks; `newest_ms` is `T` before it
    /// (the least number where there is none). The position it got; `None` where it left at once, being older
    /// than everything a full entity holds.
    pub fn take_in(
        &mut self,
        header: &mut RingHeader,
        newest_ms: i64,
        sample: &Sample<'_>,
        (readings, is_asked): (&mut Readings, bool),
    ) -> Option<u32> {
        if sample.time_ms < newest_ms {
            return self.take_in_late(header, newest_ms, sample, (readings, is_asked));
        }
        if let Some(position) = self.take_in_lean(header, newest_ms, sample, (readings, is_asked)) {
            return Some(position);
        }
        self.advance(header, newest_ms, sample.time_ms);
        if header.live() >= header.capacity() {
            self.make_room(header, sample.time_ms);
        }
        let position = header.head;
        if header.has_totals() {
            self.push_and_read(header, sample, readings);
            if self.plan.has_extremes {
                self.push_extremes(header, position);
                if is_asked {
                    self.read_extremes_of(header, readings);
                }
            }
            if is_asked && header.overflow != NONE {
                self.read_overflow(header, readings);
            }
        } else {
            let events = self.events.block_mut(header.events, header.size);
            push(&self.plan, events, header, sample);
            if is_asked {
                read::walk(&self.plan, events, header, sample.time_ms, readings);
            }
        }
        Some(position)
    }

    /// Takes a late event in.
    #[cold]
    fn take_in_late(
        &mut self,
        header: &mut RingHeader,
        newest_ms: i64,
        sample: &Sample<'_>,
        (readings, is_asked): (&mut Readings, bool),
    ) -> Option<u32> {
        let is_full = header.live() == EVENTS_PER_ENTITY_MAX;
        let age_ms = newest_ms - sample.time_ms;
        let position = if is_full && age_ms > self.age_ms(header, header.oldest, newest_ms) {
            let event = (sample.time_ms, sample.marks);
            self.drop_early(header, newest_ms, event, sample.numbers);
            None
        } else {
            self.make_room(header, newest_ms);
            Some(self.insert(header, newest_ms, sample))
        };
        if is_asked {
            self.read(header, newest_ms, readings);
        }
        position
    }

    /// Whether a window misses events that left early.
    #[inline]
    pub fn is_estimated(&self, header: &RingHeader, newest_ms: i64) -> bool {
        header.overflow != NONE
            && self
                .overflow
                .get(header.overflow)
                .is_some_and(|overflow| newest_ms - overflow.dropped_ms() < LONGEST_EXACT_MS)
    }

    /// Lets everything go that an entity holds.
    pub fn free(&mut self, header: &mut RingHeader) {
        self.events.free(header.events, header.size);
        self.totals.free(header.totals, 0);
        self.large.remove(header.large);
        self.overflow.remove(header.overflow);
        *header = RingHeader::EMPTY;
    }

    /// Asks for the lines of a small ring; of a larger one for those of the newest and the oldest event, of
    /// the totals and of where a value is looked up.
    #[inline]
    pub fn prefetch(&self, header: &RingHeader, value: impl Fn(&u8) -> u32) {
        if header.has_totals() {
            self.prefetch_running(header, value);
        } else if header.events != Block::NONE {
            self.events.prefetch(header.events, header.size);
        }
    }

    fn prefetch_running(&self, header: &RingHeader, value: impl Fn(&u8) -> u32) {
        let ends = [header.head, header.oldest].map(|at| header.slot(at) * self.plan.stride);
        self.events.prefetch_words(header.events, header.size, ends);
        self.totals.prefetch(header.totals, 0);
        if let Some(large) = self.large.get(header.large) {
            for (category, column) in self.plan.categories.iter().enumerate() {
                large.prefetch(category, value(column));
            }
        }
    }

    /// Asks for the lines where the windows of a larger ring begin; its totals are there already.
    #[inline]
    pub fn prefetch_cursors(&self, header: &RingHeader) {
        if header.has_totals() {
            self.prefetch_beginnings(header);
        }
    }

    fn prefetch_beginnings(&self, header: &RingHeader) {
        let totals = self.totals.block(header.totals, 0);
        let events = self.events.block(header.events, header.size);
        let (stride, mask) = (self.plan.stride, header.mask());
        // The longest begins at the oldest event, which has been asked for.
        let (_, shorter) = self.plan.windows.split_last().unzip();
        for window in shorter.unwrap_or_default() {
            let cursor = totals[window.cursor_at];
            prefetch(&events[(cursor as usize & mask) * stride]);
        }
    }

    /// Bytes of an entity's events, totals and indices.
    pub fn bytes_of(&self, header: &RingHeader) -> usize {
        let mut words = header.capacity() * self.plan.stride;
        if header.has_totals() {
            words += self.totals.words_of(0);
        }
        let large = self.large.get(header.large).map_or(0, Large::bytes);
        let overflow = self
            .overflow
            .get(header.overflow)
            .map_or(0, Overflow::bytes);
        words * 4 + large + overflow
    }

    /// Which class an entity's ring is: 0 small, 1 medium, 2 large.
    pub fn class_of(header: &RingHeader) -> usize {
        let capacity = header.capacity();
        usize::from(capacity > SMALL_MAX) + usize::from(capacity > MEDIUM_MAX)
    }

    /// Bytes held, used or not.
    pub fn bytes(&self) -> usize {
        self.events.bytes() + self.totals.bytes()
    }

    /// Moves `T` forward and lets every window drop what has left it.
    fn advance(&mut self, header: &mut RingHeader, from_ms: i64, to_ms: i64) {
        if header.overflow != NONE {
            self.advance_overflow(header, to_ms);
        }
        if header.live() == 0 || to_ms == from_ms {
            return;
        }
        if to_ms - from_ms >= LONGEST_EXACT_MS {
            self.clear(header);
            return;
        }
        if header.has_totals() {
            self.advance_running(header, to_ms);
        } else {
            let events = self.events.block(header.events, header.size);
            let (stride, mask) = (self.plan.stride, header.mask());
            let newest = low_half(to_ms);
            while header.oldest != header.head {
                let time = events[(header.oldest as usize & mask) * stride];
                if i64::from(newest.wrapping_sub(time)) < LONGEST_EXACT_MS {
                    break;
                }
                header.oldest = header.oldest.wrapping_add(1);
            }
        }
        self.forget_extremes(header);
    }

    /// Drops extremes that have left the ring.
    #[inline]
    fn forget_extremes(&mut self, header: &RingHeader) {
        if self.plan.has_extremes
            && let Some(large) = self.large.get_mut(header.large)
        {
            large.forget_before(header.oldest, header.head);
        }
    }

    /// Forgets every held event: all of them have left the longest window.
    fn clear(&mut self, header: &mut RingHeader) {
        header.oldest = header.head;
        if header.has_totals() {
            let totals = self.totals.block_mut(header.totals, 0);
            totals.fill(0);
            for window in &self.plan.windows {
                totals[window.cursor_at] = header.head;
            }
        }
        if let Some(large) = self.large.get_mut(header.large) {
            large.clear();
        }
    }

    /// Makes sure that one more event fits: by growing, or at the cap by letting the oldest go early.
    #[inline(never)]
    fn make_room(&mut self, header: &mut RingHeader, newest_ms: i64) {
        if header.live() < header.capacity() {
            return;
        }
        if header.live() < EVENTS_PER_ENTITY_MAX {
            self.grow(header, newest_ms);
            return;
        }
        let time_ms = newest_ms - self.age_ms(header, header.oldest, newest_ms);
        let marks = self.event(header, header.oldest)[1];
        let mut numbers = std::mem::take(&mut self.dropped);
        for (place, column) in self.plan.numbers.iter().enumerate() {
            let event = self.event(header, header.oldest);
            numbers[usize::from(*column)] = read_i64(event, 2 + 2 * place);
        }
        self.drop_early(header, newest_ms, (time_ms, marks), &numbers);
        self.dropped = numbers;
        self.drop_oldest(header);
        self.forget_extremes(header);
    }

    fn grow(&mut self, header: &mut RingHeader, newest_ms: i64) {
        if header.events == Block::NONE {
            header.events = self.events.allocate(0);
            header.size = 0;
            header.oldest = header.head;
            return;
        }
        let before = *header;
        let stride = self.plan.stride;
        header.size += 1;
        let after = *header;
        header.events = self
            .events
            .grow_with(before.events, before.size, |held, events| {
                for step in 0..before.head.wrapping_sub(before.oldest) {
                    let position = before.oldest.wrapping_add(step);
                    let (from, to) = (before.slot(position), after.slot(position));
                    let (from, to) = (from * stride, to * stride);
                    events[to..to + stride].copy_from_slice(&held[from..from + stride]);
                }
            });
        let capacity = header.capacity();
        if capacity > SMALL_MAX && !header.has_totals() {
            header.totals = self.totals.allocate(0);
            self.recount(header, newest_ms);
        }
        if capacity > MEDIUM_MAX && header.large == NONE {
            self.index(header);
        }
    }

    fn event(&self, header: &RingHeader, position: u32) -> &[u32] {
        let at = header.slot(position) * self.plan.stride;
        &self.events.block(header.events, header.size)[at..at + self.plan.stride]
    }

    /// How long before `T` an event happened.
    fn age_ms(&self, header: &RingHeader, position: u32, newest_ms: i64) -> i64 {
        i64::from(low_half(newest_ms).wrapping_sub(self.event(header, position)[0]))
    }
}

/// Few words that lie in one line wherever they begin cost one line of waiting less; many are left as they are.
fn whole_lines(words: usize) -> usize {
    if words > LINE_WORDS {
        words
    } else {
        words.next_power_of_two()
    }
}

/// The lower half of a time in milliseconds: differences within a ring fit in it.
fn low_half(time_ms: i64) -> u32 {
    low(time_ms.cast_unsigned())
}

/// Appends an event at the head of a small ring, and marks values of earlier events that it carries again.
#[inline]
fn push(plan: &RingPlan, events: &mut [u32], header: &mut RingHeader, sample: &Sample<'_>) {
    let position = header.head;
    let at = header.slot(position) * plan.stride;
    write(plan, &mut events[at..at + plan.stride], sample);
    if !plan.categories.is_empty() {
        supersede_earlier(plan, events, header, position);
    }
    header.head = position.wrapping_add(1);
}

/// Writes an event, no value of it superseded yet.
#[inline]
fn write(plan: &RingPlan, event: &mut [u32], sample: &Sample<'_>) {
    event[0] = low_half(sample.time_ms);
    event[1] = sample.marks;
    let (numbers, categories) = event[2..].split_at_mut(plan.categories_at - 2);
    for (words, column) in numbers.chunks_exact_mut(2).zip(&plan.numbers) {
        write_i64(words, 0, sample.numbers[usize::from(*column) % COLUMNS_MAX]);
    }
    for (word, column) in categories.iter_mut().zip(&plan.categories) {
        let value = sample.values[usize::from(*column) % COLUMNS_MAX];
        *word = if value == 0 { SUPERSEDED } else { value };
    }
}

/// Marks the values of earlier events of a small ring that the one at the head carries again. Of a value,
/// only the newest bears no mark: there is one to find at most, and the whole word tells.
fn supersede_earlier(plan: &RingPlan, events: &mut [u32], header: &RingHeader, position: u32) {
    if header.oldest == position {
        return;
    }
    let (stride, from) = (plan.stride, plan.categories_at);
    let mut own = [0; COLUMNS_MAX];
    let own = &mut own[..stride - from];
    let at = header.slot(position) * stride;
    own.copy_from_slice(&events[at + from..at + stride]);
    let mut earlier = header.oldest;
    while earlier != position {
        let at = header.slot(earlier) * stride;
        for (word, value) in events[at + from..at + stride].iter_mut().zip(&*own) {
            *word |= u32::from(word == value) << 31;
        }
        earlier = earlier.wrapping_add(1);
    }
}

/// Finds the newest earlier event with an event's value and marks it as superseded.
fn supersede(
    plan: &RingPlan,
    events: &mut [u32],
    large: Option<&mut Large>,
    header: &RingHeader,
    category: usize,
    position: u32,
) -> Option<u32> {
    let word = plan.categories_at + category;
    let value = events[header.slot(position) * plan.stride + word];
    if value == SUPERSEDED {
        return None;
    }
    let found = match large {
        Some(large) => large.renew(category, value, position, header),
        None => find_before(events, header, (plan.stride, word), value, position),
    }?;
    events[header.slot(found) * plan.stride + word] |= SUPERSEDED;
    Some(found)
}

/// The newest event before a position that carries a value, by looking at each.
fn find_before(
    events: &[u32],
    header: &RingHeader,
    (stride, word): (usize, usize),
    value: u32,
    position: u32,
) -> Option<u32> {
    let end = header.capacity() * stride;
    let mut at = header.slot(position) * stride;
    for back in 1..=position.wrapping_sub(header.oldest) {
        at = if at == 0 { end - stride } else { at - stride };
        if events[at + word] & !SUPERSEDED == value {
            return Some(position.wrapping_sub(back));
        }
    }
    None
}
