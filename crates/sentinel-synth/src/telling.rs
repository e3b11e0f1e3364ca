//! Telling: how an episode, fraud or innocent, becomes a list of plans.
//!
//! An episode is (tale, number, start) and nothing else: its generator is a hash of the seed and its
//! number. So it can be told again at any time and gives the same plans, which is how a story of weeks
//! waits in a few bytes. Must never draw from the stream's own generator.

use std::num::NonZeroU64;

use sentinel_domain::{Instant, MICROS_PER_SECOND};

use crate::customer::Customer;
use crate::everyday::usual_merchant;
use crate::merchant::{Door, kind_at, kinds};
use crate::plan::{Hand, Kit, Plan};
use crate::random::Random;
use crate::story::{Reach, Tale};
use crate::world::{Purpose, World};

/// A payment this long behind the beginning of its episode is far: by then the accounts of hours have
/// moved on ([`crate::curve`]).
const FAR_SECONDS: f64 = 6.0 * 3_600.0;

/// One episode: all of its plans follow from this and the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Episode {
    pub(crate) tale: Tale,
    /// Counted from 1 in the order of planning.
    pub(crate) number: NonZeroU64,
    pub(crate) start: Instant,
}

impl Episode {
    /// Its plans in order of time, into `plans`, which is emptied first.
    pub(crate) fn tell(&self, world: &World, plans: &mut Vec<Plan>) {
        plans.clear();
        let Some(script) = self.tale.script() else {
            return;
        };
        let traits = world.hash(Purpose::Episode, self.number.get());
        let habits = world.habits(self.start);
        let mut teller = Teller {
            world,
            random: Random::new(traits),
            at: self.start,
            start: self.start,
            traits,
            amount_factor: habits.fraud_amount_factor,
            episode: *self,
            plans,
        };
        (script.tell)(&mut teller);
        // Several people act at once in some tales.
        plans.sort_by_key(|plan| plan.at);
        let far = after_seconds(self.start, FAR_SECONDS);
        for plan in plans.iter_mut() {
            plan.far = plan.at > far;
        }
    }
}

/// Steps within a day of a tale are seconds apart, and a day of a busy world is short.
const STEPS_SECONDS: f64 = 600.0;

/// No payment of a tale comes more seconds behind its beginning.
pub(crate) fn reach_seconds(world: &World, tale: Tale) -> f64 {
    match tale.script().map(|script| script.reach) {
        None => 0.0,
        Some(Reach::Seconds(seconds)) => seconds,
        Some(Reach::Days(days)) => days * world.day_seconds + STEPS_SECONDS,
    }
}

/// Somebody who takes part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    pub(crate) customer: Customer,
    /// Where they are.
    pub(crate) city: u8,
    /// The card that will be used.
    pub(crate) card: u8,
    /// When the account was opened, for people who are new.
    pub(crate) opened_at: Option<Instant>,
}

/// An episode being told; `at` moves on as it is.
pub(crate) struct Teller<'a> {
    pub(crate) world: &'a World,
    pub(crate) random: Random,
    pub(crate) at: Instant,
    pub(crate) start: Instant,
    /// What the thief, the ring, the office of this episode is like.
    pub(crate) traits: u64,
    amount_factor: f64,
    episode: Episode,
    plans: &'a mut Vec<Plan>,
}

