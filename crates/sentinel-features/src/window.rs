//! What a window means.
//!
//! Window *w* of event *e* holds the entity's events at a log position up to *e*'s, with
//! `T - w < t <= T`, where `T` is the entity's greatest event time so far, *e* included, and times are
//! whole milliseconds, rounded down. *e* itself counts. Events of one millisecond keep their log order.
//!
//! ```text
//!            T - w                                 T
//!   ───●───────(────●──────●●───────────●──────────]──▶ event time
//!     out      │    in     in (a tie)   in         │
//!           open end                      closed end: the newest event itself
//! ```
//!
//! * **In order** (`t >= T`): `T` moves to `t`.
//! * **Late** (`t < T`, at most one hour behind the partition's greatest event time): put in its place and
//!   answered as of `T`, flagged.
//! * **Too late** (more than that): decided and flagged, every window left as it was.
//!
//! Windows up to 24 hours are exact. Longer ones are made of **tiles**: the 7-day window holds the events
//! of the last 168 hours of the clock and the 30-day window those of the last 30 days of the UTC calendar,
//! the present one included. Their head is exact and their tail hops by a tile: at most 1/168 (0.6 %) and
//! 1/30 (3.3 %) of the window's length is missing at the old end.

/// A sliding window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Length in milliseconds.
    pub length_ms: i64,
    /// How far its tail hops, in milliseconds: 1 for an exact window.
    pub tile_ms: i64,
    /// How it is spelled in feature names and definitions: `1m`, `24h`, `7d`.
    pub name: &'static str,
    /// How it is spelled in sentences.
    pub phrase: &'static str,
}

const fn window(length_ms: i64, tile_ms: i64, name: &'static str, phrase: &'static str) -> Window {
    Window {
        length_ms,
        tile_ms,
        name,
        phrase,
    }
}

/// A minute, an hour and a day in milliseconds.
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Every window, shortest first: the exact ones, then the tiled ones.
pub const WINDOWS: [Window; WINDOW_COUNT] = [
    window(MINUTE_MS, 1, "1m", "1 minute"),
    window(5 * MINUTE_MS, 1, "5m", "5 minutes"),
    window(15 * MINUTE_MS, 1, "15m", "15 minutes"),
    window(HOUR_MS, 1, "1h", "1 hour"),
    window(6 * HOUR_MS, 1, "6h", "6 hours"),
    window(24 * HOUR_MS, 1, "24h", "24 hours"),
    window(7 * DAY_MS, HOUR_MS, "7d", "7 days"),
    window(30 * DAY_MS, DAY_MS, "30d", "30 days"),
];

/// How many windows there are.
pub const WINDOW_COUNT: usize = 8;

/// How many of them are exact; they come first.
pub const EXACT_COUNT: usize = 6;

/// The place of a window in [`WINDOWS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowIndex(u8);

impl WindowIndex {
    /// 1 minute.
    pub const M1: Self = Self(0);
    /// 5 minutes.
    pub const M5: Self = Self(1);
    /// 15 minutes.
    pub const M15: Self = Self(2);
    /// 1 hour.
    pub const H1: Self = Self(3);
    /// 6 hours.
    pub const H6: Self = Self(4);
    /// 24 hours.
    pub const H24: Self = Self(5);
    /// 7 days, in hourly tiles.
    pub const D7: Self = Self(6);
    /// 30 days, in daily tiles.
    pub const D30: Self = Self(7);

    /// The window with this name.
    pub fn parse(name: &str) -> Option<Self> {
        let at = WINDOWS.iter().position(|window| window.name == name)?;
        u8::try_from(at).ok().map(Self)
    }

    /// The place in [`WINDOWS`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The window.
    pub fn window(self) -> &'static Window {
        &WINDOWS[self.index()]
    }

    /// Whether it is exact to the millisecond.
    pub const fn is_exact(self) -> bool {
        self.index() < EXACT_COUNT
    }
}

/// The longest exact window, in milliseconds.
pub const LONGEST_EXACT_MS: i64 = DAY_MS;

/// How far behind the partition's greatest event time an event may lie and still enter windows.
pub const LATENESS_ALLOWED_MS: i64 = HOUR_MS;

/// The most events of one entity that are held one by one; beyond it, the oldest leave early into tiles
/// of ten seconds, and the windows that reach back to them are flagged as estimated.
pub const EVENTS_PER_ENTITY_MAX: usize = 65_536;

/// An entity that no event has named for so long (400 days) is forgotten: its next event is its first.
pub const FORGOTTEN_AFTER_MS: i64 = 400 * DAY_MS;
