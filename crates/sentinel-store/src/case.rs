//! Cases: their table, and the questions people ask of it.
//!
//! Promises that a case always has its alert. Must never change a column that follows from the log:
//! only the status belongs to people.

use sentinel_domain::{
    AccountId, AlertId, Case, CaseId, CaseStatus, ContentHash, LogId, LogPosition, Offset,
    Partition, Tier,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;
use crate::page::{Bounds, Cursor, LIMIT_DEFAULT, Page};
use crate::row::{Query, Select, Stored, insert};
use crate::store::Store;

const TABLE: &str = "cases";

const COLUMNS: &[&str] = &[
    "case_id",
    "log_id",
    "log_partition",
    "log_offset",
    "alert_id",
    "account_id",
    "opened_at",
    "tier",
    "row_hash",
    "status",
];

/// Which cases; everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseQuery {
    /// This tier or a more severe one.
    pub tier_min: Option<Tier>,
    /// With this status.
    pub status: Option<CaseStatus>,
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// At most so many, 1 to [`LIMIT_MAX`](crate::LIMIT_MAX).
    pub limit: u32,
    /// Go on after an earlier page.
    pub after: Option<Cursor>,
}

impl Default for CaseQuery {
    /// The newest cases, whatever they are.
    fn default() -> Self {
        Self {
            tier_min: None,
            status: None,
            account_id: None,
            limit: LIMIT_DEFAULT,
            after: None,
        }
    }
}

impl Store {
    /// A page of cases, newest first by (`opened_at`, `case_id`).
    pub async fn cases(&self, query: &CaseQuery) -> Result<Page<Case>, StoreError> {
        let is_id = |text: &str| CaseId::parse(text).is_some();
        let bounds = Bounds::new(query.limit, query.after.as_ref(), is_id)?;
        let mut select = Select::from(TABLE, COLUMNS);
        if let Some(tier) = query.tier_min {
            select.and_integer("tier >=", i64::from(tier.code()))?;
        }
        if let Some(status) = query.status {
            select.and_integer("status =", i64::from(status.code()))?;
        }
        if let Some(account_id) = &query.account_id {
            select.and_text("account_id =", account_id.as_str())?;
        }
        let key = ("opened_at", "case_id");
        select.page(key, bounds.after, bounds.rows_to_read())?;
        let cases = select.read(self.reader(), "read cases", decode).await?;
        Ok(bounds.page(cases, |case| (case.opened_at, case.case_id.to_string())))
    }

    /// One case; `None` where there is no such.
    pub async fn case(&self, id: CaseId) -> Result<Option<Case>, StoreError> {
        let mut select = Select::from(TABLE, COLUMNS);
        select.and_text("case_id =", &id.to_string())?;
        let cases = select.read(self.reader(), "read a case", decode).await?;
        Ok(cases.into_iter().next())
    }
}

/// A case with everything its row holds beside it.
pub(crate) struct CaseRow<'a> {
    case: &'a Case,
    position: LogPosition,
    row_hash: ContentHash,
}

impl<'a> CaseRow<'a> {
    /// The row of a case opened at a position.
    pub(crate) fn new(case: &'a Case, position: LogPosition) -> Self {
        let row_hash = row_hash(case, position);
        Self {
            case,
            position,
            row_hash,
        }
    }
}

/// Inserts cases that are not there yet.
pub(crate) async fn insert_cases(
    connection: &mut SqliteConnection,
    rows: &[CaseRow<'_>],
) -> Result<(), sqlx::Error> {
    insert(connection, TABLE, COLUMNS, rows, bind).await
}

/// Binds a row in the order of [`COLUMNS`].
fn bind(query: Query, row: &CaseRow<'_>) -> Query {
    let case = row.case;
    query
        .bind(case.case_id.to_string())
        .bind(row.position.log.to_string())
        .bind(i64::from(row.position.partition.0))
        .bind(row.position.offset.0.cast_signed())
        .bind(case.alert_id.to_string())
        .bind(case.account_id.as_str())
        .bind(case.opened_at.micros())
        .bind(i64::from(case.tier.code()))
        .bind(row.row_hash.to_string())
        .bind(i64::from(case.status.code()))
}

/// Reads a row and holds it against its hash.
fn decode(row: &SqliteRow) -> Result<Case, StoreError> {
    let stored = Stored::new(TABLE, "case_id", row);
    let case = Case {
        case_id: stored.parsed("case_id", CaseId::parse)?,
        alert_id: stored.parsed("alert_id", AlertId::parse)?,
        account_id: AccountId::new(stored.text("account_id")?),
        opened_at: stored.instant("opened_at")?,
        tier: stored.word("tier", Tier::from_code)?,
        status: stored.word("status", CaseStatus::from_code)?,
    };
    let position = LogPosition {
        log: stored.parsed("log_id", LogId::parse)?,
        partition: Partition(stored.integer("log_partition")?),
        offset: Offset(stored.integer("log_offset")?),
    };
    stored.check_hash("row_hash", row_hash(&case, position))?;
    Ok(case)
}

/// A hash over every column that never changes.
fn row_hash(case: &Case, position: LogPosition) -> ContentHash {
    ContentHash::of_parts(&[
        case.case_id.to_string().as_bytes(),
        &position.log.0,
        &position.partition.0.to_le_bytes(),
        &position.offset.0.to_le_bytes(),
        case.alert_id.to_string().as_bytes(),
        case.account_id.as_str().as_bytes(),
        &case.opened_at.micros().to_le_bytes(),
        &[case.tier.code()],
    ])
}
