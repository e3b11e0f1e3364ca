//! Cutting a feature's values into bins.
//!
//! Few distinct values get a bin each, so splits on them are exact. Many get bins that grow with the
//! distance from the nearer end: single rows at the very tails, equal shares in the middle. With
//! 255 equal shares, the useful cuts in the top thousandth of an amount all fall within one bin.
//!
//! Promises that a row is in a bin up to `b` exactly when its value is at most cut `b`, so a tree that
//! was grown on bins says the same of values.

#![allow(clippy::indexing_slicing, reason = "a numeric loop over sorted arrays")]

use crate::key;

/// The most bins of a feature, besides the one for missing values.
const BINS_MAX: usize = 4095;

/// A bin at distance `d` rows from the nearer end holds about `d / TAIL` rows.
const TAIL: usize = 128;

/// A feature of the training rows, cut into bins.
#[derive(Debug)]
pub(super) struct Column {
    /// The largest value of each bin but the last, rising.
    pub(super) cuts: Vec<f32>,
    /// The bin of each row; one past the last bin is missing.
    pub(super) bins: Vec<u16>,
}

/// A distinct value, by its key, and how many rows have it.
#[derive(Debug, Clone, Copy)]
struct Run {
    key: u32,
    rows: usize,
}

impl Column {
    /// Cuts the values of one feature; not-a-number is missing.
    pub(super) fn new(values: &[f32]) -> Self {
        let mut keys: Vec<u32> = values
            .iter()
            .filter(|value| !value.is_nan())
            .map(|value| key::of(*value))
            .collect();
        keys.sort_unstable();
        let runs: Vec<Run> = keys
            .chunk_by(|a, b| a == b)
            .map(|run| Run {
                key: run[0],
                rows: run.len(),
            })
            .collect();
        let cuts = cuts(&runs, keys.len());
        let missing = narrow(cuts.len() + 1);
        let cut_keys: Vec<u32> = cuts.iter().map(|cut| key::of(*cut)).collect();
        let bin = |value: &f32| {
            if value.is_nan() {
                return missing;
            }
            let key = key::of(*value);
            narrow(cut_keys.partition_point(|cut| key > *cut))
        };
        let bins = values.iter().map(bin).collect();
        Self { cuts, bins }
    }

    /// How many bins hold values.
    pub(super) fn values(&self) -> usize {
        self.cuts.len() + 1
    }
}

/// A bin's number; there are at most 4,096.
#[allow(clippy::cast_possible_truncation, reason = "at most 4096 bins")]
fn narrow(bin: usize) -> u16 {
    bin as u16
}

/// The largest value of each bin but the last.
fn cuts(runs: &[Run], rows: usize) -> Vec<f32> {
    let after: Vec<usize> = if runs.len() <= BINS_MAX {
        (1..runs.len()).collect()
    } else {
        // The narrowest bins in the middle that do not take the count over its bound.
        let (mut low, mut high) = (1, rows);
        while low < high {
            let middle = low + (high - low) / 2;
            if cut_places(runs, rows, middle).len() < BINS_MAX {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let mut places = cut_places(runs, rows, high);
        places.truncate(BINS_MAX - 1);
        places
    };
    after
        .into_iter()
        .map(|place| between(runs[place - 1].key, runs[place].key))
        .collect()
}

/// The runs before which a new bin begins, if bins in the middle hold `width_max` rows.
fn cut_places(runs: &[Run], rows: usize, width_max: usize) -> Vec<usize> {
    let mut places = Vec::new();
    let (mut seen, mut held) = (0, 0);
    for (place, run) in runs.iter().enumerate().take(runs.len() - 1) {
        seen += run.rows;
        held += run.rows;
        let distance = seen.min(rows - seen);
        if held >= (distance / TAIL).clamp(1, width_max) {
            places.push(place + 1);
            held = 0;
        }
    }
    places
}

/// A threshold that parts two neighbouring values: at least the lower, below the upper.
#[allow(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn between(lower: u32, upper: u32) -> f32 {
    let lower_value = key::value(lower).max(f32::MIN);
    let middle = (f64::from(lower_value) + f64::from(key::value(upper))) / 2.0;
    let middle = middle as f32;
    if key::of(middle) < upper {
        middle
    } else {
        lower_value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_distinct_values_get_a_bin_each() {
        let column = Column::new(&[3.0, 1.0, f32::NAN, 2.0, 1.0, -0.0, 0.0]);
        assert_eq!(column.cuts, [0.5, 1.5, 2.5]);
        assert_eq!(column.bins, [3, 1, 4, 2, 1, 0, 0]);
    }

    #[test]
    fn neighbouring_floats_and_infinities_are_parted() {
        let next = f32::from_bits(1.0_f32.to_bits() + 1);
        for values in [
            [1.0, next],
            [f32::NEG_INFINITY, f32::MIN],
            [f32::MIN, f32::INFINITY],
        ] {
            let column = Column::new(&values);
            let bins = if key::of(values[0]) == key::of(values[1].max(f32::MIN)) {
                1
            } else {
                2
            };
            assert_eq!(column.cuts.len() + 1, bins, "{values:?}");
            assert!(column.cuts.iter().all(|cut| cut.is_finite()), "{values:?}");
        }
    }

    #[test]
    fn a_column_of_missing_values_has_one_empty_bin() {
        let column = Column::new(&[f32::NAN; 3]);
        assert_eq!((column.values(), column.bins), (1, vec![1; 3]));
    }

    #[test]
    fn many_distinct_values_are_cut_finely_at_both_ends() {
        let values: Vec<f32> = (0..60_000_u16)
            .map(|value| f32::from(value) * 0.5)
            .collect();
        let column = Column::new(&values);
        assert!(column.values() <= BINS_MAX && column.values() > BINS_MAX * 9 / 10);
        let widths: Vec<usize> = column
            .bins
            .chunk_by(|a, b| a == b)
            .map(<[u16]>::len)
            .collect();
        assert!(widths[..100].iter().all(|width| *width == 1));
        assert!(widths[widths.len() - 100..].iter().all(|width| *width == 1));
        assert!(widths.iter().all(|width| *width <= 60));
    }

    #[test]
    fn bins_agree_with_comparing_values_to_cuts() {
        let values: Vec<f32> = (0..20_000_u32)
            .map(|row| key::value(0x8000_0000 + row * 60_000))
            .collect();
        let column = Column::new(&values);
        for (value, bin) in values.iter().zip(&column.bins) {
            let below = column.cuts.iter().filter(|cut| value > cut).count();
            assert_eq!(below, usize::from(*bin));
        }
    }
}
