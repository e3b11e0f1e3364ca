//! The operators of trees: `TreeEnsembleClassifier` and `TreeEnsembleRegressor` of ai.onnx.ml 1 to 4, and
//! `TreeEnsemble` of 5.
//!
//! Each branch has a mode and one rule for missing values; a chain of equality tests that lead to the same
//! node, as LightGBM's categories are exported, becomes one set. Promises the score before
//! `post_transform`, class 1 against class 0 where both have weights. Must never follow a node twice.

use std::collections::BTreeMap;

use super::super::ensemble::{Ensemble, Link, Question, RawNode};
use super::super::value::whole;
use super::graph::Operator;
use crate::error::ImportError;

/// How a branch compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    NotEqual,
    Member,
    Leaf,
}

/// One node as the operator tells it; places are indices into all nodes of the operator.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) feature: usize,
    pub(super) mode: Mode,
    pub(super) value: f64,
    /// The codes of a [`Mode::Member`].
    pub(super) members: Vec<u32>,
    /// Where what is missing goes: with true where this is set, else wherever the comparison sends it.
    pub(super) missing_tracks_true: bool,
    pub(super) when_true: usize,
    pub(super) when_false: usize,
    /// The score of a leaf.
    pub(super) leaf: f64,
}

/// Where each (tree, node) stands.
type Places = BTreeMap<(i64, i64), usize>;

/// All trees of an operator.
pub(super) struct Trees {
    pub(super) branches: Vec<Branch>,
    pub(super) roots: Vec<usize>,
    /// The score before any tree.
    pub(super) base: f64,
    /// What the operator does to the score.
    pub(super) transform: Transform,
    /// Whether the operator gives the mean of its trees.
    pub(super) averaged: bool,
}

/// What an operator does to its scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    /// Nothing.
    None,
    /// The logistic function of each.
    Logistic,
    /// Exponentials that add up to one.
    Softmax,
}

/// Whether an operator is one of trees.
pub(super) fn is_one(operator: &Operator<'_>) -> bool {
    matches!(
        operator.kind,
        "TreeEnsembleClassifier" | "TreeEnsembleRegressor" | "TreeEnsemble"
    )
}

impl Trees {
    /// The trees of an operator.
    pub(super) fn read(operator: &Operator<'_>) -> Result<Self, ImportError> {
        match operator.kind {
            "TreeEnsemble" => super::tree_ensemble::read(operator),
            "TreeEnsembleClassifier" => Self::older(operator, "class"),
            _ => Self::older(operator, "target"),
        }
    }

    /// Trees of operators before version 5: `noun` begins the names of the attributes of leaves.
    fn older(operator: &Operator<'_>, noun: &str) -> Result<Self, ImportError> {
        let (places, mut branches) = branches(operator)?;
        let scores = Scores::read(operator, noun)?;
        let mut trees = Self {
            base: scores.base(operator)?,
            transform: scores.transform(operator)?,
            averaged: match operator.text("aggregate_function")? {
                None | Some("SUM") => false,
                Some("AVERAGE") => true,
                Some(other) => {
                    return Err(operator.fault(format!("aggregate_function {other} is no sum")));
                }
            },
            branches: Vec::new(),
            roots: Vec::new(),
        };
        for (key, class, weight) in &scores.weights {
            let branch = places.get(key).and_then(|place| branches.get_mut(*place));
            let Some(branch) = branch.filter(|branch| branch.mode == Mode::Leaf) else {
                let (tree, node) = key;
                let problem =
                    format!("a weight is for node {node} of tree {tree}, which is no leaf");
                return Err(operator.fault(problem));
            };
            branch.leaf += weight * scores.factor(*class, trees.transform);
        }
        trees.roots = roots(&places, &branches);
        trees.branches = branches;
        Ok(trees)
    }

