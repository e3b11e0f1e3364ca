//! `sentinel replay`: compute a recorded decision again from the log, and compare it byte for byte.

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget};
use sentinel_api::wire::decision::{DecisionBody, SpelledVersions};
use sentinel_domain::{Decision, DecisionId, LogId, Outcome};
use sentinel_eventlog::VersionsTable;
use sentinel_pipeline::RecordedLogs;
use sentinel_pipeline::replay::{Replay, replay as compute};

use crate::commands::usage;
use crate::compose::DataDirectory;

/// Arguments of `sentinel replay`.
#[derive(Args, Debug)]
#[command(after_help = "Exit code 0 where both are equal, 1 where they differ.")]
pub struct ReplayArguments {
    /// The decision's name, as in the response (`dec_…`).
    pub decision_id: String,
    /// The data directory of the server or run that decided; it must not be running.
    #[arg(long, value_name = "DIR", default_value = "sentinel-data")]
    pub data_dir: PathBuf,
}

/// Runs the command.
pub fn replay(arguments: ReplayArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    let text = &arguments.decision_id;
    let id = DecisionId::parse(text).ok_or_else(|| {
        usage(format!(
            "{text:?} is not a decision id such as dec_0000… (36 characters)"
        ))
    })?;
    let directory = DataDirectory::open_existing(&arguments.data_dir)?;
    let transactions = directory.transactions(LogId::default())?;
    let decisions = directory.recorded_decisions(transactions.log_id())?;
    let position = id.position_in(transactions.log_id()).ok_or_else(|| {
        usage(format!(
            "{text} is not a decision of the log in {}: its check does not fit this log",
            arguments.data_dir.display()
        ))
    })?;
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::with_draw_target(Some(position.offset.0 + 1), ProgressDrawTarget::stderr())
    } else {
        ProgressBar::hidden()
    };
    let logs = RecordedLogs::new(transactions, decisions);
    let replayed = compute(&logs, position.offset, &mut |done, _| {
        bar.set_position(done);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let is_equal = replayed.is_equal();
    tell(text, &replayed, &mut std::io::stdout().lock()).context("write the result")?;
    Ok(if is_equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn tell(text: &str, replayed: &Replay, out: &mut dyn Write) -> std::io::Result<()> {
    if replayed.is_equal() {
        let bytes = replayed.computed_bytes.len();
        writeln!(
            out,
            "equal: {text} is the same byte for byte ({bytes} bytes)"
        )?;
        writeln!(out, "{} entries of the log applied", replayed.entries)?;
        tell_outcome("decision", &replayed.computed, out)?;
    } else {
        writeln!(out, "DIFFERENT: {text} is not what the log gives now")?;
        tell_outcome("computed", &replayed.computed, out)?;
        tell_recorded(replayed, out)?;
    }
    out.flush()
}

/// The recorded outcome as JSON where it can still be read, its bytes in any case.
fn tell_recorded(replayed: &Replay, out: &mut dyn Write) -> std::io::Result<()> {
    let mut versions = VersionsTable::default();
    if let Outcome::Decided(decision) = &replayed.computed {
        versions.insert(decision.versions.clone());
    }
    match replayed.recorded(&versions) {
        Ok(outcome) => tell_outcome("recorded", &outcome, out)?,
        Err(error) => writeln!(out, "recorded: cannot be read: {error}")?,
    }
    let (recorded, computed) = (&replayed.recorded_bytes, &replayed.computed_bytes);
    let differs = recorded
        .iter()
        .zip(computed)
        .position(|(one, other)| one != other)
        .unwrap_or(recorded.len().min(computed.len()));
    writeln!(
        out,
        "first difference at byte {differs} of {} recorded, {} computed",
        recorded.len(),
        computed.len()
    )
}

fn tell_outcome(word: &str, outcome: &Outcome, out: &mut dyn Write) -> std::io::Result<()> {
    match outcome {
        Outcome::Decided(decision) => writeln!(out, "{word}: {}", json_of(decision)),
        other => writeln!(out, "{word}: {other:?}"),
    }
}

fn json_of(decision: &Decision) -> String {
    let spelled = SpelledVersions::of(&decision.versions);
    serde_json::to_string(&DecisionBody::of(decision, &spelled, None)).unwrap_or_default()
}
