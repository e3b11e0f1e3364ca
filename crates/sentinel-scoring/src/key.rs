//! Integer keys of floating-point values: comparing the keys compares the values.
//!
//! Promises a total order with missing values at a chosen end, without a branch. Must never tell
//! the two zeros apart, since `<=` does not.

#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "bit patterns, not quantities"
)]

/// The key of a missing value that goes left: below every value.
pub(crate) const MISSING_LEFT: u32 = 0;

/// The key of a missing value that goes right: above every threshold.
pub(crate) const MISSING_RIGHT: u32 = u32::MAX;

const SIGN: u32 = 0x8000_0000;

/// The key of a value that is not missing.
#[inline]
pub(crate) fn of(value: f32) -> u32 {
    // Infinity is held to the largest finite value, so that a split "present or missing" there takes every
    // present value left; as a value, since that is one instruction for several of them.
    let held = if value > f32::MAX { f32::MAX } else { value };
    // Adding zero turns minus zero into zero.
    let bits = (held + 0.0).to_bits();
    let negative = ((bits as i32) >> 31) as u32;
    bits ^ (negative | SIGN)
}

/// The keys of a value for splits that send missing values left and for those that send them right.
/// Without a branch: which values of a row are missing is what no processor can foretell.
#[inline(always)]
pub(crate) fn pair(value: f32, missing: bool) -> [u32; 2] {
    let mask = 0_u32.wrapping_sub(u32::from(missing));
    let key = of(value);
    [key & !mask, key | mask]
}

/// Whether a value is missing, by its bits.
#[inline(always)]
pub(crate) fn missing(value: f32) -> bool {
    value.to_bits() & !SIGN > f32::INFINITY.to_bits()
}

/// The value that has this key.
pub(crate) fn value(key: u32) -> f32 {
    let positive = ((key as i32) >> 31) as u32;
    f32::from_bits(key ^ (!positive | SIGN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_their_values_do() {
        let values = [
            f32::NEG_INFINITY,
            f32::MIN,
            -1.5,
            -f32::MIN_POSITIVE / 2.0,
            0.0,
            f32::MIN_POSITIVE,
            2.0,
            f32::MAX,
        ];
        for pair in values.windows(2) {
            assert!(of(pair[0]) < of(pair[1]), "{pair:?}");
            assert_eq!(value(of(pair[0])), pair[0]);
        }
        assert_eq!(of(0.0), of(-0.0));
        assert_eq!(of(f32::INFINITY), of(f32::MAX));
        assert!(of(f32::NEG_INFINITY) > MISSING_LEFT);
        assert!(of(f32::MAX) < MISSING_RIGHT);
        for value in [f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001)] {
            assert!(missing(value));
            assert_eq!(pair(value, true), [MISSING_LEFT, MISSING_RIGHT]);
        }
        for value in values {
            assert!(!missing(value));
            assert_eq!(pair(value, false), [of(value); 2]);
        }
    }
}
