//! Totals: what the events of one window add up to, and the numbers that follow from it.
//!
//! Whatever way a window is kept (scanned, running, tiled), it ends here as the same integers, and every
//! answer is computed from them in one way: that is why a representation can never change a value. Must
//! never sum in floating point.

/// The sum of one number over one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberTotals {
    /// Events that have the number.
    pub count: u64,
    /// Sum.
    pub sum: i64,
    /// Sum of squares.
    pub squares: u128,
    /// Least; `i64::MAX` where there is none.
    pub least: i64,
    /// Greatest; `i64::MIN` where there is none.
    pub greatest: i64,
}

/// What stands for a number that an event has not.
pub(crate) const ABSENT: i64 = i64::MIN;

impl NumberTotals {
    /// Of no event.
    pub const EMPTY: Self = Self {
        count: 0,
        sum: 0,
        squares: 0,
        least: i64::MAX,
        greatest: i64::MIN,
    };

    /// Takes another's events in.
    #[inline]
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.squares = self.squares.saturating_add(other.squares);
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
    }

    /// Without one event that is in it. Least and greatest are not for use afterwards.
    fn without(self, own: Option<i64>) -> Self {
        match own {
            None => self,
            Some(own) => Self {
                count: self.count - 1,
                sum: self.sum.saturating_sub(own),
                squares: self.squares.saturating_sub(square(own)),
                ..self
            },
        }
    }

    /// The sum; 0 where there is nothing to add.
    pub fn sum(&self) -> f64 {
        to_f64(self.sum)
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            f64::NAN
        } else {
            to_f64(self.sum) / count_to_f64(self.count)
        }
    }

    /// The standard deviation of the population.
    pub fn standard_deviation(&self) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        deviation(self.count, self.sum, self.squares)
    }

    /// The least.
    pub fn min(&self) -> f64 {
        if self.least == i64::MAX {
            f64::NAN
        } else {
            to_f64(self.least)
        }
    }

    /// The greatest.
    pub fn max(&self) -> f64 {
        if self.greatest == i64::MIN {
            f64::NAN
        } else {
            to_f64(self.greatest)
        }
    }

    /// A number over the mean of the others; `inside` where it is among them itself.
    #[inline]
    pub fn to_mean(self, number: Option<i64>, inside: bool) -> f64 {
        let Some(own) = number else { return f64::NAN };
        let (mut count, mut sum) = (self.count, self.sum);
        if inside {
            (count, sum) = (count - 1, sum.saturating_sub(own));
        }
        if count == 0 {
            return f64::NAN;
        }
        ratio(to_f64(own), to_f64(sum) / count_to_f64(count))
    }

    /// A number's distance from the mean of the others in their standard deviations.
    pub fn z_score(self, number: Option<i64>, inside: bool) -> f64 {
        let Some(own) = number else { return f64::NAN };
        let others = self.without(inside.then_some(own));
        let deviation = others.standard_deviation();
        if others.count < 2 || deviation == 0.0 {
            return f64::NAN;
        }
        (to_f64(own) - others.mean()) / deviation
    }
}

/// `number / mean`; missing where the mean is missing or not above zero.
pub(crate) fn ratio(number: f64, mean: f64) -> f64 {
    if mean > 0.0 { number / mean } else { f64::NAN }
}

/// The standard deviation of `count` numbers from their sums, one rounding before the root.
pub(crate) fn deviation(count: u64, sum: i64, squares: u128) -> f64 {
    let wide = i128::from(sum);
    let spread = i128::try_from(squares)
        .ok()
        .and_then(|squares| squares.checked_mul(i128::from(count)))
        .map(|scaled| wide_to_f64((scaled - wide * wide).max(0)));
    let spread = spread.unwrap_or_else(|| {
        // Only beyond every real amount: the integers no longer fit.
        #[allow(
            clippy::cast_precision_loss,
            reason = "an estimate is all that is left"
        )]
        let scaled = squares as f64 * count_to_f64(count);
        (scaled - to_f64(sum) * to_f64(sum)).max(0.0)
    });
    spread.sqrt() / count_to_f64(count)
}

/// The square of a number.
#[inline]
pub(crate) fn square(number: i64) -> u128 {
    let magnitude = u128::from(number.unsigned_abs());
    magnitude * magnitude
}

/// How many buckets a histogram has.
pub(crate) const BUCKETS: usize = 64;

/// The logarithmic bucket of a number: four to an octave above 64.
#[inline]
pub(crate) fn bucket(number: i64) -> usize {
    if number < 64 {
        return 0;
    }
    let exponent = number.ilog2();
    let quarter = (number >> (exponent - 2)) & 3;
    let bucket = 1 + (exponent as usize - 6) * 4 + usize::try_from(quarter).unwrap_or(0);
    bucket.min(BUCKETS - 1)
}

/// What stands for the numbers of a bucket: its middle.
pub(crate) fn bucket_value(bucket: usize) -> f64 {
    if bucket == 0 {
        return 32.0;
    }
    let (octave, quarter) = ((bucket - 1) / 4, (bucket - 1) % 4);
    let width = 1_u64 << (octave + 4);
    let low = (4 + quarter as u64) * width;
    count_to_f64(low) + count_to_f64(width) / 2.0
}

/// The value that a share of the numbers (in tenths) does not exceed, by buckets.
pub(crate) fn quantile(histogram: &[u32], tenths: u64) -> f64 {
    let count: u64 = histogram.iter().map(|n| u64::from(*n)).sum();
    if count == 0 {
        return f64::NAN;
    }
    let rank = (count * tenths).div_ceil(10);
    let mut below = 0;
    for (bucket, n) in histogram.iter().enumerate() {
        below += u64::from(*n);
        if below >= rank {
            return bucket_value(bucket);
        }
    }
    f64::NAN
}

/// Exact to 2^53, as promised.
#[inline]
#[allow(
    clippy::cast_precision_loss,
    reason = "exact to 2^53 minor units, as promised"
)]
pub(crate) const fn to_f64(value: i64) -> f64 {
    value as f64
}

/// Counts are far below 2^53.
#[inline]
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) const fn count_to_f64(value: u64) -> f64 {
    // Counts fit either way; the signed conversion is one instruction.
    value.cast_signed() as f64
}

/// One rounding of a wide sum.
#[inline]
#[allow(clippy::cast_precision_loss, reason = "one rounding, as stated")]
pub(crate) fn wide_to_f64(value: i128) -> f64 {
    match i64::try_from(value) {
        Ok(narrow) => to_f64(narrow),
        Err(_) => value as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_rise_and_hold_their_numbers_within_an_eighth() {
        let mut last = 0;
        for number in (0..3_000_000).step_by(7) {
            let bucket = bucket(number);
            assert!(bucket >= last);
            last = bucket;
            if number >= 64 && bucket < BUCKETS - 1 {
                let error = (bucket_value(bucket) / to_f64(number) - 1.0).abs();
                assert!(error <= 0.125, "{number}: {error}");
            }
        }
        assert_eq!(bucket(i64::MAX), BUCKETS - 1);
        assert_eq!(bucket(-5), 0);
    }

    #[test]
    fn a_deviation_is_that_of_the_population() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, deviation 2.
        let numbers = [2_i64, 4, 4, 4, 5, 5, 7, 9];
        let squares = numbers.iter().map(|n| square(*n)).sum();
        assert_eq!(deviation(8, numbers.iter().sum(), squares), 2.0);
    }
}
