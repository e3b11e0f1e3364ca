//! What every format comes down to: names, a base, trees of our own shape, and what the sum means.
//!
//! Promises that a tree put in here answers each row as the foreign one does, whatever the order of its
//! nodes was. Must never follow a cycle, or keep a node that no row can reach.

use std::sync::Arc;

use crate::models::tree::{CATEGORY_END, COVER_MAX, NODES_MAX, Node, Split, Test, Tree};

/// The most features of a foreign model, read by a split or not.
pub(super) const FEATURES_MAX: usize = 65_536;

/// The most trees.
pub(super) const TREES_MAX: usize = crate::model::TREES_MAX;

/// The most codes of categories in all splits together: a set that stands once in a file may be named by
/// many splits.
pub(super) const CODES_MAX: usize = 1 << 24;

/// A model as a file of another program tells it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ensemble {
    /// The names of its features; `f0`, `f1` and so on where the file has none.
    pub(super) features: Vec<String>,
    /// The margin before any tree.
    pub(super) base: f64,
    /// The trees.
    pub(super) trees: Vec<Tree>,
    /// What the margin means.
    pub(super) link: Link,
    /// Whether the file says how many rows each leaf covers.
    pub(super) covers_known: bool,
    /// What a reader should know, one sentence each.
    pub(super) notes: Vec<String>,
    /// The codes of categories so far.
    codes: usize,
}

/// What a margin means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Link {
    /// The probability is the logistic function of the margin times this slope.
    Logistic {
        /// 1, but for LightGBM's `sigmoid` and for averages.
        slope: f64,
    },
    /// The margin is the probability itself, as the mean over a forest is.
    Probability,
    /// The margin is some number that grows with the risk.
    Plain,
}

/// A node before its tree is checked; children are indices into the same list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RawNode {
    /// A question.
    Split {
        feature: usize,
        test: Question,
        missing_left: bool,
        left: usize,
        right: usize,
    },
    /// An end.
    Leaf {
        value: f64,
        /// Rows, or weight in any unit: only the shares count.
        cover: f64,
    },
}

/// What a split asks, before it is put into one of our tests.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Question {
    /// At most this, as an f64 of any size.
    AtMost { threshold: f64, zero_missing: bool },
    /// Below this.
    Below { threshold: f64 },
    /// One of these codes.
    OneOf(Vec<u32>),
}

/// How the answers of a foreign split are put.
enum Answer {
    Test(Test),
    /// Every value that is there goes right.
    NeverLeft,
}

impl Question {
    /// The test of our own that answers alike for every f32. The error says why there is none.
    fn answer(&self) -> Result<Answer, String> {
        match self {
            Self::AtMost { threshold, .. } | Self::Below { threshold } if threshold.is_nan() => {
                Err("a threshold is not a number".to_owned())
            }
            Self::AtMost {
                threshold,
                zero_missing,
            } => Ok(at_most(at_most_f32(*threshold), *zero_missing)),
            Self::Below { threshold } => Ok(at_most(below_f32(*threshold), false)),
            Self::OneOf(codes) => {
                let mut codes = codes.clone();
                codes.sort_unstable();
                codes.dedup();
                match codes.last() {
                    None => Ok(Answer::NeverLeft),
                    Some(last) if *last < CATEGORY_END => Ok(Answer::Test(Test::OneOf {
                        categories: Arc::from(codes),
                    })),
                    Some(last) => Err(format!("category {last} is not below {CATEGORY_END}")),
                }
            }
        }
    }
}

/// `inf` parts what is there from what is missing: every value that is there is at most the largest.
fn at_most(threshold: f32, zero_missing: bool) -> Answer {
    if threshold == f32::NEG_INFINITY {
        return Answer::NeverLeft;
    }
    Answer::Test(Test::AtMost {
        threshold: threshold.min(f32::MAX),
        zero_missing,
    })
}

/// The largest f32 that is at most this: an f32 is at most the one if and only if it is at most the other.
#[allow(
    clippy::cast_possible_truncation,
    reason = "rounded to the nearest, then down"
)]
fn at_most_f32(threshold: f64) -> f32 {
    let nearest = threshold as f32;
    if f64::from(nearest) > threshold {
        nearest.next_down()
    } else {
        nearest
    }
}

/// The largest f32 below this.
fn below_f32(threshold: f64) -> f32 {
    let at_most = at_most_f32(threshold);
    if f64::from(at_most) == threshold {
        at_most.next_down()
    } else {
        at_most
    }
}

impl Ensemble {
    /// One without trees.
    pub(super) fn new(features: Vec<String>, link: Link) -> Self {
        Self {
            features,
            base: 0.0,
            trees: Vec::new(),
            link,
            covers_known: true,
            notes: Vec::new(),
            codes: 0,
        }
    }

