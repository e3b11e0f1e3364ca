//! `sentinel verify`: everything in a data directory, held against the log that it follows from.
//!
//! Every frame of both logs is read with its checksum, every snapshot to its end, every outcome is computed again, and
//! every alert and case is looked up. Must never change what is recorded; an unfinished tail is cut, as any start cuts it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_domain::Offset;
use sentinel_pipeline::RecordedLogs;
use sentinel_pipeline::follow::ALERTS;
use sentinel_pipeline::replay::RangeReplay;
use sentinel_pipeline::verify::{SnapshotFindings, StoreFindings, verify_snapshots, verify_store};
use sentinel_store::StoreError;
use serde_json::json;

use super::{Output, replay};
use crate::compose::{DataDirectory, SNAPSHOTS, STORE};

/// Arguments of `sentinel verify`.
#[derive(Args, Debug)]
#[command(after_help = "Exit code 0 where everything holds, 1 where something does not.")]
pub struct VerifyArguments {
    /// The data directory of a server or run; it must not be running.
    #[arg(long, value_name = "DIR", default_value = "sentinel-data")]
    pub data_dir: PathBuf,
    /// How to tell the result.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

/// What was found.
struct Verified {
    kept: Offset,
    first: Offset,
    entries: Offset,
    decided: Offset,
    snapshots: SnapshotFindings,
    outcomes: Option<RangeReplay>,
    followed: Offset,
    store: StoreFindings,
}

impl Verified {
    fn holds(&self) -> bool {
        let different = self.outcomes.as_ref().map_or(0, |found| found.different);
        different == 0 && self.store.wrong == 0 && self.snapshots.damaged == 0
    }
}

/// Runs the command.
pub fn verify(arguments: &VerifyArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    let directory = DataDirectory::open_existing(&arguments.data_dir)?;
    let logs = replay::open(&directory)?;
    let snapshots = verify_snapshots(&logs)?;
    let first = snapshots.first.with_context(|| {
        format!(
            "the log begins at {}, and no snapshot stands for what came before: restore the folder {SNAPSHOTS} from a \
             backup{}",
            logs.transactions.start(),
            snapshots.told.iter().map(|one| format!("\n  {one}")).collect::<String>()
        )
    })?;
    let (entries, decided) = (logs.transactions.end(), logs.decisions.end());
    let outcomes = (decided > first)
        .then(|| replay::compare(&logs, (first, decided)))
        .transpose()?;
    // Entries before the first that can be computed again, and those that nothing was decided on yet.
    let kept = logs.transactions.start();
    let stretches = [(kept, first), (decided.max(kept), entries)];
    let rest = stretches
        .into_iter()
        .try_for_each(|(from, to)| match from < to {
            true => logs.transactions.walk(from, &mut |_| {}).map(drop),
            false => Ok(()),
        });
    rest.map_err(|(at, error)| {
        anyhow::Error::new(error).context(format!("read the log from entry {at}"))
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let (followed, store) = runtime.block_on(store_of(&directory, &logs))?;
    let verified = Verified {
        kept,
        first,
        entries,
        decided,
        snapshots,
        outcomes,
        followed,
        store,
    };
    let out = &mut std::io::stdout().lock();
    match arguments.output {
        Output::Table => tell(&verified, out),
        Output::Json => tell_json(&verified, out),
    }
    .context("write the result")?;
    Ok(if verified.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How far the store has followed, and whether it holds what it should.
async fn store_of(
    directory: &DataDirectory,
    logs: &RecordedLogs,
) -> anyhow::Result<(Offset, StoreFindings)> {
    if !directory.path(STORE).exists() {
        let findings = StoreFindings {
            wrong: 1,
            told: vec!["store.sqlite is missing: a start makes it again from the log".to_owned()],
            ..StoreFindings::default()
        };
        return Ok((Offset(0), findings));
    }
    let store = match directory.store().await {
        Ok(store) => store,
        Err(error) => {
            // What is no store of ours is a finding; what cannot be opened is none.
            let findings = unusable(error)?;
            return Ok((Offset(0), findings));
        }
    };
    let log = &logs.transactions;
    let progress = store
        .progress(ALERTS, log.log_id(), log.partition())
        .await?;
    let followed = progress.map_or(Offset(0), |progress| progress.next);
    anyhow::ensure!(
        followed <= logs.decisions.end(),
        "the store has followed up to entry {followed}, but decisions are recorded up to {}: start the server once, which \
         makes the decisions again from the log, then verify; where it refuses, the transaction log was cut",
        logs.decisions.end()
    );
    let findings = verify_store(logs, &store, followed).await?;
    store.close().await;
    Ok((followed, findings))
}

/// The finding that a file is no store.
fn unusable(error: anyhow::Error) -> anyhow::Result<StoreFindings> {
    match error.chain().find_map(|cause| cause.downcast_ref()) {
        Some(found @ (StoreError::Layout { .. } | StoreError::NotADatabase { .. })) => {
            Ok(StoreFindings {
                wrong: 1,
                told: vec![found.to_string()],
                ..StoreFindings::default()
            })
        }
        _ => Err(error),
    }
}

fn tell(verified: &Verified, out: &mut dyn Write) -> std::io::Result<()> {
    let verdict = if verified.holds() { "holds" } else { "DAMAGED" };
    writeln!(out, "{verdict}")?;
    let (entries, decided) = (verified.entries, verified.decided);
    let (kept, first) = (verified.kept, verified.first);
    writeln!(
        out,
        "log        {} entries read; outcomes recorded up to {decided}",
        entries.0 - kept.0
    )?;
    if kept > Offset(0) {
        writeln!(
            out,
            "kept       from entry {kept} on; computed again from {first}, where the oldest snapshot stands that can be \
             read"
        )?;
    }
    let snapshots = &verified.snapshots;
    writeln!(
        out,
        "snapshots  {} read to their end, {} damaged",
        snapshots.read, snapshots.damaged
    )?;
    for finding in &snapshots.told {
        writeln!(out, "  {finding}")?;
    }
    if let Some(found) = &verified.outcomes {
        writeln!(
            out,
            "decisions  {} outcomes computed again, {} differ; hash {}",
            found.compared, found.different, found.hash
        )?;
        for one in &found.differences {
            let offset = one.position.offset;
            writeln!(
                out,
                "  entry {offset} differs: see `sentinel replay --from {offset} --to {}`",
                offset.plus(1)
            )?;
        }
    }
    let store = &verified.store;
    writeln!(
        out,
        "store      followed up to {}; {} alerts, {} cases and {} overrides looked up, {} wrong",
        verified.followed, store.alerts, store.cases, store.overrides, store.wrong
    )?;
    for finding in &store.told {
        writeln!(out, "  {finding}")?;
    }
    out.flush()
}

fn tell_json(verified: &Verified, out: &mut dyn Write) -> std::io::Result<()> {
    let outcomes = verified.outcomes.as_ref();
    let body = json!({
        "holds": verified.holds(),
        "first_kept": verified.kept.0,
        "first_computed": verified.first.0,
        "entries": verified.entries.0,
        "decided": verified.decided.0,
        "snapshots": verified.snapshots.read,
        "snapshots_damaged": verified.snapshots.damaged,
        "snapshot_findings": verified.snapshots.told,
        "outcomes_compared": outcomes.map_or(0, |found| found.compared),
        "outcomes_different": outcomes.map_or(0, |found| found.different),
        "outcomes_hash": outcomes.map(|found| found.hash.to_string()),
        "followed": verified.followed.0,
        "alerts": verified.store.alerts,
        "cases": verified.store.cases,
        "overrides": verified.store.overrides,
        "store_wrong": verified.store.wrong,
        "store_findings": verified.store.told,
    });
    writeln!(out, "{body:#}")
}
