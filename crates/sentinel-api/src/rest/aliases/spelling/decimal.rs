//! Decimal amounts read digit by digit.

use sentinel_domain::Currency;

/// The longest amount that is read.
const DIGITS_MAX: usize = 40;

/// The minor units of an amount in major units: an optional sign, digits, a fraction, an exponent. `Err`
/// says what is wrong, for a person.
pub fn minor_units(text: &str, currency: Currency) -> Result<i64, String> {
    let odd = || {
        let short: String = text.chars().take(40).collect();
        format!("is {short:?}, expected a decimal amount such as 12.34")
    };
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| odd())?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let has_gap = mantissa.contains('.') && fraction.is_empty();
    if whole.is_empty() || has_gap || !is_digits(whole) || !is_digits(fraction) {
        return Err(odd());
    }
    if whole.len() + fraction.len() > DIGITS_MAX || exponent.unsigned_abs() > 60 {
        return Err("is out of range".to_owned());
    }
    // The value is `digits` times ten to the power of `shift`, in minor units.
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let zeros = digits.len() - significant.len();
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let shift =
        i64::from(currency.exponent()) + exponent - places + i64::try_from(zeros).unwrap_or(0);
    if shift < 0 {
        let decimals = currency.exponent();
        return Err(format!(
            "has more than the {decimals} decimals of {currency}"
        ));
    }
    let scaled = u32::try_from(shift)
        .ok()
        .and_then(|shift| 10_i128.checked_pow(shift));
    let minor = significant
        .parse::<i128>()
        .ok()
        .zip(scaled)
        .and_then(|(a, b)| a.checked_mul(b));
    let minor = minor.and_then(|minor| i64::try_from(minor * sign).ok());
    minor.ok_or_else(|| "is out of range".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, code: &str) -> Result<i64, String> {
        minor_units(text, Currency::parse(code).unwrap())
    }

    #[test]
    fn amounts_are_exact_in_every_currency() {
        assert_eq!(read("12.34", "USD"), Ok(1_234));
        assert_eq!(read("12.3", "USD"), Ok(1_230));
        assert_eq!(read("12.3400", "USD"), Ok(1_234));
        assert_eq!(
            read("0.29", "USD"),
            Ok(29),
            "0.29 * 100 is 28.999… in floating point"
        );
        assert_eq!(read("500", "JPY"), Ok(500));
        assert_eq!(read("1.234", "KWD"), Ok(1_234));
        assert_eq!(read("1.2e3", "USD"), Ok(120_000));
        assert_eq!(read("1200e-2", "USD"), Ok(1_200));
        assert_eq!(read("0.00", "USD"), Ok(0));
        assert_eq!(read("-5", "USD"), Ok(-500));
        assert_eq!(read("90071992547409.93", "USD"), Ok(9_007_199_254_740_993));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        assert!(
            read("12.345", "USD")
                .unwrap_err()
                .contains("2 decimals of USD")
        );
        assert!(
            read("0.5", "JPY")
                .unwrap_err()
                .contains("0 decimals of JPY")
        );
        for text in [
            "", "-", ".5", "5.", "1,000", "12 34", "abc", "1e", "1e99", "--1", "+1", "٣",
        ] {
            assert!(read(text, "USD").is_err(), "{text}");
        }
        assert!(read(&"9".repeat(30), "USD").is_err());
        assert!(read(&"9".repeat(60), "USD").is_err());
    }
}
