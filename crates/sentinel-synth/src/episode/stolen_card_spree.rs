//! Stolen-card spree: a card out of a pocket goes shopping in its own city until somebody notices.
//!
//! First one to three small taps, where nobody asks for a code, show that the card is still good. Then
//! goods that can be sold on, larger than the holder's usual, a few minutes apart; in one theft of three
//! the code was looked over a shoulder and ends at a cash machine. Within the hour it is over. The
//! holder calls when the card is missed: one notice for all of it, the same day or the next.

use sentinel_domain::LabelSource;

use crate::merchant::kinds;
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.16,
    reach: Reach::Seconds(3_600.0),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::Customer,
    days_median: 0.8,
    spread: 0.7,
    days_min: 0.1,
    days_max: 10.0,
    together: true,
};

const TAPS: [u8; 3] = [kinds::GROCERY, kinds::FUEL, kinds::TRANSIT];

const LOOT: [u8; 6] = [
    kinds::ELECTRONICS,
    kinds::STORE,
    kinds::CLOTHING,
    kinds::JEWELLERY,
    kinds::FUEL,
    kinds::GROCERY,
];

fn tell(teller: &mut Teller<'_>) {
    let victim = teller.anybody();
    for _ in 0..teller.random.between(1, 3) {
        let kind = *teller.random.pick(&TAPS);
        let shop = teller.shop(victim.city, kind);
        let usd = teller.loot_usd(2.4, 0.6);
        teller.push(teller.by_thief(&victim, shop, usd));
        teller.wait(75.0, 300.0);
    }
    for _ in 0..teller.random.between(3, 6) {
        let kind = *teller.random.pick(&LOOT);
        let shop = teller.shop(victim.city, kind);
        let usd = teller.loot_at(kind, 0.6);
        teller.push(teller.by_thief(&victim, shop, usd));
        teller.wait(75.0, 360.0);
    }
    if teller.random.chance(0.33) {
        let machine = teller.shop(victim.city, kinds::BANK);
        let usd = teller.loot_at(kinds::BANK, 0.6);
        teller.push(teller.by_thief(&victim, machine, usd));
    }
}
