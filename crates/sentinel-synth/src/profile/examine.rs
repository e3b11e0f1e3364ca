//! Whether the numbers of a profile can be: what the types cannot say.

use std::collections::BTreeSet;

use sentinel_domain::transaction::{CardBrand, CardFunding};

use super::{Change, ClientSize, Fraud, Level, PROFILE_FORMAT, Profile, ProfileError};
use crate::drift::{Drift, FACTOR_BOUNDS, FROM_DAYS_MAX, STORY_FACTOR_MAX, WEB_SHIFT_MAX};
use crate::story::Story;

/// How far shares may be from adding up to 1: published ones are rounded.
const SHARES_TOLERANCE: f64 = 0.005;

/// The most attributes a profile may ask for; with the three that have keys of their own they fit a
/// transaction.
const ATTRIBUTES_MAX: usize = 48;

/// The most levels, days and sizes of clients.
const ENTRIES_MAX: usize = 10_000;

/// The longest word of a level, and the longest name of an attribute, in bytes.
const WORD_BYTES_MAX: usize = 128;

fn wrong<T>(key: &str, problem: String) -> Result<T, ProfileError> {
    let key = key.to_owned();
    Err(ProfileError::Impossible { key, problem })
}

impl Profile {
    /// An error for the first value that cannot be.
    pub fn examine(&self) -> Result<(), ProfileError> {
        if self.format != PROFILE_FORMAT {
            let problem = format!("{} is not {PROFILE_FORMAT}", self.format);
            return wrong("format", problem);
        }
        within("fraud_rate", self.fraud_rate, 0.0, 0.5)?;
        if let Fraud::EveryNth { nth, amount_times } = self.fraud {
            within("fraud.every_nth.nth", f64::from(nth), 2.0, 1e9)?;
            within("fraud.every_nth.amount_times", amount_times, 1e-3, 1e6)?;
        }
        self.examine_time()?;
        levels("product", &self.product, |_| true)?;
        levels("card_brand", &self.card_brand, |word| {
            CardBrand::parse(word).is_some()
        })?;
        levels("card_funding", &self.card_funding, |word| {
            CardFunding::parse(word).is_some()
        })?;
        levels("email_domain", &self.email_domain, |_| true)?;
        levels(
            "recipient_email_domain",
            &self.recipient_email_domain,
            |_| true,
        )?;
        levels("device_type", &self.device_type, |_| true)?;
        self.examine_attributes()?;
        self.examine_amounts()?;
        client_sizes(&self.client_sizes)?;
        drift(&self.drift)
    }

    fn examine_time(&self) -> Result<(), ProfileError> {
        for (key, values) in [
            ("hours.volume", &self.hours.volume),
            ("hours.fraud_rate", &self.hours.fraud_rate),
        ] {
            if values.len() != 24 {
                return wrong(key, format!("{} values, not 24", values.len()));
            }
            each_within(key, values, 1.0)?;
        }
        add_up("hours.volume", self.hours.volume.iter().copied())?;
        each_within("days.fraud_rate", &self.days.fraud_rate, 1.0)?;
        each_within("days.volume", &self.days.volume, 1e12)?;
        if !self.days.volume.is_empty() && self.days.volume.iter().sum::<f64>() <= 0.0 {
            return wrong("days.volume", "no day has a payment".to_owned());
        }
        Ok(())
    }

    fn examine_attributes(&self) -> Result<(), ProfileError> {
        let names = self.attributes.keys().chain(self.numbers.keys());
        let mut seen = BTreeSet::from(["product", "recipient_email_domain", "device_type"]);
        for name in names {
            let key = format!("attributes.{name}");
            if name.is_empty() || name.len() > WORD_BYTES_MAX {
                return wrong(&key, format!("a name has 1 to {WORD_BYTES_MAX} bytes"));
            }
            if !seen.insert(name) {
                return wrong(&key, "named twice".to_owned());
            }
        }
        if seen.len() > ATTRIBUTES_MAX {
            let problem = format!("with numbers more than {}", ATTRIBUTES_MAX - 3);
            return wrong("attributes", problem);
        }
        for (name, values) in &self.attributes {
            levels(&format!("attributes.{name}"), values, |_| true)?;
        }
        for (name, number) in &self.numbers {
            let key = |of: &str| format!("numbers.{name}.{of}");
            within(&key("missing_rate"), number.missing_rate, 0.0, 1.0)?;
            within(&key("log_mean"), number.log_mean, -50.0, 50.0)?;
            within(&key("log_deviation"), number.log_deviation, 0.0, 10.0)?;
        }
        for (field, rate) in &self.missing_rates {
            let key = format!("missing_rates.{field}");
            if !Self::MISSABLE.contains(&field.as_str()) {
                let known = Self::MISSABLE.join(", ");
                return wrong(&key, format!("not one of {known}"));
            }
            within(&key, *rate, 0.0, 1.0)?;
        }
        Ok(())
    }

