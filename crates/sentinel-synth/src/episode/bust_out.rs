//! Bust-out: weeks of small, reliable payments; then the whole limit in two days.
//!
//! The account is the culprit's own, some weeks old, opened to be lost. For four to six weeks it pays
//! for groceries and subscriptions, two to five payments a week, none above a thirtieth of the limit, so that
//! the limit is granted and nobody looks. Then everything goes within two days: goods that can be sold
//! on, cash, coins, transfers, until nine tenths of the limit and more are used up. Nothing is stolen from a
//! holder, so nobody complains; the bank writes it off when bills stay unpaid: all of it together, after
//! two months or so. The quiet weeks are not labelled.

use sentinel_domain::LabelSource;

use crate::merchant::kinds;
use crate::plan::Kit;
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.05,
    reach: Reach::Days(49.0),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::Analyst,
    days_median: 60.0,
    spread: 0.25,
    days_min: 35.0,
    days_max: 120.0,
    together: true,
};

const QUIET: [(u8, u16); 6] = [
    (kinds::GROCERY, 6),
    (kinds::STREAMING, 2),
    (kinds::RESTAURANT, 2),
    (kinds::TRANSIT, 2),
    (kinds::DELIVERY, 2),
    (kinds::MARKET, 1),
];

const LOUD: [(u8, u16); 6] = [
    (kinds::ELECTRONICS, 4),
    (kinds::COMPUTERS, 3),
    (kinds::JEWELLERY, 2),
    (kinds::BANK, 2),
    (kinds::COINS, 2),
    (kinds::TRANSFERS, 2),
];

fn tell(teller: &mut Teller<'_>) {
    let days_ago = teller.random.within(10.0, 90.0);
    let culprit = teller.newcomer(0, days_ago);
    let limit_usd = teller.loot_usd(8.4, 0.5);
    let quiet_until = teller.random.within(28.0, 42.0);
    loop {
        teller.wait_days(1.0, 3.0);
        teller.wait_until_awake(&culprit);
        if teller.at >= teller.day(quiet_until) {
            break;
        }
        let kind = teller.random.pick_weighted(&QUIET);
        let merchant = teller.usual(&culprit, kind);
        let mut plan = teller.by_holder(&culprit, merchant);
        plan.usd = Some(limit_usd * teller.random.within(0.002, 0.03));
        teller.push(plan);
    }
    let mut left = limit_usd * teller.random.within(0.92, 1.0);
    let pieces = teller.random.between(8, 14);
    for piece in 0..pieces {
        let kind = teller.random.pick_weighted(&LOUD);
        let merchant = teller.usual(&culprit, kind);
        let even = left / (pieces - piece) as f64;
        let usd = if piece + 1 == pieces {
            left
        } else {
            even * teller.random.within(0.5, 1.5)
        };
        left -= usd;
        teller.push(teller.by_culprit(&culprit, Kit::Own, merchant, usd));
        teller.wait_days(0.02, 0.18);
    }
}
