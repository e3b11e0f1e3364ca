//! Why a score is what it is: exact path-dependent Shapley values of the trees.
//!
//! The value of a set S of features is what a tree says on average when only the features in S
//! are known: at a split on any other feature, both sides count by the training rows they cover.
//!
//! For one leaf that says: with `z` the share of rows that keep to the path at the splits on a feature,
//! and `o` 1 if this row does and else 0, the leaf gives feature i
//! `leaf * (o_i - z_i) * integral over t in 0..1 of product over j != i of (z_j (1 - t) + o_j t)`,
//! since the Shapley weight of a set of s among n features is the integral of `t^s (1-t)^(n-1-s)`.
//! The product is a polynomial, so Gauss-Legendre points give its integral exactly. Products run down
//! the tree, sums of leaves run up, and each edge adds what it changed of its feature's factor.
//! The textbook algorithm, which extends and unwinds paths, takes many times as long.
//!
//! Promises that base plus contributions is the log-odds to the unit. Must never allocate by row beyond
//! the answer once its scratch has grown.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a numeric loop over arrays that are sized together when the model is bound"
)]

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use sentinel_domain::{Contribution, LogOdds};

use crate::scorer::{FoldedNode, FoldedTree, LeafScale};

/// Memory that explanations of one thread share.
#[derive(Debug, Clone, Default)]
pub struct ExplainScratch {
    /// The keys of the row.
    pub(crate) table: Vec<u32>,
    /// The share of each feature, by rank, in units of log-odds.
    shares: Vec<f64>,
    /// By node: the product of the factors above it, later the sum of the leaves below it.
    products: Vec<f64>,
    /// By node: `1 / factor` of the feature of the edge that leads to it.
    inverses: Vec<f64>,
    /// By node: what the edge that leads to it adds to its feature's share of the leaves below.
    changes: Vec<f64>,
    /// By node: whether the row keeps to the path at every split on the edge's feature.
    kept: Vec<bool>,
}

/// All trees, laid out for explaining.
#[derive(Debug, Clone)]
pub(crate) struct Explainer {
    groups: Vec<Group>,
    average: LogOdds,
    features: usize,
}

/// Trees whose longest paths ask about so many features that they need the same points. Most trees of a
/// model need few, and the work goes with the points.
#[derive(Debug, Clone)]
struct Group {
    /// Gauss-Legendre points in 0..1 and their weights.
    points: Vec<Point>,
    trees: Vec<Tree>,
    nodes_max: usize,
}

/// How many points there can be. n points are exact up to degree 2n - 1, and a path of d features has
/// degree d - 1; a path has at most 64 splits. Even numbers fill the processor's registers.
const POINTS: [u32; 8] = [2, 4, 6, 8, 10, 12, 16, 32];

#[derive(Debug, Clone, Copy)]
struct Point {
    at: f64,
    weight: f64,
}

#[derive(Debug, Clone)]
struct Tree {
    nodes: usize,
    /// Parents before children. Apart from the leaves: a walk that asks each node what it is guesses wrong at
    /// every other one.
    splits: Vec<Split>,
    leaves: Vec<Leaf>,
    /// For each split and each of its edges, left first: `1 / factor` at each point where a row takes that
    /// edge. It depends on nothing else of a row, and divisions are what a walk would wait for.
    inverses: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Leaf {
    node: u16,
    /// What it adds, in units of log-odds.
    value: f64,
}

#[derive(Debug, Clone, Copy)]
struct Split {
    node: u16,
    entry: u16,
    rank: u16,
    threshold: u32,
    /// The nearest node above, or this one, whose edge asks about the same feature; the root if none.
    same: u16,
    /// The left child and the right one.
    children: [u16; 2],
    /// Of the rows that reach this split, the shares that go left and right.
    shares: [f64; 2],
    /// `z` of the feature before this split.
    before: f64,
    /// The place of its left edge among the edges of the tree.
    edge: u16,
}

impl Explainer {
    pub(crate) fn new(trees: &[FoldedTree], scale: LeafScale, features: usize) -> Self {
        let mut average = LogOdds::ZERO;
        // Pure numbers: they are worked out once, not for each model that is bound.
        static GROUPS: LazyLock<[Vec<Point>; POINTS.len()]> =
            LazyLock::new(|| POINTS.map(gauss_legendre));
        let mut groups = GROUPS.clone().map(|points| Group {
            points,
            trees: Vec::new(),
            nodes_max: 0,
        });
        for tree in trees {
            let (mut laid_out, distinct) = lay_out(tree, scale);
            average += laid_out.average(&tree.covers);
            let enough = |group: &Group| distinct <= 2 * group.points.len();
            let group = groups.iter().position(enough).unwrap_or(POINTS.len() - 1);
            let group = &mut groups[group];
            laid_out.divide(&group.points);
            group.nodes_max = group.nodes_max.max(laid_out.nodes);
            group.trees.push(laid_out);
        }
        Self {
            groups: groups
                .into_iter()
                .filter(|group| !group.trees.is_empty())
                .collect(),
            average,
            features,
        }
    }

