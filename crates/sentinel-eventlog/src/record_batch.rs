//! Record batches: what a reader gets, in one reusable buffer.
//!
//! Promises consecutive offsets. Holds copies, so a reader never keeps segments or frames alive.

use sentinel_domain::{Instant, Offset};

/// Consecutive records of a log.
#[derive(Debug, Default, Clone)]
pub struct RecordBatch {
    first: Offset,
    times: Vec<Instant>,
    /// Where each payload ends in `bytes`.
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

/// One record of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the log.
    pub offset: Offset,
    /// The time stamped on it when it was appended.
    pub log_time: Instant,
    /// Its content.
    pub payload: &'a [u8],
}

impl RecordBatch {
    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.start_at(Offset::default());
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The record at a place in the batch, counted from 0.
    pub fn get(&self, at: usize) -> Option<Record<'_>> {
        let start = match at.checked_sub(1) {
            None => 0,
            Some(before) => *self.ends.get(before)?,
        };
        Some(Record {
            offset: self.first.plus(at as u64),
            log_time: *self.times.get(at)?,
            payload: self.bytes.get(start..*self.ends.get(at)?)?,
        })
    }

    /// The records in order.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// The length of all payloads together.
    pub(crate) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn start_at(&mut self, first: Offset) {
        self.first = first;
        self.times.clear();
        self.ends.clear();
        self.bytes.clear();
    }

    pub(crate) fn push(&mut self, log_time: Instant, payload: &[u8]) {
        self.times.push(log_time);
        self.bytes.extend_from_slice(payload);
        self.ends.push(self.bytes.len());
    }
}
