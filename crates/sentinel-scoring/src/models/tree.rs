//! One decision tree, of whatever kind of model: its nodes, its laws and the plain walk through it.
//!
//! Promises that a [`Tree`] that exists is a tree: every node but the first has exactly one parent,
//! which stands before it; every leaf was reached by some training row. A missing value goes where
//! the split says, whatever its test. Must never hold a number that is not finite, or a list of
//! categories that does not rise.

#![allow(
    clippy::indexing_slicing,
    reason = "children are checked once, when a tree is made"
)]

use std::sync::Arc;

/// The most nodes of one tree: 4,096 leaves and the splits above them.
pub(crate) const NODES_MAX: usize = 8191;

/// The most splits between the root and a leaf.
pub(crate) const DEPTH_MAX: usize = 64;

/// The most training rows that a leaf can claim; sums over a tree stay exact in an f64.
pub(crate) const COVER_MAX: u64 = 1 << 40;

/// Codes of categories lie below this: an f32 holds each of them exactly.
pub(crate) const CATEGORY_END: u32 = 1 << 24;

/// Values this near to zero are missing to a test that takes zero for missing.
pub(crate) const ZERO_MAX: f32 = 1e-35;

/// One node of a tree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A question.
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
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Split {
    /// The index of the feature in the model's list.
    pub(crate) feature: u16,
    /// What is asked of a value that is there.
    pub(crate) test: Test,
    /// Whether a missing value goes left.
    pub(crate) missing_left: bool,
    /// The node for rows that go left.
    pub(crate) left: u16,
    /// The node for rows that go right.
    pub(crate) right: u16,
}

/// What a split asks of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// `value <= threshold` goes left.
    AtMost {
        /// The largest value that goes left.
        threshold: f32,
        /// Whether a value within [`ZERO_MAX`] of zero is taken for missing, as LightGBM can.
        zero_missing: bool,
    },
    /// A value whose whole part is one of these codes goes left, any other that is there goes right.
    OneOf {
        /// The codes, rising.
        categories: Arc<[u32]>,
    },
}

impl Test {
    /// The plain test: at most the threshold, zero being a value like any other.
    pub(crate) fn at_most(threshold: f32) -> Self {
        Self::AtMost {
            threshold,
            zero_missing: false,
        }
    }

    /// What breaks the laws of a test.
    fn fault(&self) -> Option<String> {
        match self {
            Self::AtMost { threshold, .. } if !threshold.is_finite() => {
                Some("the threshold is not finite".to_owned())
            }
            Self::AtMost { .. } => None,
            Self::OneOf { categories } if !categories.is_sorted_by(|a, b| a < b) => {
                Some("the categories do not rise".to_owned())
            }
            Self::OneOf { categories } => match categories.last() {
                Some(last) if *last < CATEGORY_END => None,
                Some(last) => Some(format!("category {last} is not below {CATEGORY_END}")),
                None => Some("a split by category names at least one".to_owned()),
            },
        }
    }
}

impl Split {
    /// Whether a value goes left: the meaning of a split, which every faster walk has to keep.
    pub(crate) fn goes_left(&self, value: f32) -> bool {
        match &self.test {
            Test::AtMost { zero_missing, .. }
                if value.is_nan() || *zero_missing && value.abs() <= ZERO_MAX =>
            {
                self.missing_left
            }
            Test::AtMost { threshold, .. } => value.min(f32::MAX) <= *threshold,
            Test::OneOf { .. } if value.is_nan() => self.missing_left,
            Test::OneOf { categories } => {
                category(value).is_some_and(|code| categories.binary_search(&code).is_ok())
            }
        }
    }
}

/// The code that a value stands for, if it can be one: its whole part, if that is not negative.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the whole part is meant, and the bounds are checked"
)]
pub(crate) fn category(value: f32) -> Option<u32> {
    const END: f32 = 16_777_216.0;
    (value > -1.0 && value < END).then_some(value as u32)
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
                    if let Some(problem) = split.test.fault() {
                        return fault(problem);
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

    /// The questions, parents before children.
    pub(crate) fn splits(&self) -> impl Iterator<Item = &Split> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Split(split) => Some(split),
            Node::Leaf { .. } => None,
        })
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
                    let left = split.goes_left(row[usize::from(split.feature)]);
                    at = usize::from(if left { split.left } else { split.right });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(test: Test, missing_left: bool) -> Split {
        Split {
            feature: 0,
            test,
            missing_left,
            left: 1,
            right: 2,
        }
    }

    #[test]
    fn a_split_by_category_reads_the_whole_part() {
        for missing_left in [false, true] {
            let categories = Arc::from([0, 7, 16_777_215]);
            let split = split(Test::OneOf { categories }, missing_left);
            for (value, left) in [
                (0.0, true),
                (-0.5, true),
                (0.9, true),
                (1.0, false),
                (7.99, true),
                (-7.0, false),
                (16_777_215.0, true),
                (16_777_216.0, false),
                (f32::INFINITY, false),
                (f32::NEG_INFINITY, false),
                (f32::NAN, missing_left),
            ] {
                assert_eq!(split.goes_left(value), left, "{value}");
            }
        }
    }

    #[test]
    fn zero_is_missing_only_where_the_test_says_so() {
        for missing_left in [false, true] {
            for zero_missing in [false, true] {
                let test = Test::AtMost {
                    threshold: 1.0,
                    zero_missing,
                };
                let split = split(test, missing_left);
                let near_zero = !zero_missing || missing_left;
                for (value, left) in [
                    (0.0, near_zero),
                    (-0.0, near_zero),
                    (1e-36, near_zero),
                    (-1e-35, near_zero),
                    (2e-35, true),
                    (1.5, false),
                    (f32::NAN, missing_left),
                ] {
                    assert_eq!(split.goes_left(value), left, "{value} {zero_missing}");
                }
            }
        }
    }

    #[test]
    fn categories_hold_their_laws() {
        for (categories, problem) in [
            (vec![], "at least one"),
            (vec![3, 3], "do not rise"),
            (vec![4, 3], "do not rise"),
            (vec![1, 16_777_216], "16777216 is not below"),
        ] {
            let test = Test::OneOf {
                categories: categories.into(),
            };
            let leaf = Node::Leaf {
                value: 0.0,
                cover: 1,
            };
            let nodes = vec![Node::Split(split(test, true)), leaf.clone(), leaf];
            let (index, found) = Tree::new(nodes, 1).unwrap_err();
            assert!(index == 0 && found.contains(problem), "{found}");
        }
    }
}
