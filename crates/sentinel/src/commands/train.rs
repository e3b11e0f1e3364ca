//! `sentinel train`: a model from a labelled table, or from synthetic payments.
//!
//! Rows come from the engine that serves: there is no second implementation of a feature. The last part
//! of the time is never trained on; it stops the training, calibrates the model and anchors its tiers.
//! Between both lie the rows whose labels were not known yet when the last part began.

mod rows;
mod report;
mod page;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_features::FeatureSet;

use self::report::TrainingReport;
use self::rows::{Detail, Prepared};
use super::run::{feature_set, labels};
use crate::commands::evaluate::{days_text, delay};
use crate::commands::usage;
use crate::content::{rate_table, with_definitions};
use crate::labelled::{LabelledStream, mapping_with_delay};
use crate::learn::{LearnArguments, check_validation_share, learn};
use crate::whole_file::WholeFile;

/// Arguments of `sentinel train`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel train --input labelled.csv.zst --mapping mapping.toml --out my.model --report report\n  \
    sentinel train --input payments.jsonl --labels labels.jsonl --label-delay 0 --out my.model\n  \
    sentinel train --synthetic --seed 7 --out synthetic.model")]
pub struct TrainArguments {
    /// A labelled table: CSV or JSON lines, plain or compressed, or Parquet. It is read twice.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "synthetic",
        required_unless_present = "synthetic"
    )]
    pub input: Option<PathBuf>,
    /// Maps the table's columns, label included.
    #[arg(long, value_name = "FILE.toml", requires = "input")]
    pub mapping: Option<PathBuf>,
    /// What was learnt about rows of the input, beside what its mapping says: JSON lines, as `sentinel
    /// generate` writes them.
    #[arg(long, value_name = "FILE.jsonl", requires = "input")]
    pub labels: Option<PathBuf>,
    /// How long after the event a label is known, instead of what the mapping says: rows that are younger when
    /// it counts are left out.
    #[arg(long, value_name = "LENGTH", value_parser = delay, requires = "input")]
    pub label_delay: Option<i64>,
    /// Learn from the features that this file defines too.
    #[arg(long, value_name = "FILE.toml")]
    pub features: Option<PathBuf>,
    /// Convert amounts with this table of currency rates instead of the one that ships.
    #[arg(long, value_name = "FILE")]
    pub rates: Option<PathBuf>,
    /// Train on synthetic payments with fraud stories.
    #[arg(long)]
    pub synthetic: bool,
    /// Synthetic payments in each world. There are three for every rate: payments with every detail, with
    /// card and place only, and with the card only.
    #[arg(long, default_value_t = 120_000, requires = "synthetic")]
    pub count: usize,
    /// Payments a second of each synthetic world; given several times, the worlds are put together. At 0.1157
    /// people pay twice a day, as `sentinel generate` has it, and labels come while the world goes on; at
    /// 300 and 4 they pay every twenty minutes, as in the demo.
    #[arg(long, value_name = "RATE", default_values_t = [300.0, 4.0, 0.1157], requires = "synthetic")]
    pub rate: Vec<f64>,
    /// Seed of the worlds and of the training.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Share of the rows, by time, that is held back to calibrate and measure; of synthetic worlds those
    /// with every detail.
    #[arg(long, default_value_t = 0.25)]
    pub validation_share: f64,
    #[command(flatten)]
    pub learning: LearnArguments,
    /// What the model is called.
    #[arg(long, default_value = "default")]
    pub name: String,
    /// Where the model goes.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Write a report: DIR/report.html and DIR/report.json, or the one file that is named.
    #[arg(long, value_name = "DIR|FILE.html|FILE.json")]
    pub report: Option<PathBuf>,
}

/// Runs the command.
pub fn train(arguments: TrainArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    check_validation_share(arguments.validation_share, 0.05)?;
    check_files(&arguments)?;
    let prepared = prepare(&arguments)?;
    let card = card(&arguments, &prepared);
    let options = arguments
        .learning
        .options(arguments.seed, &arguments.name, &card);
    let learnt = learn(&prepared.set, &options, arguments.learning.threads())?;
    let (whole, mut file) = WholeFile::create("--out", &arguments.out)?;
    file.write_all(&learnt.model.to_bytes())
        .with_context(|| format!("write {}", arguments.out.display()))?;
    whole.keep()?;
    let report = TrainingReport::of(&arguments, &prepared, &learnt)?;
    if let Some(path) = &arguments.report {
        write_report(path, &report)?;
    }
    tell(&arguments.out, &report).context("write the summary")?;
    Ok(ExitCode::SUCCESS)
}

/// What was learned from; training adds how, and how well.
fn card(arguments: &TrainArguments, prepared: &Prepared) -> Vec<(&'static str, String)> {
    let [learned_from, judged_from, judged_to] = prepared.times.map(|at| at.to_string());
    let data = match &arguments.input {
        Some(input) => input
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        None => format!(
            "synthetic worlds from seed {}, {} payments each, at {:?} a second",
            arguments.seed, arguments.count, arguments.rate
        ),
    };
    let delay = prepared.delay_micros.map(days_text);
    vec![
        ("data", data),
        ("learned_from", learned_from),
        ("validation_from", judged_from),
        ("validation_to", judged_to),
        (
            "label_delay",
            delay.unwrap_or_else(|| "labels known at once".to_owned()),
        ),
        ("features", prepared.set.features.len().to_string()),
    ]
}

