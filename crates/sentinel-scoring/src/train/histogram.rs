//! Gradients as integers: a slope and a curve packed into one number.
//!
//! The upper half is the sum of slopes (first derivatives), the lower half the sum of curves (second
//! derivatives, each at least one unit, so that a cell is zero exactly when no row is in it). One addition
//! adds both. Integers add up to the same in any order: a sibling by subtraction is exact and a
//! model does not depend on how many threads built it.
//!
//! Must never let a sum reach its neighbour's bits: the units are chosen so that all rows together fit.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "packing and unpacking of numbers whose bounds are stated"
)]

/// What the sum of slopes, either way, has to stay below.
const SLOPES_END: f64 = 2_147_483_648.0;

/// What the sum of curves has to stay below.
const CURVES_END: f64 = 4_294_967_296.0;

/// How many units there are to one, for slopes and for curves: powers of two, anew for every tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) slope: f64,
    pub(super) curve: f64,
}

impl Scale {
    /// The finest units in which rows fit whose slopes have magnitudes, and whose curves have sums, like
    /// these.
    pub(super) fn new(slopes: f64, curves: f64, rows: usize) -> Self {
        // Rounding adds half a unit a slope, one unit a curve.
        let rows = rows as f64 + 1.0;
        Self {
            slope: power_of_two_below((SLOPES_END - rows) / slopes.max(1e-30)),
            curve: power_of_two_below((CURVES_END - rows) / curves.max(1e-30)),
        }
    }

    /// One row's share.
    #[inline]
    pub(super) fn pack(self, slope: f64, curve: f64) -> i64 {
        let slope = slope * self.slope;
        let half = if slope < 0.0 { -0.5 } else { 0.5 };
        let curve = (curve * self.curve) as i64;
        ((slope + half) as i64) << 32 | curve.max(1)
    }

    /// The slopes and the curves of a sum, in their own measure.
    pub(super) fn unpack(self, sum: i64) -> (f64, f64) {
        (slopes(sum) / self.slope, curves(sum) / self.curve)
    }
}

/// The sum of slopes, in units.
#[inline]
pub(super) fn slopes(sum: i64) -> f64 {
    (sum >> 32) as f64
}

/// The sum of curves, in units.
#[inline]
pub(super) fn curves(sum: i64) -> f64 {
    (sum & 0xffff_ffff) as f64
}

/// The greatest power of two that is not above a number.
fn power_of_two_below(number: f64) -> f64 {
    let exponent = libm::floor(libm::log2(number)) as i32;
    let power = libm::ldexp(1.0, exponent.clamp(-30, 90));
    if power > number { power / 2.0 } else { power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_the_most_rows_keep_their_parts_apart() {
        let rows = 1_usize << 26;
        let count = rows as f64;
        for (slope, curve) in [(-1.0_f64, 0.25), (1.0, 1e-9), (0.37, 0.11), (-1e-7, 1e-20)] {
            let scale = Scale::new(slope.abs() * count, curve * count, rows);
            let row = scale.pack(slope, curve);
            // Doubling stands for adding that many rows.
            let mut sum = row;
            for _ in 0..26 {
                sum += sum;
            }
            let (slopes, curves) = scale.unpack(sum);
            let bound = 0.5 * count / scale.slope;
            assert!((slopes - slope * count).abs() <= bound, "{slopes}");
            let bound = count / scale.curve;
            assert!((curves - curve * count).abs() <= bound, "{curves}");
            assert_eq!(sum - row, row * ((1 << 26) - 1));
        }
    }

    #[test]
    fn a_row_is_never_nothing() {
        let scale = Scale::new(1000.0, 1000.0, 4000);
        assert_eq!(scale.pack(0.0, 0.0), 1);
        assert_eq!(scale.unpack(scale.pack(-0.5, 0.25)), (-0.5, 0.25));
    }
}
