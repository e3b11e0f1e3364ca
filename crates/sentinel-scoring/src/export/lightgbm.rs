//! The boosted trees of a model as LightGBM text, version 4.
//!
//! Promises raw predictions equal to our margins to the rounding of sums: thresholds are written with all
//! their digits, missing values and categories go where they go with us. The base of the margin stands in
//! the leaves of the first tree, since the format has no other place for it. Must never write a split
//! whose meaning the format cannot hold.

use std::fmt::Write;

use thiserror::Error;

use crate::model::Model;
use crate::models::Kind;
use crate::models::tree::{Node, Split, Test, Tree};

/// The most 32-bit words for sets of categories: LightGBM spends a bit on every code up to the greatest.
const CATEGORY_WORDS_MAX: usize = 1 << 22;

/// What keeps a model from being written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is nothing that LightGBM has words for.
    #[error("write model {model} as LightGBM text: it has no gradient-boosted trees")]
    NothingBoosted {
        /// The name of the model.
        model: String,
    },
    /// A name that the format would take for several.
    #[error(
        "write model {model} as LightGBM text: feature {feature:?} has white space in its name"
    )]
    Feature {
        /// The name of the model.
        model: String,
        /// The feature.
        feature: String,
    },
    /// Sets of categories would fill the file: their codes are too great.
    #[error(
        "write model {model} as LightGBM text: its sets of categories take more than {CATEGORY_WORDS_MAX} words"
    )]
    Categories {
        /// The name of the model.
        model: String,
    },
    /// A split by category that takes missing values left, which LightGBM cannot.
    #[error("write model {model} as LightGBM text: tree {tree} sends missing categories left")]
    MissingCategory {
        /// The name of the model.
        model: String,
        /// The tree, counted from 0.
        tree: usize,
    },
}

/// Writes the first boosted member of a model; its map, weight and calibration are left out.
pub fn write(model: &Model) -> Result<String, ExportError> {
    let name = || model.name().to_owned();
    let boosted = model
        .contents
        .members
        .iter()
        .find_map(|member| match &member.kind {
            Kind::GradientBoosting(boosted) => Some(boosted),
            Kind::IsolationForest(_) | Kind::NeuralNetwork(_) => None,
        });
    let Some(boosted) = boosted else {
        return Err(ExportError::NothingBoosted { model: name() });
    };
    let broken = |feature: &&String| feature.is_empty() || feature.contains(char::is_whitespace);
    if let Some(feature) = model.features().iter().find(broken) {
        return Err(ExportError::Feature {
            model: name(),
            feature: feature.clone(),
        });
    }
    let mut words = 0;
    let mut blocks = Vec::new();
    for (index, tree) in boosted.trees.iter().enumerate() {
        let base = if index == 0 { boosted.base } else { 0.0 };
        let written = Written::of(tree, base);
        if written.missing_category {
            return Err(ExportError::MissingCategory {
                model: name(),
                tree: index,
            });
        }
        words += written.category_words.len();
        if words > CATEGORY_WORDS_MAX {
            return Err(ExportError::Categories { model: name() });
        }
        blocks.push(written.block(index));
    }
    if blocks.is_empty() {
        blocks.push(Written::stump(boosted.base).block(0));
    }
    Ok(whole(model, &boosted.trees, &blocks))
}

fn whole(model: &Model, trees: &[Tree], blocks: &[String]) -> String {
    let features = model.features();
    let sizes: Vec<usize> = blocks.iter().map(String::len).collect();
    let mut text =
        String::from("tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n");
    line(
        &mut text,
        "max_feature_idx",
        &[features.len().saturating_sub(1)],
    );
    text.push_str("objective=binary sigmoid:1\n");
    line(&mut text, "feature_names", features);
    line(&mut text, "feature_infos", &infos(features.len(), trees));
    line(&mut text, "tree_sizes", &sizes);
    text.push('\n');
    text.extend(blocks.iter().map(String::as_str));
    text.push_str("end of trees\n\nfeature_importances:\n");
    let mut splits: Vec<(usize, &String)> = features
        .iter()
        .enumerate()
        .map(|(index, feature)| (count(trees, index), feature))
        .filter(|(count, _)| *count > 0)
        .collect();
    splits.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    text.extend(
        splits
            .iter()
            .map(|(count, feature)| format!("{feature}={count}\n")),
    );
    text.push_str("\nparameters:\n[boosting: gbdt]\n[objective: binary]\nend of parameters\n\npandas_categorical:null\n");
    text
}

