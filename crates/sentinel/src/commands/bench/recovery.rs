//! A start after a kill: the newest snapshot, the log behind it, the first decision; and what making a
//! snapshot costs those who wait for decisions meanwhile.
//!
//! A data directory is filled through a pipeline as a server has it, at the pace of real accounts, until as
//! many entities live as were asked for. A snapshot is made; then as much log comes behind it as the engine
//! takes in so many seconds at its own full rate. That is where the kill would be: no snapshot is made at
//! the stop. Then the clock starts: locks, logs, store, snapshot, replay, and one request through the door; a
//! second clock until every outcome is compared behind it. Must never measure a start that had less to do than a killed process leaves.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant as Stopwatch};

use anyhow::Context;
use clap::Args;
use sentinel_domain::{EventId, Offset, Transaction};
use sentinel_features::{EntityKind, FeatureSet};
use sentinel_pipeline::snapshot::maker::Made;
use sentinel_pipeline::snapshot::{self, SnapshotFolder};
use sentinel_pipeline::{Handle, SnapshotError, SnapshotOptions, SubmitError};
use serde::Serialize;

use super::engine::callers::{Answers, Callers, Pace};
use super::engine::{Started, check_rate, start};
use super::latency::{Latencies, LatencyFigures};
use super::machine::{Machine, process_ns, resident_bytes, thread_ns};
use super::pool::Pool;
use super::traffic::{Chunk, Manner, Population, Traffic};
use super::{ReportArguments, report};
use crate::clock;
use crate::commands::serve::runtime;
use crate::commands::usage;
use crate::compose::{LOG, SNAPSHOTS};
use crate::content::{ContentArguments, Contents};
use crate::diagnostics::tell;

/// Arguments of `sentinel bench recovery`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel bench recovery\n  \
    sentinel bench recovery --entities 100000 -o json > small.json\n  \
    sentinel bench recovery --data-dir filled --latency-seconds 1 && sentinel bench recovery --data-dir filled --starts 5")]
pub struct RecoveryArguments {
    /// Accounts, cards, devices, addresses and merchants that live, taken together. Pairs and networks
    /// come on top.
    #[arg(long, default_value_t = 1_000_000)]
    entities: u64,
    /// Log behind the snapshot, in seconds of the engine at its full rate.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    tail_seconds: u32,
    /// Seed of the payments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Requests a second while latencies are taken.
    #[arg(long, value_name = "RATE", default_value_t = 5_000.0)]
    rate: f64,
    /// How long latencies are taken without a snapshot, seconds. With one they are taken until it is made, four times as long
    /// at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    latency_seconds: u32,
    /// Where the data lies: an empty or new directory. Without it, a temporary one.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Only starts again, on a --data-dir that an earlier run has filled: so often, each left before all is compared.
    #[arg(long, value_name = "TIMES", requires = "data_dir")]
    starts: Option<u32>,
    #[command(flatten)]
    content: ContentArguments,
    #[command(flatten)]
    report: ReportArguments,
}

const METHOD: &str = "seconds_to_first_decision: from opening the data directory to the answer to one request; files lie \
    in the system's cache; tail.entries is what the engine took in within tail.seconds_asked at its full rate with those entities \
    alive, and no more than the accounts pay until today; replayed outcomes are compared with the recorded ones, the first of them before the door \
    opens, the others until seconds_to_all_compared; latency_us: open loop at the rate, from when a request was due, without a snapshot and \
    while one is made by a thread of its own";

/// Payments of an account before the snapshot.
const FILL_PER_ACCOUNT: f64 = 4.5;
/// Payments made at once.
const CHUNK_PAYMENTS: usize = 1_024;
/// So many times as long as without a snapshot latencies are taken with one, at most: its walk and its writing are to be in
/// it.
const BESIDE_MOST: usize = 4;
/// Requests handed in between two looks whether the snapshot is done.
const SLICE: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct RecoveryReport {
    bench: &'static str,
    seconds_to_first_decision: f64,
    /// From opening the directory until a second owner has compared every outcome.
    seconds_to_all_compared: f64,
    /// Processor time of the start, all threads, and of the one that reads the snapshot and fills windows:
    /// what a busy machine disturbs little.
    cpu_seconds: f64,
    cpu_seconds_of_owner: f64,
    fill: Stretch,
    snapshot: SnapshotReport,
    tail: Tail,
    latency_us: Beside,
    rate: f64,
    seed: u64,
    method: &'static str,
    machine: Machine,
}