    /// What the trees say on average over the training rows.
    pub(crate) fn average(&self) -> LogOdds {
        self.average
    }

    /// The shares of all features for the row whose keys are in the scratch.
    pub(crate) fn shares(&self, scratch: &mut ExplainScratch) {
        scratch.shares.clear();
        scratch.shares.resize(self.features, 0.0);
        for group in &self.groups {
            match group.points.len() {
                2 => group.shares::<2>(scratch),
                4 => group.shares::<4>(scratch),
                6 => group.shares::<6>(scratch),
                8 => group.shares::<8>(scratch),
                10 => group.shares::<10>(scratch),
                12 => group.shares::<12>(scratch),
                16 => group.shares::<16>(scratch),
                _ => group.shares::<32>(scratch),
            }
        }
    }

    /// Rounds the shares in the scratch to contributions that add up to `total`.
    pub(crate) fn contributions(
        &self,
        slots: &[u16],
        total: LogOdds,
        scratch: &ExplainScratch,
    ) -> Vec<Contribution> {
        let mut largest = 0;
        let mut contributions = Vec::with_capacity(slots.len());
        for (slot, share) in slots.iter().zip(&scratch.shares) {
            if share.abs() > scratch.shares[largest].abs() {
                largest = contributions.len();
            }
            let log_odds = LogOdds::from_units(libm::round(*share) as i64);
            contributions.push(Contribution {
                feature: *slot,
                log_odds,
            });
        }
        let sum: LogOdds = contributions
            .iter()
            .map(|contribution| contribution.log_odds)
            .sum();
        match contributions.get_mut(largest) {
            Some(contribution) => contribution.log_odds += total - sum,
            // Without a split every tree is its average.
            None => assert!(
                total == LogOdds::ZERO,
                "a model without splits scores its base"
            ),
        }
        contributions.retain(|contribution| contribution.log_odds != LogOdds::ZERO);
        contributions
    }
}

impl Group {
    /// Adds the shares of these trees.
    #[inline(never)]
    fn shares<const POINTS: usize>(&self, scratch: &mut ExplainScratch) {
        let points = Points::<POINTS>::of(&self.points);
        let size = self.nodes_max * POINTS;
        let grow = |numbers: &mut Vec<f64>| numbers.resize(size.max(numbers.len()), 0.0);
        grow(&mut scratch.products);
        grow(&mut scratch.inverses);
        grow(&mut scratch.changes);
        let kept = self.nodes_max.max(scratch.kept.len());
        scratch.kept.resize(kept, false);
        let (products, _) = scratch.products.as_chunks_mut::<POINTS>();
        let (inverses, _) = scratch.inverses.as_chunks_mut::<POINTS>();
        let (changes, _) = scratch.changes.as_chunks_mut::<POINTS>();
        let mut walk = Walk {
            points: &points,
            table: &scratch.table,
            products,
            inverses,
            changes,
            kept: &mut scratch.kept,
            shares: &mut scratch.shares,
        };
        for tree in &self.trees {
            walk.down(tree);
            walk.up(tree);
        }
    }
}

/// The points, each of their numbers side by side.
struct Points<const POINTS: usize> {
    weight: [f64; POINTS],
    /// `t`.
    at: [f64; POINTS],
    /// `1 - t`.
    rest: [f64; POINTS],
    /// `-1 / (1 - t)`: what an edge changes that the row does not take.
    away: [f64; POINTS],
}

impl<const POINTS: usize> Points<POINTS> {
    fn of(points: &[Point]) -> Self {
        let each = |of: fn(&Point) -> f64| std::array::from_fn(|point| of(&points[point]));
        Self {
            weight: each(|point| point.weight),
            at: each(|point| point.at),
            rest: each(|point| 1.0 - point.at),
            away: each(|point| -1.0 / (1.0 - point.at)),
        }
    }
}

/// One row's way through the trees.
struct Walk<'a, const POINTS: usize> {
    points: &'a Points<POINTS>,
    table: &'a [u32],
    products: &'a mut [[f64; POINTS]],
    inverses: &'a mut [[f64; POINTS]],
    changes: &'a mut [[f64; POINTS]],
    kept: &'a mut [bool],
    shares: &'a mut [f64],
}

