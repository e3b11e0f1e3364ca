//! Distinct values of one entity over 7 and 30 days: each value with the hour it was last seen in.
//!
//! Exact up to [`VALUES_MAX`] values. Beyond it the set is thinned: only values whose hash ends in `level`
//! zero bits stay, and what is left counts `2^level` times. The same values stay whatever the order they
//! came in, the window slides over the rest as before, and the standard error is about 1.2 over the root
//! of the values held: 5 to 8 % where hundreds are. The thinning ends when an entity has been still until
//! all values have left; a busy one that once met thousands and meets few now is estimated from few. Must never iterate in an order that shows in an answer.

use crate::arena::{Arena, Block};
use crate::window::{DAY_MS, HOUR_MS, WINDOWS};

/// The most values held of one entity and category.
pub(crate) const VALUES_MAX: usize = 512;

/// Values of the smallest block.
const VALUES_START: usize = 4;

const HOURS_7D: i32 = 168;
const DAYS_30D: i32 = 30;
const HOURS_A_DAY: i32 = 24;
const _: () = assert!(
    HOURS_7D as i64 * HOUR_MS == WINDOWS[crate::plan::D7].length_ms
        && DAYS_30D as i64 * DAY_MS == WINDOWS[crate::plan::D30].length_ms
);

/// Where an entity's values of one category lie: half a block of values, half a block of hours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenHeader {
    block: Block,
    /// The hour of `T`.
    hour: i32,
    len: u16,
    /// How many of them lie in the 7-day window; all that are held lie in the 30-day one.
    within_7d: u16,
    size: u8,
    level: u8,
}

impl SeenHeader {
    /// Of an entity without values.
    pub const EMPTY: Self = Self {
        block: Block::NONE,
        hour: i32::MIN,
        len: 0,
        within_7d: 0,
        size: 0,
        level: 0,
    };

    /// Different values in the 7-day and the 30-day window.
    pub fn counts(&self) -> [u64; 2] {
        [
            u64::from(self.within_7d) << self.level,
            u64::from(self.len) << self.level,
        ]
    }

    /// Whether the counts are estimates.
    pub fn is_sampled(&self) -> bool {
        self.level > 0
    }
}

/// The sets of one kind of entity.
#[derive(Debug)]
pub(crate) struct SeenStore {
    arena: Arena,
}

impl Default for SeenStore {
    fn default() -> Self {
        Self {
            arena: Arena::new(2 * VALUES_START),
        }
    }
}

impl SeenStore {
    /// Takes an event in; `value` is 0 where it has none, `newest_ms` is `T` with it.
    pub fn take_in(&mut self, header: &mut SeenHeader, newest_ms: i64, time_ms: i64, value: u32) {
        let newest = hour_of(newest_ms);
        if newest != header.hour {
            if header.hour < oldest_of_30d(newest) {
                // Everything has left, what was thinned out too: the count is exact again. It is what the
                // sweep leaves of an idle entity, whether it came by or not.
                header.level = 0;
                header.len = 0;
            }
            header.hour = newest;
            self.forget(header);
        }
        if value == 0 || !is_kept(value, header.level) {
            return;
        }
        let hour = hour_of(time_ms);
        if !is_within_30d(hour, newest) {
            return;
        }
        let half = VALUES_START << header.size;
        if header.block != Block::NONE {
            let (values, hours) = self
                .arena
                .block_mut(header.block, header.size)
                .split_at_mut(half);
            let held = &values[..usize::from(header.len)];
            if let Some(at) = held.iter().position(|have| *have == value) {
                let before = hours[at].cast_signed();
                if hour > before {
                    hours[at] = hour.cast_unsigned();
                    let enters = is_within_7d(hour, newest) && !is_within_7d(before, newest);
                    header.within_7d += u16::from(enters);
                }
                return;
            }
        }
        self.push(header, value, hour);
        header.within_7d += u16::from(is_within_7d(hour, newest));
        while usize::from(header.len) > VALUES_MAX {
            header.level += 1;
            self.forget(header);
        }
    }

    /// Lets an entity's values go.
    pub fn free(&mut self, header: &mut SeenHeader) {
        self.arena.free(header.block, header.size);
        *header = SeenHeader::EMPTY;
    }

    /// Asks for the lines of the values and of their hours.
    #[inline]
    pub fn prefetch(&self, header: &SeenHeader) {
        if header.block != Block::NONE {
            self.arena.prefetch(header.block, header.size);
        }
    }

    /// Bytes of an entity's values.
    pub fn bytes_of(&self, header: &SeenHeader) -> usize {
        if header.block == Block::NONE {
            0
        } else {
            self.arena.words_of(header.size) * 4
        }
    }

    /// Bytes held, used or not.
    pub fn bytes(&self) -> usize {
        self.arena.bytes()
    }

    /// Level, hour of `T` and each value with its hour, by value; for the codec.
    pub fn values(&self, header: &SeenHeader) -> (u8, i32, Vec<(u32, i32)>) {
        let mut pairs = Vec::new();
        if header.block != Block::NONE {
            let words = self.arena.block(header.block, header.size);
            let (values, hours) = words.split_at(VALUES_START << header.size);
            let held = values.iter().zip(hours).take(usize::from(header.len));
            pairs.extend(held.map(|(value, hour)| (*value, hour.cast_signed())));
            pairs.sort_unstable();
        }
        (header.level, header.hour, pairs)
    }

