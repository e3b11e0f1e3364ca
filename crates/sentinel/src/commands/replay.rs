//! `sentinel replay`: compute recorded decisions again from the log, and compare them byte for byte.

mod tell;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_domain::{DecisionId, LogId, Offset};
use sentinel_pipeline::RecordedLogs;
use sentinel_pipeline::replay::{RangeReplay, explained, first_replayable, replay_range};

use crate::commands::{Output, usage};
use crate::compose::{DataDirectory, SNAPSHOTS};
use crate::learn::progress_bar;

/// Arguments of `sentinel replay`.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit code 0 where everything is equal, 1 where something differs.\n\nExamples:\n  \
    sentinel replay dec_00000000000000070123456789abcdef --explain\n  \
    sentinel replay --from 1000 --to 2000 -o json"
)]
pub struct ReplayArguments {
    /// The decision's name, as in the response (`dec_…`).
    #[arg(required_unless_present_any = ["from", "to"], conflicts_with_all = ["from", "to"])]
    pub decision_id: Option<String>,
    /// Show every feature of the decision: its value, and what it put into the log-odds.
    #[arg(long, requires = "decision_id")]
    pub explain: bool,
    /// Compare every entry of the log from this one on [default: the
    /// first that can be computed again].
    #[arg(long, value_name = "OFFSET")]
    pub from: Option<u64>,
    /// Compare up to this entry, which is not compared itself [default: the end].
    #[arg(long, value_name = "OFFSET")]
    pub to: Option<u64>,
    /// The data directory of the server or run that decided; it must not be running.
    #[arg(long, value_name = "DIR", default_value = "sentinel-data")]
    pub data_dir: PathBuf,
    /// How to tell the result.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

/// Runs the command.
pub fn replay(arguments: ReplayArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    let is_equal = match &arguments.decision_id {
        Some(text) => one(text, &arguments)?,
        None => stretch(&arguments)?,
    };
    Ok(if is_equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn one(text: &str, arguments: &ReplayArguments) -> anyhow::Result<bool> {
    let id = DecisionId::parse(text).ok_or_else(|| {
        usage(format!(
            "{text:?} is not a decision id such as dec_0000… (36 characters)"
        ))
    })?;
    let logs = open(&DataDirectory::open_existing(&arguments.data_dir)?)?;
    let position = id.position_in(logs.transactions.log_id()).ok_or_else(|| {
        usage(format!(
            "{text} is not a decision of the log in {}: its check does not fit this log",
            arguments.data_dir.display()
        ))
    })?;
    let bar = progress_bar("{pos} of {len} entries", Some(position.offset.0 + 1));
    let (replayed, explained) = explained(&logs, position.offset, &mut |done, _| {
        bar.set_position(done);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let is_equal = replayed.is_equal();
    let explained = explained.filter(|_| arguments.explain);
    let out = &mut std::io::stdout().lock();
    match arguments.output {
        Output::Table => tell::decision(text, &replayed, explained.as_ref(), out),
        Output::Json => tell::decision_json(text, &replayed, explained.as_ref(), out),
    }
    .context("write the result")?;
    Ok(is_equal)
}

fn stretch(arguments: &ReplayArguments) -> anyhow::Result<bool> {
    let logs = open(&DataDirectory::open_existing(&arguments.data_dir)?)?;
    let end = logs.decisions.end();
    let first = first_replayable(&logs)?.unwrap_or_default();
    let from = arguments.from.map_or(first, Offset);
    let to = arguments.to.map_or(end, Offset);
    if from >= to || to > end {
        return Err(usage(format!(
            "--from {from} --to {to} is no stretch of the {end} entries that are decided"
        )));
    }
    let found = compare(&logs, (from, to))?;
    let out = &mut std::io::stdout().lock();
    match arguments.output {
        Output::Table => tell::range((from, to), &found, out),
        Output::Json => tell::range_json((from, to), &found, out),
    }
    .context("write the result")?;
    Ok(found.different == 0)
}

/// Both logs, as they were recorded.
pub fn open(directory: &DataDirectory) -> anyhow::Result<RecordedLogs> {
    let transactions = directory.transactions(LogId::default())?;
    let decisions = directory.recorded_decisions(&transactions)?;
    let logs = RecordedLogs::new(transactions, decisions);
    let logs = logs.with_snapshots(&directory.path(SNAPSHOTS));
    logs.check_semantics()?;
    Ok(logs)
}

/// Compares a stretch; a terminal sees how far it is.
pub fn compare(logs: &RecordedLogs, (from, to): (Offset, Offset)) -> anyhow::Result<RangeReplay> {
    let bar = progress_bar("{pos} of {len} entries", Some(to.0));
    let found = replay_range(logs, (from, to), &mut |done, _| {
        bar.set_position(done);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    Ok(found)
}
