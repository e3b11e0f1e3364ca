//! sentinel-eventlog: an ordered, durable log of byte records, and the binary form of what is in it.
//!
//! **Enters:** batches of payloads with the appender's idea of now. **Leaves:** records, each with its
//! offset and its log time, in one order for every reader, for ever.
//!
//! ```text
//!  append ──▶ queue ──▶ writer thread ──▶ segment file ──▶ end moves ──▶ read
//!  (offset)   bounded   one write and      (checksum a       (waiters
//!                       one sync a group    frame)            wake)
//! ```
//!
//! # The contract of a log
//!
//! One [`EventLog`] is one partition. Every backend keeps these promises; `tests/it/contract.rs` holds
//! them to it.
//!
//! * **Offsets** count from 0 without gaps. The records of one append lie side by side, in the order in
//!   which they were handed in, whoever else appends.
//! * **Append** answers at once with the offset of its first record: the place is settled, the record is
//!   not yet durable. It blocks only where too much is waiting; `try_append` says [`LogError::Full`] then.
//!   A batch is let in whole as soon as no more than the bound is waiting, so it may overshoot once.
//! * **Log time** never goes back: it is the greater of what the appender says and the last log time. The
//!   log asks no clock for it.
//! * **End** is the offset after the last committed record. Only what lies before it can be read, and
//!   what could be read once is there after a crash ([`Durability::Always`]), whole and unchanged.
//! * **Reading** at the end gives an empty batch; before the start or past the end it is an error, never
//!   a silent jump. A batch also stops after a few MiB, but holds at least one record where there is one.
//! * **Source progress** travels in the same frame as the records it speaks of: after a crash it is
//!   neither ahead of nor behind what the log holds. Every record of such a batch counts as one entry of
//!   the source. It outlives the truncation of its records. An empty batch appends nothing, its progress
//!   included.
//! * **Truncation** before an offset drops whole segments, so the start may stay below that offset. It drops
//!   nothing while somebody holds the start ([`EventLog::hold`]).
//!   **Cut** drops everything at and after an offset, and takes progress and log time back with it; it is
//!   for recovery, when nobody reads.
//! * **A failed write or sync poisons the log**: what the disk holds is then unknown, and a second sync
//!   may claim success for pages the kernel has dropped. So nothing is tried again, every later call says
//!   [`LogError::Poisoned`], all waiters wake, and the process has to restart and look at the disk.
//! * **A nearly full disk** refuses an append with [`LogError::DiskFull`] while there is still a reserve;
//!   nothing is broken by that, and appends go on as soon as there is room.
//! * **Damage is never skipped.** Only an unfinished tail of the last segment is cut, kept in a `.torn`
//!   file and reported; anything else refuses with file and byte offset, missing files at either end
//!   included. [`examine`] looks for damage without opening the log.
//!
//! # The codec
//!
//! [`encode_entry`] and [`OutcomeEncoder`] write the nouns of `sentinel-domain` as payloads, and
//! [`decode_entry`] and [`decode_outcome`] read them back exactly. Decoding trusts nothing: it never
//! panics, and never allocates more than the payload's own length justifies. The bytes are pinned by a
//! golden test; another form needs another version byte, and old versions stay readable.
//!
//! **Must never:** look into a payload while storing it; read a wall clock; repair anything silently.
//!
//! Start reading at [`event_log`], then `memory` (the model), then `embedded`, which reaches files through
//! [`disk`] only; `simulation` tries to break it.

pub mod event_log;
pub mod hold;
pub mod error;
pub mod payloads;
pub mod record_batch;
mod memory;
pub mod disk;
mod embedded;
pub mod examination;
mod varint;
pub mod codec;
#[cfg(test)]
mod simulation;

pub use codec::{
    OutcomeEncoder, VersionsTable, decode_entry, decode_outcome, encode_entry, outcome_body,
    skipped_by,
};
pub use disk::Disk;
pub use error::{CodecError, LogError};
pub use event_log::{
    Commits, Durability, EmbeddedOptions, EventLog, MemoryOptions, OpenReport, ReaderApart,
    SegmentSize, TornTail,
};
pub use examination::{Examination, Judgement, examine};
pub use hold::Hold;
pub use payloads::{Payloads, SourceProgress};
pub use record_batch::{Record, RecordBatch};
