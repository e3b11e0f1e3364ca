//! Cities: where people live, shops stand and thieves sit.
//!
//! Real places with their currencies, coordinates and usual offset from UTC (no summer time). Rates are
//! rounded and fixed: they make amounts believable, they are no market data.

use sentinel_domain::money::RATE_SCALE;
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

type Row = (
    &'static str,
    &'static str,
    &'static str,
    f64,
    i32,
    i32,
    i16,
    u16,
);

/// Name, country, currency, units for a US dollar, latitude and longitude in 1/10,000 degree, minutes
/// from UTC, weight.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("New York", "US", "USD", 1.0, 407_128, -740_060, -300, 20),
    ("Los Angeles", "US", "USD", 1.0, 340_522, -1_182_437, -480, 14),
    ("Chicago", "US", "USD", 1.0, 418_781, -876_298, -360, 10),
    ("Miami", "US", "USD", 1.0, 257_617, -801_918, -300, 6),
    ("Toronto", "CA", "CAD", 1.37, 436_532, -793_832, -300, 7),
    ("Mexico City", "MX", "MXN", 18.4, 194_326, -991_332, -360, 7),
    ("Sao Paulo", "BR", "BRL", 5.4, -235_505, -466_333, -180, 10),
    ("Buenos Aires", "AR", "ARS", 1_400.0, -346_037, -583_816, -180, 3),
    ("London", "GB", "GBP", 0.76, 515_072, -1_276, 0, 16),
    ("Manchester", "GB", "GBP", 0.76, 534_808, -22_426, 0, 5),
    ("Paris", "FR", "EUR", 0.87, 488_566, 23_522, 60, 12),
    ("Lyon", "FR", "EUR", 0.87, 457_640, 48_357, 60, 3),
    ("Madrid", "ES", "EUR", 0.87, 404_168, -37_038, 60, 8),
    ("Lisbon", "PT", "EUR", 0.87, 387_223, -91_393, 0, 4),
    ("Berlin", "DE", "EUR", 0.87, 525_200, 134_050, 60, 9),
    ("Munich", "DE", "EUR", 0.87, 481_351, 115_820, 60, 6),
    ("Amsterdam", "NL", "EUR", 0.87, 523_676, 49_041, 60, 5),
    ("Milan", "IT", "EUR", 0.87, 454_642, 91_900, 60, 7),
    ("Zurich", "CH", "CHF", 0.8, 473_769, 85_417, 60, 3),
    ("Vienna", "AT", "EUR", 0.87, 482_082, 163_738, 60, 4),
    ("Warsaw", "PL", "PLN", 3.7, 522_297, 210_122, 60, 5),
    ("Stockholm", "SE", "SEK", 9.5, 593_293, 180_686, 60, 4),
    ("Istanbul", "TR", "TRY", 42.0, 410_082, 289_784, 180, 6),
    ("Bucharest", "RO", "RON", 4.4, 444_268, 261_025, 120, 3),
    ("Lagos", "NG", "NGN", 1_450.0, 65_244, 33_792, 60, 4),
    ("Johannesburg", "ZA", "ZAR", 17.5, -262_041, 280_473, 120, 4),
    ("Dubai", "AE", "AED", 3.67, 252_048, 552_708, 240, 4),
    ("Kuwait City", "KW", "KWD", 0.307, 293_759, 479_774, 180, 2),
    ("Mumbai", "IN", "INR", 88.0, 190_760, 728_777, 330, 10),
    ("Singapore", "SG", "SGD", 1.3, 13_521, 1_038_198, 480, 4),
    ("Bangkok", "TH", "THB", 32.5, 137_563, 1_005_018, 420, 4),
    ("Tokyo", "JP", "JPY", 150.0, 356_762, 1_396_503, 540, 12),
    ("Seoul", "KR", "KRW", 1_400.0, 375_665, 1_269_780, 540, 7),
    ("Sydney", "AU", "AUD", 1.53, -338_688, 1_512_093, 600, 6),
];

/// All cities. The table is checked by a test, so the fall-backs are never met.
pub(crate) fn all() -> Vec<City> {
    let nowhere = Coordinates {
        lat_e7: 0,
        lon_e7: 0,
    };
    let read = |row: &Row| {
        let (name, country, currency, units, lat, lon, utc_offset_minutes, weight) = *row;
        let currency = Currency::parse(currency).unwrap_or(Currency::USD);
        Some(City {
            name,
            country: Country::parse(country)?,
            currency,
            minor_per_usd: units * f64::from(10_u32.pow(currency.exponent())),
            coordinates: Coordinates::new(lat * 1_000, lon * 1_000).unwrap_or(nowhere),
            utc_offset_minutes,
            weight,
        })
    };
    ROWS.iter().filter_map(read).collect()
}

/// A rate into US dollars for every currency that the stream uses, in units of 1 / [`RATE_SCALE`]: what
/// [`sentinel_domain::RateTable::new`] takes.
#[allow(
    clippy::cast_possible_truncation,
    reason = "rates lie between 1e-4 and 10, so their scaled values fit"
)]
pub fn reference_rates() -> Vec<(Currency, i64)> {
    let mut rates: Vec<(Currency, i64)> = ROWS
        .iter()
        .filter_map(|row| {
            let scaled = libm::round(RATE_SCALE as f64 / row.3) as i64;
            Some((Currency::parse(row.2)?, scaled))
        })
        .collect();
    rates.sort();
    rates.dedup();
    rates
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
            assert_eq!(city.coordinates.lat_e7, row.4 * 1_000);
        }
    }

    #[test]
    fn the_rates_make_a_rate_table() {
        let table = RateTable::new(Currency::USD, reference_rates()).unwrap();
        let yen = Money {
            minor: 1_500,
            currency: Currency::parse("JPY").unwrap(),
        };
        assert_eq!(table.convert(yen), Some(1_000));
    }
}
