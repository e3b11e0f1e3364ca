//! `sentinel train`: a model from a labelled table, or from synthetic payments.
//!
//! Rows come from the engine that serves: there is no second implementation of a feature. The last part
//! of the time is never trained on; it stops the training, calibrates the model and anchors its tiers.

mod rows;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sentinel_features::FeatureSet;
use sentinel_scoring::Model;
use sentinel_scoring::train::{Options, Report, TrainingSet, train_by};

use self::rows::{Detail, Rows};
use super::run::{feature_set, load_mapping};
use crate::commands::usage;
use crate::content::{rate_table, with_definitions};
use crate::threads::Threads;

/// Arguments of `sentinel train`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel train --input labelled.csv.zst --mapping mapping.toml --out my.model\n  \
    sentinel train --synthetic --seed 7 --out synthetic.model")]
pub struct TrainArguments {
    /// A labelled table: CSV or JSON lines, plain or compressed.
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
    /// Payments a second of each synthetic world; given several times, the worlds are put together.
    #[arg(long, value_name = "RATE", default_values_t = [300.0, 4.0], requires = "synthetic")]
    pub rate: Vec<f64>,
    /// Seed of the worlds and of the training.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Share of the rows, by time, that is held back to calibrate and measure.
    #[arg(long, default_value_t = 0.25)]
    pub validation_share: f64,
    /// The most trees.
    #[arg(long, default_value_t = 150)]
    pub trees: usize,
    /// The most leaves a tree.
    #[arg(long, default_value_t = 16)]
    pub leaves: usize,
    /// What the model is called.
    #[arg(long, default_value = "default")]
    pub name: String,
    /// Where the model goes.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Runs the command.
pub fn train(arguments: TrainArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    if !(0.05..=0.9).contains(&arguments.validation_share) {
        return Err(usage("--validation-share must be between 0.05 and 0.9"));
    }
    let set = gather(&arguments)?;
    let options = Options {
        trees_max: arguments.trees,
        leaves_max: arguments.leaves,
        seed: arguments.seed,
        name: arguments.name.clone(),
        ..Options::default()
    };
    let bar = progress_bar(arguments.trees as u64);
    let threads = Threads::available();
    let (model, report) = train_by(&set, &options, &threads, &mut |progress| {
        bar.set_position(progress.trees as u64)
    })
    .context("train")?;
    bar.finish_and_clear();
    let bytes = model.to_bytes();
    std::fs::write(&arguments.out, &bytes)
        .with_context(|| format!("write {}", arguments.out.display()))?;
    tell(&arguments, &model, &report).context("write the report")?;
    Ok(ExitCode::SUCCESS)
}

fn gather(arguments: &TrainArguments) -> anyhow::Result<TrainingSet> {
    let defined = |set| with_definitions(set, arguments.features.as_deref());
    let rates = rate_table(arguments.rates.as_deref())?;
    let parts = match &arguments.input {
        Some(input) => {
            let mapping = arguments.mapping.as_deref().map(load_mapping).transpose()?;
            let set = defined(feature_set(mapping.as_ref()))?;
            vec![rows::of_table(input, mapping, (set, rates))?]
        }
        None => {
            let set = defined(FeatureSet::shipped())?;
            let worlds = arguments
                .rate
                .iter()
                .flat_map(|rate| Detail::ALL.map(|one| (*rate, one)));
            worlds
                .zip(arguments.seed..)
                .map(|((rate, detail), seed)| {
                    let content = (set.clone(), rates.clone());
                    rows::of_world((seed, rate, detail), arguments.count, content)
                })
                .collect::<anyhow::Result<Vec<_>>>()?
        }
    };
    Ok(join(parts, arguments.validation_share))
}

/// The early rows of every part, then the late rows of every part.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count of rows"
)]
fn join(parts: Vec<Rows>, validation_share: f64) -> TrainingSet {
    let mut set = TrainingSet {
        features: parts
            .first()
            .map(|part| part.features.clone())
            .unwrap_or_default(),
        rows: Vec::new(),
        fraud: Vec::new(),
        validation_from: 0,
        ..TrainingSet::default()
    };
    let width = set.features.len();
    let cut = |part: &Rows| (part.fraud.len() as f64 * (1.0 - validation_share)) as usize;
    for part in &parts {
        set.rows
            .extend_from_slice(part.values.get(..cut(part) * width).unwrap_or_default());
        set.fraud
            .extend_from_slice(part.fraud.get(..cut(part)).unwrap_or_default());
    }
    set.validation_from = set.fraud.len();
    for part in &parts {
        set.rows
            .extend_from_slice(part.values.get(cut(part) * width..).unwrap_or_default());
        set.fraud
            .extend_from_slice(part.fraud.get(cut(part)..).unwrap_or_default());
    }
    set
}

fn progress_bar(trees: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(trees), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} tree {pos} of {len}, {eta} left");
    bar.with_style(style.unwrap_or(ProgressStyle::default_bar()))
}

fn tell(arguments: &TrainArguments, model: &Model, report: &Report) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "model      {} ({})",
        arguments.out.display(),
        model.content_hash().abbreviated()
    )?;
    writeln!(
        out,
        "trained on {} rows, {} fraud; measured on the {} rows after them, {} fraud",
        report.rows, report.fraud, report.validation_rows, report.validation_fraud
    )?;
    writeln!(out, "trees      {}", report.trees)?;
    writeln!(out, "AUC        {:.4}", report.auc)?;
    writeln!(out, "average precision {:.4}", report.average_precision)?;
    writeln!(
        out,
        "recall     {:.3} at 1 % and {:.3} at 0.1 % false positives",
        report.recall_at_one_percent, report.recall_at_one_per_mille
    )?;
    for threshold in &report.thresholds {
        writeln!(
            out,
            "risk {:.2}  false-positive rate {:.4}, recall {:.3}",
            threshold.risk, threshold.false_positive_rate, threshold.recall
        )?;
    }
    let strongest: Vec<String> = report
        .importance
        .iter()
        .take(8)
        .map(|(name, _)| name.clone())
        .collect();
    writeln!(out, "strongest  {}", strongest.join(", "))?;
    out.flush()
}
