//! Customers: who they are and where they are, derived from (seed, number) whenever one is needed.
//!
//! Customers 2n and 2n + 1 are a household: one city, one address on the net, sometimes one device or
//! one card for both. Some work in offices with a shared address. In about one week of twenty-five a
//! customer is on a journey, with a gap of hours before and after, so that honest people never jump.

#![allow(
    clippy::indexing_slicing,
    reason = "bytes of eight by constants, and tables by remainders below their length"
)]

use sentinel_domain::{
    AccountId, CardToken, Coordinates, CustomerId, DeviceId, Instant, IpAddress, MICROS_PER_SECOND,
    Text,
};

use crate::calibration::INCOME_DEVIATION;
use crate::ladder::rank_of;
use crate::random::{Random, scramble};
use crate::spelling::{address, hexadecimal, numbered};
use crate::world::{Purpose, World, scatter};

const HOUR_MICROS: i64 = 3_600 * MICROS_PER_SECOND;
const WEEK_MICROS: i64 = 7 * 24 * HOUR_MICROS;

/// Nobody pays this long before and after a journey begins or ends.
const TRAVEL_MICROS: i64 = 8 * HOUR_MICROS;

/// The first octets of addresses: cities count from here.
const CITY_BLOCK: u8 = 60;

/// The first octet of hosting companies, where thieves and honest friends of privacy come from.
const HOSTING_BLOCK: u8 = 185;

/// How lively an hour of the day is, of 100.
const HOURS: [u8; 24] = [
    12, 8, 6, 5, 5, 8, 18, 40, 62, 70, 75, 85, 100, 95, 80, 78, 82, 92, 100, 92, 75, 55, 36, 22,
];

/// One customer, with one account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Customer {
    pub(crate) number: u32,
    pub(crate) home: u8,
    household: u64,
    traits: [u8; 8],
    shared: [u8; 8],
}

impl Customer {
    pub(crate) fn at(world: &World, number: u32) -> Self {
        let household = u64::from(number / 2);
        let shared = world.hash(Purpose::Household, household).to_le_bytes();
        Self {
            number,
            home: world.city_for(shared[0]),
            household,
            traits: world
                .hash(Purpose::Customer, u64::from(number))
                .to_le_bytes(),
            shared,
        }
    }

    fn key(&self) -> u64 {
        u64::from(self.number)
    }

    /// Where the customer is; `None` while on the way.
    pub(crate) fn city_at(&self, world: &World, at: Instant) -> Option<u8> {
        let phase = i64::from(self.traits[0]) * (WEEK_MICROS / 256);
        let shifted = at.micros().saturating_add(phase);
        let week = shifted.div_euclid(WEEK_MICROS);
        let into = shifted.rem_euclid(WEEK_MICROS);
        let here = self.city_of_week(world, week);
        let next = if into < TRAVEL_MICROS {
            self.city_of_week(world, week.wrapping_sub(1))
        } else if into > WEEK_MICROS - TRAVEL_MICROS {
            self.city_of_week(world, week.wrapping_add(1))
        } else {
            here
        };
        (next == here).then_some(here)
    }

    fn city_of_week(&self, world: &World, week: i64) -> u8 {
        let number = self.key() | (week.cast_unsigned() << 32);
        let [away, city, ..] = world.hash(Purpose::Trip, number).to_le_bytes();
        if away < 10 {
            world.city_for(city)
        } else {
            self.home
        }
    }

    /// How likely the customer is to pay now, 0 to 1: a matter of temper and of the hour.
    pub(crate) fn liveliness(&self, world: &World, city: u8, at: Instant) -> f64 {
        let shift = i64::from(self.traits[1] % 5) - 2;
        let hour = local_hour(world, city, at) + shift;
        let index = usize::try_from(hour.rem_euclid(24)).unwrap_or(0);
        let temper = 0.25 + 0.75 * f64::from(self.traits[2]) / 255.0;
        temper * f64::from(HOURS[index]) / 100.0 * self.mood_of_day(world, city, at)
    }