    /// Puts the trees into an ensemble.
    pub(super) fn put(
        &self,
        operator: &Operator<'_>,
        ensemble: &mut Ensemble,
    ) -> Result<(), ImportError> {
        #[allow(clippy::cast_precision_loss, reason = "a few thousand trees")]
        let share = if self.averaged {
            1.0 / self.roots.len().max(1) as f64
        } else {
            1.0
        };
        let mut taken = vec![false; self.branches.len()];
        for (index, root) in self.roots.iter().enumerate() {
            let told = |problem: String| operator.fault(format!("tree {index}: {problem}"));
            let nodes = self
                .tree(*root, share, &mut taken, ensemble)
                .map_err(told)?;
            ensemble.push(&nodes, 0).map_err(told)?;
        }
        ensemble.base = self.base;
        ensemble.covers_known = false;
        ensemble.link = self.link(ensemble);
        Ok(())
    }

    /// What the score means. Without a transformation it is a probability where it cannot be anything
    /// else than between 0 and 1, as the mean over a forest.
    fn link(&self, ensemble: &Ensemble) -> Link {
        if self.transform != Transform::None {
            return Link::Logistic { slope: 1.0 };
        }
        const ROUNDING: f64 = 1e-3;
        let (mut least, mut most) = (self.base, self.base);
        for tree in &ensemble.trees {
            let (low, high) = super::super::ensemble::leaf_range(tree);
            least += low;
            most += high;
        }
        if least >= -ROUNDING && most <= 1.0 + ROUNDING && most > least {
            Link::Probability
        } else {
            Link::Plain
        }
    }

    /// The nodes that one root leads to, the root first.
    fn tree(
        &self,
        root: usize,
        share: f64,
        taken: &mut [bool],
        ensemble: &mut Ensemble,
    ) -> Result<Vec<RawNode>, String> {
        let mut nodes = Vec::new();
        // The branch to read, and the split that waits for its place: which one, and which side.
        let mut waiting: Vec<(usize, Option<(usize, bool)>)> = vec![(root, None)];
        while let Some((index, parent)) = waiting.pop() {
            let place = nodes.len();
            if let Some((parent, is_left)) = parent
                && let Some(RawNode::Split { left, right, .. }) = nodes.get_mut(parent)
            {
                *(if is_left { left } else { right }) = place;
            }
            let branch = self.take(index, taken)?;
            if branch.mode == Mode::Leaf {
                let value = branch.leaf * share;
                nodes.push(RawNode::Leaf { value, cover: 1.0 });
                continue;
            }
            let (test, missing_left, on_left, on_right) = self.question(branch, taken, ensemble)?;
            nodes.push(RawNode::Split {
                feature: branch.feature,
                test,
                missing_left,
                left: 0,
                right: 0,
            });
            waiting.push((on_right, Some((place, false))));
            waiting.push((on_left, Some((place, true))));
        }
        Ok(nodes)
    }

    /// A branch that nobody came to before.
    fn take(&self, index: usize, taken: &mut [bool]) -> Result<&Branch, String> {
        match (self.branches.get(index), taken.get_mut(index)) {
            (Some(branch), Some(taken)) if !*taken => {
                *taken = true;
                Ok(branch)
            }
            (Some(_), _) => Err("two branches lead to one node".to_owned()),
            _ => Err("a branch leads to a node that is not there".to_owned()),
        }
    }

    /// The question of a branch, the side of missing values, and the branches on the left and right.
    fn question(
        &self,
        branch: &Branch,
        taken: &mut [bool],
        ensemble: &mut Ensemble,
    ) -> Result<(Question, bool, usize, usize), String> {
        let (when_true, when_false) = (branch.when_true, branch.when_false);
        let tracks = branch.missing_tracks_true;
        let threshold = branch.value;
        let at_most = Question::AtMost {
            threshold,
            zero_missing: false,
        };
        let below = Question::Below { threshold };
        Ok(match branch.mode {
            Mode::AtMost => (at_most, tracks, when_true, when_false),
            Mode::Below => (below, tracks, when_true, when_false),
            // The other way round: what is not at least the threshold is below it, and goes left here.
            Mode::AtLeast => (below, !tracks, when_false, when_true),
            Mode::Above => (at_most, !tracks, when_false, when_true),
            // Nothing missing equals anything, so it goes with true in any case.
            Mode::NotEqual => {
                ensemble.count_codes(1)?;
                let question = Question::OneOf(vec![code(threshold)?]);
                (question, false, when_false, when_true)
            }
            Mode::Member => {
                ensemble.count_codes(branch.members.len())?;
                let question = Question::OneOf(branch.members.clone());
                (question, tracks, when_true, when_false)
            }
            Mode::Equal | Mode::Leaf => self.chain(branch, taken, ensemble)?,
        })
    }

