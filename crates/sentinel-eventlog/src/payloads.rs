//! Payloads: a reusable buffer of many records on their way into a log.
//!
//! Promises no allocation once it has grown to its usual size. Must never know what a payload means.

use sentinel_domain::Instant;

/// Many payloads in one buffer.
#[derive(Debug, Default, Clone)]
pub struct Payloads {
    bytes: Vec<u8>,
    /// Where each payload ends in `bytes`, and how many microseconds of log time after the first one.
    ends: Vec<(usize, u64)>,
    /// The log time of the first payload, where it was given.
    first_time: Option<Instant>,
}

impl Payloads {
    /// Forgets the payloads and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.first_time = None;
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The length of all payloads together.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a payload that `write` appends to the buffer. The buffer holds the payloads before it too.
    ///
    /// # Panics
    /// Where `write` shortens the buffer: it may only append.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        assert!(
            self.bytes.len() >= start,
            "a payload may only be appended, or earlier ones would be lost"
        );
        let after_us = self.ends.last().map_or(0, |(_, after_us)| *after_us);
        self.ends.push((self.bytes.len(), after_us));
    }

    /// As [`Payloads::push_with`], at a log time of its own instead of the append's: for sources whose
    /// log time follows their events. Earlier than the payload before it counts as that one's. Where the
    /// log stands later than the first of them, all are moved by the same amount.
    pub fn push_at(&mut self, time: Instant, write: impl FnOnce(&mut Vec<u8>)) {
        let first = *self.first_time.get_or_insert(time);
        self.push_with(write);
        let after_us = u64::try_from(time.micros_since(first)).unwrap_or(0);
        if let Some(last) = self.ends.last_mut() {
            last.1 = last.1.max(after_us);
        }
    }

    /// Adds a copy of a payload.
    pub fn push(&mut self, payload: &[u8]) {
        self.push_with(|bytes| bytes.extend_from_slice(payload));
    }

    /// The payloads in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |(end, _)| {
            let payload = self.bytes.get(start..*end).unwrap_or_default();
            start = *end;
            payload
        })
    }

    /// The payloads in order, each with its distance from the first in microseconds of log time.
    pub(crate) fn timed(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.ends
            .iter()
            .map(|(_, after_us)| *after_us)
            .zip(self.iter())
    }

    /// The log time of the first payload, where it was given; else the append's.
    pub(crate) fn first_time(&self, now: Instant) -> Instant {
        self.first_time.unwrap_or(now)
    }
}

/// How far a source (a file, a stream) has been appended, recorded together with the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceProgress {
    /// A hash of the source's name; 0 is not allowed.
    pub source: u64,
    /// The number of entries of this source appended after this batch.
    pub next: u64,
}

impl SourceProgress {
    /// The progress where `missing` records at the end of the batch are not there.
    pub(crate) fn without(self, missing: u64) -> Self {
        Self {
            next: self.next.saturating_sub(missing),
            ..self
        }
    }
}
