//! The world of one seed: how many people and shops there are, and how to find one.

use sentinel_domain::{Coordinates, Instant, MICROS_PER_SECOND};

use crate::activity::Activity;
use crate::calibration::Calibration;
use crate::city::{self, CITIES, City};
use crate::customer::Customer;
use crate::drift::{Drift, Habits};
use crate::echo::Echo;
use crate::merchant::{KIND_COUNT, Merchant};
use crate::options::Options;
use crate::plan::Plan;
use crate::profile::{Fraud, Profile};
use crate::random::{Random, hash};

sentinel_domain::vocabulary! {
    /// What a hash of the seed is for; two purposes never share a value.
    Purpose {
        /// A customer's habits.
        Customer = 1, "customer";
        /// What a household shares.
        Household = 2, "household";
        /// A customer's income.
        Income = 3, "income";
        /// Where a customer is in a week.
        Trip = 4, "trip";
        /// A customer's card.
        Card = 5, "card";
        /// A card that two people carry.
        FamilyCard = 6, "family_card";
        /// A device.
        Device = 7, "device";
        /// A device that two people use.
        FamilyDevice = 8, "family_device";
        /// An address at home.
        HomeAddress = 9, "home_address";
        /// An address at work.
        OfficeAddress = 10, "office_address";
        /// An address of a telephone company.
        CarrierAddress = 11, "carrier_address";
        /// An address of a hosting company.
        HostingAddress = 12, "hosting_address";
        /// A merchant.
        Merchant = 13, "merchant";
        /// A favourite merchant.
        Favourite = 14, "favourite";
        /// The payee of a transfer.
        Payee = 15, "payee";
        /// A thief.
        Thief = 16, "thief";
        /// An e-mail address.
        Email = 17, "email";
        /// The stream's own generator.
        Stream = 18, "stream";
        /// An episode.
        Episode = 40, "episode";
        /// When fraud becomes known.
        LabelDelay = 41, "label_delay";
        /// On which days a customer likes to pay, and pay days.
        Rhythm = 60, "rhythm";
        /// Where a customer works.
        WorkPlace = 61, "work_place";
        /// A payment being spelt out.
        Payment = 62, "payment";
        /// When somebody joined who is new.
        Newcomer = 63, "newcomer";
    }
}

/// The bounds of a day of the world, in seconds.
const DAY_SECONDS_MIN: f64 = 30.0;
const DAY_SECONDS_MAX: f64 = 86_400.0;

/// Everything that is the same for the whole stream.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) start: Instant,
    pub(crate) customers: u32,
    /// A day of this world: the time in which a customer pays twice, a real day at most. People of a
    /// stream pay far more often than people do; stories of weeks keep their proportion to that.
    pub(crate) day_seconds: f64,
    drift: Drift,
    merchants: u32,
    cities: Vec<City>,
    /// A city for every byte, by weight: people live where a byte of their hash says.
    city_by_byte: Vec<u8>,
    /// A kind of merchant for every [`KIND_PLACES`]th, by weight.
    kind_by_place: Vec<u8>,
    activity: Activity,
    pub(crate) calibration: Calibration,
    /// Surfaces of frauds that honest payments share.
    pub(crate) echoes: Vec<Echo>,
}

/// Into how many places kinds of merchants are divided by weight.
const KIND_PLACES: u64 = 4_096;

/// Nobody is robbed so many times as often as others.
const EXPOSURE_MAX: f64 = 6.0;

impl World {
    pub(crate) fn new(options: &Options) -> Self {
        let cities = city::all();
        assert!(
            cities.len() == CITIES as usize,
            "every row of the city table is valid"
        );
        let city_weights: Vec<f64> = cities.iter().map(|c| f64::from(c.weight)).collect();
        let customers = options.customers.max(Options::CUSTOMERS_MIN);
        let calibration = Calibration::new(&options.profile, &[]);
        let per_day = options.payments_per_second * 86_400.0 / f64::from(customers);
        Self {
            seed: options.seed,
            start: options.start,
            customers,
            day_seconds: (2.0 * f64::from(options.customers) / options.payments_per_second)
                .clamp(DAY_SECONDS_MIN, DAY_SECONDS_MAX),
            drift: options.drift.in_bounds(),
            merchants: options.merchants.max(Options::MERCHANTS_MIN),
            cities,
            city_by_byte: by_place(&city_weights, 256),
            kind_by_place: by_place(&calibration.kind_weights, KIND_PLACES),
            activity: Activity::new(&options.profile.client_sizes, per_day),
            calibration,
            echoes: Vec::new(),
        }
    }

