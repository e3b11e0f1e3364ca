//! Examination: what the files of a log hold, without opening it.
//!
//! Reads every frame of every segment, and hands each record to the caller to judge. Takes no lock and
//! writes nothing, so it works beside a running server: what is being written at the end while it looks is
//! told as an unfinished tail, as is what a crash left there.
//!
//! Promises to find what opening would refuse, and in older segments what reading would. Must never
//! change, skip or repair anything.

use std::path::{Path, PathBuf};

use sentinel_domain::{Instant, LogId, LogPosition, Offset, Partition};

use crate::disk::Disk;
use crate::error::LogError;
use crate::record_batch::Record;

/// What the files of a log hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Examination {
    /// The generation of the log, and its partition; `None` where no segment has a head that can be read.
    pub identity: Option<(LogId, Partition)>,
    /// The segments whose head can be read, oldest first.
    pub segments: Vec<SegmentFound>,
    /// Tails that were cut at earlier starts, with their lengths in bytes.
    pub kept: Vec<(PathBuf, u64)>,
    /// The end of the last segment, where it is not a whole frame and may never have been acknowledged.
    pub unfinished: Option<Place>,
    /// What is not as it was written. Behind damage a segment is not read on.
    pub damage: Vec<Place>,
}

/// One segment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFound {
    /// The file.
    pub file: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// The offset of its first record.
    pub base: Offset,
    /// The offset after its last one.
    pub end: Offset,
    /// How many frames it has, those without records included.
    pub frames: u64,
    /// The log times of its first and last record.
    pub times: Option<(Instant, Instant)>,
    /// For each source that was ever named, how many of its entries are in the log up to the end of this
    /// segment.
    pub sources: Vec<(u64, u64)>,
}

/// A place in a file, and what is the matter with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Where it begins, in bytes.
    pub offset_bytes: u64,
    /// What was found.
    pub detail: String,
}

/// What a caller thinks of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is good.
    Good,
    /// It is damaged, and how.
    Bad(String),
    /// Nothing after it is of interest.
    Enough,
}

impl Examination {
    /// The offset of the first record, and the one after the last.
    pub fn offsets(&self) -> (Offset, Offset) {
        let start = self.segments.first().map(|first| first.base);
        let end = self.segments.last().map(|last| last.end);
        (start.unwrap_or_default(), end.unwrap_or_default())
    }
}

/// Reads every frame of the log in a directory; `judge` is asked about each record. An error says that the
/// directory could not be read; damage is no error but part of the answer.
pub fn examine(
    disk: &Disk,
    directory: &Path,
    judge: &mut dyn FnMut(LogPosition, Record<'_>) -> Judgement,
) -> Result<Examination, LogError> {
    crate::embedded::examine(disk, directory, judge)
}
