//! Small, then large: one small payment to see whether a card works, then one or two large ones.
//!
//! The patient kind of card testing: a single subscription or snack, a quarter of an hour of waiting,
//! then a purchase that is large next to the first, elsewhere. Each holder disputes it by the statement.

use sentinel_domain::LabelSource;

use crate::merchant::kinds;
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.06,
    reach: Reach::Seconds(1_800.0),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::Chargeback,
    days_median: 11.0,
    spread: 0.6,
    days_min: 1.0,
    days_max: 75.0,
    together: false,
};

fn tell(teller: &mut Teller<'_>) {
    let victim = teller.anybody();
    let page = teller.page(&victim, &[kinds::STREAMING, kinds::GAMES, kinds::DELIVERY]);
    let small = teller.loot_usd(0.6, 0.5);
    teller.push(teller.by_thief(&victim, page, small));
    teller.wait(120.0, 1_200.0);
    for _ in 0..teller.random.between(1, 2) {
        let page = teller.page(&victim, &[kinds::COMPUTERS, kinds::MARKET, kinds::AIRWAYS]);
        // Large next to the first payment, not next to everybody's.
        let large = teller.loot_usd(6.2, 0.7).max(small * 20.0);
        teller.push(teller.by_thief(&victim, page, large));
        teller.wait(60.0, 240.0);
    }
}
