//! The outbox: messages that are to leave the house, and how their delivery went.
//!
//! Promises that a message stays due until somebody says that it was delivered or given up, and that a
//! settled message never becomes due again. Must never know a channel: it keeps text for whoever sends.

use sentinel_domain::{ContentHash, Instant, MICROS_PER_SECOND};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::error::StoreError;
use crate::row::{Query, Select, Stored, insert, parameters};
use crate::store::Store;

const TABLE: &str = "outbox";

const COLUMNS: &[&str] = &[
    "outbox_id",
    "channel",
    "kind",
    "payload",
    "row_hash",
    "state",
    "attempts",
    "due_at",
];

const PENDING: i64 = 1;
const DELIVERED: i64 = 2;
const ABANDONED: i64 = 3;

/// No wait between two tries is as long as a day: what is due later was put off by a clock that has been put back.
const WAIT_US_MAX: i64 = 24 * 3_600 * MICROS_PER_SECOND;

/// Identifiers in one UPDATE.
const IDS_PER_STATEMENT: usize = 50;

/// A message to be delivered, at least once, under a stable id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Stable: `<alert id>/<channel>/<kind>`.
    pub outbox_id: String,
    /// Where it goes.
    pub channel: String,
    /// What it is.
    pub kind: String,
    /// JSON text.
    pub payload: String,
    /// How often delivery has failed.
    pub attempts: u32,
    /// When to try (again).
    pub due_at: Instant,
}

impl Store {
    /// Messages that are due, oldest first, and those put off by more than any wait lasts: by a clock that has been put
    /// back since. Fails where one of them is damaged; the error names it, and
    /// [`Store::outbox_abandoned`] takes it out of the way of the others.
    pub async fn outbox_due(&self, now: Instant, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let mut select = Select::from(TABLE, COLUMNS);
        // Written out, so that the partial index over pending rows serves it.
        select.push(" AND state = 1");
        let latest = now.micros().saturating_add(WAIT_US_MAX);
        select.and_not_between("due_at", now.micros().saturating_add(1), latest)?;
        select.push(" ORDER BY due_at, outbox_id");
        select.limit(i64::from(limit))?;
        let attempt = "read due messages of the outbox";
        select.read(self.reader(), attempt, decode).await
    }

    /// Messages behind one, settled or not, by their ids. Fails where one of them is damaged.
    pub async fn outbox_behind(&self, id: &str, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let mut select = Select::from(TABLE, COLUMNS);
        select.and_text("outbox_id >", id)?;
        select.push(" ORDER BY outbox_id");
        select.limit(i64::from(limit))?;
        let attempt = "read messages of the outbox";
        select.read(self.reader(), attempt, decode).await
    }

    /// Settles messages as delivered. Ids that are unknown or settled already change nothing.
    pub async fn outbox_delivered(&self, ids: &[String], now: Instant) -> Result<(), StoreError> {
        let attempt = "settle delivered messages of the outbox";
        let mut transaction = self.begin(attempt).await?;
        for chunk in ids.chunks(IDS_PER_STATEMENT) {
            let text = format!(
                "UPDATE outbox SET state = {DELIVERED}, settled_at = $1 \
                 WHERE state = {PENDING} AND outbox_id IN {}",
                parameters(2, chunk.len())
            );
            let query = sqlx::query(AssertSqlSafe(text)).bind(now.micros());
            let query = chunk.iter().fold(query, |query, id| query.bind(id));
            query
                .execute(&mut *transaction)
                .await
                .map_err(StoreError::backend(attempt))?;
        }
        transaction
            .commit()
            .await
            .map_err(StoreError::backend(attempt))
    }

    /// Notes a failed try and when to try again; `attempts` counts the failures, this one included. An id
    /// that is unknown or settled already changes nothing.
    pub async fn outbox_failed(
        &self,
        id: &str,
        attempts: u32,
        next_attempt_at: Instant,
        error: &str,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE outbox SET attempts = $1, due_at = $2, last_error = $3 \
             WHERE outbox_id = $4 AND state = 1",
        );
        let query = query
            .bind(i64::from(attempts))
            .bind(next_attempt_at.micros())
            .bind(error)
            .bind(id);
        let attempt = "note a failed delivery in the outbox";
        self.execute(query, attempt).await
    }

    /// Gives a message up: it stays as a dead letter with its last error. An id that is unknown or settled
    /// already changes nothing.
    pub async fn outbox_abandoned(
        &self,
        id: &str,
        attempts: u32,
        now: Instant,
        error: &str,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE outbox SET state = $1, attempts = $2, settled_at = $3, last_error = $4 \
             WHERE outbox_id = $5 AND state = 1",
        );
        let query = query
            .bind(ABANDONED)
            .bind(i64::from(attempts))
            .bind(now.micros())
            .bind(error)
            .bind(id);
        let attempt = "give up a message of the outbox";
        self.execute(query, attempt).await
    }
}

/// Inserts messages that are not there yet; they are pending.
pub(crate) async fn insert_outbox(
    connection: &mut SqliteConnection,
    rows: &[OutboxRow],
) -> Result<(), sqlx::Error> {
    insert(connection, TABLE, COLUMNS, rows, bind).await
}

/// Binds a row in the order of [`COLUMNS`].
fn bind(query: Query, row: &OutboxRow) -> Query {
    query
        .bind(row.outbox_id.as_str())
        .bind(row.channel.as_str())
        .bind(row.kind.as_str())
        .bind(row.payload.as_str())
        .bind(row_hash(row).to_string())
        .bind(PENDING)
        .bind(i64::from(row.attempts))
        .bind(row.due_at.micros())
}

/// Reads a row and holds it against its hash.
fn decode(row: &SqliteRow) -> Result<OutboxRow, StoreError> {
    let stored = Stored::new(TABLE, "outbox_id", row);
    let message = OutboxRow {
        outbox_id: stored.text("outbox_id")?,
        channel: stored.text("channel")?,
        kind: stored.text("kind")?,
        payload: stored.text("payload")?,
        attempts: stored.integer("attempts")?,
        due_at: stored.instant("due_at")?,
    };
    stored.check_hash("row_hash", row_hash(&message))?;
    Ok(message)
}

/// A hash over every column that never changes.
fn row_hash(row: &OutboxRow) -> ContentHash {
    ContentHash::of_parts(&[
        row.outbox_id.as_bytes(),
        row.channel.as_bytes(),
        row.kind.as_bytes(),
        row.payload.as_bytes(),
    ])
}
