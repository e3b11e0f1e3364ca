//! Integers of variable length: seven bits a byte, low bits first; signed ones fold the sign into bit 0.
//!
//! Promises that reading stops after ten bytes and never reads past the end.

/// Appends an integer.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the low seven bits are what is wanted"
)]
pub(crate) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads an integer from the front of `rest`; `None` where it is cut short or does not fit.
#[inline]
pub(crate) fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let (&first, after) = rest.split_first()?;
    if first < 0x80 {
        *rest = after;
        return Some(u64::from(first));
    }
    read_long_varint(rest)
}

fn read_long_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for (at, byte) in rest.iter().take(10).enumerate() {
        let low = u64::from(byte & 0x7f);
        let shift = 7 * u32::try_from(at).ok()?;
        if shift == 63 && low > 1 {
            return None;
        }
        value |= low << shift;
        if *byte < 0x80 {
            *rest = rest.get(at + 1..)?;
            return Some(value);
        }
    }
    None
}

/// Small magnitudes of either sign become small numbers.
#[allow(clippy::cast_sign_loss, reason = "the bits are kept, only folded")]
pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The reverse of [`zigzag`].
#[allow(
    clippy::cast_possible_wrap,
    reason = "the bits are kept, only unfolded"
)]
pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magnitude_comes_back_and_a_cut_one_does_not() {
        let edges = (0..64).flat_map(|bit| [1_u64 << bit, (1_u64 << bit) - 1, u64::MAX >> bit]);
        for value in edges.chain([u64::MAX]) {
            let mut bytes = Vec::new();
            write_varint(&mut bytes, value);
            assert_eq!(read_varint(&mut bytes.as_slice()), Some(value));
            bytes.pop();
            assert_eq!(read_varint(&mut bytes.as_slice()), None);
            let signed = value.cast_signed();
            assert_eq!(unzigzag(zigzag(signed)), signed);
        }
    }

    #[test]
    fn more_than_sixty_four_bits_are_refused() {
        assert_eq!(read_varint(&mut [0xff_u8; 10].as_slice()), None);
        assert_eq!(read_varint(&mut [0x80_u8; 11].as_slice()), None);
    }
}
