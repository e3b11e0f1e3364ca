//! Money: whole minor units of a currency, and conversion to the reference currency.
//!
//! Promises integer results: a conversion rounds half to even, the same everywhere. Must never hold an
//! amount in floating point.

use crate::currency::Currency;

/// An amount in minor units of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units: cents for USD, yen for JPY.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// Rates are stored as reference major units for one major unit, times this.
pub const RATE_SCALE: i64 = 1_000_000_000;

/// A rate as a decimal such as `1.0834`, at most nine digits behind the point and above zero, in units of
/// 1 / [`RATE_SCALE`]. Digit by digit: no rate passes through floating point.
pub fn parse_rate(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<9}").parse().ok()?;
    whole
        .checked_mul(RATE_SCALE)
        .and_then(|scaled| scaled.checked_add(fraction))
        .filter(|rate| *rate > 0)
}

/// The largest converted amount: as many of them as one entity holds in a window sum within an i64.
pub const CONVERTED_MINOR_MAX: i64 = i64::MAX / 65_536;

/// Rates into one reference currency. Switched through the log, so that a replay converts as then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateTable {
    reference: Currency,
    /// Sorted by currency; the rate is in units of 1 / [`RATE_SCALE`].
    rates: Vec<(Currency, i64)>,
}

impl RateTable {
    /// A table from (currency, rate in units of 1 / [`RATE_SCALE`]) pairs. The reference itself is always
    /// one to one. `Err` names a currency that is given twice, or whose rate is not above zero.
    pub fn new(reference: Currency, mut rates: Vec<(Currency, i64)>) -> Result<Self, String> {
        rates.retain(|(currency, _)| *currency != reference);
        rates.sort();
        for pair in rates.windows(2) {
            if let [a, b] = pair
                && a.0 == b.0
            {
                return Err(format!("currency {} is given twice", a.0));
            }
        }
        if let Some((currency, _)) = rates.iter().find(|(_, rate)| *rate <= 0) {
            return Err(format!("the rate of {currency} is not above zero"));
        }
        Ok(Self { reference, rates })
    }

    /// The currency that amounts are converted to.
    pub fn reference(&self) -> Currency {
        self.reference
    }

    /// The amount in minor units of the reference currency, rounded half to even; `None` where the
    /// currency has no rate or the result is above [`CONVERTED_MINOR_MAX`].
    pub fn convert(&self, money: Money) -> Option<i64> {
        if money.currency == self.reference {
            return (money.minor.abs() <= CONVERTED_MINOR_MAX).then_some(money.minor);
        }
        let at = self
            .rates
            .binary_search_by_key(&money.currency, |(currency, _)| *currency)
            .ok()?;
        let (_, rate) = self.rates.get(at)?;
        // minor / 10^from * rate / SCALE * 10^to, all in integers; the largest product is below 2^127.
        let numerator = i128::from(money.minor)
            .checked_mul(i128::from(*rate))?
            .checked_mul(10_i128.pow(self.reference.exponent()))?;
        let denominator = i128::from(RATE_SCALE) * 10_i128.pow(money.currency.exponent());
        let converted = i64::try_from(divide_half_even(numerator, denominator)).ok()?;
        (converted.abs() <= CONVERTED_MINOR_MAX).then_some(converted)
    }
}

/// Integer division, rounding to nearest and ties to even; `denominator` is above zero.
fn divide_half_even(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator.div_euclid(denominator);
    let twice = numerator.rem_euclid(denominator) * 2;
    let up = twice > denominator || (twice == denominator && quotient.rem_euclid(2) == 1);
    quotient + i128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    #[test]
    fn conversion_respects_exponents_and_rounds_half_to_even() {
        let rates = vec![
            (currency("EUR"), 1_100_000_000),
            (currency("JPY"), 6_500_000),
        ];
        let table = RateTable::new(Currency::USD, rates).unwrap();
        let convert = |minor, code| {
            table.convert(Money {
                minor,
                currency: currency(code),
            })
        };
        assert_eq!(convert(1_000, "USD"), Some(1_000));
        assert_eq!(convert(1_000, "EUR"), Some(1_100));
        assert_eq!(convert(10_000, "JPY"), Some(6_500));
        assert_eq!(convert(5, "EUR"), Some(6), "5.5 rounds to even 6");
        assert_eq!(convert(15, "EUR"), Some(16), "16.5 rounds to even 16");
        assert_eq!(convert(1, "GBP"), None);
        assert_eq!(convert(i64::MAX, "EUR"), None, "does not fit");
        assert_eq!(
            convert(CONVERTED_MINOR_MAX, "USD"),
            Some(CONVERTED_MINOR_MAX)
        );
        assert_eq!(convert(CONVERTED_MINOR_MAX + 1, "USD"), None);
    }

    #[test]
    fn a_currency_given_twice_is_refused() {
        let twice = vec![(currency("EUR"), 1), (currency("EUR"), 2)];
        assert!(
            RateTable::new(Currency::USD, twice)
                .unwrap_err()
                .contains("EUR")
        );
    }
}
