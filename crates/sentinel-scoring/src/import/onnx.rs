//! ONNX models that are one operator of trees, as converters of LightGBM, XGBoost and scikit-learn write
//! them, or a [network] of neurons.
//!
//! Around the trees only what changes no number is allowed: joining columns, casts, and giving the score
//! another form. Promises that any other operator is refused by name, since leaving it out would change
//! the score. Must never guess a name: columns that are joined keep theirs, others are numbered.

mod graph;
mod network;
mod tree_ensemble;
mod trees;

use super::ensemble::{Ensemble, FEATURES_MAX, Link, numbered};
use crate::error::ImportError;
use crate::network::Network;
use graph::{Graph, Operator};
use trees::Trees;

/// How many operators may stand between an input and the trees, or between the trees and an output.
const STEPS_MAX: usize = 64;

/// Whether bytes may be an ONNX file: the first field is its version.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x08)
}

/// The network of a file that we wrote.
pub(super) fn own_network(bytes: &[u8]) -> Result<Network, ImportError> {
    let graph = Graph::read(bytes)?;
    Ok(network::read_own(&graph)?.network)
}

/// The ensemble of a file, which has no trees where it is a network.
pub(super) fn read(bytes: &[u8]) -> Result<(Ensemble, Option<Network>), ImportError> {
    let graph = Graph::read(bytes)?;
    let mut found = graph
        .operators
        .iter()
        .filter(|operator| trees::is_one(operator));
    let Some(operator) = found.next() else {
        let found = network::read(&graph)?;
        let mut ensemble = Ensemble::new(found.features, Link::Logistic { slope: 1.0 });
        found.notes.into_iter().for_each(|note| ensemble.note(note));
        return Ok((ensemble, Some(found.network)));
    };
    if let Some(second) = found.next() {
        return Err(second.fault("a second operator of trees; one is understood"));
    }
    Ok((read_trees(&graph, operator)?, None))
}

/// The ensemble of an operator of trees.
fn read_trees(graph: &Graph<'_>, operator: &Operator<'_>) -> Result<Ensemble, ImportError> {
    let trees = Trees::read(operator)?;
    let Some(input) = operator.inputs.first() else {
        return Err(operator.fault("it reads nothing"));
    };
    let mut features = columns(graph, operator, input, 0)?;
    let widest = trees
        .branches
        .iter()
        .filter(|branch| branch.mode != trees::Mode::Leaf);
    let read = widest
        .map(|branch| branch.feature.saturating_add(1))
        .max()
        .unwrap_or(1);
    if read > FEATURES_MAX || features.len() > FEATURES_MAX {
        return Err(operator.fault(format!("features are 1 to {FEATURES_MAX}")));
    }
    // An input of an open width: as many columns as the trees read.
    if features.is_empty() {
        features = numbered(read);
    }
    let mut ensemble = Ensemble::new(features, Link::Plain);
    trees.put(operator, &mut ensemble)?;
    if operator.kind == "TreeEnsembleRegressor" && trees.transform == trees::Transform::Logistic {
        ensemble.note(
            "post_transform LOGISTIC of a regressor is applied as the standard says; ONNX Runtime leaves it \
             out where there is one target",
        );
    }
    if behind(graph, operator)? == Behind::Logistic {
        if trees.transform != trees::Transform::None {
            return Err(operator.fault("its scores are made a probability twice"));
        }
        ensemble.link = Link::Logistic { slope: 1.0 };
    }
    Ok(ensemble)
}

/// The names of the columns of a value; none where its width is open.
fn columns(
    graph: &Graph<'_>,
    reader: &Operator<'_>,
    value: &str,
    steps: usize,
) -> Result<Vec<String>, ImportError> {
    if steps > STEPS_MAX {
        return Err(reader.fault("its input goes round in a circle"));
    }
    if let Some((name, width)) = graph.inputs.iter().find(|(name, _)| *name == value) {
        return Ok(match width {
            Some(1) => vec![(*name).to_owned()],
            Some(width) if *width > FEATURES_MAX => {
                return Err(reader.fault(format!("features are 1 to {FEATURES_MAX}")));
            }
            Some(width) => numbered(*width),
            None => Vec::new(),
        });
    }
    let Some(maker) = graph.maker(value) else {
        let shown: String = value.chars().take(60).collect();
        return Err(reader.fault(format!("nothing makes its input {shown:?}")));
    };
    match (maker.kind, maker.inputs.as_slice()) {
        ("Identity" | "Cast", [input]) => columns(graph, maker, input, steps + 1),
        ("Concat" | "FeatureVectorizer", inputs) if inputs.len() <= FEATURES_MAX => {
            let mut all = Vec::new();
            for input in inputs {
                // Through a chain of joins the same input could be told again and again.
                let mut part = columns(graph, maker, input, steps + 1)?;
                if part.is_empty() || all.len() + part.len() > FEATURES_MAX {
                    return Err(
                        maker.fault("the widths of the columns that it joins are not stated")
                    );
                }
                all.append(&mut part);
            }
            Ok(all)
        }
        _ => Err(maker.fault("it stands before the trees and changes what they read")),
    }
}

/// What follows on the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// Only other forms of the same numbers.
    Nothing,
    /// The logistic function.
    Logistic,
}

/// Looks at what is made of the score: the last output of the operator.
fn behind(graph: &Graph<'_>, operator: &Operator<'_>) -> Result<Behind, ImportError> {
    let mut behind = Behind::Nothing;
    let Some(score) = operator.outputs.last() else {
        return Ok(behind);
    };
    let mut values = vec![*score];
    let mut steps = 0;
    while let Some(value) = values.pop() {
        for reader in graph
            .operators
            .iter()
            .filter(|reader| reader.inputs.contains(&value))
        {
            steps += 1;
            if steps > STEPS_MAX {
                return Err(reader.fault("too many operators stand behind the trees"));
            }
            match reader.kind {
                "Identity"
                | "Cast"
                | "ZipMap"
                | "Reshape"
                | "Flatten"
                | "Squeeze"
                | "Unsqueeze"
                | "ArgMax"
                | "ArrayFeatureExtractor"
                | "Gather"
                | "Slice" => {}
                "Mul" if is_times_one(graph, reader, value)? => {}
                "Sigmoid" => behind = Behind::Logistic,
                _ => return Err(reader.fault("it stands behind the trees and changes the score")),
            }
            values.extend(&reader.outputs);
        }
    }
    Ok(behind)
}

/// Whether an operator multiplies with one, as converters write it for another name.
fn is_times_one(
    graph: &Graph<'_>,
    reader: &Operator<'_>,
    value: &str,
) -> Result<bool, ImportError> {
    let mut others = reader.inputs.iter().filter(|input| **input != value);
    match (others.next(), others.next()) {
        (Some(other), None) => Ok(graph.constant(other)?.as_deref() == Some(&[1.0])),
        _ => Ok(false),
    }
}
