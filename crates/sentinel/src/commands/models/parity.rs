//! A model against what another program says of the same rows.
//!
//! Programs that add in f32 round in proportion to the sum, so a deviation is the difference where the sum is
//! small, and its share of the sum where that is above 1.
//!
//! **Promises** that a difference which is no number counts as a difference: two that are both missing are
//! equal, one that is missing is a mismatch. **Must never** compare what does not mean the same.

use sentinel_scoring::Model;
use sentinel_scoring::import::{Foreign, Meaning};
use serde::Serialize;

use super::sample::Sample;

/// What came out of comparing.
#[derive(Debug, Serialize)]
pub struct Parity {
    /// Rows compared.
    pub rows: usize,
    /// Values that the engine rounds to f32.
    pub rounded_values: usize,
    /// The margins; `None` where the sample has none.
    pub raw: Option<Difference>,
    /// The probabilities; `None` where the sample has none, or the model gives none.
    pub probability: Option<Difference>,
}

/// How far two columns lie apart.
#[derive(Debug, Default, Serialize)]
pub struct Difference {
    /// The largest deviation, which the bound holds for.
    pub deviation_max: f64,
    /// The largest difference.
    pub difference_max: f64,
    /// The mean difference.
    pub difference_mean: f64,
    /// Rows where one of the two is no number.
    pub nan_mismatches: usize,
    /// The row of the largest deviation, counted from 1.
    pub worst_row: usize,
    /// What we say of it.
    pub worst_ours: f64,
    /// What the other program says of it.
    pub worst_theirs: f64,
    rows: usize,
}

impl Difference {
    /// Adds a row; `weight` is how much a unit counts.
    fn add(&mut self, row: usize, ours: f64, theirs: f64, weight: f64) {
        self.rows += 1;
        if !ours.is_finite() || !theirs.is_finite() {
            // An infinite value has no distance from anything: it must be the same one.
            let same = ours == theirs || ours.is_nan() && theirs.is_nan();
            self.nan_mismatches += usize::from(!same);
            return;
        }
        let difference = (ours - theirs).abs();
        self.difference_mean += difference;
        self.difference_max = self.difference_max.max(difference);
        let deviation = difference * weight / (theirs.abs() * weight).max(1.0);
        if deviation > self.deviation_max || self.worst_row == 0 {
            self.deviation_max = deviation;
            self.worst_row = row;
            self.worst_ours = ours;
            self.worst_theirs = theirs;
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a count of rows")]
    fn end(mut self) -> Self {
        self.difference_mean /= self.rows.max(1) as f64;
        self
    }

    fn holds(&self, tolerance: f64) -> bool {
        self.nan_mismatches == 0 && self.deviation_max <= tolerance
    }
}

impl Parity {
    /// Scores the sample. Where the file gives probabilities themselves, the margin is one, and is compared
    /// with both columns.
    pub fn of(foreign: &Foreign, model: &Model, sample: &Sample) -> anyhow::Result<Self> {
        let names: Vec<&str> = foreign.features().iter().map(String::as_str).collect();
        let scorer = model.bind(&names)?;
        let mut raw = sample.raw.as_ref().map(|_| Difference::default());
        let prediction = sample
            .prediction
            .as_ref()
            .filter(|_| foreign.meaning() != Meaning::Number);
        let mut probability = prediction.map(|_| Difference::default());
        let rows = sample.features.chunks_exact(names.len());
        for (index, row) in rows.enumerate() {
            let score = scorer.score(row);
            let margin = foreign.margin(score.log_odds);
            let cell = |column: &Option<Vec<f64>>| column.as_ref()?.get(index).copied();
            if let (Some(raw), Some(theirs)) = (&mut raw, cell(&sample.raw)) {
                raw.add(index + 1, margin, theirs, foreign.margin_weight());
            }
            if let (Some(probability), Some(theirs)) = (&mut probability, cell(&sample.prediction))
            {
                let ours = match foreign.meaning() {
                    Meaning::Probability => margin,
                    _ => score.probability,
                };
                probability.add(index + 1, ours, theirs, 1.0);
            }
        }
        Ok(Self {
            rows: sample.rows,
            rounded_values: sample.rounded,
            raw: raw.map(Difference::end),
            probability: probability.map(Difference::end),
        })
    }

    /// Whether something was compared, and nothing lies further apart than this.
    pub fn holds(&self, tolerance: f64) -> bool {
        let mut compared = [&self.raw, &self.probability]
            .into_iter()
            .flatten()
            .peekable();
        compared.peek().is_some() && compared.all(|one| one.holds(tolerance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_distance_is_equal_or_a_mismatch() {
        let held = |pairs: &[(f64, f64)]| {
            let mut difference = Difference::default();
            for (row, (ours, theirs)) in pairs.iter().enumerate() {
                difference.add(row + 1, *ours, *theirs, 1.0);
            }
            difference.end().holds(1e-6)
        };
        let (none, endless) = (f64::NAN, f64::INFINITY);
        assert!(held(&[(0.5, 0.5), (none, none), (endless, endless)]));
        for apart in [
            (0.5, endless),
            (endless, -endless),
            (none, 0.5),
            (0.5, none),
        ] {
            assert!(!held(&[(0.5, 0.5), apart]), "{apart:?}");
        }
    }
}
