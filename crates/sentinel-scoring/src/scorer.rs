//! From a row to a score.
//!
//! At binding, each member's map and weight are folded into its leaves, which become fixed-point
//! integers, and what is left over goes into the base. So the log-odds z of a row is one sum of
//! integers, which no order, lane or machine can change. A neural network adds one more integer, which
//! follows from its margin.
//!
//! Promises the same bits one row at a time and many at a time. Must never allocate while it scores trees.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a numeric loop; sizes are checked when the model is read, rows when they come in"
)]

mod chain;
mod entries;
mod network;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use sentinel_domain::{Contribution, LogOdds, Score};

use crate::confidence::{Spread, Support};
use crate::explain::{ExplainScratch, Explainer};
use crate::maps::{Calibration, RiskMap};
use crate::model::Contents;
use crate::models::Member;
use crate::models::tree::{Node, Tree};
use chain::Chain;
pub(crate) use entries::Entries;
use entries::Places;
use network::BoundNetwork;

/// A model bound to the engine's row.
#[derive(Debug, Clone)]
pub struct Scorer {
    entries: Entries,
    /// How many slots a row has.
    width: usize,
    members: Vec<Walked>,
    /// Apart from the trees, so that a model without any pays nothing for them.
    networks: Vec<BoundNetwork>,
    /// What z is on average over the training rows.
    base: LogOdds,
    explainer: Explainer,
    calibration: Calibration,
    risk: RiskMap,
    support: Support,
}

/// One member, ready to be walked.
#[derive(Debug, Clone)]
struct Walked {
    weight: f64,
    /// What it adds to z before any tree.
    intercept: LogOdds,
    chain: Chain,
}

/// What the members say of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sum {
    /// The log-odds z.
    pub(crate) log_odds: LogOdds,
    /// How far the members are apart.
    pub(crate) spread: f64,
}

/// One tree with its member's map and weight in its leaves, and features by their rank among those
/// that some split reads.
#[derive(Debug, Clone)]
pub(crate) struct FoldedTree {
    pub(crate) nodes: Vec<FoldedNode>,
    /// The training rows under each node.
    pub(crate) covers: Vec<u64>,
}

/// A node of a [`FoldedTree`]; children stand behind their parent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FoldedNode {
    /// A row goes right if its key is above the threshold's.
    Split {
        /// Which [entry](Entries) of the key table to compare.
        entry: u16,
        /// The rank of the feature that the entry is of.
        rank: u16,
        threshold: u32,
        left: u16,
        right: u16,
    },
    /// What the leaf adds, in units of the [scale](LeafScale).
    Leaf(i32),
}

/// How leaf integers relate to log-odds: a unit is `2^-bits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeafScale {
    bits: u32,
}

/// The finest scale of leaves: that of the log-odds themselves.
const SCALE_BITS_MAX: u32 = 32;

impl LeafScale {
    /// The finest scale at which every leaf is an i32. It belongs to the model, not to how many trees
    /// are walked abreast; sums are i64, which so many leaves cannot leave.
    fn of(contents: &Contents) -> Self {
        let mut largest: f64 = 0.0;
        for member in &contents.members {
            for tree in member.kind.trees() {
                let factor = member.weight * member.map.slope;
                largest = largest.max(factor * tree.leaf_magnitude_max());
            }
        }
        let fits = |bits: &u32| largest * power_of_two(*bits) + 1.0 < f64::from(i32::MAX);
        let bits = (0..=SCALE_BITS_MAX).rev().find(fits).unwrap_or(0);
        Self { bits }
    }

    /// A leaf of a member as an integer.
    fn leaf(self, value: f64, factor: f64) -> i32 {
        libm::round(value * factor * power_of_two(self.bits)) as i32
    }

    /// A sum of leaves as log-odds.
    pub(crate) fn log_odds(self, sum: i64) -> LogOdds {
        LogOdds::from_units(sum << (SCALE_BITS_MAX - self.bits))
    }
}

/// `2^bits`, without the platform's power function.
fn power_of_two(bits: u32) -> f64 {
    libm::ldexp(1.0, bits as i32)
}

impl Scorer {
    /// Binds the contents of a model to a row of `width` slots; `slots` has one for each feature of
    /// the model.
    pub(crate) fn new(contents: &Contents, slots: &[u16], width: usize) -> Self {
        let entries = Entries::of(&contents.members, slots);
        let places = Places::of(&entries, &contents.members);
        let scale = LeafScale::of(contents);
        let mut intercept = LogOdds::ZERO;
        let mut trees = Vec::new();
        let mut members = Vec::new();
        let networks: Vec<BoundNetwork> = contents
            .members
            .iter()
            .filter_map(|member| BoundNetwork::of(member, slots))
            .collect();
        let is_walked = |member: &&Member| member.kind.network().is_none();
        for member in contents.members.iter().filter(is_walked) {
            let start = LogOdds::from_f64(member.weight * member.map.at(member.kind.base()));
            let factor = member.weight * member.map.slope;
            let own = member.kind.trees().iter();
            let folded: Vec<_> = own.map(|tree| fold(tree, factor, scale, &places)).collect();
            intercept += start;
            members.push(Walked {
                weight: member.weight,
                intercept: start,
                chain: Chain::new(&folded, scale),
            });
            trees.extend(folded);
        }
        let explainer = Explainer::new(&trees, scale, entries.slots.len());
        let of_networks: LogOdds = networks.iter().map(BoundNetwork::base).sum();
        Self {
            base: intercept + explainer.average() + of_networks,
            entries,
            width,
            members,
            networks,
            explainer,
            calibration: contents.calibration.clone(),
            risk: RiskMap::new(contents.anchors),
            support: contents.support.clone(),
        }
    }

