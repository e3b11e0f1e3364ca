//! The kinds of models that a file can hold, one file each, and the [tree] they are made of.
//!
//! Promises that every kind but one gives a raw margin as a base and a sum over trees, so that scoring and
//! explaining need no case of their own; the one is the neural network, whose margin is evaluated as a
//! whole. To add a kind: one file here and one variant of [`Kind`].

pub(crate) mod tree;
pub(crate) mod gradient_boosting;
pub(crate) mod isolation_forest;
pub(crate) mod neural_network;

use std::sync::Arc;

use gradient_boosting::GradientBoosting;
use isolation_forest::IsolationForest;
use neural_network::NeuralNetwork;
use tree::Tree;

use crate::maps::Affine;

/// One member of the ensemble: what it says, and how much that counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    /// Its share in the weighted sum of log-odds.
    pub(crate) weight: f64,
    /// From its raw margin to log-odds (Platt's map).
    pub(crate) map: Affine,
    /// What it is.
    pub(crate) kind: Kind,
}

/// A kind of model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Gradient-boosted trees.
    GradientBoosting(GradientBoosting),
    /// Isolation forest.
    IsolationForest(IsolationForest),
    /// Neural network; shared, since it never changes.
    NeuralNetwork(Arc<NeuralNetwork>),
}

impl Kind {
    /// The kind of trees of this word, with its base and trees.
    pub(crate) fn of(word: &str, base: f64, trees: Vec<Tree>) -> Option<Self> {
        match word {
            gradient_boosting::WORD => {
                Some(Self::GradientBoosting(GradientBoosting { base, trees }))
            }
            isolation_forest::WORD => Some(Self::IsolationForest(IsolationForest { base, trees })),
            _ => None,
        }
    }

    /// The word of a kind in the model file.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::GradientBoosting(_) => gradient_boosting::WORD,
            Self::IsolationForest(_) => isolation_forest::WORD,
            Self::NeuralNetwork(_) => neural_network::WORD,
        }
    }

    /// The margin before any tree; a network has none.
    pub(crate) fn base(&self) -> f64 {
        match self {
            Self::GradientBoosting(model) => model.base,
            Self::IsolationForest(model) => model.base,
            Self::NeuralNetwork(_) => 0.0,
        }
    }

    /// The trees whose leaves add up to the margin; a network has none.
    pub(crate) fn trees(&self) -> &[Tree] {
        match self {
            Self::GradientBoosting(model) => &model.trees,
            Self::IsolationForest(model) => &model.trees,
            Self::NeuralNetwork(_) => &[],
        }
    }

    /// The network, if it is one.
    pub(crate) fn network(&self) -> Option<&Arc<NeuralNetwork>> {
        match self {
            Self::NeuralNetwork(network) => Some(network),
            Self::GradientBoosting(_) | Self::IsolationForest(_) => None,
        }
    }

    /// The margin of a row in the model's own feature order: the plain walk, or the network's.
    pub(crate) fn margin(&self, row: &[f32]) -> f64 {
        if let Some(network) = self.network() {
            return network.margin(row);
        }
        let trees = self.trees().iter();
        trees.fold(self.base(), |sum, tree| sum + tree.value(row))
    }
}