/// How many splits ask about a feature.
fn count(trees: &[Tree], feature: usize) -> usize {
    let splits = trees.iter().flat_map(Tree::splits);
    splits
        .filter(|split| usize::from(split.feature) == feature)
        .count()
}

/// What is known of each feature: the range of its thresholds, or its categories.
fn infos(features: usize, trees: &[Tree]) -> Vec<String> {
    let mut infos = vec!["none".to_owned(); features];
    let mut ranges: Vec<Option<(f32, f32)>> = vec![None; features];
    for split in trees.iter().flat_map(Tree::splits) {
        let place = usize::from(split.feature);
        match &split.test {
            Test::AtMost { threshold, .. } => {
                if let Some(range) = ranges.get_mut(place) {
                    let (least, most) = range.unwrap_or((*threshold, *threshold));
                    *range = Some((least.min(*threshold), most.max(*threshold)));
                }
            }
            // The reader needs one category to know the feature's kind.
            Test::OneOf { categories } => {
                if let (Some(info), Some(first)) = (infos.get_mut(place), categories.first()) {
                    *info = first.to_string();
                }
            }
        }
    }
    for (info, range) in infos.iter_mut().zip(ranges) {
        if let Some((least, most)) = range {
            *info = format!("[{:?}:{:?}]", f64::from(least), f64::from(most));
        }
    }
    infos
}

/// A line of the format: a key and its values.
fn line<T: std::fmt::Display>(text: &mut String, key: &str, values: &[T]) {
    text.push_str(key);
    for (index, value) in values.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{value}", if index == 0 { '=' } else { ' ' });
    }
    text.push_str(if values.is_empty() { "=\n" } else { "\n" });
}

/// A number with all its digits.
fn exact(value: f64) -> String {
    format!("{value:?}")
}

/// The columns of one tree.
#[derive(Default)]
struct Written {
    features: Vec<u16>,
    thresholds: Vec<String>,
    decisions: Vec<u8>,
    children: [Vec<i64>; 2],
    values: Vec<String>,
    counts: Vec<u64>,
    inner_values: Vec<String>,
    inner_counts: Vec<u64>,
    category_bounds: Vec<usize>,
    category_words: Vec<u32>,
    missing_category: bool,
}

impl Written {
    fn of(tree: &Tree, base: f64) -> Self {
        let nodes = tree.nodes();
        // Splits and leaves are numbered apart; a leaf's number is told by its complement.
        let (mut splits, mut leaves) = (0_i64, 0_i64);
        let numbers: Vec<i64> = nodes
            .iter()
            .map(|node| match node {
                Node::Split(_) => {
                    splits += 1;
                    splits - 1
                }
                Node::Leaf { .. } => {
                    leaves += 1;
                    -leaves
                }
            })
            .collect();
        let (covers, means) = (tree.covers(), means(tree));
        let mut written = Self::default();
        for ((node, cover), mean) in nodes.iter().zip(covers).zip(means) {
            match node {
                Node::Split(split) => {
                    written.split(split);
                    let number = |child: u16| numbers.get(usize::from(child)).copied();
                    let [left, right] = &mut written.children;
                    left.extend(number(split.left));
                    right.extend(number(split.right));
                    written.inner_values.push(exact(mean + base));
                    written.inner_counts.push(cover);
                }
                Node::Leaf { value, cover } => {
                    written.values.push(exact(value + base));
                    written.counts.push(*cover);
                }
            }
        }
        written
    }

    /// A tree of one leaf.
    fn stump(value: f64) -> Self {
        Self {
            values: vec![exact(value)],
            counts: vec![1],
            ..Self::default()
        }
    }

