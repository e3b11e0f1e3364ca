//! The binary form of entries and outcomes.
//!
//! A payload is one kind byte, one codec version byte, then the fields of that kind: closed words by
//! their code, integers as varints (zigzag where they have a sign) or in little-endian bytes where they are
//! always large, texts with their length first.
//!
//! Promises that reading gives back exactly what was written, and refuses everything else without a
//! panic. Must never change what a version's bytes mean: `tests/it/codec.rs` pins them.

mod cursor;
mod entry;
mod outcome;
mod versions;

pub use entry::{decode_entry, encode_entry, skipped_by};
pub use outcome::{OutcomeEncoder, decode_outcome, outcome_body};
pub use versions::VersionsTable;
