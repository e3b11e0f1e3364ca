//! The whole way in this process: JSON bytes in, response JSON out, everything on.
//!
//! A pipeline as a server has it: log, worker with features, model, rules and policy, decision log, alerts
//! that follow into a store. One thread stands for the callers: it decodes and encodes as the REST door
//! does. First the windows are filled; then as many callers as asked for always wait, which gives the
//! rate; then transactions are due at given times, which gives latency.

pub(super) mod callers;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Stopwatch};

use anyhow::Context;
use clap::Args;
use sentinel_delivery::Sink;
use sentinel_domain::Instant;
use sentinel_eventlog::{EventLog, MemoryOptions};
use sentinel_features::FeatureSet;
use sentinel_pipeline::dead_letter::DeadLetterFile;
use sentinel_pipeline::{Handle, Pipeline, PipelineOptions, SnapshotOptions};
use sentinel_store::Store;
use serde::Serialize;

pub(super) use self::callers::due_at;
use self::callers::{Answers, Callers, Pace, Phase, Room};
use super::latency::LatencyFigures;
use super::machine::{Machine, process_ns, resident_bytes};
use super::pool::{Pool, PoolArguments, PoolFigures};
use super::{ReportArguments, report};
use crate::clock;
use crate::commands::serve::runtime;
use crate::commands::usage;
use crate::compose::{self, DataDirectory, FILE_CHANNEL, LOG};
use crate::content::{ContentArguments, Contents};

/// Arguments of `sentinel bench engine`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel bench engine\n  \
    sentinel bench engine --rate 50000 -o json > before.json\n  \
    sentinel bench engine --data-dir fresh --compare before.json")]
pub struct EngineArguments {
    #[command(flatten)]
    pool: PoolArguments,
    /// Transactions before the clock starts, so that windows are filled.
    #[arg(long, value_name = "COUNT", default_value_t = 200_000)]
    warm_up: usize,
    /// Transactions of each of the two phases.
    #[arg(long, value_name = "COUNT", default_value_t = 400_000)]
    decisions: usize,
    /// Transactions a second of the latency phase.
    #[arg(long, value_name = "RATE", default_value_t = 100_000.0)]
    rate: f64,
    /// Callers that wait at once while the greatest rate is looked for.
    #[arg(long, value_name = "COUNT", default_value_t = 512)]
    concurrency: usize,
    /// Keep log, decisions and alerts in this empty directory, every entry synced before it is decided;
    /// without it they are in memory.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    content: ContentArguments,
    #[command(flatten)]
    report: ReportArguments,
}

const METHOD: &str = "decisions_per_second: callers that wait for their answers, wall time; \
    cpu_ns_per_decision: all threads of that phase until its alerts have followed; latency_us: open loop \
    at the rate, from the moment a transaction was due to its response JSON; resident_bytes: this process \
    after the first phase, pool included; a memory log keeps what alerts have not followed yet";

/// The first event; any time that has passed will do.
const START_SECONDS: i64 = 1_767_571_200;

/// Callers wait as long as it takes: a latency is to be seen, not cut off.
const DEADLINE: Duration = Duration::from_secs(600);

/// A memory log refuses beyond this. What alerts have followed is dropped from it, so only a follower far
/// behind fills it.
const MEMORY_LOG_BYTES_MAX: usize = 4 << 30;

#[derive(Serialize)]
struct EngineReport {
    bench: &'static str,
    decisions_per_second: f64,
    latency_us: LatencyFigures,
    cpu_ns_per_decision: f64,
    resident_bytes: u64,
    saturation: Saturation,
    open_loop: OpenLoop,
    /// The share of decisions that carry contributions.
    share_explained: f64,
    request_bytes_mean: f64,
    response_bytes_mean: f64,
    features: usize,
    log: &'static str,
    warm_up: usize,
    pool: PoolFigures,
    seed: u64,
    event_rate: f64,
    method: &'static str,
    machine: Machine,
}

#[derive(Serialize)]
struct Saturation {
    decisions: u64,
    seconds: f64,
    cpu_seconds: f64,
    concurrency: usize,
    latency_us: LatencyFigures,
    /// Outcomes that alerts had not followed yet at the last answer, and how long they took.
    alerts_behind: u64,
    alerts_behind_seconds: f64,
    answers: Answers,
}

