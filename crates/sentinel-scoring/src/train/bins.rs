//! Cutting a feature's values into bins.
//!
//! Few distinct values get a bin each, so splits on them are exact. Many get bins that grow with the
//! distance from the nearer end: single rows at the very tails, equal shares in the middle. With
//! 255 equal shares, the useful cuts in the top thousandth of an amount all fall within one bin; cut
//! like this, 255 do as well as 4,095. A categorical feature's bins are its most frequent categories.
//!
//! Promises that a row is in a bin up to `b` exactly when its value is at most cut `b`, so a tree that
//! was grown on bins says the same of values.

#![allow(clippy::indexing_slicing, reason = "a numeric loop over sorted arrays")]

use crate::key;
use crate::models::tree::category;

/// The most value bins of a column whose codes take one byte; one more code means missing.
pub(super) const NARROW_MAX: usize = 255;

/// How a feature's values become bins.
#[derive(Debug, PartialEq)]
pub(super) enum Cuts {
    /// The largest value of each bin but the last, rising.
    Values(Vec<f32>),
    /// The category of each bin but the last, which holds all others; most frequent first.
    Categories(Vec<u32>),
}

/// The bin of each row; one past the last bin is missing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Codes {
    Narrow(Vec<u8>),
    Wide(Vec<u16>),
}

/// A feature of the training rows, cut into bins.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) cuts: Cuts,
    pub(super) codes: Codes,
    /// Whether all rows are alike, so that there is nothing to ask.
    pub(super) alike: bool,
}

/// A distinct value, by its key, and how many rows have it.
#[derive(Debug, Clone, Copy)]
struct Run {
    key: u32,
    rows: usize,
}

impl Cuts {
    /// How many bins hold values.
    pub(super) fn values(&self) -> usize {
        1 + match self {
            Self::Values(cuts) => cuts.len(),
            Self::Categories(categories) => categories.len(),
        }
    }
}

impl Column {
    /// Cuts the values of one feature into at most `bins_max` bins; not-a-number is missing.
    pub(super) fn new(values: &[f32], bins_max: usize) -> Self {
        let present = values.iter().filter(|value| !value.is_nan());
        let keys = sorted(present.map(|value| key::of(*value)).collect());
        let cuts = cuts(&runs(&keys), keys.len(), bins_max);
        let alike = cuts.is_empty() && (keys.is_empty() || keys.len() == values.len());
        let cut_keys: Vec<u32> = cuts.iter().map(|cut| key::of(*cut)).collect();
        let codes = if cuts.len() < NARROW_MAX {
            Codes::Narrow(narrow_codes(values, &cut_keys))
        } else {
            let missing = wide(cuts.len() + 1);
            let code = |value: &f32| {
                let key = key::of(*value);
                let bin = wide(cut_keys.partition_point(|cut| key > *cut));
                if value.is_nan() { missing } else { bin }
            };
            Codes::Wide(values.iter().map(code).collect())
        };
        Self {
            cuts: Cuts::Values(cuts),
            codes,
            alike,
        }
    }

    /// Gives each of the most frequent categories a bin; what is no category is with the rare ones.
    pub(super) fn of_categories(values: &[f32], bins_max: usize) -> Self {
        let keys = sorted(values.iter().filter_map(|value| category(*value)).collect());
        let mut runs = runs(&keys);
        runs.sort_by(|a, b| b.rows.cmp(&a.rows).then(a.key.cmp(&b.key)));
        runs.truncate(bins_max.saturating_sub(1));
        let categories: Vec<u32> = runs.iter().map(|run| run.key).collect();
        let mut places: Vec<(u32, usize)> = categories.iter().copied().zip(0..).collect();
        places.sort_unstable();
        let others = categories.len();
        let code = |value: &f32| {
            if value.is_nan() {
                return others + 1;
            }
            let found = category(*value)
                .and_then(|category| places.binary_search_by_key(&category, |place| place.0).ok());
            found.map_or(others, |at| places[at].1)
        };
        let codes: Vec<u16> = values.iter().map(|value| wide(code(value))).collect();
        let alike = codes.windows(2).all(|pair| pair[0] == pair[1]);
        Self {
            codes: if others < NARROW_MAX {
                Codes::Narrow(
                    codes
                        .iter()
                        .map(|code| narrow(usize::from(*code)))
                        .collect(),
                )
            } else {
                Codes::Wide(codes)
            },
            cuts: Cuts::Categories(categories),
            alike,
        }
    }

    /// How many bins hold values.
    pub(super) fn values(&self) -> usize {
        self.cuts.values()
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        match &self.codes {
            Codes::Narrow(codes) => codes.len(),
            Codes::Wide(codes) => codes.len(),
        }
    }

    /// The bin of one row.
    #[cfg(test)]
    pub(super) fn code(&self, row: usize) -> usize {
        match &self.codes {
            Codes::Narrow(codes) => usize::from(codes[row]),
            Codes::Wide(codes) => usize::from(codes[row]),
        }
    }
}

