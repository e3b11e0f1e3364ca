//! Shapes of the routes that existing clients call.

use sentinel_domain::{Alert, Currency};
use serde::Serialize;
use utoipa::ToSchema;

use super::alert::AlertBody;
use super::decision::DecisionBody;

/// A decision with the two keys by which such clients know it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionAnswer<'a> {
    /// The caller's name for the transaction: `event_id`.
    #[schema(example = "order-1001")]
    pub transaction_id: &'a str,
    /// Risk, 0 to 1.
    #[schema(example = 0.1371)]
    pub fraud_score: f64,
    /// Everything else.
    #[serde(flatten)]
    pub decision: DecisionBody<'a>,
}

impl<'a> TransactionAnswer<'a> {
    /// The answer with a decision.
    pub fn of(decision: DecisionBody<'a>) -> Self {
        Self {
            transaction_id: decision.event_id,
            fraud_score: decision.risk,
            decision,
        }
    }
}

/// An alert with the keys by which such clients know it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecentAlert<'a> {
    /// The caller's name for the transaction: `event_id`.
    #[schema(example = "order-1001")]
    pub transaction_id: &'a str,
    /// The paying account: `account_id`.
    #[schema(example = "acct-17")]
    pub user_id: &'a str,
    /// The amount in major units, for people; `amount_minor` is exact.
    #[schema(example = 129.99)]
    pub amount: f64,
    /// When the payment happened: `event_time`.
    #[schema(example = "2026-11-21T13:00:00Z")]
    pub timestamp: String,
    /// Everything else.
    #[serde(flatten)]
    pub alert: AlertBody<'a>,
}

impl<'a> RecentAlert<'a> {
    /// The shape of an alert.
    pub fn of(alert: &'a Alert) -> Self {
        Self {
            transaction_id: alert.event_id.as_str(),
            user_id: alert.account_id.as_str(),
            amount: major_units(alert.amount_minor, alert.currency),
            timestamp: alert.event_time.to_string(),
            alert: AlertBody::of(alert),
        }
    }
}

/// The nearest floating-point number to an amount in major units.
fn major_units(minor: i64, currency: Currency) -> f64 {
    // Both are whole numbers below 2^53, so the quotient is the nearest one and prints as written.
    minor as f64 / 10_u32.pow(currency.exponent()) as f64
}

/// What the alerts of an account say about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RiskProfile<'a> {
    /// The account.
    #[schema(example = "acct-17")]
    pub user_id: &'a str,
    /// What this is made of, so that nobody takes it for more.
    #[schema(
        example = "the 3 newest stored alerts of this account; payments that raised none are not in it"
    )]
    pub basis: String,
    /// Alerts looked at.
    #[schema(example = 3)]
    pub alerts: usize,
    /// Whether there are older ones that were not looked at.
    #[schema(example = false)]
    pub more: bool,
    /// Alerts nobody has decided on.
    #[schema(example = 2)]
    pub alerts_open: usize,
    /// The most severe tier among them; null without any.
    #[schema(example = "critical")]
    pub tier_highest: Option<&'static str>,
    /// The highest score among them; null without any.
    #[schema(example = 931)]
    pub score_highest: Option<u16>,
    /// The highest risk among them, 0 to 1, to three decimals; null without any.
    #[schema(example = 0.931)]
    pub fraud_score_highest: Option<f64>,
    /// When the newest was raised, RFC 3339 in UTC; null without any.
    #[schema(example = "2026-11-21T13:00:00.120Z")]
    pub last_alert_at: Option<String>,
    /// The newest ten.
    pub recent_alerts: Vec<RecentAlert<'a>>,
}

/// Alerts shown in a profile.
const RECENT_MAX: usize = 10;

impl<'a> RiskProfile<'a> {
    /// The profile that follows from an account's newest alerts.
    pub fn of(user_id: &'a str, alerts: &'a [Alert], more: bool) -> Self {
        let count = alerts.len();
        let score_highest = alerts.iter().map(|alert| alert.score_points).max();
        Self {
            user_id,
            basis: format!(
                "the {count} newest stored alerts of this account; payments that raised none are not in it"
            ),
            alerts: count,
            more,
            alerts_open: alerts
                .iter()
                .filter(|alert| alert.status.as_str() == "open")
                .count(),
            tier_highest: alerts
                .iter()
                .map(|alert| alert.tier)
                .max()
                .map(|tier| tier.as_str()),
            score_highest,
            fraud_score_highest: score_highest.map(|points| f64::from(points) / 1_000.0),
            last_alert_at: alerts.first().map(|alert| alert.raised_at.to_string()),
            recent_alerts: alerts
                .iter()
                .take(RECENT_MAX)
                .map(RecentAlert::of)
                .collect(),
        }
    }
}
