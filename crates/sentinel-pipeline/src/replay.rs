//! Replay: compute one decision again from the log alone, and hold it against the recorded one.

use std::ops::ControlFlow;

use sentinel_domain::{Instant, LogPosition, Offset, Outcome};
use sentinel_eventlog::{
    CodecError, LogError, OutcomeEncoder, RecordBatch, VersionsTable, decode_outcome, outcome_body,
};

use crate::backfill::{BackfillError, History};
use crate::partition::PartitionState;
use crate::recorded::RecordedLogs;

/// Entries applied at once.
const BATCH_ENTRIES: usize = 4_096;

/// What a replay found.
#[derive(Debug)]
pub struct Replay {
    /// The entry.
    pub position: LogPosition,
    /// What the log gives now.
    pub computed: Outcome,
    /// The recorded bytes, latency left out.
    pub recorded_bytes: Vec<u8>,
    /// The computed bytes.
    pub computed_bytes: Vec<u8>,
    /// The time stamped on the entry.
    pub log_time: Instant,
    /// Entries applied to get there.
    pub entries: u64,
}

impl Replay {
    /// Whether both are equal byte for byte.
    pub fn is_equal(&self) -> bool {
        self.recorded_bytes == self.computed_bytes
    }

    /// The recorded outcome, where its bytes can be read and its versions are in the table.
    pub fn recorded(&self, versions: &VersionsTable) -> Result<Outcome, CodecError> {
        // The latency in front is outside the comparison; any will do.
        let mut payload = 0_u32.to_le_bytes().to_vec();
        payload.extend_from_slice(&self.recorded_bytes);
        let decoded = decode_outcome(&payload, self.position, self.log_time, versions)?;
        Ok(decoded.0)
    }
}

/// Why a replay was not possible.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A log could not be read.
    #[error("replay up to offset {offset}")]
    Log {
        /// Where it stopped.
        offset: Offset,
        /// What failed.
        source: LogError,
    },
    /// The entry is not in the logs.
    #[error("offset {offset} is not in the {which} log, which ends at {end}")]
    NotThere {
        /// What was asked for.
        offset: Offset,
        /// `transaction` or `decision`.
        which: &'static str,
        /// Where the log ends.
        end: Offset,
    },
    /// Whoever asked wants it no longer.
    #[error("replay up to offset {offset}: stopped before its end")]
    Stopped {
        /// Where it stopped.
        offset: Offset,
    },
}

impl From<BackfillError> for ReplayError {
    fn from(error: BackfillError) -> Self {
        match error {
            BackfillError::Log { offset, source } => Self::Log { offset, source },
            BackfillError::Stopped { offset } => Self::Stopped { offset },
        }
    }
}

/// Replays the log from its start up to and including `offset`. `progress` hears how many entries of
/// how many are applied, and may say that it is enough.
pub fn replay(
    logs: &RecordedLogs,
    offset: Offset,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Replay, ReplayError> {
    let RecordedLogs {
        transactions,
        decisions,
        ..
    } = logs;
    for (log, which) in [(transactions, "transaction"), (decisions, "decision")] {
        if offset >= log.end() {
            return Err(ReplayError::NotThere {
                offset,
                which,
                end: log.end(),
            });
        }
    }
    let mut state = PartitionState::new(transactions.log_id(), transactions.partition());
    let mut batch = RecordBatch::default();
    let mut settled = Vec::new();
    while state.next() <= offset {
        let at = state.next();
        let left = usize::try_from(offset.0 - at.0 + 1).unwrap_or(BATCH_ENTRIES);
        let fault = |source| ReplayError::Log { offset: at, source };
        transactions
            .read(at, left.min(BATCH_ENTRIES), &mut batch)
            .map_err(fault)?;
        settled.clear();
        // A feature set on the way is filled from the same log; only its owner's progress is of interest.
        let mut within = |_, _| progress(at.0, offset.0 + 1);
        let mut history = History::new(transactions, &mut within);
        state.apply(&batch, &mut history, &mut settled)?;
        if progress(state.next().0, offset.0 + 1).is_break() {
            return Err(ReplayError::Stopped {
                offset: state.next(),
            });
        }
    }
    decisions
        .read(offset, 1, &mut batch)
        .map_err(|source| ReplayError::Log { offset, source })?;
    let recorded = batch.get(0);
    let (Some(recorded), Some(last)) = (recorded, settled.pop()) else {
        return Err(ReplayError::NotThere {
            offset,
            which: "decision",
            end: decisions.end(),
        });
    };
    let mut computed_bytes = Vec::new();
    OutcomeEncoder::default().encode(&last.outcome, 0, &mut computed_bytes);
    Ok(Replay {
        position: logs.position(offset),
        log_time: last.log_time,
        computed: last.outcome,
        recorded_bytes: outcome_body(recorded.payload).to_vec(),
        computed_bytes: outcome_body(&computed_bytes).to_vec(),
        entries: offset.0 + 1,
    })
}
