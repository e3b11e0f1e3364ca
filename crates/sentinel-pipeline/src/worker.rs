//! One partition, one loop: read a micro-batch, apply it, record it, tell whoever waits.
//!
//! The worker owns its [`PartitionState`]. It first replays what the log holds (comparing with recorded
//! outcomes), then follows the log's end. Several entries are taken at once where they have piled up:
//! a batch grows with load and changes speed, never a value.

mod ahead;
mod crew;
mod replay;
#[cfg(test)]
mod helper_panics;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use sentinel_domain::{Offset, Outcome, Verdict};
use sentinel_eventlog::{EventLog, LogError, RecordBatch};

use crate::active::Decider;
use crate::backfill::{BackfillError, Backfilled, History};
use crate::partition::{PartitionState, Settled};
use crate::poison::{Applying, Attempts, PoisonError};
use crate::record::{RecordError, Recorder};
use crate::recorded::{RecordedLogs, SkipsError};
use crate::statistics::Statistics;

/// The most entries applied at once.
const BATCH_ENTRIES_MAX: usize = 64;

/// How long the worker waits for an entry before it looks whether it should stop.
const WAIT: Duration = Duration::from_millis(20);

/// Why a worker stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The transaction log failed.
    #[error("read the transaction log at offset {offset}")]
    Log {
        /// Where.
        offset: Offset,
        /// What failed.
        source: LogError,
    },
    /// The decision log failed or disagrees.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What the log says to skip could not be looked for.
    #[error(transparent)]
    Skips(#[from] SkipsError),
    /// A new feature set could not be filled.
    #[error(transparent)]
    Backfill(#[from] BackfillError),
    /// The operating system refused a thread.
    #[error("start a thread that compares outcomes")]
    Thread(#[source] std::io::Error),
    /// The second owner panicked.
    #[error(
        "whoever compares what was recorded before this start panicked, and nobody vouches for it; a restart compares it again"
    )]
    NotCompared,
    /// An entry that stops the owner could not be noted or put aside.
    #[error(transparent)]
    Poison(#[from] PoisonError),
    /// The decision log is longer than the transaction log.
    #[error(
        "the decision log ends at {decisions}, behind the transaction log's end {transactions}: the \
         transaction log was cut below recorded progress. Restore the transaction log; where it is \
         meant to be this short, remove the folder decisions, which is made again from it"
    )]
    Cut {
        /// End of the decision log.
        decisions: Offset,
        /// End of the transaction log.
        transactions: Offset,
    },
}

/// How often a long backfill says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// How long the worker waits before it asks again whether the disk has room for its outcomes.
const ROOM_WAIT: Duration = Duration::from_millis(50);

/// Records outcomes; where the disk is nearly full, waits until it is not, or until it is told to stop.
/// Nothing is lost by that: what was not recorded is decided again from the transaction log.
fn record_when_there_is_room(
    recorder: &mut Recorder,
    settled: &[Settled],
    latency_us: u32,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<u32>, RecordError> {
    loop {
        match recorder.record(settled, latency_us) {
            Err(RecordError::Log {
                source: LogError::DiskFull { .. },
                ..
            }) if !stop() => std::thread::sleep(ROOM_WAIT),
            result => return result,
        }
    }
}

/// Tells how far a backfill is.
struct Progress {
    told: Stopwatch,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            told: Stopwatch::now(),
        }
    }
}

impl Progress {
    fn tell(&mut self, done: u64, of: u64) {
        if self.told.elapsed() >= PROGRESS_EVERY {
            self.told = Stopwatch::now();
            tracing::info!(done, of, "filling new features from the log");
        }
    }
}

/// Says what a backfill covered; a short history is a warning.
fn tell(backfilled: &Backfilled, took: Duration) {
    let Backfilled {
        from,
        to,
        transactions,
        labels,
    } = *backfilled;
    let seconds = took.as_secs_f64();
    if backfilled.is_complete() {
        tracing::info!(%to, transactions, labels, seconds, "new features are filled from the log");
    } else {
        tracing::warn!(
            %from, %to, transactions, labels, seconds,
            "new features are filled from the oldest entry that the log keeps; values that reach further \
             back are incomplete until their windows have passed"
        );
    }
}

