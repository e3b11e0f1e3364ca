//! The kinds of models that a file can hold, one file each.
//!
//! Promises that every kind gives a raw margin as a sum over trees, so that scoring and explaining
//! need no case of their own. To add a kind: one file here and one variant of [`Kind`].

pub(crate) mod gradient_boosting;

use gradient_boosting::{GradientBoosting, Tree};

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
    /// Gradient-boosted trees; the margin is a base plus one leaf a tree.
    GradientBoosting(GradientBoosting),
}

impl Kind {
    /// The word of a kind in the model file.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::GradientBoosting(_) => gradient_boosting::WORD,
        }
    }

    /// The margin before any tree.
    pub(crate) fn base(&self) -> f64 {
        match self {
            Self::GradientBoosting(model) => model.base,
        }
    }

    /// The trees whose leaves add up to the margin.
    pub(crate) fn trees(&self) -> &[Tree] {
        match self {
            Self::GradientBoosting(model) => &model.trees,
        }
    }
}
