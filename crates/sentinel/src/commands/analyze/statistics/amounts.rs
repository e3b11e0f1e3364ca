//! How much: an HDR histogram of minor units, exact sums, and fraud by band.
//!
//! A bin of the histogram is at most 1 / 1,024 of its value wide, and one minor unit wide below 20.48, so a quantile
//! is told to within [`QUANTILE_ERROR`] of itself, or exactly. Mean and deviation come from exact sums.

use hdrhistogram::Histogram;

use super::Tally;
use crate::commands::analyze::mixture::Bin;

/// The largest relative error of a quantile.
pub const QUANTILE_ERROR: f64 = 0.001;

/// The largest amount that is told apart, in minor units; larger ones count as this.
const MINOR_MAX: u64 = 1 << 47;

/// Upper ends of the bands of amounts, in minor units; the last band has none.
pub const BANDS_MINOR: [u64; 10] = [
    100, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000,
];

/// Amounts below this are small, in minor units.
pub const SMALL_MINOR: u64 = 1_000;

/// Amounts in minor units of the reference currency.
pub struct AmountCounts {
    all: Histogram<u64>,
    fraud: Histogram<u64>,
    sum: u128,
    square_sum: u128,
    /// The least and the greatest.
    pub range: Option<(u64, u64)>,
    /// By band; one more than [`BANDS_MINOR`].
    pub bands: [Tally; BANDS_MINOR.len() + 1],
    /// Rows whose currency has no rate.
    pub unconverted: u64,
}

impl Default for AmountCounts {
    fn default() -> Self {
        Self {
            all: histogram(),
            fraud: histogram(),
            sum: 0,
            square_sum: 0,
            range: None,
            bands: Default::default(),
            unconverted: 0,
        }
    }
}

#[allow(
    clippy::unwrap_used,
    reason = "constant bounds: at least 1, at most twice as far, three digits"
)]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MINOR_MAX, 3).unwrap()
}

impl AmountCounts {
    /// One more row; without an amount where it could not be converted.
    pub fn add(&mut self, minor: Option<i64>, fraud: bool) {
        let Some(minor) = minor.and_then(|minor| u64::try_from(minor).ok()) else {
            self.unconverted += 1;
            return;
        };
        self.all.saturating_record(minor);
        if fraud {
            self.fraud.saturating_record(minor);
        }
        let wide = u128::from(minor);
        self.sum += wide;
        self.square_sum = self.square_sum.saturating_add(wide * wide);
        let (low, high) = self.range.unwrap_or((minor, minor));
        self.range = Some((low.min(minor), high.max(minor)));
        let band = BANDS_MINOR.partition_point(|end| *end <= minor);
        if let Some(tally) = self.bands.get_mut(band) {
            tally.add(fraud);
        }
    }

    /// Rows with an amount.
    pub fn rows(&self) -> u64 {
        self.all.len()
    }

    /// All amounts together, in minor units.
    pub fn sum_minor(&self) -> i128 {
        i128::try_from(self.sum).unwrap_or(i128::MAX)
    }

    /// The mean, in major units of two decimals.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.rows().max(1) as f64 / 100.0
    }

    /// The standard deviation, in major units.
    pub fn deviation(&self) -> f64 {
        let rows = self.rows().max(1) as f64;
        let mean = self.sum as f64 / rows;
        libm::sqrt((self.square_sum as f64 / rows - mean * mean).max(0.0)) / 100.0
    }

    /// A quantile of all amounts, in major units.
    pub fn quantile(&self, share: f64) -> f64 {
        major(&self.all, self.all.value_at_quantile(share))
    }

    /// A quantile of the amounts of fraud, in major units; `None` without fraud.
    pub fn fraud_quantile(&self, share: f64) -> Option<f64> {
        (!self.fraud.is_empty()).then(|| major(&self.fraud, self.fraud.value_at_quantile(share)))
    }

    /// Rows and fraud below the bound of small amounts.
    pub fn small(&self) -> Tally {
        let mut small = Tally::default();
        for (end, tally) in BANDS_MINOR.iter().zip(&self.bands) {
            if *end <= SMALL_MINOR {
                small.rows += tally.rows;
                small.fraud += tally.fraud;
            }
        }
        small
    }

    /// Bins of the natural logarithm of amounts above zero, in major units, with their rows, rising; all
    /// of them, and those of fraud alone.
    pub fn log_bins(&self) -> (Vec<Bin>, Vec<Bin>) {
        (log_bins(&self.all), log_bins(&self.fraud))
    }
}

/// The middle of a bin: half as far from the truth as either end.
fn major(histogram: &Histogram<u64>, minor: u64) -> f64 {
    histogram.median_equivalent(minor) as f64 / 100.0
}

fn log_bins(histogram: &Histogram<u64>) -> Vec<Bin> {
    histogram
        .iter_recorded()
        .filter(|bin| bin.value_iterated_to() > 0)
        .map(|bin| {
            let value = major(histogram, bin.value_iterated_to());
            (libm::log(value), bin.count_at_value() as f64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_within_the_stated_error_and_moments_are_exact() {
        let mut counts = AmountCounts::default();
        let amounts: Vec<i64> = (1..=100_001).map(|n| n * 7).collect();
        for minor in &amounts {
            counts.add(Some(*minor), false);
        }
        for (share, place) in [
            (0.25, 25_000),
            (0.5, 50_000),
            (0.75, 75_000),
            (0.99, 99_000),
        ] {
            let exact = amounts[place] as f64 / 100.0;
            let found = counts.quantile(share);
            assert!(
                (found / exact - 1.0).abs() <= QUANTILE_ERROR,
                "{found} is not {exact}"
            );
        }
        assert!((counts.mean() - 50_001.0 * 0.07).abs() < 1e-6);
        let deviation = 0.07 * libm::sqrt((100_001.0 * 100_001.0 - 1.0) / 12.0);
        assert!((counts.deviation() - deviation).abs() < 1e-3);
    }

    #[test]
    fn bands_end_below_their_bound_and_small_is_below_ten() {
        let mut counts = AmountCounts::default();
        for (minor, fraud) in [(0, false), (999, true), (1_000, true), (900_000, false)] {
            counts.add(Some(minor), fraud);
        }
        counts.add(None, true);
        assert_eq!(counts.small(), Tally { rows: 2, fraud: 1 });
        assert_eq!(counts.bands[10], Tally { rows: 1, fraud: 0 });
        assert_eq!((counts.rows(), counts.unconverted), (4, 1));
        assert_eq!(counts.range, Some((0, 900_000)));
        assert_eq!(counts.log_bins().0.len(), 3);
    }
}
