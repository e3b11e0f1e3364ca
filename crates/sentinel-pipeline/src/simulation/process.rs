//! One process over the data directory: what `Pipeline::start` puts together, without its threads.
//!
//! Promises the real parts in the real order: logs, take-over, poison put aside, the newest snapshot that fits, replay.
//! Must never decide what an error means for the life: it says which kind it is.

use std::error::Error;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sentinel_domain::{Instant, Offset, Outcome};
use sentinel_eventlog::disk::simulated::SimulatedDisk;
use sentinel_eventlog::{
    Commits, Disk, Durability, EmbeddedOptions, EventLog, LogError, OutcomeEncoder, outcome_body,
};
use sentinel_store::{Store, StoreError};
use tokio::runtime::Runtime;
use tokio::sync::broadcast;

use crate::active::Active;
use crate::backfill::{BackfillError, Backfilled};
use crate::dead_letter::DeadLetterFile;
use crate::follow::{self, FollowError, Follower};
use crate::partition::PartitionState;
use crate::poison::{self, Attempts};
use crate::recorded::RecordedLogs;
use crate::retention::{self, InUse, Retention};
use crate::snapshot::comparing::{self, Compared, Uncompared};
use crate::snapshot::{self, SnapshotError, SnapshotFolder, maker};
use crate::statistics::Statistics;
use crate::worker::{Published, Worker, WorkerError};

/// The name of the sink's channel.
pub(super) const CHANNEL: &str = "memory";

/// Why a process ended or did not come up.
#[derive(Debug)]
pub(super) enum Stop {
    /// The disk did not do what it was asked.
    Disk(String),
    /// The owner panicked at an entry, as was planted.
    Panicked,
    /// Anything else: the life has found something.
    Broken(String),
}

/// Everything that was ever told of outcomes: answers and the live feed.
#[derive(Default)]
pub(super) struct Told {
    /// Bodies of outcomes by offset, latencies left out.
    pub bodies: std::collections::BTreeMap<u64, Vec<u8>>,
    encoder: OutcomeEncoder,
    /// What was told twice and differently.
    pub contradiction: Option<String>,
    /// The activations behind which features were filled from the log, each with the first entry that it read.
    pub filled: std::collections::BTreeMap<u64, u64>,
    /// What was in force at some time, so that no walk over the log has to read it again.
    kept: Vec<Active>,
}

impl Told {
    fn hear(&mut self, state: &PartitionState, published: &Published) {
        if let Some(Backfilled { from, to, .. }) = state.backfilled()
            && *self.filled.entry(to.0).or_insert(from.0) != from.0
        {
            self.contradiction.get_or_insert(format!(
                "CONTRADICTED: the features of entry {to} were filled from {}, and now from {from}",
                self.filled[&to.0]
            ));
        }
        for one in &published.settled {
            if matches!(one.outcome, Outcome::Activated(_)) {
                self.kept.push(state.active().clone());
            }
            let mut bytes = Vec::new();
            self.encoder.encode(&one.outcome, 0, &mut bytes);
            let body = outcome_body(&bytes).to_vec();
            let before = self.bodies.entry(one.offset.0).or_insert(body.clone());
            if *before != body {
                self.contradiction.get_or_insert(format!(
                    "CONTRADICTED: entry {} was told otherwise before than now: {:?}",
                    one.offset, one.outcome
                ));
            }
        }
    }
}

/// The entry at which every owner panics, where there is one.
#[derive(Debug, Clone, Default)]
pub(super) struct Poison(Arc<Mutex<Option<Offset>>>);

impl Poison {
    fn entry(&self) -> MutexGuard<'_, Option<Offset>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, offset: u64) {
        *self.entry() = Some(Offset(offset));
    }

    pub fn get(&self) -> Option<u64> {
        self.entry().map(|offset| offset.0)
    }

    /// It is no poison any more.
    pub fn clear(&self) {
        *self.entry() = None;
    }

    /// One that is gone from the log is none.
    pub fn keep_before(&self, end: u64) {
        let mut entry = self.entry();
        *entry = entry.filter(|offset| offset.0 < end);
    }

    pub fn is_set(&self) -> bool {
        self.entry().is_some()
    }
}

