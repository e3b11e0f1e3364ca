//! Making snapshots beside the owner: a second owner of the same log, on a thread of its own.
//!
//! It begins where the newest snapshot stands, takes the log in up to what is recorded and followed, decides
//! nothing, and writes what it has become. It holds its state only while it works. So a snapshot costs a
//! second walk over each stretch of the log and the memory of a second state, and the owner nothing
//! (`docs/adr/0015-snapshots-by-a-second-owner.md`). Behind a start it first compares what the owner took in
//! without deciding (`comparing`).
//!
//! Must never go further than what is on the disk in the decision log: behind it, nothing could be compared.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Stopwatch, SystemTime};

use sentinel_domain::Offset;
use sentinel_eventlog::RecordBatch;
use sentinel_store::{Store, StoreError};
use tokio::runtime::Handle as Runtime;

use super::comparing::{self, Compared, Uncompared};
use super::pace::Pace;
use super::{Newest, SnapshotError, SnapshotFigures, SnapshotFolder, SnapshotOptions, Written};
use crate::backfill::{Backfilled, History};
use crate::handle::Handle;
use crate::partition::PartitionState;
use crate::planted;
use crate::poison::unless_it_panics;
use crate::recorded::{RecordedLogs, SkipsError};
use crate::retention::{self, Dropped, InUse};
use crate::worker::WorkerError;

/// Entries taken in between two pauses.
const BATCH_ENTRIES: usize = 64;

/// How often is looked whether a snapshot is due.
const PAUSE: Duration = Duration::from_millis(200);

/// How long is waited after one could not be made.
const RETRY_PAUSE: Duration = Duration::from_secs(60);

/// How much nicer than the owner the thread is: it gets what the others leave, and a share of a tenth where
/// they leave nothing. Nicer still, and what it holds (the log's list of segments) would be missed.
const NICENESS: i32 = 10;

/// A snapshot that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The file.
    pub written: Written,
    /// Entries taken in behind the snapshot that it began with.
    pub entries: u64,
    /// How long reading and the walk took, and how long syncing and writing took, seconds.
    pub seconds: [f64; 2],
}

/// Makes a snapshot of the state before `to`, beginning with the newest there is. `None` where that stands
/// there already, and where `to` is not behind the owner's newest backfill `filled`: with which entries it had filled an
/// earlier one is not known any more, so nothing could be compared with it. `go_on` is asked between two batches; `refused` hears
/// of snapshots that cannot be used.
pub fn make(
    folder: &SnapshotFolder,
    logs: &RecordedLogs,
    to: Offset,
    filled: Option<Backfilled>,
    go_on: &mut dyn FnMut() -> ControlFlow<()>,
    refused: &mut dyn FnMut(&SnapshotError),
) -> Result<Option<Made>, SnapshotError> {
    let started = Stopwatch::now();
    if is_behind(filled, to) {
        return Ok(None);
    }
    let log = &logs.transactions;
    let folder = folder.giving_way();
    let (state, _) = folder.newest_state(log, to, refused)?;
    let from = state.next();
    if from >= to {
        return Ok(None);
    }
    let before = state.backfilled();
    let skips = logs.skips(&state).map_err(|error| match error {
        SkipsError::Log { offset, source } => SnapshotError::Log { offset, source },
        SkipsError::Snapshot(error) => error,
    })?;
    let state = walked(state.keeping().skipping(skips), logs, to, go_on)?;
    refuse_other_history(before, state.backfilled(), filled)?;
    let walked = started.elapsed();
    logs.decisions
        .sync()
        .map_err(|source| SnapshotError::Log { offset: to, source })?;
    let written = folder.write(&state, log)?;
    Ok(written.map(|written| Made {
        written,
        entries: to.0 - from.0,
        seconds: [
            walked.as_secs_f64(),
            (started.elapsed() - walked).as_secs_f64(),
        ],
    }))
}

/// Whether a state before `to` is from before the owner's newest backfill.
fn is_behind(filled: Option<Backfilled>, to: Offset) -> bool {
    filled.is_some_and(|filled| !filled.is_complete() && filled.to >= to)
}

