//! Third stage: the model's word on each row.

use sentinel_domain::Score;

use crate::active::Decider;
use crate::features::Rows;

/// Scores every row.
pub fn compute(decider: &Decider, rows: &Rows, scores: &mut Vec<Score>) {
    scores.clear();
    decider.scorer.score_rows(&rows.values, rows.width, scores);
}
