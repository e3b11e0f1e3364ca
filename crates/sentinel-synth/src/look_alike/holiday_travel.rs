//! Holiday travel: somebody abroad pays for a hotel, dinners, cash and presents, far above their usual.
//!
//! Looks like impossible travel and like the abuse after a compromised terminal. Lacks the jump: nobody
//! who travels in this world pays in two places between which a plane would be too slow.

use crate::merchant::kinds;
use crate::story::{Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.14,
    reach: Reach::Days(2.7),
    tell,
};

const KINDS: [(u8, u16); 8] = [
    (kinds::RESTAURANT, 6),
    (kinds::HOTEL, 2),
    (kinds::BANK, 2),
    (kinds::CLOTHING, 2),
    (kinds::TRANSIT, 2),
    (kinds::JEWELLERY, 1),
    (kinds::ELECTRONICS, 1),
    (kinds::STORE, 1),
];

fn tell(teller: &mut Teller<'_>) {
    // About one person of twenty-five is away.
    let abroad = (0..200)
        .map(|_| teller.anybody())
        .find(|person| person.city != person.customer.home);
    let Some(person) = abroad else { return };
    for _ in 0..teller.random.between(5, 9) {
        if person.customer.city_at(teller.world, teller.at) != Some(person.city) {
            break;
        }
        let kind = teller.random.pick_weighted(&KINDS);
        let merchant = teller.shop(person.city, kind);
        let mut plan = teller.by_holder(&person, merchant);
        plan.usd = Some(teller.random.log_normal(4.4, 0.9));
        teller.push(plan);
        teller.wait_days(0.02, 0.3);
    }
}
