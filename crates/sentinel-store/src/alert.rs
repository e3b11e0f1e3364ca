//! Alerts: their table, and the questions people ask of it.
//!
//! Promises that an alert comes out exactly as it went in, log-odds included. Must never change a
//! column that follows from the log: only the status belongs to people.

use sentinel_domain::{
    AccountId, Alert, AlertId, AlertStatus, CardToken, CaseId, ContentHash, Currency, DecisionId,
    EventId, LogId, LogOdds, LogPosition, MerchantId, Offset, Partition, Reason, Text, Tier,
    Verdict,
};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;
use crate::page::{Bounds, Cursor, LIMIT_DEFAULT, Page};
use crate::row::{Query, Select, Stored, insert, optional_part};
use crate::store::Store;

const TABLE: &str = "alerts";

const COLUMNS: &[&str] = &[
    "alert_id",
    "log_id",
    "log_partition",
    "log_offset",
    "decision_id",
    "event_id",
    "event_time",
    "raised_at",
    "tier",
    "verdict",
    "score_points",
    "account_id",
    "card_token",
    "merchant_id",
    "amount_minor",
    "currency",
    "currency_exponent",
    "reasons",
    "content_hash",
    "row_hash",
    "status",
];

/// Which alerts; everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertQuery {
    /// This tier or a more severe one.
    pub tier_min: Option<Tier>,
    /// With this status.
    pub status: Option<AlertStatus>,
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// At most so many, 1 to [`LIMIT_MAX`](crate::LIMIT_MAX).
    pub limit: u32,
    /// Go on after an earlier page.
    pub after: Option<Cursor>,
}

impl Default for AlertQuery {
    /// The newest alerts, whatever they are.
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

/// What followed from a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FollowedBy {
    /// The alert it raised.
    pub alert_id: Option<AlertId>,
    /// The case that alert opened.
    pub case_id: Option<CaseId>,
}

impl Store {
    /// A page of alerts, newest first by (`raised_at`, `alert_id`).
    pub async fn alerts(&self, query: &AlertQuery) -> Result<Page<Alert>, StoreError> {
        let is_id = |text: &str| AlertId::parse(text).is_some();
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
        let key = ("raised_at", "alert_id");
        select.page(key, bounds.after, bounds.rows_to_read())?;
        let alerts = select.read(self.reader(), "read alerts", decode).await?;
        Ok(bounds.page(alerts, |alert| {
            (alert.raised_at, alert.alert_id.to_string())
        }))
    }

    /// One alert; `None` where there is no such.
    pub async fn alert(&self, id: AlertId) -> Result<Option<Alert>, StoreError> {
        let mut select = Select::from(TABLE, COLUMNS);
        select.and_text("alert_id =", &id.to_string())?;
        let alerts = select.read(self.reader(), "read an alert", decode).await?;
        Ok(alerts.into_iter().next())
    }

    /// How many alerts followed from entries at an offset or behind it.
    pub async fn alerts_from(&self, offset: Offset) -> Result<u64, StoreError> {
        let query = sqlx::query("SELECT count(*) AS alerts FROM alerts WHERE log_offset >= $1");
        let row = query
            .bind(offset.0.cast_signed())
            .fetch_one(self.reader())
            .await
            .map_err(StoreError::backend("count alerts"))?;
        Stored::new(TABLE, "alerts", &row).integer("alerts")
    }

    /// The alert and the case that followed from a decision.
    pub async fn followed_by(&self, decision: DecisionId) -> Result<FollowedBy, StoreError> {
        let query = sqlx::query(
            "SELECT alerts.alert_id AS alert_id, cases.case_id AS case_id \
             FROM alerts LEFT JOIN cases ON cases.alert_id = alerts.alert_id \
             WHERE alerts.decision_id = $1 ORDER BY cases.case_id LIMIT 1",
        );
        let row = query
            .bind(decision.to_string())
            .fetch_optional(self.reader())
            .await
            .map_err(StoreError::backend("read what followed from a decision"))?;
        let Some(row) = row else {
            return Ok(FollowedBy::default());
        };
        let stored = Stored::new(TABLE, "alert_id", &row);
        let alert_id = stored.parsed("alert_id", AlertId::parse)?;
        let case_id = stored.optional_text("case_id")?;
        let case_id = case_id.map(|text| {
            CaseId::parse(&text).ok_or_else(|| {
                StoreError::damaged("cases", &text, "case_id is not the name of a case")
            })
        });
        Ok(FollowedBy {
            alert_id: Some(alert_id),
            case_id: case_id.transpose()?,
        })
    }
}

/// An alert with everything its row holds beside it.
pub(crate) struct AlertRow<'a> {
    alert: &'a Alert,
    position: LogPosition,
    reasons: String,
    content_hash: ContentHash,
    row_hash: ContentHash,
}

impl<'a> AlertRow<'a> {
    /// The row of an alert raised at a position.
    pub(crate) fn new(alert: &'a Alert, position: LogPosition) -> Result<Self, StoreError> {
        let reasons = write_reasons(&alert.reasons)?;
        let content_hash = alert.content_hash();
        let row_hash = row_hash(alert, position, &reasons, content_hash);
        Ok(Self {
            alert,
            position,
            reasons,
            content_hash,
            row_hash,
        })
    }
}

