//! Reading a ring: what each window adds up to, whatever class the ring is of.

use super::{MEDIUM_MAX, RingHeader, RingStore, SMALL_MAX, SUPERSEDED, low_half};
use crate::arena::{read_i64, read_u128};
use crate::plan::{COLUMNS_MAX, OpKind, RingWindow};
use crate::reading::Readings;
use crate::totals::{ABSENT, BUCKETS, NumberTotals, bucket, square};
use crate::window::{EXACT_COUNT, WINDOW_COUNT};

/// A byte's bits, one to a byte.
const SPREAD: [u64; 256] = spread();

const fn spread() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte] |= 1 << (8 * bit);
            }
            bit += 1;
        }
        byte += 1;
    }
    table
}

/// What a walk back from the head has met.
struct Walk {
    numbers: [NumberTotals; COLUMNS_MAX],
    distinct: [u32; COLUMNS_MAX],
    /// Counts of marks, one to a byte: a small ring has fewer than 256 events.
    marks: [u64; 4],
    gap_squares: i64,
    /// Time of the event met last.
    time: u32,
}

impl RingStore {
    /// Fills the readings of the windows in use, as of `T`.
    pub fn read(&self, header: &RingHeader, newest_ms: i64, readings: &mut Readings) {
        if header.live() == 0 {
            self.read_nothing(readings);
        } else if header.has_totals() {
            self.read_running(header, readings);
            if header.capacity() <= MEDIUM_MAX {
                self.walk_extremes(header, readings);
            } else {
                self.read_extremes(header, readings);
            }
        } else {
            self.walk(header, newest_ms, readings);
        }
        self.read_overflow(header, readings);
    }

    /// Fills the readings of an entity without events.
    pub fn read_nothing(&self, readings: &mut Readings) {
        for window in &self.plan.windows {
            readings.clear_window(window.index);
        }
    }

    /// Adds every window of a small ring up.
    fn walk(&self, header: &RingHeader, newest_ms: i64, readings: &mut Readings) {
        let events = self.events.block(header.events, header.size);
        let newest = low_half(newest_ms);
        let numbers = self.plan.numbers.len();
        let mut walk = Walk {
            numbers: [NumberTotals::EMPTY; COLUMNS_MAX],
            distinct: [0; COLUMNS_MAX],
            marks: [0; 4],
            gap_squares: 0,
            time: 0,
        };
        let mut position = header.head;
        let last = events[header.slot(header.head.wrapping_sub(1)) * self.plan.stride];
        for window in &self.plan.windows {
            while position != header.oldest {
                let before = position.wrapping_sub(1);
                let at = header.slot(before) * self.plan.stride;
                let event = &events[at..at + self.plan.stride];
                if i64::from(newest.wrapping_sub(event[0])) >= window.length_ms {
                    break;
                }
                self.meet(&mut walk, event, position == header.head);
                position = before;
            }
            let at = window.index;
            readings.counts[at] = u64::from(header.head.wrapping_sub(position));
            readings.gap_squares[at] = walk.gap_squares;
            readings.gap_span_ms[at] = if position == header.head {
                0
            } else {
                i64::from(last.wrapping_sub(walk.time))
            };
            for (place, number) in walk.numbers[..numbers].iter().enumerate() {
                readings.numbers[usize::from(self.plan.numbers[place])][at] = *number;
            }
            for (place, column) in self.plan.categories.iter().enumerate() {
                readings.distinct[usize::from(*column)][at] = u64::from(walk.distinct[place]);
            }
            read_marks(window, &walk.marks, readings);
        }
    }

