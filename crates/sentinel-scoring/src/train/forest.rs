//! Growing an isolation forest: small samples of rows, parted at random until each row stands alone.
//!
//! Each tree draws its rows from the training slice, labels unseen. A node draws a feature that can part
//! its rows: a number is cut at a place drawn evenly between the least and the largest value there; of
//! categories, whose codes have no order, one that is there is drawn and parted from all others. Missing
//! values go to one side together, drawn in proportion to the rows on either side, so that a missing
//! value alone makes a row neither strange nor common; where all values there are alike, those that are
//! missing are parted from those that are not. A category that a node never saw goes with the others.
//!
//! Promises the same forest for the same rows, options and seed. Must never look at a label or at a
//! validation row.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a numeric loop over samples of some hundred rows"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::TrainingSet;
use super::random::Random;
use crate::models::isolation_forest::IsolationForest;
use crate::models::tree::{Node, Split, Test, Tree, category};

/// Leaves are rounded to multiples of this, so that the model file stays short.
const LEAF_DIGITS: f64 = 1e9;

/// What Euler and Mascheroni found: the harmonic number of n is about `ln n` and this.
const EULER: f64 = 0.577_215_664_901_532_9;

/// How a forest is grown.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestOptions {
    /// How many trees.
    pub trees: usize,
    /// How many rows each of them draws.
    pub rows: usize,
}

impl Default for ForestOptions {
    fn default() -> Self {
        Self {
            trees: 100,
            rows: 256,
        }
    }
}

/// Grows the forest on the rows before the validation slice. `categorical` says of each feature whether
/// its values are codes.
pub(super) fn grow(
    set: &TrainingSet,
    categorical: &[bool],
    options: &ForestOptions,
    seed: u64,
) -> IsolationForest {
    // Another stream of numbers than the one that draws rows for boosting.
    let mut random = Random(seed ^ 0x6973_6f6c_6174_6521);
    let columns = set.features.len();
    let drawn = options.rows.min(set.validation_from);
    let trees = (0..options.trees).map(|_| {
        let rows = draw(set.validation_from, drawn, &mut random);
        let mut grower = Grower {
            set,
            categorical,
            columns,
            random: &mut random,
            // Deeper than a balanced tree only common rows are, and those need no ranking.
            depth_max: ceil_log2(drawn),
            share: 1.0 / options.trees as f64,
            order: (0..columns).collect(),
        };
        grower.tree(rows)
    });
    IsolationForest {
        base: 0.0,
        trees: trees.collect(),
    }
}

/// Draws so many different rows, in rising order.
fn draw(rows: usize, drawn: usize, random: &mut Random) -> Vec<usize> {
    // Floyd's way: one draw a row, however many there are to draw from.
    let mut chosen = BTreeSet::new();
    for last in rows - drawn..rows {
        let row = random.below(last + 1);
        if !chosen.insert(row) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}

fn ceil_log2(rows: usize) -> usize {
    rows.next_power_of_two().trailing_zeros() as usize
}

/// The mean number of splits by which so many rows would still be parted.
fn further_path(rows: usize) -> f64 {
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let others = rows as f64 - 1.0;
            2.0 * (libm::log(others) + EULER) - 2.0 * others / (others + 1.0)
        }
    }
}

/// Grows one tree.
struct Grower<'a> {
    set: &'a TrainingSet,
    categorical: &'a [bool],
    columns: usize,
    random: &'a mut Random,
    depth_max: usize,
    /// What one split counts in the mean path.
    share: f64,
    /// The features, in the order in which they were last drawn.
    order: Vec<usize>,
}

/// A node whose rows are still together.
struct Open {
    node: usize,
    depth: usize,
    rows: Vec<usize>,
}