/// What a batch of settled entries carries to observers.
pub struct Published {
    /// The entries in log order.
    pub settled: Vec<Settled>,
    /// Pick-up to record, microseconds, one for each entry.
    pub latencies_us: Vec<u32>,
}

/// Owner of one partition.
pub struct Worker {
    state: PartitionState,
    log: EventLog,
    recorder: Option<Recorder>,
    statistics: Arc<Statistics>,
    batch: RecordBatch,
    attempts: Option<Attempts>,
    fault: Option<Fault>,
    /// Entries before it were counted by another owner.
    counted_from: Offset,
}

/// A fault that a test plants: it hears each entry before it is applied, and may panic.
pub type Fault = Box<dyn FnMut(Offset) + Send>;

impl Worker {
    /// A worker that records its outcomes beside the transaction log, from its first entry on.
    pub fn recording(logs: RecordedLogs, statistics: Arc<Statistics>) -> Result<Self, WorkerError> {
        let log = &logs.transactions;
        let state = PartitionState::new(log.log_id(), log.partition());
        Self::recording_from(state, logs, statistics)
    }

    /// The same, where a state is there already: it goes on behind what that has taken in.
    pub fn recording_from(
        state: PartitionState,
        logs: RecordedLogs,
        statistics: Arc<Statistics>,
    ) -> Result<Self, WorkerError> {
        let (transactions, decisions) = (logs.transactions.end(), logs.decisions.end());
        if decisions > transactions {
            return Err(WorkerError::Cut {
                decisions,
                transactions,
            });
        }
        // Looked for once, for every owner of these logs.
        let skips = logs.skips(&state)?;
        let state = state.skipping(skips);
        for switch in state.switches() {
            logs.learn_versions(Arc::clone(&switch.versions));
        }
        Ok(Self {
            state,
            log: logs.transactions.clone(),
            recorder: Some(Recorder::new(logs)),
            statistics,
            batch: RecordBatch::default(),
            attempts: None,
            fault: None,
            counted_from: Offset(0),
        })
    }

    /// A worker that only publishes its outcomes, and frees what it has applied.
    pub fn publishing(log: EventLog, statistics: Arc<Statistics>) -> Self {
        Self {
            state: PartitionState::new(log.log_id(), log.partition()),
            recorder: None,
            log,
            statistics,
            batch: RecordBatch::default(),
            attempts: None,
            fault: None,
            counted_from: Offset(0),
        }
    }

    /// Notes from here on, where there is a note and while it is careful, what it is about to apply.
    pub fn noting(self, attempts: Option<Attempts>) -> Self {
        Self { attempts, ..self }
    }

    /// Counts nothing of what stands before an offset: another owner has.
    pub(crate) fn counting_from(self, counted_from: Offset) -> Self {
        Self {
            counted_from,
            ..self
        }
    }

