//! XGBoost's own models: JSON, and by way of `xgboost_ubj.rs` the binary form of the same document.
//!
//! XGBoost sends `value < threshold` left where we send `value <= threshold`, and a category of the set
//! right where we send it left; both are turned here. Promises the margin of `output_margin=True`. Must
//! never read linear boosters, several classes, targets or values a leaf as something else: they are
//! refused.

use super::ensemble::{Ensemble, FEATURES_MAX, Link, Question, RawNode, numbered};
use super::value::{Data, Value, whole};
use super::xgboost_ubj;
use crate::error::ImportError;

/// Whether a document is one of XGBoost.
pub(super) fn is_one(document: &Value) -> bool {
    document.get("learner").is_some()
}

/// The ensemble of a binary file.
pub(super) fn read_ubj(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    of(&xgboost_ubj::read(bytes)?)
}

/// The ensemble of a document.
pub(super) fn of(document: &Value) -> Result<Ensemble, ImportError> {
    let learner = document.member("learner")?;
    let parameters = learner.member("learner_model_param")?;
    for name in ["num_class", "num_target"] {
        let Some(value) = parameters.get(name) else {
            continue;
        };
        let count = parameters.count(name)?;
        if count > 1 {
            return Err(value.fault(format!("{name} is {count}; one score is needed")));
        }
    }
    let objective = learner.member("objective")?;
    let (link, base_is_probability) =
        link(objective.text("name")?).map_err(|problem| objective.fault(problem))?;
    let mut ensemble = Ensemble::new(features(learner, parameters)?, link);
    ensemble.base = base(parameters, base_is_probability)?;
    let (model, weights) = booster(learner.member("gradient_booster")?)?;
    let trees = model.list("trees")?;
    if let Some(weights) = weights
        && weights.len() != trees.len()
    {
        let problem = format!("{} trees, but {} weights", trees.len(), weights.len());
        return Err(model.fault(problem));
    }
    for (index, tree) in trees.iter().enumerate() {
        let weight = weights.and_then(|weights| weights.get(index).copied());
        let nodes = Arrays::of(tree)?.nodes(tree, weight.unwrap_or(1.0), &mut ensemble)?;
        ensemble
            .push(&nodes, 0)
            .map_err(|problem| tree.fault(format!("tree {index}: {problem}")))?;
    }
    tell_best_iteration(learner, &mut ensemble);
    Ok(ensemble)
}

/// What the margin means, and whether `base_score` is a probability.
fn link(objective: &str) -> Result<(Link, bool), String> {
    match objective {
        "binary:logistic" | "reg:logistic" => Ok((Link::Logistic { slope: 1.0 }, true)),
        // The labels of a logistic loss, told as a margin: so is its base.
        "binary:logitraw" => Ok((Link::Logistic { slope: 1.0 }, false)),
        "multi:softmax" | "multi:softprob" => Err(format!(
            "objective {objective:?} has several classes; one score is needed"
        )),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => Err(
            format!("objective {objective:?} tells the logarithm of a quantity, which is no score"),
        ),
        _ => Ok((Link::Plain, false)),
    }
}

fn features(learner: &Value, parameters: &Value) -> Result<Vec<String>, ImportError> {
    let count = parameters.count("num_feature")?;
    if count == 0 || count > FEATURES_MAX {
        let problem = format!("features are 1 to {FEATURES_MAX}, not {count}");
        return Err(parameters.fault(problem));
    }
    let names = match learner.get("feature_names") {
        Some(_) => learner.texts("feature_names")?,
        None => Vec::new(),
    };
    if names.is_empty() {
        return Ok(numbered(count));
    }
    if names.len() != count {
        let problem = format!("{} names for {count} features", names.len());
        return Err(learner.member("feature_names")?.fault(problem));
    }
    Ok(names)
}

