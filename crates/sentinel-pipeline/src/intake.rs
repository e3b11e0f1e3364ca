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
    Activation, Entry, Erasure, Instant, Label, Offset, Outcome, Override, Rejection,
    RejectionCode, Transaction,
};
use sentinel_eventlog::{Record, decode_entry};

use crate::idempotency::{self, Idempotency, Sighting};

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
    /// A person's verdict on a decided event.
    Override(Box<Override>),
    /// The time.
    Tick,
    /// An order to skip an entry.
    Skip(Offset),
    /// Settled already: a repeat, a conflict, or bytes that are no entry.
    Settled(Outcome, Option<Box<Transaction>>),
}

/// An entry whose bytes were read: nothing of it has touched any state, so another thread may read ahead.
pub struct ReadEntry {
    /// Where it stands in the log.
    pub offset: Offset,
    /// The time stamped on it there.
    pub log_time: Instant,
    content: Read,
}

enum Read {
    Transaction {
        transaction: Box<Transaction>,
        fingerprint: [u8; 16],
        key: [u8; 16],
    },
    /// It needs nothing more.
    Taken(Taken),
}

impl ReadEntry {
    /// Reads the bytes of a record. `scratch` is reused between calls.
    pub fn of(record: &Record<'_>, scratch: &mut Vec<u8>) -> Self {
        let content = match decode_entry(record.payload) {
            Ok(Entry::Transaction(transaction)) => Read::Transaction {
                fingerprint: transaction.fingerprint(scratch),
                key: idempotency::key_of(transaction.event_id.as_str()),
                transaction,
            },
            Ok(Entry::Activation(activation)) => Read::Taken(Taken::Activation(activation)),
            Ok(Entry::Label(label)) => Read::Taken(Taken::Label(label)),
            Ok(Entry::Erase(erasure)) => Read::Taken(Taken::Erase(erasure)),
            Ok(Entry::Override(order)) => Read::Taken(Taken::Override(order)),
            Ok(Entry::Tick) => Read::Taken(Taken::Tick),
            Ok(Entry::Skip { offset }) => Read::Taken(Taken::Skip(offset)),
            Err(error) => {
                let rejection = Rejection::new(RejectionCode::BadEntry, "", error.to_string());
                Read::Taken(Taken::Settled(Outcome::Refused(rejection), None))
            }
        };
        Self {
            offset: record.offset,
            log_time: record.log_time,
            content,
        }
    }

    /// One that is refused whatever it says: its bytes are not looked at.
    pub fn refused(record: &Record<'_>, rejection: Rejection) -> Self {
        Self {
            offset: record.offset,
            log_time: record.log_time,
            content: Read::Taken(Taken::Settled(Outcome::Refused(rejection), None)),
        }
    }
}

/// Touches what taking these entries in will look up.
pub fn foresee(entries: &[ReadEntry], idempotency: &Idempotency) {
    idempotency.foresee(entries.iter().filter_map(|entry| match &entry.content {
        Read::Transaction { key, .. } => Some(key),
        Read::Taken(_) => None,
    }));
}

/// Takes an entry in that was read.
pub fn take(entry: ReadEntry, idempotency: &mut Idempotency) -> Taken {
    match entry.content {
        Read::Transaction {
            transaction,
            fingerprint,
            key,
        } => {
            let place = (entry.offset, entry.log_time);
            let sighting = idempotency.observe(key, fingerprint, place.0, place.1);
            settled_by(sighting, transaction, place)
        }
        Read::Taken(taken) => taken,
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
    let key = idempotency::key_of(transaction.event_id.as_str());
    let sighting = idempotency.observe(key, fingerprint, offset, log_time);
    settled_by(sighting, transaction, (offset, log_time))
}

fn settled_by(
    sighting: Sighting,
    transaction: Box<Transaction>,
    (offset, log_time): (Offset, Instant),
) -> Taken {
    match sighting {
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