/// Entries through the pipeline at its full rate.
#[derive(Serialize)]
struct Stretch {
    entries: u64,
    seconds: f64,
    entries_per_second: f64,
    /// Processor time of all threads, submitting and alerts included.
    cpu_us_per_entry: f64,
}

#[derive(Serialize)]
struct SnapshotReport {
    offset: u64,
    bytes: u64,
    /// The walk over the log that a process without a snapshot makes once.
    walk_seconds: f64,
    /// Syncing the decision log, writing and syncing the file.
    write_seconds: f64,
    /// Processor time of both.
    cpu_seconds: f64,
    /// Reading it back.
    read_seconds: f64,
    read_cpu_seconds: f64,
    entities_asked: u64,
    /// Entities of every kind in it, pairs and networks included.
    entities: usize,
    /// The process before it was made, and with the second state.
    resident_bytes: [u64; 2],
}

#[derive(Serialize)]
struct Tail {
    seconds_asked: u32,
    /// How it came there: the engine's full rate with so many entities alive.
    #[serde(flatten)]
    fed: Stretch,
    /// From opening the directory to the door, without reading the snapshot.
    replay_seconds: f64,
    replayed_per_second: f64,
}

/// Starts of a directory that an earlier run has filled.
#[derive(Serialize)]
struct StartsReport {
    bench: &'static str,
    starts: Vec<Again>,
    method: &'static str,
    machine: Machine,
}

#[derive(Serialize)]
struct Again {
    seconds_to_first_decision: f64,
    cpu_seconds: f64,
    cpu_seconds_of_owner: f64,
    /// Log behind the snapshot.
    entries: u64,
}

#[derive(Serialize)]
struct Beside {
    alone: LatencyFigures,
    with_snapshot: LatencyFigures,
    ratio_p999: f64,
    answers: Answers,
    /// How long the snapshot was under way while latencies were taken.
    seconds_beside: f64,
    /// What was made then.
    made_entries: u64,
    made_seconds: f64,
}

/// Runs the command.
pub fn run(arguments: &RecoveryArguments) -> anyhow::Result<()> {
    let counts = [
        arguments.tail_seconds,
        arguments.latency_seconds,
        arguments.starts.unwrap_or(1),
    ];
    if arguments.entities == 0 || counts.contains(&0) {
        return Err(usage(
            "--entities, --tail-seconds, --latency-seconds and --starts are at least 1",
        ));
    }
    check_rate(arguments.rate)?;
    crate::diagnostics::start("warn");
    let machine = Machine::here();
    let temporary = tempfile::tempdir().context("make a temporary directory")?;
    let path = arguments.data_dir.as_deref().unwrap_or(temporary.path());
    if arguments.starts.is_some() != path.join(LOG).exists() {
        return Err(usage(match arguments.starts {
            Some(_) => format!("{} holds no log; fill it without --starts", path.display()),
            None => format!(
                "{} holds a log already; name an empty --data-dir",
                path.display()
            ),
        }));
    }
    let runtime = runtime()?;
    let bench = Bench {
        arguments,
        runtime: &runtime,
        path,
        folder: SnapshotFolder::new(&path.join(SNAPSHOTS)),
    };
    match arguments.starts {
        Some(times) => report::print(&bench.started_again(times, machine)?, &arguments.report),
        None => report::print(&bench.measured(machine)?, &arguments.report),
    }
}

