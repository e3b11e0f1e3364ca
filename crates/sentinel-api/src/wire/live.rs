//! Messages of the live feed, in and out.

use sentinel_domain::MerchantId;
use sentinel_pipeline::Decided;
use serde::{Deserialize, Serialize};

use super::alert::AlertBody;
use super::decision::ReasonBody;

/// What one can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Decisions as they are made, the newest of each quarter second.
    Decisions,
    /// Every alert.
    Alerts,
    /// The running figures, four times a second.
    Statistics,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 3] = [Self::Decisions, Self::Alerts, Self::Statistics];

    /// Its place in arrays.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Send these topics too.
    Subscribe {
        /// Which.
        topics: Vec<Topic>,
    },
    /// Send these topics no longer.
    Unsubscribe {
        /// Which.
        topics: Vec<Topic>,
    },
}

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage<'a, D: Serialize> {
    /// The answer to a subscription: the topics sent from now on.
    Subscribed {
        /// All of them.
        topics: &'a [Topic],
    },
    /// News on a topic.
    Event {
        /// The topic.
        topic: Topic,
        /// Counts the events of the topic, for everybody alike.
        seq: u64,
        /// The news.
        data: D,
    },
    /// Events of a topic that this client did not get.
    Gap {
        /// The topic.
        topic: Topic,
        /// The first event missed.
        from: u64,
        /// The last event missed.
        to: u64,
    },
    /// The client's message was not understood; the connection stays.
    Error {
        /// What was wrong.
        detail: &'a str,
    },
}

/// Decisions of a quarter second.
#[derive(Debug, Serialize)]
pub struct DecisionsNews<'a> {
    /// The newest, oldest of them first.
    pub items: Vec<FeedDecision<'a>>,
    /// How many more there were.
    pub skipped: u64,
}

/// Alerts of a quarter second.
#[derive(Debug, Serialize)]
pub struct AlertsNews<'a> {
    /// Oldest first.
    pub items: Vec<AlertBody<'a>>,
}

/// A decision as a line of a list.
#[derive(Debug, Serialize)]
pub struct FeedDecision<'a> {
    /// Names the decision.
    pub decision_id: String,
    /// The caller's name for the event.
    pub event_id: &'a str,
    /// When the payment happened, RFC 3339 in UTC.
    pub event_time: String,
    /// The log time of the decision, RFC 3339 in UTC.
    pub decided_at: String,
    /// The paying account.
    pub account_id: &'a str,
    /// The merchant, where known.
    pub merchant_id: Option<&'a str>,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// The verdict.
    pub decision: &'static str,
    /// The tier.
    pub tier: &'static str,
    /// 0 to 1000.
    pub score: u16,
    /// Why, strongest first.
    pub reasons: Vec<ReasonBody<'a>>,
    /// Pick-up to record, microseconds.
    pub latency_us: u32,
}

impl<'a> FeedDecision<'a> {
    /// The line of a decided transaction.
    pub fn of(decided: &'a Decided) -> Self {
        let Decided {
            decision,
            transaction,
            latency_us,
        } = decided;
        Self {
            decision_id: decision.decision_id().to_string(),
            event_id: decision.event_id.as_str(),
            event_time: transaction.event_time.to_string(),
            decided_at: decision.log_time.to_string(),
            account_id: transaction.account_id.as_str(),
            merchant_id: transaction.merchant_id.as_ref().map(MerchantId::as_str),
            amount_minor: transaction.amount_minor,
            currency: transaction.currency.as_str(),
            decision: decision.verdict.as_str(),
            tier: decision.tier.as_str(),
            score: decision.score.points(),
            reasons: decision.reasons.iter().map(ReasonBody::of).collect(),
            latency_us: *latency_us,
        }
    }
}
