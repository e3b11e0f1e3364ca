//! The event log: one type over a closed set of backends.
//!
//! Promises the contract told at the head of the crate, whichever backend is inside. Must never let a
//! caller see which one it is, other than by how it was made.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sentinel_domain::{Instant, LogId, Offset, Partition};

use crate::disk::Disk;
use crate::embedded::{EmbeddedLog, ReadCache};
use crate::error::LogError;
use crate::hold::{Hold, Holds};
use crate::memory::MemoryLog;
use crate::payloads::{Payloads, SourceProgress};
use crate::record_batch::{Record, RecordBatch};

/// The largest single record.
pub const RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A batch that is read stops after this many payload bytes, but holds at least one record.
pub const READ_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Records that a walk reads at once.
const WALK_RECORDS: usize = 4_096;

/// One partition of an ordered, durable log of byte records. A clone is another handle to the same log.
#[derive(Clone)]
pub struct EventLog {
    backend: Arc<Backend>,
    holds: Arc<Holds>,
}

/// A file of a log, or what stands for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSize {
    /// The offset of its first record.
    pub base: Offset,
    /// The offset after its last one.
    pub end: Offset,
    /// Its length in bytes.
    pub bytes: u64,
}

/// A reader with a memory of its own: it leaves that of the log to those who follow its end, and holds
/// nothing that they wait for. For long walks beside the owner of a partition.
pub struct ReaderApart {
    log: EventLog,
    cache: ReadCache,
}

impl ReaderApart {
    /// The log that it reads.
    pub fn log(&self) -> &EventLog {
        &self.log
    }

    /// As [`EventLog::read`]. The log may not be cut meanwhile.
    pub fn read(
        &self,
        from: Offset,
        records_max: usize,
        into: &mut RecordBatch,
    ) -> Result<(), LogError> {
        into.start_at(from);
        match &*self.log.backend {
            Backend::Memory(log) => log.read(from, records_max, into),
            Backend::Embedded(log) => log.read_apart(&self.cache, from, records_max, into),
        }
    }
}

enum Backend {
    Memory(MemoryLog),
    Embedded(EmbeddedLog),
}

/// How a memory log is made.
#[derive(Debug, Clone)]
pub struct MemoryOptions {
    /// The generation of the log.
    pub log_id: LogId,
    /// Append blocks while more payload bytes than this are held; truncation makes room.
    pub bytes_max: usize,
}

/// How an embedded log is opened.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The generation of the log, used only where the directory holds none yet.
    pub new_log_id: LogId,
    /// The offset of the first record, used only where the directory holds no log yet: for one that goes with another
    /// whose beginning was dropped.
    pub new_start: Offset,
    /// The partition; a directory of another one is refused.
    pub partition: Partition,
    /// A new segment file begins before one grows beyond this.
    pub segment_bytes_max: u64,
    /// How long the writer gathers further appends before it writes, counted from the first one. It does
    /// so only while several appenders are at work, so a lone one never waits. Zero gathers nothing.
    pub commit_interval: Duration,
    /// The writer gathers no longer once this much is waiting.
    pub commit_bytes_max: usize,
    /// Append blocks while more than this is not yet committed.
    pub pending_bytes_max: usize,
    /// When bytes are forced to the disk.
    pub durability: Durability,
    /// Who writes what was appended.
    pub commits: Commits,
    /// Append refuses with [`LogError::DiskFull`] where less than this would stay free on the disk, in
    /// bytes. `None`: the smaller of 256 MiB and 5 % of the disk, a quarter of that with
    /// [`Durability::Never`], since such a log has to take what follows from another one. Zero never looks.
    pub free_bytes_min: Option<u64>,
}

impl EmbeddedOptions {
    /// The usual bounds, for a log that gets this id if it is new.
    pub fn new(new_log_id: LogId) -> Self {
        Self {
            new_log_id,
            new_start: Offset(0),
            partition: Partition::default(),
            segment_bytes_max: 64 * 1024 * 1024,
            commit_interval: Duration::from_millis(1),
            commit_bytes_max: 256 * 1024,
            pending_bytes_max: 8 * 1024 * 1024,
            durability: Durability::Always,
            commits: Commits::ByThread,
            free_bytes_min: None,
        }
    }
}

impl Default for EmbeddedOptions {
    /// As [`EmbeddedOptions::new`] with the log id of all zeros: set `new_log_id` beside it.
    fn default() -> Self {
        Self::new(LogId::default())
    }
}

