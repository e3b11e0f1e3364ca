//! `sentinel serve`: decisions over REST, with live feed, metrics, API docs and dashboard.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use sentinel_api::{ApiOptions, Mode};
use sentinel_features::FeatureSet;
use sentinel_pipeline::dead_letter::DeadLetterFile;
use sentinel_pipeline::{Pipeline, PipelineError, PipelineOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::clock;
use crate::commands::usage;
use crate::compose::{self, DataDirectory, FILE_CHANNEL};
use crate::content::{ContentArguments, Contents};
use crate::diagnostics;
use crate::snapshots::SnapshotArguments;

/// How long nothing has to come before the log is told the time.
const TICK_AFTER: Duration = Duration::from_secs(60);

/// Arguments of `sentinel serve`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel serve --data-dir data\n  \
    sentinel serve --listen 127.0.0.1:9000 --data-dir data --rules my-rules.toml")]
pub struct ServeArguments {
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,
    /// Log, decisions, alerts and cases live here.
    #[arg(long, value_name = "DIR", default_value = "sentinel-data")]
    pub data_dir: PathBuf,
    /// How long a caller waits for a decision before the answer is `pending`.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1_000)]
    pub deadline_ms: u64,
    #[command(flatten)]
    pub snapshots: SnapshotArguments,
    #[command(flatten)]
    pub content: ContentArguments,
}

/// Runs the command.
pub fn serve(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    diagnostics::start("info");
    let log = arguments.data_dir.join(compose::LOG);
    let contents = Contents::load_beside(&arguments.content, &FeatureSet::shipped(), &log)?;
    runtime()?.block_on(async {
        let server = Server::start(Start {
            listen: arguments.listen,
            data_dir: &arguments.data_dir,
            contents,
            deadline: Duration::from_millis(arguments.deadline_ms),
            mode: Mode::Serve,
            snapshots: Some(arguments.snapshots),
        })
        .await?;
        told(announce(&server, &arguments.data_dir));
        server.until_stopped().await
    })
}

/// What a server starts with.
pub struct Start<'a> {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it keeps its data.
    pub data_dir: &'a Path,
    /// What it decides with.
    pub contents: Contents,
    /// How long a caller waits.
    pub deadline: Duration,
    /// How it introduces itself.
    pub mode: Mode,
    /// How often snapshots are made; `None`: never.
    pub snapshots: Option<SnapshotArguments>,
}

/// A running server.
pub struct Server {
    /// The pipeline behind it.
    pub pipeline: Pipeline,
    /// Where it listens.
    pub address: SocketAddr,
    signals: Signals,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
    stop: tokio::sync::watch::Sender<bool>,
    mode: Mode,
    directory: DataDirectory,
}

impl Server {
    /// Binds the port first (the likeliest thing to fail), then replays the log and starts.
    pub async fn start(start: Start<'_>) -> anyhow::Result<Self> {
        let listener = bind(start.listen).await?;
        let address = listener.local_addr().context("read the bound address")?;
        let directory = DataDirectory::open(start.data_dir)?;
        directory.refuse_run()?;
        let pipeline = match pipeline_of(&directory, &start).await {
            // Opening a log looks at its end only; replaying it finds damage further up.
            Err(error) if directory.set_damaged_aside(&error)? => {
                pipeline_of(&directory, &start).await?
            }
            started => started?,
        };
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let router = sentinel_api::router(ApiOptions {
            handle: pipeline.handle().clone(),
            store: pipeline.store().clone(),
            alerts: pipeline.alerts(),
            reference: start.contents.reference,
            mode: start.mode,
            now: clock::now,
            version: env!("CARGO_PKG_VERSION"),
            stop: stopped.clone(),
            loopback_only: address.ip().is_loopback(),
        });
        // Before anybody is answered: whoever knows the address may send a signal. While the log is
        // replayed a signal ends the process, which loses nothing.
        let signals = Signals::listen()?;
        let serving = tokio::spawn(sentinel_api::serve(listener, router, stopped));
        Ok(Self {
            pipeline,
            address,
            signals,
            serving,
            stop,
            mode: start.mode,
            directory,
        })
    }

