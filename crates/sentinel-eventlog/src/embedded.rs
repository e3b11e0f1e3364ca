//! The embedded log: segment files in a directory, written by one thread, or by callers in a simulation.
//!
//! Appenders put ready frames into a bounded queue and leave with their offsets. The writer thread takes
//! whatever is there, writes it in one piece, syncs once and only then moves the end: while it syncs, the
//! next group piles up, so groups grow with the load and nobody waits for a timer. Where several appenders
//! are at work (the last group held more than one append) it gathers for `commit_interval` at most, so that
//! a fast disk is not kept busy with tiny syncs; a lone appender, or one that waits in `flush`, is never
//! made to wait for company.
//!
//! Locks are taken in this order: turn, state, tail, segments, caches. Must never hold the state while writing,
//! except to cut.

mod directory;
mod extent;
mod frame;
mod segment;
mod scanner;
mod recovery;
mod tail;
mod writer;
mod reader;
mod removal;
mod room;
mod walk;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use sentinel_domain::{Instant, LogId, Offset, Partition};

use crate::disk::{Disk, DiskLock};
use crate::error::LogError;
use crate::event_log::{Commits, EmbeddedOptions, OpenReport, Patience, SegmentSize};
use crate::payloads::{Payloads, SourceProgress};
use crate::record_batch::RecordBatch;
use directory::LogDirectory;
use frame::{UnwrittenFrame, frames_of};
pub(crate) use reader::ReadCache;
use recovery::{Recovered, recover};
use room::RoomGauge;
use segment::{Checkpoint, Segment};
use tail::Tail;
use writer::Writer;

pub(crate) use walk::examine;

/// The handle: dropping it closes the log.
pub(crate) struct EmbeddedLog {
    log: Arc<Log>,
    writer: Mutex<Option<Writer>>,
    lock: DiskLock,
}

/// What appenders, readers and the writer thread share.
struct Log {
    directory: LogDirectory,
    options: EmbeddedOptions,
    log_id: LogId,
    state: Mutex<State>,
    /// Wakes the writer.
    work: Condvar,
    /// Wakes everybody else: the end moved, room was made, or the log is no longer running.
    changed: Condvar,
    /// The first offset and the committed end, readable without the state's lock.
    start: AtomicU64,
    end: AtomicU64,
    /// Held by a caller that commits.
    turn: Mutex<()>,
    tail: Mutex<Tail>,
    segments: RwLock<Vec<Arc<Segment>>>,
    cache: ReadCache,
}

