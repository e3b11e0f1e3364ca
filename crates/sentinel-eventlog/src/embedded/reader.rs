//! The reader: from an offset to records, without touching the disk where it can.
//!
//! A reader that follows the end is served from the frames committed last; one that walks through old
//! segments from a run of frames read in one piece; and a place remembered for each reader spares the walk
//! inside a frame. Losing any of that costs time and changes no answer.
//!
//! Promises that only committed records are given, each from a frame whose checksum held.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sentinel_domain::Offset;

use super::frame::Frame;
use super::scanner::{Found, Scanner};
use super::segment::Segment;
use crate::error::LogError;
use crate::event_log::READ_BYTES_MAX;
use crate::record_batch::RecordBatch;

/// Frames committed last are kept up to this many bytes.
const RECENT_BYTES: usize = 4 * 1024 * 1024;
/// Old frames are read in pieces of about this size, and this many pieces are kept.
const RUN_BYTES: usize = 256 * 1024;
const RUNS_MAX: usize = 8;
/// This many readers' places are remembered.
const PLACES_MAX: usize = 16;

/// What is remembered between reads.
#[derive(Default)]
pub(crate) struct ReadCache {
    recent: Mutex<RecentFrames>,
    runs: Mutex<VecDeque<Arc<Run>>>,
    places: Mutex<VecDeque<Place>>,
}

#[derive(Default)]
struct RecentFrames {
    frames: VecDeque<Frame>,
    bytes: usize,
}

/// Consecutive frames of one segment.
struct Run {
    frames: Vec<Frame>,
}

/// A frame, the run that it was found in and its place there.
type InRun = (Frame, (Arc<Run>, usize));

