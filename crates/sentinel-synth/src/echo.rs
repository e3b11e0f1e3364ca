//! Echoes: honest payments with the surface of a fraud.
//!
//! Somebody on a journey swipes at a jeweller's, somebody at home buys coins through a hired address,
//! a first subscription costs a dollar. Each echo takes kind of merchant, door, amount and manner from a
//! sampled fraud, and all else from an honest customer: device, mailbox, place, no haste, nothing before
//! and nothing after. So whatever a fraud shows in its own fields, more honest payments show too
//! ([`ECHO_SHARE`]), and it takes history to tell them apart.

use sentinel_domain::{Instant, MICROS_PER_SECOND};

use crate::customer::Customer;
use crate::merchant::{Door, Merchant, kind_at};
use crate::plan::{Hand, Plan};
use crate::random::Random;
use crate::story::{LookAlike, Story};
use crate::telling::after_seconds;
use crate::world::{Purpose, World};

/// The share of payments that are echoes, five for each fraud of the default profile.
pub(crate) const ECHO_SHARE: f64 = 0.13;

/// Nobody honest pays the sums of an emptied account.
pub(crate) const ECHO_USD_MAX: f64 = 1_500.0;

/// How many frauds of the sample are kept.
const ECHOES_MAX: usize = 4_096;

/// What somebody's payment has of a fraud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guise {
    pub(crate) story: Option<Story>,
    /// The thief whose manner it is.
    pub(crate) traits: u64,
}

/// The surface of a sampled fraud.
#[derive(Debug, Clone)]
pub(crate) struct Echo {
    kind: u8,
    /// In another country than the victim's home.
    abroad: bool,
    /// By somebody whose account is new.
    newcomer: bool,
    usd: Option<f64>,
    guise: Option<Guise>,
}

impl Echo {
    /// Surfaces of the frauds among planned payments, each as often as its weight says.
    pub(crate) fn sample(world: &World, told: &[(Plan, f64)]) -> Vec<Self> {
        let frauds = || told.iter().filter(|(plan, _)| plan.is_fraud());
        let all: f64 = frauds().map(|(_, weight)| weight).sum();
        let mut echoes = Vec::new();
        let mut reached = 0.0;
        for (plan, weight) in frauds() {
            reached += weight / f64::max(all, 1e-12) * ECHOES_MAX as f64;
            while (echoes.len() as f64) < reached {
                echoes.push(Self::of(world, plan));
            }
        }
        echoes
    }

    fn of(world: &World, plan: &Plan) -> Self {
        let merchant = Merchant::at(world, plan.merchant);
        let home = Customer::at(world, plan.payer).home;
        let guise = match plan.hand {
            // Fraud by the holder's own hand shows nothing strange.
            Hand::Holder => None,
            Hand::Thief(traits) => Some(Guise {
                story: plan.story,
                traits,
            }),
        };
        Self {
            kind: merchant.kind_index(),
            abroad: world.city(merchant.city).country != world.city(home).country,
            newcomer: plan.opened_at.is_some(),
            usd: plan.usd,
            guise,
        }
    }
}

/// An honest payment at this instant that looks like some fraud; `None` where the world has none.
pub(crate) fn payment(world: &World, at: Instant, random: &mut Random) -> Option<Plan> {
    if world.echoes.is_empty() {
        return None;
    }
    let echo = random.pick(&world.echoes);
    let at_tills = matches!(kind_at(echo.kind).door, Door::Pos | Door::Atm);
    let mut opened_at = None;
    let (customer, city) = if echo.abroad && at_tills {
        somebody_abroad(world, at, random)?
    } else if echo.newcomer {
        let (customer, joined) = newcomer(world, at, random);
        opened_at = Some(joined);
        (customer, customer.home)
    } else {
        somebody(world, at, random)?
    };
    let shop_city = if echo.abroad && !at_tills {
        let [byte, ..] = random.next_u64().to_le_bytes();
        world.city_for(byte)
    } else if at_tills {
        city
    } else {
        customer.home
    };
    let merchant = world.merchant(shop_city, echo.kind, random.next_u64());
    let mut plan = Plan::honest(at, customer.number, merchant);
    plan.card = u8::from(random.chance(0.25));
    // Nobody pays the very same sum.
    plan.usd = echo
        .usd
        .map(|usd| usd.min(ECHO_USD_MAX) * random.log_normal(0.0, 0.15));
    // Another thief's address than any that is told of.
    plan.guise = echo.guise.map(|guise| Guise {
        traits: random.next_u64(),
        ..guise
    });
    plan.opened_at = opened_at;
    if city != customer.home {
        plan.look_alike = Some(LookAlike::Journey);
    }
    Some(plan)
}

/// Somebody who is not on the way, at whatever hour.
fn somebody(world: &World, at: Instant, random: &mut Random) -> Option<(Customer, u8)> {
    (0..16).find_map(|_| {
        let customer = Customer::at(world, world.any_payer(random));
        Some((customer, customer.city_at(world, at)?))
    })
}

/// How many days of the world a newcomer stays new.
const NEW_DAYS: f64 = 20.0;

/// A customer who joined some weeks of the world ago, and when. For the days in which they are new they
/// pay now and then; numbers lie above those of customers and of the newcomers of stories.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "days and shares of 32-bit numbers"
)]
fn newcomer(world: &World, at: Instant, random: &mut Random) -> (Customer, Instant) {
    let stay_micros = (NEW_DAYS * world.day_seconds * MICROS_PER_SECOND as f64) as i64;
    let since_start = at.micros_since(world.start).max(0);
    let turn = since_start.div_euclid(stay_micros.max(1));
    let pool = u64::from(world.customers / 10).max(1);
    let first = u64::from(world.customers);
    let room = (u64::from(u32::MAX) - first) / 2;
    let number = turn.cast_unsigned().wrapping_mul(pool) + random.below(pool);
    let number = first + room + number % room.max(1);
    let ago = world.hash(Purpose::Newcomer, number) >> 40;
    let days_ago = 10.0 + 100.0 * ago as f64 / 16_777_216.0;
    let joined = world.start.plus_micros(turn.saturating_mul(stay_micros));
    let joined = after_seconds(joined, -days_ago * world.day_seconds);
    let seconds = joined.micros().div_euclid(MICROS_PER_SECOND);
    let customer = Customer::at(world, u32::try_from(number).unwrap_or(u32::MAX));
    (customer, Instant::from_seconds(seconds))
}

/// Somebody on a journey to another country.
fn somebody_abroad(world: &World, at: Instant, random: &mut Random) -> Option<(Customer, u8)> {
    (0..400).find_map(|_| {
        let (customer, city) = somebody(world, at, random)?;
        let abroad = world.city(city).country != world.city(customer.home).country;
        abroad.then_some((customer, city))
    })
}