/// Takes the log in before `to`.
fn walked(
    mut state: PartitionState,
    logs: &RecordedLogs,
    to: Offset,
    go_on: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<PartitionState, SnapshotError> {
    // The thread gives way to others: nothing that it may hold when it does so is theirs.
    let log = logs.transactions.reader_apart();
    let (mut batch, mut settled) = (RecordBatch::default(), Vec::new());
    let mut pace = Pace::begin();
    while state.next() < to {
        pace.between();
        if go_on().is_break() {
            return Err(SnapshotError::Stopped);
        }
        let offset = state.next();
        let left = usize::try_from(to.0 - offset.0).unwrap_or(BATCH_ENTRIES);
        log.read(offset, left.min(BATCH_ENTRIES), &mut batch)
            .map_err(|source| SnapshotError::Log { offset, source })?;
        settled.clear();
        let mut within = |_, _| go_on();
        let mut history = History::new(log.log(), &mut within);
        state.apply(&batch, &mut history, &mut settled)?;
    }
    Ok(state)
}

/// Windows that were filled on the way from another part of the log than the owner's are other windows.
fn refuse_other_history(
    before: Option<Backfilled>,
    now: Option<Backfilled>,
    owner: Option<Backfilled>,
) -> Result<(), SnapshotError> {
    match now {
        Some(now) if Some(now) != before && !now.is_complete() && Some(now) != owner => {
            let same = owner.filter(|owner| owner.to == now.to);
            Err(SnapshotError::OtherHistory {
                at: now.to,
                owner: same.map_or_else(|| "elsewhere".to_owned(), |one| one.from.to_string()),
                here: now.from,
            })
        }
        _ => Ok(()),
    }
}

/// Makes the calling thread give way to others, as the one that makes snapshots does.
pub fn be_nice() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "snapshots are made at the usual priority");
    }
}

/// The thread that makes snapshots.
pub(crate) struct SnapshotMaker {
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<Result<bool, WorkerError>>,
}

impl SnapshotMaker {
    /// Starts it, from within a runtime. `from` is where the newest snapshot stands; first of all it compares what the
    /// start has left to it. `failed` hears of an outcome that is not the recorded one.
    pub fn start(
        options: SnapshotOptions,
        (handle, store): (Handle, Store),
        (from, uncompared): (Offset, Option<Uncompared>),
        failed: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let maker = Maker {
            folder: SnapshotFolder::new(&options.folder).until(Arc::clone(&stopping)),
            options,
            handle,
            store: (Runtime::current(), store),
            last: from,
            last_at: Stopwatch::now(),
            failed_at: None,
            stopping: Arc::clone(&stopping),
        };
        let fault = planted::reader_fault();
        let thread = std::thread::Builder::new()
            .name("snapshot-0".into())
            .spawn(move || {
                planted::plant_reader_fault(fault);
                let ended = maker.run(uncompared);
                if ended.is_err() {
                    failed();
                }
                ended
            })?;
        Ok(Self { stopping, thread })
    }

    /// Leaves what is being made, and ends the thread. False where it left something that was to be compared:
    /// no snapshot may cover that.
    pub fn stop(self) -> Result<bool, WorkerError> {
        self.stopping.store(true, Relaxed);
        self.thread.thread().unpark();
        // A panic was told by the thread itself, and the owner does not depend on it.
        self.thread.join().unwrap_or(Ok(false))
    }
}

struct Maker {
    options: SnapshotOptions,
    folder: SnapshotFolder,
    handle: Handle,
    /// What follows from the logs, and who answers for it.
    store: (Runtime, Store),
    /// Where the newest one stands, and when it was made.
    last: Offset,
    last_at: Stopwatch,
    failed_at: Option<Stopwatch>,
    stopping: Arc<AtomicBool>,
}

impl Maker {
    fn run(mut self, uncompared: Option<Uncompared>) -> Result<bool, WorkerError> {
        be_nice();
        if let Some(uncompared) = uncompared {
            // Serving on would leave what was recorded to nobody.
            let compared = || self.compare(&uncompared);
            if !unless_it_panics(compared, WorkerError::NotCompared)?? {
                return Ok(false);
            }
        }
        self.drop_old();
        while !self.stopping.load(Relaxed) {
            let covered = covered(&self.handle);
            if self.is_due(covered) {
                self.make(covered);
                self.drop_old();
            } else {
                std::thread::park_timeout(PAUSE);
            }
        }
        Ok(true)
    }

    /// Compares what the start has left. What that gives is worth a snapshot, as nothing of it has to be
    /// compared again then. False where some of it is left.
    fn compare(&mut self, uncompared: &Uncompared) -> Result<bool, WorkerError> {
        let stopping = Arc::clone(&self.stopping);
        let stop = || stopping.load(Relaxed);
        let started = Stopwatch::now();
        let handle = &self.handle;
        let owned = (handle.logs().clone(), handle.statistics());
        let mut refused = |error: &SnapshotError| tell_refused(handle, error);
        let compared = comparing::compare(&self.folder, owned, uncompared, &stop, &mut refused)?;
        let state = match compared {
            Compared::Whole(state) => state,
            Compared::Left => return Ok(false),
            Compared::Never => return Ok(true),
        };
        let seconds = started.elapsed().as_secs_f64();
        let entries = uncompared.left();
        tracing::info!(
            entries,
            seconds,
            "every outcome of before is the recorded one"
        );
        let to = state.next();
        if self.options.every_entries == 0 && self.options.interval == Duration::ZERO
            || covered(&self.handle) < to
        {
            return Ok(true);
        }
        self.retain();
        match comparing::write(&self.folder, self.handle.logs(), &state) {
            Ok(written) => {
                (self.last, self.last_at) = (to, Stopwatch::now());
                if let Some(written) = written {
                    tell_written(&self.handle, &written, started.elapsed().as_secs_f64());
                }
            }
            Err(error) => self.tell_failed(&error, to),
        }
        Ok(true)
    }

