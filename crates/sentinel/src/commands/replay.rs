//! `sentinel replay`: compute a recorded decision again from the log, and compare it byte for byte.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

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
#[allow(clippy::print_stdout, reason = "the result of the command")]
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
    let decisions = directory.decisions(transactions.log_id())?;
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
        bar.set_position(done)
    })?;
    bar.finish_and_clear();
    if replayed.is_equal() {
        println!(
            "equal: {text} is the same byte for byte ({} bytes)",
            replayed.computed_bytes.len()
        );
        println!("{} entries of the log applied", replayed.entries);
        print_outcome("decision", &replayed.computed);
        return Ok(ExitCode::SUCCESS);
    }
    println!("DIFFERENT: {text} is not what the log gives now");
    print_outcome("computed", &replayed.computed);
    print_recorded(&replayed);
    Ok(ExitCode::FAILURE)
}

/// The recorded outcome as JSON where it can still be read, its bytes in any case.
#[allow(clippy::print_stdout, reason = "the result of the command")]
fn print_recorded(replayed: &Replay) {
    let mut versions = VersionsTable::default();
    if let Outcome::Decided(decision) = &replayed.computed {
        versions.insert(decision.versions.clone());
    }
    match replayed.recorded(&versions) {
        Ok(outcome) => print_outcome("recorded", &outcome),
        Err(error) => println!("recorded: cannot be read: {error}"),
    }
    let differs = replayed
        .recorded_bytes
        .iter()
        .zip(&replayed.computed_bytes)
        .position(|(one, other)| one != other)
        .unwrap_or(
            replayed
                .recorded_bytes
                .len()
                .min(replayed.computed_bytes.len()),
        );
    println!(
        "first difference at byte {differs} of {} recorded, {} computed",
        replayed.recorded_bytes.len(),
        replayed.computed_bytes.len()
    );
}

#[allow(clippy::print_stdout, reason = "the result of the command")]
fn print_outcome(word: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Decided(decision) => println!("{word}: {}", json_of(decision)),
        other => println!("{word}: {other:?}"),
    }
}

fn json_of(decision: &Decision) -> String {
    let spelled = SpelledVersions::of(&decision.versions);
    serde_json::to_string(&DecisionBody::of(decision, &spelled, None)).unwrap_or_default()
}
