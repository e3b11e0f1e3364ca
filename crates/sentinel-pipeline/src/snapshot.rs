//! Snapshots: the state of the partition behind an offset of its log, as a file.
//!
//! ```text
//!  owner:     log ─▶ decide ─▶ decision log ─▶ alerts, progress
//!                                    │ covered: recorded, synced and followed
//!  snapshot-0: newest snapshot ─▶ log up to there, nothing decided ─▶ file ─▶ renamed into place
//!  start:      newest snapshot that fits ─▶ log from there, the first of it compared with what was recorded ─▶ door opens
//!  snapshot-0: the same snapshot ─▶ the rest of it compared ─▶ file
//! ```
//!
//! A snapshot is made by a second owner of the same log (`maker`): equal prefixes make equal states, so the
//! first owner never stops for it, and each snapshot is read back by the next one made.
//!
//! **Promises:** a file is there whole or not at all; what was changed, cut short or belongs to another log,
//! engine or feature set is refused with file and byte, and the one before it is used; equal states are equal
//! bytes; it covers nothing that is not on the disk in the decision log and followed in the store.
//! **Must never:** hold up a decision; change what a decision is made with; guess where bytes make no sense.
//!
//! Start reading at `folder` (which file is used), then `format` (its bytes), then `maker` (when one is made).

pub mod folder;
pub(crate) mod format;
pub(crate) mod head;
pub(crate) mod fields;
pub mod maker;
pub(crate) mod pace;
pub(crate) mod comparing;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sentinel_domain::Offset;
use sentinel_eventlog::LogError;

use crate::backfill::BackfillError;
use crate::handle::Handle;
use crate::retention::Retention;

pub use folder::{Found, SnapshotFolder, Written};
pub use maker::make;

/// Whether, where and how often snapshots are made.
#[derive(Debug, Clone)]
pub struct SnapshotOptions {
    /// The folder they lie in.
    pub folder: PathBuf,
    /// One is made when so many entries came behind the last; 0: their number does not matter.
    pub every_entries: u64,
    /// One is made when so much time has passed and anything came; zero: time does not matter.
    pub interval: Duration,
    /// A start compares so many recorded outcomes behind the newest one before its door opens, and the others
    /// behind it.
    pub compared_first: u64,
    /// A clean stop makes one where at least so many entries came behind the last.
    pub at_stop_entries: u64,
    /// How much of the logs is kept; what goes is dropped after a snapshot was made.
    pub retention: Retention,
}

impl SnapshotOptions {
    /// The usual pace in a folder: a million entries or five minutes, whichever is first. At a stop, what
    /// takes a second or so to replay is worth one.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            every_entries: 1_000_000,
            interval: Duration::from_secs(300),
            compared_first: 8_192,
            at_stop_entries: 25_000,
            retention: Retention::default(),
        }
    }

    /// The retention with what is in force now.
    pub(crate) fn retention_now(&self, handle: &Handle) -> Retention {
        match handle.in_force().active.decider() {
            Some(decider) => self.retention.for_features(&decider.features),
            None => self.retention,
        }
    }
}

/// How snapshots are doing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SnapshotFigures {
    /// The newest that is known to be good: made by this process, or started from.
    pub newest: Option<Newest>,
    /// How many were made by this process.
    pub made: u64,
    /// How many could not be made or read.
    pub failures: u64,
    /// Bytes of both logs that this process dropped, since they need not be kept.
    pub dropped_bytes: u64,
}

/// The newest snapshot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Newest {
    /// The first entry that is not in it.
    pub offset: Offset,
    /// Its length.
    pub bytes: u64,
    /// When it was written.
    pub written_at: SystemTime,
    /// How long it took to make, the walk over the log included; `None` where another process made it.
    pub seconds: Option<f64>,
}

/// Why a snapshot could not be made, or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The operating system refused.
    #[error("{attempt} {}", file.display())]
    Io {
        /// What was tried.
        attempt: &'static str,
        /// With which file or folder.
        file: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The bytes are not those that were written.
    #[error("snapshot {} is damaged at byte {offset_bytes}: {detail}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in it.
        offset_bytes: u64,
        /// What is wrong there.
        detail: String,
    },
    /// It is whole, and of no use here.
    #[error("snapshot {} does not fit: {detail}", file.display())]
    Unfit {
        /// The file.
        file: PathBuf,
        /// Why.
        detail: String,
    },
    /// The disk may fill up with it, and the log needs what is left.
    #[error(
        "there is no room for a snapshot in {}: it may take {needed_bytes} bytes, {free_bytes} are free; free some, the \
         next is tried in a minute",
        folder.display()
    )]
    NoRoom {
        /// Where snapshots lie.
        folder: PathBuf,
        /// What the disk has.
        free_bytes: u64,
        /// What the snapshot may take, and what the log keeps for itself.
        needed_bytes: u64,
    },
    /// The log's first entries are gone, and no snapshot stands for them.
    #[error(
        "the transaction log begins at {start}, and no snapshot in {} stands for what came before ({tried} \
         were tried; what is wrong with each was told before). Restore the folder from a backup, or begin \
         with an empty data directory",
        folder.display()
    )]
    NothingFits {
        /// The oldest entry that is kept.
        start: Offset,
        /// Where snapshots lie.
        folder: PathBuf,
        /// How many there are.
        tried: usize,
    },
    /// A log could not be read, or not forced to the disk.
    #[error("make a snapshot: use the log at offset {offset}")]
    Log {
        /// Where.
        offset: Offset,
        /// What failed.
        source: LogError,
    },
    /// Whoever made it panicked.
    #[error("whoever makes snapshots panicked over this one; the next is tried in a minute")]
    Panicked,
    /// A feature set on the way could not be filled.
    #[error("make a snapshot")]
    Backfill(#[from] BackfillError),
    /// The owner filled a feature set from entries that the log keeps no longer.
    #[error(
        "make a snapshot: the features activated at offset {at} were filled from {owner}, and the log \
         begins at {here} now; the next clean stop makes one of the owner's own state"
    )]
    OtherHistory {
        /// The activation.
        at: Offset,
        /// Where the owner began, as far as is known.
        owner: String,
        /// Where this walk had to begin.
        here: Offset,
    },
    /// Whoever asked wants it no longer.
    #[error("make a snapshot: stopped before its end")]
    Stopped,
}

impl SnapshotError {
    pub(crate) fn io(attempt: &'static str, file: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            attempt,
            file: file.to_owned(),
            source,
        }
    }
}
