//! `TreeEnsemble` of ai.onnx.ml 5: leaves apart from branches, sets beside comparisons.
//!
//! Promises the same [`Trees`] as the older operators give. A leaf may be named by several branches, which
//! the operator allows: each gets one of its own.

use super::super::value::whole;
use super::graph::Operator;
use super::trees::{Branch, Mode, Transform, Trees};
use crate::error::ImportError;

/// The trees of an operator.
pub(super) fn read(operator: &Operator<'_>) -> Result<Trees, ImportError> {
    if operator.integer("n_targets", 1)? != 1 {
        return Err(operator.fault("several targets; one score is needed"));
    }
    let mut branches = branches(operator)?;
    let count = branches.len();
    add_leaves(operator, &mut branches)?;
    let averaged = match operator.integer("aggregate_function", 1)? {
        0 => true,
        1 => false,
        other => return Err(operator.fault(format!("aggregate_function {other} is no sum"))),
    };
    let transform = match operator.integer("post_transform", 0)? {
        0 => Transform::None,
        2 => Transform::Logistic,
        other => {
            return Err(operator.fault(format!("post_transform {other} is not understood here")));
        }
    };
    let roots = operator.integers("tree_roots")?;
    let roots = roots.iter().map(|root| {
        let place = usize::try_from(*root).ok().filter(|root| *root < count);
        place.ok_or_else(|| operator.fault(format!("there is no root {root}")))
    });
    Ok(Trees {
        roots: roots.collect::<Result<_, _>>()?,
        branches,
        base: 0.0,
        transform,
        averaged,
    })
}

/// The branches, with `when_true` and `when_false` as the operator names them.
fn branches(operator: &Operator<'_>) -> Result<Vec<Branch>, ImportError> {
    let modes = operator.numbers("nodes_modes")?;
    let count = modes.len();
    let integers = |name: &str| {
        let numbers = operator.integers(name)?;
        if numbers.len() == count {
            return Ok(numbers);
        }
        let found = numbers.len();
        Err(operator.fault(format!("{name} has {found} entries, nodes_modes {count}")))
    };
    let tracks = if operator.has("nodes_missing_value_tracks_true") {
        integers("nodes_missing_value_tracks_true")?
    } else {
        vec![0; count]
    };
    let splits = operator.numbers("nodes_splits")?;
    if splits.len() != count {
        return Err(operator.fault("nodes_splits has not one entry a node"));
    }
    let sets = operator.numbers("membership_values")?;
    let mut sets = sets.split(|value| value.is_nan());
    let features = integers("nodes_featureids")?;
    let (on_true, on_false) = (
        integers("nodes_truenodeids")?,
        integers("nodes_falsenodeids")?,
    );
    let place = |number: &i64| usize::try_from(*number).unwrap_or(usize::MAX);
    let questions = modes.iter().zip(&splits).zip(&features).zip(&tracks);
    let mut branches = Vec::new();
    for ((((mode, split), feature), tracks), (on_true, on_false)) in
        questions.zip(on_true.iter().zip(&on_false))
    {
        let mode = mode_of(*mode).map_err(|problem| operator.fault(problem))?;
        let members = if mode == Mode::Member {
            codes(sets.next().unwrap_or_default()).map_err(|problem| operator.fault(problem))?
        } else {
            Vec::new()
        };
        branches.push(Branch {
            feature: place(feature),
            mode,
            value: *split,
            members,
            missing_tracks_true: *tracks != 0,
            when_true: place(on_true),
            when_false: place(on_false),
            leaf: 0.0,
        });
    }
    Ok(branches)
}

fn mode_of(number: f64) -> Result<Mode, String> {
    const MODES: [Mode; 7] = [
        Mode::AtMost,
        Mode::Below,
        Mode::AtLeast,
        Mode::Above,
        Mode::Equal,
        Mode::NotEqual,
        Mode::Member,
    ];
    let mode = whole(number).and_then(|number| MODES.get(number).copied());
    mode.ok_or_else(|| format!("there is no mode {number}"))
}

fn codes(set: &[f64]) -> Result<Vec<u32>, String> {
    let code = |value: &f64| {
        let code = whole(*value).and_then(|code| u32::try_from(code).ok());
        code.ok_or_else(|| format!("a set names {value}, which is no code of a category"))
    };
    set.iter().map(code).collect()
}

/// Puts a leaf behind the branches for each side that ends there.
fn add_leaves(operator: &Operator<'_>, branches: &mut Vec<Branch>) -> Result<(), ImportError> {
    let weights = operator.numbers("leaf_weights")?;
    let (ends_true, ends_false) = (
        operator.integers("nodes_trueleafs")?,
        operator.integers("nodes_falseleafs")?,
    );
    let count = branches.len();
    if [ends_true.len(), ends_false.len()] != [count; 2] {
        return Err(operator.fault("nodes_trueleafs and nodes_falseleafs have one entry a node"));
    }
    let mut leaves = Vec::new();
    let mut leaf = |place: &mut usize| -> Result<(), ImportError> {
        let Some(weight) = weights.get(*place) else {
            return Err(operator.fault("a branch leads to a leaf that is not there"));
        };
        *place = count + leaves.len();
        leaves.push(Branch {
            feature: 0,
            mode: Mode::Leaf,
            value: 0.0,
            members: Vec::new(),
            missing_tracks_true: false,
            when_true: usize::MAX,
            when_false: usize::MAX,
            leaf: *weight,
        });
        Ok(())
    };
    for ((branch, ends_true), ends_false) in branches.iter_mut().zip(&ends_true).zip(&ends_false) {
        if *ends_true != 0 {
            leaf(&mut branch.when_true)?;
        } else if branch.when_true >= count {
            branch.when_true = usize::MAX;
        }
        if *ends_false != 0 {
            leaf(&mut branch.when_false)?;
        } else if branch.when_false >= count {
            branch.when_false = usize::MAX;
        }
    }
    branches.append(&mut leaves);
    Ok(())
}