    /// How much the customer likes to pay on this day, 0.3 to 1: some shop at weekends, others never do,
    /// and money sits loosest in the days after pay day, every month or every fortnight.
    fn mood_of_day(&self, world: &World, city: u8, at: Instant) -> f64 {
        let [weekend, fortnightly, phase, ..] =
            world.hash(Purpose::Rhythm, self.key()).to_le_bytes();
        let day = local_hours(world, city, at).div_euclid(24);
        let base = if is_weekend(day) {
            0.5 + f64::from(weekend) / 510.0
        } else {
            1.0 - f64::from(weekend) / 850.0
        };
        let cycle = if fortnightly < 90 { 14 } else { 30 };
        let since_pay = (day + i64::from(phase)).rem_euclid(cycle);
        let purse = match since_pay {
            0..=2 => 1.0,
            days if days > cycle - 5 => 0.65,
            _ => 0.8,
        };
        base * purse
    }

    /// By how much the logarithm of prices is higher than other people's.
    pub(crate) fn income(&self, world: &World) -> f64 {
        let bytes = world.hash(Purpose::Income, self.key()).to_le_bytes();
        let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
        // Eight bytes sum to nearly a normal number: mean 1,020, deviation 209.
        INCOME_DEVIATION * (f64::from(sum) - 1_020.0) / 209.0
    }

    pub(crate) fn account_id(&self) -> AccountId {
        AccountId(numbered("acc_", self.key()))
    }

    pub(crate) fn customer_id(&self) -> CustomerId {
        CustomerId(numbered("cus_", self.key()))
    }

    /// Between some days and a dozen years before the stream begins; one account in thirty is new.
    pub(crate) fn opened_at(&self, world: &World) -> Instant {
        let fine = i64::from(u16::from_le_bytes([self.traits[3], self.traits[4]]));
        let hours = if self.traits[5] < 8 {
            24 + fine / 30
        } else {
            720 + fine * 8 / 5
        };
        let seconds = world.start.micros().div_euclid(MICROS_PER_SECOND);
        Instant::from_seconds(seconds.saturating_sub(hours * 3_600))
    }

    /// How many cards: one, two, or one and the household's.
    pub(crate) fn cards(&self) -> u8 {
        if self.traits[6] < 90 || self.has_family_card() {
            2
        } else {
            1
        }
    }

    pub(crate) fn has_family_card(&self) -> bool {
        self.shared[1] < 20
    }

    /// The hash of the first or second card.
    pub(crate) fn card(&self, world: &World, which: u8) -> Card {
        let second = which % self.cards();
        let family = second == 1 && self.has_family_card();
        let traits = if family {
            world.hash(Purpose::FamilyCard, self.household)
        } else {
            world.hash(Purpose::Card, self.key() * 2 + u64::from(second))
        };
        Card {
            traits,
            home: self.home,
        }
    }

    /// The device in use: mostly the same, sometimes the second; one household in six shares.
    pub(crate) fn device(&self, world: &World, random: &mut Random) -> DeviceId {
        let second = random.chance(0.2);
        let traits = if !second && self.shared[2] < 42 {
            world.hash(Purpose::FamilyDevice, self.household)
        } else {
            world.hash(Purpose::Device, self.key() * 2 + u64::from(second))
        };
        DeviceId(hexadecimal("dev_", traits))
    }

    /// The address in use: home, office hours in an office, a telephone company, a hosting company.
    pub(crate) fn address(
        &self,
        world: &World,
        city: u8,
        at: Instant,
        random: &mut Random,
    ) -> IpAddress {
        let in_office = self.traits[7] < 100 && (9..17).contains(&local_hour(world, city, at));
        let at_home = city == self.home;
        let draw = random.unit();
        if draw < 0.02 {
            return hosting_address(world, self.key() % 400);
        }
        let (purpose, number) = if in_office && at_home && draw < 0.7 {
            // Some hundred people to an office, whatever the size of the world.
            let offices = 1 + u64::from(world.customers) / 8_000;
            (Purpose::OfficeAddress, (self.key() / 2) % offices)
        } else if draw > 0.8 || !at_home {
            let carriers = 1 + u64::from(world.customers) / 4_000;
            (Purpose::CarrierAddress, self.key() % carriers)
        } else {
            return city_address(city, world.hash(Purpose::HomeAddress, self.household));
        };
        city_address(city, world.hash(purpose, number << 8 | u64::from(city)))
    }