struct Bench<'a> {
    arguments: &'a RecoveryArguments,
    runtime: &'a tokio::runtime::Runtime,
    path: &'a Path,
    folder: SnapshotFolder,
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts and seconds of a bench"
)]
impl Bench<'_> {
    fn measured(&self, machine: Machine) -> anyhow::Result<RecoveryReport> {
        let arguments = self.arguments;
        let population = Population::of(arguments.entities);
        let mut payments =
            Payments::new(Traffic::new(arguments.seed, population, Manner::default()));
        let first = self.start(None)?;
        let pipeline = &first.pipeline;
        tell("bench: filling");
        let wanted = (population.accounts as f64 * FILL_PER_ACCOUNT) as u64;
        let fill = fed(pipeline.handle(), &mut payments, (wanted, None))?;
        tell("bench: making the snapshot that the start will find");
        let snapshot = self.snapshot(pipeline.handle())?;
        // A few accounts pay slowly: more entries would reach into the future, where nothing is decided on.
        let most = payments.traffic.payments_until(clock::now()) / 2;
        let time = Duration::from_secs(arguments.tail_seconds.into());
        tell(&format!("bench: {} s of log more", arguments.tail_seconds));
        let tail = fed(pipeline.handle(), &mut payments, (most, Some(time)))?;
        self.stop(first)?;
        tell("bench: starting again");
        let Recovered {
            running,
            seconds,
            cpu: [cpu_seconds, cpu_seconds_of_owner],
            ..
        } = self.recovered(&mut payments, snapshot.offset)?;
        let seconds_to_all_compared = seconds + compared(running.pipeline.handle())?;
        let latency_us = self.latencies(running.pipeline.handle(), &mut payments);
        self.stop(running)?;
        let replay_seconds = seconds - snapshot.read_seconds;
        Ok(RecoveryReport {
            bench: "recovery",
            seconds_to_first_decision: seconds,
            seconds_to_all_compared,
            cpu_seconds,
            cpu_seconds_of_owner,
            fill,
            snapshot,
            tail: Tail {
                seconds_asked: arguments.tail_seconds,
                replay_seconds,
                replayed_per_second: tail.entries as f64 / replay_seconds.max(1e-9),
                fed: tail,
            },
            latency_us: latency_us?,
            rate: arguments.rate,
            seed: arguments.seed,
            method: METHOD,
            machine,
        })
    }

    fn start(&self, snapshots: Option<SnapshotOptions>) -> anyhow::Result<Started> {
        let contents = Contents::load(&self.arguments.content, &FeatureSet::shipped())?;
        self.runtime
            .block_on(start(Some(self.path), contents, snapshots))
    }

    /// The directory is free again when it has stopped.
    fn stop(&self, started: Started) -> anyhow::Result<()> {
        let Started { pipeline, .. } = started;
        Ok(self.runtime.block_on(pipeline.stop())?)
    }

    fn make(&self, handle: &Handle, stop: &AtomicBool) -> Result<Option<Made>, SnapshotError> {
        let covered = handle.followed().borrow().next;
        let mut go_on = || match stop.load(Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let mut refused = |error: &SnapshotError| tell(&format!("bench: {error}"));
        snapshot::make(
            &self.folder,
            handle.recorded_logs(),
            covered,
            None,
            &mut go_on,
            &mut refused,
        )
    }

    fn snapshot(&self, handle: &Handle) -> anyhow::Result<SnapshotReport> {
        let before = resident_bytes();
        let cpu = thread_ns();
        let made = self.make(handle, &AtomicBool::new(false))?;
        let Made {
            written,
            seconds: [walk_seconds, write_seconds],
            ..
        } = made.context("nothing was there to make a snapshot of")?;
        let logs = handle.recorded_logs();
        let cpu_seconds = seconds_of(thread_ns() - cpu);
        let (started, cpu) = (Stopwatch::now(), thread_ns());
        let mut refused = |error: &SnapshotError| tell(&format!("bench: {error}"));
        let (state, _) =
            self.folder
                .newest_state(&logs.transactions, written.offset, &mut refused)?;
        let read_seconds = started.elapsed().as_secs_f64();
        let read_cpu_seconds = seconds_of(thread_ns() - cpu);
        let with_second = resident_bytes();
        let kinds = EntityKind::ALL.iter();
        Ok(SnapshotReport {
            offset: written.offset.0,
            bytes: written.bytes,
            walk_seconds,
            write_seconds,
            cpu_seconds,
            read_seconds,
            read_cpu_seconds,
            entities_asked: self.arguments.entities,
            entities: kinds.map(|kind| state.engine().entities(*kind)).sum(),
            resident_bytes: [before, with_second],
        })
    }

    /// Starts again; the seconds until one request is answered.
    fn recovered(&self, payments: &mut Payments, from: u64) -> anyhow::Result<Recovered> {
        // One that no earlier run has sent.
        let event_id = EventId::new(format!("start-{}", clock::now().micros()));
        let first = payments.take(1).map(|one| Transaction {
            event_id: event_id.clone(),
            ..one
        });
        let pool = Pool::of_transactions(first);
        // It finds what is there and makes none.
        let options = SnapshotOptions {
            every_entries: 0,
            interval: Duration::ZERO,
            at_stop_entries: u64::MAX,
            ..SnapshotOptions::new(&self.path.join(SNAPSHOTS))
        };
        let (started, cpu) = (Stopwatch::now(), [process_ns(), thread_ns()]);
        let running = self.start(Some(options))?;
        let handle = running.pipeline.handle();
        let mut callers = Callers::new(handle, &pool, None);
        let _entered = self.runtime.enter();
        let phase = callers.run(0..1, Pace::Waiting(1))?;
        let seconds = started.elapsed().as_secs_f64();
        let [process, owner] = cpu;
        let cpu = [process_ns() - process, thread_ns() - owner].map(seconds_of);
        anyhow::ensure!(
            phase.answers.decided == 1,
            "the first request was not decided"
        );
        let newest = handle.snapshots().borrow().newest;
        anyhow::ensure!(
            newest.is_some_and(|newest| newest.offset == Offset(from)),
            "the start did not use the snapshot"
        );
        let entries = handle.log_end().0 - from;
        Ok(Recovered {
            running,
            seconds,
            cpu,
            entries,
        })
    }

    /// Starts of what an earlier run has filled, each left behind its first decision.
    fn started_again(&self, times: u32, machine: Machine) -> anyhow::Result<StartsReport> {
        let newest = self.folder.list()?.into_iter().next();
        let (Offset(from), _) = newest.context("no snapshot is there")?;
        let population = Population::of(self.arguments.entities);
        let traffic = Traffic::new(self.arguments.seed, population, Manner::default());
        let mut payments = Payments::new(traffic);
        let mut starts = Vec::new();
        for _ in 0..times {
            let Recovered {
                running,
                seconds,
                cpu: [cpu_seconds, cpu_seconds_of_owner],
                entries,
            } = self.recovered(&mut payments, from)?;
            self.stop(running)?;
            tell(&format!(
                "bench: {seconds:.2} s to the first decision behind {entries} entries"
            ));
            starts.push(Again {
                seconds_to_first_decision: seconds,
                cpu_seconds,
                cpu_seconds_of_owner,
                entries,
            });
        }
        Ok(StartsReport {
            bench: "recovery",
            starts,
            method: METHOD,
            machine,
        })
    }

    fn latencies(&self, handle: &Handle, payments: &mut Payments) -> anyhow::Result<Beside> {
        let rate = self.arguments.rate;
        let seconds = f64::from(self.arguments.latency_seconds);
        let half = (rate * seconds) as usize;
        let pool = Pool::of_transactions(payments.take(half * (1 + BESIDE_MOST)));
        let mut callers = Callers::new(handle, &pool, None);
        let _entered = self.runtime.enter();
        tell("bench: latencies without a snapshot");
        // What the start left behind (pages to give back, files to write) is not to be seen.
        callers.run(0..half / 5, Pace::Due(rate))?;
        let alone = callers.run(half / 5..half, Pace::Due(rate))?;
        tell("bench: latencies beside a snapshot");
        let (mut answers, mut latencies) = (Answers::default(), Latencies::new());
        let (stop, mut next) = (AtomicBool::new(false), half);
        let started = Stopwatch::now();
        let (made, made_in, beside) = std::thread::scope(|scope| {
            let making = scope.spawn(|| {
                snapshot::maker::be_nice();
                let started = Stopwatch::now();
                (self.make(handle, &stop), started.elapsed())
            });
            let ended = loop {
                let to = (next + (rate * SLICE.as_secs_f64()) as usize).min(pool.len());
                if making.is_finished() || next >= to {
                    break Ok(());
                }
                match callers.run(next..to, Pace::Due(rate)) {
                    Ok(phase) => {
                        latencies.add(&phase.latencies);
                        answers = phase.answers.plus(answers);
                    }
                    Err(error) => break Err(error),
                }
                next = to;
            };
            let beside = started.elapsed();
            let joined = making.join();
            ended.map(|()| joined.map(|(made, took)| (made, took, beside)))
        })?
        .map_err(|_| anyhow::anyhow!("the thread that makes a snapshot panicked"))?;
        let (with_snapshot, alone) = (latencies.figures(), alone.latencies.figures());
        Ok(Beside {
            ratio_p999: with_snapshot.p999 / alone.p999,
            alone,
            with_snapshot,
            answers,
            seconds_beside: beside.as_secs_f64(),
            made_entries: made?.map_or(0, |made| made.entries),
            made_seconds: made_in.as_secs_f64(),
        })
    }
}

