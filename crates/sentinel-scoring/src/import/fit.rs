//! From a foreign margin to our maps: log-odds, probability, and the anchors of risk.
//!
//! Promises maps that rise, so that no two rows change their order, and anchors that come from rows where
//! there are any. Must never hide a guess: anchors without rows are named as one.

use sentinel_domain::LogOdds;

use super::ensemble::{Ensemble, Link};
use super::{Foreign, Sample, neural};
use crate::error::ImportError;
use crate::maps::{Affine, Calibration, logistic};
use crate::model::Model;
use crate::models::tree::{Node, Tree};
use crate::scorer::Sum;
use crate::train::calibrate;

/// Log-odds of a probability of one in a hundred.
const LOG_ODDS_OF_ONE_PERCENT: f64 = 4.595_119_850_134_59;

/// The log-odds between which a probability is turned back exactly enough; one in a million.
const CALIBRATED: f64 = 14.0;

/// Pieces of that calibration.
const PIECES: u32 = 1000;

/// The least distance between two guessed anchors.
const ANCHOR_GAP: f64 = 1.0 / 1024.0;

impl Foreign {
    /// From the foreign margin to log-odds. A probability is laid on the line through its own log-odds at
    /// 1 %, 50 % and 99 %: contributions have to add up, so no bent map can stand here.
    pub(super) fn map(&self) -> Affine {
        match self.ensemble.link {
            Link::Logistic { slope } => Affine {
                slope,
                intercept: 0.0,
            },
            Link::Probability => {
                let slope = LOG_ODDS_OF_ONE_PERCENT / 0.49;
                Affine {
                    slope,
                    intercept: -0.5 * slope,
                }
            }
            Link::Plain => Affine::IDENTITY,
        }
    }

    /// From log-odds to the log-odds of the probability.
    pub(super) fn calibration(&self) -> Calibration {
        if self.ensemble.link != Link::Probability {
            return Calibration::straight(Affine::IDENTITY);
        }
        let map = self.map();
        let knots = (0..=PIECES).map(|piece| {
            let log_odds = CALIBRATED * (2.0 * f64::from(piece) / f64::from(PIECES) - 1.0);
            (map.at(logistic(log_odds)), log_odds)
        });
        let share = logistic(-CALIBRATED);
        let slope_at_end = 1.0 / (map.slope * share * (1.0 - share));
        Calibration {
            slope_below: slope_at_end,
            slope_above: slope_at_end,
            knots: knots.collect(),
        }
    }

    /// The log-odds of a sample.
    pub(super) fn sampled(
        &self,
        bare: &Model,
        sample: Sample<'_>,
    ) -> Result<Vec<LogOdds>, ImportError> {
        let names: Vec<&str> = self.features().iter().map(String::as_str).collect();
        let width = names.len();
        let rows = sample.rows.len() / width;
        let fits = sample.rows.len().is_multiple_of(width)
            && sample.fraud.is_none_or(|fraud| fraud.len() == rows);
        if !fits || rows == 0 {
            let problem = "the sample is not a row of every feature and a label each".to_owned();
            return Err(ImportError::Whole { problem });
        }
        let scorer = bare.bind(&names)?;
        let rows = sample.rows.chunks_exact(width);
        Ok(rows.map(|row| scorer.score(row).log_odds).collect())
    }

    /// Anchors where nothing but the model is known: the log-odds are taken for a normal distribution. Its
    /// deviation lies between that of trees that say the same and that of trees that know nothing of each
    /// other; the geometric mean of the two is taken.
    pub(super) fn guessed_anchors(
        &self,
        rates: &[f64; 4],
        notes: &mut Vec<String>,
    ) -> [LogOdds; 4] {
        if self.is_network() {
            return neural::guessed_anchors(notes);
        }
        notes.push(
            "the anchors of risk are guessed from the leaves; name a sample of rows to set them: tiers mean \
             little before"
                .to_owned(),
        );
        let (mean, deviation) = spread(&self.ensemble);
        let map = self.map();
        let mut below = f64::NEG_INFINITY;
        rates.map(|rate| {
            let margin = mean + deviation * normal_quantile(rate);
            let anchor = map.at(margin).max(below + ANCHOR_GAP);
            below = anchor;
            LogOdds::from_f64(anchor)
        })
    }
}

/// Anchors at the rates of a sample with these log-odds.
pub(super) fn sampled_anchors(
    log_odds: &[LogOdds],
    sample: Sample<'_>,
    rates: &[f64; 4],
    notes: &mut Vec<String>,
) -> [LogOdds; 4] {
    if let Some(fraud) = sample.fraud {
        return calibrate::anchors(log_odds, fraud, rates);
    }
    let rows = log_odds.len();
    notes.push(format!(
        "the anchors of risk stand at shares of all {rows} rows of the sample, since it has no labels: each \
         counts as legitimate"
    ));
    calibrate::anchors(log_odds, &vec![false; rows], rates)
}

/// Log-odds as support counts them: one member never disagrees with itself.
pub(super) fn sums(log_odds: &[LogOdds]) -> Vec<Sum> {
    let sum = |log_odds: &LogOdds| Sum {
        log_odds: *log_odds,
        spread: 0.0,
    };
    log_odds.iter().map(sum).collect()
}

/// Mean and deviation of the margin over the rows that the leaves cover.
fn spread(ensemble: &Ensemble) -> (f64, f64) {
    let (mut mean, mut alike, mut apart) = (ensemble.base, 0.0, 0.0);
    for tree in &ensemble.trees {
        let (tree_mean, variance) = moments(tree);
        mean += tree_mean;
        alike += libm::sqrt(variance);
        apart += variance;
    }
    (mean, libm::sqrt(alike * libm::sqrt(apart)))
}

/// Mean and variance of a tree's leaves, weighted by the rows they cover.
#[allow(clippy::cast_precision_loss, reason = "covers are at most 2^40")]
fn moments(tree: &Tree) -> (f64, f64) {
    let leaves = || {
        tree.nodes().iter().filter_map(|node| match node {
            Node::Leaf { value, cover } => Some((*value, *cover as f64)),
            Node::Split(_) => None,
        })
    };
    let covered: f64 = leaves().map(|(_, cover)| cover).sum();
    let mean = leaves().map(|(value, cover)| value * cover).sum::<f64>() / covered;
    let squares = leaves().map(|(value, cover)| (value - mean) * (value - mean) * cover);
    (mean, squares.sum::<f64>() / covered)
}

/// The point above which this share of a standard normal distribution lies, by halving.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        let above = 0.5 * libm::erfc(middle / std::f64::consts::SQRT_2);
        if above > share {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (share, quantile) in [(0.5, 0.0), (0.02, 2.053_749), (0.001, 3.090_232)] {
            assert!((normal_quantile(share) - quantile).abs() < 1e-6, "{share}");
        }
    }
}