    /// Takes an event into a walk.
    #[inline]
    fn meet(&self, walk: &mut Walk, event: &[u32], is_first: bool) {
        if self.plan.has_gaps && !is_first {
            let gap = i64::from(walk.time.wrapping_sub(event[0]));
            walk.gap_squares += gap * gap;
        }
        walk.time = event[0];
        if self.plan.has_marks {
            for (part, byte) in walk.marks.iter_mut().zip(event[1].to_le_bytes()) {
                *part += SPREAD[usize::from(byte)];
            }
        }
        for (place, total) in walk.numbers[..self.plan.numbers.len()]
            .iter_mut()
            .enumerate()
        {
            let number = read_i64(event, 2 + 2 * place);
            if number == ABSENT {
                continue;
            }
            total.count += 1;
            total.sum += number;
            if self.plan.squares[place] {
                total.squares += square(number);
            }
            total.least = total.least.min(number);
            total.greatest = total.greatest.max(number);
        }
        let values = &event[self.plan.categories_at..];
        for (distinct, value) in walk.distinct.iter_mut().zip(values) {
            *distinct += u32::from(value & SUPERSEDED == 0);
        }
    }

    /// Reads the running totals.
    fn read_running(&self, header: &RingHeader, readings: &mut Readings) {
        let totals = self.totals.block(header.totals, 0);
        let events = self.events.block(header.events, header.size);
        let time_at = |position: u32| events[header.slot(position) * self.plan.stride];
        for window in &self.plan.windows {
            let at = window.index;
            let cursor = totals[window.cursor_at];
            let count = header.head.wrapping_sub(cursor);
            readings.counts[at] = u64::from(count);
            readings.gap_span_ms[at] = if count == 0 {
                0
            } else {
                let last = time_at(header.head.wrapping_sub(1));
                i64::from(last.wrapping_sub(time_at(cursor)))
            };
            for column in &self.plan.numbers {
                readings.numbers[usize::from(*column)][at] = NumberTotals::EMPTY;
            }
            for op in &window.ops {
                let number = |place: u8| usize::from(self.plan.numbers[usize::from(place)]);
                match op.kind {
                    OpKind::Counted(place) => {
                        readings.numbers[number(place)][at].count = u64::from(totals[op.at]);
                    }
                    OpKind::Sum(place) => {
                        readings.numbers[number(place)][at].sum = read_i64(totals, op.at);
                    }
                    OpKind::Squares(place) => {
                        readings.numbers[number(place)][at].squares = read_u128(totals, op.at);
                    }
                    OpKind::Marked(mark) => {
                        readings.marks[usize::from(mark)][at] = totals[op.at];
                    }
                    OpKind::Distinct(place) => {
                        let column = usize::from(self.plan.categories[usize::from(place)]);
                        readings.distinct[column][at] = u64::from(totals[op.at]);
                    }
                    OpKind::GapSquares => readings.gap_squares[at] = read_i64(totals, op.at),
                    OpKind::Histogram(_) => {}
                }
            }
        }
    }

    /// Least and greatest of a medium ring, by a walk.
    fn walk_extremes(&self, header: &RingHeader, readings: &mut Readings) {
        let events = self.events.block(header.events, header.size);
        let totals = self.totals.block(header.totals, 0);
        for (place, wanted) in self.plan.extremes.iter().enumerate() {
            if !wanted {
                continue;
            }
            let column = usize::from(self.plan.numbers[place]);
            let (mut least, mut greatest) = (i64::MAX, i64::MIN);
            let mut position = header.head;
            for window in &self.plan.windows {
                while position != totals[window.cursor_at] {
                    position = position.wrapping_sub(1);
                    let at = header.slot(position) * self.plan.stride;
                    let number = read_i64(&events[at..], 2 + 2 * place);
                    if number != ABSENT {
                        least = least.min(number);
                        greatest = greatest.max(number);
                    }
                }
                let number = &mut readings.numbers[column][window.index];
                (number.least, number.greatest) = (least, greatest);
            }
        }
    }

    /// Least and greatest of a large ring, from its indices.
    fn read_extremes(&self, header: &RingHeader, readings: &mut Readings) {
        let totals = self.totals.block(header.totals, 0);
        for (place, wanted) in self.plan.extremes.iter().enumerate() {
            if !wanted {
                continue;
            }
            let column = usize::from(self.plan.numbers[place]);
            for window in &self.plan.windows {
                let cursor = totals[window.cursor_at];
                let number = &mut readings.numbers[column][window.index];
                if let Some(least) = self.extreme(header, place, cursor, false) {
                    number.least = least;
                }
                if let Some(greatest) = self.extreme(header, place, cursor, true) {
                    number.greatest = greatest;
                }
            }
        }
    }

