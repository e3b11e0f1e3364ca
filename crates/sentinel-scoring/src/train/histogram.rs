//! Sums of gradients by feature and bin, as integers.
//!
//! A cell is two integers: the gradients, and the second derivatives packed above the count of rows.
//! Integers add up to the same in any order, so a sibling by subtraction is exact and a model
//! would not depend on how many threads built it. Must never let a sum reach its neighbour's bits:
//! the scales are chosen so that all rows together fit.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a numeric loop; bins lie within their feature's cells"
)]

use super::bins::Column;

/// Bits of the count in a packed cell: two to the power of them exceeds the most rows.
const COUNT_BITS: u32 = 27;

/// Bits that the sum of second derivatives may take, so that the sign stays free.
const CURVE_BITS: u32 = 36;

/// The scale of gradients; they lie within 1, so `2^26` rows stay within `2^62`.
const SLOPE_SCALE: f64 = 68_719_476_736.0;

/// Gradients, and packed second derivatives and counts, of some rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sums([i64; 2]);

/// How second derivatives become integers; it depends on how many rows there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    curve: f64,
}

impl Scale {
    /// The finest scale for so many rows.
    pub(super) fn new(rows: usize) -> Self {
        let mut curve = 1.0;
        // A second derivative is at most a quarter, and each is rounded up to at least one unit.
        let limit = libm::ldexp(1.0, CURVE_BITS.cast_signed());
        while rows as f64 * (curve * 2.0 * 0.25 + 1.0) < limit {
            curve *= 2.0;
        }
        Self { curve }
    }

    /// One row's share.
    #[inline]
    pub(super) fn row(self, slope: f64, curve: f64) -> Sums {
        let slope = slope * SLOPE_SCALE;
        let half = if slope < 0.0 { -0.5 } else { 0.5 };
        let curve = (curve * self.curve) as i64 + 1;
        Sums([(slope + half) as i64, curve << COUNT_BITS | 1])
    }

    /// The sum of gradients.
    pub(super) fn slope(sums: Sums) -> f64 {
        sums.0[0] as f64 / SLOPE_SCALE
    }

    /// The sum of second derivatives.
    pub(super) fn curve(self, sums: Sums) -> f64 {
        (sums.0[1] >> COUNT_BITS) as f64 / self.curve
    }
}

impl Sums {
    /// The rows that were summed.
    #[inline]
    pub(super) fn rows(self) -> usize {
        (self.0[1].cast_unsigned() & ((1 << COUNT_BITS) - 1)) as usize
    }

    /// Wrapping only spares the check: the scales leave no room for it.
    #[inline]
    pub(super) fn add(&mut self, other: Self) {
        self.0[0] = self.0[0].wrapping_add(other.0[0]);
        self.0[1] = self.0[1].wrapping_add(other.0[1]);
    }

    /// What is left without some of the rows.
    #[inline]
    pub(super) fn without(self, part: Self) -> Self {
        Self([
            self.0[0].wrapping_sub(part.0[0]),
            self.0[1].wrapping_sub(part.0[1]),
        ])
    }
}

/// Where each feature's cells lie.
#[derive(Debug)]
pub(super) struct Layout {
    /// The first cell of each feature, and the end.
    starts: Vec<usize>,
}

impl Layout {
    pub(super) fn new(columns: &[Column]) -> Self {
        let mut starts = vec![0];
        let mut end = 0;
        for column in columns {
            end += column.values() + 1;
            starts.push(end);
        }
        Self { starts }
    }

    /// The cells of all features.
    pub(super) fn cells(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The cells of one feature; the last is of missing values.
    pub(super) fn of(&self, feature: usize) -> std::ops::Range<usize> {
        self.starts[feature]..self.starts[feature + 1]
    }
}

/// The sums of some rows by feature and bin.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    pub(super) cells: Vec<Sums>,
}

impl Histogram {
    /// Sums `rows`; `sums` has one entry for each of them, in the same order.
    pub(super) fn build(
        &mut self,
        layout: &Layout,
        columns: &[Column],
        rows: &[u32],
        sums: &[Sums],
    ) {
        self.cells.clear();
        self.cells.resize(layout.cells(), Sums::default());
        for (feature, column) in columns.iter().enumerate() {
            let cells = &mut self.cells[layout.of(feature)];
            let bins = column.bins.as_slice();
            if rows.len() == bins.len() {
                for (bin, sums) in bins.iter().zip(sums) {
                    cells[usize::from(*bin)].add(*sums);
                }
            } else {
                for (row, sums) in rows.iter().zip(sums) {
                    cells[usize::from(bins[*row as usize])].add(*sums);
                }
            }
        }
    }

    /// Takes the rows of one child away, so that the other's remain.
    pub(super) fn subtract(&mut self, child: &Self) {
        for (cell, part) in self.cells.iter_mut().zip(&child.cells) {
            *cell = cell.without(*part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_the_most_rows_keep_their_parts_apart() {
        let rows = 1 << 26;
        let scale = Scale::new(rows);
        let row = scale.row(-1.0, 0.25);
        // Doubling stands for adding that many rows.
        let mut sums = row;
        for _ in 0..26 {
            sums.add(sums);
        }
        assert_eq!(sums.rows(), rows);
        assert_eq!(Scale::slope(sums), -67_108_864.0);
        let curve = scale.curve(sums);
        assert!((curve / 16_777_216.0 - 1.0).abs() < 0.01, "{curve}");
        assert_eq!(sums.without(row).rows(), rows - 1);
    }

    #[test]
    fn a_child_by_subtraction_is_the_child_by_sums() {
        let columns = vec![
            Column::new(&[1.0, 2.0, f32::NAN, 2.0]),
            Column::new(&[5.0, 5.0, 6.0, 7.0]),
        ];
        let layout = Layout::new(&columns);
        let scale = Scale::new(4);
        let all: Vec<Sums> = [0.1, -0.9, 0.3, 0.2]
            .map(|slope| scale.row(slope, 0.2))
            .to_vec();
        let build = |rows: &[u32]| {
            let mut histogram = Histogram::default();
            let sums: Vec<Sums> = rows.iter().map(|row| all[*row as usize]).collect();
            histogram.build(&layout, &columns, rows, &sums);
            histogram
        };
        let mut rest = build(&[0, 1, 2, 3]);
        rest.subtract(&build(&[1, 2]));
        assert_eq!(rest.cells, build(&[0, 3]).cells);
    }
}