    /// Draws so that the profile is met with what stories and innocent episodes plan: a sample of
    /// plans, each with its weight.
    pub(crate) fn calibrate(&mut self, profile: &Profile, told: Vec<(Plan, f64)>) {
        self.echoes = match profile.fraud {
            Fraud::Stories => Echo::sample(self, &told),
            Fraud::EveryNth { .. } => Vec::new(),
        };
        let told: Vec<_> = told
            .into_iter()
            .map(|(plan, weight)| {
                let door = Merchant::at(self, plan.merchant).kind.door;
                (plan, weight, door)
            })
            .collect();
        self.calibration = Calibration::new(profile, &told);
        self.kind_by_place = by_place(&self.calibration.kind_weights, KIND_PLACES);
    }

    /// What a thing is like.
    pub(crate) fn hash(&self, purpose: Purpose, number: u64) -> u64 {
        hash(self.seed, u64::from(purpose.code()), number)
    }

    /// The habits of an instant.
    pub(crate) fn habits(&self, at: Instant) -> Habits {
        let micros = at.micros_since(self.start) as f64;
        self.drift
            .at(micros / MICROS_PER_SECOND as f64 / DAY_SECONDS_MAX)
    }

    /// The city with this index.
    #[allow(
        clippy::indexing_slicing,
        reason = "the index is taken modulo the length of the table"
    )]
    pub(crate) fn city(&self, index: u8) -> &City {
        &self.cities[usize::from(index) % self.cities.len()]
    }

    /// The city for a byte of a hash, by weight.
    pub(crate) fn city_for(&self, byte: u8) -> u8 {
        self.city_by_byte
            .get(usize::from(byte))
            .copied()
            .unwrap_or(0)
    }

    /// A city more than a thousand kilometres from this one.
    pub(crate) fn city_far_from(&self, city: u8, random: &mut Random) -> u8 {
        let here = self.city(city).coordinates;
        for _ in 0..64 {
            let [byte, ..] = random.next_u64().to_le_bytes();
            let other = self.city_for(byte);
            if here.distance_metres(self.city(other).coordinates) > 1_000_000.0 {
                return other;
            }
        }
        // Nobody lives within a thousand kilometres of both New York and Tokyo.
        if self.city(city).coordinates.lon_e7 < 0 {
            31
        } else {
            0
        }
    }

    /// A kind of merchant, by weight.
    pub(crate) fn any_kind(&self, random: &mut Random) -> u8 {
        let place = usize::try_from(random.below(KIND_PLACES)).unwrap_or(0);
        self.kind_by_place.get(place).copied().unwrap_or(0)
    }

    /// Somebody who pays, as often as the customer pays. Low numbers are the busiest.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place from 0 to 1 times a 32-bit number"
    )]
    pub(crate) fn any_payer(&self, random: &mut Random) -> u32 {
        let place = self.activity.place(random.unit());
        ((place * f64::from(self.customers)) as u32).min(self.customers - 1)
    }

    /// Somebody that fraud happens to: who pays often, and with cards and addresses that the profile
    /// says are robbed often.
    pub(crate) fn any_customer(&self, random: &mut Random) -> u32 {
        for _ in 0..24 {
            let number = self.any_payer(random);
            let exposure = Customer::at(self, number).exposure(self);
            if random.unit() * EXPOSURE_MAX < exposure {
                return number;
            }
        }
        self.any_payer(random)
    }

    /// One of the merchants of a kind in a city; `which` is taken modulo their number.
    pub(crate) fn merchant(&self, city: u8, kind: u8, which: u64) -> u32 {
        let kinds = CITIES * KIND_COUNT;
        let first = u32::from(kind) % KIND_COUNT * CITIES + u32::from(city) % CITIES;
        let rounds = self.merchants.div_ceil(kinds);
        let round = u32::try_from(which % u64::from(rounds)).unwrap_or(0);
        let number = round * kinds + first;
        // The last round is incomplete; the first is not.
        if number < self.merchants {
            number
        } else {
            first
        }
    }
}

/// For every place the index that holds it when so many places are divided by weight.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares of a few thousand places"
)]
fn by_place(weights: &[f64], places: u64) -> Vec<u8> {
    let total: f64 = weights.iter().sum();
    let mut table = Vec::new();
    let mut reached = 0.0;
    for (index, weight) in (0_u8..).zip(weights) {
        reached += weight;
        let until = libm::floor(reached * places as f64 / f64::max(total, 1e-9) + 1e-6);
        table.resize(until as usize, index);
    }
    table
}

/// A point within some ten kilometres of another.
pub(crate) fn scatter(around: Coordinates, hash: u64) -> Coordinates {
    let [a, b, c, d, ..] = hash.to_le_bytes();
    let lat = i32::from(i16::from_le_bytes([a, b])) * 18;
    let lon = i32::from(i16::from_le_bytes([c, d])) * 24;
    let moved = Coordinates::new(around.lat_e7 + lat, around.lon_e7 + lon);
    moved.unwrap_or(around)
}
