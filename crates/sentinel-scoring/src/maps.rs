//! The maps from margin to log-odds, from log-odds to probability, and from log-odds to risk.
//!
//! Promises that each is increasing, so that none changes the order of two transactions, and that
//! risk is never 0 or 1. Must never use the platform's mathematics.

use sentinel_domain::LogOdds;

/// `slope * x + intercept`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Affine {
    /// How much one unit counts.
    pub(crate) slope: f64,
    /// The value at zero.
    pub(crate) intercept: f64,
}

impl Affine {
    /// The map that changes nothing.
    pub(crate) const IDENTITY: Self = Self {
        slope: 1.0,
        intercept: 0.0,
    };

    /// The value at `x`.
    pub(crate) fn at(self, x: f64) -> f64 {
        self.slope * x + self.intercept
    }
}

/// The most knots of a calibration.
pub(crate) const KNOTS_MAX: usize = 1024;

/// From log-odds z to the log-odds of the probability: straight between knots, and beyond them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Calibration {
    /// The slope below the first knot, above zero.
    pub(crate) slope_below: f64,
    /// The slope above the last knot, above zero.
    pub(crate) slope_above: f64,
    /// z and what becomes of it: at least one knot, both numbers rising.
    pub(crate) knots: Vec<(f64, f64)>,
}

impl Calibration {
    /// One straight line.
    pub(crate) fn straight(map: Affine) -> Self {
        Self {
            slope_below: map.slope,
            slope_above: map.slope,
            knots: vec![(0.0, map.intercept)],
        }
    }

    /// The log-odds of the probability at z.
    pub(crate) fn at(&self, z: f64) -> f64 {
        let after = self.knots.partition_point(|(knot, _)| *knot <= z);
        let before = after.checked_sub(1).and_then(|index| self.knots.get(index));
        match (before, self.knots.get(after)) {
            (Some((from, value)), Some((to, value_to))) => {
                // Rounding never lifts it above the next knot.
                let share = (z - from) / (to - from);
                (value + share * (value_to - value)).min(*value_to)
            }
            (None, Some((knot, value))) => value + self.slope_below * (z - knot),
            (Some((knot, value)), None) => value + self.slope_above * (z - knot),
            (None, None) => z,
        }
    }

    /// The probability at z.
    pub(crate) fn probability(&self, log_odds: LogOdds) -> f64 {
        logistic(self.at(log_odds.to_f64()))
    }
}

/// The probability of some log-odds.
#[inline]
pub(crate) fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-log_odds))
}

/// The risks at which the four anchors stand: the lower bounds of the tiers above minimal.
pub(crate) const ANCHOR_RISKS: [f64; 4] = [0.50, 0.55, 0.70, 0.85];

/// The least width of a tail, in log-odds: anchors that lie too close must not make it a cliff.
const TAIL_WIDTH_MIN: f64 = 0.25;

/// From log-odds to risk: linear between the anchors, with tails that come near 0 and 1 but stay off.
///
/// Below the first anchor risk is `0.5 / (1 + d / width)`, above the last `1 - 0.15 / (1 + d / width)`,
/// where `d` is the distance from the anchor and the width makes the slope go on as it was. An
/// exponential tail was rejected: it underflows to 0 within a few hundred widths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RiskMap {
    anchors: [LogOdds; 4],
    width_below: f64,
    width_above: f64,
}

impl RiskMap {
    /// The map through these anchors, which must rise.
    pub(crate) fn new(anchors: [LogOdds; 4]) -> Self {
        let [first, second, third, fourth] = anchors.map(LogOdds::to_f64);
        let [risk_first, risk_second, ..] = ANCHOR_RISKS;
        let width_below = (second - first) * risk_first / (risk_second - risk_first);
        Self {
            anchors,
            width_below: width_below.max(TAIL_WIDTH_MIN),
            width_above: (fourth - third).max(TAIL_WIDTH_MIN),
        }
    }

