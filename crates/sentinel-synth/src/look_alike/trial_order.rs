//! Trial order: a small order from a page that is new to the buyer, and the large one when it is good.
//!
//! Looks like small-then-large. Lacks the change of place: both orders go to the same page, with the
//! holder's own device and address.

use crate::merchant::kinds;
use crate::story::{Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.06,
    reach: Reach::Seconds(3_600.0),
    tell,
};

fn tell(teller: &mut Teller<'_>) {
    let person = teller.somebody_awake();
    let page = teller.page(&person, &[kinds::MARKET, kinds::BOOKS, kinds::COMPUTERS]);
    let small = teller.random.log_normal(1.6, 0.5);
    let mut trial = teller.by_holder(&person, page);
    trial.usd = Some(small);
    teller.push(trial);
    teller.wait(300.0, 3_000.0);
    let mut order = teller.by_holder(&person, page);
    order.usd = Some(teller.random.log_normal(5.3, 0.7).max(small * 15.0));
    teller.push(order);
}
