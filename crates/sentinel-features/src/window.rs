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

/// A sliding window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Length in milliseconds.
    pub length_ms: i64,
    /// How it is spelled in feature names: `1m`, `5m`, `1h`, `24h`.
    pub name: &'static str,
    /// How it is spelled in sentences.
    pub phrase: &'static str,
}

/// Every window, shortest first.
pub const WINDOWS: [Window; WINDOW_COUNT] = [
    Window {
        length_ms: 60_000,
        name: "1m",
        phrase: "1 minute",
    },
    Window {
        length_ms: 300_000,
        name: "5m",
        phrase: "5 minutes",
    },
    Window {
        length_ms: 3_600_000,
        name: "1h",
        phrase: "1 hour",
    },
    Window {
        length_ms: 86_400_000,
        name: "24h",
        phrase: "24 hours",
    },
];

/// How many windows there are.
pub const WINDOW_COUNT: usize = 4;

/// The longest window, in milliseconds: older events are forgotten.
pub const LONGEST_MS: i64 = WINDOWS[WINDOW_COUNT - 1].length_ms;

/// How far behind the partition's greatest event time an event may lie and still enter windows.
pub const LATENESS_ALLOWED_MS: i64 = 3_600_000;

/// The most events of one entity that are held; beyond it, the oldest leave early and the windows that
/// miss them are flagged as estimated.
pub const EVENTS_PER_ENTITY_MAX: usize = 65_536;
