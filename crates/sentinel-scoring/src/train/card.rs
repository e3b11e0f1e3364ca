//! What training writes on the card of its model: what it learned from, how, and how well.
//!
//! The caller's entries come first (the data's name, its time range, the label delay, ...). Promises the
//! same card for the same rows and options. Must never hold a time of the clock.

use super::{Options, Report, TrainingSet};
use crate::card::Card;
use crate::error::TrainError;

/// The card.
pub(super) fn write(
    set: &TrainingSet,
    options: &Options,
    report: &Report,
) -> Result<Card, TrainError> {
    let mut card = Card::default();
    let mut add = |key: &str, value: String| {
        card.add(key, &value)
            .map_err(|problem| TrainError::Card { problem })
    };
    for (key, value) in &options.card {
        add(key, value.clone())?;
    }
    add("rows", set.validation_from.to_string())?;
    let learned = set.fraud.iter().take(set.validation_from);
    add("fraud", learned.filter(|fraud| **fraud).count().to_string())?;
    add("rows_used", report.rows.to_string())?;
    add("validation_rows", report.validation_rows.to_string())?;
    add("validation_fraud", report.validation_fraud.to_string())?;
    add("seed", options.seed.to_string())?;
    add("options", spelled(options))?;
    for member in &report.members {
        let key = member.kind.replace('-', "_");
        let figures = format!(
            "weight {} trees {} auc {:.4} average_precision {:.4}",
            member.weight, member.trees, member.auc, member.average_precision
        );
        add(&key, figures)?;
    }
    for (key, figure) in [
        ("auc", report.auc),
        ("average_precision", report.average_precision),
        ("recall_at_one_percent", report.recall_at_one_percent),
        ("recall_at_one_per_mille", report.recall_at_one_per_mille),
        ("log_loss", report.log_loss),
    ] {
        add(key, format!("{figure:.4}"))?;
    }
    Ok(card)
}

/// The options that shape the model, in one line: the usual ones, and those that are not as they are by default.
fn spelled(options: &Options) -> String {
    let usual = Options::default();
    let Options {
        trees_max,
        leaves_max,
        depth_max,
        learning_rate,
        rows_per_leaf_min,
        lambda,
        bagging_share,
        features_per_tree,
        early_stopping_rounds,
        forest,
        ..
    } = options;
    let mut line = format!(
        "trees_max {trees_max}, leaves_max {leaves_max}, depth_max {depth_max}, learning_rate \
         {learning_rate}, rows_per_leaf_min {rows_per_leaf_min}, lambda {lambda}, bagging_share \
         {bagging_share}, features_per_tree {features_per_tree}, early_stopping_rounds \
         {early_stopping_rounds}, forest_trees {}, forest_rows {}",
        forest.trees, forest.rows
    );
    for (name, value, default) in [
        ("alpha", options.alpha, usual.alpha),
        ("gain_min", options.gain_min, usual.gain_min),
        ("step_max", options.step_max, usual.step_max),
        (
            "hessian_per_leaf_min",
            options.hessian_per_leaf_min,
            usual.hessian_per_leaf_min,
        ),
        (
            "negative_share",
            options.negative_share,
            usual.negative_share,
        ),
        ("fraud_weight", options.fraud_weight, usual.fraud_weight),
        (
            "features_per_split",
            options.features_per_split,
            usual.features_per_split,
        ),
    ] {
        if value != default {
            line += &format!(", {name} {value}");
        }
    }
    if options.bins_max != usual.bins_max {
        line += &format!(", bins_max {}", options.bins_max);
    }
    if !options.monotone.is_empty() {
        line += &format!(", monotone features {}", options.monotone.len());
    }
    line
}
