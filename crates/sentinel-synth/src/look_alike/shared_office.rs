//! Shared office: at noon a dozen colleagues order from one address on the net at the same page.
//!
//! Looks like card testing and like a ring: many cards, one address, one page, minutes apart. Lacks the
//! shared device, since each orders with their own, the tiny sums, and the large payment afterwards.

use crate::merchant::kinds;
use crate::plan::Kit;
use crate::story::{Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.1,
    reach: Reach::Seconds(1_500.0),
    tell,
};

fn tell(teller: &mut Teller<'_>) {
    let first = teller.somebody_awake();
    let kind = *teller
        .random
        .pick(&[kinds::DELIVERY, kinds::DELIVERY, kinds::BOOKS]);
    let page = teller.shop(first.city, kind);
    for _ in 0..teller.random.between(5, 12) {
        if let Some(colleague) = teller.somebody_in(first.city) {
            let mut plan = teller.by_holder(&colleague, page);
            plan.kit = Kit::Address(teller.traits);
            teller.push(plan);
        }
        teller.wait(10.0, 110.0);
    }
}
