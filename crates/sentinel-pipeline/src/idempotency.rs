//! Idempotency of decisions: one event id, one decision.
//!
//! Holds the fingerprints of recent transactions as part of the partition's state: 72 hours of log time
//! or 8,388,608 ids, whichever is smaller. After that a repeat is a new transaction. The same log prefix
//! gives the same answers; the table is only looked up, never iterated.

use std::collections::VecDeque;

use hashbrown::HashMap;
use sentinel_domain::{ContentHash, EventId, Instant, Offset};

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
    /// Looks an event up and remembers it where it is new.
    pub fn observe(
        &mut self,
        event_id: &EventId,
        fingerprint: [u8; 16],
        offset: Offset,
        log_time: Instant,
    ) -> Sighting {
        self.forget_before(log_time.plus_micros(-REMEMBERED_US));
        let key = key_of(event_id.as_str());
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

    fn forget_before(&mut self, horizon: Instant) {
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

fn key_of(event_id: &str) -> [u8; 16] {
    ContentHash::of(event_id.as_bytes()).short()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_remembered_for_72_hours_of_log_time() {
        let mut memory = Idempotency::default();
        let id = EventId::new("e");
        let at = |hours: i64| Instant::from_seconds(hours * 3_600);
        assert_eq!(
            memory.observe(&id, [1; 16], Offset(5), at(0)),
            Sighting::First
        );
        assert_eq!(
            memory.observe(&id, [1; 16], Offset(6), at(71)),
            Sighting::Repeat(Offset(5))
        );
        assert_eq!(
            memory.observe(&id, [2; 16], Offset(7), at(71)),
            Sighting::Conflict(Offset(5))
        );
        assert_eq!(memory.offset_of("e"), Some(Offset(5)));
        assert_eq!(
            memory.observe(&id, [2; 16], Offset(8), at(72)),
            Sighting::First
        );
    }
}
