//! Learning a model: the flags that `sentinel train` and `sentinel evaluate` share, and the one call.
//!
//! Promises that both commands learn alike: the same rows and flags give the same model, byte for byte.

use std::io::IsTerminal;
use std::time::Instant as Stopwatch;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sentinel_features::FeatureSet;
use sentinel_scoring::Model;
use sentinel_scoring::train::{Monotone, Options, Report, TrainingSet, train_by};

use crate::commands::usage;
use crate::threads::Threads;

/// How to learn.
#[derive(Args, Debug, Clone)]
pub struct LearnArguments {
    /// The most trees.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub trees: usize,
    /// The most leaves a tree.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub leaves: usize,
    /// The most splits between root and leaf.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub depth: usize,
    /// How much of each step a tree takes.
    #[arg(long, value_name = "RATE", default_value_t = 0.05)]
    pub learning_rate: f64,
    /// How much a leaf is drawn to zero (L2).
    #[arg(long, value_name = "WEIGHT", default_value_t = 10.0)]
    pub lambda: f64,
    /// The share of rows that each tree learns from.
    #[arg(long, value_name = "SHARE", default_value_t = 0.7)]
    pub rows_per_tree: f64,
    /// The share of features that each tree may ask about.
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    pub features_per_tree: f64,
    /// The most bins a feature is cut into.
    #[arg(long, value_name = "N", default_value_t = 255)]
    pub bins: usize,
    /// How many times a fraud counts; the prior is corrected for it.
    #[arg(long, value_name = "TIMES", default_value_t = 1.0)]
    pub fraud_weight: f64,
    /// A feature with which the score may only rise, or only fall; may be given several times.
    #[arg(long, value_name = "FEATURE=rising|falling", value_parser = monotone)]
    pub monotone: Vec<(String, Monotone)>,
    /// The share of legitimate rows to learn from; the prior is corrected for it.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    pub negative_share: f64,
    /// The shares of the boosted trees and of the isolation forest in the log-odds; 0 leaves one out.
    #[arg(long, value_name = "BOOSTED,FOREST", value_parser = weights, default_value = "0.7,0.3")]
    pub weights: Weights,
    /// Stop after so many trees that made the validation slice no better; 0 grows all.
    #[arg(long, value_name = "TREES", default_value_t = 30)]
    pub patience: usize,
    /// Threads that train; the model does not depend on it [default: one a processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// How much each member of a model counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    boosted: f64,
    forest: f64,
}

/// `0.7,0.3`.
fn weights(text: &str) -> Result<Weights, String> {
    let unfit = || "expected two shares, not both 0, such as 0.7,0.3".to_owned();
    let (boosted, forest) = text.split_once(',').ok_or_else(unfit)?;
    let share = |text: &str| {
        let read = text.trim().parse::<f64>().ok();
        read.filter(|share| (0.0..=1.0).contains(share))
            .ok_or_else(unfit)
    };
    let (boosted, forest) = (share(boosted)?, share(forest)?);
    if boosted + forest == 0.0 {
        return Err(unfit());
    }
    Ok(Weights { boosted, forest })
}

/// `card_count_1h=rising`.
fn monotone(text: &str) -> Result<(String, Monotone), String> {
    match text.rsplit_once('=') {
        Some((feature, "rising")) => Ok((feature.to_owned(), Monotone::Rising)),
        Some((feature, "falling")) => Ok((feature.to_owned(), Monotone::Falling)),
        _ => Err("expected a feature and a direction, such as card_count_1h=rising".to_owned()),
    }
}

/// A model with how it came about.
pub struct Learnt {
    /// The model.
    pub model: Model,
    /// What training says of it.
    pub report: Report,
    /// How long training took.
    pub seconds: f64,
}

impl LearnArguments {
    /// The threads that train.
    pub fn threads(&self) -> Threads {
        let named = self
            .threads
            .map(|threads| Threads::new(usize::from(threads)));
        named.unwrap_or_else(Threads::available)
    }

