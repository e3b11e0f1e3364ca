//! The loop of boosting: gradients, a tree, new margins, and the decision to stop.
//!
//! Promises that the validation slice decides only how many trees are kept. Must never let a
//! validation row into a bin, a gradient or a cover.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a numeric loop over rows, at most 2^26 of them"
)]

use super::bins::Column;
use super::grow::{Grower, Grown, Shape};
use super::histogram::{Scale, Sums};
use super::random::Random;
use super::split::Bounds;
use super::{Options, Progress, TrainingSet};
use crate::error::TrainError;
use crate::maps::logistic;
use crate::metrics;
use crate::models::gradient_boosting::GradientBoosting;
use crate::models::tree::{COVER_MAX, Node, Tree};

/// What boosting made.
pub(super) struct Boosted {
    pub(super) ensemble: GradientBoosting,
    /// The loss taken away by each feature's splits.
    pub(super) gains: Vec<f64>,
    pub(super) rows: usize,
    pub(super) fraud: usize,
}

/// The rows learned from, column by column.
struct Sample {
    columns: Vec<Column>,
    fraud: Vec<bool>,
    /// How many legitimate rows each one stands for.
    legitimate_weight: f64,
}

/// The rows that decide when to stop.
struct Validation<'a> {
    rows: &'a [f32],
    fraud: &'a [bool],
    margins: Vec<f64>,
    probabilities: Vec<f64>,
    best: f64,
    trees_best: usize,
}

/// Grows the trees.
pub(super) fn boost(
    set: &TrainingSet,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Boosted, TrainError> {
    let sample = Sample::draw(set, options)?;
    let rows = sample.fraud.len();
    let fraud = sample.fraud.iter().filter(|fraud| **fraud).count();
    let start = libm::log(fraud as f64 / (rows - fraud) as f64);
    // Leaving out legitimate rows lifted the prior; the model is told the true one.
    let base = start - libm::log(sample.legitimate_weight);
    let base = libm::round(base * 1e9) / 1e9;
    let scale = Scale::new(rows);
    let mut grower = Grower::new(&sample.columns, shape(options), scale);
    let mut validation = Validation::new(set, base);
    let mut margins = vec![start; rows];
    let mut sums = vec![Sums::default(); rows];
    let mut trees = Vec::new();
    let mut gains: Vec<Vec<(usize, f64)>> = Vec::new();
    while trees.len() < options.trees_max {
        gradients(&margins, &sample.fraud, scale, &mut sums);
        let grown = grower.grow(&sums);
        if grown.gains.is_empty() {
            break;
        }
        for leaf in &grown.leaves {
            for row in &grower.rows[leaf.rows.clone()] {
                margins[*row as usize] += leaf.value;
            }
        }
        let tree = finish(&grown, &grower.rows, &sample);
        let leaves = grown.leaves.len();
        gains.push(grown.gains);
        let loss = validation
            .as_mut()
            .map(|validation| validation.add(&tree, trees.len() + 1));
        trees.push(tree);
        progress(Progress {
            trees: trees.len(),
            trees_max: options.trees_max,
            leaves,
            validation_log_loss: loss,
        });
        let waited = validation
            .as_ref()
            .map_or(0, |v| trees.len() - v.trees_best);
        if options.early_stopping_rounds > 0 && waited >= options.early_stopping_rounds {
            break;
        }
    }
    if let Some(validation) = validation.filter(|_| options.early_stopping_rounds > 0) {
        trees.truncate(validation.trees_best);
    }
    let mut by_feature = vec![0.0; set.features.len()];
    for (feature, gain) in gains.iter().take(trees.len()).flatten() {
        by_feature[*feature] += gain;
    }
    let ensemble = GradientBoosting { base, trees };
    Ok(Boosted {
        ensemble,
        gains: by_feature,
        rows,
        fraud,
    })
}

fn shape(options: &Options) -> Shape {
    Shape {
        leaves_max: options.leaves_max,
        depth_max: options.depth_max,
        learning_rate: options.learning_rate,
        bounds: Bounds {
            rows_min: options.rows_per_leaf_min,
            lambda: options.lambda,
        },
    }
}

/// First and second derivative of the loss by each row's margin.
fn gradients(margins: &[f64], fraud: &[bool], scale: Scale, sums: &mut [Sums]) {
    for ((sums, margin), fraud) in sums.iter_mut().zip(margins).zip(fraud) {
        let probability = logistic(*margin);
        let slope = if *fraud {
            probability - 1.0
        } else {
            probability
        };
        *sums = scale.row(slope, probability * (1.0 - probability));
    }
}

/// Gives the leaves their values and covers, rows that were left out counted through those that
/// stand for them.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive count, far below 2^40"
)]
fn finish(grown: &Grown, rows: &[u32], sample: &Sample) -> Tree {
    let mut nodes = grown.nodes.clone();
    for leaf in &grown.leaves {
        let leaf_rows = &rows[leaf.rows.clone()];
        let fraud = leaf_rows
            .iter()
            .filter(|row| sample.fraud[**row as usize])
            .count();
        let legitimate = (leaf_rows.len() - fraud) as f64 * sample.legitimate_weight;
        let cover = (libm::round(fraud as f64 + legitimate) as u64).clamp(1, COVER_MAX);
        nodes[leaf.node] = Node::Leaf {
            value: leaf.value,
            cover,
        };
    }
    match Tree::new(nodes, sample.columns.len()) {
        Ok(tree) => tree,
        Err((node, problem)) => unreachable!("a grown tree holds its laws: {node}: {problem}"),
    }
}