    fn is_due(&self, covered: Offset) -> bool {
        let SnapshotOptions {
            every_entries,
            interval,
            ..
        } = self.options;
        if is_behind(self.handle.in_force().backfilled, covered) {
            return false;
        }
        let new = covered.0.saturating_sub(self.last.0);
        let waits = self.failed_at.is_some_and(|at| at.elapsed() < RETRY_PAUSE);
        let enough = every_entries > 0 && new >= every_entries;
        let late = interval > Duration::ZERO && self.last_at.elapsed() >= interval;
        new > 0 && !waits && (enough || late)
    }

    /// Drops what the logs need not keep. Here, since whoever makes snapshots reads the logs from far back.
    fn drop_old(&self) {
        let retention = self.options.retention_now(&self.handle);
        if retention.is_everything() || self.stopping.load(Relaxed) {
            return;
        }
        match retention::keep(&retention, &self.folder, self.handle.logs(), self) {
            Ok(None) => {}
            Ok(Some(dropped)) => {
                let Dropped { first, bytes } = dropped;
                tracing::info!(%first, bytes, "dropped what the logs need not keep");
                self.handle
                    .snapshots_sender()
                    .send_modify(|figures| figures.dropped_bytes += bytes);
            }
            Err(error) => {
                tracing::error!(error = ?error, "the logs keep more than asked for; trying again later");
            }
        }
    }

    /// Keeps the stepping stones of what is retained now.
    fn retain(&mut self) {
        let retention = self.options.retention_now(&self.handle);
        self.folder = self.folder.clone().retaining(retention);
    }

    fn make(&mut self, to: Offset) {
        self.retain();
        let filled = self.handle.in_force().backfilled;
        let stopping = Arc::clone(&self.stopping);
        let mut go_on = || match stopping.load(Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let logs = self.handle.logs().clone();
        let handle = self.handle.clone();
        let mut refused = |error: &SnapshotError| tell_refused(&handle, error);
        // Decisions do not depend on it.
        let made = || make(&self.folder, &logs, to, filled, &mut go_on, &mut refused);
        let made = unless_it_panics(made, SnapshotError::Panicked).flatten();
        self.failed_at = None;
        match made {
            Ok(made) => {
                (self.last, self.last_at) = (to, Stopwatch::now());
                if let Some(made) = made {
                    let Made {
                        written,
                        entries,
                        seconds: [walk, write],
                    } = made;
                    tracing::info!(
                        offset = %to, bytes = written.bytes, entries, walk_seconds = walk,
                        write_seconds = write, "snapshot made"
                    );
                    tell_written(&self.handle, &written, walk + write);
                }
            }
            Err(error) => self.tell_failed(&error, to),
        }
    }

    fn tell_failed(&mut self, error: &SnapshotError, to: Offset) {
        if self.stopping.load(Relaxed) {
            return;
        }
        self.failed_at = Some(Stopwatch::now());
        tracing::error!(error = ?error, %to, "no snapshot was made; trying again later");
        self.handle
            .snapshots_sender()
            .send_modify(|figures| figures.failures += 1);
    }
}

impl InUse for Maker {
    fn covered_for_good(&self) -> Result<Offset, StoreError> {
        let covered = covered(&self.handle);
        let (runtime, store) = &self.store;
        runtime.block_on(retention::sync(store))?;
        Ok(covered)
    }

    fn backfilled(&self) -> Option<Backfilled> {
        self.handle.in_force().backfilled
    }
}

/// What a snapshot may cover: recorded, and followed in the store.
pub(crate) fn covered(handle: &Handle) -> Offset {
    let followed = handle.followed().borrow().next;
    followed.min(handle.logs().decisions.end())
}

/// What a snapshot that a start goes on from may cover. Where the log has lost its beginning, what is recorded is enough:
/// alerts follow from outcomes that are there.
pub(crate) fn usable(handle: &Handle) -> Offset {
    usable_of(handle.logs(), covered(handle))
}

/// The same, where so much is recorded and followed.
pub(crate) fn usable_of(logs: &RecordedLogs, covered: Offset) -> Offset {
    match logs.first_kept() {
        Offset(0) => covered,
        _ => logs.decisions.end(),
    }
}

/// Says that a snapshot cannot be used.
pub(crate) fn tell_refused(handle: &Handle, error: &SnapshotError) {
    tracing::warn!(%error, "a snapshot cannot be used; trying an older one");
    handle
        .snapshots_sender()
        .send_modify(|figures| figures.failures += 1);
}

/// Counts a snapshot that was made.
pub(crate) fn tell_written(handle: &Handle, written: &Written, seconds: f64) {
    handle.snapshots_sender().send_modify(|figures| {
        *figures = SnapshotFigures {
            newest: Some(Newest {
                offset: written.offset,
                bytes: written.bytes,
                written_at: SystemTime::now(),
                seconds: Some(seconds),
            }),
            made: figures.made + 1,
            ..*figures
        };
    });
}