/// When bytes are forced to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Each group commit is synced before anybody can read it.
    Always,
    /// Written without sync, for what can be rebuilt; still synced behind each MiB, when a segment is full and on close.
    Never,
}

/// Who writes what was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commits {
    /// A thread of the log, as soon as something is there.
    ByThread,
    /// Whoever calls [`EventLog::commit_queued`], `flush`, `cut` or `close`, or appends where too much is
    /// waiting. No thread is started, so that a simulation runs the same way every time.
    ByCaller,
}

/// What was found when a log was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// Whether the directory held no log before.
    pub created: bool,
    /// The offset after the last record.
    pub end: Offset,
    /// The unfinished tail that was cut, where there was one.
    pub torn: Option<TornTail>,
}

/// An unfinished tail that was cut: a write that a crash interrupted. It was never acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment file that was cut.
    pub file: PathBuf,
    /// Its length now.
    pub offset_bytes: u64,
    /// How many bytes were cut.
    pub bytes: u64,
    /// Where they are kept.
    pub kept_as: PathBuf,
}

/// Whether an append waits for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    Wait,
    Refuse,
}

/// Calls the same method on whichever backend is inside.
macro_rules! on_backend {
    ($log:expr, $inner:ident => $call:expr) => {
        match &*$log.backend {
            Backend::Memory($inner) => $call,
            Backend::Embedded($inner) => $call,
        }
    };
}

impl EventLog {
    /// A new log in memory.
    pub fn memory(options: MemoryOptions) -> Self {
        Self::over(Backend::Memory(MemoryLog::new(options)))
    }

    /// Opens the log in a directory, or makes one there. Damage refuses with file and byte offset; an
    /// unfinished tail is cut and reported.
    pub fn open(
        directory: &Path,
        options: EmbeddedOptions,
    ) -> Result<(Self, OpenReport), LogError> {
        Self::open_on(&Disk::Real, directory, options)
    }

    /// As [`EventLog::open`], on a disk of the caller's choice.
    pub fn open_on(
        disk: &Disk,
        directory: &Path,
        options: EmbeddedOptions,
    ) -> Result<(Self, OpenReport), LogError> {
        let (embedded, report) = EmbeddedLog::open(disk, directory, options)?;
        Ok((Self::over(Backend::Embedded(embedded)), report))
    }

    fn over(backend: Backend) -> Self {
        Self {
            backend: Arc::new(backend),
            holds: Arc::default(),
        }
    }

    /// The generation of the log.
    pub fn log_id(&self) -> LogId {
        on_backend!(self, log => log.log_id())
    }

    /// Which partition this is.
    pub fn partition(&self) -> Partition {
        on_backend!(self, log => log.partition())
    }

    /// Appends a batch and returns the offset of its first record at once, before it is durable. Blocks
    /// only while too much is waiting.
    pub fn append(
        &self,
        now: Instant,
        source: Option<SourceProgress>,
        payloads: &Payloads,
    ) -> Result<Offset, LogError> {
        check_batch(source, payloads)?;
        on_backend!(self, log => log.append(now, source, payloads, Patience::Wait))
    }

    /// As [`EventLog::append`], but [`LogError::Full`] instead of blocking.
    pub fn try_append(
        &self,
        now: Instant,
        source: Option<SourceProgress>,
        payloads: &Payloads,
    ) -> Result<Offset, LogError> {
        check_batch(source, payloads)?;
        on_backend!(self, log => log.append(now, source, payloads, Patience::Refuse))
    }

    /// Reads committed records from an offset on, at most `records_max`. `into` is cleared first; it
    /// stays empty where `from` is the end.
    pub fn read(
        &self,
        from: Offset,
        records_max: usize,
        into: &mut RecordBatch,
    ) -> Result<(), LogError> {
        into.start_at(from);
        on_backend!(self, log => log.read(from, records_max, into))
    }

    /// A reader with a memory of its own.
    pub fn reader_apart(&self) -> ReaderApart {
        ReaderApart {
            log: self.clone(),
            cache: ReadCache::default(),
        }
    }

