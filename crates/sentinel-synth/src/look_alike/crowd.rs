//! Crowd: a concert, a fair, a sale. Many cards at one till within an hour or so, at the same few prices.
//!
//! Looks like a compromised terminal and like a collusion ring: many cards, one terminal, bounded time,
//! equal sums. Lacks what follows: no card is used in a far city afterwards, and no second merchant
//! charges the same cards.

use crate::everyday::usual_merchant;
use crate::merchant::{Merchant, kinds};
use crate::story::{Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.12,
    reach: Reach::Seconds(4_400.0),
    tell,
};

fn tell(teller: &mut Teller<'_>) {
    let first = teller.somebody_awake();
    let kind = *teller
        .random
        .pick(&[kinds::RESTAURANT, kinds::STORE, kinds::CLOTHING]);
    let (world, city) = (teller.world, first.city);
    let shop = usual_merchant(world, &first.customer, city, kind, &mut teller.random);
    let terminals = u64::from(Merchant::at(world, shop).terminals());
    let [terminal, ..] = teller.random.below(terminals).to_le_bytes();
    let price = teller.random.log_normal(3.6, 0.7);
    for _ in 0..teller.random.between(10, 22) {
        if let Some(guest) = teller.somebody_in(city) {
            let mut plan = teller.by_holder(&guest, shop);
            plan.terminal = Some(terminal);
            plan.usd = Some(price * *teller.random.pick(&[1.0, 1.0, 2.0, 3.0]));
            teller.push(plan);
        }
        teller.wait(15.0, 200.0);
    }
}
