//! The oracle: what must become of every entry, by loops over the list of what was appended.
//!
//! Written from the book, not from the engine: it knows no batch, no window state, no snapshot and no file, and works
//! every answer out from the first entry anew. Must never be made faster in a way that needs an argument.

mod decision;
mod outcome;

use std::fmt;

use sentinel_domain::{Entry, Erasure, Instant, Label, Override, Transaction};
use sentinel_eventlog::{EventLog, encode_entry};

use super::contents::Content;

pub(super) use decision::Expectation;
pub(super) use outcome::Expected;

/// How long an id is remembered: 72 hours of log time.
const REMEMBERED_US: i64 = 72 * 3_600 * 1_000_000;

/// What an entry says.
#[derive(Debug, Clone)]
pub(super) enum Said {
    Transaction(Box<Transaction>),
    Label(Box<Label>),
    Content(Box<Content>),
    Erase(Box<Erasure>),
    Override(Box<Override>),
    Tick,
    Skip(u64),
    Nonsense(Vec<u8>),
}

/// An entry of the log.
#[derive(Debug, Clone)]
pub(super) struct Appended {
    pub log_time: Instant,
    pub said: Said,
}

impl Said {
    /// The bytes that the log has to hold.
    pub fn payload(&self) -> Vec<u8> {
        let entry = match self {
            Self::Transaction(one) => Entry::Transaction(one.clone()),
            Self::Label(one) => Entry::Label(one.clone()),
            Self::Content(one) => Entry::Activation(Box::new(one.activation.clone())),
            Self::Erase(one) => Entry::Erase(one.clone()),
            Self::Override(one) => Entry::Override(one.clone()),
            Self::Tick => Entry::Tick,
            Self::Skip(offset) => Entry::Skip {
                offset: sentinel_domain::Offset(*offset),
            },
            Self::Nonsense(bytes) => return bytes.clone(),
        };
        let mut bytes = Vec::new();
        encode_entry(&entry, &mut bytes);
        bytes
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transaction(one) => write!(
                f,
                "{} of {} {} at {}: {} {}",
                one.event_id,
                one.account_id,
                one.card_token.as_ref().map_or("", |card| card.as_str()),
                one.event_time,
                one.amount_minor,
                one.currency.as_str()
            ),
            Self::Label(one) => write!(f, "{} {} of {}", one.label_id.0, one.kind, one.event_id),
            Self::Content(one) => write!(f, "{} {:?}", one.activation.version, one.meaning),
            Self::Erase(one) => {
                let (kind, value) = (one.subject.kind, one.subject.value.as_str());
                write!(f, "erase {kind} {value}")
            }
            Self::Override(one) => write!(
                f,
                "{} of {} at {}: {}",
                one.override_id, one.event_id, one.decision, one.verdict
            ),
            Self::Tick => f.write_str("tick"),
            Self::Skip(skipped) => write!(f, "skip {skipped}"),
            Self::Nonsense(bytes) => write!(f, "{bytes:?}"),
        }
    }
}

/// The list of what was appended, and how much of it was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    pub list: Vec<Appended>,
    /// What lies before was acknowledged: it stays, whatever happens.
    pub acknowledged: u64,
}

impl Oracle {
    /// Where the list ends.
    pub fn end(&self) -> u64 {
        self.list.len() as u64
    }

    /// One more. Log time never goes back, whatever the appender's clock says.
    pub fn append(&mut self, now: Instant, said: Said) {
        let last = self.list.last().map(|last| last.log_time);
        let log_time = last.map_or(now, |last| last.max(now));
        self.list.push(Appended { log_time, said });
    }

    /// Whether an entry is skipped by one behind it.
    pub fn is_skipped(&self, at: u64) -> bool {
        let behind = self.list.iter().skip(usize::try_from(at).unwrap() + 1);
        behind
            .into_iter()
            .any(|one| matches!(one.said, Said::Skip(skipped) if skipped == at))
    }

    /// After a recovery: everything acknowledged is there, nothing is there that was never appended, and each entry
    /// has its bytes and its time. What was never acknowledged may be gone, and is from here on.
    pub fn recovered(&mut self, log: &EventLog) -> Result<u64, String> {
        let end = log.end().0;
        if end < self.acknowledged {
            let acknowledged = self.acknowledged;
            return Err(format!(
                "LOST: the log ends at {end}, {acknowledged} were acknowledged"
            ));
        }
        if end > self.end() {
            let appended = self.end();
            return Err(format!(
                "DOUBLED: the log ends at {end}, {appended} were appended"
            ));
        }
        let lost = self.end() - end;
        self.list.truncate(usize::try_from(end).unwrap());
        self.acknowledged = end;
        let mut wrong = None;
        let walked = log.walk(log.start(), &mut |record| {
            let expected = &self.list[usize::try_from(record.offset.0).unwrap()];
            if record.log_time != expected.log_time || record.payload != expected.said.payload() {
                wrong.get_or_insert(record.offset);
            }
        });
        match (walked, wrong) {
            (Err((offset, error)), _) => Err(format!("entry {offset} cannot be read: {error}")),
            (Ok(_), Some(offset)) => Err(format!("entry {offset} is not what was appended")),
            (Ok(_), None) => Ok(lost),
        }
    }
}
