//! LightGBM's model text (`Booster.save_model`, versions 2 to 4).
//!
//! ```text
//! tree                        a head of `key=value` lines
//! ...
//! Tree=0                      then for each tree its arrays, one a line
//! ...
//! end of trees                importances and parameters follow, which are not read
//! ```
//!
//! Handles all three ways of missing values, categories as bit sets, `inf` thresholds and averaged
//! forests. Promises the line of whatever is wrong. Must never read linear trees or several classes as
//! something else: they are refused.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::ensemble::{Ensemble, FEATURES_MAX, Link, Question, RawNode};
use crate::error::ImportError;
use crate::models::tree::{NODES_MAX, ZERO_MAX};

/// Bits of `decision_type`.
const CATEGORICAL: u32 = 1;
const DEFAULT_LEFT: u32 = 2;

/// How a split of LightGBM treats what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// A missing value is read as zero.
    None,
    /// Zero and missing go the default way.
    Zero,
    /// Missing goes the default way.
    Nan,
}

/// LightGBM reads values this near to zero as zero, wherever they stand.
const ZERO: f64 = ZERO_MAX as f64;

/// The threshold that parts values as LightGBM does once it has made those near zero a zero.
fn threshold_around_zero(threshold: f64) -> f64 {
    if (-ZERO..0.0).contains(&threshold) {
        f64::from((-ZERO_MAX).next_down())
    } else if (0.0..=ZERO).contains(&threshold) {
        ZERO
    } else {
        threshold
    }
}

/// A numerical split: where the side of missing values follows from the three ways.
pub(super) fn numerical(
    feature: usize,
    threshold: f64,
    missing: Missing,
    default_left: bool,
    children: (usize, usize),
) -> RawNode {
    RawNode::Split {
        feature,
        test: Question::AtMost {
            threshold: threshold_around_zero(threshold),
            zero_missing: missing == Missing::Zero,
        },
        missing_left: match missing {
            Missing::None => 0.0 <= threshold,
            Missing::Zero | Missing::Nan => default_left,
        },
        left: children.0,
        right: children.1,
    }
}

/// A split by category: the codes go left; what is missing, negative or unseen goes right.
pub(super) fn categorical(feature: usize, codes: Vec<u32>, children: (usize, usize)) -> RawNode {
    RawNode::Split {
        feature,
        test: Question::OneOf(codes),
        missing_left: false,
        left: children.0,
        right: children.1,
    }
}

/// What the sum of the leaves means, by the words of `objective`.
pub(super) fn link(objective: &str, trees: usize, averaged: bool) -> Result<Link, String> {
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let share = if averaged {
        1.0 / trees.max(1) as f64
    } else {
        1.0
    };
    let mut words = objective.split_whitespace();
    let name = words.next().unwrap_or_default();
    let sigmoid = words.find_map(|word| word.strip_prefix("sigmoid:"));
    match name {
        "binary" | "cross_entropy" | "xentropy" => {
            let slope: f64 = sigmoid
                .unwrap_or("1")
                .parse()
                .map_err(|_| format!("the sigmoid of objective {objective:?} is no number"))?;
            if !(slope > 0.0 && slope.is_finite()) {
                return Err(format!(
                    "the sigmoid of objective {objective:?} is not above zero"
                ));
            }
            Ok(Link::Logistic {
                slope: slope * share,
            })
        }
        "multiclass" | "softmax" | "multiclassova" | "multiclass_ova" | "ova" | "ovr" => Err(
            format!("objective {name:?} has several classes; one score is needed"),
        ),
        _ => Ok(Link::Plain),
    }
}

/// The ensemble of a file.
pub(super) fn read(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        ImportError::Line {
            line: 1 + good.iter().filter(|byte| **byte == b'\n').count(),
            problem: "the text is not UTF-8".to_owned(),
        }
    })?;
    let mut lines = (1..).zip(text.lines().map(str::trim_end));
    let first = lines.next().unwrap_or((1, ""));
    if first.1 != "tree" {
        return Err(fault(first.0, "a LightGBM model begins with \"tree\""));
    }
    let mut head = Section::of(1);
    let mut trees: Vec<Section<'_>> = Vec::new();
    let mut ended = false;
    for (number, line) in lines {
        if line == "end of trees" {
            ended = true;
            break;
        }
        let Some((key, value)) = line.split_once('=') else {
            // `average_output` is a word by itself.
            head.put(number, line, "")?;
            continue;
        };
        if key == "Tree" {
            trees.push(Section::of(number));
        }
        trees
            .last_mut()
            .unwrap_or(&mut head)
            .put(number, key, value)?;
    }
    if !ended {
        let lines = text.lines().count();
        return Err(fault(
            lines.max(1),
            "the file is cut short: no \"end of trees\"",
        ));
    }
    ensemble(&head, &trees)
}