    /// Has a fault in it from here on: how tests and simulations see that a fault of ours loses nothing.
    pub fn with_fault(self, fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..self
        }
    }

    /// Ends as it should: removes the note.
    pub fn end(&mut self) -> Result<(), WorkerError> {
        let Some(mut attempts) = self.attempts.take() else {
            return Ok(());
        };
        let forgotten = attempts.forget();
        forgotten.map_err(PoisonError::io(attempts.path()))?;
        Ok(())
    }

    /// The state, between batches.
    pub fn state(&self) -> &PartitionState {
        &self.state
    }

    /// The state, for whoever wants nothing but it.
    pub fn into_state(self) -> PartitionState {
        self.state
    }

    /// Applies everything the log holds now; `publish` sees each batch.
    pub fn catch_up(
        &mut self,
        publish: &mut dyn FnMut(&PartitionState, Published),
    ) -> Result<(), WorkerError> {
        let end = self.log.end();
        while self.state.next() < end {
            self.step(publish, &|| false)?;
        }
        Ok(())
    }

    /// Applies entries as they come until `stop` says so and none is left. `between` runs after every
    /// batch and at least every 20 ms: questions about the state are answered there. A backfill that is
    /// under way then is left: its activation has no outcome yet, and the next start applies it again.
    pub fn run(
        &mut self,
        publish: &mut dyn FnMut(&PartitionState, Published),
        between: &mut dyn FnMut(&PartitionState),
        stop: &dyn Fn() -> bool,
    ) -> Result<(), WorkerError> {
        loop {
            let stopping = stop();
            if self.log.wait_for(
                self.state.next(),
                if stopping { Duration::ZERO } else { WAIT },
            ) {
                match self.step(publish, stop) {
                    Err(WorkerError::Backfill(BackfillError::Stopped { offset })) if stop() => {
                        tracing::info!(%offset, "new features were not filled: stopped before");
                        return Ok(());
                    }
                    result => result?,
                }
            } else if stopping {
                return Ok(());
            } else if let Err(source) = self.log.flush() {
                return Err(WorkerError::Log {
                    offset: self.state.next(),
                    source,
                });
            }
            between(&self.state);
        }
    }

    /// Applies one batch of what the log holds now; `publish` sees it. `stop` is asked where it would wait, or walks
    /// the log again.
    pub(crate) fn step(
        &mut self,
        publish: &mut dyn FnMut(&PartitionState, Published),
        stop: &dyn Fn() -> bool,
    ) -> Result<(), WorkerError> {
        let picked_up = Stopwatch::now();
        let from = self.state.next();
        let attempts = self.attempts.as_ref();
        let careful = attempts.is_some_and(|attempts| attempts.is_careful(from));
        let most = if careful { 1 } else { BATCH_ENTRIES_MAX };
        self.log
            .read(from, most, &mut self.batch)
            .map_err(|source| WorkerError::Log {
                offset: from,
                source,
            })?;
        let entries = self.batch.len();
        let applying = self
            .attempts
            .as_mut()
            .map(|one| one.applying(from, entries));
        if let Some(fault) = &mut self.fault {
            self.batch.iter().for_each(|record| fault(record.offset));
        }
        let mut settled = Vec::with_capacity(self.batch.len());
        let before = self.state.backfilled();
        let mut progress = Progress::default();
        let mut told = |done, of| {
            progress.tell(done, of);
            if stop() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let mut history = History::new(&self.log, &mut told);
        self.state.apply(&self.batch, &mut history, &mut settled)?;
        applying.map(Applying::done).transpose()?;
        if let Some(backfilled) = self.state.backfilled().filter(|new| Some(*new) != before) {
            tell(&backfilled, picked_up.elapsed());
        }
        let latency_us = u32::try_from(picked_up.elapsed().as_micros()).unwrap_or(u32::MAX);
        let mut latencies_us = match &mut self.recorder {
            Some(recorder) => record_when_there_is_room(recorder, &settled, latency_us, stop)?,
            None => Vec::new(),
        };
        let (replayed, fresh) = settled.split_at(latencies_us.len());
        self.statistics.count(replayed, None);
        self.statistics.count(fresh, Some(u64::from(latency_us)));
        self.count_declined(&settled);
        latencies_us.resize(settled.len(), latency_us);
        if self.recorder.is_none() {
            // Nobody reads it again: a bounded memory log needs the room.
            let next = self.state.next();
            self.log
                .truncate_before(next)
                .map_err(|source| WorkerError::Log {
                    offset: next,
                    source,
                })?;
        }
        publish(
            &self.state,
            Published {
                settled,
                latencies_us,
            },
        );
        Ok(())
    }

    fn count_declined(&self, settled: &[Settled]) {
        if let Some(decider) = self.state.active().decider() {
            count_declined(&self.statistics, decider, settled);
        }
    }
}

/// Adds amounts of declined transactions up.
fn count_declined(statistics: &Statistics, decider: &Decider, settled: &[Settled]) {
    for one in settled {
        if let (Outcome::Decided(decision), Some(transaction)) = (&one.outcome, &one.transaction)
            && decision.verdict == Verdict::Decline
            && let Some(amount) = decider.rates.convert(transaction.judged_amount())
        {
            statistics.count_declined(amount.unsigned_abs());
        }
    }
}
