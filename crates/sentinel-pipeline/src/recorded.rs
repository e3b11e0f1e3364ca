//! The two logs read side by side: entry *n* of one, outcome *n* of the other.

mod semantics;

use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use sentinel_domain::{Decision, Entry, LogPosition, Offset, Outcome, Transaction, Versions};
use sentinel_eventlog::{
    EventLog, LogError, Record, RecordBatch, VersionsTable, decode_entry, decode_outcome,
};

use crate::intake::json;
use crate::partition::PartitionState;
use crate::poison::Skips;
use crate::snapshot::{SnapshotError, SnapshotFolder};

pub use semantics::SemanticsError;

/// How long a reader waits for an outcome that was settled a moment ago.
const RECORD_WAIT: Duration = Duration::from_secs(2);

/// A decided transaction.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// What it was about.
    pub transaction: Transaction,
    /// Pick-up to record, microseconds.
    pub latency_us: u32,
}

impl Decided {
    /// The transaction in its canonical JSON spelling.
    pub fn transaction_json(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        json::write_transaction(&self.transaction, &mut bytes);
        bytes
    }
}

/// Why something could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// A log could not be read.
    #[error("read entry {offset} back")]
    Log {
        /// The entry.
        offset: Offset,
        /// What failed.
        source: LogError,
    },
    /// What was read is no outcome or entry.
    #[error("decode entry {offset}: {detail}")]
    Damaged {
        /// The entry.
        offset: Offset,
        /// What is wrong.
        detail: String,
    },
    /// It was removed from the logs.
    #[error("entry {offset} is kept no longer: the logs begin at {first} now")]
    NotKept {
        /// The entry.
        offset: Offset,
        /// The first that is kept.
        first: Offset,
    },
    /// The worker is gone.
    #[error("the pipeline has stopped")]
    Stopped,
}

/// Why it is not known what to skip.
#[derive(Debug, thiserror::Error)]
pub enum SkipsError {
    /// The log could not be read.
    #[error("look for what the log says to skip, at offset {offset}")]
    Log {
        /// Where.
        offset: Offset,
        /// What failed.
        source: LogError,
    },
    /// The snapshots could not be looked at.
    #[error("look for what the log says to skip")]
    Snapshot(#[from] SnapshotError),
}

/// A transaction log and the decision log that goes with it. A clone reads the same logs.
#[derive(Clone)]
pub struct RecordedLogs {
    /// What came in.
    pub transactions: EventLog,
    /// What became of it.
    pub decisions: EventLog,
    /// What decisions name by hash; learnt from outcomes as they pass.
    versions: Arc<RwLock<VersionsTable>>,
    /// What the log says to skip; looked for by its first owner.
    skips: Arc<OnceLock<Skips>>,
    /// Where states lie that need not be computed from the log's start.
    snapshots: Option<SnapshotFolder>,
}

impl RecordedLogs {
    /// Over two open logs.
    pub fn new(transactions: EventLog, decisions: EventLog) -> Self {
        Self {
            transactions,
            decisions,
            versions: Arc::default(),
            skips: Arc::default(),
            snapshots: None,
        }
    }

    /// The same, with a folder of snapshots of them: replays begin at those.
    pub fn with_snapshots(self, folder: &Path) -> Self {
        Self {
            snapshots: Some(SnapshotFolder::new(folder)),
            ..self
        }
    }

    /// Where snapshots lie.
    pub(crate) fn snapshots(&self) -> Option<&SnapshotFolder> {
        self.snapshots.as_ref()
    }

    /// The first entry that both logs keep.
    pub fn first_kept(&self) -> Offset {
        self.transactions.start().max(self.decisions.start())
    }

