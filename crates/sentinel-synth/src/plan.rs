//! Plans: what will be paid when, by whom and by whose hand. Small, so that a queue of several hundred
//! thousand stays within a few megabytes; all texts are made when the payment is.

use std::cmp::Ordering;

use sentinel_domain::Instant;

use crate::echo::Guise;
use crate::story::{LookAlike, Story};

/// Whose hand pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    /// The customer's own.
    Holder,
    /// A thief's, described by a hash.
    Thief(u64),
}

/// A payment to come.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) at: Instant,
    pub(crate) payer: u32,
    /// First or second card.
    pub(crate) card: u8,
    pub(crate) merchant: u32,
    /// A certain terminal, where it matters.
    pub(crate) terminal: Option<u8>,
    /// The price in US dollars; drawn from the merchant's kind where there is none.
    pub(crate) usd: Option<f64>,
    pub(crate) hand: Hand,
    /// The manner of a fraud in which somebody honest pays.
    pub(crate) guise: Option<Guise>,
    pub(crate) story: Option<Story>,
    pub(crate) look_alike: Option<LookAlike>,
}

impl Plan {
    /// A payment by the holder with the first card.
    pub(crate) fn honest(at: Instant, payer: u32, merchant: u32) -> Self {
        Self {
            at,
            payer,
            card: 0,
            merchant,
            terminal: None,
            usd: None,
            hand: Hand::Holder,
            guise: None,
            story: None,
            look_alike: None,
        }
    }

    /// Whether it is fraud.
    pub(crate) fn is_fraud(&self) -> bool {
        self.hand != Hand::Holder
    }
}

/// A plan in the queue: the earliest first, in the order of planning where times are equal.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) plan: Plan,
    pub(crate) sequence: u64,
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        // Turned round: the standard heap gives the greatest first.
        (other.plan.at, other.sequence).cmp(&(self.plan.at, self.sequence))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}
