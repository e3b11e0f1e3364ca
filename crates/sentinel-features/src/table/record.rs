//! What is known of one entity, as it lies in memory.
//!
//! Promises that what every event touches comes first. Must never point anywhere but into the arenas of its
//! table, by number.

use sentinel_domain::Instant;

use crate::calendar::Calendar;
use crate::habit::Habit;
use crate::place::LastPlace;
use crate::ring::RingHeader;
use crate::seen::SeenHeader;
use crate::slab::NONE;
use crate::tiles::TileHeader;

/// What every entity has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime {
    pub first: Instant,
    pub newest: Instant,
    pub count: u64,
    /// Time of the newest event or label that named it, as the partition's greatest then, milliseconds.
    pub named_ms: i64,
}

impl Lifetime {
    pub const EMPTY: Self = Self {
        first: Instant::from_micros(0),
        newest: Instant::from_micros(0),
        count: 0,
        named_ms: i64::MIN,
    };
}

/// What an entity with windows has besides; what every event touches comes first.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Windows {
    /// `T`: the greatest event time, whole milliseconds; the least number before the first event.
    pub newest_ms: i64,
    /// Amounts ever, and their sum.
    pub amounts: u64,
    pub amount_sum: i64,
    pub ring: RingHeader,
    /// A place in the slab of frauds, or none.
    pub frauds: u32,
    /// The last silence of a day or more, and when it ended; the least number where there was none.
    pub silence_ms: i64,
    pub silence_ended_ms: i64,
    pub hours: TileHeader,
    pub days: TileHeader,
}

impl Windows {
    pub const EMPTY: Self = Self {
        newest_ms: i64::MIN,
        amounts: 0,
        amount_sum: 0,
        silence_ms: 0,
        silence_ended_ms: i64::MIN,
        ring: RingHeader::EMPTY,
        hours: TileHeader::EMPTY,
        days: TileHeader::EMPTY,
        frauds: NONE,
    };
}

/// What every entity of a kind with windows has, side by side: an event touches all of it, and what lies
/// on one page of memory needs one address to be found.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct Record {
    pub lifetime: Lifetime,
    pub windows: Windows,
    pub place: LastPlace,
    /// The first category over tiled windows; further ones lie in a column.
    pub seen: SeenHeader,
}

const _: () = assert!(size_of::<Record>() == 160);
/// Records begin at a line or in its middle: what comes before this word lies in the line where a record begins
/// and in the one that this word lies in.
const FRONT_ENDS_AT: usize =
    std::mem::offset_of!(Record, windows) + std::mem::offset_of!(Windows, frauds);
const _: () = assert!(FRONT_ENDS_AT >= 64 && FRONT_ENDS_AT + 4 <= 96);

impl Record {
    pub const EMPTY: Self = Self {
        lifetime: Lifetime::EMPTY,
        windows: Windows::EMPTY,
        place: LastPlace::NONE,
        seen: SeenHeader::EMPTY,
    };
}

/// What an entity has besides whose hours, days and amounts are known.
#[derive(Debug, Clone, Copy)]
#[repr(align(128))]
pub(crate) struct Person {
    pub habit: Habit,
    pub calendar: Calendar,
}

const _: () = assert!(size_of::<Person>() == 128);

impl Person {
    pub const EMPTY: Self = Self {
        habit: Habit::EMPTY,
        calendar: Calendar::EMPTY,
    };
}
