//! Labels: what was learnt later about a transaction, and when it was known.

use crate::currency::Currency;
use crate::identifier::{AccountId, CardToken, EventId, LabelId, MerchantId, TerminalId};
use crate::instant::Instant;
use crate::vocabulary;

vocabulary! {
    /// What a label says.
    LabelKind {
        /// The transaction was fraudulent.
        Fraud = 1, "fraud";
        /// The transaction was legitimate.
        Legitimate = 2, "legit";
        /// Under suspicion, not settled.
        Suspect = 3, "suspect";
    }
}

vocabulary! {
    /// Who said so.
    LabelSource {
        /// A chargeback by the card holder's bank.
        Chargeback = 1, "chargeback";
        /// A notice from the issuer.
        IssuerAlert = 2, "issuer_alert";
        /// An analyst's verdict on an alert or case.
        Analyst = 3, "analyst";
        /// The customer.
        Customer = 4, "customer";
        /// A rule.
        Rule = 5, "rule";
        /// A column of a labelled table.
        Table = 6, "table";
    }
}

/// A later finding about a transaction. Entities, amount and time of that transaction travel inside, so
/// that no long memory of ids is needed to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The label's own name.
    pub label_id: LabelId,
    /// The transaction it speaks of.
    pub event_id: EventId,
    /// What it says.
    pub kind: LabelKind,
    /// Who said so.
    pub source: LabelSource,
    /// When it became known: no decision before this instant may use it.
    pub known_at: Instant,
    /// When the transaction happened.
    pub event_time: Instant,
    /// The amount of the transaction, minor units.
    pub amount_minor: i64,
    /// The currency of that amount.
    pub currency: Currency,
    /// The paying account.
    pub account_id: AccountId,
    /// The card, where known.
    pub card_token: Option<CardToken>,
    /// The merchant, where known.
    pub merchant_id: Option<MerchantId>,
    /// The terminal, where known.
    pub terminal_id: Option<TerminalId>,
}