impl<const POINTS: usize> Walk<'_, POINTS> {
    /// Products of factors from the root to every leaf; the weights of the points go in at the root.
    fn down(&mut self, tree: &Tree) {
        let Points {
            weight,
            at,
            rest,
            away,
        } = self.points;
        let (edges, _) = tree.inverses.as_chunks::<POINTS>();
        self.products[0] = *weight;
        // The root stands for "no split on this feature yet": its factor is 1 and it is kept.
        self.inverses[0] = [1.0; POINTS];
        self.kept[0] = true;
        for split in &tree.splits {
            let right = usize::from(self.table[usize::from(split.entry)] > split.threshold);
            // By index, not by a branch: which way a row goes is what no processor can foretell.
            let (taken_share, other_share) = (split.shares[right], split.shares[1 - right]);
            let taken = usize::from(split.children[right]);
            let other = usize::from(split.children[1 - right]);
            let above = self.products[usize::from(split.node)];
            if !self.kept[usize::from(split.same)] {
                // The row left this feature's path higher up: only `z` shrinks, by the same ratio
                // in every product, and no share changes.
                self.kept[taken] = false;
                self.kept[other] = false;
                self.products[taken] = above.map(|product| product * taken_share);
                self.products[other] = above.map(|product| product * other_share);
                continue;
            }
            let before = split.before;
            let inverse = self.inverses[usize::from(split.same)];
            let own = edges[usize::from(split.edge) + right];
            let (z_taken, z_other) = (before * taken_share, before * other_share);
            self.kept[taken] = true;
            self.kept[other] = false;
            // Whole arrays at a time: nothing that is written can be what is read, and the loops need no
            // order, so they run in the processor's wide registers.
            let ratio: [f64; POINTS] = std::array::from_fn(|i| above[i] * inverse[i]);
            let change_before: [f64; POINTS] = std::array::from_fn(|i| (1.0 - before) * inverse[i]);
            self.inverses[taken] = own;
            self.products[taken] =
                std::array::from_fn(|i| ratio[i] * (z_taken + (1.0 - z_taken) * at[i]));
            self.changes[taken] =
                std::array::from_fn(|i| (1.0 - z_taken) * own[i] - change_before[i]);
            self.products[other] = std::array::from_fn(|i| ratio[i] * (z_other * rest[i]));
            self.changes[other] = std::array::from_fn(|i| away[i] - change_before[i]);
        }
    }

    /// Sums of leaves from every leaf to the root, and on the way the shares.
    fn up(&mut self, tree: &Tree) {
        for leaf in &tree.leaves {
            for product in &mut self.products[usize::from(leaf.node)] {
                *product *= leaf.value;
            }
        }
        for split in tree.splits.iter().rev() {
            let [left, right] = split.children.map(usize::from);
            let (below_left, below_right) = (self.products[left], self.products[right]);
            if self.kept[usize::from(split.same)] {
                let (by_left, by_right) = (self.changes[left], self.changes[right]);
                let parts: [f64; POINTS] = std::array::from_fn(|i| {
                    below_left[i] * by_left[i] + below_right[i] * by_right[i]
                });
                self.shares[usize::from(split.rank)] += sum(parts);
            }
            self.products[usize::from(split.node)] =
                std::array::from_fn(|i| below_left[i] + below_right[i]);
        }
    }
}

/// The sum of numbers, by halves: adding one after another waits for each.
#[inline(always)]
fn sum<const POINTS: usize>(mut parts: [f64; POINTS]) -> f64 {
    let mut left = POINTS;
    while left > 1 {
        let half = left / 2;
        let rest = left - half;
        for index in 0..half {
            parts[index] += parts[index + rest];
        }
        left = rest;
    }
    parts[0]
}

