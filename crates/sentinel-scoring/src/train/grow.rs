//! Growing one tree: always the leaf whose best split takes away most loss.
//!
//! Promises the smaller child summed and the larger one found by subtraction, and a bound on the
//! histograms that are kept: past it they are summed anew, with the same result. Must never depend on
//! the order in which memory was reused.

#![allow(
    clippy::indexing_slicing,
    reason = "a numeric loop over rows and leaves"
)]

use std::ops::Range;

use super::bins::Column;
use super::histogram::{Histogram, Layout, Scale, Sums};
use super::split::{self, Bounds, Candidate};
use crate::models::tree::{Node, Split, Test};

/// The most memory for the histograms of open leaves.
const HISTOGRAM_BYTES_MAX: usize = 512 << 20;

/// The largest step of a leaf before the learning rate: rows that are all alike must not run away.
const STEP_MAX: f64 = 20.0;

/// Leaves are rounded to multiples of this, so that the model file stays short.
const LEAF_DIGITS: f64 = 1e9;

/// How a tree is grown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) leaves_max: usize,
    pub(super) depth_max: usize,
    pub(super) learning_rate: f64,
    pub(super) bounds: Bounds,
}

/// A tree as it was grown.
#[derive(Debug)]
pub(super) struct Grown {
    /// Parents before children; leaves do not know their cover yet.
    pub(super) nodes: Vec<Node>,
    /// For each leaf its node, its rows and its value.
    pub(super) leaves: Vec<GrownLeaf>,
    /// Feature and gain of each split.
    pub(super) gains: Vec<(usize, f64)>,
}

#[derive(Debug)]
pub(super) struct GrownLeaf {
    pub(super) node: usize,
    pub(super) rows: Range<usize>,
    pub(super) value: f64,
}

/// Grows trees on the same rows, reusing memory.
pub(super) struct Grower<'a> {
    columns: &'a [Column],
    layout: Layout,
    shape: Shape,
    scale: Scale,
    /// The training rows, those of each leaf together and rising.
    pub(super) rows: Vec<u32>,
    right_rows: Vec<u32>,
    gathered: Vec<Sums>,
    spare: Vec<Histogram>,
    histograms_max: usize,
}

/// A leaf that may still be split.
struct Leaf {
    node: usize,
    rows: Range<usize>,
    depth: usize,
    sums: Sums,
    /// Kept while the leaf may be split and memory allows.
    histogram: Option<Histogram>,
    best: Option<Candidate>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(columns: &'a [Column], shape: Shape, scale: Scale) -> Self {
        let layout = Layout::new(columns);
        let bytes = layout.cells().max(1) * size_of::<Sums>();
        Self {
            columns,
            layout,
            shape,
            scale,
            rows: Vec::new(),
            right_rows: Vec::new(),
            gathered: Vec::new(),
            spare: Vec::new(),
            histograms_max: (HISTOGRAM_BYTES_MAX / bytes).max(4),
        }
    }

    /// Grows a tree; `sums` holds each row's gradients.
    pub(super) fn grow(&mut self, sums: &[Sums]) -> Grown {
        self.rows.clear();
        self.rows.extend((0..).take(sums.len()));
        let mut total = Sums::default();
        for row in sums {
            total.add(*row);
        }
        let mut nodes = vec![Node::Leaf {
            value: 0.0,
            cover: 0,
        }];
        let mut gains = Vec::new();
        let root = Leaf {
            node: 0,
            rows: 0..sums.len(),
            depth: 0,
            sums: total,
            histogram: None,
            best: None,
        };
        let histogram = self.sum(&root.rows, sums);
        let mut open = vec![self.opened(root, histogram)];
        while open.len() < self.shape.leaves_max {
            let Some((index, best)) = most_gain(&open) else {
                break;
            };
            gains.push((best.feature, best.gain));
            let kept = open.iter().filter(|leaf| leaf.histogram.is_some()).count();
            let parent = open.swap_remove(index);
            let (left, right) = self.split(parent, &best, &mut nodes, sums, kept);
            open.push(left);
            open.push(right);
        }
        let leaves = open.iter().map(|leaf| GrownLeaf {
            node: leaf.node,
            rows: leaf.rows.clone(),
            value: self.value(leaf.sums),
        });
        let leaves = leaves.collect();
        self.spare
            .extend(open.into_iter().filter_map(|leaf| leaf.histogram));
        Grown {
            nodes,
            leaves,
            gains,
        }
    }

