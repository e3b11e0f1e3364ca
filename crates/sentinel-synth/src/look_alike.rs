//! Innocent episodes that look like fraud: many purchases in an hour, several payments in a minute.
//!
//! Journeys, shared devices, cards and addresses need no episode: they follow from who the customers
//! are.

use sentinel_domain::{Instant, MICROS_PER_SECOND};

use crate::everyday::{somebody_awake, usual_merchant};
use crate::merchant::kinds;
use crate::plan::Plan;
use crate::random::Random;
use crate::story::LookAlike;
use crate::world::World;

const SPREE_KINDS: [u8; 7] = [
    kinds::STORE,
    kinds::CLOTHING,
    kinds::ELECTRONICS,
    kinds::JEWELLERY,
    kinds::RESTAURANT,
    kinds::MARKET,
    kinds::BANK,
];

const QUICK_KINDS: [u8; 5] = [
    kinds::GAMES,
    kinds::TRANSIT,
    kinds::RIDES,
    kinds::MARKET,
    kinds::TRANSFERS,
];

/// Plans one innocent episode that begins at this instant.
pub(crate) fn plan(world: &World, start: Instant, random: &mut Random, plans: &mut Vec<Plan>) {
    if random.chance(0.8) {
        shopping_spree(world, start, random, plans);
    } else {
        quick_succession(world, start, random, plans);
    }
}

fn shopping_spree(world: &World, start: Instant, random: &mut Random, plans: &mut Vec<Plan>) {
    let (customer, city) = somebody_awake(world, start, random);
    let card = u8::from(random.chance(0.3));
    let mut at = start;
    for _ in 0..random.between(4, 9) {
        let kind = *random.pick(&SPREE_KINDS);
        let merchant = usual_merchant(world, &customer, city, kind, random);
        plans.push(Plan {
            card,
            usd: Some(random.log_normal(4.7, 0.8)),
            look_alike: Some(LookAlike::ShoppingSpree),
            ..Plan::honest(at, customer.number, merchant)
        });
        at = after_seconds(at, random.within(90.0, 540.0));
    }
}

fn quick_succession(world: &World, start: Instant, random: &mut Random, plans: &mut Vec<Plan>) {
    let (customer, city) = somebody_awake(world, start, random);
    let kind = *random.pick(&QUICK_KINDS);
    let merchant = usual_merchant(world, &customer, city, kind, random);
    let mut at = start;
    for _ in 0..random.between(3, 5) {
        plans.push(Plan {
            look_alike: Some(LookAlike::QuickSuccession),
            ..Plan::honest(at, customer.number, merchant)
        });
        at = after_seconds(at, random.within(3.0, 18.0));
    }
}

/// This instant and some seconds, in whole milliseconds.
#[allow(
    clippy::cast_possible_truncation,
    reason = "episodes are planned over hours, which fit"
)]
pub(crate) fn after_seconds(at: Instant, seconds: f64) -> Instant {
    let millis = libm::round(seconds * 1_000.0) as i64;
    at.plus_micros(millis * (MICROS_PER_SECOND / 1_000))
}
