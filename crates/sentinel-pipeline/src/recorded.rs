//! The two logs read side by side: entry *n* of one, outcome *n* of the other.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use sentinel_domain::{Decision, Entry, LogPosition, Offset, Outcome, Transaction, Versions};
use sentinel_eventlog::{
    EventLog, LogError, Record, RecordBatch, VersionsTable, decode_entry, decode_outcome,
};

use crate::intake::json;
use crate::poison::Skips;

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
    /// The worker is gone.
    #[error("the pipeline has stopped")]
    Stopped,
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
    /// What the log says to skip, and from which entry on that was looked for.
    skips: Arc<Mutex<Option<(Offset, Skips)>>>,
}

impl RecordedLogs {
    /// Over two open logs.
    pub fn new(transactions: EventLog, decisions: EventLog) -> Self {
        Self {
            transactions,
            decisions,
            versions: Arc::default(),
            skips: Arc::default(),
        }
    }

    /// What the log says to skip, from an entry on. Skips are only appended before the logs have an owner, so it is
    /// looked for once; again only for whoever begins further back than all before: a snapshot is made from the log's
    /// start where the one that the owner began with was damaged since.
    pub(crate) fn skips(&self, from: Offset) -> Result<Skips, (Offset, LogError)> {
        let mut known = self.skips.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((since, skips)) if *since <= from => Ok(skips.clone()),
            _ => {
                let skips = Skips::of(&self.transactions, from)?;
                *known = Some((from, skips.clone()));
                Ok(skips)
            }
        }
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
        let fault = |source| LookupError::Log { offset, source };
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