    /// The score of one row: the engine's slots, not-a-number for what is missing. Values are rounded
    /// to f32 first.
    pub fn score(&self, row: &[f64]) -> Score {
        let Sum { log_odds, spread } = self.sum(row);
        Score {
            log_odds,
            probability: self.calibration.probability(log_odds),
            risk: self.risk.risk(log_odds),
            confidence: self.support.confidence(log_odds, spread),
        }
    }

    /// Scores rows that lie one after another, `width` slots each, and appends the scores to `out`.
    /// Walking several trees abreast keeps one row as fast as many, so there is no second path.
    pub fn score_rows(&self, rows: &[f64], width: usize, out: &mut Vec<Score>) {
        assert!(
            width >= self.width,
            "rows are as wide as the schema that was bound"
        );
        assert!(
            rows.len().is_multiple_of(width),
            "rows lie one after another, none cut short"
        );
        out.extend(rows.chunks_exact(width).map(|row| self.score(row)));
    }

    /// What the log-odds are on average over the training rows, and at the background of a neural network; the
    /// contributions of a row lead from here to its own.
    pub fn base(&self) -> LogOdds {
        self.base
    }

    /// How much each feature moved this row's log-odds from the base: exact path-dependent Shapley
    /// values of trees, estimates of them for networks, slots ascending, zero shares left out. Base plus
    /// contributions is the log-odds, to the unit; what rounding leaves over goes to the largest share.
    pub fn explain(&self, row: &[f64], scratch: &mut ExplainScratch) -> Vec<Contribution> {
        let mut moved = self.sum(row).log_odds - self.base;
        let mut of_networks: BTreeMap<u16, LogOdds> = BTreeMap::new();
        for (slot, share) in self.networks.iter().flat_map(|one| one.shares(row)) {
            *of_networks.entry(slot).or_default() += share;
            moved = moved - share;
        }
        scratch.table.clear();
        scratch.table.resize(self.entries.len, 0);
        self.entries.fill(row, &mut scratch.table);
        self.explainer.shares(scratch);
        let slots = &self.entries.slots;
        let of_trees = self.explainer.contributions(slots, moved, scratch);
        if of_networks.is_empty() {
            return of_trees;
        }
        for contribution in of_trees {
            *of_networks.entry(contribution.feature).or_default() += contribution.log_odds;
        }
        of_networks
            .into_iter()
            .filter(|(_, log_odds)| *log_odds != LogOdds::ZERO)
            .map(|(feature, log_odds)| Contribution { feature, log_odds })
            .collect()
    }

    /// What the members say of one row.
    pub(crate) fn sum(&self, row: &[f64]) -> Sum {
        assert!(
            row.len() >= self.width,
            "a row is as wide as the schema that was bound"
        );
        // The table lives on the stack, in the smallest size that holds it: zeroing it costs time.
        match self.entries.len {
            0..=256 => self.sum_by_table::<256>(row),
            257..=512 => self.sum_by_table::<512>(row),
            513..=1024 => self.sum_by_table::<1024>(row),
            1025..=8192 => self.sum_by_table::<8192>(row),
            _ => self.sum_by_table::<65536>(row),
        }
    }

    /// Kept apart by size: inlined, every call would pay for the largest stack frame.
    #[inline(never)]
    fn sum_by_table<const ENTRIES: usize>(&self, row: &[f64]) -> Sum {
        let mut table = [0; ENTRIES];
        self.entries.fill(row, &mut table);
        let mut log_odds = LogOdds::ZERO;
        let mut spread = Spread::default();
        for member in &self.members {
            let own = member.intercept + member.chain.log_odds(&table);
            log_odds += own;
            spread.add(member.weight, own.to_f64());
        }
        for network in &self.networks {
            let own = network.log_odds(row);
            log_odds += own;
            spread.add(network.weight(), own.to_f64());
        }
        Sum {
            log_odds,
            spread: spread.get(),
        }
    }
}

/// A tree of a member, ready to be laid out.
fn fold(tree: &Tree, factor: f64, scale: LeafScale, places: &Places<'_>) -> FoldedTree {
    let fold_node = |node: &Node| match node {
        Node::Leaf { value, .. } => FoldedNode::Leaf(scale.leaf(*value, factor)),
        Node::Split(split) => {
            let (entry, threshold) = places.find(split);
            FoldedNode::Split {
                entry,
                rank: places.rank(split),
                threshold,
                left: split.left,
                right: split.right,
            }
        }
    };
    FoldedTree {
        nodes: tree.nodes().iter().map(fold_node).collect(),
        covers: tree.covers(),
    }
}
