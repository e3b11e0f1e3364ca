//! Everyday payments: somebody awake pays somewhere usual.

use sentinel_domain::Instant;

use crate::customer::Customer;
use crate::drift::Habits;
use crate::merchant::{Door, kind_at, kinds};
use crate::plan::Plan;
use crate::random::Random;
use crate::story::LookAlike;
use crate::world::{Purpose, World};

/// The share of everyday payments above 5,000 US dollars.
const LARGE_SHARE: f64 = 0.000_8;

/// What large sums are honestly paid for.
const LARGE_KINDS: [u8; 5] = [
    kinds::TRANSFERS,
    kinds::JEWELLERY,
    kinds::COMPUTERS,
    kinds::AIRWAYS,
    kinds::STORE,
];

/// One everyday payment at this instant.
pub(crate) fn payment(world: &World, habits: &Habits, at: Instant, random: &mut Random) -> Plan {
    let (customer, city) = somebody_awake(world, at, random);
    let large = random.chance(LARGE_SHARE);
    let kind = if large {
        *random.pick(&LARGE_KINDS)
    } else {
        moved(world.any_kind(random), habits.web_shift, random)
    };
    let merchant = usual_merchant(world, &customer, city, kind, random);
    let mut plan = Plan::honest(at, customer.number, merchant);
    plan.card = u8::from(random.chance(0.25));
    plan.price_factor = habits.amount_factor;
    if large {
        plan.usd = Some(5_050.0 + 2_500.0 * random.exponential());
        plan.look_alike = Some(LookAlike::LargePurchase);
    } else if city != customer.home {
        plan.look_alike = Some(LookAlike::Journey);
    }
    plan
}

/// What is bought on the net instead of at a terminal.
const PAGES: [(u8, u16); 4] = [
    (kinds::MARKET, 5),
    (kinds::DELIVERY, 4),
    (kinds::BOOKS, 1),
    (kinds::COMPUTERS, 1),
];

/// The kind, or a page where a share of payments at terminals has moved to the net.
fn moved(kind: u8, share: f64, random: &mut Random) -> u8 {
    if kind_at(kind).door == Door::Pos && random.chance(share) {
        random.pick_weighted(&PAGES)
    } else {
        kind
    }
}

/// A customer who is likely to pay now, and the city they are in.
pub(crate) fn somebody_awake(world: &World, at: Instant, random: &mut Random) -> (Customer, u8) {
    let mut last = Customer::at(world, 0);
    for _ in 0..32 {
        last = Customer::at(world, world.any_payer(random));
        if let Some(city) = last.city_at(world, at)
            && random.unit() < last.liveliness(world, city, at)
        {
            return (last, city);
        }
    }
    (last, last.home)
}

/// A merchant of a kind: in the city for terminals, anywhere on the net; mostly a favourite.
pub(crate) fn usual_merchant(
    world: &World,
    customer: &Customer,
    city: u8,
    kind: u8,
    random: &mut Random,
) -> u32 {
    let habit = u64::from(customer.number) << 16 | u64::from(kind) << 8 | random.below(3);
    let which = if random.chance(0.75) {
        world.hash(Purpose::Favourite, habit)
    } else {
        random.next_u64()
    };
    let [byte, ..] = which.to_le_bytes();
    let there = match kind_at(kind).door {
        Door::Pos | Door::Atm => city,
        Door::App | Door::Transfer => customer.home,
        Door::Web if byte < 140 => customer.home,
        Door::Web => world.city_for(which.to_be_bytes()[1]),
    };
    world.merchant(there, kind, which >> 16)
}
