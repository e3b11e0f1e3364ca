//! Prices: how the usual price of a kind of merchant becomes an amount of the profile.
//!
//! What a customer would pay by merchant and income has a rank among all such prices; the amount is the
//! one of the same rank among the profile's honest amounts. So dear shops stay dear and the table's
//! quartiles come out. Amounts of stories stay as they are told; honest amounts leave room for them.

use crate::profile::Amounts;

/// Logarithms of raw prices that the table covers, and its steps.
const LOG_FROM: f64 = -5.0;
const LOG_STEP: f64 = 1.0 / 32.0;
const ENTRIES: usize = 640;

/// Points at which distributions of amounts are compared.
const POINTS: usize = 4_096;

/// Payments with a price that does not come from the merchant's kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// Logarithms of US dollars, rising, each with its weight among all payments of the profile and
    /// whether it is fraud.
    pub(crate) log_usd: Vec<(f64, f64, bool)>,
    /// The weight of frauds among all payments that are small.
    pub(crate) small_frauds: f64,
}

/// From the logarithm of a raw price to the logarithm of an amount.
#[derive(Debug, Clone)]
pub(crate) struct Prices {
    table: Vec<f64>,
    minimum_usd: f64,
    maximum_usd: f64,
}

impl Prices {
    /// `raw` are the weights, means and deviations of the logarithms of raw prices.
    pub(crate) fn new(amounts: &Amounts, raw: &[(f64, f64, f64)], told: &Told) -> Self {
        let honest = honest_distribution(amounts, told);
        let (low, high) = (libm::log(amounts.minimum), libm::log(amounts.maximum));
        let step = (high - low) / (POINTS - 1) as f64;
        let mut point = 0;
        let table = (0..ENTRIES).map(|entry| {
            let rank = mixture(raw, LOG_FROM + entry as f64 * LOG_STEP);
            while honest.get(point).is_some_and(|reached| *reached < rank) {
                point += 1;
            }
            let above = honest.get(point).copied().unwrap_or(1.0);
            let before = point.checked_sub(1).and_then(|before| honest.get(before));
            let below = before.copied().unwrap_or(above);
            let part = if above > below {
                (rank - below) / (above - below)
            } else {
                1.0
            };
            low + (point as f64 - 1.0 + part).max(0.0) * step
        });
        Self {
            table: table.map(|log| log.clamp(low, high)).collect(),
            minimum_usd: amounts.minimum,
            maximum_usd: amounts.maximum,
        }
    }

    /// The amount in US dollars for the logarithm of a raw price.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held within the table first"
    )]
    pub(crate) fn usd(&self, raw_log: f64) -> f64 {
        let place = ((raw_log - LOG_FROM) / LOG_STEP).clamp(0.0, (ENTRIES - 2) as f64);
        let entry = place as usize;
        let at = |entry: usize| self.table.get(entry).copied().unwrap_or(0.0);
        let (low, high) = (at(entry), at(entry + 1));
        let log = low + (high - low) * (place - entry as f64);
        self.within(libm::exp(log))
    }

    /// An amount held within the bounds of the profile.
    pub(crate) fn within(&self, usd: f64) -> f64 {
        usd.clamp(self.minimum_usd, self.maximum_usd)
    }
}

/// The share of honest amounts up to each of [`POINTS`] points between the bounds, rising to 1.
fn honest_distribution(amounts: &Amounts, told: &Told) -> Vec<f64> {
    let parts: Vec<(f64, f64, f64)> = amounts
        .mixture
        .iter()
        .map(|part| (part.weight, part.log_mean, part.log_deviation))
        .collect();
    let (low, high) = (libm::log(amounts.minimum), libm::log(amounts.maximum));
    let step = (high - low) / (POINTS - 1) as f64;
    let small = Small::new(amounts, &parts, told);
    let told_share: f64 = told.log_usd.iter().map(|(_, weight, _)| weight).sum();
    let left = f64::max(1.0 - told_share, 1e-3);
    let (mut told_so_far, mut frauds, mut next, mut reached) = (0.0, 0.0, 0, 0.0_f64);
    (0..POINTS)
        .map(|point| {
            let log = low + point as f64 * step;
            while let Some((_, weight, fraud)) = told.log_usd.get(next).filter(|t| t.0 <= log) {
                told_so_far += weight;
                frauds += if *fraud { *weight } else { 0.0 };
                next += 1;
            }
            let all = small.bend(log, mixture(&parts, log), frauds);
            reached = reached.max(((all - told_so_far) / left).clamp(0.0, 1.0));
            if point + 1 == POINTS { 1.0 } else { reached }
        })
        .collect()
}

/// Bends a distribution below its lower quartile, so that small amounts have their share of fraud: those
/// that stories pay, whatever their size, are hidden among as many honest ones as the rate wants.
struct Small {
    below_log: f64,
    was: f64,
    /// How many payments there are for each small fraud; 0 where nothing is bent.
    for_each_fraud: f64,
    is: f64,
}

/// The lower quartile stays where it is.
const BENT_BELOW: f64 = 0.25;

impl Small {
    fn new(amounts: &Amounts, parts: &[(f64, f64, f64)], told: &Told) -> Self {
        let mut bent = Self {
            below_log: f64::NEG_INFINITY,
            was: 0.0,
            for_each_fraud: 0.0,
            is: 0.0,
        };
        if let Some(small) = &amounts.small
            && told.small_frauds > 0.0
        {
            bent.below_log = libm::log(small.below);
            bent.was = mixture(parts, bent.below_log).min(BENT_BELOW - 1e-9);
            bent.is = told.small_frauds / f64::max(small.fraud_rate, 1e-6);
            bent.is = bent.is.min(BENT_BELOW * 0.9);
            bent.for_each_fraud = bent.is / told.small_frauds;
        }
        bent
    }

    /// The share of payments up to an amount, where the mixture has `share` and stories `frauds`.
    fn bend(&self, log: f64, share: f64, frauds: f64) -> f64 {
        if share >= BENT_BELOW || self.for_each_fraud == 0.0 {
            share
        } else if log < self.below_log {
            frauds * self.for_each_fraud
        } else {
            let part = (share - self.was) / (BENT_BELOW - self.was);
            self.is + part.max(0.0) * (BENT_BELOW - self.is)
        }
    }
}

/// The share of a mixture of normal distributions up to a value.
fn mixture(parts: &[(f64, f64, f64)], value: f64) -> f64 {
    let total: f64 = parts.iter().map(|(weight, _, _)| weight).sum();
    let share = |(weight, mean, deviation): &(f64, f64, f64)| {
        let z = (value - mean) / f64::max(*deviation, 1e-6);
        weight * 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
    };
    parts.iter().map(share).sum::<f64>() / f64::max(total, 1e-12)
}