/// Where a reader stopped in the middle of a frame.
#[derive(Clone)]
struct Place {
    offset: u64,
    frame: Frame,
    /// Where the record at `offset` begins in the frame's body.
    at: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ReadCache {
    /// Keeps frames that have just been written.
    pub(super) fn keep(&self, frames: Vec<Frame>) {
        let mut recent = lock(&self.recent);
        for frame in frames.into_iter().filter(|frame| frame.header.count > 0) {
            recent.bytes += frame.header.frame_bytes();
            recent.frames.push_back(frame);
        }
        while recent.bytes > RECENT_BYTES
            && recent.frames.len() > 1
            && let Some(frame) = recent.frames.pop_front()
        {
            recent.bytes -= frame.header.frame_bytes();
        }
    }

    /// Forgets everything, because offsets are about to mean other records.
    pub(super) fn clear(&self) {
        *lock(&self.recent) = RecentFrames::default();
        lock(&self.runs).clear();
        lock(&self.places).clear();
    }

    /// Fills a batch with records from `from` on; all before `end` are committed.
    pub(super) fn read(
        &self,
        segments: &[Arc<Segment>],
        from: u64,
        end: u64,
        records_max: usize,
        into: &mut RecordBatch,
    ) -> Result<(), LogError> {
        let mut next = from;
        let (mut stopped, mut run) = (None, None);
        while next < end && into.len() < records_max && into.bytes_len() < READ_BYTES_MAX {
            let (frame, mut at) = match following(&mut run, next) {
                Some(frame) => (frame, 0),
                None => self.locate((segments, next, end), &mut run)?,
            };
            while next < frame.header.end()
                && into.len() < records_max
                && into.bytes_len() < READ_BYTES_MAX
            {
                let (log_time, payload) = frame
                    .record(&mut at)
                    .ok_or_else(|| malformed(segments, &frame))?;
                into.push(log_time, payload);
                next += 1;
            }
            stopped = (next < frame.header.end()).then_some((frame, at));
        }
        self.remember(from, next, stopped);
        Ok(())
    }

    /// The frame that holds an offset, and where its record begins there; the run that it was found in, and its place there,
    /// where it was.
    fn locate(
        &self,
        (segments, next, end): (&[Arc<Segment>], u64, u64),
        run: &mut Option<(Arc<Run>, usize)>,
    ) -> Result<(Frame, usize), LogError> {
        if let Some(place) = lock(&self.places).iter().find(|place| place.offset == next) {
            return Ok((place.frame.clone(), place.at));
        }
        let recent = find_in(&lock(&self.recent).frames, next);
        let frame = match recent {
            Some(frame) => frame,
            None => {
                let (frame, found) = match self.find_in_runs(next) {
                    Some(found) => found,
                    None => self.load(segments, next, end)?,
                };
                *run = Some(found);
                frame
            }
        };
        let at = frame
            .find(next)
            .ok_or_else(|| malformed(segments, &frame))?;
        Ok((frame, at))
    }

    /// Replaces the place a reader came from by the one where it stopped.
    fn remember(&self, from: u64, next: u64, stopped: Option<(Frame, usize)>) {
        let mut places = lock(&self.places);
        places.retain(|place| place.offset != from && place.offset != next);
        if let Some((frame, at)) = stopped {
            places.push_back(Place {
                offset: next,
                frame,
                at,
            });
        }
        if places.len() > PLACES_MAX {
            places.pop_front();
        }
    }

    fn find_in_runs(&self, next: u64) -> Option<InRun> {
        // The newest first: whoever goes straight ahead is in it.
        lock(&self.runs).iter().rev().find_map(|run| {
            let after = run
                .frames
                .partition_point(|frame| frame.header.base <= next);
            let at = after.checked_sub(1)?;
            let frame = run.frames.get(at)?;
            (next < frame.header.end()).then(|| (frame.clone(), (Arc::clone(run), at)))
        })
    }

    /// Reads a run of frames from disk, beginning with the one that holds `next`.
    fn load(&self, segments: &[Arc<Segment>], next: u64, end: u64) -> Result<InRun, LogError> {
        let after = segments.partition_point(|segment| segment.header.base <= next);
        let Some(segment) = after.checked_sub(1).and_then(|at| segments.get(at)) else {
            let start = segments.first().map_or(end, |first| first.header.base);
            return Err(LogError::BeforeStart {
                offset: Offset(next),
                start: Offset(start),
            });
        };
        let segment_end = segments
            .get(after)
            .map_or(end, |following| following.header.base);
        let (base, position) = self
            .place_after_run(segment, next)
            .unwrap_or_else(|| segment.nearest(next));
        let frames = read_run(segment, (base, position), next, segment_end)?;
        let Some(first) = frames.first().cloned() else {
            return Err(segment.corrupt(position, format!("record {next} is not there")));
        };
        let run = Arc::new(Run { frames });
        let mut runs = lock(&self.runs);
        runs.push_back(Arc::clone(&run));
        if runs.len() > RUNS_MAX {
            runs.pop_front();
        }
        Ok((first, (run, 0)))
    }

    /// Where the frame with this base begins, if it follows a run that was read before: a reader that
    /// goes straight ahead needs no index.
    fn place_after_run(&self, segment: &Segment, next: u64) -> Option<(u64, u64)> {
        lock(&self.runs).iter().rev().find_map(|run| {
            let last = run.frames.last()?;
            let follows = last.segment == segment.header.base && last.header.end() == next;
            follows.then(|| (next, last.position_after()))
        })
    }
}

/// The frame behind the one of a run that was read to its end: nothing has to be searched.
fn following(run: &mut Option<(Arc<Run>, usize)>, next: u64) -> Option<Frame> {
    let (run, at) = run.as_mut()?;
    *at += 1;
    let frame = run.frames.get(*at)?;
    (frame.header.base == next).then(|| frame.clone())
}

fn find_in(frames: &VecDeque<Frame>, next: u64) -> Option<Frame> {
    let after = frames.partition_point(|frame| frame.header.base <= next);
    let frame = frames.get(after.checked_sub(1)?)?;
    (next < frame.header.end()).then(|| frame.clone())
}

/// Walks from a frame's base and position to the frame that holds `next`, and reads on from there.
fn read_run(
    segment: &Segment,
    (mut expected, position): (u64, u64),
    next: u64,
    segment_end: u64,
) -> Result<Vec<Frame>, LogError> {
    let mut scanner = Scanner::new(segment, position);
    let mut frames = Vec::new();
    let mut run_bytes = 0;
    while expected < segment_end && run_bytes < RUN_BYTES {
        match scanner.advance()? {
            Found::Frame(frame) if frame.header.base == expected => {
                segment.note(expected, frame.position);
                expected = frame.header.end();
                if expected > next {
                    run_bytes += frame.header.frame_bytes();
                    frames.push(frame);
                }
            }
            Found::Frame(frame) => {
                let found = frame.header.base;
                let detail = format!("a frame with offset {found} stands where {expected} belongs");
                return Err(segment.corrupt(frame.position, detail));
            }
            Found::Bad(position, detail) => return Err(segment.corrupt(position, detail)),
            Found::End => {
                let detail = format!("the segment ends before record {expected}");
                return Err(segment.corrupt(segment.file_bytes()?, detail));
            }
        }
    }
    Ok(frames)
}

fn malformed(segments: &[Arc<Segment>], frame: &Frame) -> LogError {
    let detail = "the records of a frame do not fill it";
    let found = segments
        .iter()
        .find(|segment| segment.header.base == frame.segment);
    match found {
        Some(segment) => segment.corrupt(frame.position, detail),
        None => LogError::Corrupt {
            file: format!("{:020}.log", frame.segment).into(),
            offset_bytes: frame.position,
            detail: detail.to_owned(),
        },
    }
}
