//! The composition root: opens what a data directory holds.
//!
//! ```text
//! DIR/sentinel.lock     one process at a time
//! DIR/log/              the transaction log
//! DIR/decisions/        the decision log; a damaged one is kept as decisions.damaged-1 and so on
//! DIR/snapshots/        the state behind an offset of the log, so that a start need not replay all of it
//! DIR/store.sqlite      alerts, cases, outbox, progress
//! DIR/alerts.jsonl      messages delivered to the file sink
//! DIR/attempts          at which entry the engine panicked, where it did
//! DIR/dead-letters.jsonl  refused input
//! ```

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use sentinel_delivery::Sink;
use sentinel_domain::LogId;
use sentinel_eventlog::{Durability, EmbeddedOptions, EventLog, LogError, OpenReport};
use sentinel_pipeline::follow::{FollowError, Follower};
use sentinel_pipeline::{RecordedLogs, SnapshotFolder, deliver};
use sentinel_store::Store;
use tokio::sync::{broadcast, watch};

use crate::clock;
use crate::commands::usage;

/// The name of the file sink in the outbox.
pub const FILE_CHANNEL: &str = "file";

/// The note of where the owner panicked.
pub const ATTEMPTS: &str = "attempts";

/// The folder of the transaction log within a data directory.
pub const LOG: &str = "log";

/// The folder of the decision log.
pub const DECISIONS: &str = "decisions";

/// The store.
pub const STORE: &str = "store.sqlite";

/// The folder of snapshots within a data directory.
pub const SNAPSHOTS: &str = "snapshots";

/// What `sentinel run` leaves in the data directory it owns.
pub const RUN_MANIFEST: &str = "run.json";

/// An open data directory, held by this process until it is dropped.
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Opens a data directory, or makes it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path).map_err(|error| {
            usage(format!(
                "make the data directory {}: {error}",
                path.display()
            ))
        })?;
        let lock_path = path.join("sentinel.lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .with_context(|| format!("open {}", lock_path.display()))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            usage(format!(
                "{} is in use by another sentinel process; stop it or name another --data-dir",
                path.display()
            ))
        })?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Opens one that must hold a log already.
    pub fn open_existing(path: &Path) -> anyhow::Result<Self> {
        if !path.join(LOG).is_dir() {
            return Err(usage(format!(
                "{} holds no log; name the --data-dir of a run or server",
                path.display()
            )));
        }
        Self::open(path)
    }

    /// Refuses a directory that a run over a file owns: the run's log holds that file's rows and nothing
    /// else, or it could not be taken up again.
    pub fn refuse_run(&self) -> anyhow::Result<()> {
        let path = self.path(RUN_MANIFEST);
        if !path.exists() {
            return Ok(());
        }
        let manifest = std::fs::read(&path).unwrap_or_default();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap_or_default();
        let input = manifest.get("input").and_then(serde_json::Value::as_str);
        Err(usage(format!(
            "{} belongs to a run over {}; name another --data-dir (`sentinel replay` reads this one)",
            self.path.display(),
            input.unwrap_or("a file")
        )))
    }

    /// A path within.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The transaction log, synced before it is read.
    pub fn transactions(&self, new_log_id: LogId) -> anyhow::Result<EventLog> {
        open_log(&self.path(LOG), EmbeddedOptions::new(new_log_id))
    }

    /// The decision log of that transaction log; not synced, since it can be made again. A damaged one is
    /// set aside and begun anew: replaying the transaction log fills it.
    pub fn decisions(&self, transactions: &EventLog) -> anyhow::Result<EventLog> {
        match self.recorded_decisions(transactions) {
            Err(error) if self.set_damaged_aside(&error)? => self.recorded_decisions(transactions),
            opened => opened,
        }
    }

    /// Where an error says that the decision log is damaged, keeps that log under another name; says
    /// whether it did.
    pub fn set_damaged_aside(&self, error: &anyhow::Error) -> anyhow::Result<bool> {
        let damaged = self.path(DECISIONS);
        let found = error.chain().find_map(|cause| match cause.downcast_ref() {
            Some(LogError::Corrupt {
                file,
                offset_bytes,
                detail,
            }) if file.starts_with(&damaged) => Some((file, *offset_bytes, detail)),
            _ => None,
        });
        let Some((file, offset_bytes, detail)) = found else {
            return Ok(false);
        };
        let mut names = (1_u32..).map(|n| self.path(&format!("decisions.damaged-{n}")));
        let kept_as = names
            .find(|path| !path.exists())
            .context("name the damaged decision log")?;
        std::fs::rename(&damaged, &kept_as)
            .with_context(|| format!("set {} aside", damaged.display()))?;
        tracing::warn!(
            file = %file.display(),
            offset_bytes,
            detail,
            kept_as = %kept_as.display(),
            "the decision log is damaged; it is set aside and made again from the transaction log"
        );
        Ok(true)
    }

    /// The decision log as it was recorded: damage is an error. One that is not there begins where decisions can be made
    /// again: at the oldest snapshot, where the transaction log has lost its beginning.
    pub fn recorded_decisions(&self, transactions: &EventLog) -> anyhow::Result<EventLog> {
        let log_id = transactions.log_id();
        let folder = SnapshotFolder::new(&self.path(SNAPSHOTS));
        // Where it is there, nobody asks where it would begin: a snapshot is long.
        let first = match self.path(DECISIONS).exists() {
            true => folder.first_by_heads(transactions)?,
            false => folder.first_replayable(transactions)?,
        };
        let options = EmbeddedOptions {
            durability: Durability::Never,
            new_start: first.unwrap_or(transactions.start()),
            ..EmbeddedOptions::new(log_id)
        };
        let log = open_log(&self.path(DECISIONS), options)?;
        if log.log_id() != log_id {
            anyhow::bail!(
                "{} belongs to log {}, but the transaction log is {log_id}",
                self.path(DECISIONS).display(),
                log.log_id()
            );
        }
        Ok(log)
    }

    /// The file sink.
    pub fn sink(&self) -> anyhow::Result<Sink> {
        let path = self.path("alerts.jsonl");
        Sink::file(&path).with_context(|| format!("open the file sink {}", path.display()))
    }

    /// The store.
    pub async fn store(&self) -> anyhow::Result<Store> {
        let path = self.path(STORE);
        Store::open(&path)
            .await
            .with_context(|| format!("open the store {}", path.display()))
    }
}

