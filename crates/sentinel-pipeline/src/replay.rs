//! Replay: compute decisions again from the log alone, and hold them against the recorded ones.
//!
//! Begins at the newest snapshot at or before what is asked for, else at the log's first entry. Where the log has lost
//! its beginning, what stands before the oldest snapshot cannot be computed again, and that is said.
//!
//! Promises to find every outcome of a stretch that the log does not give, and to change nothing.

use std::ops::ControlFlow;
use std::sync::Arc;

use sentinel_domain::{ContentHash, ContentHasher, Instant, LogOdds, LogPosition, Offset, Outcome};
use sentinel_eventlog::{
    CodecError, Hold, LogError, OutcomeEncoder, RecordBatch, VersionsTable, decode_outcome,
    outcome_body,
};

use crate::backfill::{BackfillError, History};
use crate::partition::{PartitionState, Settled};
use crate::recorded::{RecordedLogs, SkipsError};
use crate::snapshot::SnapshotError;

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
    /// The first of them: where a snapshot stood, or 0.
    pub began: Offset,
}

impl Replay {
    fn of(
        (logs, began): (&RecordedLogs, Offset),
        settled: Settled,
        recorded: &[u8],
        computed: &[u8],
    ) -> Self {
        Self {
            position: logs.position(settled.offset),
            log_time: settled.log_time,
            entries: settled.offset.0 + 1 - began.0,
            began,
            computed: settled.outcome,
            recorded_bytes: recorded.to_vec(),
            computed_bytes: computed.to_vec(),
        }
    }

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
    /// The logs have lost what it takes.
    #[error(
        "entry {offset} cannot be computed again: the logs have lost their beginning, and no snapshot stands at it or \
         before; {}",
        first.map_or_else(
            || "none stands behind it either, restore the folder snapshots from a backup".to_owned(),
            |first| format!("the first entry that can be is {first}"),
        )
    )]
    NotKept {
        /// What was asked for.
        offset: Offset,
        /// The first entry that can be computed again.
        first: Option<Offset>,
    },
    /// What the log says to skip could not be looked for.
    #[error(transparent)]
    Skips(#[from] SkipsError),
    /// The snapshots could not be looked at.
    #[error("replay from a snapshot")]
    Snapshot(#[from] SnapshotError),
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

/// What a replay of a stretch found.
#[derive(Debug)]
pub struct RangeReplay {
    /// Entries applied, those before the stretch included.
    pub entries: u64,
    /// The first of them: where a snapshot stood, or 0.
    pub began: Offset,
    /// Outcomes compared.
    pub compared: u64,
    /// How many of them differ.
    pub different: u64,
    /// The first few that differ.
    pub differences: Vec<Replay>,
    /// BLAKE3 over the computed outcomes, latencies left out: equal logs give equal hashes.
    pub hash: ContentHash,
}

/// The most differences that are kept.
const DIFFERENCES_KEPT: usize = 10;

/// A transaction with what its features said and what each put into its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The log-odds of a payment that nothing is known of.
    pub base: LogOdds,
    /// Every feature: name, value (not-a-number is missing), contribution to the log-odds.
    pub features: Vec<(String, f64, LogOdds)>,
}

/// Hears how many entries of how many are applied, and may say that it is enough.
pub type Hear<'a> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'a;

/// Replays the log up to and including `offset`.
pub fn replay(
    logs: &RecordedLogs,
    offset: Offset,
    progress: &mut Hear<'_>,
) -> Result<Replay, ReplayError> {
    explained(logs, offset, progress).map(|(replay, _)| replay)
}

/// Replays up to and including `offset`, and says what made that decision: every feature, whatever the verdict.
pub fn explained(
    logs: &RecordedLogs,
    offset: Offset,
    progress: &mut Hear<'_>,
) -> Result<(Replay, Option<Explained>), ReplayError> {
    check_range(logs, offset, offset.plus(1))?;
    let mut replayer = Replayer::new(logs, (offset, offset.plus(1)))?;
    let mut last = None;
    while let Some(settled) = replayer.next(progress)? {
        last = settled.pop();
    }
    let end = logs.decisions.end();
    let last = last.ok_or(ReplayError::NotThere {
        offset,
        which: "decision",
        end,
    })?;
    let explained = match last.outcome {
        Outcome::Decided(_) => replayer.state.explain_newest(),
        _ => None,
    };
    Ok((replayer.hold_against_recorded(last)?, explained))
}

/// Holds every outcome of the entries `from` to `to` (not included) against the recorded one.
pub fn replay_range(
    logs: &RecordedLogs,
    (from, to): (Offset, Offset),
    progress: &mut Hear<'_>,
) -> Result<RangeReplay, ReplayError> {
    check_range(logs, from, to)?;
    let mut replayer = Replayer::new(logs, (from, to))?;
    let began = replayer.began;
    let mut found = RangeReplay {
        entries: 0,
        began,
        compared: 0,
        different: 0,
        differences: Vec::new(),
        hash: ContentHash::of(b""),
    };
    let mut hasher = ContentHasher::default();
    let mut encoder = OutcomeEncoder::default();
    let (mut computed, mut recorded) = (Vec::new(), RecordBatch::default());
    while let Some(settled) = replayer.next(progress)? {
        found.entries += settled.len() as u64;
        for one in settled.drain(..).filter(|one| one.offset >= from) {
            computed.clear();
            encoder.encode(&one.outcome, 0, &mut computed);
            let body = outcome_body(&computed);
            // Its length first, so that no two stretches are alike by a moved boundary.
            hasher.update(&(body.len() as u64).to_le_bytes());
            hasher.update(body);
            found.compared += 1;
            let bytes = recorded_at(logs, one.offset, &mut recorded)?;
            if outcome_body(bytes) == outcome_body(&computed) {
                continue;
            }
            found.different += 1;
            if found.differences.len() < DIFFERENCES_KEPT {
                let place = (logs, began);
                let replayed = Replay::of(place, one, outcome_body(bytes), outcome_body(&computed));
                found.differences.push(replayed);
            }
        }
    }
    found.hash = hasher.finish();
    Ok(found)
}

fn check_range(logs: &RecordedLogs, from: Offset, to: Offset) -> Result<(), ReplayError> {
    let both = [
        (&logs.transactions, "transaction"),
        (&logs.decisions, "decision"),
    ];
    for (log, which) in both {
        // The last entry that is wanted, or the first where the stretch holds none.
        let offset = Offset(to.0.saturating_sub(1).max(from.0));
        if offset >= log.end() {
            let end = log.end();
            return Err(ReplayError::NotThere { offset, which, end });
        }
    }
    if from < logs.first_kept() {
        let first = first_replayable(logs)?;
        return Err(ReplayError::NotKept {
            offset: from,
            first,
        });
    }
    Ok(())
}

/// The first entry that can be computed again and held against what was recorded; `None` where there is no such.
pub fn first_replayable(logs: &RecordedLogs) -> Result<Option<Offset>, ReplayError> {
    let log = &logs.transactions;
    let first = match logs.snapshots() {
        Some(folder) => folder.first_replayable(log)?,
        None => (log.start() == Offset(0)).then_some(Offset(0)),
    };
    Ok(first.map(|first| first.max(logs.decisions.start())))
}

/// The state of the newest snapshot at or before an entry, else the one before the log's first entry.
fn state_before(logs: &RecordedLogs, offset: Offset) -> Result<PartitionState, ReplayError> {
    let log = &logs.transactions;
    let state = match logs.snapshots() {
        Some(folder) => folder.state_at(log, offset)?,
        None => {
            (log.start() == Offset(0)).then(|| PartitionState::new(log.log_id(), log.partition()))
        }
    };
    let Some(state) = state else {
        let first = first_replayable(logs)?;
        return Err(ReplayError::NotKept { offset, first });
    };
    for switch in state.switches() {
        logs.learn_versions(Arc::clone(&switch.versions));
    }
    Ok(state)
}

/// The recorded outcome at an offset: read ahead, so that a walk in order reads each stretch once.
fn recorded_at<'b>(
    logs: &RecordedLogs,
    offset: Offset,
    batch: &'b mut RecordBatch,
) -> Result<&'b [u8], ReplayError> {
    let place = |batch: &RecordBatch| {
        let first = batch.get(0)?.offset;
        let place = usize::try_from(offset.0.checked_sub(first.0)?).ok()?;
        (place < batch.len()).then_some(place)
    };
    if place(batch).is_none() {
        let read = logs.decisions.read(offset, BATCH_ENTRIES, batch);
        read.map_err(|source| ReplayError::Log { offset, source })?;
    }
    let end = logs.decisions.end();
    let record = place(batch).and_then(|place| batch.get(place));
    record
        .map(|record| record.payload)
        .ok_or(ReplayError::NotThere {
            offset,
            which: "decision",
            end,
        })
}

