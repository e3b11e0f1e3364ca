//! Fitting the maps on the validation slice: margin to log-odds, and the anchors of risk.
//!
//! Promises a slope above zero, so that the order of rows stays, and anchors that rise by at least a
//! millionth, however few rows there are. Must never flag more legitimate rows at an anchor than its
//! rate allows.

#![allow(clippy::cast_precision_loss, reason = "at most 2^26 rows")]

use sentinel_domain::LogOdds;

use crate::maps::{Affine, logistic};

/// The least slope: a slice on which the model says nothing must not turn or flatten it.
const SLOPE_MIN: f64 = 0.05;

/// The largest slope, for a slice that the model parts without a fault.
const SLOPE_MAX: f64 = 20.0;

/// The least distance between two anchors, in units of log-odds: about a millionth.
const ANCHOR_GAP: i64 = 1 << 12;

/// Numbers of a map are rounded to multiples of this, so that the model file stays short.
const DIGITS: f64 = 1e9;

/// Platt's map: the slope and intercept under which the labels are most likely. The labels are drawn
/// in a little by their number, so that a perfect ranking does not run to certainty.
pub(super) fn platt(margins: &[f64], fraud: &[bool]) -> Affine {
    let frauds = fraud.iter().filter(|fraud| **fraud).count() as f64;
    let legitimate = fraud.len() as f64 - frauds;
    if frauds == 0.0 || legitimate == 0.0 {
        return Affine::IDENTITY;
    }
    let fit = Fit {
        margins,
        fraud,
        target_fraud: (frauds + 1.0) / (frauds + 2.0),
        target_legitimate: 1.0 / (legitimate + 2.0),
    };
    let mut map = fit.run(Affine::IDENTITY, true);
    if !(SLOPE_MIN..=SLOPE_MAX).contains(&map.slope) {
        let slope = map.slope.clamp(SLOPE_MIN, SLOPE_MAX);
        map = fit.run(
            Affine {
                slope,
                intercept: 0.0,
            },
            false,
        );
    }
    let round = |value: f64| libm::round(value * DIGITS) / DIGITS;
    Affine {
        slope: round(map.slope),
        intercept: round(map.intercept),
    }
}

/// Newton's method with steps that are halved until they help.
struct Fit<'a> {
    margins: &'a [f64],
    fraud: &'a [bool],
    target_fraud: f64,
    target_legitimate: f64,
}

impl Fit<'_> {
    fn run(&self, start: Affine, slope_too: bool) -> Affine {
        let mut map = start;
        let mut loss = self.loss(map);
        for _ in 0..100 {
            let step = self.newton_step(map, slope_too);
            let mut length = 1.0;
            let better = loop {
                let tried = Affine {
                    slope: map.slope + length * step.slope,
                    intercept: map.intercept + length * step.intercept,
                };
                let tried_loss = self.loss(tried);
                if tried_loss < loss {
                    break Some((tried, tried_loss));
                }
                length /= 2.0;
                if length < 1e-6 {
                    break None;
                }
            };
            let Some((tried, tried_loss)) = better else {
                break;
            };
            let gained = loss - tried_loss;
            (map, loss) = (tried, tried_loss);
            if gained < 1e-12 * loss {
                break;
            }
        }
        map
    }

    fn target(&self, fraud: bool) -> f64 {
        if fraud {
            self.target_fraud
        } else {
            self.target_legitimate
        }
    }

    fn loss(&self, map: Affine) -> f64 {
        let mut sum = 0.0;
        for (margin, fraud) in self.margins.iter().zip(self.fraud) {
            let z = map.at(*margin);
            // -t ln p - (1 - t) ln (1 - p), written so that neither end overflows.
            let tail = libm::log1p(libm::exp(-z.abs()));
            sum += z.max(0.0) + tail - self.target(*fraud) * z;
        }
        sum
    }

    fn newton_step(&self, map: Affine, slope_too: bool) -> Affine {
        let (mut by_slope, mut by_intercept) = (0.0, 0.0);
        // A little on the diagonal, so that margins that are all alike still give a step.
        let (mut slope_slope, mut slope_intercept, mut intercept_intercept) = (1e-9, 0.0, 1e-9);
        for (margin, fraud) in self.margins.iter().zip(self.fraud) {
            let p = logistic(map.at(*margin));
            let (error, curve) = (p - self.target(*fraud), p * (1.0 - p));
            by_slope += error * margin;
            by_intercept += error;
            slope_slope += curve * margin * margin;
            slope_intercept += curve * margin;
            intercept_intercept += curve;
        }
        if !slope_too {
            return Affine {
                slope: 0.0,
                intercept: -by_intercept / intercept_intercept,
            };
        }
        let determinant = slope_slope * intercept_intercept - slope_intercept * slope_intercept;
        Affine {
            slope: (slope_intercept * by_intercept - intercept_intercept * by_slope) / determinant,
            intercept: (slope_intercept * by_slope - slope_slope * by_intercept) / determinant,
        }
    }
}