    /// Splits a leaf in two.
    fn split(
        &mut self,
        mut parent: Leaf,
        best: &Candidate,
        nodes: &mut Vec<Node>,
        sums: &[Sums],
        kept: usize,
    ) -> (Leaf, Leaf) {
        let middle = self.partition(&parent.rows, best);
        let (left_node, right_node) = (nodes.len(), nodes.len() + 1);
        nodes[parent.node] = Node::Split(self.question(best, left_node, right_node));
        let leaf = Node::Leaf {
            value: 0.0,
            cover: 0,
        };
        nodes.extend([leaf.clone(), leaf]);
        let child = |node, rows: Range<usize>, sums: Sums| {
            assert!(
                rows.len() == sums.rows(),
                "the rows of a child are those its bins counted"
            );
            Leaf {
                node,
                rows,
                depth: parent.depth + 1,
                sums,
                histogram: None,
                best: None,
            }
        };
        let left = child(left_node, parent.rows.start..middle, best.left);
        let right = child(
            right_node,
            middle..parent.rows.end,
            parent.sums.without(best.left),
        );
        let needed = |leaf: &Leaf| {
            leaf.depth < self.shape.depth_max && leaf.rows.len() >= 2 * self.shape.bounds.rows_min
        };
        if !needed(&left) && !needed(&right) {
            self.spare.extend(parent.histogram.take());
            return (left, right);
        }
        let left_smaller = left.rows.len() <= right.rows.len();
        let (smaller, larger) = if left_smaller {
            (&left, &right)
        } else {
            (&right, &left)
        };
        let smaller_histogram = self.sum(&smaller.rows, sums);
        let larger_histogram = match parent.histogram.take() {
            Some(mut histogram) => {
                histogram.subtract(&smaller_histogram);
                histogram
            }
            None => self.sum(&larger.rows, sums),
        };
        let (left_histogram, right_histogram) = if left_smaller {
            (smaller_histogram, larger_histogram)
        } else {
            (larger_histogram, smaller_histogram)
        };
        let mut left = self.opened(left, left_histogram);
        let mut right = self.opened(right, right_histogram);
        if kept + 2 > self.histograms_max {
            self.spare.extend(left.histogram.take());
            self.spare.extend(right.histogram.take());
        }
        (left, right)
    }

    /// A leaf with its best split; without one its histogram is of no more use.
    fn opened(&mut self, mut leaf: Leaf, histogram: Histogram) -> Leaf {
        if leaf.depth < self.shape.depth_max {
            leaf.best = split::best(
                &histogram,
                &self.layout,
                self.columns.len(),
                leaf.sums,
                self.scale,
                self.shape.bounds,
            );
        }
        if leaf.best.is_some() {
            leaf.histogram = Some(histogram);
        } else {
            self.spare.push(histogram);
        }
        leaf
    }

    /// The histogram of some rows.
    fn sum(&mut self, rows: &Range<usize>, sums: &[Sums]) -> Histogram {
        let rows = &self.rows[rows.clone()];
        self.gathered.clear();
        self.gathered
            .extend(rows.iter().map(|row| sums[*row as usize]));
        let mut histogram = self.spare.pop().unwrap_or_default();
        histogram.build(&self.layout, self.columns, rows, &self.gathered);
        histogram
    }

    /// Moves the rows that go left before those that go right, each in their order.
    fn partition(&mut self, rows: &Range<usize>, best: &Candidate) -> usize {
        let column = &self.columns[best.feature];
        let missing = column.values();
        self.right_rows.clear();
        let mut end = rows.start;
        for index in rows.clone() {
            let row = self.rows[index];
            let bin = usize::from(column.bins[row as usize]);
            let left = if bin == missing {
                best.missing_left
            } else {
                bin <= best.bin
            };
            if left {
                self.rows[end] = row;
                end += 1;
            } else {
                self.right_rows.push(row);
            }
        }
        self.rows[end..rows.end].copy_from_slice(&self.right_rows);
        end
    }

    /// The split as the model says it.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "4095 features, 8191 nodes at most"
    )]
    fn question(&self, best: &Candidate, left: usize, right: usize) -> Split {
        // Past the last cut the question is only whether a value is there.
        let cut = self.columns[best.feature].cuts.get(best.bin);
        Split {
            feature: best.feature as u16,
            test: Test::at_most(cut.copied().unwrap_or(f32::MAX)),
            missing_left: best.missing_left,
            left: left as u16,
            right: right as u16,
        }
    }

    /// The value of a leaf: one Newton step, damped.
    fn value(&self, sums: Sums) -> f64 {
        let step = -Scale::slope(sums) / (self.scale.curve(sums) + self.shape.bounds.lambda);
        let value = step.clamp(-STEP_MAX, STEP_MAX) * self.shape.learning_rate;
        libm::round(value * LEAF_DIGITS) / LEAF_DIGITS
    }
}

/// The open leaf whose split takes away most loss; of equal ones the oldest node.
fn most_gain(open: &[Leaf]) -> Option<(usize, Candidate)> {
    open.iter()
        .enumerate()
        .filter_map(|(index, leaf)| leaf.best.map(|best| (index, leaf.node, best)))
        .max_by(|a, b| a.2.gain.total_cmp(&b.2.gain).then(b.1.cmp(&a.1)))
        .map(|(index, _, best)| (index, best))
}