#[derive(Serialize)]
struct OpenLoop {
    rate_asked: f64,
    rate_reached: f64,
    seconds: f64,
    cpu_seconds: f64,
    decisions: u64,
    answers: Answers,
}

/// Runs the command.
pub fn run(arguments: &EngineArguments) -> anyhow::Result<()> {
    check(arguments)?;
    crate::diagnostics::start("warn");
    let machine = Machine::here();
    let contents = Contents::load(&arguments.content, &FeatureSet::shipped())?;
    let stream = arguments
        .pool
        .stream(Instant::from_seconds(START_SECONDS), "bench-")?;
    let pool = Pool::of(stream, arguments.warm_up + 2 * arguments.decisions);
    let runtime = runtime()?;
    let Started {
        pipeline,
        room,
        _directory,
    } = runtime.block_on(start(arguments.data_dir.as_deref(), contents, None))?;
    // The deadlines of callers are kept by the runtime.
    let measured = {
        let _entered = runtime.enter();
        measure(
            arguments,
            Callers::new(pipeline.handle(), &pool, room),
            pipeline.handle(),
        )
    };
    runtime.block_on(pipeline.stop())?;
    let Measured {
        saturation,
        open_loop,
        resident_bytes,
    } = measured?;
    let reached = open_loop.phase.rate();
    if reached < 0.98 * arguments.rate {
        crate::diagnostics::tell(&format!(
            "the latency phase reached {reached:.0} of {:.0} a second: its latencies are those of a queue that \
             grows; ask for a lower --rate",
            arguments.rate
        ));
    }
    let both = [&saturation, &open_loop];
    let decided: u64 = both.iter().map(|one| one.phase.answers.decided).sum();
    let of =
        |take: fn(&Phase) -> u64| share(both.iter().map(|one| take(&one.phase)).sum(), decided);
    report::print(
        &EngineReport {
            bench: "engine",
            decisions_per_second: saturation.phase.rate(),
            latency_us: open_loop.phase.latencies.figures(),
            cpu_ns_per_decision: share(saturation.cpu_ns, saturation.phase.answers.decided),
            resident_bytes,
            share_explained: of(|phase| phase.explained),
            request_bytes_mean: of(|phase| phase.request_bytes),
            response_bytes_mean: of(|phase| phase.response_bytes),
            saturation: saturation.told(arguments.concurrency),
            open_loop: open_loop.told_at(arguments.rate),
            features: pool_width(&arguments.content)?,
            log: match arguments.data_dir {
                Some(_) => "embedded, synced",
                None => "memory",
            },
            warm_up: arguments.warm_up,
            pool: pool.figures(),
            seed: arguments.pool.seed,
            event_rate: arguments.pool.event_rate,
            method: METHOD,
            machine,
        },
        &arguments.report,
    )
}

