//! The model by itself: rows of real windows, scored one by one and in batches, and explained.
//!
//! Rows come out of the stages of the serving path: synthetic payments through every shipped feature,
//! after windows have been filled by payments before them. They lie in memory before a clock starts.
//! Explaining is measured on the rows that the serving path would explain where no rule asked for it:
//! those whose tier is low or above.

use std::collections::HashSet;
use std::time::Instant as Stopwatch;

use clap::Args;
use sentinel_domain::{Instant, Score, Tier};
use sentinel_features::FeatureSet;
use sentinel_pipeline::active::{self, Decider};
use sentinel_scoring::ExplainScratch;
use serde::Serialize;

use super::latency::{Latencies, LatencyFigures};
use super::machine::{Machine, resident_bytes, thread_ns};
use super::pool::PoolArguments;
use super::{BATCH_EVENTS, ReportArguments, report};
use crate::commands::usage;
use crate::content::{ContentArguments, Contents};
use crate::matrix::Stages;

/// Arguments of `sentinel bench score`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel bench score\n  \
    sentinel bench score -o json > before.json\n  \
    sentinel bench score --model my.model --compare before.json")]
pub struct ScoreArguments {
    #[command(flatten)]
    pool: PoolArguments,
    /// Payments before the first row, so that windows are filled.
    #[arg(long, value_name = "COUNT", default_value_t = 200_000)]
    warm_up: usize,
    /// How many rows are scored.
    #[arg(long, value_name = "COUNT", default_value_t = 32_768)]
    rows: usize,
    /// How often it is done again; the best counts, the median stands beside it.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    #[command(flatten)]
    content: ContentArguments,
    #[command(flatten)]
    report: ReportArguments,
}

const METHOD: &str = "decisions_per_second and cpu_ns_per_decision: batches, processor time of one \
    thread, best round; latency_us: row by row, wall time of each, every round";

/// Any start will do.
const START_SECONDS: i64 = 1_767_571_200;

#[derive(Serialize)]
struct ScoreReport {
    bench: &'static str,
    decisions_per_second: f64,
    latency_us: LatencyFigures,
    cpu_ns_per_decision: f64,
    resident_bytes: u64,
    batches: Rounds,
    row_by_row: Rounds,
    /// Contributions of the rows whose tier is low or above.
    explained: Explained,
    /// The sum of all risks: the same for the same seed, rows and model on every machine.
    checksum: f64,
    features: usize,
    model: String,
    rows: usize,
    warm_up: usize,
    rounds: usize,
    batch: usize,
    seed: u64,
    event_rate: f64,
    method: &'static str,
    machine: Machine,
}

/// Processor time a row.
#[derive(Serialize)]
struct Rounds {
    cpu_ns_best: f64,
    cpu_ns_median: f64,
}

#[derive(Serialize)]
struct Explained {
    rows: usize,
    #[serde(flatten)]
    rounds: Rounds,
}

/// Rows, one after another.
struct Rows {
    values: Vec<f64>,
    width: usize,
}

/// Runs the command.
pub fn run(arguments: &ScoreArguments) -> anyhow::Result<()> {
    if arguments.rows == 0 || arguments.rounds == 0 {
        return Err(usage("--rows and --rounds are at least 1"));
    }
    let machine = Machine::here();
    let contents = Contents::load(&arguments.content, &FeatureSet::shipped())?;
    let decider = active::check(&contents.activations).map_err(usage)?;
    let rows = rows(arguments, &decider)?;
    let mut scores = Vec::with_capacity(arguments.rows);
    let batches = rounds(arguments, arguments.rows, || {
        scores.clear();
        for batch in rows.values.chunks(BATCH_EVENTS * rows.width) {
            decider.scorer.score_rows(batch, rows.width, &mut scores);
        }
    });
    let (row_by_row, latencies) = one_by_one(arguments, &decider, &rows, &scores);
    let explained = explained(arguments, &decider, &rows, &scores);
    let (name, version, _) = &decider.versions.model;
    report::print(
        &ScoreReport {
            bench: "score",
            decisions_per_second: 1e9 / batches.cpu_ns_best,
            latency_us: latencies.figures(),
            cpu_ns_per_decision: batches.cpu_ns_best,
            resident_bytes: resident_bytes(),
            batches,
            row_by_row,
            explained,
            checksum: scores.iter().map(|score| score.risk).sum(),
            features: rows.width,
            model: format!("{name}@{version}"),
            rows: arguments.rows,
            warm_up: arguments.warm_up,
            rounds: arguments.rounds,
            batch: BATCH_EVENTS,
            seed: arguments.pool.seed,
            event_rate: arguments.pool.event_rate,
            method: METHOD,
            machine,
        },
        &arguments.report,
    )
}

