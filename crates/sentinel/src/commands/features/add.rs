//! `sentinel features add`: definitions into a log, live from its end on.
//!
//! Into the log of a data directory that nobody uses, or through the door of a running server. In both
//! cases the activation stands in the log, and whoever owns the partition fills the features from it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use sentinel_api::wire::feature::FeaturesAddedBody;
use sentinel_domain::{Activation, Entry, LogId, Offset, Outcome};
use sentinel_eventlog::{EventLog, Payloads, encode_entry};
use sentinel_pipeline::definitions::{self, AdditionError};
use sentinel_pipeline::statistics::Statistics;
use sentinel_pipeline::worker::Worker;
use sentinel_pipeline::{
    FeaturesAdded, PartitionState, RecordedLogs, SnapshotError, SnapshotFolder,
};

use super::{Output, server};
use crate::clock;
use crate::commands::usage;
use crate::compose::{DataDirectory, LOG, SNAPSHOTS};
use crate::content::{faults, text};
use crate::diagnostics;

/// Arguments of `sentinel features add`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel features add my-features.toml --data-dir data --dry-run\n  \
    sentinel features add my-features.toml --data-dir data\n  \
    sentinel features add my-features.toml --server http://127.0.0.1:8000")]
pub struct AddArguments {
    /// The definitions (TOML).
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
    /// The data directory of a server that is not running.
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "server",
        required_unless_present = "server"
    )]
    data_dir: Option<PathBuf>,
    /// The address of a running server.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Say what would be added, and add nothing.
    #[arg(long)]
    dry_run: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the command.
pub fn add(arguments: &AddArguments) -> anyhow::Result<ExitCode> {
    diagnostics::start("info");
    let definitions = text(&arguments.file)?;
    let added = match (&arguments.server, &arguments.data_dir) {
        (Some(url), _) => server::add(url, &arguments.file, &definitions, arguments.dry_run)?,
        (None, Some(path)) => {
            serde_json::to_value(add_to_directory(path, arguments, &definitions)?)?
        }
        (None, None) => return Err(usage("name --data-dir DIR or --server URL")),
    };
    tell(&added, arguments).context("write the result")?;
    Ok(ExitCode::SUCCESS)
}

/// Replays the log behind the newest snapshot, appends, fills.
fn add_to_directory(
    path: &Path,
    arguments: &AddArguments,
    text: &str,
) -> anyhow::Result<FeaturesAddedBody> {
    let directory = DataDirectory::open_existing(path).map_err(|error| {
        if path.join(LOG).is_dir() {
            usage(format!(
                "{error:#}. To add features to a running server, name it: --server http://127.0.0.1:8000"
            ))
        } else {
            error
        }
    })?;
    directory.refuse_run()?;
    let transactions = directory.transactions(LogId::default())?;
    let decisions = directory.decisions(&transactions)?;
    let logs = RecordedLogs::new(transactions.clone(), decisions.clone());
    let state = newest_state(&directory, &logs)?;
    let mut worker = Worker::recording_from(state, logs, Arc::new(Statistics::default()))?;
    let mut told = std::time::Instant::now();
    let end = transactions.end().0;
    worker
        .catch_up(&mut |state, _| {
            if told.elapsed().as_secs() >= 2 {
                told = std::time::Instant::now();
                tracing::info!(done = state.next().0, of = end, "replaying the log");
            }
        })
        .context("replay the log")?;
    let addition =
        definitions::add(worker.state().active(), text).map_err(|error| match error {
            AdditionError::Definitions(errors) => usage(faults(&arguments.file, &errors)),
            other => usage(other.to_string()),
        })?;
    if arguments.dry_run {
        return Ok(FeaturesAddedBody::from(addition));
    }
    let mut added = FeaturesAdded {
        version: addition.version,
        feature_set: addition.features.content_hash(),
        added: addition.added,
        offset: None,
        is_live: true,
        backfilled: None,
    };
    if let Some(activation) = addition.activation {
        let offset = append(&transactions, activation)?;
        activate(&mut worker)?;
        let backfilled = worker.state().backfilled();
        added.backfilled = backfilled.filter(|one| one.to == offset);
        added.offset = Some(offset);
    }
    transactions.close()?;
    decisions.close()?;
    Ok(added.into())
}

/// The state of the newest snapshot that fits; nothing is followed here, so what is recorded is enough.
fn newest_state(directory: &DataDirectory, logs: &RecordedLogs) -> anyhow::Result<PartitionState> {
    let folder = SnapshotFolder::new(&directory.path(SNAPSHOTS));
    let mut refused = |error: &SnapshotError| {
        tracing::warn!(%error, "a snapshot cannot be used; trying an older one");
    };
    let recorded = logs.decisions.end();
    let (state, _) = folder.newest_state(&logs.transactions, recorded, &mut refused)?;
    Ok(state)
}

fn append(transactions: &EventLog, activation: Activation) -> anyhow::Result<Offset> {
    let entry = Entry::Activation(Box::new(activation));
    let mut payloads = Payloads::default();
    payloads.push_with(|out| encode_entry(&entry, out));
    let attempt = "append the features to the log";
    let offset = transactions
        .append(clock::now(), None, &payloads)
        .context(attempt)?;
    transactions.flush().context(attempt)?;
    Ok(offset)
}

/// Applies the activation: the features are filled here.
fn activate(worker: &mut Worker) -> anyhow::Result<()> {
    let mut refused = None;
    worker.catch_up(&mut |_, published| {
        let mut outcomes = published.settled.into_iter().map(|one| one.outcome);
        refused = outcomes.find(|one| !matches!(one, Outcome::Activated(_)));
    })?;
    match refused {
        None => Ok(()),
        Some(outcome) => anyhow::bail!("the log did not take the features: {outcome:?}"),
    }
}

/// Both doors tell the same body.
fn tell(added: &serde_json::Value, arguments: &AddArguments) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, added)?;
        return writeln!(out);
    }
    let names: Vec<&str> = added
        .get("added")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_str)
        .collect();
    let number = |of: &serde_json::Value, key: &str| {
        of.get(key)
            .and_then(serde_json::Value::as_u64)
            .unwrap_or_default()
    };
    let version = number(added, "version");
    if names.is_empty() {
        return writeln!(
            out,
            "nothing to add: version {version} holds every definition"
        );
    }
    let words = if arguments.dry_run {
        "would add"
    } else {
        "added"
    };
    writeln!(out, "{words} {} as version {version}", names.join(", "))?;
    if arguments.dry_run {
        return writeln!(out, "nothing was changed");
    }
    writeln!(out, "live from offset {} on", number(added, "live_from"))?;
    match added.get("backfill").filter(|backfill| !backfill.is_null()) {
        Some(backfill) => {
            let complete = backfill
                .get("complete")
                .and_then(serde_json::Value::as_bool);
            writeln!(
                out,
                "filled from entries {} to {} of the log: {} transactions, {} labels{}",
                number(backfill, "from"),
                number(backfill, "to").saturating_sub(1),
                number(backfill, "transactions"),
                number(backfill, "labels"),
                if complete == Some(true) {
                    ""
                } else {
                    "; the log no longer holds what was before, so values are incomplete until their \
                     windows have passed"
                }
            )
        }
        None => writeln!(
            out,
            "nothing had to be filled: the state was there, or the log is empty"
        ),
    }
}