    /// Reads every record from an offset to the end that there is now, each with its checksum, and returns that end; an
    /// error comes with the offset that could not be read.
    pub fn walk(
        &self,
        from: Offset,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Offset, (Offset, LogError)> {
        let (mut next, end) = (from, self.end());
        let mut batch = RecordBatch::default();
        while next < end {
            self.read(next, WALK_RECORDS, &mut batch)
                .map_err(|error| (next, error))?;
            batch.iter().for_each(&mut *each);
            next = next.plus(batch.len() as u64);
        }
        Ok(next)
    }

    /// Waits until the record at `offset` can be read. False where the time ran out first, or the log
    /// was closed or poisoned.
    pub fn wait_for(&self, offset: Offset, timeout: Duration) -> bool {
        on_backend!(self, log => log.wait_for(offset, timeout))
    }

    /// The offset of the oldest record that is kept.
    pub fn start(&self) -> Offset {
        on_backend!(self, log => log.start())
    }

    /// The offset after the last committed record.
    pub fn end(&self) -> Offset {
        on_backend!(self, log => log.end())
    }

    /// The offset the next record will get.
    pub fn appended_end(&self) -> Offset {
        on_backend!(self, log => log.appended_end())
    }

    /// The log time of the last appended record, committed or not.
    pub fn last_log_time(&self) -> Option<Instant> {
        on_backend!(self, log => log.last_log_time())
    }

    /// How many entries of a source have been appended, committed or not; 0 where it was never seen.
    pub fn source_next(&self, source: u64) -> u64 {
        on_backend!(self, log => log.source_next(source))
    }

    /// Returns when everything appended so far is committed. With [`Durability::Never`] that means
    /// written, not synced.
    pub fn flush(&self) -> Result<(), LogError> {
        on_backend!(self, log => log.flush())
    }

    /// Returns when everything appended so far is on the disk, with [`Durability::Never`] too.
    pub fn sync(&self) -> Result<(), LogError> {
        on_backend!(self, log => log.sync())
    }

    /// Commits what is queued now, in one group, on the caller's thread, where the log was opened with
    /// [`Commits::ByCaller`]; does what `flush` does elsewhere.
    pub fn commit_queued(&self) -> Result<(), LogError> {
        on_backend!(self, log => log.commit_queued())
    }

    /// Drops records before an offset. Whole segments only, so some may stay; nothing while the start is held.
    pub fn truncate_before(&self, offset: Offset) -> Result<(), LogError> {
        self.truncate_by(|| Ok(offset))
    }

    /// The same, for an offset that `choose` gives. It is asked where nobody holds the start, and nobody begins to while
    /// it chooses.
    pub fn truncate_by<E: From<LogError>>(
        &self,
        choose: impl FnOnce() -> Result<Offset, E>,
    ) -> Result<(), E> {
        let held = self.holds.lock();
        if *held > 0 {
            return Ok(());
        }
        let offset = choose()?;
        on_backend!(self, log => log.truncate_before(offset)).map_err(E::from)
    }

    /// Keeps the oldest record where it is until the hold is dropped.
    pub fn hold(&self) -> Hold {
        self.holds.take(|| self.start())
    }

    /// Its files, oldest first, with their lengths.
    pub fn segments(&self) -> Result<Vec<SegmentSize>, LogError> {
        on_backend!(self, log => log.segments())
    }

    /// Drops everything at and after an offset, as if it had never been appended. Nothing happens where
    /// the log ends before it. For recovery: a reader may have seen what is dropped.
    pub fn cut(&self, end: Offset) -> Result<(), LogError> {
        on_backend!(self, log => log.cut(end))
    }

    /// Commits and syncs what was appended, stops the writer and wakes every waiter. Reading goes on to
    /// work. A second close does nothing.
    pub fn close(&self) -> Result<(), LogError> {
        on_backend!(self, log => log.close())
    }
}

fn check_batch(source: Option<SourceProgress>, payloads: &Payloads) -> Result<(), LogError> {
    if source.is_some_and(|progress| progress.source == 0) {
        return Err(LogError::SourceZero);
    }
    match payloads.iter().map(<[u8]>::len).max() {
        Some(bytes) if bytes > RECORD_BYTES_MAX => Err(LogError::RecordTooLarge {
            bytes,
            bytes_max: RECORD_BYTES_MAX,
        }),
        _ => Ok(()),
    }
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLog")
            .field("log_id", &self.log_id())
            .field("partition", &self.partition())
            .field("start", &self.start())
            .field("end", &self.end())
            .finish()
    }
}
