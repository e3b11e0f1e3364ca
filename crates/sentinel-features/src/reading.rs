//! Readings: what the windows of one entity add up to at one event, before slots are filled.
//!
//! A reading lies in a *row*, and each window says which row answers for it. Windows that hold the same
//! events share one: the windows of a small ring are stretches back from its head, so that row `n` there
//! is what the newest `n` events add up to, and one walk serves every window. Row 0 is what no event adds up
//! to. Neither that row nor the count of a stretch, which is its row, is ever written. Must never be read
//! where the plan keeps nothing: those places hold what an earlier entity left.

use crate::plan::{COLUMNS_MAX, FILTERS_MAX};
use crate::totals::NumberTotals;
use crate::window::{EXACT_COUNT, WINDOW_COUNT};

/// What an event looks like to one of its entities.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample<'a> {
    /// Whole milliseconds.
    pub time_ms: i64,
    /// One bit a filter that it passes.
    pub marks: u32,
    /// The kind's numbers; `ABSENT` where it has none.
    pub numbers: &'a [i64; COLUMNS_MAX],
    /// The kind's categories, numbered from 1; 0 where it has none.
    pub values: &'a [u32; COLUMNS_MAX],
}

/// Rows of readings: a power of two, so that a masked row needs no check.
pub(crate) const ROWS: usize = 32;
/// The row of no event.
pub(crate) const NOTHING: u8 = 0;

/// The row in which a window is read that keeps totals of its own: running ones or tiles. Behind those
/// that a small ring's stretches use.
pub(crate) const fn row_of_window(window: usize) -> usize {
    ROWS - WINDOW_COUNT + window
}

const fn own_row_of(window: usize) -> u8 {
    #[allow(clippy::cast_possible_truncation, reason = "below 32")]
    let row = row_of_window(window) as u8;
    row
}

/// Lines of whole numbers: events, events with each mark, different values of each category. A power of
/// two as well.
const LINES: usize = 64;
const _: () = assert!(1 + FILTERS_MAX + COLUMNS_MAX <= LINES);

/// Where a line begins, row after row.
#[allow(clippy::cast_possible_truncation, reason = "32 rows")]
pub(crate) fn place_of_line(line: u8) -> u16 {
    u16::from(line) * ROWS as u16
}

/// The line of events.
pub(crate) const COUNT: u8 = 0;

/// The line of events with a mark.
pub(crate) const fn line_of_mark(mark: u8) -> u8 {
    1 + mark
}

/// The line of different values of a category.
#[allow(clippy::cast_possible_truncation, reason = "33 lines lie before it")]
pub(crate) const fn line_of_category(column: u8) -> u8 {
    1 + FILTERS_MAX as u8 + column
}

/// Integers by row, reused from entity to entity.
#[derive(Debug)]
pub(crate) struct Readings {
    /// The row that answers for each window.
    pub rows: [u8; WINDOW_COUNT],
    counts: Box<[[u64; ROWS]; LINES]>,
    pub numbers: Box<[[NumberTotals; ROWS]; COLUMNS_MAX]>,
    pub gap_span_ms: [i64; ROWS],
    pub gap_squares: [i64; ROWS],
}

impl Default for Readings {
    fn default() -> Self {
        // Tiled windows are always read in rows of their own.
        let rows = std::array::from_fn(|window| match window {
            0..EXACT_COUNT => NOTHING,
            _ => own_row_of(window),
        });
        let mut counts = Box::new([[0; ROWS]; LINES]);
        counts[usize::from(COUNT)] = std::array::from_fn(|row| row as u64);
        Self {
            rows,
            counts,
            numbers: Box::new([[NumberTotals::EMPTY; ROWS]; COLUMNS_MAX]),
            gap_span_ms: [0; ROWS],
            gap_squares: [0; ROWS],
        }
    }
}

impl Readings {
    /// The row of a window, below [`ROWS`].
    #[inline]
    pub fn row(&self, window: u8) -> usize {
        usize::from(self.rows[usize::from(window) % WINDOW_COUNT]) % ROWS
    }

    /// Lets an exact window be read as that of no event.
    pub fn clear_exact(&mut self, window: usize) {
        self.rows[window] = NOTHING;
    }

    /// Sets a tiled window to that of no event.
    pub fn clear_tiled(&mut self, window: usize) {
        let row = row_of_window(window);
        for counts in self.counts.iter_mut() {
            counts[row] = 0;
        }
        for numbers in self.numbers.iter_mut() {
            numbers[row] = NumberTotals::EMPTY;
        }
    }

    /// Lets an exact window be read in a row of its own.
    #[inline]
    pub fn own_row(&mut self, window: usize) -> usize {
        let row = row_of_window(window % WINDOW_COUNT) % ROWS;
        self.rows[window % WINDOW_COUNT] = own_row_of(window);
        row
    }

    /// The rows of a line.
    #[inline]
    pub fn line(&mut self, line: u8) -> &mut [u64; ROWS] {
        &mut self.counts[usize::from(line) % LINES]
    }

    /// A window's count in a line.
    #[inline]
    pub fn count(&self, line: u8, window: u8) -> u64 {
        self.counts[usize::from(line) % LINES][self.row(window)]
    }

    /// A window's count in the line that begins at a place.
    #[inline]
    pub fn count_at(&self, place: u16, window: u8) -> u64 {
        self.counts.as_flattened()[(usize::from(place) + self.row(window)) % (LINES * ROWS)]
    }

    /// What a number of a window adds up to.
    #[inline]
    pub fn number(&self, column: u8, window: u8) -> &NumberTotals {
        &self.numbers[usize::from(column) % COLUMNS_MAX][self.row(window)]
    }
}