fn open_log(path: &Path, options: EmbeddedOptions) -> anyhow::Result<EventLog> {
    let (log, report) = EventLog::open(path, options)
        .with_context(|| format!("open the log {}", path.display()))?;
    report_torn(&report);
    Ok(log)
}

fn report_torn(report: &OpenReport) {
    if let Some(torn) = &report.torn {
        tracing::warn!(
            file = %torn.file.display(),
            offset_bytes = torn.offset_bytes,
            bytes = torn.bytes,
            kept_as = %torn.kept_as.display(),
            "a write that a crash interrupted was cut off the log; it was never acknowledged"
        );
    }
}

/// A fresh random log id.
pub fn random_log_id() -> LogId {
    LogId(*uuid::Uuid::new_v4().as_bytes())
}

/// Alerts, cases and messages of a command that is not a server: a runtime with the follower on it.
pub struct SlowLane {
    runtime: tokio::runtime::Runtime,
    store: Store,
    sink: Sink,
    stop: watch::Sender<bool>,
    follower: tokio::task::JoinHandle<Result<(), FollowError>>,
}

impl SlowLane {
    /// Starts following the logs of a data directory.
    pub fn start(logs: RecordedLogs, directory: &DataDirectory) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("start the runtime")?;
        let store = runtime.block_on(directory.store())?;
        let sink = directory.sink()?;
        let (raised, _) = broadcast::channel(1);
        let follower = runtime.block_on(Follower::take_over(
            logs,
            store.clone(),
            FILE_CHANNEL,
            raised,
        ))?;
        let (stop, stopped) = watch::channel(false);
        let follower = runtime.spawn(follower.run(stopped));
        Ok(Self {
            runtime,
            store,
            sink,
            stop,
            follower,
        })
    }

    /// Takes what is left, delivers it, closes the store.
    pub fn finish(self) -> anyhow::Result<()> {
        let Self {
            runtime,
            store,
            sink,
            stop,
            follower,
        } = self;
        let _ = stop.send(true);
        runtime.block_on(async {
            follower
                .await
                .context("follow decisions")?
                .context("follow decisions")?;
            while deliver::step(&store, &sink, clock::now())
                .await
                .context("deliver alerts")?
            {}
            store.close().await;
            Ok(())
        })
    }
}
