//! Idempotency of decisions: one event id, one decision.
//!
//! Holds the fingerprints of recent transactions as part of the partition's state: 72 hours of log time
//! or 8,388,608 ids, whichever is smaller. After that a repeat is a new transaction. The same log prefix
//! gives the same answers; the table is only looked up, never iterated: a snapshot holds ids in the order
//! in which they were seen.

use std::collections::VecDeque;

use hashbrown::HashMap;
use sentinel_domain::{ContentHash, Instant, Offset};

/// How long an id is remembered, microseconds of log time.
const REMEMBERED_US: i64 = 72 * 3_600 * 1_000_000;

/// The most ids remembered.
const IDS_MAX: usize = 8_388_608;

/// What is known of an event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// Not seen within the window.
    First,
    /// Seen at this offset with the same content.
    Repeat(Offset),
    /// Seen at this offset with other content.
    Conflict(Offset),
}

/// One id that is remembered, for the codec of snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub log_time: Instant,
    pub key: [u8; 16],
    pub fingerprint: [u8; 16],
    pub offset: Offset,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    fingerprint: [u8; 16],
    offset: Offset,
}

/// Sixteen bytes of BLAKE3 are uniform already; any eight of them do for a bucket, and nobody can aim
/// at one since the whole key is compared.
type Hasher = foldhash::fast::RandomState;

/// The memory of recent event ids.
#[derive(Debug, Default)]
pub struct Idempotency {
    seen: HashMap<[u8; 16], Seen, Hasher>,
    /// Log time and key of each, oldest first.
    order: VecDeque<(Instant, [u8; 16])>,
}

impl Idempotency {
    /// Looks an event up by the [`key_of`] its id and remembers it where it is new.
    pub fn observe(
        &mut self,
        key: [u8; 16],
        fingerprint: [u8; 16],
        offset: Offset,
        log_time: Instant,
    ) -> Sighting {
        self.forget_at(log_time);
        if let Some(seen) = self.seen.get(&key) {
            return if seen.fingerprint == fingerprint {
                Sighting::Repeat(seen.offset)
            } else {
                Sighting::Conflict(seen.offset)
            };
        }
        if self.seen.len() >= IDS_MAX {
            self.forget_oldest();
        }
        self.seen.insert(
            key,
            Seen {
                fingerprint,
                offset,
            },
        );
        self.order.push_back((log_time, key));
        Sighting::First
    }

    /// Where an event id was first seen, while it is remembered.
    pub fn offset_of(&self, event_id: &str) -> Option<Offset> {
        self.seen.get(&key_of(event_id)).map(|seen| seen.offset)
    }

    /// When the oldest id that is remembered was seen.
    pub fn oldest(&self) -> Option<Instant> {
        self.order.front().map(|(log_time, _)| *log_time)
    }

    /// Ids remembered.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// What is remembered, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Remembered> {
        self.order.iter().filter_map(|(log_time, key)| {
            let seen = self.seen.get(key)?;
            Some(Remembered {
                log_time: *log_time,
                key: *key,
                fingerprint: seen.fingerprint,
                offset: seen.offset,
            })
        })
    }

    /// Remembers one more as [`Idempotency::iter`] gave it; false where it cannot stand behind the others.
    #[must_use]
    pub(crate) fn restore(&mut self, one: &Remembered) -> bool {
        let newest = self.order.back();
        let goes_on = newest.is_none_or(|(log_time, key)| {
            let before = self.seen.get(key).map(|seen| seen.offset);
            *log_time <= one.log_time && before < Some(one.offset)
        });
        let seen = Seen {
            fingerprint: one.fingerprint,
            offset: one.offset,
        };
        if !goes_on || self.order.len() >= IDS_MAX || self.seen.insert(one.key, seen).is_some() {
            return false;
        }
        self.order.push_back((one.log_time, one.key));
        true
    }

    /// Forgets what is too old at a log time.
    pub fn forget_at(&mut self, log_time: Instant) {
        let horizon = horizon(log_time);
        while self
            .order
            .front()
            .is_some_and(|(log_time, _)| *log_time <= horizon)
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.seen.remove(&key);
        }
    }
}

/// What was seen at this time or before is too old at a log time.
pub(crate) fn horizon(log_time: Instant) -> Instant {
    log_time.plus_micros(-REMEMBERED_US)
}

/// What an override is remembered by: never what a label of the same name is.
pub(crate) fn key_of_override(override_id: &str) -> [u8; 16] {
    ContentHash::of_parts(&[b"override", override_id.as_bytes()]).short()
}

/// What an event id is remembered by.
pub fn key_of(event_id: &str) -> [u8; 16] {
    ContentHash::of(event_id.as_bytes()).short()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_remembered_for_72_hours_of_log_time() {
        let mut memory = Idempotency::default();
        let id = key_of("e");
        let at = |hours: i64| Instant::from_seconds(hours * 3_600);
        assert_eq!(
            memory.observe(id, [1; 16], Offset(5), at(0)),
            Sighting::First
        );
        assert_eq!(
            memory.observe(id, [1; 16], Offset(6), at(71)),
            Sighting::Repeat(Offset(5))
        );
        assert_eq!(
            memory.observe(id, [2; 16], Offset(7), at(71)),
            Sighting::Conflict(Offset(5))
        );
        assert_eq!(memory.offset_of("e"), Some(Offset(5)));
        assert_eq!(
            memory.observe(id, [2; 16], Offset(8), at(72)),
            Sighting::First
        );
    }
}
