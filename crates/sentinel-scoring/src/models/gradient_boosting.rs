//! Gradient-boosted trees: their shape and the plain walk through them.
//!
//! Promises that a [`Tree`] that exists is a tree: every node but the first has exactly one parent,
//! which stands before it; every leaf was reached by some training row. A row goes left at a split
//! when its value is at most the threshold; a missing value goes where training found it better.
//! Must never hold a number that is not finite.

#![allow(
    clippy::indexing_slicing,
    reason = "children are checked once, when a tree is made"
)]

/// The word for this kind in the model file.
pub(crate) const WORD: &str = "gradient-boosting";

/// The most nodes of one tree: 4,096 leaves and the splits above them.
pub(crate) const NODES_MAX: usize = 8191;

/// The most splits between the root and a leaf.
pub(crate) const DEPTH_MAX: usize = 64;

/// The most training rows that a leaf can claim; sums over a tree stay exact in an f64.
pub(crate) const COVER_MAX: u64 = 1 << 40;

/// A starting margin, and trees that correct it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GradientBoosting {
    /// The margin before any tree.
    pub(crate) base: f64,
    /// The trees, in the order in which they were grown.
    pub(crate) trees: Vec<Tree>,
}

/// One node of a tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Node {
    /// `value <= threshold` goes left.
    Split(Split),
    /// The end of a walk.
    Leaf {
        /// What it adds to the margin.
        value: f64,
        /// How many training rows ended here.
        cover: u64,
    },
}

/// A question about one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Split {
    /// The index of the feature in the model's list.
    pub(crate) feature: u16,
    /// The largest value that goes left.
    pub(crate) threshold: f32,
    /// Whether a missing value goes left.
    pub(crate) missing_left: bool,
    /// The node for rows that go left.
    pub(crate) left: u16,
    /// The node for rows that go right.
    pub(crate) right: u16,
}

/// A checked tree; the first node is the root.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Checks the nodes. The error is the index of the node at fault and what is wrong with it.
    pub(crate) fn new(nodes: Vec<Node>, features: usize) -> Result<Self, (usize, String)> {
        if nodes.is_empty() || nodes.len() > NODES_MAX {
            return Err((0, format!("a tree has 1 to {NODES_MAX} nodes")));
        }
        let mut depth: Vec<Option<usize>> = vec![None; nodes.len()];
        depth[0] = Some(0);
        for (index, node) in nodes.iter().enumerate() {
            let fault = |problem: String| Err((index, problem));
            // A parent stands before its children, so a node without depth here has no parent.
            let Some(above) = depth[index] else {
                return fault(format!("no split leads to node {index}"));
            };
            match node {
                Node::Split(split) => {
                    if usize::from(split.feature) >= features {
                        return fault(format!("there is no feature {}", split.feature));
                    }
                    if !split.threshold.is_finite() {
                        return fault("the threshold is not finite".to_owned());
                    }
                    if above == DEPTH_MAX {
                        return fault(format!("a tree has at most {DEPTH_MAX} levels of splits"));
                    }
                    for child in [usize::from(split.left), usize::from(split.right)] {
                        if child <= index || child >= nodes.len() {
                            return fault(format!(
                                "child {child} is not a later node of this tree"
                            ));
                        }
                        if depth[child].replace(above + 1).is_some() {
                            return fault(format!("two splits lead to node {child}"));
                        }
                    }
                }
                Node::Leaf { value, cover } => {
                    if !value.is_finite() {
                        return fault("the leaf is not finite".to_owned());
                    }
                    if *cover == 0 || *cover > COVER_MAX {
                        return fault(format!("a leaf covers 1 to {COVER_MAX} rows"));
                    }
                }
            }
        }
        Ok(Self { nodes })
    }

    /// The nodes, parents before children.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The training rows under each node.
    pub(crate) fn covers(&self) -> Vec<u64> {
        let mut covers = vec![0; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().rev() {
            covers[index] = match node {
                Node::Leaf { cover, .. } => *cover,
                Node::Split(split) => {
                    covers[usize::from(split.left)] + covers[usize::from(split.right)]
                }
            };
        }
        covers
    }

    /// The largest magnitude of a leaf.
    pub(crate) fn leaf_magnitude_max(&self) -> f64 {
        self.nodes
            .iter()
            .fold(0.0, |largest: f64, node| match node {
                Node::Leaf { value, .. } => largest.max(value.abs()),
                Node::Split(_) => largest,
            })
    }

    /// The leaf value of a row in the model's own feature order: the plain walk.
    pub(crate) fn value(&self, row: &[f32]) -> f64 {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf { value, .. } => return *value,
                Node::Split(split) => {
                    let value = row[usize::from(split.feature)];
                    let left = if value.is_nan() {
                        split.missing_left
                    } else {
                        value.min(f32::MAX) <= split.threshold
                    };
                    at = usize::from(if left { split.left } else { split.right });
                }
            }
        }
    }
}