/// A code of one byte; the caller has counted the bins.
#[allow(clippy::cast_possible_truncation, reason = "at most 256 codes")]
fn narrow(bin: usize) -> u8 {
    bin as u8
}

/// A code of two bytes; there are at most 65,536.
#[allow(clippy::cast_possible_truncation, reason = "at most 65536 codes")]
fn wide(bin: usize) -> u16 {
    bin as u16
}

/// The codes of a column of at most 255 value bins: a search without branches, so that several values are
/// under way at once.
fn narrow_codes(values: &[f32], cut_keys: &[u32]) -> Vec<u8> {
    let mut padded = [u32::MAX; 256];
    padded[..cut_keys.len()].copy_from_slice(cut_keys);
    let missing = narrow(cut_keys.len() + 1);
    let code = |value: &f32| {
        let key = key::of(*value);
        let mut below = 0_usize;
        for step in [128, 64, 32, 16, 8, 4, 2, 1] {
            below += usize::from(padded[(below + step - 1) & 255] < key) * step;
        }
        if value.is_nan() {
            missing
        } else {
            narrow(below)
        }
    };
    values.iter().map(code).collect()
}

/// Keys in rising order, by their digits: of hundreds of thousands, in a quarter of a comparing sort's time.
fn sorted(mut keys: Vec<u32>) -> Vec<u32> {
    const DIGIT_BITS: u32 = 11;
    if keys.len() < 4096 {
        keys.sort_unstable();
        return keys;
    }
    let mut other = vec![0; keys.len()];
    for shift in [0, DIGIT_BITS, 2 * DIGIT_BITS] {
        let digit = |key: u32| ((key >> shift) & ((1 << DIGIT_BITS) - 1)) as usize;
        let mut places = [0_usize; 1 << DIGIT_BITS];
        for key in &keys {
            places[digit(*key)] += 1;
        }
        let mut end = 0;
        for place in &mut places {
            end += std::mem::replace(place, end);
        }
        for key in &keys {
            let place = &mut places[digit(*key)];
            other[*place] = *key;
            *place += 1;
        }
        std::mem::swap(&mut keys, &mut other);
    }
    keys
}

fn runs(keys: &[u32]) -> Vec<Run> {
    let run = |run: &[u32]| Run {
        key: run[0],
        rows: run.len(),
    };
    keys.chunk_by(|a, b| a == b).map(run).collect()
}

