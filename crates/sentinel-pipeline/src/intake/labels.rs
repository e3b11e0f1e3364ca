//! Labels of a table, or of a file beside it, on their way into the log: each waits until its time has come.
//!
//! Promises the order (`known_at`, `event_id`), and that no label leaves before it was known: a label
//! is due before the first row whose event is not older than `known_at`. What it says of the
//! transaction (entities, amount, time) travels inside, so nobody needs to remember the transaction.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use sentinel_domain::{Instant, Label, LabelId, LabelKind, LabelSource, Transaction};

use crate::mapping::LabelRule;

/// Labels that are not known yet. Holds one per fraud within the delay.
pub struct PendingLabels {
    delay_micros: i64,
    source: LabelSource,
    waiting: BinaryHeap<Reverse<Waiting>>,
    count: u64,
}

struct Waiting {
    label: Box<Label>,
    /// Tells two labels of one event id and instant apart, in the order of their rows.
    number: u64,
}

impl PendingLabels {
    /// No labels yet; what they will say is the rule's.
    pub fn new(rule: &LabelRule) -> Self {
        Self {
            delay_micros: rule.delay_micros,
            source: rule.source,
            waiting: BinaryHeap::new(),
            count: 0,
        }
    }

    /// No labels yet, and no rule: they are [pushed](Self::push) whole.
    pub fn given() -> Self {
        Self {
            delay_micros: 0,
            source: LabelSource::Table,
            waiting: BinaryHeap::new(),
            count: 0,
        }
    }

    /// Takes note that a transaction was fraud, by the rule.
    pub fn add(&mut self, transaction: &Transaction) {
        let label = Label {
            label_id: LabelId::new(format!("{}:{}", self.source, transaction.event_id)),
            event_id: transaction.event_id.clone(),
            kind: LabelKind::Fraud,
            source: self.source,
            known_at: transaction.event_time.plus_micros(self.delay_micros),
            event_time: transaction.event_time,
            amount_minor: transaction.amount_minor,
            currency: transaction.currency,
            account_id: transaction.account_id.clone(),
            card_token: transaction.card_token.clone(),
            merchant_id: transaction.merchant_id.clone(),
            terminal_id: transaction.terminal_id.clone(),
        };
        self.push(Box::new(label));
    }

    /// Takes a label that waits until it is known.
    pub fn push(&mut self, label: Box<Label>) {
        self.waiting.push(Reverse(Waiting {
            label,
            number: self.count,
        }));
        self.count += 1;
    }

    /// The next label that is known at `now`.
    pub fn take_due(&mut self, now: Instant) -> Option<Box<Label>> {
        let Reverse(next) = self.waiting.peek()?;
        if next.label.known_at > now {
            return None;
        }
        self.take_any()
    }

    /// The next label, known or not.
    pub fn take_any(&mut self) -> Option<Box<Label>> {
        self.waiting.pop().map(|Reverse(waiting)| waiting.label)
    }
}

impl Waiting {
    fn key(&self) -> (Instant, &str, u64) {
        (
            self.label.known_at,
            self.label.event_id.as_str(),
            self.number,
        )
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