    /// A keyed hash of the e-mail address, and its domain; `None` for those who gave none.
    pub(crate) fn email(&self, world: &World) -> Option<(Text, Text)> {
        let traits = world.hash(Purpose::Email, self.key());
        let domain = &world.calibration.email_domain;
        let domain = domain.word(false, email_rank(traits))?.clone();
        Some((hexadecimal("eml_", traits), domain))
    }

    /// How much more often than others the customer is robbed, by first card and e-mail address.
    pub(crate) fn exposure(&self, world: &World) -> f64 {
        let email = email_rank(world.hash(Purpose::Email, self.key()));
        let card = self.card(world, 0).traits;
        world.calibration.exposure(card, email)
    }

    /// Around where the customer lives, works at this hour, or stays.
    pub(crate) fn coordinates(&self, world: &World, city: u8, at: Instant) -> Coordinates {
        let hours = local_hours(world, city, at);
        let working = (9..17).contains(&hours.rem_euclid(24)) && !is_weekend(hours.div_euclid(24));
        let traits = if working && city == self.home && self.traits[7] < 170 {
            world.hash(Purpose::WorkPlace, self.key())
        } else {
            world.hash(Purpose::HomeAddress, self.household)
        };
        scatter(world.city(city).coordinates, traits)
    }
}

/// An address that a thief gives, with a provider that thieves use; `None` where none is given.
pub(crate) fn given_email(world: &World, mailbox: u64, provider: u64) -> Option<(Text, Text)> {
    let domain = &world.calibration.email_domain;
    let domain = domain.word(true, email_rank(provider))?.clone();
    Some((hexadecimal("eml_", mailbox), domain))
}

fn email_rank(traits: u64) -> f64 {
    rank_of(scramble(traits))
}

/// An address in a city.
pub(crate) fn city_address(city: u8, traits: u64) -> IpAddress {
    IpAddress(address(CITY_BLOCK + city, traits))
}

/// An address of a hosting company.
pub(crate) fn hosting_address(world: &World, number: u64) -> IpAddress {
    let traits = world.hash(Purpose::HostingAddress, number);
    IpAddress(address(HOSTING_BLOCK, traits))
}

/// The hour of the day in a city.
pub(crate) fn local_hour(world: &World, city: u8, at: Instant) -> i64 {
    local_hours(world, city, at).rem_euclid(24)
}

/// Hours since 1970 by the clocks of a city.
fn local_hours(world: &World, city: u8, at: Instant) -> i64 {
    let offset = i64::from(world.city(city).utc_offset_minutes) * 60 * MICROS_PER_SECOND;
    at.micros().saturating_add(offset).div_euclid(HOUR_MICROS)
}

/// Whether a day, counted from a Thursday in 1970, is a Saturday or Sunday.
fn is_weekend(day: i64) -> bool {
    matches!(day.rem_euclid(7), 2 | 3)
}

/// One card. Everything about it follows from its hash and its holder's home.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Card {
    pub(crate) traits: u64,
    home: u8,
}

impl Card {
    pub(crate) fn token(&self) -> CardToken {
        CardToken(hexadecimal("tok_", self.traits))
    }

    /// The city whose country the issuer is in: home but for three cards of a hundred.
    pub(crate) fn issuer_city(&self, world: &World) -> u8 {
        let [a, b, ..] = self.traits.to_le_bytes();
        if a < 8 { world.city_for(b) } else { self.home }
    }
}
