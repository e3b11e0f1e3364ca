//! The writer: the one thread that writes frames and moves the end.
//!
//! Promises that the end moves only after what lies before it is as durable as the log was told to be.
//! Must never try a failed write or sync again: it poisons the log and stops.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use super::frame::{Frame, UnwrittenFrame};
use super::{Fate, Log, WriterWaits};
use crate::error::LogError;
use crate::event_log::Durability;

/// What is committed together.
struct Group {
    frames: Vec<UnwrittenFrame>,
    appends: usize,
}

/// Starts the thread. It ends when the log is closed or poisoned.
pub(super) fn spawn(log: &Arc<Log>) -> Result<JoinHandle<()>, LogError> {
    let shared = Arc::clone(log);
    std::thread::Builder::new()
        .name("log-writer".to_owned())
        .spawn(move || run(&PoisonOnPanic(shared).0))
        .map_err(LogError::io("start the writer of", &log.directory))
}

/// A writer that dies must not leave anybody waiting for it.
struct PoisonOnPanic(Arc<Log>);

impl Drop for PoisonOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let reason = "the writer thread panicked".to_owned();
            self.0.poison(&mut self.0.state(), reason);
        }
    }
}

fn run(log: &Log) {
    let mut crowded = false;
    while let Some(group) = log.take_group(crowded) {
        crowded = group.appends > 1;
        match log.write_group(group) {
            Ok(frames) => log.publish(frames),
            Err(error) => return log.poison(&mut log.state(), error.one_line()),
        }
    }
    if log.state().readable().is_err() {
        return;
    }
    let mut tail = log.tail.lock().unwrap_or_else(PoisonError::into_inner);
    let sealed = tail.seal();
    drop(tail);
    if let Err(error) = sealed {
        log.poison(&mut log.state(), error.one_line());
    }
}

impl Log {
    /// Waits for frames, gathers more where that pays, and takes all of them. `None` when there is nothing
    /// left to write and nothing will come.
    fn take_group(&self, crowded: bool) -> Option<Group> {
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
        state.queued_since = None;
        state.writing_bytes = std::mem::take(&mut state.queue_bytes);
        Some(Group {
            frames: std::mem::take(&mut state.queue),
            appends: std::mem::take(&mut state.queue_appends),
        })
    }

    fn write_group(&self, group: Group) -> Result<Vec<Arc<Frame>>, LogError> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let segment_bytes_max = self.options.segment_bytes_max;
        let frames = tail.write(
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
        )?;
        if self.options.durability == Durability::Always {
            tail.sync()?;
        }
        Ok(frames)
    }

    /// Lets readers see what was written.
    fn publish(&self, frames: Vec<Arc<Frame>>) {
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
