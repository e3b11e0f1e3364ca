//! How far a score can be trusted: do its members agree, and were such scores seen before?
//!
//! ```text
//! confidence = agreement * support
//! agreement  = 1 / (1 + (spread / (2 * usual spread))^2)     spread: the weighted standard deviation of the
//!                                                            members' log-odds; 1 with one member
//! support    = near / (near + 100)                           near: validation rows within half a unit of z
//! ```
//!
//! Promises a number from 0 to 1 that follows from the members' log-odds and two tables of the model file,
//! and from nothing else. A model that was never shown a validation slice has no support, so its confidence
//! is 0: nobody has checked what it says. Must never enter the score, the tier or the verdict.

use sentinel_domain::LogOdds;

/// So many validation rows near a score support it by a half.
const ROWS_HALF: f64 = 100.0;

/// How far from a score a row counts as near, in units of log-odds.
const NEAR: f64 = 0.5;

/// The most steps of the table.
pub(crate) const STEPS_MAX: usize = 513;

/// What a model saw on its validation slice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Support {
    /// The usual spread of the members' log-odds, above zero.
    pub(crate) spread: f64,
    /// How many validation rows score at most so much; both rise.
    pub(crate) steps: Vec<Step>,
}

/// Validation rows up to some log-odds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    /// The log-odds z.
    pub(crate) log_odds: f64,
    /// The rows that score at most that.
    pub(crate) rows: u64,
}

impl Support {
    /// That of a model without a validation slice.
    pub(crate) fn none() -> Self {
        Self {
            spread: 1.0,
            steps: Vec::new(),
        }
    }

    /// The confidence of a score with these log-odds, of members this far apart.
    pub(crate) fn confidence(&self, log_odds: LogOdds, spread: f64) -> f64 {
        let apart = spread / (2.0 * self.spread);
        let near = self.near(log_odds.to_f64());
        let agreement = 1.0 / (1.0 + apart * apart);
        agreement * (near / (near + ROWS_HALF))
    }

    /// The validation rows near some log-odds.
    fn near(&self, z: f64) -> f64 {
        self.rows_up_to(z + NEAR) - self.rows_up_to(z - NEAR)
    }

    /// The rows that score at most this, on the straight line between two steps.
    #[allow(clippy::cast_precision_loss, reason = "at most 2^26 rows")]
    fn rows_up_to(&self, z: f64) -> f64 {
        let after = self.steps.partition_point(|step| step.log_odds <= z);
        let before = after.checked_sub(1).and_then(|index| self.steps.get(index));
        match (before, self.steps.get(after)) {
            (None, _) => 0.0,
            (Some(last), None) => last.rows as f64,
            (Some(before), Some(after)) => {
                let share = (z - before.log_odds) / (after.log_odds - before.log_odds);
                before.rows as f64 + share * (after.rows - before.rows) as f64
            }
        }
    }
}

/// The weighted standard deviation of the members' log-odds, taken in one after another.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spread {
    weight: f64,
    mean: f64,
    /// The weighted sum of squared distances from the mean.
    squares: f64,
}

impl Spread {
    /// Takes in a member: its weight, which is above zero, and what it adds to z.
    #[inline]
    pub(crate) fn add(&mut self, weight: f64, weighted: f64) {
        let distance = weighted / weight - self.mean;
        self.weight += weight;
        let step = distance * (weight / self.weight);
        self.mean += step;
        self.squares += weight * distance * (distance - step);
    }

    /// What the members taken in so far spread over.
    #[inline]
    pub(crate) fn get(self) -> f64 {
        libm::sqrt((self.squares / self.weight).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn support() -> Support {
        let step = |log_odds, rows| Step { log_odds, rows };
        Support {
            spread: 0.5,
            steps: vec![step(-2.0, 0), step(-1.0, 1000), step(1.0, 1400)],
        }
    }

    #[test]
    fn confidence_is_that_worked_out_by_hand() {
        // Between -1.5 and -0.5 lie 500 rows and a quarter of 400.
        let found = support().confidence(LogOdds::from_f64(-1.0), 0.0);
        assert!((found - 600.0 / 700.0).abs() < 1e-12, "{found}");
        // A spread of twice the usual one halves it.
        let apart = support().confidence(LogOdds::from_f64(-1.0), 1.0);
        assert!((apart - 300.0 / 700.0).abs() < 1e-12, "{apart}");
    }

    #[test]
    fn confidence_stays_in_its_bounds_and_is_zero_where_nothing_was_seen() {
        for step in -40_000..40_000 {
            let z = LogOdds::from_f64(f64::from(step) * 0.005);
            for spread in [0.0, 0.3, 1e6] {
                let found = support().confidence(z, spread);
                assert!((0.0..=1.0).contains(&found), "{z:?} {spread} {found}");
            }
        }
        assert_eq!(support().confidence(LogOdds::from_f64(-9.0), 0.0), 0.0);
        assert_eq!(support().confidence(LogOdds::from_f64(9.0), 0.0), 0.0);
        assert_eq!(Support::none().confidence(LogOdds::ZERO, 0.0), 0.0);
    }

    #[test]
    fn spread_is_the_weighted_standard_deviation() {
        let spread = |members: &[(f64, f64)]| {
            let mut spread = Spread::default();
            for (weight, z) in members {
                spread.add(*weight, weight * z);
            }
            spread.get()
        };
        assert_eq!(spread(&[]), 0.0);
        assert_eq!(spread(&[(0.7, -3.0)]), 0.0);
        let found = spread(&[(0.7, 1.0), (0.3, -1.0)]);
        assert!((found - 2.0 * libm::sqrt(0.21)).abs() < 1e-12, "{found}");
        assert!((spread(&[(7.0, 1.0), (3.0, -1.0)]) - found).abs() < 1e-12);
        let three = spread(&[(1.0, 1.0), (1.0, 2.0), (2.0, 5.0)]);
        assert!(
            (three - libm::sqrt(55.0 / 4.0 - 3.25 * 3.25)).abs() < 1e-12,
            "{three}"
        );
    }
}
