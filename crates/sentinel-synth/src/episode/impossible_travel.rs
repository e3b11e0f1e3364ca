//! Impossible travel: a card pays at home and, within the hour, its copy pays in a far city.
//!
//! The stripe was copied earlier, the copy was sold abroad; that the holder just bought groceries is
//! chance. One to four payments for goods that can be sold on, at terminals that still take a swipe.
//! The holder disputes each on the next statement.

use sentinel_domain::LabelSource;

use crate::merchant::kinds;
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.06,
    reach: Reach::Seconds(4_200.0),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::Chargeback,
    days_median: 12.0,
    spread: 0.6,
    days_min: 1.0,
    days_max: 75.0,
    together: false,
};

const AT_HOME: [u8; 3] = [kinds::GROCERY, kinds::RESTAURANT, kinds::FUEL];

const ABROAD: [u8; 5] = [
    kinds::ELECTRONICS,
    kinds::STORE,
    kinds::JEWELLERY,
    kinds::CLOTHING,
    kinds::FUEL,
];

fn tell(teller: &mut Teller<'_>) {
    let victim = teller.anybody();
    let kind = *teller.random.pick(&AT_HOME);
    let shop = teller.shop(victim.city, kind);
    teller.push(teller.by_holder(&victim, shop));
    teller.wait(360.0, 2_100.0);
    let far = teller.world.city_far_from(victim.city, &mut teller.random);
    for _ in 0..teller.random.between(1, 4) {
        let kind = *teller.random.pick(&ABROAD);
        let shop = teller.shop(far, kind);
        let usd = teller.loot_at(kind, 0.5);
        teller.push(teller.by_thief(&victim, shop, usd));
        teller.wait(120.0, 360.0);
    }
}
