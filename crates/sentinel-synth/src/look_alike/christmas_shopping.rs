//! Christmas shopping: from late November on, eight to eighteen presents in a day or two, at shops and
//! on pages, many sent elsewhere.
//!
//! Looks like a stolen-card spree and, in its sums, like a bust-out. Lacks the thief's device and the
//! cash and coins of a bust-out, and comes only in its season.

use sentinel_domain::{Instant, MICROS_PER_SECOND};

use crate::merchant::kinds;
use crate::story::{Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.6,
    reach: Reach::Days(2.7),
    tell,
};

const KINDS: [(u8, u16); 6] = [
    (kinds::MARKET, 6),
    (kinds::BOOKS, 3),
    (kinds::STORE, 4),
    (kinds::CLOTHING, 3),
    (kinds::ELECTRONICS, 2),
    (kinds::JEWELLERY, 1),
];

/// From 24 November to 24 December 1, else 0.
pub(super) fn season(at: Instant) -> f64 {
    let (month, day) = month_and_day(at);
    let advent = (month == 11 && day >= 24) || (month == 12 && day <= 24);
    f64::from(u8::from(advent))
}

/// Month and day of the month in UTC, by the arithmetic of 400 years from a March on (Hinnant, 2014).
fn month_and_day(at: Instant) -> (i64, i64) {
    let days = at.micros().div_euclid(86_400 * MICROS_PER_SECOND) + 719_468;
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    ((from_march + 2) % 12 + 1, day)
}

fn tell(teller: &mut Teller<'_>) {
    let person = teller.somebody_awake();
    for _ in 0..teller.random.between(8, 18) {
        let kind = teller.random.pick_weighted(&KINDS);
        let merchant = teller.usual(&person, kind);
        let mut plan = teller.by_holder(&person, merchant);
        plan.usd = Some(teller.random.log_normal(4.0, 0.8));
        teller.push(plan);
        teller.wait_days(0.01, 0.14);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_season_is_a_month_before_christmas_in_every_year() {
        for (text, wanted) in [
            ("2026-11-23T23:59:59Z", 0.0),
            ("2026-11-24T00:00:00Z", 1.0),
            ("2028-12-24T23:59:59Z", 1.0),
            ("2028-12-25T00:00:00Z", 0.0),
            ("2024-02-29T12:00:00Z", 0.0),
            ("1999-12-01T00:00:00Z", 1.0),
            ("2027-01-24T00:00:00Z", 0.0),
        ] {
            let at = Instant::parse_rfc3339(text).unwrap();
            assert_eq!(season(at), wanted, "{text} is {:?}", month_and_day(at));
        }
        let leap_day = Instant::parse_rfc3339("2024-02-29T12:00:00Z").unwrap();
        assert_eq!(month_and_day(leap_day), (2, 29));
    }
}
