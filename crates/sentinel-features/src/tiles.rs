//! The long windows of one entity: what its events add up to, hour by hour and day by day.
//!
//! ```text
//!   record 0          record 1 …                                    newest
//!   what the window   tile, count, sums │ tile, count, sums │ …  │ tile, count, sums
//!   adds up to
//! ```
//!
//! Only tiles with events have a record. An event is added to its tile and to record 0; when the first
//! event of a new tile comes, tiles that have left are dropped and record 0 is added up anew: no cursor,
//! nothing to subtract. Must never be read for a window that is exact.

use crate::arena::{Arena, Block, read_i64, read_u128, write_i64, write_u128};
use crate::plan::{COLUMNS_MAX, TilePlan};
use crate::reading::{COUNT, ROWS, Readings, Sample, line_of_mark, row_of_window};
use crate::totals::{ABSENT, NumberTotals, square};
use crate::window::{DAY_MS, HOUR_MS, WINDOW_COUNT};

/// Where an entity's tiles lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileHeader {
    block: Block,
    /// Records in use, record 0 included.
    records: u16,
    size: u8,
    /// The newest tile.
    newest: i32,
}

impl TileHeader {
    /// Of an entity without events.
    pub const EMPTY: Self = Self {
        block: Block::NONE,
        records: 0,
        size: 0,
        newest: i32::MIN,
    };
}

/// Records of the smallest block.
const RECORDS_START: usize = 3;

const COUNT_AT: usize = 1;

/// The tiles of one kind of entity.
#[derive(Debug)]
pub(crate) struct TileStore {
    plan: TilePlan,
    arena: Arena,
}

impl TileStore {
    /// No tiles yet.
    pub fn new(plan: TilePlan) -> Self {
        Self {
            arena: Arena::new(plan.stride * RECORDS_START),
            plan,
        }
    }

    /// Takes an event in, and fills the readings of the window where they are asked for; `newest_ms` is `T` with
    /// the event.
    pub fn take_in(
        &mut self,
        header: &mut TileHeader,
        newest_ms: i64,
        sample: &Sample<'_>,
        asked: Option<(usize, &mut Readings)>,
    ) {
        let newest = self.tile_of(newest_ms);
        if header.block == Block::NONE {
            header.block = self.arena.allocate(0);
            header.size = 0;
            header.records = 1;
        }
        if newest != header.newest {
            header.newest = newest;
            self.forget(header);
        }
        let tile = if sample.time_ms == newest_ms {
            newest
        } else {
            self.tile_of(sample.time_ms)
        };
        let age = i64::from(newest) - i64::from(tile);
        if age < self.plan.kept_tiles {
            let record = self.record_of(header, tile);
            let (plan, stride) = (&self.plan, self.plan.stride);
            let words = self.arena.block_mut(header.block, header.size);
            add(
                plan,
                &mut words[record * stride..(record + 1) * stride],
                sample,
            );
            let total = &mut words[..stride];
            if age < plan.window_tiles {
                add(plan, total, sample);
            }
            if let Some((window, readings)) = asked {
                read(plan, total, window, readings);
            }
        } else if let Some((window, readings)) = asked {
            self.read(header, window, readings);
        }
    }

    /// Fills the readings of the window.
    pub fn read(&self, header: &TileHeader, window: usize, readings: &mut Readings) {
        if header.block == Block::NONE {
            readings.clear_tiled(window);
        } else {
            let words = self.arena.block(header.block, header.size);
            read(&self.plan, &words[..self.plan.stride], window, readings);
        }
    }

    /// Events in each of some stretches of tiles, both ends included.
    pub fn counts_between<const N: usize>(
        &self,
        header: &TileHeader,
        stretches: [(i64, i64); N],
    ) -> [u64; N] {
        let mut counts = [0; N];
        if header.block == Block::NONE {
            return counts;
        }
        let words = self.arena.block(header.block, header.size);
        let used = usize::from(header.records) * self.plan.stride;
        for record in words[..used].chunks_exact(self.plan.stride).skip(1) {
            let (tile, events) = (i64::from(record[0].cast_signed()), record[COUNT_AT]);
            for (count, (from, to)) in counts.iter_mut().zip(stretches) {
                if (from..=to).contains(&tile) {
                    *count += u64::from(events);
                }
            }
        }
        counts
    }