/// What stands between appenders and the writer.
struct State {
    queue: Vec<UnwrittenFrame>,
    queue_bytes: usize,
    /// How many appends the queue holds.
    queue_appends: usize,
    queued_since: Option<std::time::Instant>,
    /// Bytes that the writer has taken and not yet committed.
    writing_bytes: usize,
    appended_end: u64,
    /// After everything appended.
    checkpoint: Checkpoint,
    fate: Fate,
    room: RoomGauge,
    /// How many threads wait for `changed`: waking is a system call, and often nobody is there.
    waiting: usize,
    /// How many of them are in a hurry.
    flushing: usize,
    /// What the writer waits for.
    writer: WriterWaits,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Running,
    Closing,
    Closed,
    Poisoned(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriterWaits {
    /// It is at work, and will look at the queue by itself.
    Not,
    /// Any frame will do.
    ForWork,
    /// It has work, and gathers more.
    ForMore,
}

impl State {
    fn running(&self) -> Result<(), LogError> {
        match &self.fate {
            Fate::Running => Ok(()),
            Fate::Closing | Fate::Closed => Err(LogError::Closed),
            Fate::Poisoned(reason) => Err(LogError::Poisoned {
                reason: reason.clone(),
            }),
        }
    }

    /// Readers may go on after an orderly close, not after a failure.
    fn readable(&self) -> Result<(), LogError> {
        match &self.fate {
            Fate::Poisoned(_) => self.running(),
            _ => Ok(()),
        }
    }

    /// Gives the frames of one append their offsets, times and progress, and queues them.
    fn enqueue(
        &mut self,
        now: Instant,
        source: Option<SourceProgress>,
        frames: Vec<UnwrittenFrame>,
    ) {
        let log_time = self
            .checkpoint
            .last_log_time
            .map_or(now, |last| last.max(now));
        let mut missing: u64 = frames
            .iter()
            .map(|frame| u64::from(frame.header.count))
            .sum();
        for mut frame in frames {
            missing -= u64::from(frame.header.count);
            frame.header.base = self.appended_end;
            // Until here they count from the first record of the append.
            frame.header.first_time = log_time.plus_micros(frame.header.first_time.micros());
            frame.header.last_time = log_time.plus_micros(frame.header.last_time.micros());
            frame.header.source = source.map(|progress| progress.without(missing));
            self.appended_end = frame.header.end();
            self.checkpoint.pass(&frame.header);
            self.queue_bytes += frame.bytes.len();
            self.queue.push(frame);
        }
        self.queue_appends += 1;
    }
}

impl Log {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn segments(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<Segment>>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        state.waiting += 1;
        state = self
            .changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    fn wake_waiting(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Wakes the writer if what it waits for is there.
    fn wake_writer(&self, state: &mut State) {
        let wake = match state.writer {
            WriterWaits::Not => false,
            WriterWaits::ForWork => true,
            WriterWaits::ForMore => {
                state.queue_bytes >= self.options.commit_bytes_max
                    || state.flushing > 0
                    || state.fate != Fate::Running
            }
        };
        if wake {
            // Told once is enough, however many appends come before it runs.
            state.writer = WriterWaits::Not;
            self.work.notify_one();
        }
    }

    /// The first failure decides; nothing is tried again.
    fn poison(&self, state: &mut State, reason: String) {
        tracing::error!(
            directory = %self.directory.path.display(),
            reason,
            "the event log failed and must be opened anew"
        );
        if !matches!(state.fate, Fate::Poisoned(_)) {
            state.fate = Fate::Poisoned(reason);
        }
        self.work.notify_one();
        self.changed.notify_all();
    }

    /// Waits until everything appended before is committed.
    fn settle<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
    ) -> Result<MutexGuard<'s, State>, LogError> {
        let target = state.appended_end;
        while self.end.load(Ordering::Acquire) < target {
            state.readable()?;
            if state.fate == Fate::Closed {
                return Err(LogError::Closed);
            }
            if self.options.commits == Commits::ByCaller {
                drop(state);
                self.commit_queued()?;
                state = self.state();
                continue;
            }
            state.flushing += 1;
            self.wake_writer(&mut state);
            state = self.wait(state);
            state.flushing -= 1;
        }
        state.readable()?;
        Ok(state)
    }
}

impl EmbeddedLog {
    pub(crate) fn open(
        disk: &Disk,
        path: &Path,
        options: EmbeddedOptions,
    ) -> Result<(Self, OpenReport), LogError> {
        let directory = LogDirectory::make(disk, path)?;
        let lock = directory.lock()?;
        let Recovered {
            segments,
            tail,
            created,
            torn,
        } = recover(&directory, &options)?;
        let report = OpenReport {
            created,
            end: Offset(tail.end),
            torn,
        };
        let start = segments.first().map_or(tail.end, |first| first.header.base);
        let room = RoomGauge::new(&options);
        let log = Arc::new(Log {
            directory,
            options,
            log_id: tail.segment.header.log_id,
            state: Mutex::new(State {
                queue: Vec::new(),
                queue_bytes: 0,
                queue_appends: 0,
                queued_since: None,
                writing_bytes: 0,
                appended_end: tail.end,
                checkpoint: tail.checkpoint.clone(),
                fate: Fate::Running,
                room,
                waiting: 0,
                flushing: 0,
                writer: WriterWaits::Not,
            }),
            work: Condvar::new(),
            changed: Condvar::new(),
            start: AtomicU64::new(start),
            end: AtomicU64::new(tail.end),
            turn: Mutex::default(),
            tail: Mutex::new(tail),
            segments: RwLock::new(segments),
            cache: ReadCache::default(),
        });
        let writer = writer::begin(&log)?;
        let handle = Self {
            log,
            writer: Mutex::new(Some(writer)),
            lock,
        };
        Ok((handle, report))
    }

    pub(crate) fn log_id(&self) -> LogId {
        self.log.log_id
    }

    pub(crate) fn partition(&self) -> Partition {
        self.log.options.partition
    }

    pub(crate) fn append(
        &self,
        now: Instant,
        source: Option<SourceProgress>,
        payloads: &Payloads,
        patience: Patience,
    ) -> Result<Offset, LogError> {
        let log = &*self.log;
        let frames = frames_of(payloads);
        let mut state = log.state();
        loop {
            state.running()?;
            let waiting_bytes = state.queue_bytes + state.writing_bytes;
            if frames.is_empty() || waiting_bytes <= log.options.pending_bytes_max {
                break;
            }
            if patience == Patience::Refuse {
                return Err(LogError::Full);
            }
            if log.options.commits == Commits::ByCaller {
                drop(state);
                log.commit_queued()?;
                state = log.state();
            } else {
                state = log.wait(state);
            }
        }
        let first = Offset(state.appended_end);
        if !frames.is_empty() {
            let waiting_bytes = (state.queue_bytes + state.writing_bytes) as u64;
            let bytes = frames.iter().map(|frame| frame.bytes.len() as u64).sum();
            // Of a queue that holds something the clock was asked already.
            let queued_since = state.queued_since.unwrap_or_else(std::time::Instant::now);
            state
                .room
                .admit(&log.directory, queued_since, waiting_bytes, bytes)?;
            state.queued_since = Some(queued_since);
            state.enqueue(payloads.first_time(now), source, frames);
            log.wake_writer(&mut state);
        }
        Ok(first)
    }

    pub(crate) fn read(
        &self,
        from: Offset,
        records_max: usize,
        into: &mut RecordBatch,
    ) -> Result<(), LogError> {
        let log = &*self.log;
        log.state().readable()?;
        // Held for the whole read, so that neither truncation nor a cut moves what is being read.
        let segments = log.segments();
        let (start, end) = (self.start(), self.end());
        if from < start {
            let offset = from;
            return Err(LogError::BeforeStart { offset, start });
        }
        if from > end {
            return Err(LogError::PastEnd { offset: from, end });
        }
        log.cache.read(&segments, from.0, end.0, records_max, into)
    }

    /// Reads past the caches and the locks that appenders and other readers need: whoever walks through old
    /// records at leisure, and may lose its processor at any place, must not be waited for. Files that are
    /// dropped meanwhile are read on until the end of this call.
    pub(crate) fn read_apart(
        &self,
        cache: &ReadCache,
        from: Offset,
        records_max: usize,
        into: &mut RecordBatch,
    ) -> Result<(), LogError> {
        self.log.state().readable()?;
        // Before the list of segments is copied: what lies before this end lies in one of them.
        let (start, end) = (self.start(), self.end());
        let segments = self.log.segments().clone();
        if from < start {
            let offset = from;
            return Err(LogError::BeforeStart { offset, start });
        }
        if from > end {
            return Err(LogError::PastEnd { offset: from, end });
        }
        cache.read(&segments, from.0, end.0, records_max, into)
    }

    pub(crate) fn wait_for(&self, offset: Offset, timeout: Duration) -> bool {
        let log = &*self.log;
        if self.end() > offset {
            return true;
        }
        let mut state = log.state();
        state.waiting += 1;
        let unmet = |state: &mut State| {
            log.end.load(Ordering::Acquire) <= offset.0
                && matches!(state.fate, Fate::Running | Fate::Closing)
        };
        let (mut state, _) = log
            .changed
            .wait_timeout_while(state, timeout, unmet)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        self.end() > offset
    }

    pub(crate) fn start(&self) -> Offset {
        Offset(self.log.start.load(Ordering::Acquire))
    }

    pub(crate) fn end(&self) -> Offset {
        Offset(self.log.end.load(Ordering::Acquire))
    }

    pub(crate) fn appended_end(&self) -> Offset {
        Offset(self.log.state().appended_end)
    }

    pub(crate) fn last_log_time(&self) -> Option<Instant> {
        self.log.state().checkpoint.last_log_time
    }

    pub(crate) fn source_next(&self, source: u64) -> u64 {
        let state = self.log.state();
        state.checkpoint.sources.get(&source).copied().unwrap_or(0)
    }

    pub(crate) fn flush(&self) -> Result<(), LogError> {
        self.log.settle(self.log.state()).map(drop)
    }

    /// Segments before the last one were synced when the next one began. No lock is held: the writer goes
    /// on writing meanwhile.
    pub(crate) fn sync(&self) -> Result<(), LogError> {
        self.flush()?;
        let last = self.log.segments().last().cloned();
        let synced = last.map_or(Ok(()), |segment| segment.sync());
        if let Err(error) = &synced {
            self.log.poison(&mut self.log.state(), error.one_line());
        }
        synced
    }

    pub(crate) fn commit_queued(&self) -> Result<(), LogError> {
        match self.log.options.commits {
            Commits::ByCaller => self.log.commit_queued(),
            Commits::ByThread => self.flush(),
        }
    }

    pub(crate) fn truncate_before(&self, offset: Offset) -> Result<(), LogError> {
        let log = &*self.log;
        log.state().running()?;
        let end = self.end();
        if offset > end {
            return Err(LogError::PastEnd { offset, end });
        }
        // One after the other, and no lock that readers want while the disk works.
        let next = || {
            let segments = log.segments();
            removal::oldest_before(&segments, offset.0)
        };
        while let Some((oldest, start)) = next() {
            log.directory.tell_start(start)?;
            let mut segments = log.segments.write().unwrap_or_else(PoisonError::into_inner);
            segments.retain(|one| !Arc::ptr_eq(one, &oldest));
            log.start.store(start, Ordering::Release);
            drop(segments);
            log.directory.remove_segment(&oldest.path)?;
            // Each by itself: a power cut that kept only a later removal would leave a gap.
            log.directory.sync()?;
        }
        Ok(())
    }

    pub(crate) fn segments(&self) -> Result<Vec<SegmentSize>, LogError> {
        let end = self.end();
        let segments = self.log.segments().clone();
        let ends = segments.iter().skip(1).map(|next| Offset(next.header.base));
        segments
            .iter()
            .zip(ends.chain([end]))
            .map(|(segment, end)| {
                let base = Offset(segment.header.base);
                // One that began a moment ago ends behind the end of then.
                let end = end.max(base);
                let bytes = segment.file_bytes()?;
                Ok(SegmentSize { base, end, bytes })
            })
            .collect()
    }

    pub(crate) fn cut(&self, end: Offset) -> Result<(), LogError> {
        let log = &*self.log;
        let state = log.state();
        state.running()?;
        let mut state = log.settle(state)?;
        while self.end().0 < state.appended_end {
            state = log.settle(state)?;
        }
        // From here on nobody appends, because the state stays locked, and the writer has nothing to do.
        state.running()?;
        let start = self.start();
        if end < start {
            let offset = end;
            return Err(LogError::BeforeStart { offset, start });
        }
        if end.0 >= state.appended_end {
            return Ok(());
        }
        let mut tail = log.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let mut segments = log.segments.write().unwrap_or_else(PoisonError::into_inner);
        log.cache.clear();
        match removal::cut_segments(&log.directory, &mut segments, end.0) {
            Ok(left) => {
                state.appended_end = left.end;
                state.checkpoint = left.checkpoint.clone();
                log.end.store(left.end, Ordering::Release);
                *tail = left;
                Ok(())
            }
            Err(error) => {
                log.poison(&mut state, error.one_line());
                Err(error)
            }
        }
    }

    pub(crate) fn close(&self) -> Result<(), LogError> {
        let log = &*self.log;
        // Held to the end, so that a second close returns after the first one is done.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = writer.take() else {
            return log.state().readable();
        };
        let mut state = log.state();
        if state.fate == Fate::Running {
            state.fate = Fate::Closing;
        }
        // Whoever waits for room will not get any.
        log.changed.notify_all();
        log.work.notify_one();
        drop(state);
        writer.finish(log);
        let mut state = log.state();
        if state.fate == Fate::Closing {
            state.fate = Fate::Closed;
        }
        log.changed.notify_all();
        if let Err(error) = self.lock.release() {
            tracing::warn!(%error, "could not release the lock of a log's directory");
        }
        state.readable()
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(error = error.one_line(), "closing an event log failed");
        }
    }
}

#[cfg(test)]
mod tests;