    /// The question of a split. Bits of a decision: 1 by category, 2 missing goes left, 4 zero is missing,
    /// 8 not-a-number is missing.
    fn split(&mut self, split: &Split) {
        self.features.push(split.feature);
        let missing_left = 2 * u8::from(split.missing_left);
        match &split.test {
            Test::AtMost {
                threshold,
                zero_missing,
            } => {
                // Positive infinity is at most our largest threshold.
                self.thresholds.push(if *threshold == f32::MAX {
                    "inf".to_owned()
                } else {
                    exact(f64::from(*threshold))
                });
                let missing = if *zero_missing { 4 } else { 8 };
                self.decisions.push(missing | missing_left);
            }
            Test::OneOf { categories } => {
                self.missing_category |= split.missing_left;
                if self.category_bounds.is_empty() {
                    self.category_bounds.push(0);
                }
                self.thresholds
                    .push((self.category_bounds.len() - 1).to_string());
                self.decisions.push(1 | 8);
                let mut words =
                    vec![0_u32; categories.last().map_or(0, |last| *last as usize / 32 + 1)];
                for category in categories.iter() {
                    if let Some(word) = words.get_mut(*category as usize / 32) {
                        *word |= 1 << (category % 32);
                    }
                }
                self.category_words.extend(words);
                self.category_bounds.push(self.category_words.len());
            }
        }
    }

    fn block(&self, index: usize) -> String {
        let mut text = format!("Tree={index}\n");
        line(&mut text, "num_leaves", &[self.values.len()]);
        line(
            &mut text,
            "num_cat",
            &[self.category_bounds.len().saturating_sub(1)],
        );
        line(&mut text, "split_feature", &self.features);
        line(&mut text, "split_gain", &vec![0; self.features.len()]);
        line(&mut text, "threshold", &self.thresholds);
        line(&mut text, "decision_type", &self.decisions);
        line(&mut text, "left_child", &self.children[0]);
        line(&mut text, "right_child", &self.children[1]);
        line(&mut text, "leaf_value", &self.values);
        line(&mut text, "leaf_weight", &self.counts);
        line(&mut text, "leaf_count", &self.counts);
        line(&mut text, "internal_value", &self.inner_values);
        line(&mut text, "internal_weight", &self.inner_counts);
        line(&mut text, "internal_count", &self.inner_counts);
        if !self.category_bounds.is_empty() {
            line(&mut text, "cat_boundaries", &self.category_bounds);
            line(&mut text, "cat_threshold", &self.category_words);
        }
        text.push_str("is_linear=0\nshrinkage=1\n\n\n");
        text
    }
}

