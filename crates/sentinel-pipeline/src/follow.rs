//! The follower: from recorded decisions to alerts, cases and messages, with a durable cursor of its own.
//!
//! Reads both logs in step, from where the store says it stopped. What it writes follows from the log, so
//! repeating a stretch after a crash writes the same rows again, which the store ignores. Scoring never
//! waits for it. A store that does not answer is asked again; any other error ends following, loudly.

use std::time::Duration;

use sentinel_domain::{Alert, Case, Entry, Instant, Offset, Outcome};
use sentinel_eventlog::{EventLog, LogError, Record, RecordBatch, decode_entry};
use sentinel_store::{FollowerCommit, OutboxRow, Overridden, Progress, Store, StoreError};
use tokio::sync::{broadcast, watch};

use crate::planted::{self, Mistake};
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

/// The first and the longest pause after the store did not answer.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];

/// How far alerts have followed decisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Followed {
    /// The first offset that is not followed.
    pub next: Offset,
    /// Messages delivered by this process.
    pub delivered: u64,
    /// How often the store did not answer and was asked again.
    pub retries: u64,
    /// Whether following or delivering has ended by an error that trying again does not mend.
    pub failed: bool,
}

/// Marks the slow lane as failed unless its part ends well: by an error, or by a panic.
pub(crate) struct FailUnlessDone {
    followed: watch::Sender<Followed>,
    done: bool,
}

impl FailUnlessDone {
    pub(crate) fn new(followed: watch::Sender<Followed>) -> Self {
        Self {
            followed,
            done: false,
        }
    }

    pub(crate) fn done(mut self) {
        self.done = true;
    }
}

impl Drop for FailUnlessDone {
    fn drop(&mut self) {
        if !self.done {
            self.followed.send_modify(|followed| followed.failed = true);
        }
    }
}

/// Pauses between tries, doubling.
pub(crate) struct Retry {
    pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        let [pause, _] = RETRY_PAUSES;
        Self { pause }
    }
}

impl Retry {
    /// Waits before the next try; a stop cuts it short.
    pub(crate) async fn wait(&mut self, stop: &mut watch::Receiver<bool>) {
        let [_, longest] = RETRY_PAUSES;
        pause(self.pause, stop).await;
        self.pause = (self.pause * 2).min(longest);
    }
}

/// Whether to stop; a sender that is gone means the same as one that says so.
pub(crate) fn is_stopping(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

/// Waits, or until told to stop.
pub(crate) async fn pause(duration: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        _ = tokio::time::sleep(duration) => {}
        _ = stop.changed() => {}
    }
}

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

impl FollowError {
    /// Whether the store may answer when it is asked again.
    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(StoreError::Backend { .. }))
    }
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
    followed: watch::Sender<Followed>,
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
        let mut progress = store
            .take_over(ALERTS, log.log_id(), log.partition())
            .await?;
        let first = logs.first_kept();
        if progress.next < first {
            tracing::warn!(
                from = %progress.next, to = %first,
                "the logs keep these entries no longer: alerts and cases that followed from them are not made again"
            );
            store.commit(&nothing(&logs, &progress, first)).await?;
            progress.next = first;
        }
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
            followed: watch::channel(Followed::default()).0,
        })
    }

    /// The first entry that it has not followed.
    pub fn next(&self) -> Offset {
        self.progress.next
    }

    /// Says from here on how far it is.
    pub fn reporting_to(mut self, followed: watch::Sender<Followed>) -> Self {
        followed.send_modify(|followed| followed.next = self.progress.next);
        self.followed = followed;
        self
    }

    /// Follows until `stop` turns true, then takes what is left. A store that does not answer is asked
    /// again, less and less often, until `stop`.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), FollowError> {
        let guard = FailUnlessDone::new(self.followed.clone());
        let mut retry = Retry::default();
        loop {
            let stopping = is_stopping(&stop);
            match self.step().await {
                Ok(more) => {
                    retry = Retry::default();
                    if more {
                        continue;
                    }
                    if stopping {
                        guard.done();
                        return Ok(());
                    }
                    pause(PAUSE, &mut stop).await;
                }
                Err(error) if error.is_transient() && !stopping => {
                    let from = self.progress.next;
                    tracing::error!(error = ?error, %from, "alerts do not follow; trying again");
                    self.followed.send_modify(|followed| followed.retries += 1);
                    retry.wait(&mut stop).await;
                    self.read_progress().await;
                }
                Err(error) => {
                    let from = self.progress.next;
                    tracing::error!(error = ?error, %from, "alerts follow decisions no longer");
                    return Err(error);
                }
            }
        }
    }

    /// Where the store stands: the outcome of a commit that failed is unknown.
    async fn read_progress(&mut self) {
        let log = &self.logs.transactions;
        let stored = self
            .store
            .progress(ALERTS, log.log_id(), log.partition())
            .await;
        // Where it cannot be read, or another owner has taken over, the next commit tells.
        if let Ok(Some(stored)) = stored
            && stored.epoch == self.progress.epoch
        {
            self.progress.next = stored.next;
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
        self.followed.send_modify(|followed| followed.next = to);
        for alert in alerts {
            // Nobody listening is fine.
            let _ = self.raised.send(alert);
        }
        Ok(true)
    }

    fn gather(&self, from: Offset) -> Result<(FollowerCommit, Vec<Alert>), FollowError> {
        let mut commit = nothing(&self.logs, &self.progress, from);
        for (outcome, entry) in self.outcomes.iter().zip(self.entries.iter()) {
            commit.to = outcome.offset.plus(1);
            let decision = match self.logs.decode(&outcome)?.0 {
                Outcome::Decided(decision) => decision,
                Outcome::Applied => {
                    commit.overrides.extend(overridden(&self.logs, &entry));
                    continue;
                }
                _ => continue,
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
        if planted::is(Mistake::ProgressAhead) {
            commit.to = self.logs.transactions.end();
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
            // At once: the alert has the time of the log, which may be ahead of every clock.
            due_at: Instant::default(),
        }
    }
}

/// A commit that moves progress to an offset and holds no rows yet.
fn nothing(logs: &RecordedLogs, progress: &Progress, to: Offset) -> FollowerCommit {
    let log = &logs.transactions;
    FollowerCommit {
        follower: ALERTS.to_owned(),
        log: log.log_id(),
        partition: log.partition(),
        epoch: progress.epoch,
        from: progress.next,
        to,
        alerts: Vec::new(),
        cases: Vec::new(),
        outbox: Vec::new(),
        overrides: Vec::new(),
    }
}

/// The override that an entry is, where it is one.
pub(crate) fn overridden(logs: &RecordedLogs, entry: &Record<'_>) -> Option<Overridden> {
    match decode_entry(entry.payload) {
        Ok(Entry::Override(says)) => Some(Overridden {
            position: logs.position(entry.offset),
            given_at: entry.log_time,
            says: *says,
        }),
        _ => None,
    }
}

/// Reads a stretch from an offset on.
pub(crate) fn read(
    log: &EventLog,
    from: Offset,
    batch: &mut RecordBatch,
) -> Result<(), FollowError> {
    log.read(from, BATCH_ENTRIES, batch)
        .map_err(|source| FollowError::Log { from, source })
}
