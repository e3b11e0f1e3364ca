//! Velocity burst: a script empties one account by ten payments or more inside a minute.
//!
//! It races the limits that count per day and the human who would look: many payments of middling size
//! at one or two pages, three to five seconds apart. The issuer's own limits raise the alarm, so it is
//! found out together and soon.

use sentinel_domain::LabelSource;

use crate::merchant::kinds;
use crate::story::{LabelDelay, Reach, Script};
use crate::telling::Teller;

pub(super) const SCRIPT: Script = Script {
    share: 0.12,
    reach: Reach::Seconds(120.0),
    tell,
};

pub(super) const LABEL: LabelDelay = LabelDelay {
    source: LabelSource::IssuerAlert,
    days_median: 0.5,
    spread: 0.8,
    days_min: 0.02,
    days_max: 7.0,
    together: true,
};

const PAGES: [u8; 5] = [
    kinds::GAMES,
    kinds::MARKET,
    kinds::RIDES,
    kinds::DELIVERY,
    kinds::TRANSFERS,
];

fn tell(teller: &mut Teller<'_>) {
    let victim = teller.anybody();
    let pages = [teller.page(&victim, &PAGES), teller.page(&victim, &PAGES)];
    let payments = teller.random.between(10, 16);
    let gap_max = 55.0 / payments as f64;
    for _ in 0..payments {
        let page = *teller.random.pick(&pages);
        let usd = teller.loot_usd(3.5, 0.8);
        teller.push(teller.by_thief(&victim, page, usd));
        teller.wait(gap_max * 0.3, gap_max);
    }
}