    /// Counts codes of categories before they are written out one by one.
    pub(super) fn count_codes(&mut self, codes: usize) -> Result<(), String> {
        self.codes = self.codes.saturating_add(codes);
        if self.codes > CODES_MAX {
            return Err(format!("all splits name more than {CODES_MAX} categories"));
        }
        Ok(())
    }

    /// Puts a tree in. The error says what is wrong with it.
    pub(super) fn push(&mut self, nodes: &[RawNode], root: usize) -> Result<(), String> {
        if self.trees.len() == TREES_MAX {
            return Err(format!("a model has at most {TREES_MAX} trees"));
        }
        let nodes = ordered(nodes, root, self.features.len())?;
        let tree = Tree::new(nodes, self.features.len()).map_err(|(_, problem)| problem)?;
        self.trees.push(tree);
        Ok(())
    }

    /// Adds a sentence once.
    pub(super) fn note(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.notes.contains(&sentence) {
            self.notes.push(sentence);
        }
    }
}

/// Names for features that have none.
pub(super) fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|feature| format!("f{feature}")).collect()
}

/// The least and the greatest leaf of a tree.
pub(super) fn leaf_range(tree: &Tree) -> (f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    for node in tree.nodes() {
        if let Node::Leaf { value, .. } = node {
            range = (range.0.min(*value), range.1.max(*value));
        }
    }
    range
}

/// The nodes that the root leads to, parents before children.
fn ordered(nodes: &[RawNode], root: usize, features: usize) -> Result<Vec<Node>, String> {
    let scale = cover_scale(nodes);
    let mut reached = vec![false; nodes.len()];
    let mut out: Vec<Node> = Vec::new();
    // The node to read, and the split of `out` that waits for its place: which one, and which side.
    let mut waiting: Vec<(usize, Option<(usize, bool)>)> = vec![(root, None)];
    while let Some((index, parent)) = waiting.pop() {
        let (Some(node), Some(seen)) = (nodes.get(index), reached.get_mut(index)) else {
            return Err(format!("there is no node {index}"));
        };
        if std::mem::replace(seen, true) {
            return Err(format!("two splits lead to node {index}"));
        }
        let place = out.len();
        if place == NODES_MAX {
            return Err(format!("a tree has at most {NODES_MAX} nodes"));
        }
        if let Some((parent, is_left)) = parent
            && let Some(Node::Split(split)) = out.get_mut(parent)
        {
            let child = u16::try_from(place).unwrap_or(u16::MAX);
            *(if is_left {
                &mut split.left
            } else {
                &mut split.right
            }) = child;
        }
        match node {
            RawNode::Leaf { value, cover } => out.push(Node::Leaf {
                value: *value,
                cover: whole_cover(*cover, scale),
            }),
            RawNode::Split {
                feature,
                test,
                missing_left,
                left,
                right,
            } => {
                if *feature >= features {
                    return Err(format!(
                        "node {index} reads feature {feature} of {features}"
                    ));
                }
                let (test, missing_left, left, right) = match test.answer()? {
                    Answer::Test(test) => (test, *missing_left, *left, *right),
                    // Turned round: every value that is there goes left.
                    Answer::NeverLeft => (Test::at_most(f32::MAX), !missing_left, *right, *left),
                };
                out.push(Node::Split(Split {
                    feature: u16::try_from(*feature).unwrap_or(u16::MAX),
                    test,
                    missing_left,
                    left: 0,
                    right: 0,
                }));
                waiting.push((right, Some((place, false))));
                waiting.push((left, Some((place, true))));
            }
        }
    }
    Ok(out)
}

/// What covers are multiplied with, so that small sums of second derivatives keep their shares as whole
/// numbers: rows are left as they are.
fn cover_scale(nodes: &[RawNode]) -> f64 {
    let mut largest: f64 = 0.0;
    let mut rows = true;
    for node in nodes {
        if let RawNode::Leaf { cover, .. } = node {
            largest = largest.max(*cover);
            rows &= libm::trunc(*cover) == *cover;
        }
    }
    const STEPS: f64 = 1_048_576.0;
    if rows || largest >= STEPS || largest.is_nan() || largest <= 0.0 {
        1.0
    } else {
        STEPS / largest
    }
}

