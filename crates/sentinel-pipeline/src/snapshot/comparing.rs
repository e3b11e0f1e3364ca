//! What a start has left to be compared, compared by the second owner.
//!
//! A start needs the state behind the log, and deciding changes no state: so the owner takes what was recorded in
//! without deciding on it, opens its door, and this owner, from the same snapshot, decides on it again and
//! compares (`docs/adr/0019-a-start-compares-behind-its-door.md`).
//!
//! Promises that no snapshot covers an outcome that was recorded before this start and not compared since: a
//! process that dies too early leaves it to the next one. Must never let a difference pass: it stops the process.

use std::sync::Arc;

use sentinel_domain::Offset;

use super::{SnapshotError, SnapshotFolder, Written};
use crate::partition::PartitionState;
use crate::planted::{self, Mistake};
use crate::record::RecordError;
use crate::recorded::RecordedLogs;
use crate::statistics::Statistics;
use crate::worker::{Worker, WorkerError};

/// Outcomes of earlier runs that nobody has compared since they were read back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uncompared {
    /// The snapshot that the owner began with stands here.
    pub from: Offset,
    /// The owner compared and counted what stands before.
    pub counted_from: Offset,
    /// Where they end.
    pub before: Offset,
}

impl Uncompared {
    /// How many there are.
    pub fn left(&self) -> u64 {
        self.before.0 - self.counted_from.0
    }
}

/// What became of comparing.
pub(crate) enum Compared {
    /// All of it is as recorded; the state behind it.
    Whole(Box<PartitionState>),
    /// Some is left: it was told to stop.
    Left,
    /// It cannot be done, now or later: what the owner began with cannot be read any more.
    Never,
}

/// Decides again on what stands there and compares.
pub(crate) fn compare(
    folder: &SnapshotFolder,
    (logs, statistics): (RecordedLogs, &Arc<Statistics>),
    uncompared: &Uncompared,
    stop: &dyn Fn() -> bool,
    refused: &mut dyn FnMut(&SnapshotError),
) -> Result<Compared, WorkerError> {
    planted::altered(&logs.decisions, uncompared.before);
    let newest = || {
        folder
            .giving_way()
            .newest_state(&logs.transactions, uncompared.from, refused)
    };
    let found = planted::instead(
        Mistake::CompareWithoutWindows,
        Mistake::ForgetWindows,
        newest,
    );
    let state = match found {
        Ok((state, _)) => state,
        Err(_) if stop() => return Ok(Compared::Left),
        Err(error) => {
            tracing::error!(error = ?error, "what was recorded before this start cannot be compared");
            return Ok(Compared::Never);
        }
    };
    let worker = Worker::recording_from(state, logs, Arc::clone(statistics))?;
    let mut worker = worker.counting_from(uncompared.counted_from);
    let before = uncompared.before;
    let mut told = |state: &PartitionState, _| {
        // What was taken in last is still being compared.
        let left = before.0.saturating_sub(state.next().0).max(1);
        statistics.left_to_compare(left);
    };
    let compared = worker.compare(before, stop, &mut told);
    if let Ok(true) = compared {
        statistics.left_to_compare(0);
    }
    match compared {
        Ok(true) => Ok(Compared::Whole(Box::new(worker.into_state()))),
        Ok(false) => Ok(Compared::Left),
        Err(WorkerError::Backfill(_)) if stop() => Ok(Compared::Left),
        Err(error) => {
            if let WorkerError::Record(RecordError::Mismatch { .. }) = &error {
                statistics.count_mismatch();
            }
            tracing::error!(%error, "replay and record differ");
            Err(error)
        }
    }
}

/// Writes the state as a snapshot, after what it covers is on the disk.
pub(crate) fn write(
    folder: &SnapshotFolder,
    logs: &RecordedLogs,
    state: &PartitionState,
) -> Result<Option<Written>, SnapshotError> {
    logs.decisions.sync().map_err(|source| SnapshotError::Log {
        offset: state.next(),
        source,
    })?;
    folder.giving_way().write(state, &logs.transactions)
}
