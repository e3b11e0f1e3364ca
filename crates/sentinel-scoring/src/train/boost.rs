//! The loop of boosting: gradients, a tree, new margins, and the decision to stop.
//!
//! Promises that the validation slice decides only how many trees are kept. Must never let a
//! validation row into a bin, a gradient or a cover.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a numeric loop over rows, at most 2^26 of them"
)]

use super::executor::{Executor, Task};
use super::grow::{Grower, Grown, Lesson, Shape};
use super::histogram::Scale;
use super::lines::Blocks;
use super::sample::{FeatureDraw, Sample, bag};
use super::split::Law;
use super::stop::Validation;
use super::{Options, Progress, TrainingSet};
use crate::error::TrainError;
use crate::maps::logistic;
use crate::models::gradient_boosting::GradientBoosting;
use crate::models::tree::{COVER_MAX, Node, Tree};

/// Leaves are rounded to multiples of this, so that the model file stays short.
const LEAF_DIGITS: f64 = 1e9;

/// Rows whose gradients one task computes.
const ROWS_AT_ONCE: usize = 1 << 14;

/// What boosting made.
pub(super) struct Boosted {
    pub(super) ensemble: GradientBoosting,
    /// The loss taken away by each feature's splits.
    pub(super) gains: Vec<f64>,
    pub(super) rows: usize,
    pub(super) fraud: usize,
}

/// Slope and curve of each row's loss at its margin.
struct Gradients {
    margins: Vec<f64>,
    pairs: Vec<[f32; 2]>,
    packed: Vec<i64>,
    scale: Scale,
}