/// Where a process lives.
pub(super) struct Ground<'r> {
    pub disk: SimulatedDisk,
    pub options: EmbeddedOptions,
    /// The directory of the decision log.
    pub decisions: PathBuf,
    /// The folder of what is no log.
    pub folder: PathBuf,
    pub retention: Retention,
    pub store: Store,
    pub runtime: &'r Runtime,
    pub statistics: Arc<Statistics>,
    pub poison: Poison,
    pub now: Instant,
    /// Nobody will make room: whoever waits for it shall end.
    pub is_short: bool,
}

/// How a process comes up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beginning {
    pub with_snapshots: bool,
    pub on_two_threads: bool,
}

/// A running process.
pub(super) struct Process {
    pub logs: RecordedLogs,
    pub worker: Worker,
    pub follower: Follower,
    is_short: bool,
    /// What the second owner has to compare before it makes any snapshot.
    uncompared: Option<Uncompared>,
    statistics: Arc<Statistics>,
}

/// Which kind of stop an error is: the disk's where a log says so.
pub(super) fn stop_of(what: &str, error: &(dyn Error + 'static)) -> Stop {
    let mut told = what.to_owned();
    let (mut cause, mut is_disk) = (Some(error), false);
    while let Some(one) = cause {
        told.push_str(": ");
        told.push_str(&one.to_string());
        is_disk |= matches!(
            one.downcast_ref::<LogError>(),
            Some(LogError::Io { .. } | LogError::Poisoned { .. } | LogError::DiskFull { .. })
        );
        cause = one.source();
    }
    match is_disk {
        true => Stop::Disk(told),
        false => Stop::Broken(told),
    }
}

fn stop_at<E: Error + 'static>(what: &'static str) -> impl FnOnce(E) -> Stop {
    move |error| stop_of(what, &error)
}

impl Ground<'_> {
    pub fn transactions(&self) -> Result<EventLog, Stop> {
        let disk = Disk::Simulated(self.disk.clone());
        let opened = EventLog::open_on(&disk, Path::new("data/log"), self.options.clone());
        Ok(opened.map_err(stop_at("open the transaction log"))?.0)
    }

    pub fn decisions(&self) -> Result<EventLog, Stop> {
        let options = EmbeddedOptions {
            durability: Durability::Never,
            ..self.options.clone()
        };
        let disk = Disk::Simulated(self.disk.clone());
        let opened = EventLog::open_on(&disk, &self.decisions, options);
        Ok(opened.map_err(stop_at("open the decision log"))?.0)
    }

    fn attempts(&self) -> Attempts {
        Attempts::open(&self.folder.join("attempts")).unwrap()
    }

    pub fn snapshots(&self) -> SnapshotFolder {
        let folder = SnapshotFolder::new(&self.folder.join("snapshots"));
        folder.retaining(self.retention)
    }

    /// Takes the follower's place over, and has the log skip what stopped the last owners.
    pub fn take_over(&self, logs: &RecordedLogs) -> Result<Follower, Stop> {
        let (raised, _) = broadcast::channel(1);
        let follower = Follower::take_over(logs.clone(), self.store.clone(), CHANNEL, raised);
        let follower = self.runtime.block_on(follower);
        let follower = follower.map_err(stop_at("take the follower's place"))?;
        let mut letters = DeadLetterFile::growing(&self.folder.join("letters.jsonl"));
        let next = (logs.decisions.end(), follower.next());
        let put = poison::put_aside(
            &self.attempts(),
            &logs.transactions,
            next,
            &mut letters,
            self.now,
        );
        put.map_err(stop_at("put poison aside"))?;
        Ok(follower)
    }

    /// The state to begin with. `refused` hears of snapshots that are not used.
    pub fn state(
        &self,
        logs: &RecordedLogs,
        follower: &Follower,
        refused: &mut dyn FnMut(&SnapshotError),
    ) -> Result<PartitionState, Stop> {
        let folder = self.snapshots();
        folder
            .remove_unfinished()
            .map_err(stop_at("remove what is unfinished"))?;
        let covered = follower.next().min(logs.decisions.end());
        let covered = maker::usable_of(logs, covered);
        let state = folder.newest_state(&logs.transactions, covered, refused);
        Ok(state.map_err(stop_at("read a snapshot"))?.0)
    }

    /// An owner of the logs from a state on, and its replay.
    pub fn begin(
        &self,
        logs: RecordedLogs,
        follower: Follower,
        state: PartitionState,
        (beginning, told): (Beginning, &mut Told),
    ) -> Result<Process, Stop> {
        let statistics = Arc::clone(&self.statistics);
        let worker = Worker::recording_from(state, logs.clone(), statistics);
        let worker = worker.map_err(stop_at("begin"))?;
        let poison = self.poison.clone();
        let fault = move |offset| {
            if *poison.entry() == Some(offset) {
                // Without the hook, which would write to the test's output.
                resume_unwind(Box::new("planted"));
            }
        };
        let worker = worker.noting(Some(self.attempts()));
        let mut process = Process {
            logs,
            worker: worker.with_fault(Box::new(fault)),
            follower,
            is_short: self.is_short,
            uncompared: None,
            statistics: Arc::clone(&self.statistics),
        };
        if beginning.on_two_threads && !self.is_short {
            process.replay(told)?;
        }
        process.catch_up(told)?;
        Ok(process)
    }
}