    fn examine_amounts(&self) -> Result<(), ProfileError> {
        let amounts = &self.amounts;
        within("amounts.minimum", amounts.minimum, 0.01, 1e7)?;
        let least = amounts.minimum;
        within("amounts.maximum", amounts.maximum, least * 2.0, 1e7)?;
        within("amounts.mean", amounts.mean, 0.0, 1e7)?;
        within("amounts.deviation", amounts.deviation, 0.0, 1e9)?;
        let [low, middle, high] = amounts.quartiles;
        each_within("amounts.quartiles", &amounts.quartiles, 1e7)?;
        if low > middle || middle > high {
            return wrong("amounts.quartiles", "they fall".to_owned());
        }
        for (index, part) in amounts.mixture.iter().enumerate() {
            let key = |of: &str| format!("amounts.mixture[{index}].{of}");
            within(&key("weight"), part.weight, 0.0, 1.0)?;
            within(&key("log_mean"), part.log_mean, -10.0, 20.0)?;
            within(&key("log_deviation"), part.log_deviation, 1e-3, 5.0)?;
        }
        add_up(
            "amounts.mixture",
            amounts.mixture.iter().map(|part| part.weight),
        )?;
        if let Some(small) = &amounts.small {
            within("amounts.small.below", small.below, least, low.max(least))?;
            within("amounts.small.fraud_rate", small.fraud_rate, 0.0, 1.0)?;
        }
        Ok(())
    }
}

/// NaN is outside of all bounds.
fn within(key: &str, value: f64, low: f64, high: f64) -> Result<(), ProfileError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        wrong(key, format!("{value} is not from {low} to {high}"))
    }
}

fn each_within(key: &str, values: &[f64], high: f64) -> Result<(), ProfileError> {
    if values.len() > ENTRIES_MAX {
        return wrong(key, format!("more than {ENTRIES_MAX} values"));
    }
    for (index, value) in values.iter().enumerate() {
        within(&format!("{key}[{index}]"), *value, 0.0, high)?;
    }
    Ok(())
}

fn add_up(key: &str, shares: impl Iterator<Item = f64>) -> Result<(), ProfileError> {
    let sum: f64 = shares.sum();
    if (sum - 1.0).abs() <= SHARES_TOLERANCE {
        Ok(())
    } else {
        wrong(key, format!("shares add up to {sum:.4}, not 1"))
    }
}

fn levels(key: &str, levels: &[Level], known: impl Fn(&str) -> bool) -> Result<(), ProfileError> {
    if levels.len() > ENTRIES_MAX {
        return wrong(key, format!("more than {ENTRIES_MAX} levels"));
    }
    let mut seen = BTreeSet::new();
    for (index, level) in levels.iter().enumerate() {
        let place = |of: &str| format!("{key}[{index}].{of}");
        within(&place("share"), level.share, 0.0, 1.0)?;
        within(&place("fraud_rate"), level.fraud_rate, 0.0, 1.0)?;
        let word = level.level.as_deref();
        if !seen.insert(word) {
            let name = word.unwrap_or("null");
            return wrong(&place("level"), format!("`{name}` is there twice"));
        }
        let Some(word) = word else { continue };
        if word.is_empty() || word.len() > WORD_BYTES_MAX {
            return wrong(
                &place("level"),
                format!("a word has 1 to {WORD_BYTES_MAX} bytes; null means missing"),
            );
        }
        if !known(word) {
            return wrong(&place("level"), format!("`{word}` is no such word"));
        }
    }
    add_up(key, levels.iter().map(|level| level.share))
}

fn client_sizes(sizes: &[ClientSize]) -> Result<(), ProfileError> {
    let mut before = 0.0;
    for (index, size) in sizes.iter().enumerate() {
        let place = |of: &str| format!("client_sizes[{index}].{of}");
        within(&place("payments"), size.payments, before, 1e12)?;
        if size.payments <= 0.0 || size.clients == 0 || size.clients > 1 << 40 {
            return wrong(&place("clients"), "no client, or too many".to_owned());
        }
        before = size.payments;
    }
    if sizes.len() > ENTRIES_MAX {
        return wrong("client_sizes", format!("more than {ENTRIES_MAX} sizes"));
    }
    Ok(())
}

fn drift(changes: &[Change]) -> Result<(), ProfileError> {
    if changes.len() > ENTRIES_MAX {
        return wrong("drift", format!("more than {ENTRIES_MAX} changes"));
    }
    let mut before = None;
    for (index, change) in changes.iter().enumerate() {
        let key = |of: &str| format!("drift[{index}].{of}");
        within(&key("from_days"), change.from_days, 0.0, FROM_DAYS_MAX)?;
        if before.is_some_and(|before| change.from_days <= before) {
            let problem = format!("{} is not behind the change before it", change.from_days);
            return wrong(&key("from_days"), problem);
        }
        before = Some(change.from_days);
        for (story, factor) in &change.stories {
            let key = key(&format!("stories.{story}"));
            if Story::parse(story).is_none() {
                let known: Vec<&str> = Story::ALL.iter().map(|story| story.as_str()).collect();
                return wrong(&key, format!("not one of {}", known.join(", ")));
            }
            within(&key, *factor, 0.0, STORY_FACTOR_MAX)?;
        }
        if Drift::of(std::slice::from_ref(change)).tells_nothing() {
            return wrong(&key("stories"), "no story is left to tell".to_owned());
        }
        within(&key("web_shift"), change.web_shift, 0.0, WEB_SHIFT_MAX)?;
        let [low, high] = FACTOR_BOUNDS;
        within(&key("amount_factor"), change.amount_factor, low, high)?;
        let factor = change.fraud_amount_factor;
        within(&key("fraud_amount_factor"), factor, low, high)?;
    }
    Ok(())
}
