//! From the ensemble's log-odds to those of the probability: a rising line with knots.
//!
//! The members' weighted sum is not calibrated, though each member is: what they agree on counts too
//! little. Platt's map puts most of that right with two numbers. Where the slice holds enough fraud, it is
//! also cut into stretches of some fraud each, and each becomes a knot that says what was seen there
//! instead of what Platt's map expected; stretches that would fall are joined until all rise. Beyond the
//! knots Platt's slope goes on.
//!
//! Promises a map that rises everywhere, steadily: no two log-odds get one probability. Must never make a
//! knot of a few frauds: a map that knows its slice by heart is wrong about the next one.

#![allow(clippy::cast_precision_loss, reason = "at most 2^26 rows")]

use sentinel_domain::LogOdds;

use super::calibrate;
use crate::maps::{Affine, Calibration, logistic};

/// The least fraud of a stretch, and the least legitimate rows: with so many, what was seen strays from
/// the truth by about a tenth in log-odds. With 40 the top of a slice was off by a sixth of its probability.
const ROWS_MIN: f64 = 100.0;

/// The most stretches: more would follow noise, however large the slice.
const STRETCHES_MAX: f64 = 24.0;

/// The least slope between two knots, and its share of Platt's.
const SLOPE_SHARE_MIN: f64 = 0.05;

/// Numbers of a map are rounded to multiples of this, so that the model file stays short.
const DIGITS: f64 = 1e6;

/// Rows that score one after another.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Stretch {
    rows: f64,
    fraud: f64,
    /// The fraud that Platt's map expects among them.
    expected: f64,
}

/// The calibration of a slice.
pub(super) fn calibration(log_odds: &[LogOdds], fraud: &[bool]) -> Calibration {
    let scores: Vec<f64> = log_odds.iter().map(|z| z.to_f64()).collect();
    let platt = calibrate::platt(&scores, fraud);
    let mut calibration = Calibration::straight(platt);
    let mut stretches = cut(&scores, fraud, platt);
    // Two stretches say no more than Platt's map does.
    if stretches.len() < 3 {
        return calibration;
    }
    join(&mut stretches);
    let round = |value: f64| libm::round(value * DIGITS) / DIGITS;
    let mut knots: Vec<(f64, f64)> = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        // Where Platt's map expects what it expects of these rows on average: were it right, the knot
        // would lie on it.
        let expected = log_odds_of(stretch.expected / stretch.rows);
        let at = round((expected - platt.intercept) / platt.slope);
        let mut seen = round(log_odds_of(stretch.fraud / stretch.rows));
        if let Some((before, value)) = knots.last() {
            if at - before < 1.0 / DIGITS {
                continue;
            }
            let least = value + (at - before) * platt.slope * SLOPE_SHARE_MIN;
            seen = seen.max(least + 1.0 / DIGITS);
        }
        knots.push((at, seen));
    }
    if !knots.is_empty() {
        calibration.knots = knots;
    }
    calibration
}

/// The log-odds of a share strictly between 0 and 1.
fn log_odds_of(share: f64) -> f64 {
    libm::log(share / (1.0 - share))
}

/// Cuts the rows into stretches, from the lowest score up; rows of one score stay together.
fn cut(scores: &[f64], fraud: &[bool], platt: Affine) -> Vec<Stretch> {
    let frauds = fraud.iter().filter(|fraud| **fraud).count() as f64;
    let least = (frauds / STRETCHES_MAX).max(ROWS_MIN);
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(fraud.iter().copied()).collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let full = |stretch: &Stretch| stretch.fraud >= least && stretch.rows >= least + ROWS_MIN;
    let mut stretches = Vec::new();
    let mut open = Stretch::default();
    for same in rows.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        if full(&open) && open.rows - open.fraud >= ROWS_MIN {
            stretches.push(std::mem::take(&mut open));
        }
        for (score, fraud) in same {
            open.rows += 1.0;
            open.fraud += f64::from(u8::from(*fraud));
            open.expected += logistic(platt.at(*score));
        }
    }
    // The top often holds hardly anything but fraud: it joins the stretch below unless it stands alone.
    match stretches.last_mut() {
        Some(last) if open.fraud < least || open.rows - open.fraud < 1.0 => last.join(open),
        _ => stretches.push(open),
    }
    stretches
}

