//! A running server from outside: transactions over connections that are kept.
//!
//! With a rate, requests are due at given times whether or not earlier ones are answered, and a latency
//! counts from when its request was due: a server that falls behind shows it, and nothing needs to be
//! corrected afterwards. Without one, each connection asks again as soon as it has its answer.

mod server;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant as Stopwatch};

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tokio::sync::Semaphore;

use self::server::ServerProcess;
use super::engine::{check_rate, due_at, share};
use super::latency::{Latencies, LatencyFigures};
use super::machine::{Machine, process_ns, resident_bytes};
use super::pool::{Pool, PoolArguments, PoolFigures};
use super::{ReportArguments, report};
use crate::clock;
use crate::commands::serve::runtime;
use crate::commands::usage;
use crate::connection::{Connection, Target};

/// Arguments of `sentinel bench http`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel bench http http://127.0.0.1:8000\n  \
    sentinel bench http http://127.0.0.1:8000 --requests 100000 --concurrency 64 --rate 5000\n  \
    sentinel bench http http://127.0.0.1:8000 --server-pid 4711 -o json > before.json")]
pub struct HttpArguments {
    /// Where the server listens, for example http://127.0.0.1:8000; without a path, decisions are asked
    /// for at /api/v1/decisions.
    #[arg(value_name = "URL")]
    url: String,
    /// How many requests are timed.
    #[arg(long, value_name = "COUNT", default_value_t = 50_000)]
    requests: usize,
    /// Connections at once.
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    concurrency: usize,
    /// Requests a second, sent when they are due; without it each connection sends as soon as it has its
    /// answer.
    #[arg(long, value_name = "RATE")]
    rate: Option<f64>,
    /// Requests before the clock starts.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    warm_up: usize,
    /// The server's process on this machine, for its processor time and memory instead of this client's.
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    #[command(flatten)]
    pool: PoolArguments,
    #[command(flatten)]
    report: ReportArguments,
}

#[derive(Serialize)]
struct HttpReport {
    bench: &'static str,
    decisions_per_second: f64,
    latency_us: LatencyFigures,
    cpu_ns_per_decision: f64,
    resident_bytes: u64,
    /// Whose processor time and memory that is: `server` or `client`.
    cpu_and_memory_of: &'static str,
    url: String,
    requests: usize,
    concurrency: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_asked: Option<f64>,
    /// Answers a second, whatever their status.
    rate_reached: f64,
    seconds: f64,
    answered: u64,
    status: BTreeMap<String, u64>,
    /// Requests without an answer, and what became of the first of them.
    errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_error: Option<String>,
    warm_up: usize,
    pool: PoolFigures,
    seed: u64,
    event_rate: f64,
    method: &'static str,
    machine: Machine,
}

const OPEN_LOOP: &str = "open loop: latency_us from the moment a request was due to the last byte of its \
    answer; decisions_per_second: answers 200 over wall time";
const CLOSED_LOOP: &str = "closed loop: latency_us from sending a request to the last byte of its answer; \
    decisions_per_second: answers 200 over wall time";

/// What requests gave.
struct Counted {
    status: BTreeMap<u16, u64>,
    errors: u64,
    first_error: Option<String>,
    latencies: Latencies,
    wall: Duration,
}

/// What all connections share.
struct Work {
    target: Target,
    pool: Arc<Pool>,
    next: AtomicUsize,
    end: usize,
    first: usize,
    /// A permit for each request that is due, and when they began to be.
    due: Option<(f64, Semaphore)>,
    started: Stopwatch,
}

/// Runs the command.
pub fn run(arguments: &HttpArguments) -> anyhow::Result<()> {
    let (target, server) = checked(arguments)?;
    let machine = Machine::here();
    let runtime = runtime()?;
    // Before the pool is made: an address where nobody listens is told at once.
    let reached = runtime.block_on(Connection::open(&target));
    drop(reached.with_context(|| format!("reach {}", arguments.url))?);
    let pool = Arc::new(pool(arguments)?);
    let phase = |range: Range<usize>, rate: Option<f64>| {
        let pool = Arc::clone(&pool);
        runtime.block_on(requests(
            &target,
            pool,
            range,
            (rate, arguments.concurrency),
        ))
    };
    let cpu_ns = || match &server {
        Some(server) => server.cpu_ns(),
        None => process_ns(),
    };
    let _ = phase(0..arguments.warm_up, None);
    let before = cpu_ns();
    let timed = arguments.warm_up..arguments.warm_up + arguments.requests;
    let counted = phase(timed, arguments.rate);
    let cpu_ns = cpu_ns().saturating_sub(before);
    if counted.status.is_empty() {
        let why = counted.first_error.unwrap_or_default();
        anyhow::bail!("{} answered none of the requests: {why}", arguments.url);
    }
    let (resident_bytes, cpu_and_memory_of) = match &server {
        Some(server) => (server.resident_bytes(), "server"),
        None => (resident_bytes(), "client"),
    };
    let answered = counted.status.values().sum();
    let decided = counted.status.get(&200).copied().unwrap_or(0);
    let seconds = counted.wall.as_secs_f64();
    let status = counted.status.into_iter();
    let report = HttpReport {
        bench: "http",
        decisions_per_second: share(decided, 1) / seconds,
        latency_us: counted.latencies.figures(),
        cpu_ns_per_decision: share(cpu_ns, decided),
        resident_bytes,
        cpu_and_memory_of,
        url: arguments.url.clone(),
        requests: arguments.requests,
        concurrency: arguments.concurrency,
        rate_asked: arguments.rate,
        rate_reached: share(answered, 1) / seconds,
        seconds,
        answered,
        status: status
            .map(|(code, count)| (code.to_string(), count))
            .collect(),
        errors: counted.errors,
        first_error: counted.first_error,
        warm_up: arguments.warm_up,
        pool: pool.figures(),
        seed: arguments.pool.seed,
        event_rate: arguments.pool.event_rate,
        method: arguments.rate.map_or(CLOSED_LOOP, |_| OPEN_LOOP),
        machine,
    };
    report::print(&report, &arguments.report)?;
    anyhow::ensure!(
        decided == arguments.requests as u64,
        "{decided} of {} requests were answered with a decision; see status and errors above",
        arguments.requests
    );
    Ok(())
}

