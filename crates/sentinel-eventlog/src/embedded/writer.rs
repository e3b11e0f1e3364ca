//! The writer: writes frames and moves the end, on a thread of its own or when a caller says so.
//!
//! Both ways take a group, write it and publish it by the same functions; only the waiting differs.
//!
//! Promises that the end moves only after what lies before it is as durable as the log was told to be.
//! Must never try a failed write or sync again: it poisons the log and stops.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use super::frame::{Frame, UnwrittenFrame};
use super::{Fate, Log, State, WriterWaits};
use crate::disk::PlantedBug;
use crate::error::LogError;
use crate::event_log::{Commits, Durability};

/// Where groups are not synced, so much gathers before it is.
const UNSYNCED_BYTES_MAX: u64 = 1024 * 1024;

/// What is committed together.
struct Group {
    frames: Vec<UnwrittenFrame>,
    appends: usize,
}

/// Who writes.
pub(super) enum Writer {
    Thread(JoinHandle<()>),
    Caller,
}

/// Starts the thread, where there shall be one. It ends when the log is closed or poisoned.
pub(super) fn begin(log: &Arc<Log>) -> Result<Writer, LogError> {
    if log.options.commits == Commits::ByCaller {
        return Ok(Writer::Caller);
    }
    let shared = Arc::clone(log);
    std::thread::Builder::new()
        .name("log-writer".to_owned())
        .spawn(move || run(PoisonOnPanic(&shared).0))
        .map(Writer::Thread)
        .map_err(LogError::io("start the writer of", &log.directory.path))
}

impl Writer {
    /// Writes what is left and seals the end, after the log was told to close.
    pub(super) fn finish(self, log: &Log) {
        match self {
            Self::Caller => {
                if log.commit_queued().is_ok() {
                    log.seal_tail();
                }
            }
            Self::Thread(thread) => {
                if thread.join().is_err() {
                    log.poison(&mut log.state(), "the writer thread panicked".to_owned());
                }
            }
        }
    }
}

/// A writer that dies must not leave anybody waiting for it.
struct PoisonOnPanic<'a>(&'a Log);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let reason = "the writer panicked".to_owned();
            self.0.poison(&mut self.0.state(), reason);
        }
    }
}

fn run(log: &Log) {
    let mut crowded = false;
    while let Some(group) = log.wait_for_group(crowded) {
        crowded = group.appends > 1;
        if log.commit(group).is_err() {
            return;
        }
    }
    if log.state().readable().is_ok() {
        log.seal_tail();
    }
}

impl State {
    /// Takes everything that is queued.
    fn take_group(&mut self) -> Group {
        self.queued_since = None;
        self.writing_bytes = std::mem::take(&mut self.queue_bytes);
        Group {
            frames: std::mem::take(&mut self.queue),
            appends: std::mem::take(&mut self.queue_appends),
        }
    }
}

impl Log {
    /// Waits for frames, gathers more where that pays, and takes all of them. `None` when there is nothing
    /// left to write and nothing will come.
    fn wait_for_group(&self, crowded: bool) -> Option<Group> {
        let mut state = self.state();
        loop {
            let gathered = state.queued_since.map(|since| since.elapsed());
            match gathered {
                None if state.fate != Fate::Running => return None,
                None => {
                    state.writer = WriterWaits::ForWork;
                    state = self
                        .work
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                Some(gathered) => {
                    let enough = !crowded
                        || state.flushing > 0
                        || state.fate != Fate::Running
                        || state.queue_bytes >= self.options.commit_bytes_max;
                    let left = self.options.commit_interval.saturating_sub(gathered);
                    if enough || left.is_zero() {
                        break;
                    }
                    state.writer = WriterWaits::ForMore;
                    (state, _) = self
                        .work
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
            state.writer = WriterWaits::Not;
        }
        if matches!(state.fate, Fate::Poisoned(_)) {
            return None;
        }
        Some(state.take_group())
    }

    /// Commits what is queued now on the caller's thread. One caller at a time, so that groups are written
    /// in the order in which they were taken.
    pub(super) fn commit_queued(&self) -> Result<(), LogError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let _guard = PoisonOnPanic(self);
        let mut state = self.state();
        state.readable()?;
        let group = state.take_group();
        drop(state);
        if group.frames.is_empty() {
            return Ok(());
        }
        self.commit(group)
    }

    /// Writes a group, makes it durable and lets readers see it; poisons the log where that fails.
    fn commit(&self, group: Group) -> Result<(), LogError> {
        let committed = self.write_group(group).and_then(|frames| {
            if self
                .directory
                .disk
                .planted(PlantedBug::AcknowledgeBeforeSync)
            {
                self.publish(frames);
                return self.sync_group();
            }
            self.sync_group()?;
            self.publish(frames);
            self.sync_behind()
        });
        if let Err(error) = &committed {
            self.poison(&mut self.state(), error.one_line());
        }
        committed
    }

    fn write_group(&self, group: Group) -> Result<Vec<Frame>, LogError> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let segment_bytes_max = self.options.segment_bytes_max;
        tail.write(
            &self.directory,
            segment_bytes_max,
            group.frames,
            |segment| {
                let mut segments = self
                    .segments
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                segments.push(Arc::clone(segment));
            },
        )
    }

    fn sync_group(&self) -> Result<(), LogError> {
        if self.options.durability == Durability::Never
            || self.directory.disk.planted(PlantedBug::SkipFileSync)
        {
            return Ok(());
        }
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.sync()
    }

    /// Where groups are not synced, syncs what has gathered, behind what readers see already. Left to the system it would be
    /// written half a minute later, all of it at once, and whoever syncs another log on the same disk would wait for that.
    fn sync_behind(&self) -> Result<(), LogError> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.unsynced_bytes() < UNSYNCED_BYTES_MAX
            || self.directory.disk.planted(PlantedBug::SkipFileSync)
        {
            return Ok(());
        }
        tail.sync()
    }

    fn seal_tail(&self) {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let sealed = tail.seal(&self.directory);
        drop(tail);
        if let Err(error) = sealed {
            self.poison(&mut self.state(), error.one_line());
        }
    }

    /// Lets readers see what was written.
    fn publish(&self, frames: Vec<Frame>) {
        let end = frames.last().map(|frame| frame.header.end());
        self.cache.keep(frames);
        let mut state = self.state();
        state.writing_bytes = 0;
        if let Some(end) = end {
            self.end.store(end, Ordering::Release);
        }
        self.wake_waiting(&state);
    }
}