    /// The newest hour with events, counted from 1970, that passes; where hours are kept.
    pub fn newest_hour(&self, header: &TileHeader, passes: impl Fn(i64) -> bool) -> Option<i64> {
        let hours_at = self.plan.hours_at?;
        if header.block == Block::NONE {
            return None;
        }
        let words = self.arena.block(header.block, header.size);
        let used = usize::from(header.records) * self.plan.stride;
        let days = words[..used].chunks_exact(self.plan.stride).skip(1).rev();
        let oldest = i64::from(header.newest) - self.plan.kept_tiles;
        days.map(|record| (i64::from(record[0].cast_signed()), record[hours_at]))
            .take_while(|(day, _)| *day > oldest)
            .find_map(|(day, hours)| {
                let within = (0..24).rev().filter(|hour| hours >> hour & 1 == 1);
                within
                    .map(|hour| day * 24 + hour)
                    .find(|hour| passes(*hour))
            })
    }

    /// Events in the window.
    pub fn count(&self, header: &TileHeader) -> u64 {
        if header.block == Block::NONE {
            0
        } else {
            u64::from(self.arena.block(header.block, header.size)[COUNT_AT])
        }
    }

    /// Lets an entity's tiles go.
    pub fn free(&mut self, header: &mut TileHeader) {
        self.arena.free(header.block, header.size);
        *header = TileHeader::EMPTY;
    }

    /// Asks for the lines of the totals and of the newest tile.
    #[inline]
    pub fn prefetch(&self, header: &TileHeader) {
        if header.block == Block::NONE {
            return;
        }
        let stride = self.plan.stride;
        let newest = (usize::from(header.records) - 1) * stride;
        let ends = [0, stride - 1, newest, newest + stride - 1];
        self.arena.prefetch_words(header.block, header.size, ends);
    }

