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

/// The options that shape the model, in one line.
fn spelled(options: &Options) -> String {
    let Options {
        trees_max,
        leaves_max,
        depth_max,
        learning_rate,
        rows_per_leaf_min,
        lambda,
        early_stopping_rounds,
        negative_share,
        forest,
        ..
    } = options;
    format!(
        "trees_max {trees_max}, leaves_max {leaves_max}, depth_max {depth_max}, learning_rate \
         {learning_rate}, rows_per_leaf_min {rows_per_leaf_min}, lambda {lambda}, early_stopping_rounds \
         {early_stopping_rounds}, negative_share {negative_share}, forest_trees {}, forest_rows {}",
        forest.trees, forest.rows
    )
}
