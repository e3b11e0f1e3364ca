//! Card testing: numbers of stolen cards are tried out with tiny payments, then the good ones are used.
//!
//! A script works through what was bought on a forum: one number with guessed dates and codes, or a list
//! of numbers once or twice each, at one or two pages that sell for a dollar, seconds apart. Minutes
//! later one to three of the numbers that worked buy something that can be sold on. Holders see the
//! small sums late: a chargeback each, within some two weeks.

use sentinel_domain::LabelSource;

use crate::merchant::kinds;
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.14,
    reach: Reach::Seconds(2_400.0),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::Chargeback,
    days_median: 9.0,
    spread: 0.6,
    days_min: 1.0,
    days_max: 60.0,
    together: false,
};

fn tell(teller: &mut Teller<'_>) {
    let cards = if teller.random.chance(0.5) {
        1
    } else {
        teller.random.between(6, 16)
    };
    let owners: Vec<_> = (0..cards).map(|_| teller.anybody()).collect();
    let Some(first) = owners.first() else { return };
    let pages = [
        teller.page(first, &[kinds::GAMES, kinds::MARKET]),
        teller.page(first, &[kinds::GAMES, kinds::STREAMING, kinds::MARKET]),
    ];
    for owner in &owners {
        let tries = if cards == 1 {
            teller.random.between(10, 24)
        } else {
            teller.random.between(1, 3)
        };
        for _ in 0..tries {
            let page = *teller.random.pick(&pages);
            let usd = teller.loot_usd(0.3, 0.5);
            teller.push(teller.by_thief(owner, page, usd));
            teller.wait(3.0, 12.0);
        }
    }
    for owner in owners.iter().rev().take(3) {
        teller.wait(60.0, 480.0);
        let page = teller.page(owner, &[kinds::COMPUTERS, kinds::MARKET, kinds::COINS]);
        let usd = teller.loot_usd(6.0, 0.6).max(60.0);
        teller.push(teller.by_thief(owner, page, usd));
    }
}
