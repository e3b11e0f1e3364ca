//! Where an entry stands: log, partition, offset.
//!
//! A position names an entry for ever. Nothing after the append needs any other name.

use std::fmt;

use crate::content_hash::{ContentHash, parse_hex, write_hex};

/// The generation of a log: 16 bytes made when the log is created. A re-created log has another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LogId(pub [u8; 16]);

impl LogId {
    /// A log id that follows from the configuration, for reproducible runs.
    pub fn derived_from(configuration: ContentHash) -> Self {
        Self(configuration.short())
    }

    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        parse_hex(text, &mut bytes)?;
        Some(Self(bytes))
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// A partition of a log; each has one owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Partition(pub u16);

/// The place of an entry within its partition, counted from 0 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset `count` entries further on.
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The full name of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogPosition {
    /// The log generation.
    pub log: LogId,
    /// The partition within the log.
    pub partition: Partition,
    /// The offset within the partition.
    pub offset: Offset,
}
