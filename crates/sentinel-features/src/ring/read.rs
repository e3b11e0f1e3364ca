//! Reading a ring: what each window adds up to, whatever class the ring is of.

use super::{MEDIUM_MAX, RingHeader, RingStore, SMALL_MAX, low_half};
use crate::arena::{low, read_i64, read_u128};
use crate::plan::{COLUMNS_MAX, Op, OpKind, RingPlan, RingWindow};
use crate::reading::{
    COUNT, NOTHING, ROWS, Readings, line_of_category, line_of_mark, row_of_window,
};
use crate::totals::{
    ABSENT, BUCKETS, NumberTotals, bucket, bucket_value, count_to_f64, quantile, square,
};
use crate::window::WINDOW_COUNT;

/// A window of a ring that has been read: the ring, its readings, the kind's number and the place in
/// `WINDOWS`.
pub(crate) type Held<'a> = (&'a RingHeader, &'a Readings, u8, u8);

impl RingStore {
    /// Fills the readings of the windows in use, as of `T`.
    pub fn read(&self, header: &RingHeader, newest_ms: i64, readings: &mut Readings) {
        if header.live() == 0 {
            self.read_nothing(readings);
        } else if header.has_totals() {
            self.read_running(header, readings);
            self.read_extremes_of(header, readings);
            self.read_overflow(header, readings);
        } else {
            self.walk(header, newest_ms, readings);
        }
    }

    /// Fills the readings of an entity without events.
    pub fn read_nothing(&self, readings: &mut Readings) {
        for window in &self.plan.windows {
            readings.clear_exact(window.index);
        }
    }

    /// Adds a small ring up.
    fn walk(&self, header: &RingHeader, newest_ms: i64, readings: &mut Readings) {
        let events = self.events.block(header.events, header.size);
        walk(&self.plan, events, header, newest_ms, readings);
    }

