//! The best question to ask of the rows in a leaf.
//!
//! Promises every cut between bins tried with missing values on either side, and the first of equally
//! good ones taken: features in order, missing values right before left, cuts rising; categories lie in
//! `categories`. The answer does not depend on how features were divided among threads. Must never leave
//! fewer rows on a side than was asked, where rows are counted; where they are not, the caller counts.

#![allow(
    clippy::indexing_slicing,
    reason = "a numeric loop over a feature's cells"
)]

mod categories;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::bins::{Column, Cuts};
use super::histogram::{Scale, curves, slopes};
use super::lines::{Blocks, Histogram};

/// What every split of a training has to hold to.
#[derive(Debug, Clone)]
pub(super) struct Law {
    pub(super) rows_min: usize,
    pub(super) curve_min: f64,
    pub(super) gain_min: f64,
    /// How much a step is drawn to zero in proportion to its square, and to its magnitude.
    pub(super) lambda: f64,
    pub(super) alpha: f64,
    pub(super) step_max: f64,
    /// For each feature whether the margin must rise (1) or fall (-1) with it; empty if none must.
    pub(super) monotone: Vec<i8>,
    pub(super) category_smoothing: f64,
    pub(super) category_lambda: f64,
    pub(super) categories_max: usize,
}

impl Law {
    /// Whether a step is more than slope over curve, so that splits are judged by their steps.
    fn is_bounded(&self) -> bool {
        self.alpha > 0.0 || self.step_max < super::options::STEP_MAX || !self.monotone.is_empty()
    }

    /// The step of rows with these sums, within a range.
    pub(super) fn step(&self, (slope, curve): (f64, f64), (least, most): (f64, f64)) -> f64 {
        let pull = (slope.abs() - self.alpha).max(0.0);
        let downhill = if slope < 0.0 { pull } else { -pull };
        let step = (downhill / (curve + self.lambda)).clamp(-self.step_max, self.step_max);
        // Zero rows of no curve give no number.
        if step.is_nan() {
            0.0
        } else {
            step.max(least).min(most)
        }
    }

    /// Twice the loss that a step takes away.
    fn worth(&self, (slope, curve): (f64, f64), step: f64) -> f64 {
        let pulled = 2.0 * self.alpha * step.abs();
        -(2.0 * slope * step + (curve + self.lambda) * step * step + pulled)
    }

    fn monotone_of(&self, feature: usize) -> i8 {
        self.monotone.get(feature).copied().unwrap_or(0)
    }
}

/// Which rows go left.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    /// Those in bins up to this one.
    UpTo(usize),
    /// Those in these bins, rising.
    OneOf(Vec<usize>),
}

/// A question, and what comes of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) gain: f64,
    pub(super) feature: usize,
    pub(super) rule: Rule,
    /// Where missing values go; nothing where the leaf has none to learn from.
    pub(super) missing_left: Option<bool>,
    /// The sums of the rows that go left.
    pub(super) left: i64,
}

/// The leaf whose question is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) total: i64,
    pub(super) rows: usize,
    /// What its step, and those of the leaves below it, must lie within.
    pub(super) range: (f64, f64),
    /// The features that may be asked about; all where nothing is said.
    pub(super) features: Option<&'a [bool]>,
    /// The rows of each cell, where they were counted.
    pub(super) counts: Option<&'a Histogram>,
}

/// What the search for splits needs to know of the training.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) columns: &'a [Column],
    pub(super) blocks: &'a Blocks,
    pub(super) law: &'a Law,
    pub(super) scale: Scale,
}

/// Finds the best split within some groups; `cells` are those of these groups.
pub(super) fn best(
    ground: Ground<'_>,
    asked: Asked<'_>,
    groups: Range<usize>,
    cells: &[Vec<i64>],
) -> Option<Candidate> {
    if asked.rows < 2 * ground.law.rows_min {
        return None;
    }
    let mut search = Search::new(ground, asked);
    let counts = asked.counts.map(|counts| &counts[groups.clone()]);
    for (place, group) in ground.blocks.groups[groups].iter().enumerate() {
        for (lane, feature) in group.features.iter().enumerate() {
            if asked.features.is_some_and(|features| !features[*feature]) {
                continue;
            }
            let of_lane = group.cells(lane);
            let counts = counts.map(|counts| &counts[place][of_lane.clone()]);
            search.feature(*feature, &cells[place][of_lane], counts.unwrap_or_default());
        }
    }
    search.best
}

/// The better of two; the first of equals, or the one of the earlier feature.
pub(super) fn better(a: Option<Candidate>, b: Option<Candidate>) -> Option<Candidate> {
    match (a, b) {
        (Some(a), Some(b)) => {
            let b_first = b.gain > a.gain || b.gain == a.gain && b.feature < a.feature;
            Some(if b_first { b } else { a })
        }
        (a, b) => a.or(b),
    }
}

/// A cut on the way along a feature's cells.
#[derive(Debug, Clone, Copy)]
struct Cut {
    bin: usize,
    missing_left: bool,
    left: i64,
}

struct Search<'a> {
    ground: Ground<'a>,
    asked: Asked<'a>,
    /// Slopes and curves of the leaf, in units.
    total: (f64, f64),
    lambda: f64,
    curve_min: f64,
    /// From a score in units to twice a loss.
    measure: f64,
    /// The least score that is a gain, in units.
    least: f64,
    best: Option<Candidate>,
    best_score: f64,
}