    /// Bytes of an entity's tiles.
    pub fn bytes_of(&self, header: &TileHeader) -> usize {
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

    /// The words of an entity's records but for record 0, and the newest tile; for the codec.
    pub fn records(&self, header: &TileHeader) -> (i32, &[u32]) {
        if header.block == Block::NONE {
            return (header.newest, &[]);
        }
        let words = self.arena.block(header.block, header.size);
        let used = usize::from(header.records) * self.plan.stride;
        (header.newest, &words[self.plan.stride..used])
    }

    /// Puts records back that [`TileStore::records`] gave.
    pub fn restore(&mut self, header: &mut TileHeader, newest: i32, words: &[u32]) {
        let stride = self.plan.stride;
        let records = words.len() / stride + 1;
        let mut size = 0;
        while RECORDS_START << size < records {
            size += 1;
        }
        header.block = self.arena.allocate(size);
        header.size = size;
        header.records = u16::try_from(records).unwrap_or(u16::MAX);
        header.newest = newest;
        let block = self.arena.block_mut(header.block, size);
        block[stride..stride + words.len()].copy_from_slice(words);
        self.add_up(header);
    }

    /// Words of a record, for the codec.
    pub fn stride(&self) -> usize {
        self.plan.stride
    }

    fn tile_of(&self, time_ms: i64) -> i32 {
        // Divisors that the compiler knows: a division by a variable costs as much as the rest.
        let tile = if self.plan.tile_ms == HOUR_MS {
            time_ms.div_euclid(HOUR_MS)
        } else {
            time_ms.div_euclid(DAY_MS)
        };
        i32::try_from(tile).unwrap_or(if tile < 0 { i32::MIN } else { i32::MAX })
    }

    /// Drops tiles that are kept no longer and adds record 0 up anew, where any tile has left the window.
    fn forget(&mut self, header: &mut TileHeader) {
        let stride = self.plan.stride;
        let words = self.arena.block_mut(header.block, header.size);
        let records = usize::from(header.records);
        let begin = i64::from(header.newest) - self.plan.window_tiles;
        if records == 1 || i64::from(words[stride].cast_signed()) > begin {
            return;
        }
        let oldest = i64::from(header.newest) - self.plan.kept_tiles;
        let gone = words[stride..records * stride]
            .chunks_exact(stride)
            .take_while(|record| i64::from(record[0].cast_signed()) <= oldest)
            .count();
        if gone > 0 {
            words.copy_within((1 + gone) * stride..records * stride, stride);
            header.records = u16::try_from(records - gone).unwrap_or(0);
        }
        self.add_up(header);
    }

    /// Adds record 0 up from the tiles within the window.
    fn add_up(&mut self, header: &TileHeader) {
        let plan = &self.plan;
        let stride = plan.stride;
        let oldest = i64::from(header.newest) - plan.window_tiles;
        let words = self.arena.block_mut(header.block, header.size);
        let (total, tiles) = words.split_at_mut(stride);
        total.fill(0);
        let used = (usize::from(header.records) - 1) * stride;
        for tile in tiles[..used].chunks_exact(stride) {
            if i64::from(tile[0].cast_signed()) > oldest {
                merge(plan, total, tile);
            }
        }
    }

    /// The record of a tile, made in its place where there is none.
    #[inline]
    fn record_of(&mut self, header: &mut TileHeader, tile: i32) -> usize {
        let stride = self.plan.stride;
        let mut place = usize::from(header.records);
        {
            // Mostly the newest.
            let words = self.arena.block(header.block, header.size);
            while place > 1 {
                let have = words[(place - 1) * stride].cast_signed();
                if have == tile {
                    return place - 1;
                }
                if have < tile {
                    break;
                }
                place -= 1;
            }
        }
        let records = usize::from(header.records);
        if records == RECORDS_START << header.size {
            header.block = self.arena.grow(header.block, header.size);
            header.size += 1;
        }
        let words = self.arena.block_mut(header.block, header.size);
        if place < records {
            words.copy_within(place * stride..records * stride, (place + 1) * stride);
        }
        let record = &mut words[place * stride..(place + 1) * stride];
        record.fill(0);
        record[0] = tile.cast_unsigned();
        header.records += 1;
        place
    }
}

/// Fills the readings of the window from record 0.
fn read(plan: &TilePlan, total: &[u32], window: usize, readings: &mut Readings) {
    let row = row_of_window(window % WINDOW_COUNT) % ROWS;
    readings.line(COUNT)[row] = u64::from(total[COUNT_AT]);
    for (mark, at) in &plan.marks {
        readings.line(line_of_mark(*mark))[row] = u64::from(total[*at]);
    }
    for column in &plan.columns {
        let count = total[column.at];
        let (least, greatest) = match column.extremes_at {
            Some(at) if count > 0 => (read_i64(total, at), read_i64(total, at + 2)),
            _ => (i64::MAX, i64::MIN),
        };
        readings.numbers[usize::from(column.number) % COLUMNS_MAX][row] = NumberTotals {
            count: u64::from(count),
            sum: read_i64(total, column.at + 1),
            squares: column.squares_at.map_or(0, |at| read_u128(total, at)),
            least,
            greatest,
        };
    }
}

/// Adds an event to a record.
fn add(plan: &TilePlan, record: &mut [u32], sample: &Sample<'_>) {
    record[COUNT_AT] = record[COUNT_AT].saturating_add(1);
    for (mark, at) in &plan.marks {
        record[*at] = record[*at].saturating_add(sample.marks >> mark & 1);
    }
    if let Some(at) = plan.hours_at {
        record[at] |= 1 << (sample.time_ms.rem_euclid(DAY_MS) / HOUR_MS);
    }
    for column in &plan.columns {
        let number = sample.numbers[usize::from(column.number)];
        if number == ABSENT {
            continue;
        }
        let (least, greatest) = match column.extremes_at {
            Some(at) if record[column.at] > 0 => (read_i64(record, at), read_i64(record, at + 2)),
            _ => (i64::MAX, i64::MIN),
        };
        record[column.at] = record[column.at].saturating_add(1);
        let sum = read_i64(record, column.at + 1).saturating_add(number);
        write_i64(record, column.at + 1, sum);
        if let Some(at) = column.squares_at {
            let squares = read_u128(record, at).saturating_add(square(number));
            write_u128(record, at, squares);
        }
        if let Some(at) = column.extremes_at {
            write_i64(record, at, least.min(number));
            write_i64(record, at + 2, greatest.max(number));
        }
    }
}

/// Adds a record to another.
fn merge(plan: &TilePlan, total: &mut [u32], tile: &[u32]) {
    total[COUNT_AT] = total[COUNT_AT].saturating_add(tile[COUNT_AT]);
    for (_, at) in &plan.marks {
        total[*at] = total[*at].saturating_add(tile[*at]);
    }
    for column in &plan.columns {
        let (had, more) = (total[column.at], tile[column.at]);
        if more == 0 {
            continue;
        }
        total[column.at] = had.saturating_add(more);
        let sum = read_i64(total, column.at + 1).saturating_add(read_i64(tile, column.at + 1));
        write_i64(total, column.at + 1, sum);
        if let Some(at) = column.squares_at {
            let squares = read_u128(total, at).saturating_add(read_u128(tile, at));
            write_u128(total, at, squares);
        }
        if let Some(at) = column.extremes_at {
            let (mut least, mut greatest) = (read_i64(tile, at), read_i64(tile, at + 2));
            if had > 0 {
                least = least.min(read_i64(total, at));
                greatest = greatest.max(read_i64(total, at + 2));
            }
            write_i64(total, at, least);
            write_i64(total, at + 2, greatest);
        }
    }
}
