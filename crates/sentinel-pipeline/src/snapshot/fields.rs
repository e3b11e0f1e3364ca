//! Numbers of a fixed width, little end first: what sections are made of.
//!
//! Promises that reading past the end says what was looked for. Must never allocate.

use sentinel_domain::{Instant, Offset};

/// Appends a number.
pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a time.
pub(crate) fn put_time(out: &mut Vec<u8>, time: Instant) {
    out.extend_from_slice(&time.micros().to_le_bytes());
}

/// What is left of a section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// So many bytes.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], String> {
        let (array, rest) = self
            .0
            .split_first_chunk()
            .ok_or_else(|| format!("{what} is cut short"))?;
        self.0 = rest;
        Ok(*array)
    }

    /// A number.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, String> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A place in the log.
    pub fn offset(&mut self, what: &'static str) -> Result<Offset, String> {
        self.u64(what).map(Offset)
    }

    /// A time.
    pub fn time(&mut self, what: &'static str) -> Result<Instant, String> {
        let micros = self.array(what).map(i64::from_le_bytes)?;
        Ok(Instant::from_micros(micros))
    }

    /// Nothing may follow.
    pub fn finish(self, what: &'static str) -> Result<(), String> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(format!("{} bytes follow {what}", self.0.len()))
        }
    }
}
