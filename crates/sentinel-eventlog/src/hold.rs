//! Holds on the beginning of a log: while one lives, nothing is dropped from the front.
//!
//! Whoever walks a log again from its start (new features are filled so, decisions are replayed so) must find at the
//! end of its walk what was there at the beginning. Promises that a hold that was taken is seen by every truncation
//! after it, and that none is taken while somebody chooses how much to drop.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sentinel_domain::Offset;

/// Keeps the beginning of a log where it is, until it is dropped.
#[derive(Debug)]
pub struct Hold {
    start: Offset,
    holds: Arc<Holds>,
}

impl Hold {
    /// The oldest record there is: it stays.
    pub fn start(&self) -> Offset {
        self.start
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut count = self.holds.lock();
        *count = count.saturating_sub(1);
    }
}

/// How many holds on a log there are.
#[derive(Debug, Default)]
pub(crate) struct Holds(Mutex<usize>);

impl Holds {
    pub(crate) fn lock(&self) -> MutexGuard<'_, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more; `start` is asked while nothing can be dropped.
    pub(crate) fn take(self: &Arc<Self>, start: impl FnOnce() -> Offset) -> Hold {
        let mut count = self.lock();
        *count += 1;
        Hold {
            start: start(),
            holds: Arc::clone(self),
        }
    }
}
