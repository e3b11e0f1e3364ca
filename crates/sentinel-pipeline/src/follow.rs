//! The follower: from recorded decisions to alerts, cases and messages, with a durable cursor of its own.
//!
//! Reads both logs in step, from where the store says it stopped. What it writes follows from the log, so
//! repeating a stretch after a crash writes the same rows again, which the store ignores. Scoring never
//! waits for it.

use std::time::Duration;

use sentinel_domain::{Alert, Case, Entry, Offset, Outcome};
use sentinel_eventlog::{EventLog, LogError, RecordBatch, decode_entry};
use sentinel_store::{FollowerCommit, OutboxRow, Progress, Store, StoreError};
use tokio::sync::{broadcast, watch};

use crate::recorded::{LookupError, RecordedLogs};
use crate::{alert, case};

/// The follower's name in the store.
pub const ALERTS: &str = "alerts";

/// The kind of message an alert makes.
const RAISED: &str = "alert.raised";

/// Entries taken in one commit.
const BATCH_ENTRIES: usize = 2_048;

/// How often the end of the decision log is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a follower stopped.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// A log could not be read.
    #[error("follow decisions from offset {from}")]
    Log {
        /// Where.
        from: Offset,
        /// What failed.
        source: LogError,
    },
    /// An outcome could not be read.
    #[error("follow decisions")]
    Decode(#[from] LookupError),
    /// The store refused a commit.
    #[error("commit alerts")]
    Store(#[from] StoreError),
    /// The store knows more than the log holds.
    #[error(
        "the store has alerts up to entry {stored}, but the log ends at {end}: the log was cut below \
         recorded progress; restore the log or start with an empty data directory"
    )]
    Ahead {
        /// The store's progress.
        stored: Offset,
        /// The log's end.
        end: Offset,
    },
}

/// Turns recorded decisions into alerts, cases and messages.
pub struct Follower {
    logs: RecordedLogs,
    store: Store,
    progress: Progress,
    outcomes: RecordBatch,
    entries: RecordBatch,
    raised: broadcast::Sender<Alert>,
    channel: String,
}

impl Follower {
    /// Takes over the follower's place; an older owner is fenced from here on. `channel` names the sink
    /// its messages go to.
    pub async fn take_over(
        logs: RecordedLogs,
        store: Store,
        channel: &str,
        raised: broadcast::Sender<Alert>,
    ) -> Result<Self, FollowError> {
        let log = &logs.transactions;
        let progress = store
            .take_over(ALERTS, log.log_id(), log.partition())
            .await?;
        let end = log.end();
        if progress.next > end {
            return Err(FollowError::Ahead {
                stored: progress.next,
                end,
            });
        }
        Ok(Self {
            logs,
            store,
            progress,
            outcomes: RecordBatch::default(),
            entries: RecordBatch::default(),
            raised,
            channel: channel.to_owned(),
        })
    }

    /// Follows until `stop` turns true, then takes what is left.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), FollowError> {
        loop {
            let stopping = *stop.borrow();
            while self.step().await? {}
            if stopping {
                return Ok(());
            }
            tokio::select! {
                _ = tokio::time::sleep(PAUSE) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Takes one stretch; false where there is nothing new.
    pub async fn step(&mut self) -> Result<bool, FollowError> {
        let from = self.progress.next;
        if from >= self.logs.decisions.end() {
            return Ok(false);
        }
        read(&self.logs.decisions, from, &mut self.outcomes)?;
        read(&self.logs.transactions, from, &mut self.entries)?;
        let (commit, alerts) = self.gather(from)?;
        let to = commit.to;
        self.store.commit(&commit).await?;
        self.progress.next = to;
        for alert in alerts {
            // Nobody listening is fine.
            let _ = self.raised.send(alert);
        }
        Ok(true)
    }

    fn gather(&self, from: Offset) -> Result<(FollowerCommit, Vec<Alert>), FollowError> {
        let log = &self.logs.transactions;
        let mut commit = FollowerCommit {
            follower: ALERTS.to_owned(),
            log: log.log_id(),
            partition: log.partition(),
            epoch: self.progress.epoch,
            from,
            to: from,
            alerts: Vec::new(),
            cases: Vec::new(),
            outbox: Vec::new(),
        };
        for (outcome, entry) in self.outcomes.iter().zip(self.entries.iter()) {
            commit.to = outcome.offset.plus(1);
            let (Outcome::Decided(decision), _) = self.logs.decode(&outcome)? else {
                continue;
            };
            if !Alert::is_due(&decision) {
                continue;
            }
            let Ok(Entry::Transaction(transaction)) = decode_entry(entry.payload) else {
                continue;
            };
            if let Some(alert) = alert::raise(&decision, &transaction) {
                let case = case::open(&alert, decision.position);
                commit.outbox.push(self.message(&alert, case.as_ref()));
                commit.cases.extend(case);
                commit.alerts.push(alert);
            }
        }
        let alerts = commit.alerts.clone();
        Ok((commit, alerts))
    }

    fn message(&self, alert: &Alert, case: Option<&Case>) -> OutboxRow {
        OutboxRow {
            outbox_id: format!("{}/{}/{RAISED}", alert.alert_id, self.channel),
            channel: self.channel.clone(),
            kind: RAISED.to_owned(),
            payload: sentinel_delivery::alert_message(alert, case),
            attempts: 0,
            due_at: alert.raised_at,
        }
    }
}

fn read(log: &EventLog, from: Offset, batch: &mut RecordBatch) -> Result<(), FollowError> {
    log.read(from, BATCH_ENTRIES, batch)
        .map_err(|source| FollowError::Log { from, source })
}
