//! How to learn: every option with its bounds.
//!
//! Promises that options which pass cannot make training fail halfway. Must never read anything but its
//! arguments.

use super::{ForestOptions, TrainingSet};
use crate::error::TrainError;
use crate::model::TREES_MAX;
use crate::models::tree::{DEPTH_MAX, NODES_MAX};

/// The most leaves of one tree.
const LEAVES_MAX: usize = NODES_MAX.div_ceil(2);

/// The most bins of a feature.
const BINS_MAX: usize = 65_000;

/// The largest step of a leaf before the learning rate: rows that are all alike must not run away.
pub(super) const STEP_MAX: f64 = 20.0;

/// What the validation slice is judged by when training decides to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StopBy {
    /// The mean log-loss of the probability: the default, since it moves with every tree.
    #[default]
    LogLoss,
    /// The average precision: what counts where alerts are few, but it moves in jumps.
    AveragePrecision,
}

/// Which way the margin must go when a feature rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Monotone {
    /// Never down.
    Rising,
    /// Never up.
    Falling,
}

/// How to learn.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The most trees.
    pub trees_max: usize,
    /// The most leaves of a tree, 2 to 4,096.
    pub leaves_max: usize,
    /// The most splits between root and leaf, 1 to 64.
    pub depth_max: usize,
    /// How much of each step a tree takes, above 0 to 1.
    pub learning_rate: f64,
    /// The least training rows in a leaf.
    pub rows_per_leaf_min: usize,
    /// The least sum of second derivatives in a leaf, 0 to 1e6: the quieter its rows, the more of them.
    pub hessian_per_leaf_min: f64,
    /// The least loss that a split must take away, 0 to 1e6.
    pub gain_min: f64,
    /// How much a leaf is drawn to zero: added to its sum of second derivatives (L2).
    pub lambda: f64,
    /// How much slope a leaf must have before it says anything: taken off its sum of slopes (L1).
    pub alpha: f64,
    /// The largest step of a leaf before the learning rate, above 0 to 20.
    pub step_max: f64,
    /// The most bins of a feature, 2 to 65,000. Up to 255 take one byte a value; more cost time and gained
    /// nothing where they were tried, since bins are dense in the tails.
    pub bins_max: usize,
    /// Stop after so many trees without a better validation slice; 0 grows all trees.
    pub early_stopping_rounds: usize,
    /// What better means.
    pub early_stopping_by: StopBy,
    /// The share of legitimate rows to learn from, above 0 to 1; the prior is corrected for it.
    pub negative_share: f64,
    /// How many times a fraud counts, above 0 to 1e6; the prior is corrected for it.
    pub fraud_weight: f64,
    /// The share of rows that a tree learns from, above 0 to 1.
    pub bagging_share: f64,
    /// Rows are drawn anew every so many trees.
    pub bagging_every: usize,
    /// The share of features that a tree may ask about, above 0 to 1.
    pub features_per_tree: f64,
    /// The share of those that one split may choose from, above 0 to 1.
    pub features_per_split: f64,
    /// Features with which the margin must rise or fall, by name; none of them categorical.
    pub monotone: Vec<(String, Monotone)>,
    /// The most categories that a split names, 1 to 1,024.
    pub categories_per_split_max: usize,
    /// How much a rare category is drawn to the middle when categories are put in order, in units of second
    /// derivatives, 0 to 1e6.
    pub category_smoothing: f64,
    /// What is added to `lambda` when a split by category is judged, 0 to 1e6.
    pub category_lambda: f64,
    /// Decides which rows and features are left out.
    pub seed: u64,
    /// The share of the boosted trees in the weighted sum of log-odds; 0 leaves them out.
    pub boosted_weight: f64,
    /// The share of the isolation forest; 0 leaves it out.
    pub forest_weight: f64,
    /// How the isolation forest is grown.
    pub forest: ForestOptions,
    /// What the caller knows of the data, for the model's card: keys and values.
    pub card: Vec<(String, String)>,
    /// The false-positive rates of the validation slice at which risk is 0.50, 0.55, 0.70 and 0.85.
    pub anchors: [f64; 4],
    /// The name of the model.
    pub name: String,
    /// The version of the model.
    pub version: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            trees_max: 300,
            leaves_max: 16,
            depth_max: 8,
            learning_rate: 0.1,
            rows_per_leaf_min: 20,
            hessian_per_leaf_min: 1e-3,
            gain_min: 5e-7,
            lambda: 1.0,
            alpha: 0.0,
            step_max: STEP_MAX,
            bins_max: 255,
            early_stopping_rounds: 30,
            early_stopping_by: StopBy::LogLoss,
            negative_share: 1.0,
            fraud_weight: 1.0,
            bagging_share: 1.0,
            bagging_every: 1,
            features_per_tree: 1.0,
            features_per_split: 1.0,
            monotone: Vec::new(),
            categories_per_split_max: 32,
            category_smoothing: 10.0,
            category_lambda: 10.0,
            seed: 1,
            boosted_weight: 0.7,
            forest_weight: 0.3,
            forest: ForestOptions::default(),
            card: Vec::new(),
            anchors: [0.02, 0.015, 0.005, 0.001],
            name: "fraud".to_owned(),
            version: 1,
        }
    }
}