/// Inserts alerts that are not there yet.
pub(crate) async fn insert_alerts(
    connection: &mut SqliteConnection,
    rows: &[AlertRow<'_>],
) -> Result<(), sqlx::Error> {
    insert(connection, TABLE, COLUMNS, rows, bind).await
}

/// Binds a row in the order of [`COLUMNS`].
fn bind(query: Query, row: &AlertRow<'_>) -> Query {
    let alert = row.alert;
    query
        .bind(alert.alert_id.to_string())
        .bind(row.position.log.to_string())
        .bind(i64::from(row.position.partition.0))
        .bind(row.position.offset.0.cast_signed())
        .bind(alert.decision_id.to_string())
        .bind(alert.event_id.as_str())
        .bind(alert.event_time.micros())
        .bind(alert.raised_at.micros())
        .bind(i64::from(alert.tier.code()))
        .bind(i64::from(alert.verdict.code()))
        .bind(i64::from(alert.score_points))
        .bind(alert.account_id.as_str())
        .bind(alert.card_token.as_ref().map(CardToken::as_str))
        .bind(alert.merchant_id.as_ref().map(MerchantId::as_str))
        .bind(alert.amount_minor)
        .bind(alert.currency.as_str())
        .bind(i64::from(alert.currency.exponent()))
        .bind(row.reasons.as_str())
        .bind(row.content_hash.to_string())
        .bind(row.row_hash.to_string())
        .bind(i64::from(alert.status.code()))
}

/// Reads a row and holds it against its hashes.
fn decode(row: &SqliteRow) -> Result<Alert, StoreError> {
    let stored = Stored::new(TABLE, "alert_id", row);
    let reasons = stored.text("reasons")?;
    let alert = Alert {
        alert_id: stored.parsed("alert_id", AlertId::parse)?,
        decision_id: stored.parsed("decision_id", DecisionId::parse)?,
        event_id: EventId::new(stored.text("event_id")?),
        event_time: stored.instant("event_time")?,
        raised_at: stored.instant("raised_at")?,
        tier: stored.word("tier", Tier::from_code)?,
        verdict: stored.word("verdict", Verdict::from_code)?,
        score_points: stored.integer("score_points")?,
        account_id: AccountId::new(stored.text("account_id")?),
        card_token: stored.optional_text("card_token")?.map(CardToken::new),
        merchant_id: stored.optional_text("merchant_id")?.map(MerchantId::new),
        amount_minor: stored.integer("amount_minor")?,
        currency: stored.parsed("currency", Currency::parse)?,
        reasons: read_reasons(&reasons)
            .map_err(|cause| stored.damaged(format!("reasons cannot be read: {cause}")))?,
        status: stored.word("status", AlertStatus::from_code)?,
    };
    if stored.integer::<i64>("currency_exponent")? != i64::from(alert.currency.exponent()) {
        return Err(stored.damaged("currency_exponent is not that of the currency"));
    }
    let position = LogPosition {
        log: stored.parsed("log_id", LogId::parse)?,
        partition: Partition(stored.integer("log_partition")?),
        offset: Offset(stored.integer("log_offset")?),
    };
    let content_hash = alert.content_hash();
    stored.check_hash("content_hash", content_hash)?;
    let row_hash = row_hash(&alert, position, &reasons, content_hash);
    stored.check_hash("row_hash", row_hash)?;
    Ok(alert)
}

/// A hash over every column that never changes: what the domain's hash covers, and what it leaves out.
fn row_hash(
    alert: &Alert,
    position: LogPosition,
    reasons: &str,
    content_hash: ContentHash,
) -> ContentHash {
    ContentHash::of_parts(&[
        &content_hash.0,
        &position.log.0,
        &position.partition.0.to_le_bytes(),
        &position.offset.0.to_le_bytes(),
        alert.decision_id.to_string().as_bytes(),
        optional_part(alert.card_token.as_ref().map(CardToken::as_str)).as_bytes(),
        optional_part(alert.merchant_id.as_ref().map(MerchantId::as_str)).as_bytes(),
        reasons.as_bytes(),
    ])
}

/// A reason as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredReason {
    code: String,
    text: String,
    /// Fixed-point units: a decimal fraction would not come back as it went in.
    contribution_units: i64,
}

fn write_reasons(reasons: &[Reason]) -> Result<String, StoreError> {
    let stored: Vec<StoredReason> = reasons
        .iter()
        .map(|reason| StoredReason {
            code: reason.code.to_string(),
            text: reason.text.clone(),
            contribution_units: reason.contribution.units(),
        })
        .collect();
    serde_json::to_string(&stored).map_err(|source| StoreError::Backend {
        attempt: "encode the reasons of an alert",
        source: Box::new(source),
    })
}

fn read_reasons(text: &str) -> Result<Vec<Reason>, serde_json::Error> {
    let stored: Vec<StoredReason> = serde_json::from_str(text)?;
    let reasons = stored.into_iter().map(|reason| Reason {
        code: Text::from(reason.code),
        text: reason.text,
        contribution: LogOdds::from_units(reason.contribution_units),
    });
    Ok(reasons.collect())
}
