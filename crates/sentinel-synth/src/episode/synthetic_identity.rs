//! Synthetic identity: invented people on one device, young and quiet, then all active at once.
//!
//! Three to six accounts are opened within days, each a real number with an invented name. One person
//! runs them from one device behind one address, with mail of one provider, some of it one mailbox. Each
//! buys a few small things so as to have a history, then sleeps for two weeks or more to gain age. Then all wake
//! within a day, use what credit they were given, cash and goods, and are never heard of again. No victim
//! exists who could complain: an analyst finds it when bills stay unpaid, all of it together and late.

use sentinel_domain::LabelSource;

use crate::merchant::kinds;
use crate::plan::Kit;
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::{Person, Teller};

pub(super) const SCRIPT: Script = Script {
    share: 0.04,
    reach: Reach::Days(37.0),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::Analyst,
    days_median: 75.0,
    spread: 0.3,
    days_min: 35.0,
    days_max: 120.0,
    together: true,
};

const HISTORY: [u8; 5] = [
    kinds::STREAMING,
    kinds::GAMES,
    kinds::DELIVERY,
    kinds::RIDES,
    kinds::MARKET,
];

const WAKE: [(u8, u16); 6] = [
    (kinds::COMPUTERS, 4),
    (kinds::MARKET, 3),
    (kinds::COINS, 2),
    (kinds::TRANSFERS, 2),
    (kinds::BANK, 1),
    (kinds::ELECTRONICS, 1),
];

fn tell(teller: &mut Teller<'_>) {
    let kit = Kit::Ring(teller.traits);
    let people = teller.random.between(3, 6);
    let quiet_days = teller.random.within(6.0, 12.0);
    let wake_day = quiet_days + teller.random.within(14.0, 22.0);
    for place in 0..people {
        let [place, ..] = place.to_le_bytes();
        teller.at = teller.start;
        let days_ago = teller.random.within(0.5, 6.0);
        let person = teller.newcomer(place, days_ago);
        for _ in 0..teller.random.between(3, 5) {
            let after = teller.random.unit() * quiet_days;
            teller.at = teller.day(after);
            teller.wait_until_awake(&person);
            let kind = *teller.random.pick(&HISTORY);
            let merchant = teller.usual(&person, kind);
            let mut plan = teller.by_holder(&person, merchant);
            plan.kit = kit;
            plan.usd = Some(teller.random.log_normal(2.4, 0.6));
            teller.push(plan);
        }
        let after = wake_day + teller.random.unit();
        teller.at = teller.day(after);
        use_credit(teller, &person, kit);
    }
}

fn use_credit(teller: &mut Teller<'_>, person: &Person, kit: Kit) {
    for _ in 0..teller.random.between(3, 6) {
        let kind = teller.random.pick_weighted(&WAKE);
        let merchant = teller.usual(person, kind);
        let usd = teller.loot_usd(6.0, 0.8);
        teller.push(teller.by_culprit(person, kit, merchant, usd));
        teller.wait_days(0.005, 0.2);
    }
}