/// The mean of the leaves below each node, by the rows that they cover.
#[allow(clippy::cast_precision_loss, reason = "covers are below 2^53")]
fn means(tree: &Tree) -> Vec<f64> {
    let covers = tree.covers();
    let mut means = vec![0.0; covers.len()];
    for (index, node) in tree.nodes().iter().enumerate().rev() {
        let part = |means: &[f64], child: u16| {
            let child = usize::from(child);
            let of = |cover: &u64| *cover as f64;
            means.get(child).copied().unwrap_or(0.0) * covers.get(child).map_or(0.0, of)
        };
        let mean = match node {
            Node::Leaf { value, .. } => *value,
            Node::Split(split) => {
                let whole = covers.get(index).map_or(1.0, |cover| *cover as f64);
                (part(&means, split.left) + part(&means, split.right)) / whole
            }
        };
        if let Some(place) = means.get_mut(index) {
            *place = mean;
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{self, Foreign};
    use crate::model::tests::Dice;
    use crate::train::{Options, TrainingSet, train};

    fn set(dice: &mut Dice) -> TrainingSet {
        let (mut rows, mut fraud) = (Vec::new(), Vec::new());
        for _ in 0..4000 {
            let category = u16::try_from(dice.below(40)).unwrap_or_default();
            let value = match dice.below(10) {
                0 => f32::NAN,
                value => f32::from(u16::try_from(value).unwrap_or_default()) * 0.1,
            };
            // Present or missing is all that the third says.
            let third = if dice.below(2) == 0 { f32::NAN } else { 7.0 };
            fraud.push(
                category % 3 == 0 && dice.below(3) > 0
                    || value > 0.8
                    || third.is_nan() && value < 0.3,
            );
            rows.extend([f32::from(category) * 101.0, value, third]);
        }
        TrainingSet {
            features: ["category", "value", "third"].map(str::to_owned).to_vec(),
            rows,
            fraud,
            categorical: vec![true, false, false],
            validation_from: 3000,
            ..TrainingSet::default()
        }
    }

    #[test]
    fn what_is_written_reads_back_with_the_same_margins() {
        let set = set(&mut Dice(5));
        let options = Options {
            features_per_tree: 1.0,
            ..Options::default()
        };
        let (model, _) = train(&set, &options, &mut |_| ()).unwrap();
        let text = write(&model).unwrap();
        assert!(
            text.contains("num_cat=1") && text.contains("decision_type=9"),
            "{text}"
        );
        assert!(text.contains("inf "), "a split on presence is there");
        let foreign = Foreign::read(text.as_bytes(), None).unwrap();
        let named = import::Options {
            name: "back".to_owned(),
            version: 1,
            ..import::Options::default()
        };
        let back = foreign.model(&named).unwrap().model;
        let names = ["category", "value", "third"];
        let scorer = back.bind(&names).unwrap();
        let boosted = &model.contents.members[0].kind;
        let odd = [
            f32::NAN,
            -1.0,
            0.0,
            1e30,
            f32::INFINITY,
            f32::NEG_INFINITY,
            101.0,
            0.5,
        ];
        let odd = odd.iter().flat_map(|a| odd.iter().map(|b| [*a, *b, *a]));
        let own = set.rows.chunks_exact(3).map(|row| [row[0], row[1], row[2]]);
        for row in own.chain(odd) {
            let margin = foreign.margin(scorer.score(&row.map(f64::from)).log_odds);
            assert!((margin - boosted.margin(&row)).abs() < 1e-6, "{row:?}");
        }
    }

    #[test]
    fn tree_sizes_are_the_bytes_of_the_trees() {
        let set = set(&mut Dice(6));
        let options = Options {
            features_per_tree: 1.0,
            ..Options::default()
        };
        let (model, _) = train(&set, &options, &mut |_| ()).unwrap();
        let text = write(&model).unwrap();
        let sizes = text
            .lines()
            .find_map(|line| line.strip_prefix("tree_sizes="))
            .unwrap();
        let mut at = text.find("Tree=0").unwrap();
        for (index, size) in sizes.split(' ').enumerate() {
            assert!(text[at..].starts_with(&format!("Tree={index}\n")));
            at += size.parse::<usize>().unwrap();
        }
        assert!(text[at..].starts_with("end of trees"));
    }

    #[test]
    fn what_the_format_cannot_hold_is_refused() {
        let mut set = set(&mut Dice(7));
        let few = Options {
            trees_max: 3,
            ..Options::default()
        };
        let forest = Options {
            boosted_weight: 0.0,
            ..few.clone()
        };
        let (model, _) = train(&set, &forest, &mut |_| ()).unwrap();
        assert!(
            write(&model)
                .unwrap_err()
                .to_string()
                .contains("no gradient-boosted trees")
        );
        set.rows
            .iter_mut()
            .step_by(3)
            .for_each(|category| *category += 16_000_000.0);
        let hundred = Options {
            trees_max: 100,
            early_stopping_rounds: 0,
            ..Options::default()
        };
        let (model, _) = train(&set, &hundred, &mut |_| ()).unwrap();
        assert!(write(&model).unwrap_err().to_string().contains("words"));
    }

    #[test]
    fn a_model_without_trees_is_one_leaf() {
        let mut set = set(&mut Dice(8));
        set.rows.fill(1.0);
        let options = Options {
            features_per_tree: 1.0,
            ..Options::default()
        };
        let (model, _) = train(&set, &options, &mut |_| ()).unwrap();
        let text = write(&model).unwrap();
        assert!(text.contains("num_leaves=1\n") && text.contains("feature_infos=none none none"));
        assert!(Foreign::read(text.as_bytes(), None).is_ok());
    }
}
