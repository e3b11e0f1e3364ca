//! Family card: two people of a household carry one card and use it in the same hour.
//!
//! Looks like a stolen card: one number at two places at once, from two accounts and two telephones.
//! Lacks the distance, since both are in one city, and the large sums of a theft.

use crate::merchant::kinds;
use crate::story::{Reach, Script};
use crate::telling::{Person, Teller};

pub(super) const SCRIPT: Script = Script {
    share: 0.1,
    reach: Reach::Seconds(3_600.0),
    tell,
};

const KINDS: [(u8, u16); 6] = [
    (kinds::GROCERY, 5),
    (kinds::FUEL, 2),
    (kinds::RESTAURANT, 2),
    (kinds::CLOTHING, 2),
    (kinds::MARKET, 3),
    (kinds::DELIVERY, 2),
];

fn tell(teller: &mut Teller<'_>) {
    // About one household of thirteen has such a card.
    let found = (0..100)
        .map(|_| teller.anybody())
        .find(|person| person.customer.has_family_card() && person.city == person.customer.home);
    let Some(one) = found else { return };
    let one = Person { card: 1, ..one };
    let number = one.customer.number ^ 1;
    let other = Person {
        customer: crate::customer::Customer::at(teller.world, number),
        ..one
    };
    let away = other.customer.city_at(teller.world, teller.at) != Some(one.city);
    if away || number >= teller.world.customers {
        return;
    }
    for turn in 0..teller.random.between(4, 7) {
        let person = if turn % 2 == 0 { one } else { other };
        let kind = teller.random.pick_weighted(&KINDS);
        let merchant = teller.usual(&person, kind);
        teller.push(teller.by_holder(&person, merchant));
        teller.wait(40.0, 480.0);
    }
}