/// Grows the trees.
pub(super) fn boost(
    set: &TrainingSet,
    options: &Options,
    executor: &dyn Executor,
    progress: &mut dyn FnMut(Progress),
) -> Result<Boosted, TrainError> {
    let sample = Sample::draw(set, options, executor)?;
    let rows = sample.fraud.len();
    let start = sample.log_odds();
    // Leaving out legitimate rows and counting frauds more than once lifted the prior; the model is told the
    // true one.
    let base = start - libm::log(sample.legitimate_weight) - libm::log(options.fraud_weight);
    let base = libm::round(base * 1e9) / 1e9;
    let blocks = Blocks::new(&sample.columns);
    let shape = shape(set, options)?;
    let mut grower = Grower::new(&sample.columns, &blocks, shape.clone(), executor);
    let mut validation = Validation::new(set, base, options.early_stopping_by);
    let mut gradients = Gradients::new(rows, start);
    let mut trees = Vec::new();
    let mut gains: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut bagged = None;
    while trees.len() < options.trees_max {
        gradients.update(&sample, executor);
        if options.bagging_share < 1.0 && trees.len() % options.bagging_every == 0 {
            let draw = (trees.len() / options.bagging_every) as u64;
            bagged = Some(bag(rows, options.bagging_share, options.seed, draw));
        }
        let features = FeatureDraw::new(set.features.len(), options, trees.len() as u64);
        let grown = grower.grow(Lesson {
            packed: &gradients.packed,
            scale: gradients.scale,
            bag: bagged.as_deref(),
            features: &features,
        });
        // With a draw of rows or features, the next tree may find what this one did not.
        if grown.gains.is_empty() && !is_drawn(options) {
            break;
        }
        let tree = gradients.finish(
            &grown,
            &grower,
            &sample,
            (&shape.law, options.learning_rate),
        );
        let leaves = grown.leaves.len();
        gains.push(grown.gains);
        let loss = validation
            .as_mut()
            .map(|validation| validation.add(&tree, trees.len() + 1, executor));
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
    Ok(Boosted {
        ensemble: GradientBoosting { base, trees },
        gains: by_feature,
        rows,
        fraud: sample.fraud.iter().filter(|fraud| **fraud).count(),
    })
}

fn is_drawn(options: &Options) -> bool {
    let shares = [
        options.bagging_share,
        options.features_per_tree,
        options.features_per_split,
    ];
    shares.iter().any(|share| *share < 1.0)
}

fn shape(set: &TrainingSet, options: &Options) -> Result<Shape, TrainError> {
    Ok(Shape {
        leaves_max: options.leaves_max,
        depth_max: options.depth_max,
        law: Law {
            rows_min: options.rows_per_leaf_min,
            curve_min: options.hessian_per_leaf_min,
            gain_min: options.gain_min,
            lambda: options.lambda,
            alpha: options.alpha,
            step_max: options.step_max,
            monotone: options.monotone_by_feature(set)?,
            category_smoothing: options.category_smoothing,
            category_lambda: options.category_lambda,
            categories_max: options.categories_per_split_max,
        },
    })
}

impl Gradients {
    fn new(rows: usize, start: f64) -> Self {
        Self {
            margins: vec![start; rows],
            pairs: vec![[0.0; 2]; rows],
            packed: vec![0; rows],
            scale: Scale::new(1.0, 1.0, rows),
        }
    }

    /// First and second derivative of the loss by each row's margin.
    fn update(&mut self, sample: &Sample, executor: &dyn Executor) {
        let parts = self
            .margins
            .chunks(ROWS_AT_ONCE)
            .zip(self.pairs.chunks_mut(ROWS_AT_ONCE));
        let tasks = parts
            .enumerate()
            .map(|(part, (margins, pairs))| -> Task<'_> {
                let from = part * ROWS_AT_ONCE;
                let fraud = &sample.fraud[from..];
                let weights = sample.weights.get(from..).unwrap_or_default();
                Box::new(move || derive(margins, fraud, weights, pairs))
            });
        executor.run(tasks.collect());
        // In the order of rows, whoever computed them.
        let sum = |(slopes, curves): (f64, f64), [slope, curve]: &[f32; 2]| {
            (slopes + f64::from(slope.abs()), curves + f64::from(*curve))
        };
        let (slopes, curves) = self.pairs.iter().fold((0.0, 0.0), sum);
        let scale = Scale::new(slopes, curves, self.pairs.len());
        for (packed, [slope, curve]) in self.packed.iter_mut().zip(&self.pairs) {
            *packed = scale.pack(f64::from(*slope), f64::from(*curve));
        }
        self.scale = scale;
    }

    /// Gives the leaves their values and covers, and moves the margins of all rows. Rows that were left out
    /// count through those that stand for them.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive count, far below 2^40"
    )]
    fn finish(
        &mut self,
        grown: &Grown,
        grower: &Grower<'_>,
        sample: &Sample,
        (law, learning_rate): (&Law, f64),
    ) -> Tree {
        let mut nodes = grown.nodes.clone();
        for leaf in &grown.leaves {
            let rows = &grower.rows[leaf.rows.clone()];
            let outside = &grower.outside[leaf.outside.clone()];
            // Sums finer than those that the split was found by.
            let (mut slope, mut curve) = (0.0, 0.0);
            for row in rows {
                let [of_slope, of_curve] = self.pairs[*row as usize];
                slope += f64::from(of_slope);
                curve += f64::from(of_curve);
            }
            let value = law.step((slope, curve), leaf.range) * learning_rate;
            let value = libm::round(value * LEAF_DIGITS) / LEAF_DIGITS;
            let mut frauds = 0;
            for row in rows.iter().chain(outside) {
                self.margins[*row as usize] += value;
                frauds += usize::from(sample.fraud[*row as usize]);
            }
            let legitimate = rows.len() + outside.len() - frauds;
            let stands_for = frauds as f64 + legitimate as f64 * sample.legitimate_weight;
            let cover = (libm::round(stands_for) as u64).clamp(1, COVER_MAX);
            nodes[leaf.node] = Node::Leaf { value, cover };
        }
        match Tree::new(nodes, sample.columns.len()) {
            Ok(tree) => tree,
            Err((node, problem)) => unreachable!("a grown tree holds its laws: {node}: {problem}"),
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn derive(margins: &[f64], fraud: &[bool], weights: &[f32], pairs: &mut [[f32; 2]]) {
    for (row, (pair, margin)) in pairs.iter_mut().zip(margins).enumerate() {
        let probability = logistic(*margin);
        let slope = probability - f64::from(u8::from(fraud[row]));
        let weight = weights.get(row).map_or(1.0, |weight| f64::from(*weight));
        let curve = probability * (1.0 - probability);
        *pair = [(slope * weight) as f32, (curve * weight) as f32];
    }
}