    /// The risk at some log-odds.
    pub(crate) fn risk(&self, log_odds: LogOdds) -> f64 {
        let [first, second, third, fourth] = self.anchors;
        let [risk_first, risk_second, risk_third, risk_fourth] = ANCHOR_RISKS;
        if log_odds < first {
            let distance = (first - log_odds).to_f64();
            risk_first / (1.0 + distance / self.width_below)
        } else if log_odds < second {
            between(log_odds, first, second, risk_first, risk_second)
        } else if log_odds < third {
            between(log_odds, second, third, risk_second, risk_third)
        } else if log_odds < fourth {
            between(log_odds, third, fourth, risk_third, risk_fourth)
        } else {
            let distance = (log_odds - fourth).to_f64();
            1.0 - (1.0 - risk_fourth) / (1.0 + distance / self.width_above)
        }
    }
}

/// The straight line from one anchor to the next; rounding never lifts it above the next.
fn between(at: LogOdds, from: LogOdds, to: LogOdds, risk_from: f64, risk_to: f64) -> f64 {
    let share = (at - from).to_f64() / (to - from).to_f64();
    (risk_from + (risk_to - risk_from) * share).min(risk_to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchors(values: [f64; 4]) -> [LogOdds; 4] {
        values.map(LogOdds::from_f64)
    }

    #[test]
    fn a_calibration_goes_through_its_knots_and_rises_everywhere() {
        let knotted = Calibration {
            slope_below: 0.5,
            slope_above: 2.0,
            knots: vec![(-2.0, -3.0), (-1.0, -2.9), (1.5, 4.0)],
        };
        for (z, value) in [
            (-4.0, -4.0),
            (-2.0, -3.0),
            (-1.5, -2.95),
            (1.5, 4.0),
            (2.0, 5.0),
        ] {
            assert!((knotted.at(z) - value).abs() < 1e-12, "{z}");
        }
        let map = Affine {
            slope: 0.9,
            intercept: -0.1,
        };
        for calibration in [knotted, Calibration::straight(map)] {
            let mut before = f64::NEG_INFINITY;
            for step in -4000..4000 {
                let value = calibration.at(f64::from(step) * 0.005);
                assert!(value > before, "{step}");
                before = value;
            }
        }
        assert!((Calibration::straight(map).at(2.0) - map.at(2.0)).abs() < 1e-15);
    }

    #[test]
    fn risk_stands_at_its_anchors() {
        let at = anchors([-2.0, -1.0, 0.5, 3.0]);
        let map = RiskMap::new(at);
        for (anchor, risk) in at.into_iter().zip([0.50, 0.55, 0.70, 0.85]) {
            assert!((map.risk(anchor) - risk).abs() < 1e-15);
            assert!(map.risk(anchor) >= risk);
            assert!(map.risk(LogOdds::from_units(anchor.units() - 1)) < risk);
        }
    }

    #[test]
    fn risk_rises_everywhere_and_never_reaches_its_ends() {
        for at in [
            [-2.0, -1.0, 0.5, 3.0],
            [0.0, 1e-6, 2e-6, 3e-6],
            [-4.0, 50.0, 51.0, 500.0],
        ] {
            let map = RiskMap::new(anchors(at));
            let mut before = 0.0;
            for step in -40_000..40_000 {
                let risk = map.risk(LogOdds::from_f64(f64::from(step) * 0.005));
                assert!(risk > before && risk < 1.0, "{at:?} {step} {risk} {before}");
                before = risk;
            }
            for extreme in [-1e6, 1e6] {
                let risk = map.risk(LogOdds::from_f64(extreme));
                assert!(risk > 0.0 && risk < 1.0, "{extreme} {risk}");
            }
        }
    }

    #[test]
    fn tails_go_on_with_the_slope_of_the_line_beside_them() {
        let map = RiskMap::new(anchors([-2.0, -1.0, 0.5, 3.0]));
        let slope = |z: f64| {
            let step = 1e-4;
            (map.risk(LogOdds::from_f64(z + step)) - map.risk(LogOdds::from_f64(z))) / step
        };
        assert!((slope(-2.0 - 2e-4) - slope(-2.0 + 1e-4)).abs() < 1e-4);
        assert!((slope(3.0 - 2e-4) - slope(3.0 + 1e-4)).abs() < 1e-4);
    }
}
