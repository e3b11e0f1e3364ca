//! The walk through all trees: eight lanes abreast, each a chain of trees.
//!
//! A node is eight bytes. A leaf adds its value and leads on to the root of the lane's next tree, by the
//! same arithmetic by which a split leads to its child: no branch is taken on data, and no lane waits
//! for a deeper tree in another. Walking tree by tree is several times slower, because every
//! step waits for the one before it.
//!
//! Promises the same sum for any number of lanes, since leaves are integers that cannot overflow.
//! Must never use instructions that only some machines have.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "packed bits of a node; offsets and table entries are made here, within bounds"
)]

use sentinel_domain::LogOdds;

use super::{Entries, FoldedNode, FoldedTree, LeafScale};

/// How many trees are walked abreast: enough to hide the wait for memory, few enough for registers.
const LANES: usize = 8;

/// Steps between two looks at whether every lane has come to its end.
const STEPS_PER_LOOK: usize = 4;

/// The trees of a model, laid out for walking.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// Bits 0 to 15: the entry of the key table. 16 to 31: the signed distance to the left child, with
    /// the right one behind it; negative at a leaf, to the next root. 32 to 63: threshold key or leaf.
    nodes: Vec<u64>,
    start: [u32; LANES],
    end: [u32; LANES],
    /// No lane can be through in fewer steps.
    steps_min: usize,
    scale: LeafScale,
}

/// A lane while it is being laid out.
#[derive(Default)]
struct Lane<'a> {
    /// Expected steps of a row through its trees.
    steps: f64,
    trees: Vec<&'a FoldedTree>,
}

impl Chain {
    pub(super) fn new(trees: &[FoldedTree], scale: LeafScale) -> Self {
        let mut chain = Self {
            nodes: Vec::new(),
            start: [0; LANES],
            end: [0; LANES],
            steps_min: usize::MAX,
            scale,
        };
        for (lane, assigned) in assign(trees).iter().enumerate() {
            // The last tree of a lane lies first, so that every leaf leads backwards.
            let mut next = chain.push(node(Entries::ZERO, 0, 0));
            chain.end[lane] = next as u32;
            let mut steps = 0;
            for tree in assigned.trees.iter().rev() {
                steps += 1 + shortest_path(tree);
                next = chain.lay_out(tree, next);
            }
            chain.start[lane] = next as u32;
            chain.steps_min = chain.steps_min.min(steps);
        }
        chain
    }

    /// Appends a tree, siblings side by side, and gives its root.
    fn lay_out(&mut self, tree: &FoldedTree, next: usize) -> usize {
        let root = self.push(0);
        let mut queue = std::collections::VecDeque::from([(0_usize, root)]);
        while let Some((index, at)) = queue.pop_front() {
            match tree.nodes[index] {
                FoldedNode::Leaf(value) => {
                    let back = next as i64 - at as i64;
                    self.nodes[at] = node(Entries::ZERO, back, value as u32);
                }
                FoldedNode::Split {
                    entry,
                    threshold,
                    left,
                    right,
                    ..
                } => {
                    let left_at = self.push(0);
                    let right_at = self.push(0);
                    self.nodes[at] = node(entry, left_at as i64 - at as i64, threshold);
                    queue.push_back((usize::from(left), left_at));
                    queue.push_back((usize::from(right), right_at));
                }
            }
        }
        root
    }

    fn push(&mut self, node: u64) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The sum of the leaves that a row reaches. `ENTRIES` is a power of two, so that an entry needs
    /// no check.
    #[inline(always)]
    pub(super) fn log_odds<const ENTRIES: usize>(&self, table: &[u32; ENTRIES]) -> LogOdds {
        let mut at = self.start;
        // Lanes share sums, since order is no matter: that leaves registers for the lanes.
        let mut sums = [0_i64; 1];
        for _ in 0..self.steps_min {
            self.step(table, &mut at, &mut sums);
        }
        while self.runs(&at) {
            for _ in 0..STEPS_PER_LOOK {
                self.step(table, &mut at, &mut sums);
            }
        }
        self.scale.log_odds(sums.iter().sum())
    }

    /// Whether some lane has not come to its end. Lane by lane: compared as arrays, the lanes would go
    /// through memory and back, which took an eighth of the time of a score.
    #[inline(always)]
    fn runs(&self, at: &[u32; LANES]) -> bool {
        let lanes = at.iter().zip(&self.end);
        lanes.fold(0, |apart, (at, end)| apart | (at ^ end)) != 0
    }

    /// One step of every lane. Wrapping arithmetic only spares the checks: nothing can wrap.
    #[inline(always)]
    fn step<const ENTRIES: usize>(
        &self,
        table: &[u32; ENTRIES],
        at: &mut [u32; LANES],
        sums: &mut [i64; 1],
    ) {
        let nodes = self.nodes.as_slice();
        for at in at.iter_mut() {
            let node = nodes[*at as usize];
            let operand = (node >> 32) as u32;
            let low = node as u32 as i32;
            let above = table[node as usize & 0xffff & (ENTRIES - 1)] > operand;
            let sum = &mut sums[0];
            *sum = sum.wrapping_add(i64::from(operand as i32 & (low >> 31)));
            *at = at
                .wrapping_add((low >> 16) as u32)
                .wrapping_add(u32::from(above));
        }
    }
}

/// Packs a node.
fn node(entry: u16, distance: i64, operand: u32) -> u64 {
    let distance = i16::try_from(distance);
    assert!(
        distance.is_ok(),
        "two trees of at most 8191 nodes lie within 32767 nodes"
    );
    let distance = distance.unwrap_or_default() as u16;
    u64::from(entry) | u64::from(distance) << 16 | u64::from(operand) << 32
}

/// Deals the trees to the lanes so that rows take about as many steps in each: the longest first,
/// each to the lane that has least.
fn assign(trees: &[FoldedTree]) -> [Lane<'_>; LANES] {
    let mut lanes: [Lane<'_>; LANES] = Default::default();
    let mut order: Vec<(f64, usize)> = trees
        .iter()
        .enumerate()
        .map(|(index, tree)| (1.0 + mean_path(tree), index))
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (steps, index) in order {
        let mut least = 0;
        for lane in 1..LANES {
            if lanes[lane].steps < lanes[least].steps {
                least = lane;
            }
        }
        lanes[least].steps += steps;
        lanes[least].trees.push(&trees[index]);
    }
    lanes
}

/// The mean number of splits between the root and the leaf of a training row.
fn mean_path(tree: &FoldedTree) -> f64 {
    let total = tree.covers[0] as f64;
    tree.nodes
        .iter()
        .zip(&tree.covers)
        .filter(|(node, _)| matches!(node, FoldedNode::Split { .. }))
        .map(|(_, cover)| *cover as f64 / total)
        .sum()
}

/// The least number of splits between the root and a leaf.
fn shortest_path(tree: &FoldedTree) -> usize {
    let mut shortest = vec![0; tree.nodes.len()];
    for (index, node) in tree.nodes.iter().enumerate().rev() {
        if let FoldedNode::Split { left, right, .. } = node {
            shortest[index] = 1 + shortest[usize::from(*left)].min(shortest[usize::from(*right)]);
        }
    }
    shortest[0]
}
