//! Decimals: numbers as people and spreadsheets write them, scaled to whole units without rounding
//! errors.
//!
//! Promises exactness: text goes to an integer by integer arithmetic alone. Must never pass through
//! floating point, where `0.1` is not a tenth and a sum of cents drifts.

/// A decimal number, `digits` × 10^-`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    scale: i32,
}

/// What to do with digits below the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// Refuse the number: a table that claims cents should hold cents.
    #[default]
    Reject,
    /// To the nearest unit, ties to the even one.
    HalfEven,
}

/// Why a decimal is not a whole number of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has digits below the unit and rounding is not allowed.
    TooFine,
    /// It does not fit 64 bits.
    TooLarge,
}

/// More significant digits than any amount, instant or coordinate has; keeps products within 128 bits.
const DIGITS_MAX: u32 = 27;
/// Decimals and powers of ten beyond this are not a quantity.
const SCALE_MAX: i32 = 30;

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`, white space around it ignored. `None` where the text is
    /// not such a number or has more digits than any quantity has.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = text.trim().bytes().peekable();
        let negative = bytes.next_if(|b| matches!(b, b'+' | b'-')) == Some(b'-');
        let (mut digits, mut significant, mut scale) = (0_i128, 0_u32, 0_i32);
        let (mut fraction, mut any) = (false, false);
        while let Some(byte) = bytes.next_if(|b| b.is_ascii_digit() || *b == b'.') {
            if byte == b'.' {
                if fraction {
                    return None;
                }
                fraction = true;
                continue;
            }
            any = true;
            significant += u32::from(significant > 0 || byte != b'0');
            scale += i32::from(fraction);
            if significant > DIGITS_MAX || scale > SCALE_MAX {
                return None;
            }
            digits = digits * 10 + i128::from(byte - b'0');
        }
        if bytes.next_if(|b| matches!(b, b'e' | b'E')).is_some() {
            let exponent: String = bytes.by_ref().map(char::from).collect();
            let exponent: i32 = exponent.parse().ok()?;
            scale = scale
                .checked_sub(exponent)
                .filter(|s| s.abs() <= SCALE_MAX)?;
        }
        let digits = if negative { -digits } else { digits };
        (any && bytes.next().is_none()).then_some(Self { digits, scale })
    }

    /// This number times `units`, as a whole number.
    pub fn times(self, units: i64, rounding: Rounding) -> Result<i64, Fault> {
        let power = 10_i128
            .checked_pow(self.scale.unsigned_abs())
            .ok_or(Fault::TooLarge)?;
        let product = self
            .digits
            .checked_mul(i128::from(units))
            .ok_or(Fault::TooLarge)?;
        let whole = if self.scale <= 0 {
            product.checked_mul(power).ok_or(Fault::TooLarge)?
        } else {
            divide(product, power, rounding)?
        };
        i64::try_from(whole).map_err(|_| Fault::TooLarge)
    }
}

/// Integer division by a power of ten.
fn divide(numerator: i128, denominator: i128, rounding: Rounding) -> Result<i128, Fault> {
    let quotient = numerator.div_euclid(denominator);
    let twice = numerator.rem_euclid(denominator) * 2;
    if twice == 0 {
        return Ok(quotient);
    }
    match rounding {
        Rounding::Reject => Err(Fault::TooFine),
        Rounding::HalfEven => {
            let odd = quotient.rem_euclid(2) == 1;
            let up = twice > denominator || (twice == denominator && odd);
            Ok(quotient + i128::from(up))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cents(text: &str, rounding: Rounding) -> Option<Result<i64, Fault>> {
        Decimal::parse(text).map(|decimal| decimal.times(100, rounding))
    }

    #[test]
    fn amounts_become_cents_exactly() {
        for (text, expected) in [
            ("12.34", 1_234),
            ("0.1", 10),
            ("7", 700),
            ("7.", 700),
            (".5", 50),
            ("-3.20", -320),
            (" +1.000 ", 100),
            ("1.5e3", 150_000),
            ("25E-2", 25),
            ("0000000000000000000000000000000012.3", 1_230),
        ] {
            assert_eq!(cents(text, Rounding::Reject), Some(Ok(expected)), "{text}");
        }
    }

    #[test]
    fn digits_below_the_unit_are_refused_or_rounded_half_to_even() {
        assert_eq!(cents("12.345", Rounding::Reject), Some(Err(Fault::TooFine)));
        for (text, expected) in [
            ("12.345", 1_234),
            ("12.355", 1_236),
            ("12.3451", 1_235),
            ("-12.345", -1_234),
            ("-12.355", -1_236),
        ] {
            assert_eq!(
                cents(text, Rounding::HalfEven),
                Some(Ok(expected)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_a_number_is_not_read() {
        for text in [
            "",
            ".",
            "-",
            "1.2.3",
            "1e",
            "e5",
            "1,5",
            "0x10",
            "NaN",
            "inf",
            "1 2",
            "1e99",
            "12345678901234567890123456789",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(
            cents("99999999999999999999", Rounding::Reject),
            Some(Err(Fault::TooLarge))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn every_amount_in_cents_is_read_back(minor in -1_000_000_000_000_i64..1_000_000_000_000) {
            let sign = if minor < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100);
            prop_assert_eq!(cents(&text, Rounding::Reject), Some(Ok(minor)));
        }
    }
}
