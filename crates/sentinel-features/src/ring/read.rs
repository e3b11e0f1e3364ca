//! Reading a ring: what each window adds up to, whatever class the ring is of.

use super::{MEDIUM_MAX, RingHeader, RingStore, SMALL_MAX, SUPERSEDED, low_half};
use crate::arena::{low, read_i64, read_u128};
use crate::plan::{Op, OpKind};
use crate::reading::Readings;
use crate::totals::{
    ABSENT, BUCKETS, NumberTotals, bucket, bucket_value, count_to_f64, quantile, square,
};
use crate::window::EXACT_COUNT;

/// A window of a ring as of `T`: the ring, `T`, the kind's number and the place in `WINDOWS`.
pub(crate) type Held<'a> = (&'a RingHeader, i64, u8, usize);

impl RingStore {
    /// Fills the readings of the windows in use, as of `T`.
    pub fn read(&self, header: &RingHeader, newest_ms: i64, readings: &mut Readings) {
        if header.live() == 0 {
            self.read_nothing(readings);
        } else if header.has_totals() {
            self.read_running(header, readings);
            self.read_extremes_of(header, readings);
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

    /// Adds every window of a small ring up: a walk back from the head for each column, which stops at
    /// the end of each window that asks for it.
    pub(super) fn walk(&self, header: &RingHeader, newest_ms: i64, readings: &mut Readings) {
        let plan = &self.plan;
        let events = self.events.block(header.events, header.size);
        let newest = low_half(newest_ms);
        // Where each event lies, the newest first, and how many of them each window holds.
        let mut places = [0; SMALL_MAX];
        let mut ends = [0; EXACT_COUNT];
        let live = header.live();
        for (back, place) in places[..live].iter_mut().enumerate() {
            let position = header.head.wrapping_sub(1 + low(back as u64));
            *place = header.slot(position) * plan.stride;
        }
        let places = &places[..live];
        let mut end = 0;
        for (window, window_end) in plan.windows.iter().zip(&mut ends) {
            while end < live
                && i64::from(newest.wrapping_sub(events[places[end]])) < window.length_ms
            {
                end += 1;
            }
            *window_end = end;
            readings.counts[window.index] = end as u64;
        }
        self.walk_numbers(events, places, &ends, readings);
        self.walk_categories(events, places, &ends, readings);
        if plan.has_gaps {
            self.walk_gaps(events, places, &ends, readings);
        }
    }

    /// Numbers of a small ring's windows.
    fn walk_numbers(
        &self,
        events: &[u32],
        places: &[usize],
        ends: &[usize; EXACT_COUNT],
        readings: &mut Readings,
    ) {
        let plan = &self.plan;
        for (place, windows) in plan.number_windows.iter().enumerate() {
            let at = 2 + 2 * place;
            let (squares, extremes) = (plan.squares[place], plan.extremes[place]);
            let column = usize::from(plan.numbers[place]);
            let mut total = NumberTotals::EMPTY;
            let mut met = 0;
            for window in windows {
                let end = ends[usize::from(*window)];
                for event in &places[met..end] {
                    let number = read_i64(events, event + at);
                    if number != ABSENT {
                        total.count += 1;
                        total.sum += number;
                        if squares {
                            total.squares += square(number);
                        }
                        if extremes {
                            total.least = total.least.min(number);
                            total.greatest = total.greatest.max(number);
                        }
                    }
                }
                met = end;
                readings.numbers[column][plan.windows[usize::from(*window)].index] = total;
            }
        }
    }

    /// Distinct values and marks of a small ring's windows.
    fn walk_categories(
        &self,
        events: &[u32],
        places: &[usize],
        ends: &[usize; EXACT_COUNT],
        readings: &mut Readings,
    ) {
        let plan = &self.plan;
        for (place, windows) in plan.category_windows.iter().enumerate() {
            let at = plan.categories_at + place;
            let column = usize::from(plan.categories[place]);
            let (mut distinct, mut met) = (0, 0);
            for window in windows {
                let end = ends[usize::from(*window)];
                for event in &places[met..end] {
                    distinct += u64::from(events[event + at] & SUPERSEDED == 0);
                }
                met = end;
                readings.distinct[column][plan.windows[usize::from(*window)].index] = distinct;
            }
        }
        for (mark, windows) in &plan.mark_windows {
            let (mut marked, mut met) = (0, 0);
            for window in windows {
                let end = ends[usize::from(*window)];
                for event in &places[met..end] {
                    marked += events[event + 1] >> mark & 1;
                }
                met = end;
                readings.marks[usize::from(*mark)][plan.windows[usize::from(*window)].index] =
                    marked;
            }
        }
    }

    /// Gaps between the events of each window of a small ring.
    fn walk_gaps(
        &self,
        events: &[u32],
        places: &[usize],
        ends: &[usize; EXACT_COUNT],
        readings: &mut Readings,
    ) {
        let (mut squares, mut met) = (0, 1);
        for (window, end) in self.plan.windows.iter().zip(ends) {
            while met < *end {
                let gap = events[places[met - 1]].wrapping_sub(events[places[met]]);
                squares += i64::from(gap) * i64::from(gap);
                met += 1;
            }
            readings.gap_squares[window.index] = squares;
            readings.gap_span_ms[window.index] = match end.checked_sub(1) {
                Some(oldest) => {
                    let span = events[places[0]].wrapping_sub(events[places[oldest]]);
                    i64::from(span)
                }
                None => 0,
            };
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
                let extreme = |greatest| self.extreme(header, place, cursor, greatest);
                number.least = extreme(false).unwrap_or(i64::MAX);
                number.greatest = extreme(true).unwrap_or(i64::MIN);
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
    pub fn first(&self, (header, newest_ms, column, window): Held<'_>) -> Option<i64> {
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
        (header, newest_ms, column, window): Held<'_>,
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
        let mut windows = self.plan.windows.iter();
        let window = windows.find(|have| have.index == window)?;
        let is_wanted = |op: &&Op| op.kind == OpKind::Histogram(place);
        let at = window.ops.iter().find(is_wanted)?.at;
        Some(&totals[at..at + BUCKETS])
    }

    /// The buckets of a small ring's numbers within a window, and how many there are.
    fn buckets(&self, (header, newest_ms, column, window): Held<'_>) -> ([u8; SMALL_MAX], usize) {
        let mut buckets = [0; SMALL_MAX];
        let mut count = 0;
        let mut position = self.cursor(header, newest_ms, window);
        while position != header.head && count < SMALL_MAX {
            let number = self.number_at(header, position, column);
            if number != ABSENT {
                buckets[count] = u8::try_from(bucket(number)).unwrap_or(u8::MAX);
                count += 1;
            }
            position = position.wrapping_add(1);
        }
        (buckets, count)
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
