//! Overrides: what people decided in the place of decisions, as the log has it.
//!
//! Promises that an override comes out exactly as it went in. Must never change a row: an override that is taken back
//! is another override.

use sentinel_domain::{
    ContentHash, DecisionId, EventId, Instant, LogId, LogPosition, Offset, Override, Partition,
    Text, Verdict,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;
use crate::row::{Query, Select, Stored, insert};
use crate::store::Store;

const TABLE: &str = "overrides";

const COLUMNS: &[&str] = &[
    "log_id",
    "log_partition",
    "log_offset",
    "override_id",
    "decision_id",
    "decision_offset",
    "event_id",
    "verdict",
    "given_by",
    "reason",
    "given_at",
    "row_hash",
];

/// An override with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden {
    /// Where it stands.
    pub position: LogPosition,
    /// The time stamped on it there.
    pub given_at: Instant,
    /// What it says.
    pub says: Override,
}

impl Overridden {
    /// The decision that it speaks of.
    pub fn decision_id(&self) -> DecisionId {
        DecisionId::at(LogPosition {
            offset: self.says.decision,
            ..self.position
        })
    }
}

impl Store {
    /// The newest override of a decision; `None` where nobody has overridden it.
    pub async fn overridden_by(
        &self,
        decision: DecisionId,
    ) -> Result<Option<Overridden>, StoreError> {
        let mut select = Select::from(TABLE, COLUMNS);
        select.and_text("decision_id =", &decision.to_string())?;
        select.push(" ORDER BY log_offset DESC");
        select.limit(1)?;
        let found = select.read(self.reader(), "read an override", decode);
        Ok(found.await?.into_iter().next())
    }

    /// The override at a place of the log; `None` where the store has none.
    pub async fn override_at(&self, at: LogPosition) -> Result<Option<Overridden>, StoreError> {
        let mut select = Select::from(TABLE, COLUMNS);
        select.and_text("log_id =", &at.log.to_string())?;
        select.and_integer("log_partition =", i64::from(at.partition.0))?;
        select.and_integer("log_offset =", at.offset.0.cast_signed())?;
        let found = select.read(self.reader(), "read an override", decode);
        Ok(found.await?.into_iter().next())
    }

    /// How many overrides stand at an offset or behind it.
    pub async fn overrides_from(&self, offset: Offset) -> Result<u64, StoreError> {
        let query =
            sqlx::query("SELECT count(*) AS overrides FROM overrides WHERE log_offset >= $1");
        let row = query
            .bind(offset.0.cast_signed())
            .fetch_one(self.reader())
            .await
            .map_err(StoreError::backend("count overrides"))?;
        Stored::new(TABLE, "overrides", &row).integer("overrides")
    }
}

/// Inserts overrides that are not there yet.
pub(crate) async fn insert_overrides(
    connection: &mut SqliteConnection,
    rows: &[Overridden],
) -> Result<(), sqlx::Error> {
    insert(connection, TABLE, COLUMNS, rows, bind).await
}

fn bind(query: Query, row: &Overridden) -> Query {
    let says = &row.says;
    query
        .bind(row.position.log.to_string())
        .bind(i64::from(row.position.partition.0))
        .bind(row.position.offset.0.cast_signed())
        .bind(says.override_id.to_string())
        .bind(row.decision_id().to_string())
        .bind(says.decision.0.cast_signed())
        .bind(says.event_id.as_str().to_owned())
        .bind(i64::from(says.verdict.code()))
        .bind(says.by.to_string())
        .bind(says.reason.to_string())
        .bind(row.given_at.micros())
        .bind(row_hash(row).to_string())
}

/// Reads a row and holds it against its hash.
fn decode(row: &SqliteRow) -> Result<Overridden, StoreError> {
    let stored = Stored::new(TABLE, "override_id", row);
    let found = Overridden {
        position: LogPosition {
            log: stored.parsed("log_id", LogId::parse)?,
            partition: Partition(stored.integer("log_partition")?),
            offset: Offset(stored.integer("log_offset")?),
        },
        given_at: stored.instant("given_at")?,
        says: Override {
            override_id: Text::from(stored.text("override_id")?),
            event_id: EventId::new(stored.text("event_id")?),
            decision: Offset(stored.integer("decision_offset")?),
            verdict: stored.word("verdict", Verdict::from_code)?,
            by: Text::from(stored.text("given_by")?),
            reason: Text::from(stored.text("reason")?),
        },
    };
    stored.check_hash("row_hash", row_hash(&found))?;
    if stored.text("decision_id")? != found.decision_id().to_string() {
        return Err(stored.damaged("decision_id is not that of its offset"));
    }
    Ok(found)
}

fn row_hash(row: &Overridden) -> ContentHash {
    let Overridden {
        position,
        given_at,
        says,
    } = row;
    ContentHash::of_parts(&[
        &position.log.0,
        &position.partition.0.to_le_bytes(),
        &position.offset.0.to_le_bytes(),
        says.override_id.as_bytes(),
        &says.decision.0.to_le_bytes(),
        says.event_id.as_str().as_bytes(),
        &[says.verdict.code()],
        says.by.as_bytes(),
        says.reason.as_bytes(),
        &given_at.micros().to_le_bytes(),
    ])
}
