//! Scores: log-odds in fixed point, and what follows from them.
//!
//! Log-odds are integers so that a sum does not depend on its order: base plus contributions equals the
//! total exactly, on every machine.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// Log-odds in fixed point: units of 2^-32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LogOdds(i64);

/// One unit of log-odds in fixed point.
const ONE: f64 = 4_294_967_296.0;

/// The largest magnitude that is kept: beyond it, probability is 0 or 1 to every digit of an f64.
const LIMIT: f64 = 1_000_000.0;

impl LogOdds {
    /// No evidence either way.
    pub const ZERO: Self = Self(0);

    /// The nearest fixed-point value; not-a-number gives zero, magnitudes are held within 10^6.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "held within +-10^6 * 2^32 < 2^63 first"
    )]
    pub fn from_f64(value: f64) -> Self {
        if value.is_nan() {
            return Self::ZERO;
        }
        Self(libm::round(value.clamp(-LIMIT, LIMIT) * ONE) as i64)
    }

    /// The value as floating point, exact below 2^21.
    #[allow(
        clippy::cast_precision_loss,
        reason = "for people and maps; sums stay integers"
    )]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / ONE
    }

    /// The fixed-point units, 2^-32 each.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// From fixed-point units.
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }
}

impl Add for LogOdds {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for LogOdds {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for LogOdds {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for LogOdds {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for LogOdds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.4}", self.to_f64())
    }
}

/// What a model says of a transaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The weighted sum over all members, in log-odds.
    pub log_odds: LogOdds,
    /// Calibrated probability of fraud, 0 to 1.
    pub probability: f64,
    /// Risk, 0 to 1: a strictly increasing map of the log-odds, anchored so that tier bounds stand at
    /// stated false-positive rates.
    pub risk: f64,
    /// How far the score can be trusted, 0 to 1: whether the members of the model agree, and how many
    /// rows like it were seen when it was calibrated. It never enters a decision.
    pub confidence: f64,
}

impl Score {
    /// The score people see: floor(1000 * risk), 0 to 1000.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held within 0 to 1000 first"
    )]
    pub fn points(&self) -> u16 {
        libm::floor((self.risk * 1000.0).clamp(0.0, 1000.0)) as u16
    }
}

/// How much one feature moved the log-odds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contribution {
    /// The index of the feature in the feature set that the decision names.
    pub feature: u16,
    /// The signed share of the log-odds.
    pub log_odds: LogOdds,
}
