//! What confidence rests on, taken from the validation slice: how many rows scored where, and how far the
//! members usually are apart.
//!
//! Promises a table of at most some hundred steps, however many rows there are. Must never leave a row out.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "at most 2^26 rows, and log-odds within 10^6"
)]

use crate::confidence::{STEPS_MAX, Step, Support};
use crate::scorer::Sum;

/// The width of a step, in units of log-odds, where so many steps are enough.
const STEP: f64 = 0.25;

/// The least usual spread: members that always agree must not make a trifle look like discord.
const SPREAD_MIN: f64 = 0.1;

/// What these rows support.
pub(crate) fn support(sums: &[Sum]) -> Support {
    let mut scores: Vec<f64> = sums.iter().map(|sum| sum.log_odds.to_f64()).collect();
    scores.sort_unstable_by(f64::total_cmp);
    let (Some(least), Some(largest)) = (scores.first(), scores.last()) else {
        return Support::none();
    };
    let mut width = STEP;
    while (largest - least) / width > (STEPS_MAX - 3) as f64 {
        width *= 2.0;
    }
    // From the step below the least score to the first that no score is above.
    let first = libm::floor(least / width) - 1.0;
    let mut steps = Vec::new();
    for index in 0..STEPS_MAX {
        let log_odds = (first + index as f64) * width;
        let rows = scores.partition_point(|score| *score <= log_odds);
        steps.push(Step {
            log_odds,
            rows: rows as u64,
        });
        if rows == scores.len() {
            break;
        }
    }
    let squares: f64 = sums.iter().map(|sum| sum.spread * sum.spread).sum();
    let usual = libm::sqrt(squares / sums.len() as f64);
    Support {
        spread: libm::round(usual.max(SPREAD_MIN) * 1e6) / 1e6,
        steps,
    }
}

#[cfg(test)]
mod tests {
    use sentinel_domain::LogOdds;

    use super::*;

    fn sums(scores: &[f64], spread: f64) -> Vec<Sum> {
        let sum = |score: &f64| Sum {
            log_odds: LogOdds::from_f64(*score),
            spread,
        };
        scores.iter().map(sum).collect()
    }

    #[test]
    fn every_row_is_counted_once_and_where_it_lies() {
        let found = support(&sums(&[-1.1, -1.0, 0.3, 0.3], 0.5));
        let steps: Vec<(f64, u64)> = found.steps.iter().map(|s| (s.log_odds, s.rows)).collect();
        let expected = [
            (-1.5, 0),
            (-1.25, 0),
            (-1.0, 2),
            (-0.75, 2),
            (-0.5, 2),
            (-0.25, 2),
            (0.0, 2),
            (0.25, 2),
            (0.5, 4),
        ];
        assert_eq!(steps, expected);
        assert!((found.spread - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_wide_slice_gets_wider_steps_and_an_empty_one_none() {
        let found = support(&sums(&[-9e5, 0.0, 9e5], 0.0));
        assert!(found.steps.len() <= STEPS_MAX);
        assert_eq!(found.steps.last().map(|step| step.rows), Some(3));
        assert!((found.spread - SPREAD_MIN).abs() < 1e-9);
        assert_eq!(support(&[]), Support::none());
    }
}