impl Teller<'_> {
    /// Anybody, wherever they are now, with one of their cards.
    pub(crate) fn anybody(&mut self) -> Person {
        let customer = Customer::at(self.world, self.world.any_customer(&mut self.random));
        let city = customer.city_at(self.world, self.at);
        Person {
            customer,
            city: city.unwrap_or(customer.home),
            card: u8::from(self.random.chance(0.25)),
            opened_at: None,
        }
    }

    /// Somebody who is likely to pay at this hour.
    pub(crate) fn somebody_awake(&mut self) -> Person {
        let random = &mut self.random;
        let (customer, city) = crate::everyday::somebody_awake(self.world, self.at, random);
        Person {
            customer,
            city,
            card: u8::from(self.random.chance(0.25)),
            opened_at: None,
        }
    }

    /// Somebody who lives in a city and is there; `None` where nobody is found soon.
    pub(crate) fn somebody_in(&mut self, city: u8) -> Option<Person> {
        for _ in 0..300 {
            // The home is a matter of one hash, where they are of several more.
            let customer = Customer::at(self.world, self.world.any_customer(&mut self.random));
            if customer.home == city && customer.city_at(self.world, self.at) == Some(city) {
                return Some(Person {
                    customer,
                    city,
                    card: u8::from(self.random.chance(0.25)),
                    opened_at: None,
                });
            }
        }
        None
    }

    /// Somebody whose home is a city, if one is soon found; else anybody.
    pub(crate) fn somebody_near(&mut self, city: u8) -> Person {
        let mut person = self.anybody();
        for _ in 0..12 {
            if person.customer.home == city {
                break;
            }
            person = self.anybody();
        }
        person
    }

    /// Somebody whose account was opened so many days of the world ago. Up to eight to an episode, and
    /// in no other: they are numbered behind the customers of the beginning, as new accounts are.
    pub(crate) fn newcomer(&mut self, place: u8, days_ago: f64) -> Person {
        let first = u64::from(self.world.customers);
        let room = (u64::from(u32::MAX) - first) / 8;
        let [.., scattered] = self.traits.to_le_bytes();
        let place = u64::from(scattered.wrapping_add(place) % 8);
        let number = first + self.episode.number.get() % room.max(1) * 8 + place;
        let customer = Customer::at(self.world, u32::try_from(number).unwrap_or(u32::MAX));
        let opened_at = after_seconds(self.at, -days_ago * self.world.day_seconds);
        let seconds = opened_at.micros().div_euclid(MICROS_PER_SECOND);
        Person {
            customer,
            city: customer.home,
            card: 0,
            opened_at: Some(Instant::from_seconds(seconds)),
        }
    }

    /// Some seconds pass.
    pub(crate) fn wait(&mut self, seconds_min: f64, seconds_max: f64) {
        self.at = after_seconds(self.at, self.random.within(seconds_min, seconds_max));
    }

    /// Some days of the world pass.
    pub(crate) fn wait_days(&mut self, days_min: f64, days_max: f64) {
        let day = self.world.day_seconds;
        self.wait(days_min * day, days_max * day);
    }

    /// Waits for an hour at which this person would pay, some ten hours of the world at most.
    pub(crate) fn wait_until_awake(&mut self, person: &Person) {
        for _ in 0..10 {
            let home = person.customer.home;
            let lively = person.customer.liveliness(self.world, home, self.at);
            if self.random.unit() < lively * 2.0 {
                break;
            }
            self.wait_days(0.5 / 24.0, 1.0 / 24.0);
        }
    }

    /// An instant so many days of the world after the beginning.
    pub(crate) fn day(&self, days: f64) -> Instant {
        after_seconds(self.start, days * self.world.day_seconds)
    }

    /// A sum that thieves take: a log-normal number of US dollars, as the drift has it.
    pub(crate) fn loot_usd(&mut self, log_mean: f64, log_deviation: f64) -> f64 {
        self.random.log_normal(log_mean, log_deviation) * self.amount_factor
    }

    /// A sum for goods of a kind, so much above its usual price on the logarithm.
    pub(crate) fn loot_at(&mut self, kind: u8, above: f64) -> f64 {
        self.loot_usd(kind_at(kind).log_mean + above, 0.8)
    }

    /// A merchant of a kind in a city.
    pub(crate) fn shop(&mut self, city: u8, kind: u8) -> u32 {
        self.world.merchant(city, kind, self.random.next_u64())
    }

    /// A merchant of one of the kinds on the net: anywhere, but often where the person is at home.
    pub(crate) fn page(&mut self, person: &Person, kinds: &[u8]) -> u32 {
        let kind = *self.random.pick(kinds);
        let [byte, ..] = self.random.next_u64().to_le_bytes();
        let city = if self.random.chance(0.4) {
            person.customer.home
        } else {
            self.world.city_for(byte)
        };
        self.shop(city, kind)
    }

    /// Where transfers of a person are made.
    pub(crate) fn bank_of(&mut self, person: &Person) -> u32 {
        self.shop(person.customer.home, kinds::TRANSFERS)
    }

    /// A merchant of a kind where this person would go now: on the net while they travel.
    pub(crate) fn usual(&mut self, person: &Person, kind: u8) -> u32 {
        let (world, at) = (self.world, self.at);
        let city = person.customer.city_at(world, at);
        let at_terminal = matches!(kind_at(kind).door, Door::Pos | Door::Atm);
        let kind = if at_terminal && city.is_none() {
            kinds::MARKET
        } else {
            kind
        };
        let city = city.unwrap_or(person.customer.home);
        usual_merchant(world, &person.customer, city, kind, &mut self.random)
    }

    /// A payment now by the person's own hand, honest unless said otherwise.
    pub(crate) fn by_holder(&self, person: &Person, merchant: u32) -> Plan {
        let (story, look_alike) = match self.episode.tale {
            Tale::Fraud(story) => (Some(story), None),
            Tale::Innocent(kind) => (None, Some(kind)),
        };
        Plan {
            card: person.card,
            opened_at: person.opened_at,
            story,
            look_alike,
            episode: Some(self.episode.number),
            ..Plan::honest(self.at, person.customer.number, merchant)
        }
    }

    /// A fraud now by the thief of this episode.
    pub(crate) fn by_thief(&self, person: &Person, merchant: u32, usd: f64) -> Plan {
        Plan {
            usd: Some(usd),
            hand: Hand::Thief(self.traits),
            fraud: true,
            ..self.by_holder(person, merchant)
        }
    }

    /// A fraud now by the person's own hand, with the devices of the ring where there is one.
    pub(crate) fn by_culprit(&self, person: &Person, kit: Kit, merchant: u32, usd: f64) -> Plan {
        Plan {
            usd: Some(usd),
            kit,
            fraud: true,
            ..self.by_holder(person, merchant)
        }
    }

    /// Takes a plan into the episode.
    pub(crate) fn push(&mut self, plan: Plan) {
        self.plans.push(plan);
    }
}

/// This instant and some seconds, in whole milliseconds.
#[allow(
    clippy::cast_possible_truncation,
    reason = "episodes last months at most, and the conversion saturates"
)]
pub(crate) fn after_seconds(at: Instant, seconds: f64) -> Instant {
    let millis = libm::round(seconds * 1_000.0) as i64;
    at.plus_micros(millis * (MICROS_PER_SECOND / 1_000))
}
