//! Learning a model from labelled rows.
//!
//! Boosting by histograms, leaf by leaf: features are cut into bins once (exactly where there are few
//! distinct values, finely in the tails where there are many), gradients are summed by bin as
//! integers, and the sibling of a child comes by subtraction. The last rows in time are never learned
//! from: they stop the training, calibrate the probability and fix the risk anchors.
//!
//! Promises the same model for the same rows, options and seed, byte for byte, on any machine: sums
//! are integers or have a fixed order, and mathematics is `libm`'s. Must never start a thread or
//! look at a validation row while it grows a tree.

mod options;
mod executor;
mod random;
mod sample;
mod bins;
mod prefetch;
mod lines;
mod histogram;
mod split;
mod part;
mod grow;
mod stop;
mod boost;
mod forest;
pub(crate) mod calibrate;
mod isotonic;
pub(crate) mod support;
mod ensemble;
mod card;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use sentinel_domain::LogOdds;

use crate::error::TrainError;
use crate::maps::ANCHOR_RISKS;
use crate::metrics;
use crate::model::{Contents, FEATURES_MAX, Model};
use crate::models::Kind;
use boost::Boosted;
pub use ensemble::MemberReport;
pub use executor::{Executor, InTurn, Task};
pub use forest::ForestOptions;
pub use options::{Monotone, Options, StopBy};

/// The most rows: each takes at least one unit of the 2^32 that a sum of second derivatives has.
const ROWS_MAX: usize = 1 << 26;

/// The most that a row can count.
const WEIGHT_MAX: f32 = 1e6;

/// Rows to learn from, in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainingSet {
    /// The name of each column.
    pub features: Vec<String>,
    /// The values, row after row; not-a-number is missing.
    pub rows: Vec<f32>,
    /// Whether each row is fraud.
    pub fraud: Vec<bool>,
    /// How much each row counts, above 0 to a million; where nothing is said, all count once.
    pub weights: Option<Vec<f32>>,
    /// Which columns hold codes of categories instead of quantities; empty if none does.
    pub categorical: Vec<bool>,
    /// The first row of the validation slice, which runs to the end and is never trained on.
    pub validation_from: usize,
}

/// How far training has come; told after each tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The trees grown so far.
    pub trees: usize,
    /// The most trees that will be grown.
    pub trees_max: usize,
    /// The leaves of the last tree.
    pub leaves: usize,
    /// The loss on the validation slice before calibration, if there is one.
    pub validation_log_loss: Option<f64>,
}

/// What came out. Figures are of the validation slice, after calibration on that same slice; without
/// one they are of the training rows. Those that the labels cannot give are not numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The rows learned from, after sampling.
    pub rows: usize,
    /// The fraud among them.
    pub fraud: usize,
    /// The rows of the validation slice.
    pub validation_rows: usize,
    /// The fraud among them.
    pub validation_fraud: usize,
    /// The trees of the model.
    pub trees: usize,
    /// The mean log-loss of the calibrated probability.
    pub log_loss: f64,
    /// The area under the receiver operating characteristic.
    pub auc: f64,
    /// The average precision.
    pub average_precision: f64,
    /// The recall with at most 1 % of legitimate rows flagged.
    pub recall_at_one_percent: f64,
    /// The recall with at most 0.1 % of legitimate rows flagged.
    pub recall_at_one_per_mille: f64,
    /// What the four risk anchors mean on these rows.
    pub thresholds: Vec<Threshold>,
    /// The features that some split reads, with the loss they took away, most important first.
    pub importance: Vec<(String, f64)>,
    /// What each member does by itself.
    pub members: Vec<MemberReport>,
}

/// One risk anchor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// The risk that stands here.
    pub risk: f64,
    /// The false-positive rate that was asked for.
    pub false_positive_rate_max: f64,
    /// The log-odds of the anchor.
    pub log_odds: LogOdds,
    /// The share of legitimate rows at or above it.
    pub false_positive_rate: f64,
    /// The share of fraud at or above it.
    pub recall: f64,
}

/// Learns a model on the thread that asks. `progress` is told after each tree.
pub fn train(
    set: &TrainingSet,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Model, Report), TrainError> {
    train_by(set, options, &InTurn, progress)
}

/// Learns the same model by an executor of the caller's.
pub fn train_by(
    set: &TrainingSet,
    options: &Options,
    executor: &dyn Executor,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Model, Report), TrainError> {
    check_set(set)?;
    options.check(set)?;
    ensemble::check(options)?;
    let wanted = if options.boosted_weight > 0.0 {
        options.trees_max
    } else {
        0
    };
    let boosting = Options {
        trees_max: wanted,
        ..options.clone()
    };
    let boosted = boost::boost(set, &boosting, executor, progress)?;
    let mut members = Vec::new();
    if options.boosted_weight > 0.0 {
        let kind = Kind::GradientBoosting(boosted.ensemble.clone());
        members.push((options.boosted_weight, kind));
    }
    if options.forest_weight > 0.0 {
        let mut categorical = set.categorical.clone();
        categorical.resize(set.features.len(), false);
        let grown = forest::grow(set, &categorical, &options.forest, options.seed);
        members.push((options.forest_weight, Kind::IsolationForest(grown)));
    }
    let (mut contents, judged) = ensemble::assemble(set, options, members)?;
    let report = report(set, options, &boosted, &contents, judged);
    contents.card = card::write(set, options, &report)?;
    Ok((Model::from_contents(&contents)?, report))
}

