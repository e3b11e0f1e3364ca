//! Mistakes that the simulation has the engine make, to show that it would find them.
//!
//! Promises that none is ever made outside this crate's own tests: the question is a constant there. Must never hold
//! anything else that only tests need.

use sentinel_eventlog::Record;

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "only this crate's tests plant any")
)]
pub(crate) enum Mistake {
    /// A run of more than one transaction goes into the windows twice.
    ApplyTwice,
    /// The windows are not read from a snapshot.
    ForgetWindows,
    /// The ids of labels are not read from a snapshot.
    ForgetLabels,
    /// The time on the wall is taken for the time that the log stamped.
    UseWallClock,
    /// A label is known to transactions that stand before it in the same run.
    LabelTooEarly,
    /// A snapshot is used that covers more than is recorded and followed.
    SnapshotTooFar,
    /// An entry is decided that the log says to skip.
    IgnoreSkips,
    /// Windows of a new feature set begin empty.
    ForgetHistory,
    /// The follower's progress covers entries whose outcomes it has not read.
    ProgressAhead,
}

#[cfg(not(test))]
pub(crate) use never::{is, stamped};
#[cfg(test)]
pub(crate) use switch::{is, plant, set_wall, stamped};

#[cfg(not(test))]
mod never {
    use super::{Mistake, Record};

    /// Whether to make a mistake: never.
    pub(crate) const fn is(_: Mistake) -> bool {
        false
    }

    /// The record as it is.
    pub(crate) const fn stamped(record: Record<'_>) -> Record<'_> {
        record
    }
}

#[cfg(test)]
mod switch {
    use std::cell::Cell;

    use sentinel_domain::Instant;

    use super::{Mistake, Record};

    thread_local! {
        static PLANTED: Cell<Option<Mistake>> = const { Cell::new(None) };
        static WALL: Cell<Instant> = const { Cell::new(Instant::from_micros(0)) };
    }

    /// Whether to make a mistake.
    pub(crate) fn is(mistake: Mistake) -> bool {
        PLANTED.get() == Some(mistake)
    }

    /// The record, under the wall's time where that mistake is planted.
    pub(crate) fn stamped(record: Record<'_>) -> Record<'_> {
        match is(Mistake::UseWallClock) {
            true => Record {
                log_time: WALL.get(),
                ..record
            },
            false => record,
        }
    }

    /// Has this thread's engines make a mistake, or none.
    pub(crate) fn plant(mistake: Option<Mistake>) {
        PLANTED.set(mistake);
    }

    /// Sets the clock on the wall.
    pub(crate) fn set_wall(now: Instant) {
        WALL.set(now);
    }
}
