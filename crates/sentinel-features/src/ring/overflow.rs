//! Overflow: events of a full entity that left early, in tiles of ten seconds.
//!
//! A window that reaches back to them adds the tiles whose last millisecond lies in it: its count, sums
//! and extremes are then off by less than one tile at the old end, and flagged as estimated.

use std::collections::BTreeMap;

use super::{RingHeader, RingStore};
use crate::codec::{CodecError, Reader, Writer};
use crate::plan::{RingPlan, RingWindow};
use crate::reading::{COUNT, Readings, line_of_mark, row_of_window};
use crate::totals::{ABSENT, NumberTotals, square};
use crate::window::LONGEST_EXACT_MS;

const TILE_MS: i64 = 10_000;

/// What events add up to: the marks and numbers that the ring's plan lists, in its order.
#[derive(Debug, Clone)]
struct Sum {
    count: u64,
    marks: Vec<u32>,
    numbers: Vec<NumberTotals>,
}

impl Sum {
    fn new(plan: &RingPlan) -> Self {
        Self {
            count: 0,
            marks: vec![0; plan.marks.len()],
            numbers: vec![NumberTotals::EMPTY; plan.numbers.len()],
        }
    }

    /// Adds an event; its numbers are those of the kind's columns.
    fn add(&mut self, plan: &RingPlan, marks: u32, numbers: &[i64]) {
        self.count += 1;
        for (count, mark) in self.marks.iter_mut().zip(&plan.marks) {
            *count += marks >> mark & 1;
        }
        for (total, column) in self.numbers.iter_mut().zip(&plan.numbers) {
            let number = &numbers[usize::from(*column)];
            if *number != ABSENT {
                total.merge(&NumberTotals {
                    count: 1,
                    sum: *number,
                    squares: square(*number),
                    least: *number,
                    greatest: *number,
                });
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for (count, more) in self.marks.iter_mut().zip(&other.marks) {
            *count += more;
        }
        for (total, more) in self.numbers.iter_mut().zip(&other.numbers) {
            total.merge(more);
        }
    }
}

/// The tiles of one entity, and what each window adds from them.
#[derive(Debug)]
pub(super) struct Overflow {
    dropped_ms: i64,
    tiles: BTreeMap<i64, Sum>,
    /// Window lengths in tiles, and what the tiles within add up to.
    windows: Vec<(i64, Sum)>,
    /// A tile lies in a window of `n` tiles if it is not below `key - n`.
    key: i64,
}

impl Overflow {
    fn new(plan: &RingPlan, newest_ms: i64) -> Self {
        let of_window = |window: &RingWindow| (window.length_ms / TILE_MS, Sum::new(plan));
        Self {
            dropped_ms: i64::MIN,
            tiles: BTreeMap::new(),
            windows: plan.windows.iter().map(of_window).collect(),
            key: key_of(newest_ms),
        }
    }

    /// Time of the newest event that left early.
    pub(super) fn dropped_ms(&self) -> i64 {
        self.dropped_ms
    }

    pub(super) fn bytes(&self) -> usize {
        let (marks, numbers) = self
            .windows
            .first()
            .map_or((0, 0), |(_, sum)| (sum.marks.len(), sum.numbers.len()));
        (self.tiles.len() + self.windows.len())
            * (size_of::<Sum>() + marks * 4 + numbers * size_of::<NumberTotals>())
    }

    /// Takes an event that leaves early.
    pub(super) fn add(&mut self, plan: &RingPlan, time_ms: i64, marks: u32, numbers: &[i64]) {
        let tile = time_ms.div_euclid(TILE_MS);
        self.dropped_ms = self.dropped_ms.max(time_ms);
        self.tiles
            .entry(tile)
            .or_insert_with(|| Sum::new(plan))
            .add(plan, marks, numbers);
        for (tiles, sum) in &mut self.windows {
            if tile >= self.key - *tiles {
                sum.add(plan, marks, numbers);
            }
        }
    }

    /// Writes the tiles.
    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.signed(self.dropped_ms);
        writer.count(self.tiles.len());
        for (tile, sum) in &self.tiles {
            writer.signed(*tile);
            writer.unsigned(sum.count);
            for count in &sum.marks {
                writer.unsigned(u64::from(*count));
            }
            for number in &sum.numbers {
                writer.unsigned(number.count);
                if number.count > 0 {
                    writer.signed(number.sum);
                    writer.wide(number.squares);
                    writer.signed(number.least);
                    writer.signed(number.greatest);
                }
            }
        }
    }

    /// Reads what [`Overflow::encode`] wrote.
    pub(super) fn restore(
        plan: &RingPlan,
        newest_ms: i64,
        reader: &mut Reader<'_>,
    ) -> Result<Self, CodecError> {
        let mut overflow = Self::new(plan, newest_ms);
        overflow.dropped_ms = reader.signed("the time of an event that left early")?;
        for _ in 0..reader.count("tiles of events that left early")? {
            let tile = reader.signed("a tile of events that left early")?;
            let mut sum = Sum::new(plan);
            sum.count = reader.unsigned("events that left early")?;
            for count in &mut sum.marks {
                *count = reader.small("marks of events that left early")?;
            }
            for number in &mut sum.numbers {
                number.count = reader.unsigned("numbers of events that left early")?;
                if number.count > 0 {
                    number.sum = reader.signed("a sum of events that left early")?;
                    number.squares = reader.wide("squares of events that left early")?;
                    number.least = reader.signed("a number of events that left early")?;
                    number.greatest = reader.signed("a number of events that left early")?;
                }
            }
            overflow.tiles.insert(tile, sum);
        }
        overflow.add_up(plan);
        Ok(overflow)
    }

    /// Moves on to a later `T`.
    fn advance(&mut self, plan: &RingPlan, newest_ms: i64) {
        let key = key_of(newest_ms);
        if key != self.key {
            self.key = key;
            self.add_up(plan);
        }
    }

    /// Adds up what lies in each window; tiles that lie in none go.
    fn add_up(&mut self, plan: &RingPlan) {
        let key = self.key;
        let longest = self.windows.last().map_or(0, |(tiles, _)| *tiles);
        self.tiles = self.tiles.split_off(&(key - longest));
        let mut rest = self.tiles.iter().rev().peekable();
        let mut sum = Sum::new(plan);
        for (tiles, window) in &mut self.windows {
            while let Some((_, tile)) = rest.next_if(|(at, _)| **at >= key - *tiles) {
                sum.merge(tile);
            }
            window.clone_from(&sum);
        }
    }
}

/// Windows are whole tiles long, so that one number tells for all of them which tiles lie within: a
/// tile's last millisecond is in the window.
fn key_of(newest_ms: i64) -> i64 {
    (newest_ms + 1).div_euclid(TILE_MS)
}

impl RingStore {
    /// Puts an event that leaves early into the entity's overflow, made where there is none.
    pub(super) fn drop_early(
        &mut self,
        header: &mut RingHeader,
        newest_ms: i64,
        (time_ms, marks): (i64, u32),
        numbers: &[i64],
    ) {
        if self.overflow.get(header.overflow).is_none() {
            let overflow = Overflow::new(&self.plan, newest_ms);
            header.overflow = self.overflow.insert(overflow);
        }
        if let Some(overflow) = self.overflow.get_mut(header.overflow) {
            overflow.add(&self.plan, time_ms, marks, numbers);
        }
    }

