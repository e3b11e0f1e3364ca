//! Account take-over: somebody else is in the account.
//!
//! The password came out of a breach or a false page. From a device that the holder never used, often
//! behind an address elsewhere, two times of three a small transfer first tries whether the payee is
//! accepted. Then two to six large ones: to one or two mules, or for goods and coins paid with the
//! stored card. The holder finds an empty account and calls: one notice for all of it, within days.

use sentinel_domain::LabelSource;

use crate::merchant::kinds;
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.12,
    reach: Reach::Seconds(3_600.0),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::Customer,
    days_median: 2.0,
    spread: 0.8,
    days_min: 0.1,
    days_max: 30.0,
    together: true,
};

const PAGES: [u8; 3] = [kinds::COMPUTERS, kinds::COINS, kinds::MARKET];

fn tell(teller: &mut Teller<'_>) {
    let victim = teller.anybody();
    if teller.random.chance(0.66) {
        let bank = teller.bank_of(&victim);
        let usd = teller.loot_usd(2.0, 0.8);
        teller.push(teller.by_thief(&victim, bank, usd));
        teller.wait(120.0, 1_500.0);
    }
    for _ in 0..teller.random.between(2, 6) {
        let page = if teller.random.chance(0.6) {
            teller.bank_of(&victim)
        } else {
            teller.page(&victim, &PAGES)
        };
        let usd = teller.loot_usd(6.9, 1.0);
        teller.push(teller.by_thief(&victim, page, usd));
        teller.wait(45.0, 300.0);
    }
}
