//! The end of a run, for a person on standard error and for machines in a file.

use std::collections::BTreeMap;

use anyhow::Context;
use sentinel_domain::Verdict;
use serde::Serialize;

use super::{Finished, RunArguments};
use crate::diagnostics;

#[derive(Serialize)]
struct Summary {
    transactions: u64,
    decisions: BTreeMap<&'static str, u64>,
    alerts: u64,
    labels: u64,
    rejected: u64,
    rejected_by_code: BTreeMap<&'static str, u64>,
    repeated: u64,
    dead_letters: Option<String>,
    seconds: f64,
    transactions_per_second: f64,
    latency_us: Latency,
}

#[derive(Serialize)]
struct Latency {
    p50: u64,
    p99: u64,
    p999: u64,
}

/// Prints the summary and writes the file that was asked for.
pub fn report(arguments: &RunArguments, finished: &Finished) -> anyhow::Result<()> {
    let summary = summarise(finished);
    diagnostics::tell(text_of(&summary, finished).trim_end());
    if let Some(path) = &arguments.summary_json {
        let mut bytes = serde_json::to_vec_pretty(&summary)?;
        bytes.push(b'\n');
        std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people")]
fn summarise(finished: &Finished) -> Summary {
    let figures = &finished.figures;
    let [p50, p99, p999] = figures.latency_us;
    let (path, letters) = &finished.dead_letters;
    Summary {
        transactions: figures.transactions,
        decisions: Verdict::ALL
            .iter()
            .zip(figures.decisions)
            .map(|(verdict, count)| (verdict.as_str(), count))
            .collect(),
        alerts: figures.alerts,
        labels: figures.labels,
        rejected: figures.rejected,
        rejected_by_code: figures
            .rejected_by_code
            .iter()
            .map(|(code, count)| (code.as_str(), *count))
            .collect(),
        repeated: figures.repeated,
        dead_letters: (*letters > 0).then(|| path.display().to_string()),
        seconds: finished.seconds,
        transactions_per_second: figures.transactions as f64 / finished.seconds.max(1e-9),
        latency_us: Latency { p50, p99, p999 },
    }
}

fn text_of(summary: &Summary, finished: &Finished) -> String {
    let mut text = format!(
        "{} transactions in {:.1} s, {:.0} a second\n",
        summary.transactions, finished.seconds, summary.transactions_per_second
    );
    let decisions: Vec<String> = Verdict::ALL
        .iter()
        .map(|verdict| {
            let count = summary
                .decisions
                .get(verdict.as_str())
                .copied()
                .unwrap_or(0);
            format!("{verdict} {count}")
        })
        .collect();
    text.push_str(&format!("decisions  {}\n", decisions.join(", ")));
    text.push_str(&format!("alerts     {}\n", summary.alerts));
    if summary.labels > 0 {
        text.push_str(&format!("labels     {}\n", summary.labels));
    }
    if summary.repeated > 0 {
        text.push_str(&format!(
            "repeated   {} with the same body, counted once\n",
            summary.repeated
        ));
    }
    if summary.rejected > 0 {
        let codes: Vec<String> = summary
            .rejected_by_code
            .iter()
            .map(|(code, count)| format!("{code} {count}"))
            .collect();
        text.push_str(&format!(
            "rejected   {} ({})\n",
            summary.rejected,
            codes.join(", ")
        ));
        if let Some(path) = &summary.dead_letters {
            text.push_str(&format!("           kept with their bytes in {path}\n"));
        }
    }
    let Latency { p50, p99, p999 } = summary.latency_us;
    text.push_str(&match p50 {
        0 => "latency    none measured: every decision was made by an earlier start
"
        .to_owned(),
        _ => format!(
            "latency    p50 {p50} us, p99 {p99} us, p99.9 {p999} us in process
"
        ),
    });
    text
}