/// The margin before any tree. Older releases write `5E-1`, release 3 the same in brackets; the rounding of
/// the logarithm is that of XGBoost, which works in f32.
#[allow(
    clippy::cast_possible_truncation,
    reason = "XGBoost holds the base as an f32"
)]
fn base(parameters: &Value, is_probability: bool) -> Result<f64, ImportError> {
    let value = parameters.member("base_score")?;
    let score = match &value.data {
        Data::Number(number) => Some(*number),
        Data::Numbers(numbers) => match numbers.as_slice() {
            [number] => Some(*number),
            _ => None,
        },
        Data::Text(text) => {
            let text = text.trim();
            let inner = text
                .strip_prefix('[')
                .and_then(|text| text.strip_suffix(']'));
            inner.unwrap_or(text).trim().parse::<f64>().ok()
        }
        _ => None,
    };
    let Some(score) = score.filter(|score| score.is_finite()) else {
        return Err(value.fault("base_score is not one number"));
    };
    let score = score as f32;
    if !is_probability {
        return Ok(f64::from(score));
    }
    if !(score > 0.0 && score < 1.0) {
        return Err(value.fault(format!("base_score {score} is no probability")));
    }
    Ok(f64::from(-libm::logf(1.0 / score - 1.0)))
}

/// The trees of a booster, and their weights where some were dropped on the way.
fn booster(booster: &Value) -> Result<(&Value, Option<&[f64]>), ImportError> {
    match booster.text("name")? {
        "gbtree" => Ok((booster.member("model")?, None)),
        "dart" => {
            let weights = booster.numbers("weight_drop")?;
            Ok((booster.member("gbtree")?.member("model")?, Some(weights)))
        }
        other => Err(booster.fault(format!("a booster of kind {other:?} has no trees"))),
    }
}

/// XGBoost's Python classes stop at the best round when they predict; the file holds all rounds.
fn tell_best_iteration(learner: &Value, ensemble: &mut Ensemble) {
    let Some(attributes) = learner.get("attributes") else {
        return;
    };
    if let Ok(best) = attributes.count("best_iteration") {
        let trees = ensemble.trees.len();
        ensemble.note(format!(
            "training stopped early with round {best} as the best; all {trees} trees of the file are \
             used, as Booster.predict does. Slice the booster before saving for the best rounds only"
        ));
    }
}

/// The arrays of a tree, one entry a node.
struct Arrays<'a> {
    left: &'a [f64],
    right: &'a [f64],
    features: &'a [f64],
    conditions: &'a [f64],
    hessians: Option<&'a [f64]>,
    default_left: Vec<bool>,
    categorical: Vec<bool>,
    /// The set of each node that splits by category.
    sets: Vec<(usize, &'a [f64])>,
}

impl<'a> Arrays<'a> {
    fn of(tree: &'a Value) -> Result<Self, ImportError> {
        let parameters = tree.member("tree_param")?;
        if parameters.get("size_leaf_vector").is_some() && parameters.count("size_leaf_vector")? > 1
        {
            return Err(parameters.fault("leaves of several values are not one score"));
        }
        let count = parameters.count("num_nodes")?;
        let numbers = |name: &str| {
            let numbers = tree.numbers(name)?;
            if numbers.len() != count {
                let found = numbers.len();
                let problem = format!("{name} has {found} entries, num_nodes is {count}");
                return Err(tree.member(name)?.fault(problem));
            }
            Ok(numbers)
        };
        let hessians = match tree.get("sum_hessian") {
            Some(_) => Some(numbers("sum_hessian")?),
            None => None,
        };
        let mut categorical = vec![false; numbers("left_children")?.len()];
        if let Some(types) = tree.get("split_type") {
            let types = flags(types, "split_type")?;
            for (own, stated) in categorical.iter_mut().zip(types.iter()) {
                *own = *stated;
            }
        }
        let default_left = flags(tree.member("default_left")?, "default_left")?;
        if default_left.len() != count {
            return Err(tree.fault("default_left has not one entry a node"));
        }
        Ok(Self {
            left: numbers("left_children")?,
            right: numbers("right_children")?,
            features: numbers("split_indices")?,
            conditions: numbers("split_conditions")?,
            hessians,
            default_left,
            categorical,
            sets: sets(tree)?,
        })
    }

