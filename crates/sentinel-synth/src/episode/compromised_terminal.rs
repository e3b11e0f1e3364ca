//! Compromised terminal: one till copies the cards of honest customers, who are robbed days later.
//!
//! For half a day to a day and a half everybody who pays at the till, ten to twenty-four cards of this
//! story, is copied; they pay what they would pay anyway. The data lie for up to four days, are sold,
//! and within a day and a half two of three cards are used once or twice in two far cities: cash and
//! goods. What the cards have in common is the till and the time. The issuer finds that point of common
//! purchase; until then holders complain one by one.

use sentinel_domain::LabelSource;

use crate::everyday::usual_merchant;
use crate::merchant::{Merchant, kinds};
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.12,
    reach: Reach::Days(7.0),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::IssuerAlert,
    days_median: 6.0,
    spread: 0.5,
    days_min: 0.5,
    days_max: 40.0,
    together: false,
};

const TILLS: [u8; 4] = [kinds::FUEL, kinds::RESTAURANT, kinds::GROCERY, kinds::BANK];

const LOOT: [u8; 5] = [
    kinds::ELECTRONICS,
    kinds::STORE,
    kinds::BANK,
    kinds::CLOTHING,
    kinds::MARKET,
];

fn tell(teller: &mut Teller<'_>) {
    let first = teller.somebody_awake();
    let kind = *teller.random.pick(&TILLS);
    let (world, city) = (teller.world, first.city);
    let shop = usual_merchant(world, &first.customer, city, kind, &mut teller.random);
    let terminals = u64::from(Merchant::at(world, shop).terminals());
    let [terminal, ..] = teller.random.below(terminals).to_le_bytes();
    let mut copied = Vec::new();
    let open_days = teller.random.within(0.5, 1.5);
    for _ in 0..teller.random.between(10, 24) {
        let after = teller.random.unit() * open_days;
        teller.at = teller.day(after);
        if let Some(victim) = teller.somebody_in(city) {
            let mut plan = teller.by_holder(&victim, shop);
            plan.terminal = Some(terminal);
            teller.push(plan);
            copied.push(victim);
        }
    }
    let sold = open_days + teller.random.within(0.3, 4.0);
    let far = [
        world.city_far_from(city, &mut teller.random),
        world.city_far_from(city, &mut teller.random),
    ];
    for victim in copied {
        if teller.random.chance(0.33) {
            continue;
        }
        let used = sold + teller.random.within(0.0, 1.5);
        teller.at = teller.day(used);
        let there = *teller.random.pick(&far);
        for _ in 0..teller.random.between(1, 2) {
            let kind = *teller.random.pick(&LOOT);
            let shop = teller.shop(there, kind);
            let usd = teller.loot_at(kind, 0.3);
            teller.push(teller.by_thief(&victim, shop, usd));
            teller.wait(60.0, 240.0);
        }
    }
}
