//! The result of an evaluation, for machines and for people.

use crate::commands::Output;
use std::io::Write;

use serde::Serialize;

use super::decisions::{Decisions, Shares};
use super::figures::Figures;

/// Some rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowsReport {
    /// How many.
    pub rows: u64,
    /// The fraud among them.
    pub fraud: u64,
    /// Rows that the figures leave out, their card being known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// The first event.
    pub from: String,
    /// The last event.
    pub to: String,
}

/// The model that was asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelReport {
    /// Its name.
    pub name: String,
    /// The hash of its file.
    pub hash: String,
}

/// One training and one test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoldReport {
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// The rows that learned; none where the model was given.
    pub train: Option<RowsReport>,
    /// The rows that were asked.
    pub test: RowsReport,
    /// The model.
    pub model: ModelReport,
    /// How long it learned.
    pub training_seconds: Option<f64>,
}

/// An evaluation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The protocol; `all` where every row with a label is asked.
    pub protocol: &'static str,
    /// What was read.
    pub input: String,
    /// What the folds learn from.
    pub train_on: Option<&'static str>,
    /// How long after the event a label is known.
    pub label_delay_secs: f64,
    /// The seed of the training.
    pub seed: u64,
    /// The features of a row.
    pub features: usize,
    /// The figures; of several folds the means.
    #[serde(flatten)]
    pub figures: Figures,
    /// Of several folds the standard deviations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sd: Option<Figures>,
    /// The rows that learned, of the only fold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<RowsReport>,
    /// The rows that were asked, of the only fold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<RowsReport>,
    /// The model, of the only fold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelReport>,
    /// How long all folds learned.
    pub training_seconds: Option<f64>,
    /// The folds, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folds: Vec<FoldReport>,
    /// What was decided, where a model was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decisions: Option<Decisions>,
}

/// Prints a report.
pub fn print(report: &Report, output: Output) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match output {
        Output::Json => {
            serde_json::to_writer_pretty(&mut out, report).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Output::Table => table(report, &mut out)?,
    }
    out.flush()
}

fn table(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{} on {}", report.protocol, report.input)?;
    for (rows, what) in [(&report.train, "learned from"), (&report.test, "asked")] {
        let Some(rows) = rows else { continue };
        writeln!(
            out,
            "{what:13}{} rows, {} fraud, {} to {}",
            rows.rows, rows.fraud, rows.from, rows.to
        )?;
    }
    if let Some(model) = &report.model {
        let hash: String = model.hash.chars().take(12).collect();
        writeln!(out, "model        {} ({hash})", model.name)?;
    }
    writeln!(
        out,
        "\n             AUC      AP       CP@100   recall at 1 % and 0.1 % false positives"
    )?;
    for (number, fold) in report.folds.iter().enumerate() {
        figures(out, &format!("fold {}", number + 1), &fold.figures)?;
    }
    let several = report.sd.is_some();
    figures(out, if several { "mean" } else { "" }, &report.figures)?;
    if let Some(sd) = &report.sd {
        figures(out, "deviation", sd)?;
    }
    if let Some(seconds) = report.training_seconds {
        writeln!(out, "\ntraining     {seconds:.1} s")?;
    }
    report
        .decisions
        .as_ref()
        .map_or(Ok(()), |decisions| decided(out, decisions))
}

fn figures(out: &mut dyn Write, name: &str, figures: &Figures) -> std::io::Result<()> {
    let card = figures
        .card_precision_100
        .map_or("-".to_owned(), |value| format!("{value:.4}"));
    writeln!(
        out,
        "{name:13}{:.4}   {:.4}   {card:8} {:.4}  {:.4}",
        figures.auc,
        figures.average_precision,
        figures.recall_at_fpr.one_percent,
        figures.recall_at_fpr.one_per_mille
    )
}

fn decided(out: &mut dyn Write, decisions: &Decisions) -> std::io::Result<()> {
    let verdicts: Vec<String> = decisions
        .verdicts
        .iter()
        .map(|(verdict, count)| format!("{verdict} {count}"))
        .collect();
    writeln!(out, "\ndecisions    {}", verdicts.join(", "))?;
    writeln!(
        out,
        "\n{:22} {:>8} {:>9} {:>9}  {:>10} {:>9} {:>9}",
        "", "fraud", "detected", "by model", "legitimate", "flagged", "by model"
    )?;
    let share = |part: u64, of: u64| match of {
        0 => "-".to_owned(),
        _ => format!("{:.2} %", part as f64 / of as f64 * 100.0),
    };
    let mut line = |name: &str, shares: &Shares| {
        writeln!(
            out,
            "{name:22} {:>8} {:>9} {:>9}  {:>10} {:>9} {:>9}",
            shares.fraud,
            share(shares.detected, shares.fraud),
            share(shares.detected_by_model, shares.fraud),
            shares.legitimate,
            share(shares.flagged, shares.legitimate),
            share(shares.flagged_by_model, shares.legitimate)
        )
    };
    for tale in &decisions.tales {
        line(&tale.story, &tale.shares)?;
    }
    line("all", &decisions.all)?;
    if decisions.by_rules_alone.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:22} {:>8} {:>31}",
        "flagged by rules alone", "fraud", "legitimate"
    )?;
    for rule in &decisions.by_rules_alone {
        writeln!(
            out,
            "{:22} {:>8} {:>31}",
            rule.rule, rule.fraud, rule.legitimate
        )?;
    }
    Ok(())
}
