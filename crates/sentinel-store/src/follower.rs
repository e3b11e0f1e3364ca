//! Followers: who reads a log and commits what follows from it, together with how far it has come.
//!
//! Promises that rows and progress move in one transaction and that only the newest owner moves them.
//! Must never repair a caller's mistake: a commit that contradicts itself is refused as a whole.

use sentinel_domain::{Alert, Case, ContentHash, LogId, LogPosition, Offset, Partition};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::alert::{AlertRow, insert_alerts};
use crate::case::{CaseRow, insert_cases};
use crate::error::StoreError;
use crate::outbox::{OutboxRow, insert_outbox};
use crate::overrides::{Overridden, insert_overrides};
use crate::row::Stored;
use crate::store::Store;

const TABLE: &str = "progress";

/// How far a follower has come on a partition, and who owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The first offset that is not yet committed.
    pub next: Offset,
    /// Grows with every take-over.
    pub epoch: u64,
}

/// Everything that follows from the entries `from` up to, not including, `to`.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowerCommit {
    /// Who commits.
    pub follower: String,
    /// The log it follows.
    pub log: LogId,
    /// The partition it follows.
    pub partition: Partition,
    /// The epoch that [`Store::take_over`] gave it.
    pub epoch: u64,
    /// The offset where its progress stands.
    pub from: Offset,
    /// The offset where its progress will stand.
    pub to: Offset,
    /// Alerts raised by these entries.
    pub alerts: Vec<Alert>,
    /// Cases opened by these alerts, or by alerts committed before.
    pub cases: Vec<Case>,
    /// Messages to be delivered.
    pub outbox: Vec<OutboxRow>,
    /// Overrides among these entries.
    pub overrides: Vec<Overridden>,
}

impl Store {
    /// How far a follower has come; `None` where it never took over. Waits for a commit that is under way
    /// through this store.
    pub async fn progress(
        &self,
        follower: &str,
        log: LogId,
        partition: Partition,
    ) -> Result<Option<Progress>, StoreError> {
        let attempt = "read a follower's progress";
        // Asked of the writer: a commit that was given up midway may still land, and a reader beside it
        // would answer too early.
        let acquired = self.writer().acquire().await;
        let mut connection = acquired.map_err(StoreError::backend(attempt))?;
        let stored = read_progress(&mut connection, follower, partition).await?;
        let Some((stored, progress)) = stored else {
            return Ok(None);
        };
        same_log(follower, stored, log)?;
        Ok(Some(progress))
    }

    /// Makes the caller the owner: raises the epoch, which fences whoever owned it before. A follower that
    /// is new begins at offset 0.
    pub async fn take_over(
        &self,
        follower: &str,
        log: LogId,
        partition: Partition,
    ) -> Result<Progress, StoreError> {
        let attempt = "take a partition over";
        let mut transaction = self.begin(attempt).await?;
        let query = sqlx::query(
            "INSERT INTO progress (follower, log_partition, log_id, next_offset, epoch, row_hash) \
             VALUES ($1, $2, $3, 0, 1, $4) \
             ON CONFLICT (follower, log_partition) DO UPDATE SET epoch = progress.epoch + 1 \
             WHERE progress.log_id = excluded.log_id",
        );
        query
            .bind(follower)
            .bind(i64::from(partition.0))
            .bind(log.to_string())
            .bind(row_hash(follower, log, partition, Offset(0)).to_string())
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::backend(attempt))?;
        // Read inside the transaction: the row is locked by the write, so nobody is in between.
        let stored = read_progress(&mut transaction, follower, partition).await?;
        let Some((stored, progress)) = stored else {
            return Err(StoreError::damaged(TABLE, follower, "the row is gone"));
        };
        same_log(follower, stored, log)?;
        transaction
            .commit()
            .await
            .map_err(StoreError::backend(attempt))?;
        Ok(progress)
    }

    /// Writes rows and progress in one transaction, or nothing. Rows that are there already stay as they
    /// are.
    pub async fn commit(&self, commit: &FollowerCommit) -> Result<(), StoreError> {
        // Encoded first: the one writer is held for the shortest time, and a bad row costs no
        // transaction.
        let rows = Rows::of(commit)?;
        let attempt = "commit a follower's rows";
        let mut transaction = self.begin(attempt).await?;
        // Progress first: it decides whether anything may be written, and whoever is fenced learns it
        // before writing. Dropping the transaction rolls back.
        if !rows.advance(commit, &mut transaction).await? {
            let stored =
                read_progress(&mut transaction, &commit.follower, commit.partition).await?;
            return Err(fenced(commit, stored));
        }
        rows.insert(commit, &mut transaction)
            .await
            .map_err(StoreError::backend(attempt))?;
        transaction
            .commit()
            .await
            .map_err(StoreError::backend(attempt))
    }
}

/// A commit in the form in which it is stored.
struct Rows<'a> {
    from: i64,
    to: i64,
    epoch: i64,
    alerts: Vec<AlertRow<'a>>,
    cases: Vec<CaseRow<'a>>,
}