    /// Serves until Ctrl-C or SIGTERM, then drains. Fails where the worker stops by itself.
    pub async fn until_stopped(self) -> anyhow::Result<ExitCode> {
        let mut signals = self.signals;
        let mut failed = self.pipeline.failed();
        tokio::select! {
            () = signals.next() => {}
            _ = failed.wait_for(|failed| *failed) => {}
        }
        let folder = (self.mode == Mode::Demo).then(|| self.directory.path(""));
        tokio::spawn(end_at_once(signals, folder));
        tracing::info!("stopping: finishing what was accepted");
        let _ = self.stop.send(true);
        self.pipeline.handle().stop_replays();
        // Open live feeds end by themselves; a client that does not is left after a moment.
        let _ = tokio::time::timeout(Duration::from_secs(3), self.serving).await;
        self.pipeline.stop().await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Opens what a directory holds, replays the log and starts.
async fn pipeline_of(directory: &DataDirectory, start: &Start<'_>) -> anyhow::Result<Pipeline> {
    let transactions = directory.transactions(compose::random_log_id())?;
    let decisions = directory.decisions(&transactions)?;
    let store = directory.store().await?;
    let options = PipelineOptions {
        transactions,
        decisions,
        store,
        sink: (directory.sink()?, FILE_CHANNEL.to_owned()),
        dead_letters: DeadLetterFile::growing(&directory.path("dead-letters.jsonl")),
        contents: start.contents.activations.clone(),
        snapshots: start
            .snapshots
            .map(|arguments| arguments.options(&directory.path(compose::SNAPSHOTS)))
            .transpose()?,
        attempts: Some(directory.path(compose::ATTEMPTS)),
        trust: start.contents.trust.clone(),
        // The log of a demonstration holds its own stream and nothing else.
        ticks: (start.mode == Mode::Serve).then_some(TICK_AFTER),
        deadline: start.deadline,
        now: clock::now,
    };
    let mut told = std::time::Instant::now();
    let mut progress = |done, of| {
        if told.elapsed() > Duration::from_secs(2) {
            told = std::time::Instant::now();
            tracing::info!(done, of, "replaying the log");
        }
    };
    Pipeline::start(options, &mut progress)
        .await
        .map_err(|error| match error {
            // A file that does not fit is the caller's to mend, whenever it is noticed.
            PipelineError::Content(detail) => usage(detail),
            other => other.into(),
        })
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("listen for Ctrl-C")?,
            terminate: signal(SignalKind::terminate()).context("listen for SIGTERM")?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// A second signal while draining ends the process: what was answered is in the log, a restart replays it.
/// `folder` is removed first.
async fn end_at_once(mut signals: Signals, folder: Option<PathBuf>) {
    signals.next().await;
    tracing::warn!("a second signal: ending at once; the log is intact, a restart replays it");
    if let Some(folder) = folder {
        // What cannot be removed stays; the process ends anyway.
        let _ = std::fs::remove_dir_all(folder);
    }
    std::process::exit(130);
}

async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "; another process uses that port: choose one with --listen 127.0.0.1:PORT (0 takes a \
                 free one)"
            }
            _ => "; choose another address with --listen ADDRESS:PORT",
        };
        usage(format!("cannot listen on {listen}: {error}{hint}"))
    })
}

/// A person or a script reads the address here.
fn announce(server: &Server, data_dir: &Path) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "sentinel listens on http://{}", server.address)?;
    writeln!(out, "  dashboard   http://{}/", server.address)?;
    writeln!(out, "  API docs    http://{}/docs", server.address)?;
    writeln!(out, "  data        {}", data_dir.display())?;
    let reach = if server.address.ip().is_loopback() {
        "open to this machine only; there is no authentication yet"
    } else {
        "WARNING: reachable from other machines, and there is no authentication yet"
    };
    writeln!(out, "  {reach}")?;
    out.flush()
}

/// A server whose words find no reader serves all the same.
pub fn told(written: std::io::Result<()>) {
    if let Err(error) = written {
        tracing::warn!(%error, "standard output cannot be written");
    }
}

/// The runtime of everything that waits: doors, store, sinks. Decisions have a thread of their own.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")
}