/// A pipeline that was started again, and how long that took.
struct Recovered {
    running: Started,
    seconds: f64,
    /// Processor time of the process and of the owner's thread.
    cpu: [f64; 2],
    /// Log behind the snapshot that it began with.
    entries: u64,
}

/// Waits until every outcome is compared; the seconds that took.
fn compared(handle: &Handle) -> anyhow::Result<f64> {
    let started = Stopwatch::now();
    while handle.figures().to_compare > 0 {
        anyhow::ensure!(handle.figures().mismatches == 0, "replay and record differ");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(started.elapsed().as_secs_f64())
}

fn seconds_of(ns: u64) -> f64 {
    Duration::from_nanos(ns).as_secs_f64()
}

/// Payments one by one.
struct Payments {
    traffic: Traffic,
    chunk: Chunk,
}

impl Payments {
    fn new(traffic: Traffic) -> Self {
        Self {
            traffic,
            chunk: Chunk::default(),
        }
    }

    fn take(&mut self, count: usize) -> impl Iterator<Item = Transaction> + '_ {
        (0..count).map(|_| {
            self.traffic.fill(&mut self.chunk, 1);
            self.chunk.transactions.remove(0)
        })
    }
}

/// Hands so many entries in as fast as they are taken, for so long at most, and waits until alerts have followed.
#[allow(clippy::cast_precision_loss, reason = "counts of a bench")]
fn fed(
    handle: &Handle,
    payments: &mut Payments,
    (most, time): (u64, Option<Duration>),
) -> anyhow::Result<Stretch> {
    let (started, cpu, begin) = (Stopwatch::now(), process_ns(), handle.log_end());
    let mut left = most;
    while left > 0 && time.is_none_or(|time| started.elapsed() < time) {
        let now = usize::try_from(left)
            .unwrap_or(CHUNK_PAYMENTS)
            .min(CHUNK_PAYMENTS);
        let Payments { traffic, chunk } = payments;
        traffic.fill(chunk, now);
        for transaction in &chunk.transactions {
            while let Err(error) = handle.submit(transaction, clock::now()) {
                anyhow::ensure!(matches!(error, SubmitError::Overloaded), error);
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        left -= now as u64;
        // No further ahead than the owner can follow soon: a queue on the disk is no work done.
        while handle
            .log_end()
            .0
            .saturating_sub(handle.followed().borrow().next.0)
            > 100_000
        {
            anyhow::ensure!(handle.is_following(), "alerts follow decisions no longer");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let count = most - left;
    // What was taken is in the log a moment later: its end alone would say too early that everything has followed.
    let end = begin.plus(count);
    while handle.followed().borrow().next < end {
        anyhow::ensure!(handle.is_following(), "alerts follow decisions no longer");
        std::thread::sleep(Duration::from_millis(1));
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Stretch {
        entries: count,
        seconds,
        entries_per_second: count as f64 / seconds,
        cpu_us_per_entry: (process_ns() - cpu) as f64 / 1e3 / count.max(1) as f64,
    })
}
