//! Alerts: a decision that a person should see.

use crate::content_hash::ContentHash;
use crate::currency::Currency;
use crate::decision::{Decision, Reason, Verdict};
use crate::identifier::{AccountId, AlertId, CardToken, DecisionId, EventId, MerchantId};
use crate::instant::Instant;
use crate::tier::Tier;
use crate::transaction::Transaction;
use crate::vocabulary;

vocabulary! {
    /// Where an alert stands.
    AlertStatus {
        /// Nobody has decided on it.
        Open = 1, "open";
        /// An analyst confirmed fraud.
        Confirmed = 2, "confirmed";
        /// An analyst found it legitimate.
        Dismissed = 3, "dismissed";
    }
}

/// What an analyst sees of a suspicious decision. Everything but the status follows from the decision
/// and its transaction, so making it twice makes the same alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Follows from the decision's position.
    pub alert_id: AlertId,
    /// The decision that raised it.
    pub decision_id: DecisionId,
    /// The caller's name for the event.
    pub event_id: EventId,
    /// When the payment happened.
    pub event_time: Instant,
    /// When the alert was raised: the log time of its entry.
    pub raised_at: Instant,
    /// How severe.
    pub tier: Tier,
    /// What was decided.
    pub verdict: Verdict,
    /// 0 to 1000.
    pub score_points: u16,
    /// The paying account.
    pub account_id: AccountId,
    /// The card, where known.
    pub card_token: Option<CardToken>,
    /// The merchant, where known.
    pub merchant_id: Option<MerchantId>,
    /// Minor units.
    pub amount_minor: i64,
    /// The currency of the amount.
    pub currency: Currency,
    /// Why, strongest first.
    pub reasons: Vec<Reason>,
    /// Where it stands.
    pub status: AlertStatus,
}

impl Alert {
    /// Whether a decision is one that a person should see: tier low or above, or not approved.
    pub fn is_due(decision: &Decision) -> bool {
        decision.tier >= Tier::Low || decision.verdict != Verdict::Approve
    }

    /// The alert for a decision; `None` where none is due.
    pub fn raised_by(decision: &Decision, transaction: &Transaction) -> Option<Self> {
        Self::is_due(decision).then(|| Self {
            alert_id: AlertId::at(decision.position),
            decision_id: decision.decision_id(),
            event_id: decision.event_id.clone(),
            event_time: transaction.event_time,
            raised_at: decision.log_time,
            tier: decision.tier,
            verdict: decision.verdict,
            score_points: decision.score.points(),
            account_id: transaction.account_id.clone(),
            card_token: transaction.card_token.clone(),
            merchant_id: transaction.merchant_id.clone(),
            amount_minor: transaction.amount_minor,
            currency: transaction.currency,
            reasons: decision.reasons.clone(),
            status: AlertStatus::Open,
        })
    }

    /// A hash over everything that follows from the log (not the status), kept beside the stored row.
    pub fn content_hash(&self) -> ContentHash {
        let reasons: String = self
            .reasons
            .iter()
            .map(|r| format!("{}={}\n", r.code, r.text))
            .collect();
        ContentHash::of_parts(&[
            self.alert_id.to_string().as_bytes(),
            self.event_id.as_str().as_bytes(),
            self.account_id.as_str().as_bytes(),
            &self.event_time.micros().to_le_bytes(),
            &self.raised_at.micros().to_le_bytes(),
            &[self.tier.code(), self.verdict.code()],
            &self.score_points.to_le_bytes(),
            &self.amount_minor.to_le_bytes(),
            self.currency.as_str().as_bytes(),
            reasons.as_bytes(),
        ])
    }
}
