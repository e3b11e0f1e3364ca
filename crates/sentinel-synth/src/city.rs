//! Cities: where people live, shops stand and thieves sit.
//!
//! Real places with their currencies, coordinates and usual offset from UTC (no summer time). What a
//! dollar is in each currency is said by the table of rates that ships with the product.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use sentinel_domain::money::{RATE_SCALE, parse_rate};
use sentinel_domain::{Coordinates, Country, Currency};

/// One city.
#[derive(Debug, Clone)]
pub(crate) struct City {
    pub(crate) name: &'static str,
    pub(crate) country: Country,
    pub(crate) currency: Currency,
    /// Minor units of the currency for one US dollar.
    pub(crate) minor_per_usd: f64,
    pub(crate) coordinates: Coordinates,
    pub(crate) utc_offset_minutes: i16,
    /// How many of 256 people live here, about.
    pub(crate) weight: u16,
}

/// How many cities there are.
#[allow(clippy::cast_possible_truncation, reason = "the table has 34 rows")]
pub(crate) const CITIES: u32 = ROWS.len() as u32;

type Row = (&'static str, &'static str, &'static str, i32, i32, i16, u16);

/// Name, country, currency, latitude and longitude in 1/10,000 degree, minutes from UTC, weight.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("New York", "US", "USD", 407_128, -740_060, -300, 20),
    ("Los Angeles", "US", "USD", 340_522, -1_182_437, -480, 14),
    ("Chicago", "US", "USD", 418_781, -876_298, -360, 10),
    ("Miami", "US", "USD", 257_617, -801_918, -300, 6),
    ("Toronto", "CA", "CAD", 436_532, -793_832, -300, 7),
    ("Mexico City", "MX", "MXN", 194_326, -991_332, -360, 7),
    ("Sao Paulo", "BR", "BRL", -235_505, -466_333, -180, 10),
    ("Buenos Aires", "AR", "ARS", -346_037, -583_816, -180, 3),
    ("London", "GB", "GBP", 515_072, -1_276, 0, 16),
    ("Manchester", "GB", "GBP", 534_808, -22_426, 0, 5),
    ("Paris", "FR", "EUR", 488_566, 23_522, 60, 12),
    ("Lyon", "FR", "EUR", 457_640, 48_357, 60, 3),
    ("Madrid", "ES", "EUR", 404_168, -37_038, 60, 8),
    ("Lisbon", "PT", "EUR", 387_223, -91_393, 0, 4),
    ("Berlin", "DE", "EUR", 525_200, 134_050, 60, 9),
    ("Munich", "DE", "EUR", 481_351, 115_820, 60, 6),
    ("Amsterdam", "NL", "EUR", 523_676, 49_041, 60, 5),
    ("Milan", "IT", "EUR", 454_642, 91_900, 60, 7),
    ("Zurich", "CH", "CHF", 473_769, 85_417, 60, 3),
    ("Vienna", "AT", "EUR", 482_082, 163_738, 60, 4),
    ("Warsaw", "PL", "PLN", 522_297, 210_122, 60, 5),
    ("Stockholm", "SE", "SEK", 593_293, 180_686, 60, 4),
    ("Istanbul", "TR", "TRY", 410_082, 289_784, 180, 6),
    ("Bucharest", "RO", "RON", 444_268, 261_025, 120, 3),
    ("Lagos", "NG", "NGN", 65_244, 33_792, 60, 4),
    ("Johannesburg", "ZA", "ZAR", -262_041, 280_473, 120, 4),
    ("Dubai", "AE", "AED", 252_048, 552_708, 240, 4),
    ("Kuwait City", "KW", "KWD", 293_759, 479_774, 180, 2),
    ("Mumbai", "IN", "INR", 190_760, 728_777, 330, 10),
    ("Singapore", "SG", "SGD", 13_521, 1_038_198, 480, 4),
    ("Bangkok", "TH", "THB", 137_563, 1_005_018, 420, 4),
    ("Tokyo", "JP", "JPY", 356_762, 1_396_503, 540, 12),
    ("Seoul", "KR", "KRW", 375_665, 1_269_780, 540, 7),
    ("Sydney", "AU", "AUD", -338_688, 1_512_093, 600, 6),
];