    /// A chain of equality tests of one feature that lead to the same node is one set.
    fn chain(
        &self,
        first: &Branch,
        taken: &mut [bool],
        ensemble: &mut Ensemble,
    ) -> Result<(Question, bool, usize, usize), String> {
        ensemble.note(
            "equality tests are read as categories: a value that is not whole counts as its whole part",
        );
        let mut codes = vec![code(first.value)?];
        let mut missing_left = first.missing_tracks_true;
        let mut last = first;
        while let Some(next) = self.branches.get(last.when_false)
            && next.mode == Mode::Equal
            && next.feature == first.feature
            && next.when_true == first.when_true
        {
            self.take(last.when_false, taken)?;
            codes.push(code(next.value)?);
            missing_left |= next.missing_tracks_true;
            last = next;
        }
        ensemble.count_codes(codes.len())?;
        let question = Question::OneOf(codes);
        Ok((question, missing_left, first.when_true, last.when_false))
    }
}

/// The code of a category.
fn code(value: f64) -> Result<u32, String> {
    let code = whole(value).and_then(|code| u32::try_from(code).ok());
    code.ok_or_else(|| format!("an equality test asks for {value}, which is no code of a category"))
}

/// The nodes of the older operators, and where each (tree, node) stands.
fn branches(operator: &Operator<'_>) -> Result<(Places, Vec<Branch>), ImportError> {
    let trees = operator.integers("nodes_treeids")?;
    let count = trees.len();
    let integers = |name: &str| {
        let numbers = operator.integers(name)?;
        if numbers.len() == count {
            return Ok(numbers);
        }
        let found = numbers.len();
        Err(operator.fault(format!("{name} has {found} entries, nodes_treeids {count}")))
    };
    let nodes = integers("nodes_nodeids")?;
    let (on_true, on_false) = (
        integers("nodes_truenodeids")?,
        integers("nodes_falsenodeids")?,
    );
    let features = integers("nodes_featureids")?;
    let values = operator.numbers("nodes_values")?;
    let modes = operator.texts("nodes_modes")?;
    if values.len() != count || modes.len() != count {
        return Err(operator.fault("nodes_values and nodes_modes have one entry a node"));
    }
    let tracks = if operator.has("nodes_missing_value_tracks_true") {
        integers("nodes_missing_value_tracks_true")?
    } else {
        vec![0; count]
    };
    let mut places = BTreeMap::new();
    for (place, (tree, node)) in trees.iter().zip(&nodes).enumerate() {
        if places.insert((*tree, *node), place).is_some() {
            return Err(operator.fault(format!("node {node} of tree {tree} stands twice")));
        }
    }
    let place = |tree: i64, node: i64| places.get(&(tree, node)).copied().unwrap_or(usize::MAX);
    let mut branches = Vec::new();
    let children = on_true.iter().zip(&on_false);
    let questions = features.iter().zip(&values).zip(&modes).zip(&tracks);
    for ((tree, (on_true, on_false)), (((feature, value), mode), tracks)) in
        trees.iter().zip(children).zip(questions)
    {
        branches.push(Branch {
            feature: usize::try_from(*feature).unwrap_or(usize::MAX),
            mode: mode_of(mode).map_err(|problem| operator.fault(problem))?,
            value: *value,
            members: Vec::new(),
            missing_tracks_true: *tracks != 0,
            when_true: place(*tree, *on_true),
            when_false: place(*tree, *on_false),
            leaf: 0.0,
        });
    }
    Ok((places, branches))
}

