//! Newcomer: a young account that is hardly used at first and then becomes somebody's main one.
//!
//! Looks like a synthetic identity and like a bust-out: days old, quiet for weeks, then busy, with a few
//! large sums for a first flat. Lacks the ring, since device and address are nobody else's, and the end:
//! the large sums are few, no cash or coins, and life goes on afterwards.

use crate::merchant::kinds;
use crate::story::{Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.14,
    reach: Reach::Days(45.0),
    tell,
};

const KINDS: [(u8, u16); 9] = [
    (kinds::GROCERY, 8),
    (kinds::RESTAURANT, 3),
    (kinds::STREAMING, 2),
    (kinds::TRANSIT, 3),
    (kinds::DELIVERY, 3),
    (kinds::MARKET, 4),
    (kinds::RIDES, 2),
    (kinds::TRANSFERS, 1),
    (kinds::BANK, 1),
];

const FLAT: [(u8, u16); 4] = [
    (kinds::STORE, 3),
    (kinds::ELECTRONICS, 2),
    (kinds::MARKET, 3),
    (kinds::TRANSFERS, 1),
];

fn tell(teller: &mut Teller<'_>) {
    let days_ago = teller.random.within(0.5, 40.0);
    let place = teller.random.below(8).to_le_bytes();
    let person = teller.newcomer(place[0], days_ago);
    for _ in 0..teller.random.between(3, 5) {
        pay(teller, &person, &KINDS, None);
        teller.wait_days(0.5, 3.0);
    }
    teller.wait_days(2.0, 14.0);
    for _ in 0..teller.random.between(2, 4) {
        let usd = teller.random.log_normal(5.6, 0.7);
        pay(teller, &person, &FLAT, Some(usd));
        teller.wait_days(0.05, 0.4);
    }
    for _ in 0..teller.random.between(4, 9) {
        pay(teller, &person, &KINDS, None);
        teller.wait_days(0.2, 0.9);
    }
}

fn pay(
    teller: &mut Teller<'_>,
    person: &crate::telling::Person,
    kinds: &[(u8, u16)],
    usd: Option<f64>,
) {
    teller.wait_until_awake(person);
    let kind = teller.random.pick_weighted(kinds);
    let merchant = teller.usual(person, kind);
    let mut plan = teller.by_holder(person, merchant);
    plan.usd = usd;
    teller.push(plan);
}
