//! LightGBM's `Booster.dump_model()`: the same trees as JSON, nested instead of in arrays.
//!
//! Promises the same ensemble as the text of the same model. Must never take a tree whose splits it does
//! not know: each is named with its byte.

use super::ensemble::{Ensemble, FEATURES_MAX, RawNode};
use super::lightgbm::{self, Missing};
use super::value::{Data, Value};
use crate::error::ImportError;

/// Whether a document is one of LightGBM.
pub(super) fn is_one(document: &Value) -> bool {
    document.get("tree_info").is_some()
}

/// The ensemble of a document.
pub(super) fn of(document: &Value) -> Result<Ensemble, ImportError> {
    for name in ["num_class", "num_tree_per_iteration"] {
        let count = document.count(name)?;
        if count != 1 {
            return Err(document.fault(format!("{name} is {count}; one score is needed")));
        }
    }
    let features = document.texts("feature_names")?;
    if features.is_empty() || features.len() > FEATURES_MAX {
        let problem = format!("features are 1 to {FEATURES_MAX}");
        return Err(document.member("feature_names")?.fault(problem));
    }
    let trees = document.list("tree_info")?;
    let averaged = matches!(
        document.get("average_output").map(|value| &value.data),
        Some(Data::Bool(true))
    );
    let objective = match document.get("objective") {
        Some(_) => document.text("objective")?,
        None => "",
    };
    let link = lightgbm::link(objective, trees.len(), averaged)
        .map_err(|problem| document.fault(problem))?;
    let mut ensemble = Ensemble::new(features, link);
    if averaged {
        ensemble.note("an averaged forest: log-odds are the sum of its trees over their number");
    }
    for (index, tree) in trees.iter().enumerate() {
        let mut nodes = Vec::new();
        let root = node(tree.member("tree_structure")?, &mut nodes, &mut ensemble)?;
        ensemble
            .push(&nodes, root)
            .map_err(|problem| tree.fault(format!("tree {index}: {problem}")))?;
    }
    Ok(ensemble)
}

/// Appends a node behind its children and gives its place. Nesting is bounded by the document's.
fn node(
    value: &Value,
    nodes: &mut Vec<RawNode>,
    ensemble: &mut Ensemble,
) -> Result<usize, ImportError> {
    let node = if value.get("leaf_value").is_some() {
        if value.get("leaf_const").is_some() {
            return Err(value.fault("linear trees are not trees of constants"));
        }
        // A tree of one leaf has no count; it makes no difference there.
        let cover = match value.get("leaf_count") {
            Some(_) => value.number("leaf_count")?,
            None => 1.0,
        };
        RawNode::Leaf {
            value: value.number("leaf_value")?,
            cover,
        }
    } else {
        let left = node_of(value, "left_child", nodes, ensemble)?;
        let right = node_of(value, "right_child", nodes, ensemble)?;
        split(value, (left, right), ensemble)?
    };
    nodes.push(node);
    Ok(nodes.len() - 1)
}

fn node_of(
    value: &Value,
    side: &str,
    nodes: &mut Vec<RawNode>,
    ensemble: &mut Ensemble,
) -> Result<usize, ImportError> {
    node(value.member(side)?, nodes, ensemble)
}

fn split(
    value: &Value,
    children: (usize, usize),
    ensemble: &mut Ensemble,
) -> Result<RawNode, ImportError> {
    let feature = value.count("split_feature")?;
    match value.text("decision_type")? {
        "<=" => {
            let missing = match value.text("missing_type")? {
                "None" => Missing::None,
                "Zero" => Missing::Zero,
                "NaN" => Missing::Nan,
                other => return Err(value.fault(format!("there is no missing_type {other:?}"))),
            };
            let default_left = matches!(value.member("default_left")?.data, Data::Bool(true));
            let threshold = value.number("threshold")?;
            Ok(lightgbm::numerical(
                feature,
                threshold,
                missing,
                default_left,
                children,
            ))
        }
        "==" => {
            let set = value.text("threshold")?;
            let code = |word: &str| {
                word.parse().map_err(|_| {
                    let shown: String = word.chars().take(40).collect();
                    value.fault(format!("{shown:?} is no code of a category"))
                })
            };
            let words = set.split("||").filter(|word| !word.is_empty());
            let codes = words.map(code).collect::<Result<Vec<u32>, _>>()?;
            ensemble
                .count_codes(codes.len())
                .map_err(|problem| value.fault(problem))?;
            Ok(lightgbm::categorical(feature, codes, children))
        }
        other => Err(value.fault(format!("there is no decision_type {other:?}"))),
    }
}