impl Options {
    /// Checks every option, and those that name features against the rows.
    pub(super) fn check(&self, set: &TrainingSet) -> Result<(), TrainError> {
        let mut checks = self.numbers().into_iter().chain(self.shares());
        if let Some((_, option, problem)) = checks.find(|(holds, ..)| !holds) {
            return Err(TrainError::Option { option, problem });
        }
        self.monotone_by_feature(set).map(drop)
    }

    fn numbers(&self) -> [(bool, &'static str, &'static str); 13] {
        let modest = |value: f64| (0.0..=1e6).contains(&value);
        const MODEST: &str = "lies in 0 to 1000000";
        [
            (
                (1..=TREES_MAX).contains(&self.trees_max),
                "trees_max",
                "lies in 1 to 10000",
            ),
            (
                (2..=LEAVES_MAX).contains(&self.leaves_max),
                "leaves_max",
                "lies in 2 to 4096",
            ),
            (
                (1..=DEPTH_MAX).contains(&self.depth_max),
                "depth_max",
                "lies in 1 to 64",
            ),
            (
                self.rows_per_leaf_min > 0,
                "rows_per_leaf_min",
                "is at least 1",
            ),
            (
                modest(self.hessian_per_leaf_min),
                "hessian_per_leaf_min",
                MODEST,
            ),
            (modest(self.gain_min), "gain_min", MODEST),
            (modest(self.lambda), "lambda", MODEST),
            (modest(self.alpha), "alpha", MODEST),
            (
                (2..=BINS_MAX).contains(&self.bins_max),
                "bins_max",
                "lies in 2 to 65000",
            ),
            (self.bagging_every > 0, "bagging_every", "is at least 1"),
            (
                (1..=1024).contains(&self.categories_per_split_max),
                "categories_per_split_max",
                "lies in 1 to 1024",
            ),
            (
                modest(self.category_smoothing),
                "category_smoothing",
                MODEST,
            ),
            (modest(self.category_lambda), "category_lambda", MODEST),
        ]
    }

    fn shares(&self) -> [(bool, &'static str, &'static str); 8] {
        let share = |value: f64| value > 0.0 && value <= 1.0;
        let above = |value: f64, most: f64| value > 0.0 && value <= most;
        let rates = self.anchors.iter().all(|rate| *rate > 0.0 && *rate < 1.0);
        const SHARE: &str = "lies above 0, up to 1";
        [
            (share(self.learning_rate), "learning_rate", SHARE),
            (share(self.negative_share), "negative_share", SHARE),
            (share(self.bagging_share), "bagging_share", SHARE),
            (share(self.features_per_tree), "features_per_tree", SHARE),
            (share(self.features_per_split), "features_per_split", SHARE),
            (
                above(self.step_max, STEP_MAX),
                "step_max",
                "lies above 0, up to 20",
            ),
            (
                above(self.fraud_weight, 1e6),
                "fraud_weight",
                "lies above 0, up to 1000000",
            ),
            (
                rates && self.anchors.is_sorted_by(|a, b| a > b),
                "anchors",
                "are rates between 0 and 1 that fall",
            ),
        ]
    }

    /// For each feature 1, -1 or 0; empty where nothing is asked.
    pub(super) fn monotone_by_feature(&self, set: &TrainingSet) -> Result<Vec<i8>, TrainError> {
        if self.monotone.is_empty() {
            return Ok(Vec::new());
        }
        let option = "monotone";
        let mut ways = vec![0; set.features.len()];
        for (name, way) in &self.monotone {
            let Some(place) = set.features.iter().position(|feature| feature == name) else {
                let problem = "names a feature that the rows do not have";
                return Err(TrainError::Option { option, problem });
            };
            if set.categorical.get(place) == Some(&true) {
                let problem = "names a categorical feature, which has no order";
                return Err(TrainError::Option { option, problem });
            }
            if let Some(of_feature) = ways.get_mut(place) {
                *of_feature = match way {
                    Monotone::Rising => 1,
                    Monotone::Falling => -1,
                };
            }
        }
        Ok(ways)
    }
}
