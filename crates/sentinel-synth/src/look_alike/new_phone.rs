//! New phone: a holder sets up a new device, pays its first bills from it, one of them large.
//!
//! Looks like an account take-over: a device never seen with this account, a transfer, a large sum.
//! Lacks the thief's address, which is the holder's own here, the strange payees, and the hurry.

use crate::merchant::kinds;
use crate::plan::Kit;
use crate::story::{Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.08,
    reach: Reach::Seconds(5_400.0),
    tell,
};

const KINDS: [(u8, u16); 5] = [
    (kinds::TRANSFERS, 4),
    (kinds::DELIVERY, 2),
    (kinds::RIDES, 2),
    (kinds::MARKET, 3),
    (kinds::STREAMING, 1),
];

fn tell(teller: &mut Teller<'_>) {
    let person = teller.somebody_awake();
    let large = teller.random.below(3);
    for turn in 0..teller.random.between(3, 5) {
        let kind = teller.random.pick_weighted(&KINDS);
        let merchant = teller.usual(&person, kind);
        let mut plan = teller.by_holder(&person, merchant);
        plan.kit = Kit::Device(teller.traits);
        if turn == large {
            plan.usd = Some(teller.random.log_normal(6.3, 0.7));
        }
        teller.push(plan);
        teller.wait(120.0, 900.0);
    }
}