fn mode_of(word: &str) -> Result<Mode, String> {
    match word {
        "BRANCH_LEQ" => Ok(Mode::AtMost),
        "BRANCH_LT" => Ok(Mode::Below),
        "BRANCH_GTE" => Ok(Mode::AtLeast),
        "BRANCH_GT" => Ok(Mode::Above),
        "BRANCH_EQ" => Ok(Mode::Equal),
        "BRANCH_NEQ" => Ok(Mode::NotEqual),
        "LEAF" => Ok(Mode::Leaf),
        other => {
            let shown: String = other.chars().take(40).collect();
            Err(format!("there is no mode {shown:?}"))
        }
    }
}

/// The nodes to which no branch leads, in the order of their trees.
fn roots(places: &Places, branches: &[Branch]) -> Vec<usize> {
    let mut is_child = vec![false; branches.len()];
    for branch in branches.iter().filter(|branch| branch.mode != Mode::Leaf) {
        for child in [branch.when_true, branch.when_false] {
            if let Some(is_child) = is_child.get_mut(child) {
                *is_child = true;
            }
        }
    }
    let mut roots: Vec<usize> = places.values().copied().collect();
    roots.retain(|place| is_child.get(*place) == Some(&false));
    roots
}

/// The weights of leaves, and how scores of classes become one.
struct Scores {
    /// (tree, node), class or target, weight.
    weights: Vec<((i64, i64), i64, f64)>,
    base_values: Vec<f64>,
    /// Whether both of two classes have weights.
    two: bool,
}

impl Scores {
    fn read(operator: &Operator<'_>, noun: &str) -> Result<Self, ImportError> {
        let classes = operator.integers(&format!("{noun}_ids"))?;
        let trees = operator.integers(&format!("{noun}_treeids"))?;
        let nodes = operator.integers(&format!("{noun}_nodeids"))?;
        let weights = operator.numbers(&format!("{noun}_weights"))?;
        let count = weights.len();
        if [classes.len(), trees.len(), nodes.len()] != [count; 3] {
            return Err(operator.fault(format!("{noun}_weights and their ids differ in number")));
        }
        let labels = operator
            .integers("classlabels_int64s")?
            .len()
            .max(operator.texts("classlabels_strings")?.len());
        let targets = operator.integer("n_targets", 1)?;
        if labels > 2 || targets > 1 {
            let several = labels.max(usize::try_from(targets).unwrap_or(usize::MAX));
            return Err(
                operator.fault(format!("{several} classes or targets; one score is needed"))
            );
        }
        let (least, most) = (classes.iter().min(), classes.iter().max());
        if most.is_some_and(|most| *most > 1) || least.is_some_and(|least| *least < 0) {
            return Err(operator.fault(format!("{noun}_ids name more than two classes")));
        }
        let keys = trees.into_iter().zip(nodes);
        let parts = keys.zip(&classes).zip(weights);
        Ok(Self {
            two: least != most,
            weights: parts
                .map(|((key, class), weight)| (key, *class, weight))
                .collect(),
            base_values: operator.numbers("base_values")?,
        })
    }

    fn transform(&self, operator: &Operator<'_>) -> Result<Transform, ImportError> {
        match operator.text("post_transform")?.unwrap_or("NONE") {
            "NONE" => Ok(Transform::None),
            "LOGISTIC" => Ok(Transform::Logistic),
            "SOFTMAX" if self.two => Ok(Transform::Softmax),
            other => Err(operator.fault(format!("post_transform {other} is not understood here"))),
        }
    }

    /// How much a weight of a class counts. With weights for one class only, that is the one asked for,
    /// whatever its number is.
    fn factor(&self, class: i64, transform: Transform) -> f64 {
        match (self.two, class, transform) {
            (false, ..) | (true, 1, _) => 1.0,
            (true, _, Transform::Softmax) => -1.0,
            (true, ..) => 0.0,
        }
    }

    fn base(&self, operator: &Operator<'_>) -> Result<f64, ImportError> {
        match (self.base_values.as_slice(), self.two) {
            ([], _) => Ok(0.0),
            ([one], false) => Ok(*one),
            ([zero, one], true) => match self.transform(operator)? {
                Transform::Softmax => Ok(one - zero),
                _ => Ok(*one),
            },
            ([zero, one], false) if zero == one => Ok(*one),
            _ => Err(operator.fault("base_values do not say which class they are for")),
        }
    }
}
