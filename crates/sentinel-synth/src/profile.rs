//! Profiles: what a table of payments looks like, as distributions. Files in `fixtures/profiles`.
//!
//! **Enters:** JSON text, written by `sentinel analyze` from a table or by hand. **Leaves:** a
//! [`Profile`] whose shares add up and whose rates lie within bounds, or an error that names the key.
//! **Must never:** hold a row of the table it describes, or open the file it comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod examine;
#[cfg(test)]
mod tests;

/// The format of profiles that this version reads and writes.
pub const PROFILE_FORMAT: u32 = 1;

/// What is wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Not JSON, or a key that is unknown, missing or of another type. The message names key and line.
    #[error("profile: {0}")]
    Unreadable(String),
    /// A value that cannot be.
    #[error("profile: {key}: {problem}")]
    Impossible {
        /// Where, such as `hours.volume` or `product[2].share`.
        key: String,
        /// What is wrong there.
        problem: String,
    },
    /// No built-in profile has this name.
    #[error("no profile is called `{0}`; built in are default, drifting, every-50th and ieee-cis")]
    Unknown(String),
}

/// What a table of payments looks like. Rates and shares are fractions of 1; money is in US dollars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// [`PROFILE_FORMAT`].
    pub format: u32,
    /// A short name.
    pub name: String,
    /// Where the numbers come from.
    pub source: String,
    /// The share of payments that are fraud, from 0 to 0.5.
    pub fraud_rate: f64,
    /// How fraud comes about.
    #[serde(default)]
    pub fraud: Fraud,
    /// By hour of the day.
    pub hours: Hours,
    /// By day, from the first; the series begins anew where it ends.
    #[serde(default)]
    pub days: Days,
    /// Product codes: what kind of business it is, as the acquirer puts it. Attribute `product`.
    pub product: Vec<Level>,
    /// Words of [`sentinel_domain::transaction::CardBrand`], or missing.
    pub card_brand: Vec<Level>,
    /// Words of [`sentinel_domain::transaction::CardFunding`], or missing.
    pub card_funding: Vec<Level>,
    /// The domain of the purchaser's e-mail address, or missing.
    pub email_domain: Vec<Level>,
    /// The domain of the recipient's, or missing. Attribute `recipient_email_domain`.
    pub recipient_email_domain: Vec<Level>,
    /// The type of the device, or missing. Attribute `device_type`.
    pub device_type: Vec<Level>,
    /// Further attributes that are words, by name.
    #[serde(default)]
    pub attributes: BTreeMap<String, Vec<Level>>,
    /// Further attributes that are numbers, by name.
    #[serde(default)]
    pub numbers: BTreeMap<String, Number>,
    /// How often a field is missing, by its name in the domain: one of [`Profile::MISSABLE`].
    #[serde(default)]
    pub missing_rates: BTreeMap<String, f64>,
    /// What is paid.
    pub amounts: Amounts,
    /// How many clients make how many payments, in rising order of payments; none: all alike.
    #[serde(default)]
    pub client_sizes: Vec<ClientSize>,
    /// How stories and habits change over event time, in rising order of days; none: they do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Change>,
}

/// One value of a field or attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The value; null where it is missing.
    pub level: Option<String>,
    /// Its share of all payments.
    pub share: f64,
    /// The share of fraud among its payments.
    pub fraud_rate: f64,
}

/// How fraud comes about.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fraud {
    /// In the stories of [`crate::Story`].
    #[default]
    Stories,
    /// Every so many payments one is fraud and its amount is so many times what it would have been. The
    /// rate of the options does not matter then.
    EveryNth {
        /// How many payments, at least 2.
        nth: u32,
        /// How many times the amount, above 0 and at most 1,000,000.
        amount_times: f64,
    },
}

/// By hour of the day on the table's own clock; the generator takes it as UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The share of payments in each of the 24 hours.
    pub volume: Vec<f64>,
    /// The share of fraud among each hour's payments.
    pub fraud_rate: Vec<f64>,
}

/// By day. Both series may be empty: every day alike.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// Payments of each day, in any unit: only proportions matter.
    #[serde(default)]
    pub volume: Vec<f64>,
    /// The share of fraud among each day's payments.
    #[serde(default)]
    pub fraud_rate: Vec<f64>,
}

