//! Gradient-boosted trees: each corrects what those before it left wrong.
//!
//! Promises a margin that is the base plus one leaf a tree.

use super::tree::Tree;

/// The word for this kind in the model file.
pub(crate) const WORD: &str = "gradient-boosting";

/// A starting margin, and trees that correct it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GradientBoosting {
    /// The margin before any tree.
    pub(crate) base: f64,
    /// The trees, in the order in which they were grown.
    pub(crate) trees: Vec<Tree>,
}