/// The rows behind the warm-up.
fn rows(arguments: &ScoreArguments, decider: &Decider) -> anyhow::Result<Rows> {
    let start = Instant::from_seconds(START_SECONDS);
    let stream = arguments.pool.stream(start, "score-")?;
    let width = decider.features.width();
    let mut values = Vec::with_capacity(arguments.rows * width);
    let mut stages = Stages::new(
        decider.features.clone(),
        decider.rates.clone(),
        HashSet::new(),
    );
    let mut met = 0;
    let mut take = |row: &crate::matrix::MatrixRow<'_>| {
        if met >= arguments.warm_up {
            values.extend_from_slice(row.values);
        }
        met += 1;
        Ok(())
    };
    for generated in stream.take(arguments.warm_up + arguments.rows) {
        let at = generated.transaction.event_time;
        stages.transaction(Box::new(generated.transaction), at, &mut take)?;
    }
    stages.finish(&mut take)?;
    Ok(Rows { values, width })
}

/// Times the same work again and again.
#[allow(
    clippy::cast_precision_loss,
    reason = "counts and nanoseconds of a bench"
)]
fn rounds(arguments: &ScoreArguments, count: usize, mut work: impl FnMut()) -> Rounds {
    let mut times: Vec<u64> = (0..arguments.rounds)
        .map(|_| {
            let started = thread_ns();
            work();
            thread_ns() - started
        })
        .collect();
    times.sort_unstable();
    let each = |ns: Option<&u64>| ns.map_or(0.0, |ns| *ns as f64 / count.max(1) as f64);
    Rounds {
        cpu_ns_best: each(times.first()),
        cpu_ns_median: each(times.get(times.len() / 2)),
    }
}

/// Scores every row by itself; what comes out must be what the batches gave.
fn one_by_one(
    arguments: &ScoreArguments,
    decider: &Decider,
    rows: &Rows,
    expected: &[Score],
) -> (Rounds, Latencies) {
    let mut latencies = Latencies::new();
    let mut scores = Vec::with_capacity(expected.len());
    let figures = rounds(arguments, expected.len(), || {
        scores.clear();
        for row in rows.values.chunks_exact(rows.width) {
            scores.push(decider.scorer.score(row));
        }
    });
    assert!(
        scores == expected,
        "a row has the same score alone and among others"
    );
    for _ in 0..arguments.rounds {
        for row in rows.values.chunks_exact(rows.width) {
            let started = Stopwatch::now();
            let score = decider.scorer.score(row);
            latencies.take(started.elapsed());
            std::hint::black_box(score);
        }
    }
    (figures, latencies)
}

fn explained(
    arguments: &ScoreArguments,
    decider: &Decider,
    rows: &Rows,
    scores: &[Score],
) -> Explained {
    let due: Vec<&[f64]> = rows
        .values
        .chunks_exact(rows.width)
        .zip(scores)
        .filter(|(_, score)| decider.policy.tier_of(score.risk) >= Tier::Low)
        .map(|(row, _)| row)
        .collect();
    let mut scratch = ExplainScratch::default();
    let rounds = rounds(arguments, due.len(), || {
        for row in &due {
            std::hint::black_box(decider.scorer.explain(row, &mut scratch));
        }
    });
    Explained {
        rows: due.len(),
        rounds,
    }
}
