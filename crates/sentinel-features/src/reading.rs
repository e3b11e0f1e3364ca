//! Readings: what the windows of one entity add up to at one event, before slots are filled.

use crate::plan::{COLUMNS_MAX, FILTERS_MAX};
use crate::totals::NumberTotals;
use crate::window::WINDOW_COUNT;

/// What an event looks like to one of its entities.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample<'a> {
    /// Whole milliseconds.
    pub time_ms: i64,
    /// One bit a filter that it passes.
    pub marks: u32,
    /// The kind's numbers; `ABSENT` where it has none.
    pub numbers: &'a [i64],
    /// The kind's categories, numbered from 1; 0 where it has none.
    pub values: &'a [u32],
}

/// Integers by window, reused from entity to entity: only what the plan keeps is written and read.
#[derive(Debug)]
pub(crate) struct Readings {
    pub counts: [u64; WINDOW_COUNT],
    pub marks: Box<[[u32; WINDOW_COUNT]; FILTERS_MAX]>,
    pub numbers: Box<[[NumberTotals; WINDOW_COUNT]; COLUMNS_MAX]>,
    pub distinct: Box<[[u64; WINDOW_COUNT]; COLUMNS_MAX]>,
    pub gap_span_ms: [i64; WINDOW_COUNT],
    pub gap_squares: [i64; WINDOW_COUNT],
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            counts: [0; WINDOW_COUNT],
            marks: Box::new([[0; WINDOW_COUNT]; FILTERS_MAX]),
            numbers: Box::new([[NumberTotals::EMPTY; WINDOW_COUNT]; COLUMNS_MAX]),
            distinct: Box::new([[0; WINDOW_COUNT]; COLUMNS_MAX]),
            gap_span_ms: [0; WINDOW_COUNT],
            gap_squares: [0; WINDOW_COUNT],
        }
    }
}

impl Readings {
    /// Sets a window to that of no event.
    pub fn clear_window(&mut self, window: usize) {
        self.counts[window] = 0;
        self.gap_span_ms[window] = 0;
        self.gap_squares[window] = 0;
        for marks in self.marks.iter_mut() {
            marks[window] = 0;
        }
        for numbers in self.numbers.iter_mut() {
            numbers[window] = NumberTotals::EMPTY;
        }
        for distinct in self.distinct.iter_mut() {
            distinct[window] = 0;
        }
    }
}