impl Sample {
    fn draw(set: &TrainingSet, options: &Options) -> Result<Self, TrainError> {
        let columns = set.features.len();
        let mut random = Random(options.seed);
        let chosen: Vec<usize> = (0..set.validation_from)
            .filter(|row| {
                // One number a row, kept or not, so that one row's label moves no other's draw.
                let draw = random.next();
                set.fraud[*row] || options.negative_share >= 1.0 || draw < options.negative_share
            })
            .collect();
        let fraud: Vec<bool> = chosen.iter().map(|row| set.fraud[*row]).collect();
        let (rows, frauds) = (fraud.len(), fraud.iter().filter(|fraud| **fraud).count());
        if frauds == 0 || frauds == rows {
            return Err(TrainError::OneClass {
                rows,
                fraud: frauds,
            });
        }
        let mut values = vec![0.0; rows];
        let columns = (0..columns)
            .map(|column| {
                for (value, row) in values.iter_mut().zip(&chosen) {
                    *value = set.rows[row * columns + column];
                }
                Column::new(&values)
            })
            .collect();
        Ok(Self {
            columns,
            fraud,
            legitimate_weight: 1.0 / options.negative_share,
        })
    }
}

impl<'a> Validation<'a> {
    /// The validation slice, if it holds both kinds of rows.
    fn new(set: &'a TrainingSet, base: f64) -> Option<Self> {
        let fraud = &set.fraud[set.validation_from..];
        if !fraud.contains(&true) || !fraud.contains(&false) {
            return None;
        }
        let rows = &set.rows[set.validation_from * set.features.len()..];
        let margins = vec![base; fraud.len()];
        let probabilities = vec![0.0; fraud.len()];
        let mut validation = Self {
            rows,
            fraud,
            margins,
            probabilities,
            best: f64::INFINITY,
            trees_best: 0,
        };
        validation.best = validation.loss();
        Some(validation)
    }

    /// The loss with one more tree.
    fn add(&mut self, tree: &Tree, trees: usize) -> f64 {
        let width = self.rows.len() / self.fraud.len();
        for (margin, row) in self.margins.iter_mut().zip(self.rows.chunks_exact(width)) {
            *margin += tree.value(row);
        }
        let loss = self.loss();
        if loss < self.best {
            (self.best, self.trees_best) = (loss, trees);
        }
        loss
    }

    fn loss(&mut self) -> f64 {
        for (probability, margin) in self.probabilities.iter_mut().zip(&self.margins) {
            *probability = logistic(*margin);
        }
        metrics::log_loss(&self.probabilities, self.fraud)
    }
}
