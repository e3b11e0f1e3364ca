//! Overflow: events of a full entity that left early, in tiles of ten seconds.
//!
//! A window that reaches back to them adds the tiles whose last millisecond lies in it: its count, sums
//! and extremes are then off by less than one tile at the old end, and flagged as estimated.

use std::collections::VecDeque;

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

    /// Becomes what one event adds; its numbers are those of the kind's columns.
    fn become_event(&mut self, plan: &RingPlan, marks: u32, numbers: &[i64]) {
        self.count = 1;
        for (count, mark) in self.marks.iter_mut().zip(&plan.marks) {
            *count = marks >> mark & 1;
        }
        for (total, column) in self.numbers.iter_mut().zip(&plan.numbers) {
            let number = numbers[usize::from(*column)];
            *total = if number == ABSENT {
                NumberTotals::EMPTY
            } else {
                NumberTotals {
                    count: 1,
                    sum: number,
                    squares: square(number),
                    least: number,
                    greatest: number,
                }
            };
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

/// What one window adds from the tiles within it. Sums are wide, so that a tile that leaves can be taken
/// off again exactly.
#[derive(Debug, Clone)]
struct Within {
    /// The window's length in tiles.
    tiles: i64,
    count: u64,
    marks: Vec<u32>,
    numbers: Vec<WideTotals>,
}

#[derive(Debug, Clone, Copy)]
struct WideTotals {
    count: u64,
    sum: i128,
    /// Modulo 2^128, as every way of adding tiles up gives it.
    squares: u128,
    least: i64,
    greatest: i64,
}

impl WideTotals {
    const EMPTY: Self = Self {
        count: 0,
        sum: 0,
        squares: 0,
        least: i64::MAX,
        greatest: i64::MIN,
    };

    fn add(&mut self, more: &NumberTotals) {
        self.count += more.count;
        self.sum += i128::from(more.sum);
        self.squares = self.squares.wrapping_add(more.squares);
        self.least = self.least.min(more.least);
        self.greatest = self.greatest.max(more.greatest);
    }

    /// Least and greatest stay as they are.
    fn take_off(&mut self, less: &NumberTotals) {
        self.count -= less.count;
        self.sum -= i128::from(less.sum);
        self.squares = self.squares.wrapping_sub(less.squares);
    }

    fn totals(&self) -> NumberTotals {
        let bound = |sum: i128| sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        NumberTotals {
            count: self.count,
            sum: i64::try_from(bound(self.sum)).unwrap_or(0),
            squares: self.squares,
            least: self.least,
            greatest: self.greatest,
        }
    }
}

impl Within {
    fn new(plan: &RingPlan, window: &RingWindow) -> Self {
        Self {
            tiles: window.length_ms / TILE_MS,
            count: 0,
            marks: vec![0; plan.marks.len()],
            numbers: vec![WideTotals::EMPTY; plan.numbers.len()],
        }
    }

    fn clear(&mut self) {
        self.count = 0;
        self.marks.fill(0);
        self.numbers.fill(WideTotals::EMPTY);
    }

    fn add(&mut self, more: &Sum) {
        self.count += more.count;
        for (count, more) in self.marks.iter_mut().zip(&more.marks) {
            *count += more;
        }
        for (total, more) in self.numbers.iter_mut().zip(&more.numbers) {
            total.add(more);
        }
    }

    /// Takes a tile off. Whether it held a least or greatest: those are to be found anew.
    fn take_off(&mut self, less: &Sum) -> bool {
        self.count -= less.count;
        for (count, less) in self.marks.iter_mut().zip(&less.marks) {
            *count -= less;
        }
        let mut held_an_extreme = false;
        for (total, less) in self.numbers.iter_mut().zip(&less.numbers) {
            total.take_off(less);
            held_an_extreme |=
                less.count > 0 && (less.least == total.least || less.greatest == total.greatest);
        }
        held_an_extreme
    }

    fn find_extremes<'s>(&mut self, tiles: impl Iterator<Item = &'s Sum>) {
        for total in &mut self.numbers {
            (total.least, total.greatest) = (i64::MAX, i64::MIN);
        }
        for tile in tiles {
            for (total, more) in self.numbers.iter_mut().zip(&tile.numbers) {
                total.least = total.least.min(more.least);
                total.greatest = total.greatest.max(more.greatest);
            }
        }
    }
}

/// The tiles of one entity, and what each window adds from them.
#[derive(Debug)]
pub(super) struct Overflow {
    dropped_ms: i64,
    /// By time, the oldest first.
    tiles: VecDeque<(i64, Sum)>,
    windows: Vec<Within>,
    /// What the event at hand adds; reused.
    event: Sum,
    /// A tile lies in a window of `n` tiles if it is not below `key - n`.
    key: i64,
}

impl Overflow {
    fn new(plan: &RingPlan, newest_ms: i64) -> Self {
        let windows = plan.windows.iter();
        Self {
            dropped_ms: i64::MIN,
            tiles: VecDeque::new(),
            windows: windows.map(|window| Within::new(plan, window)).collect(),
            event: Sum::new(plan),
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
            .map_or((0, 0), |within| (within.marks.len(), within.numbers.len()));
        (self.tiles.len() + self.windows.len())
            * (size_of::<(i64, Sum)>() + marks * 4 + numbers * size_of::<WideTotals>())
    }

    /// Takes an event that leaves early.
    pub(super) fn add(&mut self, plan: &RingPlan, time_ms: i64, marks: u32, numbers: &[i64]) {
        let tile = time_ms.div_euclid(TILE_MS);
        self.dropped_ms = self.dropped_ms.max(time_ms);
        let one = &mut self.event;
        one.become_event(plan, marks, numbers);
        for within in &mut self.windows {
            if tile >= self.key - within.tiles {
                within.add(one);
            }
        }
        let newest = self.tiles.back().map_or(i64::MIN, |(at, _)| *at);
        if tile > newest {
            self.tiles.push_back((tile, one.clone()));
            return;
        }
        // The oldest event leaves first, so the newest tile is nearly always the one.
        let at = if tile == newest {
            self.tiles.len() - 1
        } else {
            self.tiles.partition_point(|(at, _)| *at < tile)
        };
        match self.tiles.get_mut(at) {
            Some((have, sum)) if *have == tile => sum.merge(one),
            _ => self.tiles.insert(at, (tile, one.clone())),
        }
    }

    /// Writes the tiles.
    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
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
            let is_next = |(at, _): &(i64, Sum)| *at < tile;
            if !overflow.tiles.back().is_none_or(is_next) {
                return Err(CodecError::Content("a tile of events that left early"));
            }
            overflow.tiles.push_back((tile, sum));
        }
        overflow.add_up();
        Ok(overflow)
    }

    /// Moves on to a later `T`: tiles leave windows one by one, and go when they have left the longest.
    fn advance(&mut self, newest_ms: i64) {
        let key = key_of(newest_ms);
        if key == self.key {
            return;
        }
        let first_from =
            |tiles: &VecDeque<(i64, Sum)>, begin: i64| tiles.partition_point(|(at, _)| *at < begin);
        for within in &mut self.windows {
            let from = first_from(&self.tiles, self.key - within.tiles);
            let to = first_from(&self.tiles, key - within.tiles);
            let mut held_an_extreme = false;
            for (_, sum) in self.tiles.range(from..to) {
                held_an_extreme |= within.take_off(sum);
            }
            if held_an_extreme {
                within.find_extremes(self.tiles.range(to..).map(|(_, sum)| sum));
            }
        }
        self.key = key;
        self.forget();
    }

    /// Drops tiles that lie in no window.
    fn forget(&mut self) {
        let longest = self.windows.last().map_or(0, |within| within.tiles);
        let gone = self
            .tiles
            .partition_point(|(at, _)| *at < self.key - longest);
        self.tiles.drain(..gone);
    }

    /// Adds up what lies in each window.
    fn add_up(&mut self) {
        self.forget();
        for within in &mut self.windows {
            within.clear();
            let begin = self.key - within.tiles;
            let tiles = self.tiles.iter().rev();
            for (_, tile) in tiles.take_while(|(at, _)| *at >= begin) {
                within.add(tile);
            }
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
            overflow.advance(newest_ms);
        }
    }

    /// Adds what left early to the readings; a full ring reads each window in a row of its own.
    pub(super) fn read_overflow(&self, header: &RingHeader, readings: &mut Readings) {
        let Some(overflow) = self.overflow.get(header.overflow) else {
            return;
        };
        for (window, within) in self.plan.windows.iter().zip(&overflow.windows) {
            let at = row_of_window(window.index);
            readings.line(COUNT)[at] += within.count;
            for (mark, more) in self.plan.marks.iter().zip(&within.marks) {
                readings.line(line_of_mark(*mark))[at] += u64::from(*more);
            }
            for (column, more) in self.plan.numbers.iter().zip(&within.numbers) {
                readings.numbers[usize::from(*column)][at].merge(&more.totals());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::EntityKind;
    use crate::set::FeatureSet;

    #[test]
    fn tiles_that_leave_one_by_one_leave_what_adding_up_anew_gives() {
        let set = FeatureSet::shipped();
        let plan = set.plan().kinds[EntityKind::Account.index()].ring.as_ref();
        let plan = plan.expect("accounts have windows");
        let mut overflow = Overflow::new(plan, 0);
        let mut seed = 11_u64;
        let mut below = |bound: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            i64::try_from((seed >> 33) % bound).unwrap_or(0)
        };
        let mut newest_ms = 0;
        for _ in 0..3_000 {
            newest_ms += below(120_000);
            overflow.advance(newest_ms);
            let numbers: Vec<i64> = (0..16)
                .map(|_| match below(4) {
                    0 => ABSENT,
                    _ => below(50) - 20,
                })
                .collect();
            let marks = u32::try_from(below(256)).unwrap_or(0);
            // Most leave in order, some come late.
            let age_ms_max = if below(5) == 0 { 90_000_000 } else { 20_000 };
            let time_ms = newest_ms - below(age_ms_max);
            overflow.add(plan, time_ms, marks, &numbers);
            let told = format!("{:?}", overflow.windows);
            overflow.add_up();
            assert_eq!(told, format!("{:?}", overflow.windows));
        }
        assert!(overflow.tiles.len() > 500, "{}", overflow.tiles.len());
    }
}