/// Whether what was asked for makes sense, and where to ask.
fn checked(arguments: &HttpArguments) -> anyhow::Result<(Target, Option<ServerProcess>)> {
    if arguments.requests == 0 || arguments.concurrency == 0 {
        return Err(usage("--requests and --concurrency are at least 1"));
    }
    arguments.rate.map_or(Ok(()), check_rate)?;
    let target = Target::parse(&arguments.url).map_err(usage)?;
    let server = arguments.server_pid.map(ServerProcess::find).transpose();
    Ok((target, server.map_err(usage)?))
}

/// Payments up to now, so that none is from the future, with names that no run before had.
fn pool(arguments: &HttpArguments) -> anyhow::Result<Pool> {
    let count = arguments.warm_up + arguments.requests;
    let start = clock::now().plus_micros(-arguments.pool.micros(count));
    let run = uuid::Uuid::new_v4().simple().to_string();
    let run: String = run.chars().take(12).collect();
    let stream = arguments.pool.stream(start, &format!("bench-{run}-"))?;
    Ok(Pool::of(stream, count))
}

impl Work {
    /// The next request, once it is due, and since when it is; `None` where none is left.
    async fn next(&self) -> Option<(usize, Stopwatch)> {
        if let Some((_, due)) = &self.due {
            due.acquire().await.ok()?.forget();
        }
        let index = self.next.fetch_add(1, Relaxed);
        let since = match self.due {
            Some((rate, _)) => self.started + due_at(index.saturating_sub(self.first), rate),
            None => Stopwatch::now(),
        };
        (index < self.end).then_some((index, since))
    }

    /// Gives out permits as requests become due; the runtime's timer, a millisecond coarse, would add to
    /// every latency.
    fn give_out(&self, connections: usize) {
        let Some((rate, due)) = &self.due else { return };
        let mut given = 0;
        while given < self.end - self.first {
            let at = due_at(given, *rate);
            let now = self.started.elapsed();
            if at <= now {
                due.add_permits(1);
                given += 1;
            } else {
                std::thread::sleep(at - now);
            }
        }
        // Every connection is told that none is left.
        due.add_permits(connections);
    }
}

/// Sends a range of the pool over so many connections, which are open before the clock starts.
async fn requests(
    target: &Target,
    pool: Arc<Pool>,
    range: Range<usize>,
    (rate, connections): (Option<f64>, usize),
) -> Counted {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        // One that does not open now is tried again with its first request, and counted there.
        open.push(Connection::open(target).await.ok());
    }
    let work = Arc::new(Work {
        target: target.clone(),
        pool,
        next: AtomicUsize::new(range.start),
        first: range.start,
        end: range.end,
        due: rate.map(|rate| (rate, Semaphore::new(0))),
        started: Stopwatch::now(),
    });
    let giver = Arc::clone(&work);
    let giver = std::thread::spawn(move || giver.give_out(connections));
    let connections: Vec<_> = open
        .into_iter()
        .map(|kept| tokio::spawn(one_connection(Arc::clone(&work), kept)))
        .collect();
    let mut all = Counted::new();
    for connection in connections {
        // A task that panicked has told so.
        if let Ok(counted) = connection.await {
            all.add(counted);
        }
    }
    all.wall = work.started.elapsed();
    let _ = giver.join();
    all
}

async fn one_connection(work: Arc<Work>, mut kept: Option<Connection>) -> Counted {
    let mut counted = Counted::new();
    while let Some((index, since)) = work.next().await {
        let opened = match kept.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(&work.target).await,
        };
        let asked = match opened {
            Ok(connection) => connection.ask(&work.target, work.pool.body(index)).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(answer) => {
                counted.latencies.take(since.elapsed());
                *counted.status.entry(answer.status).or_default() += 1;
                kept = answer.connection();
            }
            Err(error) => {
                counted.errors += 1;
                counted.first_error.get_or_insert_with(|| error.to_string());
            }
        }
    }
    counted
}

impl Counted {
    fn new() -> Self {
        Self {
            status: BTreeMap::new(),
            errors: 0,
            first_error: None,
            latencies: Latencies::new(),
            wall: Duration::ZERO,
        }
    }

    fn add(&mut self, other: Self) {
        for (status, count) in other.status {
            *self.status.entry(status).or_default() += count;
        }
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.latencies.add(&other.latencies);
    }
}
