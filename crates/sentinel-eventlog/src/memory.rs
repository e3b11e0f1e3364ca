//! The memory log: the model of what a log is, small and obviously right.
//!
//! Promises the whole contract but durability: commit is immediate. Must never hold more payload bytes
//! than its bound and one batch.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sentinel_domain::{Instant, LogId, Offset, Partition};

use crate::error::LogError;
use crate::event_log::{MemoryOptions, Patience, READ_BYTES_MAX, SegmentSize};
use crate::payloads::{Payloads, SourceProgress};
use crate::record_batch::RecordBatch;

pub(crate) struct MemoryLog {
    options: MemoryOptions,
    state: Mutex<State>,
    /// Told after every change that somebody may wait for.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    start: u64,
    records: VecDeque<(Instant, Box<[u8]>)>,
    bytes: usize,
    /// Batches with progress: offset after the last record, record count, progress.
    batches: VecDeque<(u64, u64, SourceProgress)>,
    /// What truncated records left behind.
    time_before_start: Option<Instant>,
    sources_before_start: BTreeMap<u64, u64>,
    sources: BTreeMap<u64, u64>,
    closed: bool,
    /// How many threads wait; without one there is nobody to wake, and waking is a system call.
    waiting: usize,
}

impl State {
    fn end(&self) -> u64 {
        self.start + self.records.len() as u64
    }

    fn open(&self) -> Result<(), LogError> {
        if self.closed {
            return Err(LogError::Closed);
        }
        Ok(())
    }

    fn last_log_time(&self) -> Option<Instant> {
        let last = self.records.back().map(|(time, _)| *time);
        last.or(self.time_before_start)
    }
}

impl MemoryLog {
    pub(crate) fn new(options: MemoryOptions) -> Self {
        Self {
            options,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    pub(crate) fn log_id(&self) -> LogId {
        self.options.log_id
    }

    pub(crate) fn partition(&self) -> Partition {
        Partition::default()
    }

    pub(crate) fn append(
        &self,
        now: Instant,
        source: Option<SourceProgress>,
        payloads: &Payloads,
        patience: Patience,
    ) -> Result<Offset, LogError> {
        let mut state = self.state();
        while !state.closed && !payloads.is_empty() && state.bytes > self.options.bytes_max {
            if patience == Patience::Refuse {
                return Err(LogError::Full);
            }
            state.waiting += 1;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.open()?;
        let first = state.end();
        let now = payloads.first_time(now);
        let log_time = state.last_log_time().map_or(now, |last| last.max(now));
        for (after_us, payload) in payloads.timed() {
            let after_us = i64::try_from(after_us).unwrap_or(i64::MAX);
            state
                .records
                .push_back((log_time.plus_micros(after_us), payload.into()));
        }
        state.bytes += payloads.bytes_len();
        if let Some(progress) = source.filter(|_| !payloads.is_empty()) {
            let end = state.end();
            state.batches.push_back((end, end - first, progress));
            state.sources.insert(progress.source, progress.next);
        }
        self.wake(&state);
        Ok(Offset(first))
    }

    pub(crate) fn read(
        &self,
        from: Offset,
        records_max: usize,
        into: &mut RecordBatch,
    ) -> Result<(), LogError> {
        let state = self.state();
        let Some(skip) = from.0.checked_sub(state.start) else {
            let start = Offset(state.start);
            return Err(LogError::BeforeStart {
                offset: from,
                start,
            });
        };
        if from.0 > state.end() {
            let end = Offset(state.end());
            return Err(LogError::PastEnd { offset: from, end });
        }
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        for (time, payload) in state.records.range(skip..).take(records_max) {
            if into.bytes_len() >= READ_BYTES_MAX {
                break;
            }
            into.push(*time, payload);
        }
        Ok(())
    }

    pub(crate) fn wait_for(&self, offset: Offset, timeout: Duration) -> bool {
        let mut state = self.state();
        if state.end() <= offset.0 && !state.closed {
            state.waiting += 1;
            let unmet = |state: &mut State| state.end() <= offset.0 && !state.closed;
            let (woken, _) = self
                .changed
                .wait_timeout_while(state, timeout, unmet)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.waiting -= 1;
        }
        state.end() > offset.0
    }

    pub(crate) fn start(&self) -> Offset {
        Offset(self.state().start)
    }

    pub(crate) fn end(&self) -> Offset {
        Offset(self.state().end())
    }

    pub(crate) fn appended_end(&self) -> Offset {
        self.end()
    }

    pub(crate) fn last_log_time(&self) -> Option<Instant> {
        self.state().last_log_time()
    }

    pub(crate) fn source_next(&self, source: u64) -> u64 {
        self.state().sources.get(&source).copied().unwrap_or(0)
    }

    #[allow(clippy::unnecessary_wraps, reason = "the shape of the port")]
    pub(crate) fn flush(&self) -> Result<(), LogError> {
        Ok(())
    }

    #[allow(clippy::unnecessary_wraps, reason = "the shape of the port")]
    pub(crate) fn sync(&self) -> Result<(), LogError> {
        Ok(())
    }

    pub(crate) fn commit_queued(&self) -> Result<(), LogError> {
        self.flush()
    }

    pub(crate) fn truncate_before(&self, offset: Offset) -> Result<(), LogError> {
        let mut state = self.state();
        state.open()?;
        if offset.0 > state.end() {
            let end = Offset(state.end());
            return Err(LogError::PastEnd { offset, end });
        }
        while state.start < offset.0
            && let Some((time, payload)) = state.records.pop_front()
        {
            state.start += 1;
            state.bytes -= payload.len();
            state.time_before_start = Some(time);
        }
        while let Some((end, _, progress)) = state.batches.front().copied()
            && end <= state.start
        {
            state.batches.pop_front();
            state
                .sources_before_start
                .insert(progress.source, progress.next);
        }
        self.wake(&state);
        Ok(())
    }

    #[allow(clippy::unnecessary_wraps, reason = "the shape of the port")]
    pub(crate) fn segments(&self) -> Result<Vec<SegmentSize>, LogError> {
        let state = self.state();
        Ok(vec![SegmentSize {
            base: Offset(state.start),
            end: Offset(state.end()),
            bytes: state.bytes as u64,
        }])
    }

    pub(crate) fn cut(&self, end: Offset) -> Result<(), LogError> {
        let mut state = self.state();
        state.open()?;
        if end.0 < state.start {
            let start = Offset(state.start);
            return Err(LogError::BeforeStart { offset: end, start });
        }
        while state.end() > end.0
            && let Some((_, payload)) = state.records.pop_back()
        {
            state.bytes -= payload.len();
        }
        let shortened = |(batch_end, count, progress): (u64, u64, SourceProgress)| {
            let missing = batch_end.saturating_sub(end.0);
            (missing < count).then(|| {
                let progress = progress.without(missing);
                (batch_end - missing, count - missing, progress)
            })
        };
        state.batches = state.batches.drain(..).filter_map(shortened).collect();
        let mut sources = state.sources_before_start.clone();
        for (_, _, progress) in &state.batches {
            sources.insert(progress.source, progress.next);
        }
        state.sources = sources;
        self.wake(&state);
        Ok(())
    }

    #[allow(clippy::unnecessary_wraps, reason = "the shape of the port")]
    pub(crate) fn close(&self) -> Result<(), LogError> {
        let mut state = self.state();
        state.closed = true;
        self.wake(&state);
        Ok(())
    }
}
