//! `sentinel evaluate`: a model on a labelled stream, by a stated protocol.
//!
//! ```text
//!  stream ─▶ facts ─▶ split ─▶ rows that learn, rows that are asked
//!     └────▶ stages of the serving path ─▶ gather ─▶ learn ─▶ ask ─▶ figures, scores
//!                                      └─▶ a model that is given: score, decide ─▶ figures, decisions
//! ```
//!
//! **Promises** that no label is used before it was known, neither by a feature nor by the training; that
//! figures are those of the file of scores; and that one walk serves all folds. **Must never** compute a
//! feature or a decision itself.

mod arguments;
mod split;
mod gather;
mod decisions;
mod figures;
mod report;
mod job;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_domain::EventId;

pub use self::arguments::delay;
use self::arguments::{Protocol, SplitAt, StartDay, TrainOn, split_at, start_day};
pub use self::figures::Recall;
use self::job::Job;
pub use self::split::days_text;
use crate::commands::{Output, usage};
use crate::content::ContentArguments;
use crate::csv;
use crate::learn::{LearnArguments, check_validation_share};
use crate::whole_file::WholeFile;

/// Arguments of `sentinel evaluate`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel evaluate --input transactions.csv.zst --mapping fixtures/mappings/handbook.toml --protocol handbook-a\n  \
    sentinel evaluate --input cards.csv.zst --mapping fixtures/mappings/ulb.toml --protocol time-split --split-at 227845\n  \
    sentinel evaluate --model my.model --input payments.jsonl --labels labels.jsonl --scores scores.csv -o json\n  \
    sentinel evaluate --synthetic --seed 77 --count 1000000\n\n\
    With --protocol and without --model, a model is trained as the protocol says. Otherwise the model (the one \
    that ships, where none is named) is asked, and what rules and policy decide is counted too.")]
pub struct EvaluateArguments {
    /// A labelled table: CSV or JSON lines, plain or compressed, or Parquet. It is read twice.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "synthetic",
        required_unless_present = "synthetic"
    )]
    input: Option<PathBuf>,
    /// Maps the table's columns, label included.
    #[arg(long, value_name = "FILE.toml", requires = "input")]
    mapping: Option<PathBuf>,
    /// What was learnt about rows of the input, beside what its mapping says: JSON lines, as `sentinel
    /// generate` writes them, with stories.
    #[arg(long, value_name = "FILE.jsonl", requires = "input")]
    labels: Option<PathBuf>,
    /// The payments that `sentinel generate` makes of the seed, with everything they tell.
    #[arg(long)]
    synthetic: bool,
    /// How many synthetic payments.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000_000,
        requires = "synthetic"
    )]
    count: u64,
    /// Which rows learn and which are asked; without it, all rows are asked whose label is known in the end.
    #[arg(long, value_enum)]
    protocol: Option<Protocol>,
    /// Rows before this instant, or before this row counted from 0, learn; the rest is asked.
    #[arg(long, value_name = "INSTANT|ROW", value_parser = split_at)]
    split_at: Option<SplitAt>,
    /// The first day of the (first) training week: a date, or how many days behind the first of the input
    /// [default: 2018-07-25].
    #[arg(long, value_name = "DAY", value_parser = start_day)]
    start: Option<StartDay>,
    /// What the handbook's protocols learn from: the training week, or everything up to its end [default: 7d].
    #[arg(long, value_enum, value_name = "7d|history")]
    train: Option<TrainOn>,
    /// How long after the event a label is known, instead of what the mapping says.
    #[arg(long, value_name = "LENGTH", value_parser = delay)]
    label_delay: Option<i64>,
    /// Seed of the training and of synthetic payments.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Share of the training rows, by time, that stops the training and calibrates the model instead of being
    /// learned from; with 0 all trees grow and the rows learned from calibrate.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    validation_share: f64,
    #[command(flatten)]
    learning: LearnArguments,
    #[command(flatten)]
    content: ContentArguments,
    /// Write the score of every row that is asked: event_id,score.
    #[arg(long, value_name = "FILE.csv")]
    scores: Option<PathBuf>,
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the command.
pub fn evaluate(arguments: EvaluateArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    check(&arguments)?;
    let job = Job::open(&arguments)?;
    let folds = job.folds()?;
    let done = if job.trains() {
        job.train_and_ask(&folds)?
    } else {
        job.ask(&folds)?
    };
    if let Some(path) = &arguments.scores {
        write_scores(path, &done.scores)?;
    }
    report::print(&job.report(done), arguments.output).context("write the report")?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses flags that would do nothing, and to write over what is read.
fn check(arguments: &EvaluateArguments) -> anyhow::Result<()> {
    let handbook = matches!(
        arguments.protocol,
        Some(Protocol::HandbookA | Protocol::HandbookB)
    );
    let split = arguments.protocol == Some(Protocol::TimeSplit);
    for (flag, given, serves, protocol) in [
        (
            "--split-at",
            arguments.split_at.is_some(),
            split,
            "time-split",
        ),
        (
            "--start",
            arguments.start.is_some(),
            handbook,
            "handbook-a or handbook-b",
        ),
        (
            "--train",
            arguments.train.is_some(),
            handbook,
            "handbook-a or handbook-b",
        ),
    ] {
        if given && !serves {
            return Err(usage(format!("{flag} belongs to --protocol {protocol}")));
        }
    }
    if split && arguments.split_at.is_none() {
        return Err(usage(
            "--protocol time-split needs --split-at INSTANT or ROW",
        ));
    }
    let trains = arguments.protocol.is_some() && arguments.content.model.is_none();
    if trains && (arguments.content.rules.is_some() || arguments.content.policy.is_some()) {
        return Err(usage(
            "--rules and --policy decide with a model that is given: name --model, or leave --protocol out",
        ));
    }
    check_validation_share(arguments.validation_share, 0.0)?;
    let Some(scores) = &arguments.scores else {
        return Ok(());
    };
    let same = |path: &Path| path.canonicalize().ok();
    let content = &arguments.content;
    let read = [
        &arguments.input,
        &arguments.mapping,
        &arguments.labels,
        &content.model,
        &content.rules,
    ];
    let read = read
        .into_iter()
        .chain([&content.policy, &content.rates, &content.features])
        .flatten();
    for path in read {
        if same(scores).is_some() && same(scores) == same(path) {
            return Err(usage(format!(
                "--scores names {}, which is read",
                path.display()
            )));
        }
    }
    Ok(())
}

fn write_scores(path: &Path, scores: &[(EventId, f64)]) -> anyhow::Result<()> {
    let (whole, file) = WholeFile::create("--scores", path)?;
    let mut file = BufWriter::new(file);
    let written = writeln!(file, "event_id,score").and_then(|()| {
        for (id, score) in scores {
            writeln!(file, "{},{score}", csv::cell(id.as_str()))?;
        }
        file.flush()
    });
    written.with_context(|| format!("write {}", path.display()))?;
    whole.keep()
}