    /// Moves the overflow on to a later `T`; it goes once no window reaches back to it.
    pub(super) fn advance_overflow(&mut self, header: &mut RingHeader, newest_ms: i64) {
        let Some(overflow) = self.overflow.get_mut(header.overflow) else {
            return;
        };
        if newest_ms - overflow.dropped_ms >= LONGEST_EXACT_MS {
            self.overflow.remove(header.overflow);
            header.overflow = crate::slab::NONE;
        } else {
            overflow.advance(&self.plan, newest_ms);
        }
    }

    /// Adds what left early to the readings; a full ring reads each window in a row of its own.
    pub(super) fn read_overflow(&self, header: &RingHeader, readings: &mut Readings) {
        let Some(overflow) = self.overflow.get(header.overflow) else {
            return;
        };
        for (window, (_, sum)) in self.plan.windows.iter().zip(&overflow.windows) {
            let at = row_of_window(window.index);
            readings.line(COUNT)[at] += sum.count;
            for (mark, more) in self.plan.marks.iter().zip(&sum.marks) {
                readings.line(line_of_mark(*mark))[at] += u64::from(*more);
            }
            for (column, more) in self.plan.numbers.iter().zip(&sum.numbers) {
                readings.numbers[usize::from(*column)][at].merge(more);
            }
        }
    }
}