/// A cover as our trees count it, 1 at least.
fn whole_cover(cover: f64, scale: f64) -> u64 {
    #[allow(clippy::cast_precision_loss, reason = "a power of two")]
    let most = COVER_MAX as f64;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held between 1 and the most; not-a-number becomes 1"
    )]
    let whole = libm::round(cover * scale).max(1.0).min(most) as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_answer_alike_for_every_f32() {
        let values = [
            f32::MIN,
            -1.0,
            -f32::MIN_POSITIVE,
            -0.0,
            0.0,
            f32::from_bits(1),
            0.1,
            0.1_f32.next_up(),
            16_777_217.0,
            f32::MAX,
        ];
        let thresholds = [
            f64::NEG_INFINITY,
            -1e300,
            f64::from(f32::MIN),
            -1e-300,
            -0.0,
            1e-300,
            0.1,
            f64::from(0.1_f32),
            16_777_217.0,
            3.5e38,
            f64::INFINITY,
        ];
        for threshold in thresholds {
            for value in values {
                let at_most = at_most_f32(threshold);
                assert_eq!(
                    value <= at_most,
                    f64::from(value) <= threshold,
                    "{value} {threshold}"
                );
                let below = below_f32(threshold);
                assert_eq!(
                    value <= below,
                    f64::from(value) < threshold,
                    "{value} {threshold}"
                );
            }
        }
    }

    fn leaf(value: f64, cover: f64) -> RawNode {
        RawNode::Leaf { value, cover }
    }

    fn split(test: Question, left: usize, right: usize) -> RawNode {
        RawNode::Split {
            feature: 0,
            test,
            missing_left: true,
            left,
            right,
        }
    }

    fn ensemble() -> Ensemble {
        Ensemble::new(numbered(1), Link::Plain)
    }

    #[test]
    fn nodes_of_any_order_make_the_same_tree() {
        let test = || Question::AtMost {
            threshold: 0.5,
            zero_missing: false,
        };
        let nodes = [
            leaf(1.0, 3.0),
            leaf(2.0, 4.0),
            split(test(), 0, 3),
            split(test(), 1, 4),
            leaf(3.0, 0.0),
            leaf(9.0, 9.0),
        ];
        let mut ours = ensemble();
        ours.push(&nodes, 2).unwrap();
        assert_eq!(ours.trees[0].nodes().len(), 5);
        assert_eq!(ours.trees[0].value(&[0.0]), 1.0);
        assert_eq!(ours.trees[0].value(&[0.6]), 3.0);
        assert_eq!(ours.trees[0].covers(), [8, 3, 5, 4, 1]);
    }

    #[test]
    fn a_set_of_nothing_sends_what_is_there_right() {
        let empty = || Question::OneOf(Vec::new());
        let infinite = || Question::AtMost {
            threshold: f64::NEG_INFINITY,
            zero_missing: false,
        };
        for test in [empty(), infinite()] {
            let mut ours = ensemble();
            let nodes = [split(test, 1, 2), leaf(1.0, 1.0), leaf(2.0, 1.0)];
            ours.push(&nodes, 0).unwrap();
            for value in [f32::MIN, -1.0, 0.0, f32::MAX, f32::INFINITY] {
                assert_eq!(ours.trees[0].value(&[value]), 2.0, "{value}");
            }
            assert_eq!(ours.trees[0].value(&[f32::NAN]), 1.0);
        }
    }

    #[test]
    fn a_cycle_and_a_hole_are_refused() {
        let test = || Question::Below { threshold: 1.0 };
        for (nodes, part) in [
            (vec![split(test(), 0, 1), leaf(1.0, 1.0)], "two splits"),
            (vec![split(test(), 1, 1), leaf(1.0, 1.0)], "two splits"),
            (vec![split(test(), 1, 2), leaf(1.0, 1.0)], "no node 2"),
            (vec![], "no node 0"),
            (vec![leaf(f64::NAN, 1.0)], "not finite"),
            (
                vec![
                    split(
                        Question::Below {
                            threshold: f64::NAN,
                        },
                        1,
                        2,
                    ),
                    leaf(1.0, 1.0),
                    leaf(1.0, 1.0),
                ],
                "not a number",
            ),
            (
                vec![
                    split(Question::OneOf(vec![1 << 24]), 1, 2),
                    leaf(1.0, 1.0),
                    leaf(1.0, 1.0),
                ],
                "16777216",
            ),
        ] {
            let problem = ensemble().push(&nodes, 0).unwrap_err();
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn small_covers_keep_their_shares() {
        let test = Question::Below { threshold: 1.0 };
        let nodes = [split(test, 1, 2), leaf(1.0, 0.25), leaf(2.0, 0.75)];
        let mut ours = ensemble();
        ours.push(&nodes, 0).unwrap();
        let covers = ours.trees[0].covers();
        assert!(covers[1] > 1000);
        assert!((covers[1] * 3).abs_diff(covers[2]) <= 3, "{covers:?}");
    }
}
