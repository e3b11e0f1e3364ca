//! A running pipeline: one worker thread, one follower and one deliverer over opened logs and store.
//!
//! Takes values that are open already; where they lie is the composition root's business. Starting reads
//! the newest snapshot that fits, replays the transaction log behind it, appends activations for content that is not active yet (features that were
//! added to the log stay, and so does a model that was activated in it), then opens the door. Stopping drains: every appended entry is decided, followed
//! and delivered first; where a replay of what came behind the newest snapshot would take a while, the
//! owner's state is written as one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use sentinel_delivery::Sink;
use sentinel_domain::{Activation, ActivationKind, Alert, Entry, Instant, Offset};
use sentinel_eventlog::{EventLog, LogError, Payloads, encode_entry};
use sentinel_store::{Store, StoreError};
use tokio::sync::{broadcast, watch};

use crate::active;
use crate::dead_letter::{DeadLetterFile, LetterBox};
use crate::definitions;
use crate::deliver;
use crate::follow::{FollowError, Follower};
use crate::handle::Handle;
use crate::handle::ticks::Ticks;
use crate::models;
use crate::partition::PartitionState;
use crate::poison::{self, Attempts, PoisonError, unless_it_panics};
use crate::recorded::{RecordedLogs, SemanticsError};
use crate::snapshot::comparing::Uncompared;
use crate::snapshot::maker::{self, SnapshotMaker};
use crate::snapshot::{Newest, SnapshotError, SnapshotFolder, SnapshotOptions};
use crate::statistics::Statistics;
use crate::trust::ModelTrust;
use crate::worker::{Published, Worker, WorkerError};

/// What a pipeline runs on.
pub struct PipelineOptions {
    /// The transaction log.
    pub transactions: EventLog,
    /// The decision log.
    pub decisions: EventLog,
    /// Alerts, cases, outbox, progress.
    pub store: Store,
    /// Where messages go, and its name in the outbox.
    pub sink: (Sink, String),
    /// Where refused input goes.
    pub dead_letters: DeadLetterFile,
    /// The content to decide with, one of each kind; versions are given when they are appended.
    pub contents: Vec<Activation>,
    /// Where is noted at which entry the owner panicked, so that one that makes it panic every time can be skipped.
    pub attempts: Option<PathBuf>,
    /// Which models may be put in force.
    pub trust: ModelTrust,
    /// Where and how often snapshots are made; `None` replays the whole log at every start.
    pub snapshots: Option<SnapshotOptions>,
    /// How long nothing has to come before the log is told the time; `None`: it never is.
    pub ticks: Option<Duration>,
    /// How long a caller waits for a decision.
    pub deadline: Duration,
    /// The clock of the appender and of retries.
    pub now: fn() -> Instant,
}