fn check_set(set: &TrainingSet) -> Result<(), TrainError> {
    let (columns, rows) = (set.features.len(), set.fraud.len());
    let fault = |problem: String| Err(TrainError::Shape { problem });
    if columns == 0 || columns > FEATURES_MAX {
        return fault(format!("{columns} features are not 1 to {FEATURES_MAX}"));
    }
    if rows == 0 || rows > ROWS_MAX {
        return fault(format!("{rows} rows are not 1 to {ROWS_MAX}"));
    }
    if set.rows.len() != columns * rows {
        let values = set.rows.len();
        return fault(format!("{values} values are not {rows} rows of {columns}"));
    }
    if set.validation_from > rows {
        let from = set.validation_from;
        return fault(format!(
            "the validation slice begins at {from} of {rows} rows"
        ));
    }
    if !set.categorical.is_empty() && set.categorical.len() != columns {
        let marks = set.categorical.len();
        return fault(format!(
            "{marks} marks of categories for {columns} features"
        ));
    }
    if let Some(weights) = &set.weights {
        let weights_count = weights.len();
        if weights_count != rows {
            return fault(format!("{weights_count} weights for {rows} rows"));
        }
        let counts = |weight: &f32| *weight > 0.0 && *weight <= WEIGHT_MAX;
        if let Some(row) = weights.iter().position(|weight| !counts(weight)) {
            return fault(format!(
                "the weight of row {row} does not lie above 0, up to {WEIGHT_MAX}"
            ));
        }
    }
    let mut seen = BTreeSet::new();
    match set
        .features
        .iter()
        .find(|feature| !seen.insert(feature.as_str()))
    {
        Some(feature) => fault(format!("feature {feature} stands twice")),
        None => Ok(()),
    }
}

fn report(
    set: &TrainingSet,
    options: &Options,
    boosted: &Boosted,
    contents: &Contents,
    judged: ensemble::Judged<'_>,
) -> Report {
    let (log_odds, fraud) = (judged.log_odds.as_slice(), judged.fraud);
    let scores: Vec<f64> = log_odds.iter().map(|log_odds| log_odds.to_f64()).collect();
    let probabilities: Vec<f64> = log_odds
        .iter()
        .map(|log_odds| contents.calibration.probability(*log_odds))
        .collect();
    let thresholds = ANCHOR_RISKS
        .into_iter()
        .zip(options.anchors)
        .zip(contents.anchors)
        .map(|((risk, false_positive_rate_max), anchor)| Threshold {
            risk,
            false_positive_rate_max,
            log_odds: anchor,
            false_positive_rate: share_at(log_odds, fraud, anchor, false),
            recall: share_at(log_odds, fraud, anchor, true),
        });
    let mut importance: Vec<(String, f64)> = set
        .features
        .iter()
        .zip(&boosted.gains)
        .filter(|(_, gain)| **gain > 0.0)
        .map(|(feature, gain)| (feature.clone(), *gain))
        .collect();
    importance.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let validation = set.fraud.get(set.validation_from..).unwrap_or_default();
    Report {
        rows: boosted.rows,
        fraud: boosted.fraud,
        validation_rows: validation.len(),
        validation_fraud: validation.iter().filter(|fraud| **fraud).count(),
        trees: boosted.ensemble.trees.len(),
        log_loss: metrics::log_loss(&probabilities, fraud),
        auc: metrics::auc(&scores, fraud),
        average_precision: metrics::average_precision(&scores, fraud),
        recall_at_one_percent: metrics::recall_at_false_positive_rate(&scores, fraud, 0.01),
        recall_at_one_per_mille: metrics::recall_at_false_positive_rate(&scores, fraud, 0.001),
        thresholds: thresholds.collect(),
        importance,
        members: judged.members,
    }
}

/// The share of fraud, or of the rest, at or above some log-odds.
#[allow(clippy::cast_precision_loss, reason = "at most 2^26 rows")]
fn share_at(log_odds: &[LogOdds], fraud: &[bool], least: LogOdds, of_fraud: bool) -> f64 {
    let of_kind = || {
        log_odds
            .iter()
            .zip(fraud)
            .filter(|(_, fraud)| **fraud == of_fraud)
    };
    let flagged = of_kind()
        .filter(|(log_odds, _)| **log_odds >= least)
        .count();
    flagged as f64 / of_kind().count() as f64
}