impl Grower<'_> {
    fn tree(&mut self, rows: Vec<usize>) -> Tree {
        let mut nodes = vec![self.leaf(0, rows.len())];
        let mut open = vec![Open {
            node: 0,
            depth: 0,
            rows,
        }];
        while let Some(Open { node, depth, rows }) = open.pop() {
            if depth == self.depth_max || rows.len() < 2 {
                continue;
            }
            let (left, right) = (nodes.len(), nodes.len() + 1);
            let Some(split) = self.split(&rows, left as u16, right as u16) else {
                continue;
            };
            let goes_left = |row: &usize| split.goes_left(self.value(*row, split.feature.into()));
            let (rows_left, rows_right): (Vec<_>, Vec<_>) = rows.into_iter().partition(goes_left);
            nodes[node] = Node::Split(split);
            for (node, rows) in [(left, rows_left), (right, rows_right)] {
                nodes.push(self.leaf(depth + 1, rows.len()));
                open.push(Open {
                    node,
                    depth: depth + 1,
                    rows,
                });
            }
        }
        match Tree::new(nodes, self.columns) {
            Ok(tree) => tree,
            Err((node, problem)) => unreachable!("a grown tree holds its laws: {node}: {problem}"),
        }
    }

    fn leaf(&self, depth: usize, rows: usize) -> Node {
        let path = depth as f64 + further_path(rows);
        Node::Leaf {
            value: libm::round(-path * self.share * LEAF_DIGITS) / LEAF_DIGITS,
            cover: rows as u64,
        }
    }

    fn value(&self, row: usize, feature: usize) -> f32 {
        self.set.rows[row * self.columns + feature]
    }

    /// A split by the first of the features, drawn one after another, that parts these rows.
    fn split(&mut self, rows: &[usize], left: u16, right: u16) -> Option<Split> {
        for drawn in 0..self.columns {
            let other = drawn + self.random.below(self.columns - drawn);
            self.order.swap(drawn, other);
            let feature = self.order[drawn];
            let found = if self.categorical[feature] {
                self.one_category(rows, feature)
            } else {
                self.cut(rows, feature)
            };
            if let Some((test, missing_left)) = found {
                return Some(Split {
                    feature: feature as u16,
                    test,
                    missing_left,
                    left,
                    right,
                });
            }
        }
        None
    }

    /// A cut of numbers, and the side of missing values.
    fn cut(&mut self, rows: &[usize], feature: usize) -> Option<(Test, bool)> {
        let values = || rows.iter().map(|row| self.value(*row, feature));
        let present = values().filter(|value| !value.is_nan()).count();
        let finite = |value: f32| value.clamp(f32::MIN, f32::MAX);
        // The least and largest of no values are the wrong way round.
        let least = finite(values().fold(f32::INFINITY, f32::min));
        let largest = finite(values().fold(f32::NEG_INFINITY, f32::max));
        if present == 0 {
            return None;
        }
        if least >= largest {
            // All that are there are alike, but some are not there.
            return (present < rows.len()).then(|| (Test::at_most(f32::MAX), false));
        }
        let width = f64::from(largest) - f64::from(least);
        let at = (f64::from(least) + self.random.next() * width) as f32;
        // Rounding must not leave the right side empty.
        let threshold = if at < largest { at } else { least };
        let left = rows
            .iter()
            .filter(|row| self.value(**row, feature) <= threshold)
            .count();
        let missing_left = self.random.below(present) < left;
        Some((Test::at_most(threshold), missing_left))
    }

    /// One category against the others, and the side of missing values.
    fn one_category(&mut self, rows: &[usize], feature: usize) -> Option<(Test, bool)> {
        let codes = |row: &usize| category(self.value(*row, feature));
        let there: BTreeSet<u32> = rows.iter().filter_map(codes).collect();
        let missing = rows
            .iter()
            .filter(|row| self.value(**row, feature).is_nan())
            .count();
        let others = rows.len() - missing - rows.iter().filter_map(codes).count();
        // What is there but no code goes with the others.
        let kinds = there.len() + usize::from(others > 0);
        if there.is_empty() || kinds + usize::from(missing > 0) < 2 {
            return None;
        }
        let chosen = self.random.below(there.len());
        let code = there.into_iter().nth(chosen)?;
        let of_code = |row: &&usize| category(self.value(**row, feature)) == Some(code);
        let left = rows.iter().filter(of_code).count();
        // Where this is the only category, what is missing must go the other way.
        let missing_left = kinds > 1 && self.random.below(rows.len() - missing) < left;
        let categories = Arc::from([code]);
        Some((Test::OneOf { categories }, missing_left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;
    use crate::model::tests::Dice;

    /// Rows of a cloud, the last hundred of them far from it.
    fn planted(rows: usize, columns: usize, seed: u64) -> TrainingSet {
        let mut dice = Dice(seed);
        let mut values = Vec::new();
        let fraud: Vec<bool> = (0..rows).map(|row| row >= rows - 100).collect();
        for strange in &fraud {
            for _ in 0..columns {
                let value = dice.real() + dice.real() + dice.real();
                values.push((value * if *strange { 3.0 } else { 1.0 }) as f32);
            }
        }
        TrainingSet {
            features: (0..columns).map(|column| format!("f{column}")).collect(),
            rows: values,
            fraud,
            validation_from: rows,
            ..TrainingSet::default()
        }
    }

    fn margins(set: &TrainingSet, forest: &IsolationForest) -> Vec<f64> {
        let rows = set.rows.chunks_exact(set.features.len());
        rows.map(|row| forest.trees.iter().map(|tree| tree.value(row)).sum())
            .collect()
    }

    fn forest(set: &TrainingSet, categorical: &[bool], seed: u64) -> IsolationForest {
        grow(set, categorical, &ForestOptions::default(), seed)
    }

    #[test]
    fn planted_outliers_are_strange() {
        let set = planted(5000, 6, 1);
        let grown = forest(&set, &[false; 6], 1);
        let margins = margins(&set, &grown);
        assert!(metrics::auc(&margins, &set.fraud) > 0.97);
        // Minus a mean path: below 0, and no longer than the deepest leaf with all rows in it.
        assert!(
            margins
                .iter()
                .all(|margin| *margin < -1.0 && *margin > -19.0)
        );
        assert_eq!(grown.trees.len(), 100);
        assert!(grown.trees.iter().all(|tree| tree.covers()[0] == 256));
    }

    #[test]
    fn the_same_seed_gives_the_same_forest_and_labels_are_not_seen() {
        let set = planted(1000, 4, 2);
        let grown = forest(&set, &[false; 4], 7);
        let mut others = set.clone();
        others.fraud.fill(false);
        assert_eq!(forest(&others, &[false; 4], 7), grown);
        assert_ne!(forest(&set, &[false; 4], 8), grown);
        let mut later = set.clone();
        later.rows.extend([1e9; 40]);
        assert_eq!(
            forest(&later, &[false; 4], 7),
            grown,
            "rows behind the slice"
        );
    }

    #[test]
    fn missing_and_infinite_values_poison_nothing() {
        let mut set = planted(3000, 4, 3);
        let mut dice = Dice(4);
        for value in &mut set.rows {
            match dice.below(40) {
                0..10 => *value = f32::NAN,
                10 => *value = f32::INFINITY,
                11 => *value = f32::NEG_INFINITY,
                _ => (),
            }
        }
        // A column that is nowhere there, and one that is always the same.
        for row in set.rows.chunks_exact_mut(4) {
            row[2] = f32::NAN;
            row[3] = 5.0;
        }
        let margins = margins(&set, &forest(&set, &[false; 4], 1));
        assert!(margins.iter().all(|margin| margin.is_finite()));
        assert!(metrics::auc(&margins, &set.fraud) > 0.6);
    }

    #[test]
    fn a_row_that_has_what_others_miss_is_strange() {
        let mut set = planted(2000, 3, 5);
        for (row, fraud) in set.rows.chunks_exact_mut(3).zip(&set.fraud) {
            row.fill(if *fraud { 1.0 } else { f32::NAN });
        }
        let margins = margins(&set, &forest(&set, &[false; 3], 1));
        assert!(metrics::auc(&margins, &set.fraud) > 0.999);
    }

    #[test]
    fn rare_categories_are_strange_whatever_their_codes() {
        let mut set = planted(4000, 2, 6);
        let mut dice = Dice(7);
        for (row, fraud) in set.rows.chunks_exact_mut(2).zip(&set.fraud) {
            // The rare codes lie between the common ones.
            let code = if *fraud {
                1000 + dice.below(50)
            } else {
                [3, 40_000, 9_000_000][dice.below(3) as usize]
            };
            row[0] = code as f32;
            row[1] = 0.0;
        }
        let grown = forest(&set, &[true, false], 1);
        let margins = margins(&set, &grown);
        assert!(metrics::auc(&margins, &set.fraud) > 0.99);
        let splits = grown.trees.iter().flat_map(Tree::splits);
        assert!(
            splits.fold(0, |count, split| {
                assert!(matches!(&split.test, Test::OneOf { categories } if categories.len() == 1));
                count + 1
            }) > 100
        );
    }

    #[test]
    fn few_rows_give_small_trees() {
        for rows in [2, 3, 5] {
            let mut set = planted(200, 2, 8);
            set.validation_from = rows;
            let grown = forest(&set, &[false; 2], 1);
            assert!(
                grown
                    .trees
                    .iter()
                    .all(|tree| tree.covers()[0] == rows as u64)
            );
        }
        assert!((further_path(256) - 10.244_770_9).abs() < 1e-6);
    }
}
