//! Payloads: a reusable buffer of many records on their way into a log.
//!
//! Promises no allocation once it has grown to its usual size. Must never know what a payload means.

/// Many payloads in one buffer.
#[derive(Debug, Default, Clone)]
pub struct Payloads {
    bytes: Vec<u8>,
    /// Where each payload ends in `bytes`.
    ends: Vec<usize>,
}

impl Payloads {
    /// Forgets the payloads and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
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
        self.ends.push(self.bytes.len());
    }

    /// Adds a copy of a payload.
    pub fn push(&mut self, payload: &[u8]) {
        self.push_with(|bytes| bytes.extend_from_slice(payload));
    }

    /// The payloads in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let payload = self.bytes.get(start..*end).unwrap_or_default();
            start = *end;
            payload
        })
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
