//! Shopping spree: four to nine purchases in an hour or so by the card's own holder.
//!
//! Looks like a stolen-card spree. Lacks its small taps before the large sums and its cash at the end; the shops are
//! the holder's usual ones and the sums those of an ordinary Saturday.

use crate::merchant::kinds;
use crate::story::{Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.24,
    reach: Reach::Seconds(5_400.0),
    tell,
};

const KINDS: [u8; 7] = [
    kinds::STORE,
    kinds::CLOTHING,
    kinds::ELECTRONICS,
    kinds::JEWELLERY,
    kinds::RESTAURANT,
    kinds::MARKET,
    kinds::BANK,
];

fn tell(teller: &mut Teller<'_>) {
    let person = teller.somebody_awake();
    for _ in 0..teller.random.between(4, 9) {
        let kind = *teller.random.pick(&KINDS);
        let merchant = teller.usual(&person, kind);
        let mut plan = teller.by_holder(&person, merchant);
        plan.usd = Some(teller.random.log_normal(4.7, 0.8));
        teller.push(plan);
        teller.wait(90.0, 540.0);
    }
}
