//! Values of the flags: durations, rates, shares and bursts, each with a message that says how it is spelled.

use super::pace::Burst;

/// A length of time, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub i64);

impl Span {
    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// Units of a length of time, with their microseconds.
const UNITS: [(&str, i64); 6] = [
    ("ms", 1_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
    ("w", 604_800_000_000),
];

/// A length of time such as `90s`, `15m`, `1h30m` or `30d`, above zero.
pub fn span(text: &str) -> Result<Span, String> {
    let unfit = || "expected a length of time such as 90s, 15m, 1h30m or 30d".to_owned();
    let (mut rest, mut total) = (text, 0_i64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(unfit)?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let micros = UNITS.iter().find(|(name, _)| *name == unit);
        let (_, micros) = micros.ok_or_else(unfit)?;
        let part = number
            .parse::<i64>()
            .ok()
            .and_then(|n| n.checked_mul(*micros));
        total = part
            .and_then(|part| total.checked_add(part))
            .ok_or_else(unfit)?;
        rest = after;
    }
    if total == 0 {
        return Err("must be longer than zero, such as 90s, 15m or 30d".to_owned());
    }
    Ok(Span(total))
}

/// A number above zero.
pub fn above_zero(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("expected a number above 0".to_owned()),
    }
}

/// The most payments a second that may be asked for.
pub const RATE_MAX: f64 = 1_000_000.0;

/// Payments a second.
pub fn rate(text: &str) -> Result<f64, String> {
    above_zero(text)
        .ok()
        .filter(|rate| *rate <= RATE_MAX)
        .ok_or_else(|| format!("expected payments a second, above 0 and at most {RATE_MAX}"))
}

/// A share of 1.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("expected a share from 0 to 1".to_owned()),
    }
}

/// A share of fraud.
pub fn fraud_rate(text: &str) -> Result<f64, String> {
    let most = sentinel_synth::Options::FRAUD_RATE_MAX;
    share(text)
        .ok()
        .filter(|share| *share <= most)
        .ok_or_else(|| format!("expected a share from 0 to {most}, such as 0.0271"))
}

/// The beginning of event ids.
pub fn id_prefix(text: &str) -> Result<String, String> {
    let most = sentinel_synth::Options::ID_PREFIX_BYTES_MAX;
    if text.len() > most {
        return Err(format!("is {} bytes long, at most {most}", text.len()));
    }
    Ok(text.to_owned())
}

/// `5:10s:1m`: five times the rate in the first ten seconds of every minute.
pub fn burst(text: &str) -> Result<Burst, String> {
    let unfit = || {
        "expected TIMES:LENGTH:PERIOD, such as 5:10s:1m for five times the rate in the first ten seconds \
         of every minute"
            .to_owned()
    };
    let mut parts = text.split(':');
    let (Some(times), Some(length), Some(period), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unfit());
    };
    let burst = Burst {
        times: above_zero(times).map_err(|_| unfit())?,
        length_secs: span(length).map_err(|_| unfit())?.seconds(),
        period_secs: span(period).map_err(|_| unfit())?.seconds(),
    };
    if burst.length_secs >= burst.period_secs {
        return Err("the length of a burst must be below its period".to_owned());
    }
    Ok(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_exact_or_refused() {
        assert_eq!(span("90s"), Ok(Span(90_000_000)));
        assert_eq!(span("1h30m"), Ok(Span(5_400_000_000)));
        assert_eq!(span("250ms"), Ok(Span(250_000)));
        assert_eq!(span("2w"), span("14d"));
        for text in [
            "",
            "0s",
            "5",
            "s",
            "5x",
            "-5s",
            "1.5h",
            "5s3",
            "9999999999999w",
            "é",
        ] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bursts_are_read_or_refused() {
        let read = burst("5:10s:1m").unwrap();
        assert_eq!(
            (read.times, read.length_secs, read.period_secs),
            (5.0, 10.0, 60.0)
        );
        for text in [
            "5",
            "5:10s",
            "0:10s:1m",
            "5:1m:1m",
            "5:10s:1m:1m",
            "x:10s:1m",
        ] {
            assert!(burst(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(rate("400000"), Ok(400_000.0));
        for text in ["0", "-1", "NaN", "inf", "1e9", "fast"] {
            assert!(rate(text).is_err(), "{text}");
        }
        assert!(share("1").is_ok() && share("1.1").is_err() && share("NaN").is_err());
        assert!(fraud_rate("0.5").is_ok() && fraud_rate("0.51").is_err());
    }
}
