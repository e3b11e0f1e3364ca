//! Mistakes that the simulation has the engine make, to show that it would find them.
//!
//! And a disk that has room for a part of a snapshot only, and readers that panic. Promises that none is ever met outside
//! this crate's own tests: the questions are constants there. Must never hold anything else that only tests need.

use std::sync::Arc;

use sentinel_domain::Offset;
use sentinel_eventlog::Record;

/// What whoever reads entries ahead does at each stretch that it has read.
pub(crate) type ReaderFault = Arc<dyn Fn(Offset) + Send + Sync>;

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "only this crate's tests plant any")
)]
pub(crate) enum Mistake {
    /// A run of more than one transaction goes into the windows twice.
    ApplyTwice,
    /// The windows are not read from a snapshot.
    ForgetWindows,
    /// The ids of labels are not read from a snapshot.
    ForgetLabels,
    /// The time on the wall is taken for the time that the log stamped.
    UseWallClock,
    /// A label is known to transactions that stand before it in the same run.
    LabelTooEarly,
    /// A snapshot is used that covers more than is recorded and followed.
    SnapshotTooFar,
    /// An entry is decided that the log says to skip.
    IgnoreSkips,
    /// Windows of a new feature set begin empty.
    ForgetHistory,
    /// The follower's progress covers entries whose outcomes it has not read.
    ProgressAhead,
    /// Whoever takes entries in without deciding forgets to forget: the erased are in its snapshots.
    ForgetErasures,
    /// Whoever takes entries in without deciding passes ticks over.
    ForgetTicks,
    /// Whoever takes entries in without deciding passes labels over.
    KeepWithoutLabels,
    /// An override that comes again counts again.
    OverrideTwice,
    /// Whether a value is in a list is asked for the time on the wall.
    ListOfNow,
    /// Logs are cut one entry too far.
    CutTooFar,
    /// Logs are cut before what followed from them is on the disk.
    CutUnsynced,
    /// A snapshot that was not written to its end gets its name all the same.
    HalfSnapshot,
    /// The decision log is altered, under right checksums, where a second owner is about to compare it.
    AlterRecorded,
    /// The second owner begins to compare without the windows of its snapshot.
    CompareWithoutWindows,
}

#[cfg(not(test))]
pub(crate) use never::{
    altered, instead, is, list_time, plant_reader_fault, reader_fault, room, stamped,
};
#[cfg(test)]
pub(crate) use switch::{
    altered, instead, is, list_time, plant, plant_reader_fault, reader_fault, room, set_room,
    set_wall, stamped,
};

#[cfg(not(test))]
mod never {
    use sentinel_domain::{Instant, Offset};
    use sentinel_eventlog::EventLog;

    use super::{Mistake, ReaderFault, Record};

    /// Whether to make a mistake: never.
    pub(crate) const fn is(_: Mistake) -> bool {
        false
    }

    /// The record as it is.
    pub(crate) const fn stamped(record: Record<'_>) -> Record<'_> {
        record
    }

    /// The time for which lists are asked: the one that the log stamped.
    pub(crate) const fn list_time(stamped: Instant) -> Instant {
        stamped
    }

    /// How much of so many bytes the disk of snapshots takes: all.
    pub(crate) const fn room(bytes: usize) -> usize {
        bytes
    }

    /// Makes one mistake in the place of another, as long as something runs: never.
    pub(crate) fn instead<R>(_: Mistake, _: Mistake, run: impl FnOnce() -> R) -> R {
        run()
    }

    /// Alters the last outcome before an offset: never.
    pub(crate) const fn altered(_: &EventLog, _: Offset) {}

    /// What readers do: nothing.
    pub(crate) const fn reader_fault() -> Option<ReaderFault> {
        None
    }

    /// Hands what readers do on to another thread: nothing.
    pub(crate) fn plant_reader_fault(_: Option<ReaderFault>) {}
}

#[cfg(test)]
mod switch {
    use std::cell::{Cell, RefCell};

    use sentinel_domain::{Instant, Offset};
    use sentinel_eventlog::{EventLog, Payloads, RecordBatch};

    use super::{Mistake, ReaderFault, Record};

    thread_local! {
        static PLANTED: Cell<Option<Mistake>> = const { Cell::new(None) };
        static WALL: Cell<Instant> = const { Cell::new(Instant::from_micros(0)) };
        static ROOM: Cell<Option<usize>> = const { Cell::new(None) };
        static READER: RefCell<Option<ReaderFault>> = const { RefCell::new(None) };
    }

    /// Whether to make a mistake.
    pub(crate) fn is(mistake: Mistake) -> bool {
        PLANTED.get() == Some(mistake)
    }

    /// The record, under the wall's time where that mistake is planted.
    pub(crate) fn stamped(record: Record<'_>) -> Record<'_> {
        match is(Mistake::UseWallClock) {
            true => Record {
                log_time: WALL.get(),
                ..record
            },
            false => record,
        }
    }

    /// The time for which lists are asked: the wall's where that mistake is planted.
    pub(crate) fn list_time(stamped: Instant) -> Instant {
        match is(Mistake::ListOfNow) {
            true => WALL.get(),
            false => stamped,
        }
    }

    /// How much of so many bytes the disk of snapshots takes.
    pub(crate) fn room(bytes: usize) -> usize {
        let Some(left) = ROOM.get() else {
            return bytes;
        };
        let taken = bytes.min(left);
        ROOM.set(Some(left - taken));
        taken
    }

    /// Makes one mistake in the place of another, as long as something runs.
    pub(crate) fn instead<R>(planted: Mistake, other: Mistake, run: impl FnOnce() -> R) -> R {
        if !is(planted) {
            return run();
        }
        plant(Some(other));
        let ran = run();
        plant(Some(planted));
        ran
    }

    /// Alters the last outcome before an offset where that mistake is planted: what stands behind it goes.
    pub(crate) fn altered(decisions: &EventLog, before: Offset) {
        if !is(Mistake::AlterRecorded) {
            return;
        }
        let (mut batch, last) = (RecordBatch::default(), Offset(before.0 - 1));
        decisions.read(last, 1, &mut batch).unwrap();
        let record = batch.get(0).unwrap();
        let mut bytes = record.payload.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let mut payloads = Payloads::default();
        payloads.push_at(record.log_time, |out| out.extend_from_slice(&bytes));
        decisions.cut(last).unwrap();
        decisions
            .append(Instant::default(), None, &payloads)
            .unwrap();
        decisions.commit_queued().unwrap();
    }

    /// What readers do that this thread makes.
    pub(crate) fn reader_fault() -> Option<ReaderFault> {
        READER.with_borrow(Option::clone)
    }

    /// Has readers that this thread makes do something, or nothing.
    pub(crate) fn plant_reader_fault(fault: Option<ReaderFault>) {
        READER.set(fault);
    }

    /// Leaves room for so many bytes of snapshots that this thread writes; `None`: for all.
    pub(crate) fn set_room(bytes: Option<usize>) {
        ROOM.set(bytes);
    }

    /// Has this thread's engines make a mistake, or none.
    pub(crate) fn plant(mistake: Option<Mistake>) {
        PLANTED.set(mistake);
    }

    /// Sets the clock on the wall.
    pub(crate) fn set_wall(now: Instant) {
        WALL.set(now);
    }
}
