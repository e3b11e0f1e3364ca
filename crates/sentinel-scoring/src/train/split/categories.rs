//! Splits by category: some categories go left, all others right.
//!
//! Categories are put in order of their slope over their curve, smoothed so that a rare one stands near
//! the middle; some from either end go left. Without smoothing this order holds the best division of all.
//! Missing values and the categories without a bin of their own go right. Must never put a category left
//! that no row of the leaf has.

use super::{Rule, Search};
use crate::train::histogram::{curves, slopes};

impl Search<'_> {
    /// Tries the divisions of one feature; the last of the values is the bin of rare categories.
    pub(super) fn categories(&mut self, feature: usize, values: &[i64], counts: &[i64]) {
        let own = values.len().saturating_sub(1);
        let law = self.ground.law;
        let scale = self.ground.scale;
        let smoothing = law.category_smoothing * scale.curve;
        let mut order: Vec<(f64, usize)> = values
            .iter()
            .take(own)
            .enumerate()
            .filter(|(_, cell)| **cell != 0)
            .map(|(bin, cell)| (slopes(*cell) / (curves(*cell) + smoothing), bin))
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut found: Option<(Vec<usize>, i64)> = None;
        for from_end in [false, true] {
            let (mut left, mut rows) = (0_i64, 0_i64);
            let mut bins = Vec::new();
            for place in 0..order.len().min(law.categories_max) {
                let at = if from_end {
                    order.len() - 1 - place
                } else {
                    place
                };
                let bin = order[at].1;
                bins.push(bin);
                left = left.wrapping_add(values[bin]);
                rows += counts.get(bin).copied().unwrap_or(0);
                if self.asked.counts.is_some() && !self.rows_suffice(rows) {
                    continue;
                }
                if let Some(score) = self.score_categories(left)
                    && score > self.best_score
                {
                    self.best_score = score;
                    found = Some((bins.clone(), left));
                }
            }
        }
        if let Some((mut bins, left)) = found {
            bins.sort_unstable();
            self.take(feature, Rule::OneOf(bins), Some(false), left);
        }
    }

    /// The score of a division, drawn to zero more strongly than that of a cut: there are so many of them.
    fn score_categories(&self, left: i64) -> Option<f64> {
        let right = self.asked.total.wrapping_sub(left);
        if curves(left) < self.curve_min || curves(right) < self.curve_min {
            return None;
        }
        let law = self.ground.law;
        if law.is_bounded() {
            return self.score_bounded(left, 0);
        }
        let lambda = self.lambda + law.category_lambda * self.ground.scale.curve;
        let score = |sum: i64| slopes(sum) * slopes(sum) / (curves(sum) + lambda);
        Some(score(left) + score(right))
    }
}