    fn nodes(
        &self,
        tree: &Value,
        weight: f64,
        ensemble: &mut Ensemble,
    ) -> Result<Vec<RawNode>, ImportError> {
        ensemble.covers_known &= self.hessians.is_some();
        // The decimals of a file are those of an f32, and only as one are they the same number.
        #[allow(clippy::cast_possible_truncation, reason = "see above")]
        let single = |number: f64| f64::from(number as f32);
        let hessian = |node: usize| self.hessians.and_then(|all| all.get(node).copied());
        let children = self.left.iter().zip(self.right);
        let values = self.features.iter().zip(self.conditions);
        let flags = self.default_left.iter().zip(&self.categorical);
        let mut nodes = Vec::new();
        for (node, ((children, values), flags)) in children.zip(values).zip(flags).enumerate() {
            let ((left, right), (feature, condition)) = (children, values);
            let (default_left, categorical) = flags;
            if *left < 0.0 {
                nodes.push(RawNode::Leaf {
                    value: single(*condition) * single(weight),
                    cover: hessian(node).unwrap_or(1.0),
                });
                continue;
            }
            let place = |number: f64| whole(number).unwrap_or(usize::MAX);
            let (left, right) = (place(*left), place(*right));
            nodes.push(if *categorical {
                let codes = self.codes(node).map_err(|problem| tree.fault(problem))?;
                ensemble
                    .count_codes(codes.len())
                    .map_err(|problem| tree.fault(problem))?;
                RawNode::Split {
                    feature: place(*feature),
                    test: Question::OneOf(codes),
                    missing_left: !default_left,
                    left: right,
                    right: left,
                }
            } else {
                RawNode::Split {
                    feature: place(*feature),
                    test: Question::Below {
                        threshold: single(*condition),
                    },
                    missing_left: *default_left,
                    left,
                    right,
                }
            });
        }
        Ok(nodes)
    }

    /// The codes that go right in XGBoost.
    fn codes(&self, node: usize) -> Result<Vec<u32>, String> {
        let place = self.sets.binary_search_by_key(&node, |(node, _)| *node);
        let set = place.ok().and_then(|place| self.sets.get(place));
        let Some((_, set)) = set else {
            return Err(format!("node {node} splits by category without a set"));
        };
        let code = |number: &f64| {
            let code = whole(*number).and_then(|code| u32::try_from(code).ok());
            code.ok_or_else(|| format!("node {node}: {number} is no code of a category"))
        };
        set.iter().map(code).collect()
    }
}

/// The sets of categories, by node.
fn sets(tree: &Value) -> Result<Vec<(usize, &[f64])>, ImportError> {
    if tree.get("categories_nodes").is_none() {
        return Ok(Vec::new());
    }
    let all = tree.numbers("categories")?;
    let nodes = tree.numbers("categories_nodes")?.iter();
    let segments = tree.numbers("categories_segments")?.iter();
    let sizes = tree.numbers("categories_sizes")?.iter();
    let mut sets = Vec::new();
    for ((node, start), size) in nodes.zip(segments).zip(sizes) {
        let found = match (whole(*node), whole(*start), whole(*size)) {
            (Some(node), Some(start), Some(size)) => all
                .get(start..start.saturating_add(size))
                .map(|set| (node, set)),
            _ => None,
        };
        let Some(found) = found else {
            return Err(tree.fault(format!("the set of categories of node {node} is not there")));
        };
        sets.push(found);
    }
    sets.sort_by_key(|(node, _)| *node);
    Ok(sets)
}

/// Yes or no a node: numbers since release 1.6, words before.
fn flags(value: &Value, name: &str) -> Result<Vec<bool>, ImportError> {
    match &value.data {
        Data::Numbers(numbers) => Ok(numbers.iter().map(|number| *number != 0.0).collect()),
        Data::List(values) => values
            .iter()
            .map(|value| match value.data {
                Data::Bool(flag) => Ok(flag),
                _ => Err(value.fault(format!("{name} holds something else than yes and no"))),
            })
            .collect(),
        _ => Err(value.fault(format!("{name} is no array"))),
    }
}