impl Process {
    fn replay(&mut self, told: &mut Told) -> Result<(), Stop> {
        let worker = &mut self.worker;
        let mut publish =
            |state: &PartitionState, published: Published| told.hear(state, &published);
        // Half of what was recorded is compared, and the other half taken in: the second owner compares that.
        let (from, before) = (worker.state().next(), worker.recorded_end());
        let compared_before = from.plus(before.0.saturating_sub(from.0) / 2);
        let uncompared = Uncompared {
            from,
            counted_from: compared_before,
            before,
        };
        self.uncompared = (compared_before < before).then_some(uncompared);
        let mut replay = || worker.replay(compared_before, &mut publish);
        let replayed = catch_unwind(AssertUnwindSafe(&mut replay));
        replayed
            .map_err(panicked)?
            .map_err(|error| self.stopped("replay", &error))
    }

    fn stopped(&self, what: &str, error: &WorkerError) -> Stop {
        match error {
            // A stop cuts a backfill short, and the next start makes it again.
            WorkerError::Backfill(BackfillError::Stopped { .. }) if self.is_short => {
                Stop::Disk(format!("{what}: {error}"))
            }
            error => stop_of(what, error),
        }
    }

    /// Applies one batch; false where there is nothing new.
    pub fn work(&mut self, told: &mut Told) -> Result<bool, Stop> {
        if self.worker.state().next() >= self.logs.transactions.end() {
            return Ok(false);
        }
        let (worker, is_short) = (&mut self.worker, self.is_short);
        let mut publish =
            |state: &PartitionState, published: Published| told.hear(state, &published);
        let worked = catch_unwind(AssertUnwindSafe(|| worker.step(&mut publish, &|| is_short)));
        worked
            .map_err(panicked)?
            .map_err(|error| self.stopped("decide", &error))?;
        Ok(true)
    }

    pub fn catch_up(&mut self, told: &mut Told) -> Result<(), Stop> {
        while self.work(told)? {}
        Ok(())
    }

    /// Nobody makes room from here on, or somebody does.
    pub fn set_short(&mut self, is_short: bool) {
        self.is_short = is_short;
    }

    /// Follows one stretch; false where there is nothing new.
    pub fn follow(&mut self, runtime: &Runtime) -> Result<bool, Stop> {
        let followed: Result<bool, FollowError> = runtime.block_on(self.follower.step());
        followed.map_err(stop_at("follow"))
    }