fn check(arguments: &EngineArguments) -> anyhow::Result<()> {
    if arguments.decisions == 0 || arguments.concurrency == 0 {
        return Err(usage("--decisions and --concurrency are at least 1"));
    }
    check_rate(arguments.rate)?;
    match &arguments.data_dir {
        Some(path) if path.join(LOG).exists() => Err(usage(format!(
            "{} holds a log already, and its transactions would be repeats; name an empty --data-dir",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// A rate at which requests can be due.
pub(super) fn check_rate(rate: f64) -> anyhow::Result<()> {
    if rate.is_finite() && (0.001..=1e8).contains(&rate) {
        return Ok(());
    }
    Err(usage(format!(
        "--rate {rate} is no rate: a number of transactions a second, from 0.001 to 100000000"
    )))
}

fn pool_width(content: &ContentArguments) -> anyhow::Result<usize> {
    let shipped = FeatureSet::shipped();
    Ok(crate::content::with_definitions(shipped, content.features.as_deref())?.width())
}

#[allow(clippy::cast_precision_loss, reason = "counts of a bench")]
pub(super) fn share(of: u64, all: u64) -> f64 {
    of as f64 / all.max(1) as f64
}

/// What is measured.
pub(super) struct Started {
    pub pipeline: Pipeline,
    /// Keeps a memory log small; a log on disk needs none.
    room: Option<Room>,
    /// Held by this process for as long.
    _directory: Option<DataDirectory>,
}

/// A pipeline as a server has it.
pub(super) async fn start(
    directory: Option<&Path>,
    contents: Contents,
    snapshots: Option<SnapshotOptions>,
) -> anyhow::Result<Started> {
    let directory = directory.map(DataDirectory::open).transpose()?;
    let (transactions, decisions, store, sink, letters) = match &directory {
        Some(directory) => {
            let transactions = directory.transactions(compose::random_log_id())?;
            let decisions = directory.decisions(&transactions)?;
            let letters = directory.path("dead-letters.jsonl");
            let store = directory.store().await?;
            (transactions, decisions, store, directory.sink()?, letters)
        }
        None => {
            let options = MemoryOptions {
                log_id: compose::random_log_id(),
                bytes_max: MEMORY_LOG_BYTES_MAX,
            };
            let letters = std::env::temp_dir().join(format!("sentinel-bench-{}", options.log_id));
            (
                EventLog::memory(options.clone()),
                EventLog::memory(options),
                Store::memory().await.context("open a store in memory")?,
                Sink::stdout(std::io::sink()),
                letters,
            )
        }
    };
    let options = PipelineOptions {
        transactions,
        decisions,
        store,
        sink: (sink, FILE_CHANNEL.to_owned()),
        // No transaction of the pool is refused, so no file is made.
        dead_letters: DeadLetterFile::growing(&letters),
        contents: contents.activations,
        snapshots,
        attempts: None,
        trust: sentinel_pipeline::trust::ModelTrust::default(),
        ticks: None,
        deadline: DEADLINE,
        now: clock::now,
    };
    let logs = [options.transactions.clone(), options.decisions.clone()];
    let pipeline = Pipeline::start(options, &mut |_, _| {}).await?;
    let followed = pipeline.handle().followed();
    Ok(Started {
        pipeline,
        room: directory.is_none().then(|| Room::new(logs, followed)),
        _directory: directory,
    })
}

struct Measured {
    saturation: Timed,
    open_loop: Timed,
    resident_bytes: u64,
}

/// A phase with what it cost until its alerts had followed.
struct Timed {
    phase: Phase,
    cpu_ns: u64,
    alerts_behind: u64,
    alerts_behind_time: Duration,
}

fn measure(
    arguments: &EngineArguments,
    mut callers: Callers<'_>,
    handle: &Handle,
) -> anyhow::Result<Measured> {
    let waiting = Pace::Waiting(arguments.concurrency);
    let timed = arguments.warm_up + arguments.decisions;
    let _ = timed_phase(&mut callers, 0..arguments.warm_up, waiting, handle)?;
    let saturation = timed_phase(&mut callers, arguments.warm_up..timed, waiting, handle)?;
    let resident_bytes = resident_bytes();
    let due = timed..timed + arguments.decisions;
    let open_loop = timed_phase(&mut callers, due, Pace::Due(arguments.rate), handle)?;
    Ok(Measured {
        saturation,
        open_loop,
        resident_bytes,
    })
}

fn timed_phase(
    callers: &mut Callers<'_>,
    range: std::ops::Range<usize>,
    pace: Pace,
    handle: &Handle,
) -> anyhow::Result<Timed> {
    let before = process_ns();
    let phase = callers.run(range, pace)?;
    let answered = Stopwatch::now();
    let end = handle.log_end();
    let behind = || end.0.saturating_sub(handle.followed().borrow().next.0);
    let alerts_behind = behind();
    while behind() > 0 {
        anyhow::ensure!(handle.is_following(), "alerts follow decisions no longer");
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(Timed {
        phase,
        cpu_ns: process_ns() - before,
        alerts_behind,
        alerts_behind_time: answered.elapsed(),
    })
}

impl Timed {
    fn cpu_seconds(&self) -> f64 {
        Duration::from_nanos(self.cpu_ns).as_secs_f64()
    }

    fn told(self, concurrency: usize) -> Saturation {
        Saturation {
            decisions: self.phase.answers.decided,
            seconds: self.phase.wall.as_secs_f64(),
            cpu_seconds: self.cpu_seconds(),
            concurrency,
            latency_us: self.phase.latencies.figures(),
            alerts_behind: self.alerts_behind,
            alerts_behind_seconds: self.alerts_behind_time.as_secs_f64(),
            answers: self.phase.answers,
        }
    }

    fn told_at(self, rate: f64) -> OpenLoop {
        OpenLoop {
            rate_asked: rate,
            rate_reached: self.phase.rate(),
            seconds: self.phase.wall.as_secs_f64(),
            cpu_seconds: self.cpu_seconds(),
            decisions: self.phase.answers.decided,
            answers: self.phase.answers,
        }
    }
}