impl Tree {
    /// Fills in what both edges of each split give at each point.
    fn divide(&mut self, points: &[Point]) {
        self.inverses.clear();
        for split in &self.splits {
            for share in split.shares {
                let z = split.before * share;
                let inverse = |point: &Point| 1.0 / (z + (1.0 - z) * point.at);
                self.inverses.extend(points.iter().map(inverse));
            }
        }
    }

    /// The mean of the leaves over the training rows.
    fn average(&self, covers: &[u64]) -> LogOdds {
        let mut means = vec![0.0; self.nodes];
        for leaf in &self.leaves {
            means[usize::from(leaf.node)] = leaf.value;
        }
        for split in self.splits.iter().rev() {
            let [left, right] = split.children.map(usize::from);
            let (rows_left, rows_right) = (covers[left] as f64, covers[right] as f64);
            means[usize::from(split.node)] =
                (means[left] * rows_left + means[right] * rows_right) / (rows_left + rows_right);
        }
        LogOdds::from_units(libm::round(means[0]) as i64)
    }
}

/// Lays out a tree and counts the distinct features on its longest path.
fn lay_out(tree: &FoldedTree, scale: LeafScale) -> (Tree, usize) {
    // By node: the features asked about on the way, each with the node its last edge leads to and `z`.
    let mut paths: Vec<Vec<(u16, u16, f64)>> = vec![Vec::new(); tree.nodes.len()];
    let mut distinct_max = 0;
    let (mut splits, mut leaves) = (Vec::new(), Vec::new());
    let mut edges = 0;
    for (index, (node, folded)) in (0..).zip(&tree.nodes).enumerate() {
        let path = std::mem::take(&mut paths[index]);
        distinct_max = distinct_max.max(path.len());
        match *folded {
            FoldedNode::Leaf(value) => leaves.push(Leaf {
                node,
                value: scale.log_odds(i64::from(value)).units() as f64,
            }),
            FoldedNode::Split {
                entry,
                rank,
                threshold,
                left,
                right,
            } => {
                let known = path.iter().find(|(feature, ..)| *feature == rank);
                let (same, before) = known.map_or((0, 1.0), |(_, same, z)| (*same, *z));
                let rows = |child: u16| tree.covers[usize::from(child)] as f64;
                let share_left = rows(left) / (rows(left) + rows(right));
                let share_right = rows(right) / (rows(left) + rows(right));
                for (child, share) in [(left, share_left), (right, share_right)] {
                    let mut below = path.clone();
                    below.retain(|(feature, ..)| *feature != rank);
                    below.push((rank, child, before * share));
                    paths[usize::from(child)] = below;
                }
                let edge = edges;
                edges += 2;
                splits.push(Split {
                    node,
                    entry,
                    rank,
                    threshold,
                    same,
                    children: [left, right],
                    shares: [share_left, share_right],
                    before,
                    edge,
                });
            }
        }
    }
    let laid_out = Tree {
        nodes: tree.nodes.len(),
        splits,
        leaves,
        inverses: Vec::new(),
    };
    (laid_out, distinct_max)
}

/// The points and weights of Gauss and Legendre for the integral from 0 to 1: the roots of the
/// Legendre polynomial, by Newton's steps from the usual first guess.
fn gauss_legendre(count: u32) -> Vec<Point> {
    let n = f64::from(count);
    (0..count)
        .map(|index| {
            let guess = (f64::from(index) + 0.75) / (n + 0.5);
            let mut x = libm::cos(std::f64::consts::PI * guess);
            let mut slope = 1.0;
            for _ in 0..16 {
                let (mut below, mut value) = (0.0, 1.0);
                for degree in 0..count {
                    let k = f64::from(degree);
                    let next = ((2.0 * k + 1.0) * x * value - k * below) / (k + 1.0);
                    (below, value) = (value, next);
                }
                slope = n * (x * value - below) / (x * x - 1.0);
                x -= value / slope;
            }
            Point {
                at: (1.0 - x) / 2.0,
                weight: 1.0 / ((1.0 - x * x) * slope * slope),
            }
        })
        .collect()
}
