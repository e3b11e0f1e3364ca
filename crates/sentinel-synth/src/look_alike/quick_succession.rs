//! Quick succession: three to five payments inside a minute, as in a game or at a ticket machine.
//!
//! Looks like a velocity burst or card testing. Lacks their number: it ends at five, and no large payment
//! follows.

use crate::merchant::kinds;
use crate::story::{Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.06,
    reach: Reach::Seconds(120.0),
    tell,
};

const KINDS: [u8; 5] = [
    kinds::GAMES,
    kinds::TRANSIT,
    kinds::RIDES,
    kinds::MARKET,
    kinds::TRANSFERS,
];

fn tell(teller: &mut Teller<'_>) {
    let person = teller.somebody_awake();
    let kind = *teller.random.pick(&KINDS);
    let merchant = teller.usual(&person, kind);
    for _ in 0..teller.random.between(3, 5) {
        teller.push(teller.by_holder(&person, merchant));
        teller.wait(3.0, 18.0);
    }
}