    /// Puts values back that [`SeenStore::values`] gave.
    pub fn restore(
        &mut self,
        header: &mut SeenHeader,
        (level, hour): (u8, i32),
        pairs: &[(u32, i32)],
    ) {
        header.level = level;
        header.hour = hour;
        for (value, seen) in pairs {
            self.push(header, *value, *seen);
            header.within_7d += u16::from(is_within_7d(*seen, hour));
        }
    }

    fn push(&mut self, header: &mut SeenHeader, value: u32, hour: i32) {
        let len = usize::from(header.len);
        if header.block == Block::NONE {
            header.block = self.arena.allocate(0);
            header.size = 0;
        } else if len == VALUES_START << header.size {
            let half = VALUES_START << header.size;
            header.block = self.arena.grow(header.block, header.size);
            header.size += 1;
            // The hours move on to the upper half of the larger block.
            let words = self.arena.block_mut(header.block, header.size);
            words.copy_within(half..2 * half, 2 * half);
        }
        let half = VALUES_START << header.size;
        let words = self.arena.block_mut(header.block, header.size);
        words[len] = value;
        words[half + len] = hour.cast_unsigned();
        header.len += 1;
    }

    /// Drops values that left the 30-day window or the level, and counts the 7-day one anew.
    fn forget(&mut self, header: &mut SeenHeader) {
        if header.block == Block::NONE {
            return;
        }
        let half = VALUES_START << header.size;
        let len = usize::from(header.len);
        let (values, hours) = self
            .arena
            .block_mut(header.block, header.size)
            .split_at_mut(half);
        let oldest = oldest_of_30d(header.hour);
        let is_gone = |hour: &u32| hour.cast_signed() < oldest;
        if header.level > 0 || hours[..len].iter().any(is_gone) {
            let mut kept = 0;
            for at in 0..len {
                let (value, hour) = (values[at], hours[at]);
                if hour.cast_signed() >= oldest && is_kept(value, header.level) {
                    (values[kept], hours[kept]) = (value, hour);
                    kept += 1;
                }
            }
            header.len = u16::try_from(kept).unwrap_or(u16::MAX);
        }
        let held = &hours[..usize::from(header.len)];
        let oldest = oldest_of_7d(header.hour);
        let within: u16 = held
            .iter()
            .map(|hour| u16::from(hour.cast_signed() >= oldest))
            .sum();
        header.within_7d = within;
    }
}

fn hour_of(time_ms: i64) -> i32 {
    let hour = time_ms.div_euclid(HOUR_MS);
    i32::try_from(hour).unwrap_or(if hour < 0 { i32::MIN } else { i32::MAX })
}

/// The oldest hour of the window of the last 168 hours.
fn oldest_of_7d(newest: i32) -> i32 {
    newest.saturating_sub(HOURS_7D - 1)
}

/// The oldest hour of the window of the last 30 days of the calendar.
fn oldest_of_30d(newest: i32) -> i32 {
    newest
        .div_euclid(HOURS_A_DAY)
        .saturating_sub(DAYS_30D - 1)
        .saturating_mul(HOURS_A_DAY)
}

fn is_within_7d(hour: i32, newest: i32) -> bool {
    hour >= oldest_of_7d(newest)
}

fn is_within_30d(hour: i32, newest: i32) -> bool {
    hour >= oldest_of_30d(newest)
}

/// Whether a value stays at a level: its hash ends in so many zero bits. One fixed hash, since it shows
/// in answers (the finisher of MurmurHash3).
fn is_kept(value: u32, level: u8) -> bool {
    if level == 0 {
        return true;
    }
    let mut hash = value;
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^= hash >> 16;
    hash.trailing_zeros() >= u32::from(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_exact_up_to_the_most_held_and_near_beyond() {
        let mut store = SeenStore::default();
        let mut header = SeenHeader::EMPTY;
        for value in 1..=20_000 {
            store.take_in(&mut header, HOUR_MS, HOUR_MS, value);
            let [_, within] = header.counts();
            if value <= 512 {
                assert_eq!(within, u64::from(value));
            } else {
                let error = f64::from(u32::try_from(within).unwrap()) / f64::from(value) - 1.0;
                assert!(error.abs() < 0.25, "{within} for {value}");
                assert!(header.is_sampled());
            }
        }
    }

    #[test]
    fn values_leave_with_their_hour() {
        let mut store = SeenStore::default();
        let mut header = SeenHeader::EMPTY;
        store.take_in(&mut header, 0, 0, 1);
        store.take_in(&mut header, 0, 0, 2);
        store.take_in(&mut header, 168 * HOUR_MS, 168 * HOUR_MS, 2);
        assert_eq!(header.counts(), [1, 2]);
        store.take_in(&mut header, 30 * DAY_MS, 30 * DAY_MS, 3);
        assert_eq!(header.counts(), [1, 2]);
    }
}
