//! The text form of a currency rate table: what an `Activate{rates}` entry carries.
//!
//! Rates are decimal texts: no rate passes through floating point.

use std::collections::BTreeMap;

use sentinel_domain::money::parse_rate;
use sentinel_domain::{Currency, RateTable};
use serde::Deserialize;

/// The table that ships with the product.
pub const SHIPPED_RATES: &str = include_str!("../../../fixtures/rates/default.toml");

/// A rate table with its name and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRates {
    /// For people.
    pub name: String,
    /// The file's own version.
    pub version: u32,
    /// The rates.
    pub table: RateTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    version: u32,
    reference: String,
    rates: BTreeMap<String, String>,
}

/// Reads a table; an error says which currency or line is at fault.
pub fn parse(text: &str) -> Result<NamedRates, String> {
    let file: File = toml::from_str(text).map_err(|error| format!("read rates: {error}"))?;
    let currency = |code: &str| {
        Currency::parse(code).ok_or_else(|| format!("read rates: {code:?} is not an ISO 4217 code"))
    };
    let rate_of = |code: &str, rate: &str| {
        parse_rate(rate).ok_or_else(|| {
            format!("read rates: the rate {rate:?} of {code} is not a decimal such as 1.0834")
        })
    };
    let rates = file
        .rates
        .iter()
        .map(|(code, rate)| Ok((currency(code)?, rate_of(code, rate)?)))
        .collect::<Result<Vec<_>, String>>()?;
    let table = RateTable::new(currency(&file.reference)?, rates)
        .map_err(|detail| format!("read rates: {detail}"))?;
    Ok(NamedRates {
        name: file.name,
        version: file.version,
        table,
    })
}

#[cfg(test)]
mod tests {
    use sentinel_domain::Money;

    use super::*;

    #[test]
    fn the_shipped_table_converts() {
        let rates = parse(SHIPPED_RATES).unwrap();
        let euros = Money {
            minor: 10_000,
            currency: Currency::parse("EUR").unwrap(),
        };
        assert_eq!(rates.table.convert(euros), Some(11_600));
    }

    #[test]
    fn faults_name_the_currency() {
        let with = |line: &str| {
            format!("name = \"x\"\nversion = 1\nreference = \"USD\"\n[rates]\n{line}\n")
        };
        for (line, expected) in [
            ("EUR = \"1.1x\"", "EUR"),
            ("QQQ = \"1.1\"", "QQQ"),
            ("EUR = \"0\"", "EUR"),
            ("EUR = \"0.0000000001\"", "EUR"),
        ] {
            let error = parse(&with(line)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