    /// The options of a training with this seed, for a model of this name. `card` says what was learned
    /// from; its values are made fit for a card, whatever a file is called.
    pub fn options(&self, seed: u64, name: &str, card: &[(&str, String)]) -> Options {
        Options {
            trees_max: self.trees,
            leaves_max: self.leaves,
            depth_max: self.depth,
            learning_rate: self.learning_rate,
            negative_share: self.negative_share,
            lambda: self.lambda,
            bagging_share: self.rows_per_tree,
            features_per_tree: self.features_per_tree,
            bins_max: self.bins,
            fraud_weight: self.fraud_weight,
            monotone: self.monotone.clone(),
            early_stopping_rounds: self.patience,
            boosted_weight: self.weights.boosted,
            forest_weight: self.weights.forest,
            card: card
                .iter()
                .map(|(key, value)| ((*key).to_owned(), plain(value)))
                .collect(),
            seed,
            name: name.to_owned(),
            ..Options::default()
        }
    }
}

/// A text without what a card refuses.
fn plain(text: &str) -> String {
    let letters = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter });
    let short: String = letters.take(VALUE_LETTERS_MAX).collect();
    match short.trim() {
        "" => "unnamed".to_owned(),
        text => text.to_owned(),
    }
}

/// The longest value that goes on a card: a letter has four bytes at most.
const VALUE_LETTERS_MAX: usize = 250;

/// A training set of these features that holds no row yet: the one place that says what a set is like.
/// Attributes that are words are codes, not quantities.
pub fn empty_set(features: &FeatureSet) -> TrainingSet {
    TrainingSet {
        features: features.names().into_iter().map(str::to_owned).collect(),
        categorical: features.categorical(),
        ..TrainingSet::default()
    }
}

/// Learns a model; a terminal sees how far it is.
pub fn learn(set: &TrainingSet, options: &Options, threads: Threads) -> anyhow::Result<Learnt> {
    let bar = progress_bar("tree {pos} of {len}", Some(options.trees_max as u64));
    let started = Stopwatch::now();
    let trained = train_by(set, options, &threads, &mut |progress| {
        bar.set_position(progress.trees as u64);
    });
    bar.finish_and_clear();
    let (model, report) = trained.context("train")?;
    Ok(Learnt {
        model,
        report,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// A bar on standard error where that is a terminal.
pub fn progress_bar(what: &str, length: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(10));
    let style = ProgressStyle::with_template(&format!(
        "{{bar:30}} {what}, {{elapsed}} elapsed, {{eta}} left"
    ));
    bar.with_style(style.unwrap_or(ProgressStyle::default_bar()))
}

/// Refuses a share of the rows that leaves nothing to learn from.
pub fn check_validation_share(share: f64, least: f64) -> anyhow::Result<()> {
    if share == 0.0 && least == 0.0 || (0.05..=0.9).contains(&share) {
        return Ok(());
    }
    let or_none = if least == 0.0 { "0, or " } else { "" };
    Err(usage(format!(
        "--validation-share must be {or_none}between 0.05 and 0.9"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_two_shares() {
        assert_eq!(
            weights("0.7,0.3"),
            Ok(Weights {
                boosted: 0.7,
                forest: 0.3
            })
        );
        assert_eq!(
            weights("1, 0"),
            Ok(Weights {
                boosted: 1.0,
                forest: 0.0
            })
        );
        for text in ["", "1", "0,0", "1,2", "-1,1", "a,b", "NaN,1", "0.5,0.3,0.2"] {
            assert!(weights(text).is_err(), "{text}");
        }
    }

    #[test]
    fn any_file_name_fits_on_a_card() {
        assert_eq!(plain(" a\nb "), "a b");
        assert_eq!(plain("\t"), "unnamed");
        assert_eq!(plain(&"\u{1f600}".repeat(400)).len(), 1_000);
    }
}
