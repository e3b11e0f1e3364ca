//! How the second owner gives way: it works for a moment, and sleeps for as long.
//!
//! A nice thread gives its processor up only at the end of its turn, some milliseconds, and a payment waits for several
//! threads one after the other. Who sleeps by itself every quarter of a millisecond is in nobody's way for longer than
//! that. Must never be asked where somebody waits for what is being made.

use std::time::{Duration, Instant as Stopwatch};

/// Work between two pauses, where it can be cut so fine.
const WORK: Duration = Duration::from_micros(250);

/// The longest pause: one long step is no reason to be away for long.
const PAUSE_MAX: Duration = Duration::from_millis(2);

/// Pauses between steps of work.
#[derive(Debug)]
pub(crate) struct Pace {
    since: Stopwatch,
}

impl Pace {
    /// Begins to work.
    pub fn begin() -> Self {
        Self {
            since: Stopwatch::now(),
        }
    }

    /// Between two steps: sleeps where it has worked for long enough.
    pub fn between(&mut self) {
        let worked = self.since.elapsed();
        if worked >= WORK {
            std::thread::sleep(worked.min(PAUSE_MAX));
            self.since = Stopwatch::now();
        }
    }
}
