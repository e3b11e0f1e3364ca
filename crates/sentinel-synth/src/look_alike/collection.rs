//! Collection: a club, a class or friends of a bride pay one person, who buys one thing with it.
//!
//! Looks like a mule network: many accounts pay one payee within two days, many for the first time. Lacks
//! the fan-out: what came in leaves in one piece, days later, for a shop, an airline or a landlord.

use crate::merchant::kinds;
use crate::plan::Payee;
use crate::story::{Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.1,
    reach: Reach::Days(7.1),
    tell,
};

fn tell(teller: &mut Teller<'_>) {
    let treasurer = teller.anybody();
    let each_usd = teller.random.log_normal(4.4, 0.8);
    let mut collected = 0.0;
    for _ in 0..teller.random.between(5, 14) {
        let after = teller.random.unit() * 2.0;
        teller.at = teller.day(after);
        let friend = teller.somebody_near(treasurer.customer.home);
        let bank = teller.bank_of(&friend);
        let mut plan = teller.by_holder(&friend, bank);
        // Most give what was asked for, some a half or twice as much.
        let usd = each_usd * *teller.random.pick(&[0.5, 1.0, 1.0, 1.0, 1.0, 2.0]);
        collected += usd;
        plan.usd = Some(usd);
        plan.payee = Some(Payee::Customer(treasurer.customer.number));
        teller.push(plan);
    }
    teller.at = teller.day(3.0);
    teller.wait_days(0.0, 4.0);
    let kind = *teller
        .random
        .pick(&[kinds::STORE, kinds::AIRWAYS, kinds::TRANSFERS]);
    let merchant = teller.usual(&treasurer, kind);
    let mut plan = teller.by_holder(&treasurer, merchant);
    plan.usd = Some(collected);
    teller.push(plan);
}