/// The log-odds that at most these shares of legitimate rows reach, rising.
pub(crate) fn anchors(log_odds: &[LogOdds], fraud: &[bool], rates: &[f64; 4]) -> [LogOdds; 4] {
    let mut legitimate: Vec<LogOdds> = log_odds
        .iter()
        .zip(fraud)
        .filter(|(_, fraud)| !**fraud)
        .map(|(log_odds, _)| *log_odds)
        .collect();
    legitimate.sort_unstable_by(|a, b| b.cmp(a));
    let mut before: Option<i64> = None;
    rates.map(|rate| {
        let measured = threshold(&legitimate, rate);
        // A nudge upwards flags no more rows than was allowed.
        let units = before.map_or(measured, |before| measured.max(before + ANCHOR_GAP));
        before = Some(units);
        LogOdds::from_units(units)
    })
}

/// The least threshold, half way between two rows, that at most this share of rows reaches.
fn threshold(falling: &[LogOdds], rate: f64) -> i64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the rows"
    )]
    let allowed = libm::floor(rate * falling.len() as f64) as usize;
    let Some(first_refused) = falling.get(allowed.min(falling.len().saturating_sub(1))) else {
        return 0;
    };
    let refused = first_refused.units();
    let above = falling.iter().rev().find(|other| *other > first_refused);
    match above {
        Some(above) => refused + (above.units() - refused + 1) / 2,
        None => refused + ANCHOR_GAP,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_finds_the_distortion_it_is_shown() {
        // Labels of known log-odds, exactly balanced: of 1000 rows at z, 1000 p(z) are fraud.
        let (mut margins, mut fraud) = (Vec::new(), Vec::new());
        for step in -30..30 {
            let z = f64::from(step) / 10.0;
            let frauds = libm::round(1000.0 * logistic(z));
            for row in 0..1000 {
                margins.push((z + 1.5) / 0.5);
                fraud.push(f64::from(row) < frauds);
            }
        }
        let map = platt(&margins, &fraud);
        assert!((map.slope - 0.5).abs() < 0.002, "{map:?}");
        assert!((map.intercept + 1.5).abs() < 0.01, "{map:?}");
    }

    #[test]
    fn a_map_never_turns_the_order_round() {
        for (margins, fraud) in [
            (vec![3.0, 2.0, 1.0, 0.0], vec![false, false, true, true]),
            (vec![1.0; 4], vec![true, false, false, false]),
            (vec![-1e3, 1e3], vec![false, true]),
        ] {
            let map = platt(&margins, &fraud);
            assert!(map.slope >= SLOPE_MIN && map.slope <= SLOPE_MAX, "{map:?}");
            assert!(map.intercept.is_finite());
        }
        assert_eq!(platt(&[1.0], &[true]), Affine::IDENTITY);
    }

    #[test]
    fn anchors_rise_even_where_all_rows_are_alike() {
        for (rows, fraud) in [(0, 0), (0, 5), (1, 0), (3, 1), (1000, 0)] {
            let log_odds = vec![LogOdds::from_f64(-2.0); rows + fraud];
            let labels: Vec<bool> = (0..rows + fraud).map(|row| row >= rows).collect();
            let found = anchors(&log_odds, &labels, &[0.02, 0.015, 0.005, 0.001]);
            assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
        }
    }

    #[test]
    fn anchors_flag_the_share_they_may() {
        let log_odds: Vec<LogOdds> = (0..10_000)
            .map(|row| LogOdds::from_f64(f64::from(row) * 1e-3))
            .collect();
        let found = anchors(
            &log_odds,
            &vec![false; 10_000],
            &[0.02, 0.015, 0.005, 0.001],
        );
        let flagged = found.map(|anchor| {
            log_odds
                .iter()
                .filter(|log_odds| **log_odds >= anchor)
                .count()
        });
        assert_eq!(flagged, [200, 150, 50, 10]);
    }
}
