//! Isolation forest: trees that part rows at random, and strange rows sooner than common ones.
//!
//! A leaf holds minus its share of the mean path: `-(depth + c(rows)) / trees`, where `c(rows)` is the
//! path that the rows left together in a leaf would still have had. So the margin is minus the mean path
//! length, and it rises with strangeness.
//!
//! Promises a margin that is the base plus one leaf a tree, so that scoring and explaining need no
//! case of their own. No label was seen by it.

use super::tree::Tree;

/// The word for this kind in the model file.
pub(crate) const WORD: &str = "isolation-forest";

/// Trees grown on small samples of rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IsolationForest {
    /// The margin before any tree.
    pub(crate) base: f64,
    /// The trees, in the order in which they were grown.
    pub(crate) trees: Vec<Tree>,
}