/// Joins neighbours until the share of fraud rises from each to the next (pool adjacent violators).
fn join(stretches: &mut Vec<Stretch>) {
    let mut joined: Vec<Stretch> = Vec::with_capacity(stretches.len());
    for stretch in stretches.drain(..) {
        joined.push(stretch);
        while let [.., below, above] = joined.as_mut_slice() {
            if below.fraud * above.rows < above.fraud * below.rows {
                break;
            }
            below.join(*above);
            joined.pop();
        }
    }
    *stretches = joined;
}

impl Stretch {
    fn join(&mut self, other: Self) {
        self.rows += other.rows;
        self.fraud += other.fraud;
        self.expected += other.expected;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::Dice;

    /// Rows whose scores say `distort(z)` where the true log-odds are z.
    fn rows(
        count: usize,
        seed: u64,
        distort: fn(f64) -> f64,
    ) -> (Vec<LogOdds>, Vec<bool>, Vec<f64>) {
        let mut dice = Dice(seed);
        let mut out = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let z = -4.0 + 2.0 * (dice.real() + dice.real() + dice.real());
            let truth = logistic(z);
            out.0.push(LogOdds::from_f64(distort(z)));
            out.1.push((dice.real() + 1.0) / 2.0 < truth);
            out.2.push(truth);
        }
        out
    }

    /// The mean distance of the probability from the true one.
    fn error(calibration: &Calibration, log_odds: &[LogOdds], truth: &[f64]) -> f64 {
        let each = log_odds.iter().zip(truth);
        let sum: f64 = each
            .map(|(z, truth)| (calibration.probability(*z) - truth).abs())
            .sum();
        sum / truth.len() as f64
    }

    fn bent(z: f64) -> f64 {
        if z > -3.0 { 0.3 * z } else { z + 2.1 }
    }

    #[test]
    fn a_bend_that_no_straight_line_follows_is_put_right_on_other_rows() {
        let (log_odds, fraud, _) = rows(60_000, 1, bent);
        let found = calibration(&log_odds, &fraud);
        let scores: Vec<f64> = log_odds.iter().map(|z| z.to_f64()).collect();
        let straight = Calibration::straight(calibrate::platt(&scores, &fraud));
        let (others, _, truth) = rows(60_000, 2, bent);
        let (knotted, plain) = (
            error(&found, &others, &truth),
            error(&straight, &others, &truth),
        );
        assert!(found.knots.len() > 3, "{found:?}");
        assert!(
            knotted < 0.6 * plain && knotted < 0.005,
            "{knotted} {plain}"
        );
    }

    #[test]
    fn a_straight_distortion_is_hardly_bent() {
        let (log_odds, fraud, truth) = rows(60_000, 3, |z| (z + 1.0) / 2.0);
        let found = calibration(&log_odds, &fraud);
        assert!(error(&found, &log_odds, &truth) < 0.005, "{found:?}");
    }

    #[test]
    fn every_slice_gives_a_map_that_rises() {
        for (count, seed) in [(0, 1), (1, 2), (50, 3), (2000, 4), (20_000, 5)] {
            for distort in [bent, |z: f64| -z, |z: f64| libm::round(z), |_| 1.0] {
                let (log_odds, fraud, _) = rows(count, seed, distort);
                let found = calibration(&log_odds, &fraud);
                let mut before = f64::NEG_INFINITY;
                for step in -4000..4000 {
                    let value = found.at(f64::from(step) * 0.005);
                    assert!(value > before, "{count} {found:?}");
                    before = value;
                }
            }
        }
    }

    #[test]
    fn a_perfect_slice_stays_off_certainty() {
        let log_odds: Vec<LogOdds> = (0..4000_i32)
            .map(|row| LogOdds::from_f64(f64::from(row) / 500.0 - 4.0))
            .collect();
        let fraud: Vec<bool> = (0..4000).map(|row| row >= 2000).collect();
        let found = calibration(&log_odds, &fraud);
        assert!(
            found
                .knots
                .iter()
                .all(|(z, value)| z.is_finite() && value.is_finite())
        );
    }
}
