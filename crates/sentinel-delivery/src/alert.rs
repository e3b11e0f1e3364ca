//! The message of a raised alert, as readers outside see it.
//!
//! Promises the spelling of the API: `snake_case`, RFC 3339 in UTC, money in minor units with its
//! currency, words as text. A key, once sent, keeps its meaning; new keys may be added.

use sentinel_domain::{Alert, Case, Reason};
use serde::Serialize;

/// The JSON text of `alert.raised`: what an analyst sees, and the case it opened.
pub fn alert_message(alert: &Alert, case: Option<&Case>) -> String {
    let alert_id = alert.alert_id.to_string();
    let case_id = case.map(|case| case.case_id.to_string());
    let body = AlertRaised {
        kind: "alert.raised",
        id: &alert_id,
        alert_id: &alert_id,
        decision_id: alert.decision_id.to_string(),
        event_id: alert.event_id.as_str(),
        event_time: alert.event_time.to_string(),
        raised_at: alert.raised_at.to_string(),
        tier: alert.tier.as_str(),
        decision: alert.verdict.as_str(),
        score: alert.score_points,
        account_id: alert.account_id.as_str(),
        card_token: alert.card_token.as_ref().map(|token| token.as_str()),
        merchant_id: alert.merchant_id.as_ref().map(|id| id.as_str()),
        amount_minor: alert.amount_minor,
        currency: alert.currency.as_str(),
        reasons: alert.reasons.iter().map(ReasonBody::of).collect(),
        status: alert.status.as_str(),
        case_id: case_id.as_deref(),
        followed_by: FollowedByBody {
            alert_id: &alert_id,
            case_id: case_id.as_deref(),
        },
    };
    match serde_json::to_string(&body) {
        Ok(text) => text,
        // No map with odd keys and no writer that fails is involved.
        Err(cause) => unreachable!("text and numbers always encode: {cause}"),
    }
}

/// The body, in the order in which its keys are written.
#[derive(Serialize)]
struct AlertRaised<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    alert_id: &'a str,
    decision_id: String,
    event_id: &'a str,
    event_time: String,
    raised_at: String,
    tier: &'static str,
    decision: &'static str,
    score: u16,
    account_id: &'a str,
    card_token: Option<&'a str>,
    merchant_id: Option<&'a str>,
    amount_minor: i64,
    currency: &'a str,
    reasons: Vec<ReasonBody<'a>>,
    status: &'static str,
    case_id: Option<&'a str>,
    followed_by: FollowedByBody<'a>,
}

#[derive(Serialize)]
struct ReasonBody<'a> {
    code: &'a str,
    text: &'a str,
    /// Log-odds.
    contribution: f64,
}

impl<'a> ReasonBody<'a> {
    fn of(reason: &'a Reason) -> Self {
        Self {
            code: &reason.code,
            text: &reason.text,
            contribution: reason.contribution.to_f64(),
        }
    }
}

/// What followed from the decision, spelled as where a decision is read.
#[derive(Serialize)]
struct FollowedByBody<'a> {
    alert_id: &'a str,
    case_id: Option<&'a str>,
}