/// A state that takes the log in.
struct Replayer<'l> {
    logs: &'l RecordedLogs,
    /// What it reads stays meanwhile.
    _hold: Hold,
    state: PartitionState,
    began: Offset,
    batch: RecordBatch,
    settled: Vec<Settled>,
    end: Offset,
}

impl<'l> Replayer<'l> {
    /// Over the entries before `end`; those from `from` on are of interest.
    fn new(logs: &'l RecordedLogs, (from, end): (Offset, Offset)) -> Result<Self, ReplayError> {
        let hold = logs.transactions.hold();
        let state = state_before(logs, from)?;
        let skips = logs.skips(&state)?;
        Ok(Self {
            logs,
            _hold: hold,
            began: state.next(),
            state: state.skipping(skips),
            batch: RecordBatch::default(),
            settled: Vec::new(),
            end,
        })
    }

    /// What became of the next entries; none where the end is reached.
    fn next(&mut self, progress: &mut Hear<'_>) -> Result<Option<&mut Vec<Settled>>, ReplayError> {
        let (at, end) = (self.state.next(), self.end);
        if at >= end {
            return Ok(None);
        }
        let left = usize::try_from(end.0 - at.0).unwrap_or(BATCH_ENTRIES);
        let read = self
            .logs
            .transactions
            .read(at, left.min(BATCH_ENTRIES), &mut self.batch);
        read.map_err(|source| ReplayError::Log { offset: at, source })?;
        self.settled.clear();
        // A feature set on the way is filled from the same log; only its owner's progress is of interest.
        let mut within = |_, _| progress(at.0, end.0);
        let mut history = History::new(&self.logs.transactions, &mut within);
        self.state
            .apply(&self.batch, &mut history, &mut self.settled)?;
        if progress(self.state.next().0, end.0).is_break() {
            let offset = self.state.next();
            return Err(ReplayError::Stopped { offset });
        }
        Ok(Some(&mut self.settled))
    }

    fn hold_against_recorded(&self, last: Settled) -> Result<Replay, ReplayError> {
        // Not the batch of the walk: that one holds entries.
        let mut batch = RecordBatch::default();
        let bytes = recorded_at(self.logs, last.offset, &mut batch)?;
        let mut computed = Vec::new();
        OutcomeEncoder::default().encode(&last.outcome, 0, &mut computed);
        let (recorded, computed) = (outcome_body(bytes), outcome_body(&computed));
        Ok(Replay::of(
            (self.logs, self.began),
            last,
            recorded,
            computed,
        ))
    }
}