/// All cities. The tables are checked by tests, so the fall-backs are never met.
pub(crate) fn all() -> Vec<City> {
    let nowhere = Coordinates {
        lat_e7: 0,
        lon_e7: 0,
    };
    let rates = rates();
    let read = |row: &Row| {
        let (name, country, code, lat, lon, utc_offset_minutes, weight) = *row;
        let currency = Currency::parse(code).unwrap_or(Currency::USD);
        let rate = rates.get(code).copied().unwrap_or(RATE_SCALE);
        let units_per_usd = RATE_SCALE as f64 / rate as f64;
        Some(City {
            name,
            country: Country::parse(country)?,
            currency,
            minor_per_usd: units_per_usd * f64::from(10_u32.pow(currency.exponent())),
            coordinates: Coordinates::new(lat * 1_000, lon * 1_000).unwrap_or(nowhere),
            utc_offset_minutes,
            weight,
        })
    };
    ROWS.iter().filter_map(read).collect()
}

/// What this crate reads of the table of rates; all else in it is for others.
#[derive(serde::Deserialize)]
struct RatesFile {
    rates: BTreeMap<String, String>,
}

/// The table that ships with the product, by currency, in units of 1 / [`RATE_SCALE`]; read once.
fn rates() -> &'static BTreeMap<String, i64> {
    static RATES: OnceLock<BTreeMap<String, i64>> = OnceLock::new();
    RATES.get_or_init(|| {
        let file = toml::from_str(include_str!("../../../fixtures/rates/default.toml"));
        let texts = file.map_or_else(|_| BTreeMap::new(), |file: RatesFile| file.rates);
        let read = |(code, text): (String, String)| Some((code, parse_rate(&text)?));
        texts.into_iter().filter_map(read).collect()
    })
}

/// The rates into US dollars that amounts are made with, those that the product ships with, in units of
/// 1 / [`RATE_SCALE`]: what [`sentinel_domain::RateTable::new`] takes.
pub fn reference_rates() -> Vec<(Currency, i64)> {
    let read = |(code, rate): (&String, &i64)| Some((Currency::parse(code)?, *rate));
    rates().iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use sentinel_domain::{Money, RateTable};

    use super::*;

    #[test]
    fn every_row_of_the_table_is_valid_and_kept() {
        let cities = all();
        assert_eq!(cities.len(), ROWS.len());
        for (city, row) in cities.iter().zip(ROWS) {
            assert_eq!(city.currency.as_str(), row.2);
            assert_eq!(city.country.as_str(), row.1);
            assert_eq!(city.coordinates.lat_e7, row.3 * 1_000);
        }
    }

    #[test]
    fn the_rates_make_a_rate_table() {
        let table = RateTable::new(Currency::USD, reference_rates()).unwrap();
        let yen = Money {
            minor: 10_000,
            currency: Currency::parse("JPY").unwrap(),
        };
        assert_eq!(table.convert(yen), Some(6_450));
    }

    #[test]
    fn a_dollar_of_every_city_is_a_dollar_by_the_rates() {
        let table = RateTable::new(Currency::USD, reference_rates()).unwrap();
        for city in all() {
            let currency = city.currency;
            #[allow(clippy::cast_possible_truncation, reason = "a few million at most")]
            let minor = libm::round(100.0 * city.minor_per_usd) as i64;
            let cents = table.convert(Money { minor, currency }).unwrap();
            assert!((9_990..=10_010).contains(&cents), "{}: {cents}", city.name);
            assert!(currency == Currency::USD || city.minor_per_usd != 100.0);
        }
    }
}