/// The largest value of each bin but the last.
fn cuts(runs: &[Run], rows: usize, bins_max: usize) -> Vec<f32> {
    let after: Vec<usize> = if runs.len() <= bins_max {
        (1..runs.len()).collect()
    } else {
        let mut seen = 0;
        let ends: Vec<usize> = runs
            .iter()
            .map(|run| {
                seen += run.rows;
                seen
            })
            .collect();
        // A bin at distance `d` rows from the nearer end holds about `d / tail` rows; the finest tails whose
        // bins leave some for the middle.
        let mut tail = bins_max.div_ceil(32);
        while tail > 1 && cut_places(&ends, rows, (tail, rows)).len() >= bins_max {
            tail -= 1;
        }
        // The narrowest bins in the middle that do not take the count over its bound.
        let (mut low, mut high) = (1, rows);
        while low < high {
            let middle = low + (high - low) / 2;
            if cut_places(&ends, rows, (tail, middle)).len() < bins_max {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let mut places = cut_places(&ends, rows, (tail, high));
        places.truncate(bins_max - 1);
        places
    };
    after
        .into_iter()
        .map(|place| between(runs[place - 1].key, runs[place].key))
        .collect()
}

/// The runs before which a new bin begins, if bins in the middle hold `width_max` rows. `ends` says how many
/// rows there are up to the end of each run.
fn cut_places(ends: &[usize], rows: usize, (tail, width_max): (usize, usize)) -> Vec<usize> {
    let mut places = Vec::new();
    let last = ends.len() - 1;
    let (mut place, mut before) = (0, 0);
    loop {
        let is_full = |end: usize| {
            let distance = end.min(rows - end);
            end - before >= (distance / tail).clamp(1, width_max)
        };
        // Rows of a bin grow faster than what it has to hold, so the first full place is found by doubling
        // steps, then by halves.
        let mut reach = 1;
        while place + reach < last && !is_full(ends[place + reach - 1]) {
            reach *= 2;
        }
        let (from, to) = (place + reach / 2, (place + reach).min(last));
        if from > to {
            return places;
        }
        place = from + ends[from..to].partition_point(|end| !is_full(*end));
        if place >= last {
            return places;
        }
        before = ends[place];
        place += 1;
        places.push(place);
    }
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

    fn codes(column: &Column, rows: usize) -> Vec<usize> {
        (0..rows).map(|row| column.code(row)).collect()
    }

    fn value_cuts(column: &Column) -> &[f32] {
        match &column.cuts {
            Cuts::Values(cuts) => cuts,
            Cuts::Categories(_) => panic!("not categories"),
        }
    }

    #[test]
    fn few_distinct_values_get_a_bin_each() {
        let column = Column::new(&[3.0, 1.0, f32::NAN, 2.0, 1.0, -0.0, 0.0], 255);
        assert_eq!(value_cuts(&column), [0.5, 1.5, 2.5]);
        assert_eq!(codes(&column, 7), [3, 1, 4, 2, 1, 0, 0]);
        assert!(!column.alike);
    }

    #[test]
    fn neighbouring_floats_and_infinities_are_parted() {
        let next = f32::from_bits(1.0_f32.to_bits() + 1);
        for values in [
            [1.0, next],
            [f32::NEG_INFINITY, f32::MIN],
            [f32::MIN, f32::INFINITY],
        ] {
            let column = Column::new(&values, 255);
            let bins = if key::of(values[0]) == key::of(values[1].max(f32::MIN)) {
                1
            } else {
                2
            };
            assert_eq!(column.values(), bins, "{values:?}");
            assert!(value_cuts(&column).iter().all(|cut| cut.is_finite()));
        }
    }

    #[test]
    fn a_column_of_rows_alike_has_nothing_to_ask() {
        let column = Column::new(&[f32::NAN; 3], 255);
        assert_eq!((column.values(), codes(&column, 3)), (1, vec![1; 3]));
        assert!(column.alike);
        assert!(Column::new(&[7.0; 3], 255).alike);
        assert!(!Column::new(&[7.0, f32::NAN], 255).alike);
        assert!(Column::of_categories(&[7.0; 3], 255).alike);
    }

    #[test]
    fn many_distinct_values_are_cut_finely_at_both_ends() {
        let values: Vec<f32> = (0..60_000_u16)
            .map(|value| f32::from(value) * 0.5)
            .collect();
        for (bins_max, single, widest) in [(4095, 100, 60), (255, 7, 1200)] {
            let column = Column::new(&values, bins_max);
            assert!(column.values() <= bins_max && column.values() > bins_max * 9 / 10);
            let codes = codes(&column, values.len());
            let widths: Vec<usize> = codes.chunk_by(|a, b| a == b).map(<[usize]>::len).collect();
            assert!(widths[..single].iter().all(|width| *width == 1));
            assert!(
                widths[widths.len() - single..]
                    .iter()
                    .all(|width| *width == 1)
            );
            assert!(widths.iter().all(|width| *width <= widest), "{widths:?}");
        }
    }

    #[test]
    fn bins_agree_with_comparing_values_to_cuts() {
        let values: Vec<f32> = (0..20_000_u32)
            .map(|row| key::value(0x8000_0000 + row.wrapping_mul(2_654_435_761) % 20_000 * 60_000))
            .collect();
        for bins_max in [2, 16, 254, 255, 256, 4095] {
            let column = Column::new(&values, bins_max);
            let cuts = value_cuts(&column);
            assert!(column.values() <= bins_max);
            for (row, value) in values.iter().enumerate() {
                assert_eq!(cuts.partition_point(|cut| value > cut), column.code(row));
            }
        }
    }

    #[test]
    fn places_found_by_leaps_are_those_of_a_walk() {
        let mut dice = crate::model::tests::Dice(5);
        for (rows_max, tail, width_max) in [(1, 8, 50), (3, 2, 1000), (40, 128, 7), (9, 1, 300)] {
            let mut seen = 0;
            let ends: Vec<usize> = (0..3000)
                .map(|_| {
                    seen += 1 + usize::try_from(dice.below(rows_max)).unwrap();
                    seen
                })
                .collect();
            let (mut walked, mut before) = (Vec::new(), 0);
            for (place, end) in ends[..ends.len() - 1].iter().enumerate() {
                let distance = end.min(&(seen - end)) / tail;
                if end - before >= distance.clamp(1, width_max) {
                    walked.push(place + 1);
                    before = *end;
                }
            }
            assert_eq!(cut_places(&ends, seen, (tail, width_max)), walked);
        }
    }

    #[test]
    fn frequent_categories_get_a_bin_each_and_rare_ones_share_the_last() {
        let values = [5.0, 9.9, 5.0, 1.0, 9.0, 5.0, -1.0, f32::NAN, 2e9];
        let column = Column::of_categories(&values, 255);
        assert_eq!(column.cuts, Cuts::Categories(vec![5, 9, 1]));
        assert_eq!(codes(&column, 9), [0, 1, 0, 2, 1, 0, 3, 4, 3]);
        let few = Column::of_categories(&values, 3);
        assert_eq!(few.cuts, Cuts::Categories(vec![5, 9]));
        assert_eq!(codes(&few, 9), [0, 1, 0, 2, 1, 0, 2, 3, 2]);
    }
}