    /// Events of a window that are held one by one; `counted` is its reading.
    pub fn held(&self, header: &RingHeader, newest_ms: i64, window: usize, counted: u64) -> u64 {
        if self.overflow.get(header.overflow).is_none() {
            return counted;
        }
        let cursor = self.cursor(header, newest_ms, window);
        u64::from(header.head.wrapping_sub(cursor))
    }

    /// The oldest number of a window.
    pub fn first(
        &self,
        header: &RingHeader,
        newest_ms: i64,
        column: u8,
        window: usize,
    ) -> Option<i64> {
        let mut position = self.cursor(header, newest_ms, window);
        while position != header.head {
            let number = self.number_at(header, position, column);
            if number != ABSENT {
                return Some(number);
            }
            position = position.wrapping_add(1);
        }
        None
    }

    /// The newest number of a window but for one event's.
    pub fn previous(
        &self,
        header: &RingHeader,
        newest_ms: i64,
        column: u8,
        window: usize,
        own: Option<u32>,
    ) -> Option<i64> {
        let cursor = self.cursor(header, newest_ms, window);
        let mut position = header.head;
        while position != cursor {
            position = position.wrapping_sub(1);
            if Some(position) == own {
                continue;
            }
            let number = self.number_at(header, position, column);
            if number != ABSENT {
                return Some(number);
            }
        }
        None
    }

    /// The histogram of a window's numbers.
    pub fn histogram(
        &self,
        header: &RingHeader,
        newest_ms: i64,
        column: u8,
        window: usize,
    ) -> [u32; BUCKETS] {
        let mut histogram = [0; BUCKETS];
        if header.live() == 0 {
            return histogram;
        }
        if header.has_totals() {
            let place = self.place_of(column);
            let totals = self.totals.block(header.totals, 0);
            let ops = self.plan.windows.iter().filter(|have| have.index == window);
            for op in ops.flat_map(|window| &window.ops) {
                if op.kind == OpKind::Histogram(place) {
                    histogram.copy_from_slice(&totals[op.at..op.at + BUCKETS]);
                }
            }
            return histogram;
        }
        let mut position = self.cursor(header, newest_ms, window);
        while position != header.head {
            let number = self.number_at(header, position, column);
            if number != ABSENT {
                histogram[bucket(number)] += 1;
            }
            position = position.wrapping_add(1);
        }
        histogram
    }

    /// The position of a window's oldest event.
    fn cursor(&self, header: &RingHeader, newest_ms: i64, window: usize) -> u32 {
        if header.live() == 0 {
            return header.head;
        }
        let Some(window) = self.plan.windows.iter().find(|have| have.index == window) else {
            return header.head;
        };
        if header.has_totals() {
            return self.totals.block(header.totals, 0)[window.cursor_at];
        }
        let mut position = header.oldest;
        while position != header.head
            && self.age_ms(header, position, newest_ms) >= window.length_ms
        {
            position = position.wrapping_add(1);
        }
        position
    }

    fn number_at(&self, header: &RingHeader, position: u32, column: u8) -> i64 {
        let place = usize::from(self.place_of(column));
        read_i64(self.event(header, position), 2 + 2 * place)
    }

    /// Where the ring keeps a column of the kind.
    fn place_of(&self, column: u8) -> u8 {
        let at = self.plan.numbers.iter().position(|have| *have == column);
        u8::try_from(at.unwrap_or(0)).unwrap_or(0)
    }
}

/// Reads the marks that a window counts.
fn read_marks(window: &RingWindow, marks: &[u64; 4], readings: &mut Readings) {
    for op in &window.ops {
        if let OpKind::Marked(mark) = op.kind {
            let part = marks[usize::from(mark / 8)].to_le_bytes();
            readings.marks[usize::from(mark)][window.index] =
                u32::from(part[usize::from(mark % 8)]);
        }
    }
}

const _: () = assert!(SMALL_MAX < 256 && EXACT_COUNT < WINDOW_COUNT);
