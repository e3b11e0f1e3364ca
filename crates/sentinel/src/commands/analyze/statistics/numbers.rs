//! A column of numbers: its spread, on a logarithmic scale where it is above zero.
//!
//! Logarithms are summed as whole multiples of 2^-32: sums of integers do not depend on the order of rows.

/// One in fixed point.
const SCALE: f64 = 4_294_967_296.0;

/// Sums over a column.
#[derive(Debug, Default)]
pub struct NumberCounts {
    /// Rows with a number.
    pub rows: u64,
    /// Rows with a number above zero.
    pub positive: u64,
    log_sum: i128,
    log_square_sum: i128,
    /// The least and the greatest.
    pub range: Option<(f64, f64)>,
}

impl NumberCounts {
    /// One more row.
    pub fn add(&mut self, number: f64) {
        self.rows += 1;
        let (low, high) = self.range.unwrap_or((number, number));
        self.range = Some((low.min(number), high.max(number)));
        if number > 0.0 {
            let log = libm::log(number);
            self.positive += 1;
            self.log_sum += fixed(log);
            self.log_square_sum += fixed(log * log);
        }
    }

    /// The mean of the natural logarithm of the numbers above zero.
    pub fn log_mean(&self) -> f64 {
        self.log_sum as f64 / SCALE / self.positive.max(1) as f64
    }

    /// The standard deviation of that logarithm.
    pub fn log_deviation(&self) -> f64 {
        let mean = self.log_mean();
        let square = self.log_square_sum as f64 / SCALE / self.positive.max(1) as f64;
        libm::sqrt((square - mean * mean).max(0.0))
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the logarithm of a finite number is below 746 in size, its square below 2^20"
)]
fn fixed(value: f64) -> i128 {
    i128::from(libm::round(value * SCALE) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_a_geometric_series_is_known_and_its_order_does_not_matter() {
        let (mut rising, mut falling) = (NumberCounts::default(), NumberCounts::default());
        for power in 0..=8 {
            rising.add(libm::exp(f64::from(power)));
            falling.add(libm::exp(f64::from(8 - power)));
        }
        rising.add(0.0);
        assert!((rising.log_mean() - 4.0).abs() < 1e-8);
        assert!((rising.log_deviation() - libm::sqrt(60.0 / 9.0)).abs() < 1e-8);
        assert_eq!((rising.rows, rising.positive), (10, 9));
        assert_eq!(rising.range.map(|range| range.0), Some(0.0));
        assert_eq!(rising.log_mean().to_bits(), falling.log_mean().to_bits());
    }
}