fn fault(line: usize, problem: impl Into<String>) -> ImportError {
    ImportError::Line {
        line,
        problem: problem.into(),
    }
}

fn ensemble(head: &Section<'_>, trees: &[Section<'_>]) -> Result<Ensemble, ImportError> {
    for key in ["num_class", "num_tree_per_iteration"] {
        if let Some((line, value)) = head.get(key)
            && value != "1"
        {
            return Err(fault(
                line,
                format!("{key} is {value}; one score is needed"),
            ));
        }
    }
    let (line, names) = head.need("feature_names")?;
    let features: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
    if features.is_empty() || features.len() > FEATURES_MAX {
        return Err(fault(line, format!("features are 1 to {FEATURES_MAX}")));
    }
    if let Some((line, value)) = head.get("max_feature_idx")
        && value.parse() != Ok(features.len() - 1)
    {
        let names = features.len();
        return Err(fault(
            line,
            format!("max_feature_idx is {value}, but {names} features are named"),
        ));
    }
    let averaged = head.get("average_output").is_some();
    let (line, objective) = head.get("objective").unwrap_or((head.line, ""));
    let link = link(objective, trees.len(), averaged).map_err(|problem| fault(line, problem))?;
    let mut ensemble = Ensemble::new(features, link);
    if averaged {
        ensemble.note("an averaged forest: log-odds are the sum of its trees over their number");
    }
    for (index, tree) in trees.iter().enumerate() {
        let nodes = tree_nodes(tree, &mut ensemble)?;
        ensemble.covers_known &= tree.get("leaf_count").is_some();
        ensemble
            .push(&nodes, 0)
            .map_err(|problem| fault(tree.line, format!("tree {index}: {problem}")))?;
    }
    Ok(ensemble)
}

/// The nodes of a tree: its splits, the root first, then its leaves.
fn tree_nodes(tree: &Section<'_>, ensemble: &mut Ensemble) -> Result<Vec<RawNode>, ImportError> {
    let (line, leaves) = tree.need("num_leaves")?;
    let leaves = match leaves.parse::<usize>() {
        Ok(leaves) if (1..=NODES_MAX.div_ceil(2)).contains(&leaves) => leaves,
        _ => {
            let most = NODES_MAX.div_ceil(2);
            return Err(fault(
                line,
                format!("a tree has 1 to {most} leaves, not {leaves}"),
            ));
        }
    };
    if let Some((line, value)) = tree.get("is_linear")
        && value != "0"
    {
        return Err(fault(
            line,
            "linear trees (is_linear=1) are not trees of constants",
        ));
    }
    let values: Vec<f64> = tree.array("leaf_value", leaves)?;
    let counts: Vec<f64> = match tree.get("leaf_count") {
        Some((_, value)) if !value.is_empty() => tree.array("leaf_count", leaves)?,
        _ => vec![1.0; leaves],
    };
    let ends = values.into_iter().zip(counts);
    let ends = ends.map(|(value, cover)| RawNode::Leaf { value, cover });
    let splits = leaves - 1;
    if splits == 0 {
        return Ok(ends.collect());
    }
    let mut nodes = Splits::of(tree, splits)?.nodes(ensemble)?;
    nodes.extend(ends);
    Ok(nodes)
}

/// The arrays of a tree that has splits.
struct Splits {
    line: usize,
    features: Vec<usize>,
    thresholds: Vec<f64>,
    decisions: Vec<u32>,
    left: Vec<i64>,
    right: Vec<i64>,
    boundaries: Vec<usize>,
    words: Vec<u32>,
}

impl Splits {
    fn of(tree: &Section<'_>, count: usize) -> Result<Self, ImportError> {
        let categorical = match tree.get("num_cat") {
            None => 0,
            Some((line, value)) => match value.parse::<usize>() {
                Ok(number) if number <= count => number,
                _ => {
                    return Err(fault(
                        line,
                        format!("{value:?} splits by category of {count}"),
                    ));
                }
            },
        };
        let boundaries: Vec<usize> = if categorical == 0 {
            Vec::new()
        } else {
            tree.array("cat_boundaries", categorical + 1)?
        };
        let words = match boundaries.last() {
            None => Vec::new(),
            Some(words) => tree.array("cat_threshold", *words)?,
        };
        Ok(Self {
            line: tree.line,
            features: tree.array("split_feature", count)?,
            thresholds: tree.array("threshold", count)?,
            decisions: match tree.get("decision_type") {
                Some(_) => tree.array("decision_type", count)?,
                None => vec![0; count],
            },
            left: tree.array("left_child", count)?,
            right: tree.array("right_child", count)?,
            boundaries,
            words,
        })
    }