/// An attribute that is a number: log-normal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// How often it is missing.
    pub missing_rate: f64,
    /// The mean of its natural logarithm.
    pub log_mean: f64,
    /// The standard deviation of its natural logarithm.
    pub log_deviation: f64,
}

/// Amounts in US dollars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// The mean of the table. For the reader: the generator draws from the mixture.
    pub mean: f64,
    /// The standard deviation of the table. For the reader.
    pub deviation: f64,
    /// The lower quartile, the median and the upper quartile of the table. For the reader.
    pub quartiles: [f64; 3],
    /// The least amount; others are raised to it.
    pub minimum: f64,
    /// The greatest amount; others are cut to it.
    pub maximum: f64,
    /// Log-normal parts whose weights add up to 1.
    pub mixture: Vec<Part>,
    /// What is known of small amounts, if anything.
    #[serde(default)]
    pub small: Option<SmallAmounts>,
}

/// One part of a log-normal mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The share of payments in it.
    pub weight: f64,
    /// The mean of the natural logarithm of the amount.
    pub log_mean: f64,
    /// The standard deviation of the natural logarithm, above 0.
    pub log_deviation: f64,
}

/// Fraud among small amounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmallAmounts {
    /// Amounts below this are small; at most the lower quartile.
    pub below: f64,
    /// The share of fraud among them.
    pub fraud_rate: f64,
}

/// Clients of about one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSize {
    /// How many payments each makes, on average.
    pub payments: f64,
    /// How many clients there are of this size.
    pub clients: u64,
}

/// What holds at one time of the schedule; between two of them every figure moves in a straight line,
/// before the first and after the last it stands still. A figure that is not named is as usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Days of 24 hours from the start of the stream.
    pub from_days: f64,
    /// How often stories are told compared with usual, each 0 to 100, by the words of [`crate::Story`].
    /// The share of fraud as a whole stays: what one story gains the others lose.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stories: BTreeMap<String, f64>,
    /// The share of payments at terminals that are made on pages instead, 0 to 0.9.
    #[serde(default)]
    pub web_shift: f64,
    /// Everyday prices compared with usual, 0.1 to 10.
    #[serde(default = "usual")]
    pub amount_factor: f64,
    /// Amounts of fraud compared with usual, 0.1 to 10; amounts that a limit sets stay.
    #[serde(default = "usual")]
    pub fraud_amount_factor: f64,
}

fn usual() -> f64 {
    1.0
}

impl Profile {
    /// The names of the built-in profiles.
    pub const SHIPPED: [&'static str; 4] = ["default", "drifting", "every-50th", "ieee-cis"];

    /// The fields whose missing rate a profile may set. Others are missing by what the payment is.
    pub const MISSABLE: [&'static str; 10] = [
        "avs_result",
        "billing_country",
        "card_bin",
        "card_country",
        "coordinates",
        "customer_id",
        "device_id",
        "ip",
        "merchant_name",
        "shipping_country",
    ];

    /// A profile from JSON. Unknown keys are errors, as are shares that do not add up to 1 (within
    /// 0.005) and rates outside 0 to 1.
    pub fn from_json(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = serde_json::from_str(text)
            .map_err(|error| ProfileError::Unreadable(error.to_string()))?;
        profile.examine()?;
        Ok(profile)
    }

    /// The profile as JSON that [`Self::from_json`] reads to the same value, a line to each number.
    pub fn to_json(&self) -> String {
        // Maps have string keys and numbers are finite where `examine` passed; else they become null.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// A built-in profile, one of [`Self::SHIPPED`].
    pub fn shipped(name: &str) -> Result<Self, ProfileError> {
        let text = match name {
            "default" => include_str!("../../../fixtures/profiles/default.json"),
            "drifting" => include_str!("../../../fixtures/profiles/drifting.json"),
            "every-50th" => include_str!("../../../fixtures/profiles/every-50th.json"),
            "ieee-cis" => include_str!("../../../fixtures/profiles/ieee-cis.json"),
            _ => return Err(ProfileError::Unknown(name.to_owned())),
        };
        Self::from_json(text)
    }
}
