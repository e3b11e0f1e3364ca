//! The best question to ask of the rows in a leaf.
//!
//! Promises every cut between bins tried with missing values on either side, and the first of equally
//! good ones taken: features in order, cuts rising, missing values right before left. Must never
//! leave fewer rows on a side than was asked.

#![allow(
    clippy::indexing_slicing,
    reason = "a numeric loop over a feature's cells"
)]

use super::histogram::{Histogram, Layout, Scale, Sums};

/// The least sum of second derivatives on a side: below it a step has no measure.
const CURVE_MIN: f64 = 1e-3;

/// The least loss that a split must take away.
const GAIN_MIN: f64 = 1e-6;

/// What a split must hold to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) rows_min: usize,
    pub(super) lambda: f64,
}

/// A question, and what comes of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) gain: f64,
    pub(super) feature: usize,
    /// Rows in bins up to this one go left.
    pub(super) bin: usize,
    pub(super) missing_left: bool,
    pub(super) left: Sums,
}

/// Finds the best split of a leaf whose rows sum to `total`.
pub(super) fn best(
    histogram: &Histogram,
    layout: &Layout,
    features: usize,
    total: Sums,
    scale: Scale,
    bounds: Bounds,
) -> Option<Candidate> {
    if total.rows() < 2 * bounds.rows_min {
        return None;
    }
    let mut search = Search {
        total,
        parent: score(total, scale, bounds.lambda) + GAIN_MIN,
        scale,
        bounds,
        best: None,
        best_score: f64::NEG_INFINITY,
    };
    for feature in 0..features {
        search.feature(feature, &histogram.cells[layout.of(feature)]);
    }
    search.best
}

/// How far the loss falls, twice over, when rows of these sums get their own step.
fn score(sums: Sums, scale: Scale, lambda: f64) -> f64 {
    let slope = Scale::slope(sums);
    slope * slope / (scale.curve(sums) + lambda)
}

struct Search {
    total: Sums,
    parent: f64,
    scale: Scale,
    bounds: Bounds,
    best: Option<Candidate>,
    best_score: f64,
}

impl Search {
    fn feature(&mut self, feature: usize, cells: &[Sums]) {
        let Some((missing, values)) = cells.split_last() else {
            return;
        };
        let mut left = Sums::default();
        for (bin, cell) in values.iter().enumerate() {
            // An empty bin asks the same question as the one before it.
            if cell.rows() == 0 {
                continue;
            }
            left.add(*cell);
            if missing.rows() == 0 {
                // No missing value to learn from: those to come go with the more rows.
                let missing_left = 2 * left.rows() >= self.total.rows();
                self.consider(feature, bin, missing_left, left);
            } else {
                self.consider(feature, bin, false, left);
                let mut with_missing = left;
                with_missing.add(*missing);
                self.consider(feature, bin, true, with_missing);
            }
        }
    }

    #[inline]
    fn consider(&mut self, feature: usize, bin: usize, missing_left: bool, left: Sums) {
        let right = self.total.without(left);
        if left.rows() < self.bounds.rows_min || right.rows() < self.bounds.rows_min {
            return;
        }
        let (slope_left, slope_right) = (Scale::slope(left), Scale::slope(right));
        let (curve_left, curve_right) = (self.scale.curve(left), self.scale.curve(right));
        if curve_left < CURVE_MIN || curve_right < CURVE_MIN {
            return;
        }
        let over_left = curve_left + self.bounds.lambda;
        let over_right = curve_right + self.bounds.lambda;
        // Both fractions over one denominator: one division instead of two.
        let score = (slope_left * slope_left * over_right + slope_right * slope_right * over_left)
            / (over_left * over_right);
        if score > self.best_score && score > self.parent {
            self.best_score = score;
            let gain = (score - self.parent) / 2.0;
            self.best = Some(Candidate {
                gain,
                feature,
                bin,
                missing_left,
                left,
            });
        }
    }
}