    /// Reads the running totals.
    fn read_running(&self, header: &RingHeader, readings: &mut Readings) {
        let totals = self.totals.block(header.totals, 0);
        let events = self.events.block(header.events, header.size);
        let time_at = |position: u32| events[header.slot(position) * self.plan.stride];
        for window in &self.plan.windows {
            let at = readings.own_row(window.index);
            let cursor = totals[window.cursor_at];
            let count = header.head.wrapping_sub(cursor);
            readings.line(COUNT)[at] = u64::from(count);
            if self.plan.has_gaps {
                readings.gap_span_ms[at] = if count == 0 {
                    0
                } else {
                    let last = time_at(header.head.wrapping_sub(1));
                    i64::from(last.wrapping_sub(time_at(cursor)))
                };
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
                        readings.line(line_of_mark(mark))[at] = u64::from(totals[op.at]);
                    }
                    OpKind::Distinct(place) => {
                        let column = self.plan.categories[usize::from(place)];
                        readings.line(line_of_category(column))[at] = u64::from(totals[op.at]);
                    }
                    OpKind::GapSquares => readings.gap_squares[at] = read_i64(totals, op.at),
                    OpKind::Histogram(_) => {}
                }
            }
        }
    }

    /// Least and greatest of a ring with running totals.
    pub(super) fn read_extremes_of(&self, header: &RingHeader, readings: &mut Readings) {
        if !self.plan.has_extremes {
            return;
        }
        if header.capacity() <= MEDIUM_MAX {
            self.walk_extremes(header, readings);
        } else {
            self.read_extremes(header, readings);
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
                let row = row_of_window(window.index);
                let number = &mut readings.numbers[column][row];
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
                let row = row_of_window(window.index);
                let number = &mut readings.numbers[column][row];
                let extreme = |greatest| self.extreme(header, place, cursor, greatest);
                number.least = extreme(false).unwrap_or(i64::MAX);
                number.greatest = extreme(true).unwrap_or(i64::MIN);
            }
        }
    }

    /// Events of a window that are held one by one.
    pub fn held(&self, header: &RingHeader, readings: &Readings, window: u8) -> u64 {
        if self.overflow.get(header.overflow).is_none() {
            return readings.count(COUNT, window);
        }
        u64::from(
            header
                .head
                .wrapping_sub(self.cursor((header, readings, 0, window))),
        )
    }

    /// The oldest number of a window.
    pub fn first(&self, held: Held<'_>) -> Option<i64> {
        let (header, _, column, _) = held;
        let mut position = self.cursor(held);
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
    pub fn previous(&self, held: Held<'_>, own: Option<u32>) -> Option<i64> {
        let (header, _, column, _) = held;
        let cursor = self.cursor(held);
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

    /// The value that a share of a window's numbers (in tenths) does not exceed, by buckets.
    pub fn quantile(&self, held: Held<'_>, tenths: usize) -> f64 {
        if let Some(histogram) = self.histogram(held) {
            return quantile(histogram, tenths as u64);
        }
        let (mut buckets, count) = self.buckets(held);
        let buckets = &mut buckets[..count];
        if buckets.is_empty() {
            return f64::NAN;
        }
        buckets.sort_unstable();
        bucket_value(usize::from(buckets[(count * tenths).div_ceil(10) - 1]))
    }

    /// The share of a window's other numbers that are not in a higher bucket than this one.
    pub fn rank(&self, held: Held<'_>, number: Option<i64>, inside: bool) -> f64 {
        let Some(number) = number else {
            return f64::NAN;
        };
        let own = bucket(number);
        let (not_above, total) = match self.histogram(held) {
            Some(histogram) => {
                let sum = |part: &[u32]| part.iter().map(|n| u64::from(*n)).sum::<u64>();
                (sum(&histogram[..=own]), sum(histogram))
            }
            None => {
                let (buckets, count) = self.buckets(held);
                let buckets = buckets[..count].iter();
                let not_above = buckets.filter(|bucket| usize::from(**bucket) <= own);
                (not_above.count() as u64, count as u64)
            }
        };
        let own = u64::from(inside);
        if total == own {
            f64::NAN
        } else {
            count_to_f64(not_above - own) / count_to_f64(total - own)
        }
    }

    /// The running histogram of a window's numbers; `None` for a small ring, which keeps none.
    fn histogram(&self, (header, _, column, window): Held<'_>) -> Option<&[u32]> {
        if !header.has_totals() {
            return None;
        }
        let place = self.place_of(column);
        let totals = self.totals.block(header.totals, 0);
        let is_wanted = |op: &&Op| op.kind == OpKind::Histogram(place);
        let at = self.window(window)?.ops.iter().find(is_wanted)?.at;
        Some(&totals[at..at + BUCKETS])
    }

    /// The buckets of a small ring's numbers within a window, and how many there are.
    fn buckets(&self, held: Held<'_>) -> ([u8; SMALL_MAX], usize) {
        let (header, _, column, _) = held;
        let place = 2 + 2 * usize::from(self.place_of(column));
        let mut buckets = [0; SMALL_MAX];
        let mut count = 0;
        if header.live() == 0 {
            return (buckets, count);
        }
        let events = self.events.block(header.events, header.size);
        let mut position = self.cursor(held);
        while position != header.head && count < SMALL_MAX {
            let number = read_i64(events, header.slot(position) * self.plan.stride + place);
            if number != ABSENT {
                buckets[count] = u8::try_from(bucket(number)).unwrap_or(u8::MAX);
                count += 1;
            }
            position = position.wrapping_add(1);
        }
        (buckets, count)
    }

    /// The position of the oldest event of a window that has been read.
    fn cursor(&self, (header, readings, _, window): Held<'_>) -> u32 {
        if !header.has_totals() {
            let held = readings.row(window).min(header.live());
            return header.head.wrapping_sub(low(held as u64));
        }
        match self.window(window) {
            Some(window) => self.totals.block(header.totals, 0)[window.cursor_at],
            None => header.head,
        }
    }

    fn window(&self, window: u8) -> Option<&RingWindow> {
        let mut windows = self.plan.windows.iter();
        windows.find(|have| have.index == usize::from(window))
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

/// Adds a small ring up, back from its head: row `n` is what its newest `n` events add up to, and each
/// window is answered by the row of as many events as it holds. One column is added up after the other, so
/// that what it adds up to stays in registers.
pub(super) fn walk(
    plan: &RingPlan,
    events: &[u32],
    header: &RingHeader,
    newest_ms: i64,
    readings: &mut Readings,
) {
    let newest = low_half(newest_ms);
    let mut places = [0; SMALL_MAX];
    let places = &mut places[..header.live().min(SMALL_MAX)];
    let mut windows = plan.windows.iter().peekable();
    let mut at = header.slot(header.head) * plan.stride;
    for (held, place) in places.iter_mut().enumerate() {
        at = if at == 0 { events.len() } else { at } - plan.stride;
        *place = at;
        let age_ms = newest.wrapping_sub(events[at]);
        while let Some(window) = windows.next_if(|one| age_ms >= low_half(one.length_ms)) {
            readings.rows[window.index % WINDOW_COUNT] = row_of_stretch(held);
        }
    }
    for window in windows {
        readings.rows[window.index % WINDOW_COUNT] = row_of_stretch(places.len());
    }
    let newest_first = NewestFirst { events, places };
    for mark in &plan.marks {
        let counts = readings.line(line_of_mark(*mark));
        newest_first.count(1, counts, |marks| marks >> mark & 1);
    }
    for (place, column) in plan.numbers.iter().enumerate() {
        let totals = &mut readings.numbers[usize::from(*column) % COLUMNS_MAX];
        if plan.has_spread {
            newest_first.add_up_with_spread(2 + 2 * place, totals);
        } else {
            newest_first.add_up(2 + 2 * place, totals);
        }
    }
    for (word, column) in (plan.categories_at..).zip(&plan.categories) {
        let counts = readings.line(line_of_category(*column));
        newest_first.count(word, counts, |value| (value >> 31) ^ 1);
    }
    if plan.has_gaps {
        newest_first.add_gaps(newest, readings);
    }
}

/// The events of a small ring, back from its head; the readings of the newest `n` go to row `n`.
struct NewestFirst<'a> {
    events: &'a [u32],
    /// Where they begin.
    places: &'a [usize],
}

impl NewestFirst<'_> {
    /// Counts what a word of the events says, 0 or 1 each.
    #[inline]
    fn count(&self, word: usize, counts: &mut [u64; ROWS], says: impl Fn(u32) -> u32) {
        let mut count = 0;
        for (place, to) in self.places.iter().zip(&mut counts[1..]) {
            count += u64::from(says(self.events[place + word]));
            *to = count;
        }
    }

    /// Adds a number of the events up.
    #[inline]
    fn add_up(&self, word: usize, totals: &mut [NumberTotals; ROWS]) {
        let (mut count, mut sum) = (0, 0);
        for (place, to) in self.places.iter().zip(&mut totals[1..]) {
            let number = read_i64(self.events, place + word);
            if number != ABSENT {
                count += 1;
                sum += number;
            }
            (to.count, to.sum) = (count, sum);
        }
    }

    /// Adds a number and its squares up, and takes the least and the greatest.
    #[inline]
    fn add_up_with_spread(&self, word: usize, totals: &mut [NumberTotals; ROWS]) {
        let mut total = NumberTotals::EMPTY;
        for (place, to) in self.places.iter().zip(&mut totals[1..]) {
            let number = read_i64(self.events, place + word);
            if number != ABSENT {
                total.count += 1;
                total.sum += number;
                total.squares += square(number);
                total.least = total.least.min(number);
                total.greatest = total.greatest.max(number);
            }
            *to = total;
        }
    }

    /// Adds up the squares of the gaps between consecutive events, and how far back they reach.
    fn add_gaps(&self, newest: u32, readings: &mut Readings) {
        let (mut squares, mut later) = (0, None);
        let rows = readings.gap_squares[1..]
            .iter_mut()
            .zip(&mut readings.gap_span_ms[1..]);
        for (place, (to_squares, to_span)) in self.places.iter().zip(rows) {
            let time = self.events[*place];
            // There is no gap behind the newest.
            let gap = i64::from(later.unwrap_or(time).wrapping_sub(time));
            squares += gap * gap;
            later = Some(time);
            *to_squares = squares;
            *to_span = i64::from(newest.wrapping_sub(time));
        }
    }
}

/// The row of the newest events of a small ring.
fn row_of_stretch(events: usize) -> u8 {
    u8::try_from(events).unwrap_or(NOTHING)
}