/// Why a pipeline could not start or went down.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The content to decide with does not fit together.
    #[error("{0}")]
    Content(String),
    /// A log failed.
    #[error("write to the transaction log")]
    Log(#[from] LogError),
    /// The worker stopped.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The follower stopped.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The store failed.
    #[error("use the store")]
    Store(#[from] StoreError),
    /// An entry that stops the engine could not be put aside.
    #[error(transparent)]
    Poison(#[from] PoisonError),
    /// No snapshot stands for what the log does not hold any more, or one could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// An engine that decides otherwise made what is recorded.
    #[error(transparent)]
    Semantics(#[from] SemanticsError),
    /// The operating system refused a thread.
    #[error("start a thread of the pipeline")]
    Thread(#[source] std::io::Error),
    /// The worker panicked: a broken invariant.
    #[error("the worker panicked; the log is intact, a restart replays it")]
    Panicked,
}

/// A running pipeline.
pub struct Pipeline {
    handle: Handle,
    store: Store,
    raised: broadcast::Sender<Alert>,
    stopping: Arc<AtomicBool>,
    stop: [watch::Sender<bool>; 2],
    ticks: Option<Ticks>,
    letters: JoinHandle<()>,
    worker: JoinHandle<Result<Worker, WorkerError>>,
    snapshots: Option<(SnapshotOptions, SnapshotMaker)>,
    follower: tokio::task::JoinHandle<Result<(), FollowError>>,
    deliverer: tokio::task::JoinHandle<Result<(), StoreError>>,
    logs: [EventLog; 2],
    failed: watch::Receiver<bool>,
}

impl Pipeline {
    /// Reads the newest snapshot, replays, activates, starts. `progress` hears how many entries of how many
    /// are applied.
    pub async fn start(
        options: PipelineOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, PipelineError> {
        let PipelineOptions {
            transactions,
            decisions,
            store,
            mut dead_letters,
            ..
        } = options;
        let logs = side_by_side(&transactions, &decisions, options.snapshots.as_ref())?;
        let (raised, _) = broadcast::channel(1_024);
        let (sink, channel) = options.sink;
        // First of all: an older owner is fenced from here on.
        let follower =
            Follower::take_over(logs.clone(), store.clone(), &channel, raised.clone()).await?;
        let (now, next) = ((options.now)(), (decisions.end(), follower.next()));
        let note = |path| noted(path, &transactions, next, (&mut dead_letters, now));
        let attempts = options.attempts.as_deref().map(note).transpose()?;
        let statistics = Arc::new(Statistics::default());
        let (letter_box, letters) =
            LetterBox::start(dead_letters, format!("rest:{now}")).map_err(PipelineError::Thread)?;
        let (handle, asked) = Handle::new(
            logs,
            Arc::clone(&statistics),
            letter_box,
            options.trust.clone(),
            options.deadline,
        );
        let follower = follower.reporting_to(handle.followed_sender().clone());
        let state = state_to_begin_with(options.snapshots.as_ref(), &handle)?;
        let worker = Worker::recording_from(state, handle.logs().clone(), statistics)?;
        let uncompared = uncompared(&worker, options.snapshots.as_ref());
        let worker = worker.noting(attempts);
        let before_the_door = BeforeTheDoor {
            compared_before: uncompared.counted_from,
            contents: options.contents,
            now: options.now,
        };
        // A panic here is one as any other: whoever panicked has noted it, where that is of use.
        let worker = replayed(worker, &handle, &before_the_door, progress)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let (failure, failed) = watch::channel(false);
        handle.statistics().left_to_compare(uncompared.left());
        let beside = (handle.clone(), store.clone(), failure.clone());
        let thread = WorkerThread {
            worker,
            handle: handle.clone(),
            stopping: stopping.clone(),
            failure,
        };
        let worker = thread.start(asked)?;
        let snapshots = options.snapshots;
        let snapshots = snapshots.map(|options| second_owner(options, beside, uncompared));
        let snapshots = snapshots.transpose().map_err(PipelineError::Thread)?;
        let [following, delivering] = [(); 2].map(|()| watch::channel(false));
        let followed = handle.followed_sender().clone();
        let deliverer = deliver::run(store.clone(), sink, options.now, followed, delivering.1);
        Ok(Self {
            ticks: Ticks::start(&handle, options.ticks, options.now),
            handle,
            raised,
            stopping,
            stop: [following.0, delivering.0],
            letters,
            worker,
            snapshots,
            follower: tokio::spawn(follower.run(following.1)),
            deliverer: tokio::spawn(deliverer),
            store,
            logs: [transactions, decisions],
            failed,
        })
    }

    /// The door.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Alerts as they are raised.
    pub fn alerts(&self) -> broadcast::Sender<Alert> {
        self.raised.clone()
    }

    /// Turns true when the worker has stopped by itself: the process should end with an error.
    pub fn failed(&self) -> watch::Receiver<bool> {
        self.failed.clone()
    }

    /// Drains and closes everything.
    pub async fn stop(self) -> Result<(), PipelineError> {
        let [transactions, decisions] = &self.logs;
        let [stop_following, stop_delivering] = &self.stop;
        self.handle.stop_replays();
        if let Some(ticks) = self.ticks {
            ticks.stop().await;
        }
        transactions.flush()?;
        // Whatever is being made is left: the owner's own state is newer.
        let (snapshots, compared) = match self.snapshots {
            Some((options, maker)) => {
                let stopped = tokio::task::spawn_blocking(move || maker.stop()).await;
                // What is left is compared by the next start, which must find it behind its snapshot.
                let compared = stopped.unwrap_or(Ok(false));
                let is_whole = matches!(compared, Ok(true));
                (is_whole.then_some(options), compared.map(|_| ()))
            }
            None => (None, Ok(())),
        };
        self.stopping.store(true, Relaxed);
        let worker = self.worker;
        let ended = tokio::task::spawn_blocking(move || worker.join()).await;
        let worker_result = match ended {
            Ok(Ok(result)) => result
                .and_then(|mut worker| worker.end().map(|()| worker))
                .map_err(PipelineError::from),
            _ => Err(PipelineError::Panicked),
        };
        decisions.flush()?;
        let _ = stop_following.send(true);
        let follower_result = self.follower.await;
        // The follower's last messages are in the outbox only now.
        let _ = stop_delivering.send(true);
        let deliverer_result = self.deliverer.await;
        self.handle.close_letters().await;
        let letters = self.letters;
        // A writer that panicked has nothing left to flush; the panic was told.
        let _ = tokio::task::spawn_blocking(move || letters.join()).await;
        if let (Some(options), Ok(worker)) = (snapshots, &worker_result) {
            write_last(&options, &self.handle, worker.state());
        }
        transactions.close()?;
        decisions.close()?;
        self.store.close().await;
        compared?;
        worker_result?;
        follower_result.map_err(|_| PipelineError::Panicked)??;
        deliverer_result.map_err(|_| PipelineError::Panicked)??;
        Ok(())
    }
}

/// Both logs, and the states that need not be computed from their start; recorded by an engine as this one.
fn side_by_side(
    transactions: &EventLog,
    decisions: &EventLog,
    snapshots: Option<&SnapshotOptions>,
) -> Result<RecordedLogs, SemanticsError> {
    let logs = RecordedLogs::new(transactions.clone(), decisions.clone());
    let logs = match snapshots {
        Some(snapshots) => logs.with_snapshots(&snapshots.folder),
        None => logs,
    };
    logs.check_semantics()?;
    Ok(logs)
}

/// What the worker may leave to be compared behind the door: nothing where no snapshots are made, as no other owner
/// is there.
fn uncompared(worker: &Worker, snapshots: Option<&SnapshotOptions>) -> Uncompared {
    let (from, before) = (worker.state().next(), worker.recorded_end());
    let first = snapshots.map(|options| from.plus(options.compared_first));
    Uncompared {
        from,
        counted_from: first.map_or(before, |first| first.min(before)),
        before,
    }
}

/// The second owner: compares what is left, then makes snapshots. A difference closes the door.
fn second_owner(
    options: SnapshotOptions,
    (handle, store, failure): (Handle, Store, watch::Sender<bool>),
    uncompared: Uncompared,
) -> std::io::Result<(SnapshotOptions, SnapshotMaker)> {
    let left = (uncompared.left() > 0).then_some(uncompared);
    let closed = handle.clone();
    let failed = move || {
        closed.fail();
        let _ = failure.send(true);
    };
    let maker = SnapshotMaker::start(
        options.clone(),
        (handle, store),
        (uncompared.from, left),
        failed,
    )?;
    Ok((options, maker))
}

/// What is done before the door opens.
struct BeforeTheDoor {
    compared_before: Offset,
    contents: Vec<Activation>,
    now: fn() -> Instant,
}

/// Applies what the log holds, puts the contents to decide with in force, and fills new features: before
/// the door opens.
fn replayed(
    worker: Worker,
    handle: &Handle,
    before_the_door: &BeforeTheDoor,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Worker, PipelineError> {
    let replay = || replay(worker, handle, before_the_door, progress);
    unless_it_panics(replay, PipelineError::Panicked)?
}

fn replay(
    mut worker: Worker,
    handle: &Handle,
    before_the_door: &BeforeTheDoor,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Worker, PipelineError> {
    let log = &handle.logs().transactions;
    let mut publish = |state: &PartitionState, published: Published| {
        handle.publish(state, published, true);
        progress(state.next().0, log.end().0);
    };
    worker.replay(before_the_door.compared_before, &mut publish)?;
    let BeforeTheDoor { contents, now, .. } = before_the_door;
    activate(&worker, handle, contents, now())?;
    worker.catch_up(&mut publish)?;
    Ok(worker)
}

/// The note of what is about to be applied, after the entry that it names was put aside where it has to be.
fn noted(
    path: &Path,
    log: &EventLog,
    next: (Offset, Offset),
    (letters, now): (&mut DeadLetterFile, Instant),
) -> Result<Attempts, PoisonError> {
    let attempts = Attempts::open(path).map_err(PoisonError::io(path))?;
    poison::put_aside(&attempts, log, next, letters, now)?;
    Ok(attempts)
}

/// The state of the newest snapshot that fits; a new one where there is none.
fn state_to_begin_with(
    options: Option<&SnapshotOptions>,
    handle: &Handle,
) -> Result<PartitionState, PipelineError> {
    let log = &handle.logs().transactions;
    let Some(options) = options else {
        return Ok(PartitionState::new(log.log_id(), log.partition()));
    };
    let folder = SnapshotFolder::new(&options.folder);
    folder.remove_unfinished()?;
    let started = std::time::Instant::now();
    let mut refused = |error: &SnapshotError| maker::tell_refused(handle, error);
    let (state, found) = std::thread::scope(|scope| {
        // What it finds is asked for behind this, and so is what it fails at.
        let looking = std::thread::Builder::new().name("skips-0".into());
        let logs = handle.logs();
        looking
            .spawn_scoped(scope, || logs.look_for_skips())
            .map_err(PipelineError::Thread)?;
        let found = folder.newest_state(log, maker::usable(handle), &mut refused);
        found.map_err(PipelineError::from)
    })?;
    let Some(found) = found else {
        return Ok(state);
    };
    tracing::info!(
        offset = %found.offset, bytes = found.bytes, seconds = started.elapsed().as_secs_f64(),
        behind = log.end().0 - found.offset.0, "started from a snapshot"
    );
    handle.go_on_from(&state);
    handle.snapshots_sender().send_modify(|figures| {
        figures.newest = Some(Newest {
            offset: found.offset,
            bytes: found.bytes,
            written_at: found.written_at,
            seconds: None,
        });
    });
    Ok(state)
}

/// A snapshot of the owner's state at its end, where replaying what came behind the newest would take a
/// while. One that cannot be written is told; the log gives the state again.
fn write_last(options: &SnapshotOptions, handle: &Handle, state: &PartitionState) {
    let started = std::time::Instant::now();
    let newest = handle.snapshots_sender().borrow().newest;
    let behind = state.next().0 - newest.map_or(0, |newest| newest.offset.0);
    if behind == 0 || behind < options.at_stop_entries || maker::covered(handle) < state.next() {
        return;
    }
    let logs = handle.logs();
    let written = logs
        .decisions
        .sync()
        .map_err(|source| SnapshotError::Log {
            offset: state.next(),
            source,
        })
        .and_then(|()| {
            let folder = SnapshotFolder::new(&options.folder);
            let folder = folder.retaining(options.retention_now(handle));
            folder.write(state, &logs.transactions)
        });
    match written {
        Ok(Some(written)) => {
            let seconds = started.elapsed().as_secs_f64();
            tracing::info!(offset = %written.offset, bytes = written.bytes, seconds, "snapshot made");
            maker::tell_written(handle, &written, seconds);
        }
        Ok(None) => {}
        Err(error) => tracing::error!(error = ?error, "no snapshot was made at the stop"),
    }
}

/// Appends an activation for every content that is not the active one. Features that were added to the log
/// stay, so what is wanted must fit to the set with those in it: that is known only after the replay.
fn activate(
    worker: &Worker,
    handle: &Handle,
    contents: &[Activation],
    now: Instant,
) -> Result<(), PipelineError> {
    let in_force = worker.state().active();
    let transactions = &handle.logs().transactions;
    let contents = contents
        .iter()
        .map(|wanted| match wanted.kind {
            ActivationKind::Features => definitions::keep(in_force, wanted),
            ActivationKind::Model => trusted(handle.model_trust(), models::keep(in_force, wanted)),
            _ => Ok(wanted.clone()),
        })
        .collect::<Result<Vec<Activation>, String>>()
        .map_err(PipelineError::Content)?;
    active::check(&contents).map_err(PipelineError::Content)?;
    let mut payloads = Payloads::default();
    for wanted in contents {
        let active = in_force.content(wanted.kind);
        if active.is_some_and(|active| active.content == wanted.content) {
            continue;
        }
        let version = active.map_or(1, |active| active.version + 1);
        let activation = Activation { version, ..wanted };
        let entry = Entry::Activation(Box::new(activation));
        payloads.push_with(|out| encode_entry(&entry, out));
    }
    if !payloads.is_empty() {
        transactions.append(now, None, &payloads)?;
        transactions.flush()?;
    }
    Ok(())
}

/// A model that may be in force.
fn trusted(trust: &ModelTrust, model: Activation) -> Result<Activation, String> {
    match trust.check(&model.content) {
        Ok(()) => Ok(model),
        Err(problem) => Err(format!("model {}: {problem}", model.name)),
    }
}

struct WorkerThread {
    worker: Worker,
    handle: Handle,
    stopping: Arc<AtomicBool>,
    failure: watch::Sender<bool>,
}

impl WorkerThread {
    fn start(
        self,
        asked: crossbeam_channel::Receiver<crate::handle::Question>,
    ) -> Result<JoinHandle<Result<Worker, WorkerError>>, PipelineError> {
        std::thread::Builder::new()
            .name("partition-0".into())
            .spawn(move || self.run(&asked))
            .map_err(PipelineError::Thread)
    }

    fn run(
        mut self,
        asked: &crossbeam_channel::Receiver<crate::handle::Question>,
    ) -> Result<Worker, WorkerError> {
        // A panic must not leave callers waiting for ever: the guard fails the handle however this ends.
        let guard = FailOnDrop {
            handle: self.handle.clone(),
            failure: self.failure,
        };
        let result = self.worker.run(
            &mut |state, published| guard.handle.publish(state, published, false),
            &mut |state| Handle::answer_questions(state, asked),
            &|| self.stopping.load(Relaxed),
        );
        if result.is_ok() {
            std::mem::forget(guard);
        }
        result.map(|()| self.worker)
    }
}

struct FailOnDrop {
    handle: Handle,
    failure: watch::Sender<bool>,
}

impl Drop for FailOnDrop {
    fn drop(&mut self) {
        self.handle.fail();
        let _ = self.failure.send(true);
    }
}
