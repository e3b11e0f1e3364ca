//! Mule network: many victims pay into a few accounts, which pass the money on within hours.
//!
//! Two to four mules, some recruited by a friendly message, some with an account opened for it, are each
//! paid by four to eight victims within half a day to two days. Most victims were talked into it and pay with their own
//! hand and device; the others' accounts are entered. A few hours behind the last payment each mule sends nine tenths
//! of it on in three to five pieces: to one collector, to accounts of other banks, out of a cash machine,
//! into coins. Fan-in, then fan-out, in bounded time. Victims report, and the bank follows the money: an
//! analyst labels all of it together, within some two weeks.

use sentinel_domain::LabelSource;

use crate::merchant::kinds;
use crate::plan::{Kit, Payee};
use crate::random::scramble;
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::{Person, Teller};

pub(super) const SCRIPT: Script = Script {
    share: 0.07,
    reach: Reach::Days(4.6),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::Analyst,
    days_median: 10.0,
    spread: 0.6,
    days_min: 1.0,
    days_max: 60.0,
    together: true,
};

fn tell(teller: &mut Teller<'_>) {
    let collector = Payee::Outside(scramble(teller.traits));
    for place in 0..teller.random.between(2, 4) {
        let [place, ..] = place.to_le_bytes();
        let begin = teller.random.within(0.0, 2.0);
        teller.at = teller.day(begin);
        let mule = if teller.random.chance(0.4) {
            let days_ago = teller.random.within(4.0, 60.0);
            teller.newcomer(place, days_ago)
        } else {
            teller.anybody()
        };
        let collected = fan_in(teller, &mule, begin);
        fan_out(teller, &mule, collector, collected);
    }
}

/// Victims pay; what came in, in US dollars. Ends with the last payment.
fn fan_in(teller: &mut Teller<'_>, mule: &Person, begin: f64) -> f64 {
    let days = teller.random.within(0.5, 2.0);
    let mut collected = 0.0;
    let mut last = teller.at;
    for _ in 0..teller.random.between(4, 8) {
        let after = begin + teller.random.unit() * days;
        teller.at = teller.day(after);
        let victim = teller.somebody_near(mule.customer.home);
        let bank = teller.bank_of(&victim);
        let usd = teller.loot_usd(6.1, 0.7);
        collected += usd;
        let mut plan = if teller.random.chance(0.7) {
            teller.by_culprit(&victim, Kit::Own, bank, usd)
        } else {
            teller.by_thief(&victim, bank, usd)
        };
        plan.payee = Some(Payee::Customer(mule.customer.number));
        last = last.max(plan.at);
        teller.push(plan);
    }
    teller.at = last;
    collected
}

/// The mule passes on nine tenths, within hours.
fn fan_out(teller: &mut Teller<'_>, mule: &Person, collector: Payee, collected: f64) {
    let kit = if mule.opened_at.is_some() {
        Kit::Ring(teller.traits)
    } else {
        Kit::Own
    };
    let pieces = teller.random.between(3, 5);
    for piece in 0..pieces {
        teller.wait_days(0.01, 0.08);
        let usd = collected * 0.9 / pieces as f64 * teller.random.within(0.8, 1.1);
        let bank = teller.bank_of(mule);
        let plan = match teller.random.below(10) {
            0..=2 if piece > 0 => {
                let machine = teller.usual(mule, kinds::BANK);
                teller.by_culprit(mule, kit, machine, usd)
            }
            3..=4 if piece > 0 => {
                let page = teller.page(mule, &[kinds::COINS]);
                teller.by_culprit(mule, kit, page, usd)
            }
            draw => {
                let mut plan = teller.by_culprit(mule, kit, bank, usd);
                let other = Payee::Outside(teller.random.next_u64());
                plan.payee = Some(if draw < 8 { collector } else { other });
                plan
            }
        };
        teller.push(plan);
    }
}
