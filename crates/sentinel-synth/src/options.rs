//! What a stream is asked for. Values out of bounds are taken as the nearest bound, as each field says.

use std::sync::{Arc, OnceLock};

use sentinel_domain::{Instant, MICROS_PER_SECOND};

use crate::city::CITIES;
use crate::drift::Drift;
use crate::merchant::KIND_COUNT;
use crate::profile::Profile;

/// What a stream is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The same seed gives the same stream.
    pub seed: u64,
    /// How many people pay. At least [`Self::CUSTOMERS_MIN`].
    pub customers: u32,
    /// How many shops there are. At least [`Self::MERCHANTS_MIN`]: one of every kind in every city.
    pub merchants: u32,
    /// The event time of the first payments.
    pub start: Instant,
    /// Payments in a second of event time.
    pub payments_per_second: f64,
    /// The share of payments that are fraud, 0 to [`Self::FRAUD_RATE_MAX`].
    pub fraud_rate: f64,
    /// How long after a payment its fraud becomes known; `None`: as long as each story takes
    /// ([`crate::Story::label_delay`]).
    pub label_delay_micros: Option<i64>,
    /// What every event id starts with; cut after [`Self::ID_PREFIX_BYTES_MAX`] bytes.
    pub id_prefix: String,
    /// The share of payments that arrive after later ones.
    pub late_share: f64,
    /// How late they may be.
    pub late_micros_max: i64,
    /// The share of payments that arrive twice.
    pub repeat_share: f64,
    /// What payments look like. Its `fraud_rate` is only the yardstick of its other rates: the share of
    /// fraud asked for is the field above.
    pub profile: Arc<Profile>,
    /// Whether volume and fraud follow the profile's hours and days. Without, `payments_per_second` and
    /// `fraud_rate` hold at every hour; with, they hold on average over whole days.
    pub daily_curve: bool,
    /// How stories and habits change over event time; without another, as the profile says.
    pub drift: Drift,
}

impl Options {
    /// The fewest customers.
    pub const CUSTOMERS_MIN: u32 = 500;
    /// The fewest merchants.
    pub const MERCHANTS_MIN: u32 = CITIES * KIND_COUNT;
    /// The largest share of fraud.
    pub const FRAUD_RATE_MAX: f64 = 0.5;
    /// The longest prefix of an event id.
    pub const ID_PREFIX_BYTES_MAX: usize = 32;

    /// A small world: 5,000 customers, 800 merchants, 4 payments a second.
    pub fn new(seed: u64, start: Instant) -> Self {
        let profile = default_profile();
        Self {
            seed,
            customers: 5_000,
            merchants: 800,
            start,
            payments_per_second: 4.0,
            fraud_rate: 0.0271,
            label_delay_micros: None,
            id_prefix: String::from("syn-"),
            late_share: 0.002,
            late_micros_max: 20 * MICROS_PER_SECOND,
            repeat_share: 0.000_5,
            drift: Drift::of(&profile.drift),
            profile,
            daily_curve: false,
        }
    }

    /// The world of a profile: its fraud rate, hours, days and drift; otherwise as [`Self::new`].
    pub fn of_profile(seed: u64, start: Instant, profile: Profile) -> Self {
        Self {
            fraud_rate: profile.fraud_rate,
            drift: Drift::of(&profile.drift),
            profile: Arc::new(profile),
            daily_curve: true,
            ..Self::new(seed, start)
        }
    }

    /// A world large enough for a rate: with too few customers everybody would pay several times a
    /// minute, and all traffic would look like velocity fraud. Customers = rate x 1,200, so that a
    /// customer pays once in twenty minutes on average, within 5,000 and 2,000,000; one merchant for
    /// fifty customers, within 800 and 40,000.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held within bounds that fit first"
    )]
    pub fn for_rate(seed: u64, start: Instant, payments_per_second: f64) -> Self {
        let customers = (payments_per_second * 1_200.0).clamp(5_000.0, 2_000_000.0) as u32;
        Self {
            customers,
            merchants: (customers / 50).clamp(800, 40_000),
            payments_per_second,
            ..Self::new(seed, start)
        }
    }
}

/// A number within bounds; the lower one where it is no number.
pub(crate) fn bounded(value: f64, low: f64, high: f64) -> f64 {
    if value.is_nan() {
        low
    } else {
        value.clamp(low, high)
    }
}

/// The built-in default, read once.
#[allow(
    clippy::expect_used,
    reason = "the file is part of the program and a test reads it"
)]
fn default_profile() -> Arc<Profile> {
    static DEFAULT: OnceLock<Arc<Profile>> = OnceLock::new();
    let read = || Arc::new(Profile::shipped("default").expect("a valid built-in profile"));
    Arc::clone(DEFAULT.get_or_init(read))
}
