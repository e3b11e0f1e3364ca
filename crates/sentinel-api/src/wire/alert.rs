//! An alert on the wire, in the REST list, on the live feed and in the store's own words.

use sentinel_domain::{Alert, CardToken, MerchantId};
use serde::Serialize;
use utoipa::ToSchema;

use super::decision::ReasonBody;

/// A decision that a person should see.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertBody<'a> {
    /// Names the alert.
    #[schema(example = "alr_000000000000002a0f6e1d5cf2a0b1c3")]
    pub alert_id: String,
    /// The decision that raised it.
    #[schema(example = "dec_000000000000002a8f14e45fceea167a")]
    pub decision_id: String,
    /// The caller's name for the event.
    #[schema(example = "order-1001")]
    pub event_id: &'a str,
    /// When the payment happened, RFC 3339 in UTC.
    #[schema(example = "2026-11-21T13:00:00Z")]
    pub event_time: String,
    /// When the alert was raised, RFC 3339 in UTC.
    #[schema(example = "2026-11-21T13:00:00.120Z")]
    pub raised_at: String,
    /// `minimal`, `low`, `medium`, `high` or `critical`.
    #[schema(example = "high")]
    pub tier: &'static str,
    /// `approve`, `challenge`, `review` or `decline`.
    #[schema(example = "review")]
    pub decision: &'static str,
    /// 0 to 1000.
    #[schema(example = 742)]
    pub score: u16,
    /// The paying account.
    #[schema(example = "acct-17")]
    pub account_id: &'a str,
    /// The card, where known.
    #[schema(example = "tok_9f2c")]
    pub card_token: Option<&'a str>,
    /// The merchant, where known.
    #[schema(example = "shop-4")]
    pub merchant_id: Option<&'a str>,
    /// Minor units of the currency.
    #[schema(example = 12_999)]
    pub amount_minor: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    pub currency: &'a str,
    /// Why, strongest first.
    pub reasons: Vec<ReasonBody<'a>>,
    /// `open`, `confirmed` or `dismissed`.
    #[schema(example = "open")]
    pub status: &'static str,
}

impl<'a> AlertBody<'a> {
    /// The body of an alert.
    pub fn of(alert: &'a Alert) -> Self {
        Self {
            alert_id: alert.alert_id.to_string(),
            decision_id: alert.decision_id.to_string(),
            event_id: alert.event_id.as_str(),
            event_time: alert.event_time.to_string(),
            raised_at: alert.raised_at.to_string(),
            tier: alert.tier.as_str(),
            decision: alert.verdict.as_str(),
            score: alert.score_points,
            account_id: alert.account_id.as_str(),
            card_token: alert.card_token.as_ref().map(CardToken::as_str),
            merchant_id: alert.merchant_id.as_ref().map(MerchantId::as_str),
            amount_minor: alert.amount_minor,
            currency: alert.currency.as_str(),
            reasons: alert.reasons.iter().map(ReasonBody::of).collect(),
            status: alert.status.as_str(),
        }
    }
}

/// Some alerts, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertPage<'a> {
    /// The alerts.
    pub items: Vec<AlertBody<'a>>,
    /// Hand it in as `after` for the next page; null at the end.
    #[schema(example = "1795266000000000.alr_000000000000002a0f6e1d5cf2a0b1c3")]
    pub next_cursor: Option<&'a str>,
    /// About how many there are; tier and account filters are not counted in.
    #[schema(example = 128)]
    pub total_estimate: u64,
}