    fn nodes(&self, ensemble: &mut Ensemble) -> Result<Vec<RawNode>, ImportError> {
        let splits = self.features.len();
        // A leaf is written as its bitwise complement, and stands behind the splits here.
        let child = |number: i64| {
            let leaf = usize::try_from(!number)
                .ok()
                .map(|leaf| leaf.saturating_add(splits));
            usize::try_from(number).ok().or(leaf).unwrap_or(usize::MAX)
        };
        let parts = self
            .features
            .iter()
            .zip(&self.thresholds)
            .zip(&self.decisions);
        let children = self.left.iter().zip(&self.right);
        let mut nodes = Vec::new();
        for (index, (((feature, threshold), decision), (left, right))) in
            parts.zip(children).enumerate()
        {
            let children = (child(*left), child(*right));
            if decision & CATEGORICAL != 0 {
                let codes = self.codes(index, *threshold, ensemble)?;
                nodes.push(categorical(*feature, codes, children));
                continue;
            }
            let missing = match decision >> 2 & 3 {
                0 => Missing::None,
                1 => Missing::Zero,
                2 => Missing::Nan,
                other => {
                    let problem = format!("split {index} has missing type {other}");
                    return Err(fault(self.line, problem));
                }
            };
            let default_left = decision & DEFAULT_LEFT != 0;
            nodes.push(numerical(
                *feature,
                *threshold,
                missing,
                default_left,
                children,
            ));
        }
        Ok(nodes)
    }

    /// The codes of a split whose threshold names one of the bit sets.
    fn codes(
        &self,
        split: usize,
        threshold: f64,
        ensemble: &mut Ensemble,
    ) -> Result<Vec<u32>, ImportError> {
        let bits = super::value::whole(threshold)
            .and_then(|set| Some(*self.boundaries.get(set)?..*self.boundaries.get(set + 1)?))
            .and_then(|range| self.words.get(range));
        let Some(bits) = bits else {
            let problem = format!(
                "split {split} names the set of categories {threshold}, which is not there"
            );
            return Err(fault(self.line, problem));
        };
        let count = bits.iter().map(|word| word.count_ones() as usize).sum();
        ensemble
            .count_codes(count)
            .map_err(|problem| fault(self.line, problem))?;
        let mut codes = Vec::new();
        for (start, word) in (0_u32..).step_by(32).zip(bits) {
            codes.extend(
                (0..32)
                    .filter(|bit| word >> bit & 1 == 1)
                    .map(|bit| start + bit),
            );
        }
        Ok(codes)
    }
}

/// The `key=value` lines of the head or of a tree.
struct Section<'a> {
    line: usize,
    entries: BTreeMap<&'a str, (usize, &'a str)>,
}

impl<'a> Section<'a> {
    fn of(line: usize) -> Self {
        Self {
            line,
            entries: BTreeMap::new(),
        }
    }

    fn put(&mut self, line: usize, key: &'a str, value: &'a str) -> Result<(), ImportError> {
        if key.is_empty() {
            return Ok(());
        }
        match self.entries.insert(key, (line, value)) {
            None => Ok(()),
            Some((first, _)) => {
                let shown: String = key.chars().take(40).collect();
                Err(fault(
                    line,
                    format!("{shown:?} stands in line {first} already"),
                ))
            }
        }
    }

    fn get(&self, key: &str) -> Option<(usize, &'a str)> {
        self.entries.get(key).copied()
    }

    fn need(&self, key: &str) -> Result<(usize, &'a str), ImportError> {
        self.get(key)
            .ok_or_else(|| fault(self.line, format!("{key:?} is missing in this section")))
    }

    /// So many numbers.
    fn array<T: FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>, ImportError> {
        let (line, value) = self.need(key)?;
        let mut numbers = Vec::new();
        for word in value.split_ascii_whitespace() {
            if numbers.len() == count {
                return Err(fault(line, format!("{key} has more than {count} numbers")));
            }
            let shown = || word.chars().take(40).collect::<String>();
            let number = word.parse();
            numbers.push(
                number.map_err(|_| fault(line, format!("{:?} cannot stand in {key}", shown())))?,
            );
        }
        if numbers.len() < count {
            let found = numbers.len();
            return Err(fault(
                line,
                format!("{key} has {found} numbers, not {count}"),
            ));
        }
        Ok(numbers)
    }
}