/// Refuses to write over what is read.
fn check_files(arguments: &TrainArguments) -> anyhow::Result<()> {
    let same = |path: &Path| path.canonicalize().ok();
    let read = [
        &arguments.input,
        &arguments.mapping,
        &arguments.labels,
        &arguments.features,
    ];
    let read = read.into_iter().chain([&arguments.rates]).flatten();
    for path in read {
        for (flag, written) in [
            ("--out", Some(&arguments.out)),
            ("--report", arguments.report.as_ref()),
        ] {
            let written = written.and_then(|path| same(path));
            if written.is_some() && written == same(path) {
                return Err(usage(format!(
                    "{flag} names {}, which is read",
                    path.display()
                )));
            }
        }
    }
    if arguments.report.as_ref() == Some(&arguments.out) {
        return Err(usage("--report and --out name one file; name another"));
    }
    Ok(())
}

fn prepare(arguments: &TrainArguments) -> anyhow::Result<Prepared> {
    let defined = |set| with_definitions(set, arguments.features.as_deref());
    let rates = rate_table(arguments.rates.as_deref())?;
    let share = arguments.validation_share;
    let Some(input) = &arguments.input else {
        let set = defined(FeatureSet::shipped())?;
        let worlds = arguments
            .rate
            .iter()
            .flat_map(|rate| Detail::ALL.map(|one| (*rate, one)));
        let parts = worlds.zip(arguments.seed..).map(|((rate, detail), seed)| {
            let content = (set.clone(), rates.clone());
            rows::of_world((seed, rate, detail), arguments.count, content)
        });
        let parts = parts.collect::<anyhow::Result<Vec<_>>>()?;
        return Ok(rows::joined(&set, &parts, share));
    };
    let (mapping, delay_micros) =
        mapping_with_delay(arguments.mapping.as_deref(), arguments.label_delay)?;
    let lines = arguments
        .labels
        .as_deref()
        .map(labels::read_lines)
        .transpose()?;
    let set = defined(feature_set(mapping.as_ref()))?;
    let stream = LabelledStream::of_table(input, mapping, lines.unwrap_or_default())?;
    rows::of_stream(&stream, (set, rates), (share, delay_micros))
}

/// The page, the data, or both in a folder.
fn write_report(path: &Path, report: &TrainingReport) -> anyhow::Result<()> {
    let json = || serde_json::to_string_pretty(report).map(|text| text + "\n");
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html") => write("--report", path, &page::page(report)),
        Some("json") => write("--report", path, &json()?),
        _ => {
            std::fs::create_dir_all(path)
                .map_err(|error| usage(format!("make --report {}: {error}", path.display())))?;
            write("--report", &path.join("report.html"), &page::page(report))?;
            write("--report", &path.join("report.json"), &json()?)
        }
    }
}

fn write(flag: &str, path: &Path, text: &str) -> anyhow::Result<()> {
    let (whole, mut file) = WholeFile::create(flag, path)?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("write {}", path.display()))?;
    whole.keep()
}

fn tell(path: &Path, report: &TrainingReport) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let hash: String = report.model.hash.chars().take(12).collect();
    writeln!(out, "model      {} ({hash})", path.display())?;
    writeln!(
        out,
        "trained on {} rows, {} fraud; measured on the {} rows after them, {} fraud",
        report.rows.trained,
        report.rows.trained_fraud,
        report.rows.validation,
        report.rows.validation_fraud
    )?;
    if report.rows.gap + report.rows.unsettled > 0 {
        writeln!(
            out,
            "left out   {} rows between both and {} at the end, whose labels were not known in time",
            report.rows.gap, report.rows.unsettled
        )?;
    }
    writeln!(
        out,
        "trees      {}, {:.1} s",
        report.trees, report.training_seconds
    )?;
    writeln!(out, "AUC        {:.4}", report.auc)?;
    writeln!(out, "average precision {:.4}", report.average_precision)?;
    writeln!(
        out,
        "recall     {:.3} at 1 % and {:.3} at 0.1 % false positives",
        report.recall_at_fpr.one_percent, report.recall_at_fpr.one_per_mille
    )?;
    for threshold in report.thresholds.iter().filter(|one| one.tier.is_some()) {
        writeln!(
            out,
            "risk {:.2}  false-positive rate {:.4}, recall {:.3}",
            threshold.risk, threshold.false_positive_rate, threshold.recall
        )?;
    }
    let strongest = report.importance.iter().take(8);
    let strongest: Vec<&str> = strongest.map(|one| one.feature.as_str()).collect();
    writeln!(out, "strongest  {}", strongest.join(", "))?;
    out.flush()
}
