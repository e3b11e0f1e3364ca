//! Merchant collusion ring: three or four merchants in league charge stolen cards for goods that nobody
//! takes home.
//!
//! The merchants, of several trades in one city, do honest business too. Over one to three days the ring works
//! through twelve to thirty bought cards, mostly of the same city, each charged once or twice at different
//! members. Every sum lies just under the ring's limit, above which somebody would have to look. The
//! acquirer's people find it when the disputes of one merchant pile up: all of it together, after weeks.

use sentinel_domain::LabelSource;

use crate::merchant::kinds;
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.06,
    reach: Reach::Days(3.0),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::Analyst,
    days_median: 25.0,
    spread: 0.5,
    days_min: 5.0,
    days_max: 90.0,
    together: true,
};

/// Sums in US dollars above which somebody looks.
const LIMITS_USD: [f64; 4] = [100.0, 200.0, 250.0, 500.0];

const TRADES: [u8; 4] = [
    kinds::ELECTRONICS,
    kinds::CLOTHING,
    kinds::JEWELLERY,
    kinds::RESTAURANT,
];

fn tell(teller: &mut Teller<'_>) {
    let city = teller.anybody().customer.home;
    let left_out = teller.random.below(5);
    let trades = (0..).zip(TRADES).filter(|(index, _)| *index != left_out);
    let members: Vec<u32> = trades.map(|(_, trade)| teller.shop(city, trade)).collect();
    let limit_usd = *teller.random.pick(&LIMITS_USD);
    let days = teller.random.within(1.0, 3.0);
    for _ in 0..teller.random.between(12, 30) {
        let after = teller.random.unit() * days;
        teller.at = teller.day(after);
        let near = teller.random.chance(0.7);
        let neighbour = if near { teller.somebody_in(city) } else { None };
        let victim = match neighbour {
            Some(victim) => victim,
            None => teller.anybody(),
        };
        for _ in 0..teller.random.between(1, 2) {
            let member = *teller.random.pick(&members);
            let usd = limit_usd * teller.random.within(0.9, 0.985);
            teller.push(teller.by_thief(&victim, member, usd));
            teller.wait(30.0, 120.0);
        }
    }
}