impl<'a> Rows<'a> {
    /// Checks that a commit does not contradict itself, and encodes it.
    fn of(commit: &'a FollowerCommit) -> Result<Self, StoreError> {
        if commit.to < commit.from {
            let what = format!("it goes back from offset {} to {}", commit.from, commit.to);
            return Err(contradiction(commit, what));
        }
        let number = |value: u64| {
            i64::try_from(value)
                .map_err(|_| contradiction(commit, format!("{value} is beyond what is stored")))
        };
        let alerts = commit.alerts.iter().map(|alert| {
            let position = alert.alert_id.position_in(commit.log);
            AlertRow::new(alert, own(commit, position, &alert.alert_id.to_string())?)
        });
        let cases = commit.cases.iter().map(|case| {
            let position = case.case_id.position_in(commit.log);
            let position = own(commit, position, &case.case_id.to_string())?;
            Ok(CaseRow::new(case, position))
        });
        for one in &commit.overrides {
            let own_log = one.position.log == commit.log;
            let position = own_log.then_some(one.position);
            own(commit, position, &one.says.override_id)?;
            number(one.position.offset.0)?;
            number(one.says.decision.0)?;
        }
        Ok(Self {
            from: number(commit.from.0)?,
            to: number(commit.to.0)?,
            epoch: number(commit.epoch)?,
            alerts: alerts.collect::<Result<_, StoreError>>()?,
            cases: cases.collect::<Result<_, StoreError>>()?,
        })
    }

    /// Moves progress on; `false` where the caller does not own it or stands elsewhere.
    async fn advance(
        &self,
        commit: &FollowerCommit,
        connection: &mut SqliteConnection,
    ) -> Result<bool, StoreError> {
        let hash = row_hash(&commit.follower, commit.log, commit.partition, commit.to);
        let query = sqlx::query(
            "UPDATE progress SET next_offset = $1, row_hash = $2 \
             WHERE follower = $3 AND log_partition = $4 AND log_id = $5 \
             AND epoch = $6 AND next_offset = $7",
        );
        let done = query
            .bind(self.to)
            .bind(hash.to_string())
            .bind(&commit.follower)
            .bind(i64::from(commit.partition.0))
            .bind(commit.log.to_string())
            .bind(self.epoch)
            .bind(self.from)
            .execute(connection)
            .await
            .map_err(StoreError::backend("move a follower's progress"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Inserts the rows: alerts before the cases that point at them.
    async fn insert(
        &self,
        commit: &FollowerCommit,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        insert_alerts(connection, &self.alerts).await?;
        insert_cases(connection, &self.cases).await?;
        insert_overrides(connection, &commit.overrides).await?;
        insert_outbox(connection, &commit.outbox).await
    }
}

/// The position of a row, which must lie in the partition that is committed.
fn own(
    commit: &FollowerCommit,
    position: Option<LogPosition>,
    id: &str,
) -> Result<LogPosition, StoreError> {
    let (log, partition) = (commit.log, commit.partition);
    position
        .filter(|position| position.partition == partition)
        .ok_or_else(|| {
            let what = format!("{id} is no name of partition {} of log {log}", partition.0);
            contradiction(commit, what)
        })
}

fn contradiction(commit: &FollowerCommit, what: String) -> StoreError {
    StoreError::Contradiction {
        follower: commit.follower.clone(),
        what,
    }
}

/// Why progress did not move.
fn fenced(commit: &FollowerCommit, stored: Option<(LogId, Progress)>) -> StoreError {
    if let Some((log, _)) = stored
        && let Err(other) = same_log(&commit.follower, log, commit.log)
    {
        return other;
    }
    StoreError::Fenced {
        follower: commit.follower.clone(),
        partition: commit.partition,
        epoch: commit.epoch,
        from: commit.from,
        found: stored.map(|(_, progress)| progress),
    }
}

fn same_log(follower: &str, stored: LogId, asked: LogId) -> Result<(), StoreError> {
    if stored == asked {
        return Ok(());
    }
    Err(StoreError::OtherLog {
        follower: follower.to_owned(),
        stored,
        asked,
    })
}

/// The progress of a follower and the log it belongs to.
async fn read_progress(
    connection: &mut SqliteConnection,
    follower: &str,
    partition: Partition,
) -> Result<Option<(LogId, Progress)>, StoreError> {
    let query = sqlx::query(
        "SELECT follower, log_id, next_offset, epoch, row_hash FROM progress \
         WHERE follower = $1 AND log_partition = $2",
    );
    let row = query
        .bind(follower)
        .bind(i64::from(partition.0))
        .fetch_optional(connection)
        .await
        .map_err(StoreError::backend("read a follower's progress"))?;
    row.map(|row| decode(&row, partition)).transpose()
}

/// Reads a row and holds it against its hash.
fn decode(row: &SqliteRow, partition: Partition) -> Result<(LogId, Progress), StoreError> {
    let stored = Stored::new(TABLE, "follower", row);
    let log = stored.parsed("log_id", LogId::parse)?;
    let next = Offset(stored.integer("next_offset")?);
    let epoch = stored.integer("epoch")?;
    let hash = row_hash(&stored.text("follower")?, log, partition, next);
    stored.check_hash("row_hash", hash)?;
    Ok((log, Progress { next, epoch }))
}

/// A hash over everything but the epoch.
fn row_hash(follower: &str, log: LogId, partition: Partition, next: Offset) -> ContentHash {
    ContentHash::of_parts(&[
        follower.as_bytes(),
        &log.0,
        &partition.0.to_le_bytes(),
        &next.0.to_le_bytes(),
    ])
}
