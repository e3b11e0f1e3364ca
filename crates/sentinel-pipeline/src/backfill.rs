//! Backfill: a new feature set is filled from the log before the next transaction is decided with it.
//!
//! The owner of the partition walks its own log again from the start up to the activation, with the same
//! first sightings, labels and rates, and without deciding; then the windows are swapped. So the state
//! behind an activation is that of a run that had the set from its first entry, and stays a function of
//! the log prefix. Must never read past the activation.

use std::ops::ControlFlow;

use sentinel_domain::Offset;
use sentinel_eventlog::{EventLog, Hold, LogError, RecordBatch};

use crate::poison::Skips;

/// Entries read at once.
const BATCH_ENTRIES: usize = 4_096;

/// What a backfill covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backfilled {
    /// The first entry it read: the oldest that the log keeps.
    pub from: Offset,
    /// The activation: the first entry that it did not read.
    pub to: Offset,
    /// Transactions taken in.
    pub transactions: u64,
    /// Labels taken in.
    pub labels: u64,
}

impl Backfilled {
    /// Whether the log was there from its first entry. Where it was not, values that reach further back
    /// are too small until their windows have passed.
    pub fn is_complete(&self) -> bool {
        self.from == Offset(0)
    }
}

/// Why a set could not be filled. The owner cannot go on: what follows would be decided with windows that
/// are not a function of the log.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// The log could not be read.
    #[error("fill new features from the log: read offset {offset}")]
    Log {
        /// Where.
        offset: Offset,
        /// What failed.
        source: LogError,
    },
    /// Whoever asked wants it no longer.
    #[error("fill new features from the log: stopped at offset {offset}")]
    Stopped {
        /// Where.
        offset: Offset,
    },
}

/// The partition's own log, for whoever must walk it again.
///
/// Once it was walked from its start, the log keeps that start for as long as this lives: whoever applies an
/// activation drops this after having told what filled it.
pub struct History<'a> {
    log: &'a EventLog,
    hold: Option<Hold>,
    progress: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>,
}

impl<'a> History<'a> {
    /// Over the log that the entries come from. `progress` hears how many entries of how many have been
    /// walked, and may say that it is enough.
    pub fn new(
        log: &'a EventLog,
        progress: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Self {
        Self {
            log,
            hold: None,
            progress,
        }
    }

    /// The oldest entry there is, which stays from here on.
    pub(crate) fn start(&mut self) -> Offset {
        self.hold.get_or_insert_with(|| self.log.hold()).start()
    }

    /// The entries that the log says to skip, from one on.
    pub(crate) fn skips(&self, from: Offset) -> Result<Skips, BackfillError> {
        Skips::of(self.log, from).map_err(|(offset, source)| BackfillError::Log { offset, source })
    }

    /// Reads the next entries before `to` into the batch; empty where there are none.
    pub(crate) fn read(
        &mut self,
        at: Offset,
        to: Offset,
        batch: &mut RecordBatch,
    ) -> Result<(), BackfillError> {
        batch.clear();
        if (self.progress)(at.0, to.0).is_break() {
            return Err(BackfillError::Stopped { offset: at });
        }
        let left = usize::try_from(to.0.saturating_sub(at.0)).unwrap_or(BATCH_ENTRIES);
        if left == 0 {
            return Ok(());
        }
        self.log
            .read(at, left.min(BATCH_ENTRIES), batch)
            .map_err(|source| BackfillError::Log { offset: at, source })
    }
}
