//! Which rows and features are learned from.
//!
//! Promises draws that follow from the seed alone: one number for each row and feature, so that what one
//! draw decides moves no other. Must never let a validation row in.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a numeric loop over rows, at most 2^26 of them"
)]

use super::bins::Column;
use super::executor::{Executor, Task};
use super::random::Random;
use super::{Options, TrainingSet};
use crate::error::TrainError;

/// Columns that are cut by one task: as many as share the cache lines of their rows.
const COLUMNS_AT_ONCE: usize = 16;

/// The rows learned from, column by column.
pub(super) struct Sample {
    pub(super) columns: Vec<Column>,
    pub(super) fraud: Vec<bool>,
    /// How much each row counts; empty where all count once.
    pub(super) weights: Vec<f32>,
    /// How many legitimate rows each one stands for.
    pub(super) legitimate_weight: f64,
}

impl Sample {
    pub(super) fn draw(
        set: &TrainingSet,
        options: &Options,
        executor: &dyn Executor,
    ) -> Result<Self, TrainError> {
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
        Ok(Self {
            columns: columns(set, &chosen, options.bins_max, executor),
            weights: weights(set, &chosen, &fraud, options.fraud_weight),
            fraud,
            legitimate_weight: 1.0 / options.negative_share,
        })
    }

    /// The log-odds of fraud as these rows and their weights have it.
    pub(super) fn log_odds(&self) -> f64 {
        let (mut frauds, mut all) = (0.0, 0.0);
        for (row, fraud) in self.fraud.iter().enumerate() {
            let weight = self
                .weights
                .get(row)
                .map_or(1.0, |weight| f64::from(*weight));
            all += weight;
            frauds += if *fraud { weight } else { 0.0 };
        }
        libm::log(frauds / (all - frauds))
    }
}

/// What each row counts; nothing where all count once.
#[allow(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn weights(set: &TrainingSet, chosen: &[usize], fraud: &[bool], fraud_weight: f64) -> Vec<f32> {
    if set.weights.is_none() && fraud_weight == 1.0 {
        return Vec::new();
    }
    let own = |row: &usize| set.weights.as_ref().map_or(1.0, |weights| weights[*row]);
    let of_kind = |fraud: bool| if fraud { fraud_weight as f32 } else { 1.0 };
    let rows = chosen.iter().zip(fraud);
    rows.map(|(row, fraud)| own(row) * of_kind(*fraud))
        .collect()
}

/// Cuts every column into bins.
fn columns(
    set: &TrainingSet,
    chosen: &[usize],
    bins_max: usize,
    executor: &dyn Executor,
) -> Vec<Column> {
    let width = set.features.len();
    let mut cut: Vec<Option<Column>> = (0..width).map(|_| None).collect();
    let blocks = cut.chunks_mut(COLUMNS_AT_ONCE).enumerate();
    let tasks = blocks.map(|(block, cut)| -> Task<'_> {
        let from = block * COLUMNS_AT_ONCE;
        Box::new(move || {
            let mut values: Vec<Vec<f32>> = cut
                .iter()
                .map(|_| Vec::with_capacity(chosen.len()))
                .collect();
            for row in chosen {
                let row = &set.rows[row * width + from..];
                for (values, value) in values.iter_mut().zip(row) {
                    values.push(*value);
                }
            }
            for (place, (cut, values)) in cut.iter_mut().zip(&values).enumerate() {
                let categorical = set.categorical.get(from + place) == Some(&true);
                *cut = Some(if categorical {
                    Column::of_categories(values, bins_max)
                } else {
                    Column::new(values, bins_max)
                });
            }
        })
    });
    executor.run(tasks.collect());
    let cut: Vec<Column> = cut.into_iter().flatten().collect();
    assert!(cut.len() == width, "the executor has run every task");
    cut
}

/// The rows that a tree learns from, rising.
pub(super) fn bag(rows: usize, share: f64, seed: u64, tree: u64) -> Vec<u32> {
    let mut random = Random::of(seed, &[1, tree]);
    let drawn = (0..).take(rows).filter(|_| random.next() < share);
    let drawn: Vec<u32> = drawn.collect();
    // A tree of nothing would be no tree.
    if drawn.is_empty() { vec![0] } else { drawn }
}

/// The features that one tree, and each of its splits, may ask about.
#[derive(Debug)]
pub(super) struct FeatureDraw {
    features: usize,
    of_tree: Option<Vec<bool>>,
    share_of_split: f64,
    seed: u64,
    tree: u64,
}

impl FeatureDraw {
    pub(super) fn new(features: usize, options: &Options, tree: u64) -> Self {
        let mut draw = Self {
            features,
            of_tree: None,
            share_of_split: options.features_per_split,
            seed: options.seed,
            tree,
        };
        if options.features_per_tree < 1.0 {
            let random = Random::of(options.seed, &[2, tree]);
            draw.of_tree = Some(draw.some(random, options.features_per_tree));
        }
        draw
    }

    /// The features for one leaf, named by its node; all where nothing is said.
    pub(super) fn of_node(&self, node: usize) -> Option<Vec<bool>> {
        if self.share_of_split >= 1.0 {
            return self.of_tree.clone();
        }
        let place = [3, self.tree, node as u64];
        let random = Random::of(self.seed, &place);
        Some(self.some(random, self.share_of_split))
    }

    /// A share of the tree's features, at least one: those with the lowest numbers.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of features"
    )]
    fn some(&self, mut random: Random, share: f64) -> Vec<bool> {
        let of_tree = self.of_tree.as_ref();
        let mut drawn: Vec<(f64, usize)> = (0..self.features)
            .map(|feature| (random.next(), feature))
            .filter(|(_, feature)| of_tree.is_none_or(|of_tree| of_tree[*feature]))
            .collect();
        drawn.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let count = (libm::ceil(drawn.len() as f64 * share) as usize).max(1);
        let mut mask = vec![false; self.features];
        for (_, feature) in drawn.iter().take(count) {
            mask[*feature] = true;
        }
        mask
    }
}
