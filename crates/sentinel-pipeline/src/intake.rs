//! First stage: from bytes of the log to transactions that want a decision.
//!
//! Decodes entries and tells first sightings from repeats and conflicts. Nothing that fails here has
//! touched any window. The rooms below read what comes from outside, before it is in the log.

pub mod json;
pub mod csv;
pub mod lines;
pub mod object;
pub mod spelling;
pub mod labels;
pub mod source;

use sentinel_domain::{
    Activation, Instant, Offset, Outcome, Rejection, RejectionCode, Transaction,
};
use sentinel_domain::{Entry, Erasure, Label};
use sentinel_eventlog::{Record, decode_entry};

use crate::idempotency::{Idempotency, Sighting};

/// A transaction on its way through the stages.
#[derive(Debug)]
pub struct Admitted {
    /// Where it stands in the log.
    pub offset: Offset,
    /// The time stamped on it there.
    pub log_time: Instant,
    /// What it says.
    pub transaction: Box<Transaction>,
}

/// What an entry turned out to be.
pub enum Taken {
    /// A transaction to decide on.
    Admitted(Admitted),
    /// A switch that takes effect before the next entry.
    Activation(Box<Activation>),
    /// A label.
    Label(Box<Label>),
    /// An order to forget somebody.
    Erase(Box<Erasure>),
    /// An order to skip an entry.
    Skip(Offset),
    /// Settled already: a repeat, a conflict, or bytes that are no entry.
    Settled(Outcome, Option<Box<Transaction>>),
}

/// Takes one record in. `scratch` is reused between calls.
pub fn take(record: &Record<'_>, idempotency: &mut Idempotency, scratch: &mut Vec<u8>) -> Taken {
    let entry = match decode_entry(record.payload) {
        Ok(entry) => entry,
        Err(error) => {
            let rejection = Rejection::new(RejectionCode::BadEntry, "", error.to_string());
            return Taken::Settled(Outcome::Refused(rejection), None);
        }
    };
    match entry {
        Entry::Activation(activation) => Taken::Activation(activation),
        Entry::Label(label) => Taken::Label(label),
        Entry::Erase(erasure) => Taken::Erase(erasure),
        Entry::Skip { offset } => Taken::Skip(offset),
        Entry::Transaction(transaction) => {
            let place = (record.offset, record.log_time);
            admit(transaction, place, idempotency, scratch)
        }
    }
}

/// Takes a transaction in that stands at a place of the log. `scratch` is reused between calls.
pub fn admit(
    transaction: Box<Transaction>,
    (offset, log_time): (Offset, Instant),
    idempotency: &mut Idempotency,
    scratch: &mut Vec<u8>,
) -> Taken {
    let fingerprint = transaction.fingerprint(scratch);
    match idempotency.observe(&transaction.event_id, fingerprint, offset, log_time) {
        Sighting::First => Taken::Admitted(Admitted {
            offset,
            log_time,
            transaction,
        }),
        Sighting::Repeat(first) => Taken::Settled(Outcome::Repeated { first }, Some(transaction)),
        Sighting::Conflict(first) => {
            Taken::Settled(Outcome::Conflicted { first }, Some(transaction))
        }
    }
}