    /// Another owner takes the follower's place: from here on this one writes nothing. What it did, where it did.
    pub fn usurped(&mut self, store: &Store, runtime: &Runtime) -> Result<(), Stop> {
        let log = &self.logs.transactions;
        let taken = store.take_over(follow::ALERTS, log.log_id(), log.partition());
        let taken = runtime.block_on(taken);
        taken.map_err(stop_at("take the follower's place"))?;
        match runtime.block_on(self.follower.step()) {
            Ok(false) | Err(FollowError::Store(StoreError::Fenced { .. })) => Ok(()),
            Ok(true) => Err(Stop::Broken("a follower wrote that is no owner".into())),
            Err(error) => Err(stop_of("follow as no owner", &error)),
        }
    }

    /// Whether the second owner has something to compare first.
    pub fn is_uncompared(&self) -> bool {
        self.uncompared.is_some()
    }

    /// What the thread does that makes snapshots, behind the door. False where it was left: no snapshot covers what was
    /// not compared.
    pub fn compare(&mut self, folder: &SnapshotFolder, leave: bool) -> Result<bool, Stop> {
        let Some(uncompared) = self.uncompared else {
            return Ok(true);
        };
        let owned = (self.logs.clone(), &self.statistics);
        let stop = || leave;
        let compared = comparing::compare(folder, owned, &uncompared, &stop, &mut |_| {});
        let compared = compared.map_err(stop_at("compare behind the door"))?;
        match compared {
            Compared::Left => return Ok(false),
            Compared::Never => {}
            Compared::Whole(state) => {
                let covered = self.follower.next().min(self.logs.decisions.end());
                if covered >= state.next() {
                    let written = comparing::write(folder, &self.logs, &state);
                    written.map_err(stop_at("write what was compared"))?;
                }
            }
        }
        self.uncompared = None;
        Ok(true)
    }

    /// Drops what the logs need not keep; the first entry that they do.
    pub fn retain(
        &self,
        retention: &Retention,
        folder: &SnapshotFolder,
        (store, runtime): (&Store, &Runtime),
    ) -> Result<Offset, Stop> {
        let in_use = Followed {
            process: self,
            store,
            runtime,
        };
        let dropped = retention::keep(retention, folder, &self.logs, &in_use);
        dropped.map_err(stop_at("drop what need not be kept"))?;
        Ok(self.logs.first_kept())
    }

    /// Makes a snapshot of what is recorded and followed, or was so many entries ago: its maker is slower than the
    /// owner. False where there is one already.
    pub fn snapshot(
        &self,
        folder: &SnapshotFolder,
        (ago, leave): (u64, bool),
    ) -> Result<bool, SnapshotError> {
        let covered = self.follower.next().min(self.logs.decisions.end());
        let to = Offset(covered.0.saturating_sub(ago));
        let newest = folder.list()?.first().map(|(next, _)| *next);
        if self.logs.first_kept() > Offset(0) && newest >= Some(to) {
            // The thread that makes them never goes back.
            return Ok(false);
        }
        let filled = self.worker.state().backfilled();
        let mut go_on = || match leave {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let made = snapshot::make(folder, &self.logs, to, filled, &mut go_on, &mut |_| {})?;
        Ok(made.is_some())
    }
}

/// What the logs of a process are needed for.
struct Followed<'p> {
    process: &'p Process,
    store: &'p Store,
    runtime: &'p Runtime,
}

impl InUse for Followed<'_> {
    fn covered_for_good(&self) -> Result<Offset, StoreError> {
        let process = self.process;
        let covered = process.follower.next().min(process.logs.decisions.end());
        self.runtime.block_on(retention::sync(self.store))?;
        Ok(covered)
    }

    fn backfilled(&self) -> Option<Backfilled> {
        self.process.worker.state().backfilled()
    }
}

/// A panic that was planted, or one of the engine's own.
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Stop {
    if panic.downcast_ref::<&str>() == Some(&"planted") {
        return Stop::Panicked;
    }
    let told = panic.downcast_ref::<String>().cloned();
    Stop::Broken(format!("a panic: {}", told.unwrap_or_default()))
}

/// The options of both logs.
pub(super) fn options(log: sentinel_domain::LogId) -> EmbeddedOptions {
    EmbeddedOptions {
        commits: Commits::ByCaller,
        ..EmbeddedOptions::new(log)
    }
}