    /// Everything that the log says to skip, for whoever goes on from a state. Looked for once: a snapshot knows what the
    /// entries before it say, so only those behind the newest are read. Skips are appended before anybody owns the logs.
    pub(crate) fn skips(&self, state: &PartitionState) -> Result<Skips, SkipsError> {
        if let Some(skips) = self.skips.get() {
            return Ok(skips.clone());
        }
        let (known, from) = self
            .newest_skips()?
            .filter(|(_, next)| *next > state.next())
            .unwrap_or_else(|| (state.skipped().to_vec(), state.next()));
        self.skips_and(&known, from)
    }

    /// Looks for what [`RecordedLogs::skips`] will be asked, where a snapshot stands: it takes a while, and need not wait for
    /// the state.
    pub(crate) fn look_for_skips(&self) -> Result<(), SkipsError> {
        if let Some((known, from)) = self.newest_skips()? {
            self.skips_and(&known, from)?;
        }
        Ok(())
    }

    fn newest_skips(&self) -> Result<Option<(Vec<Offset>, Offset)>, SkipsError> {
        let folder = self.snapshots.as_ref();
        let newest = folder.map(|folder| folder.newest_skips(&self.transactions));
        Ok(newest.transpose()?.flatten())
    }

    /// Those that are known, and those that the log tells from an entry on.
    fn skips_and(&self, known: &[Offset], from: Offset) -> Result<Skips, SkipsError> {
        let skips = Skips::of(&self.transactions, from)
            .map_err(|(offset, source)| SkipsError::Log { offset, source })?
            .and(known);
        Ok(self.skips.get_or_init(|| skips).clone())
    }

    /// Learns the versions that an outcome makes active.
    pub fn learn(&self, outcome: &Outcome) {
        if let Outcome::Activated(versions) = outcome {
            self.learn_versions(Arc::clone(versions));
        }
    }

    /// Learns versions that were made active: what a snapshot tells of entries that are not replayed.
    pub fn learn_versions(&self, versions: Arc<Versions>) {
        let mut table = self
            .versions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        table.insert(versions);
    }

    /// The full name of an entry.
    pub fn position(&self, offset: Offset) -> LogPosition {
        let log = &self.transactions;
        LogPosition {
            log: log.log_id(),
            partition: log.partition(),
            offset,
        }
    }

    /// An outcome and its latency from a record of the decision log.
    pub fn decode(&self, record: &Record<'_>) -> Result<(Outcome, u32), LookupError> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        let position = self.position(record.offset);
        decode_outcome(record.payload, position, record.log_time, &versions).map_err(|error| {
            LookupError::Damaged {
                offset: record.offset,
                detail: error.to_string(),
            }
        })
    }

    /// The decision at an offset with its transaction; `None` where there is none. Blocks on the disk.
    pub fn decided(&self, offset: Offset) -> Result<Option<Decided>, LookupError> {
        let fault = |source| match source {
            LogError::BeforeStart { .. } => {
                let first = self.first_kept();
                LookupError::NotKept { offset, first }
            }
            source => LookupError::Log { offset, source },
        };
        // An outcome becomes readable shortly after it was settled.
        if offset >= self.transactions.end() || !self.decisions.wait_for(offset, RECORD_WAIT) {
            return Ok(None);
        }
        let mut batch = RecordBatch::default();
        self.decisions.read(offset, 1, &mut batch).map_err(fault)?;
        let Some(record) = batch.get(0) else {
            return Ok(None);
        };
        let (outcome, latency_us) = self.decode(&record)?;
        let Outcome::Decided(decision) = outcome else {
            return Ok(None);
        };
        self.transactions
            .read(offset, 1, &mut batch)
            .map_err(fault)?;
        let Some(record) = batch.get(0) else {
            return Ok(None);
        };
        match decode_entry(record.payload) {
            Ok(Entry::Transaction(transaction)) => Ok(Some(Decided {
                decision: *decision,
                transaction: *transaction,
                latency_us,
            })),
            Ok(_) => Ok(None),
            Err(error) => Err(LookupError::Damaged {
                offset,
                detail: error.to_string(),
            }),
        }
    }
}