impl<'a> Search<'a> {
    fn new(ground: Ground<'a>, asked: Asked<'a>) -> Self {
        let (law, scale) = (ground.law, ground.scale);
        let total = (slopes(asked.total), curves(asked.total));
        let lambda = law.lambda * scale.curve;
        let measure = scale.curve / (scale.slope * scale.slope);
        let parent = if law.is_bounded() {
            let sums = scale.unpack(asked.total);
            law.worth(sums, law.step(sums, asked.range)) / measure
        } else {
            total.0 * total.0 / (total.1 + lambda)
        };
        let least = parent + 2.0 * law.gain_min / measure;
        Self {
            ground,
            asked,
            total,
            lambda,
            curve_min: (law.curve_min * scale.curve).max(1.0),
            measure,
            least,
            best: None,
            best_score: least,
        }
    }

    fn feature(&mut self, feature: usize, cells: &[i64], counts: &[i64]) {
        let (Some((missing, values)), counts) = (
            cells.split_last(),
            counts
                .split_last()
                .map_or((0, counts), |(last, rest)| (*last, rest)),
        ) else {
            return;
        };
        if let Cuts::Categories(_) = self.ground.columns[feature].cuts {
            self.categories(feature, values, counts.1);
            return;
        }
        let bounded = self.ground.law.is_bounded();
        let mut found = None;
        for missing_left in [false, true] {
            if missing_left && *missing == 0 {
                break;
            }
            let start = if missing_left {
                (*missing, counts.0)
            } else {
                (0, 0)
            };
            let cut = match (bounded, self.asked.counts.is_some()) {
                (false, false) => self.scan::<false>(values, counts.1, start),
                (false, true) => self.scan::<true>(values, counts.1, start),
                (true, _) => self.scan_bounded(feature, values, counts.1, start),
            };
            found = cut
                .map(|(bin, left)| Cut {
                    bin,
                    missing_left,
                    left,
                })
                .or(found);
        }
        if let Some(cut) = found {
            let missing_left = (*missing != 0).then_some(cut.missing_left);
            self.take(feature, Rule::UpTo(cut.bin), missing_left, cut.left);
        }
    }

    /// Walks the cuts of a feature from the sums that are left of all of them. The last cut that beats the
    /// best so far comes back.
    fn scan<const COUNTED: bool>(
        &mut self,
        values: &[i64],
        counts: &[i64],
        start: (i64, i64),
    ) -> Option<(usize, i64)> {
        let (total_slope, total_curve) = self.total;
        let (mut left, mut rows) = start;
        let mut floor = self.floor();
        let mut found = None;
        for (bin, cell) in values.iter().enumerate() {
            // An empty bin asks the same question as the one before it.
            if *cell == 0 {
                continue;
            }
            left = left.wrapping_add(*cell);
            if COUNTED {
                rows += counts[bin];
                if !self.rows_suffice(rows) {
                    continue;
                }
            }
            let curve_left = curves(left);
            let curve_right = total_curve - curve_left;
            if curve_right < self.curve_min {
                break;
            }
            if curve_left < self.curve_min {
                continue;
            }
            let slope_left = slopes(left);
            let slope_right = total_slope - slope_left;
            let over_left = curve_left + self.lambda;
            let over_right = curve_right + self.lambda;
            // Both fractions over one denominator, and the comparison without a division.
            let over = over_left * over_right;
            let score =
                slope_left * slope_left * over_right + slope_right * slope_right * over_left;
            if score > floor * over {
                let score = score / over;
                if score > self.best_score {
                    self.best_score = score;
                    floor = self.floor();
                    found = Some((bin, left));
                }
            }
        }
        found
    }

    /// Slightly below the best score: what passes is compared exactly.
    fn floor(&self) -> f64 {
        self.best_score - self.best_score.abs() * 1e-12
    }

    /// As [`scan`](Self::scan), judging by the steps that both sides may take.
    fn scan_bounded(
        &mut self,
        feature: usize,
        values: &[i64],
        counts: &[i64],
        start: (i64, i64),
    ) -> Option<(usize, i64)> {
        let monotone = self.ground.law.monotone_of(feature);
        let (mut left, mut rows) = start;
        let mut found = None;
        for (bin, cell) in values.iter().enumerate() {
            if *cell == 0 {
                continue;
            }
            left = left.wrapping_add(*cell);
            rows += counts.get(bin).copied().unwrap_or(0);
            if self.asked.counts.is_some() && !self.rows_suffice(rows) {
                continue;
            }
            if let Some(score) = self.score_bounded(left, monotone)
                && score > self.best_score
            {
                self.best_score = score;
                found = Some((bin, left));
            }
        }
        found
    }

    fn score_bounded(&self, left: i64, monotone: i8) -> Option<f64> {
        let right = self.asked.total.wrapping_sub(left);
        if curves(left) < self.curve_min || curves(right) < self.curve_min {
            return None;
        }
        let (law, scale) = (self.ground.law, self.ground.scale);
        let (left, right) = (scale.unpack(left), scale.unpack(right));
        let step_left = law.step(left, self.asked.range);
        let step_right = law.step(right, self.asked.range);
        if f64::from(monotone) * (step_right - step_left) < 0.0 {
            return None;
        }
        Some((law.worth(left, step_left) + law.worth(right, step_right)) / self.measure)
    }

    #[allow(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "a count of at most 2^26 rows"
    )]
    fn rows_suffice(&self, left: i64) -> bool {
        let (left, least) = (left as usize, self.ground.law.rows_min);
        left >= least && self.asked.rows - left >= least
    }

    /// Takes what has just become the best.
    fn take(&mut self, feature: usize, rule: Rule, missing_left: Option<bool>, left: i64) {
        let parent = self.least - 2.0 * self.ground.law.gain_min / self.measure;
        self.best = Some(Candidate {
            gain: (self.best_score - parent) * self.measure / 2.0,
            feature,
            rule,
            missing_left,
            left,
        });
    }
}
