//! Fields: what a definition may read of a transaction, as a number or as a category.
//!
//! Promises that a field has one name, read and written the same, and one value: numbers are whole, so
//! that windows add them exactly in any order, and two equal categories are equal everywhere. Called for
//! every event and column: nothing is allocated, but for attributes that are not text. Must never hold
//! state or know what is computed of a value.

use std::borrow::Cow;
use std::fmt;

use sentinel_domain::identifier::ID_BYTES_MAX;
use sentinel_domain::money::CONVERTED_MINOR_MAX;
use sentinel_domain::{Country, Scalar, Text, Transaction};

use crate::entity::EntityKind;

/// What the name of an attribute stands behind.
pub(crate) const ATTRIBUTE_PREFIX: &str = "attribute.";

/// A number of a transaction that windows can sum: held as a whole number of the field's unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Number {
    /// The amount in minor units of the reference currency.
    Amount,
    /// Metres from the entity's last place, as known when the event arrived.
    DistanceMetres,
    /// A numeric attribute, in thousandths.
    Attribute(Text),
}

/// Thousandths in one: what numeric attributes and kilometres are held in.
const THOUSAND: i64 = 1_000;

/// The largest thousandths of an attribute: as many of them as one entity holds in a window sum within
/// an i64, as with amounts.
const THOUSANDTHS_MAX: i64 = CONVERTED_MINOR_MAX;

impl Number {
    /// The number with this name: `amount`, `distance_km` or `attribute.NAME`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "amount" => Some(Self::Amount),
            "distance_km" => Some(Self::DistanceMetres),
            _ => attribute_name(name).map(Self::Attribute),
        }
    }

    /// What the transaction has for it: `amount` in minor units of the reference currency and
    /// `distance_metres` from the entity's last place are handed in, since they are worked out once.
    pub fn value(
        &self,
        transaction: &Transaction,
        amount: Option<i64>,
        distance_metres: Option<i64>,
    ) -> Option<i64> {
        match self {
            Self::Amount => amount,
            Self::DistanceMetres => distance_metres,
            Self::Attribute(name) => match transaction.attributes.get(name)? {
                Scalar::Integer(value) => thousandths_of_integer(*value),
                Scalar::Number(value) => thousandths_of_number(*value),
                Scalar::Boolean(_) | Scalar::Text(_) => None,
            },
        }
    }

    /// What a result in the held unit is divided by to be in the unit of the feature.
    pub const fn divisor(&self) -> f64 {
        match self {
            Self::Amount => 1.0,
            Self::DistanceMetres | Self::Attribute(_) => 1_000.0,
        }
    }

    /// How sentences call it.
    pub fn noun(&self) -> &str {
        match self {
            Self::Amount => "amount",
            Self::DistanceMetres => "distance from the last place",
            Self::Attribute(name) => name,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amount => f.write_str("amount"),
            Self::DistanceMetres => f.write_str("distance_km"),
            Self::Attribute(name) => write!(f, "{ATTRIBUTE_PREFIX}{name}"),
        }
    }
}

fn thousandths_of_integer(value: i64) -> Option<i64> {
    let scaled = value.checked_mul(THOUSAND)?;
    (scaled.unsigned_abs() <= THOUSANDTHS_MAX.unsigned_abs()).then_some(scaled)
}

/// Rounds half to even, as every conversion of the system does.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the bound is below 2^53 and the value within it"
)]
fn thousandths_of_number(value: f64) -> Option<i64> {
    let scaled = value * THOUSAND as f64;
    // A comparison with NaN is false, so what is not finite has no value.
    (scaled.abs() <= THOUSANDTHS_MAX as f64).then(|| scaled.round_ties_even() as i64)
}

/// The name in `attribute.NAME`; `None` for another field or a name that no attribute can have.
/// Names with control characters are refused too: they would break the one line of a definition.
pub(crate) fn attribute_name(field: &str) -> Option<Text> {
    let name = field.strip_prefix(ATTRIBUTE_PREFIX)?;
    let fits = !name.is_empty() && name.len() <= ID_BYTES_MAX;
    (fits && !name.chars().any(char::is_control)).then(|| name.into())
}

/// A value of a transaction that windows can tell apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// The entity of a kind.
    Entity(EntityKind),
    /// `merchant_country`.
    MerchantCountry,
    /// `card_country`.
    CardCountry,
    /// `billing_country`.
    BillingCountry,
    /// `shipping_country`.
    ShippingCountry,
    /// `counterparty_country`.
    CounterpartyCountry,
    /// `channel`.
    Channel,
    /// `entry_mode`.
    EntryMode,
    /// `currency`.
    Currency,
    /// `event_type`.
    EventType,
    /// `email_domain`.
    EmailDomain,
    /// `session_id`.
    Session,
    /// An attribute that holds a word.
    Attribute(Text),
}

/// What a transaction has for a [`Category`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CategoryValue<'t> {
    /// Nothing.
    Absent,
    /// A number that stands for the value for ever: at least 1, below 2^31.
    Code(u32),
    /// A word; the caller gives it a number.
    Word(Cow<'t, str>),
    /// The transaction's entity of this kind, which has a number already.
    Entity(EntityKind),
}

/// The categories whose names are not those of the kinds of entity.
const CATEGORIES: &[(&str, Category)] = &[
    ("merchant_country", Category::MerchantCountry),
    ("card_country", Category::CardCountry),
    ("billing_country", Category::BillingCountry),
    ("shipping_country", Category::ShippingCountry),
    ("counterparty_country", Category::CounterpartyCountry),
    ("channel", Category::Channel),
    ("entry_mode", Category::EntryMode),
    ("currency", Category::Currency),
    ("event_type", Category::EventType),
    ("email_domain", Category::EmailDomain),
    ("session", Category::Session),
    // The kind of entity is spelled `card_country`, which as a field is the country of the card's issuer.
    ("card_in_country", Category::Entity(EntityKind::CardCountry)),
];

impl Category {
    /// The category with this name: a kind of entity, a field or `attribute.NAME`. `card_country` is the
    /// country of the card; the pair of a card and the merchant's country is `card_in_country`.
    pub fn parse(name: &str) -> Option<Self> {
        let named = CATEGORIES.iter().find(|(have, _)| *have == name);
        named
            .map(|(_, category)| category.clone())
            .or_else(|| EntityKind::parse(name).map(Self::Entity))
            .or_else(|| attribute_name(name).map(Self::Attribute))
    }

    /// Every name that [`Category::parse`] takes, but for attributes.
    pub(crate) fn names() -> Vec<&'static str> {
        let kinds = EntityKind::ALL.iter().map(|kind| kind.as_str());
        let named = CATEGORIES.iter().map(|(name, _)| *name);
        let kinds = kinds.filter(|kind| CATEGORIES.iter().all(|(name, _)| name != kind));
        kinds.chain(named).collect()
    }

    /// What the transaction has for it.
    pub fn value<'t>(&self, transaction: &'t Transaction) -> CategoryValue<'t> {
        let t = transaction;
        match self {
            Self::Entity(kind) => CategoryValue::Entity(*kind),
            Self::MerchantCountry => of_country(t.merchant_country.as_ref()),
            Self::CardCountry => of_country(t.card_country.as_ref()),
            Self::BillingCountry => of_country(t.billing_country.as_ref()),
            Self::ShippingCountry => of_country(t.shipping_country.as_ref()),
            Self::CounterpartyCountry => of_country(t.counterparty_country.as_ref()),
            Self::Channel => of_code(t.channel.map(|word| word.code())),
            Self::EntryMode => of_code(t.entry_mode.map(|word| word.code())),
            Self::Currency => CategoryValue::Code(letters(t.currency.as_str())),
            Self::EventType => of_code(Some(t.event_type.code())),
            Self::EmailDomain => of_word(t.email_domain.as_deref()),
            Self::Session => of_word(t.session_id.as_ref().map(|id| id.as_str())),
            Self::Attribute(name) => t
                .attributes
                .get(name)
                .map_or(CategoryValue::Absent, |value| {
                    CategoryValue::Word(spelled(value))
                }),
        }
    }

    /// How sentences call several of its values: `different merchants`.
    pub fn plural(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Entity(kind) => plural_of_kind(*kind),
            Self::MerchantCountry => "different merchant countries",
            Self::CardCountry => "different card countries",
            Self::BillingCountry => "different billing countries",
            Self::ShippingCountry => "different shipping countries",
            Self::CounterpartyCountry => "different payee countries",
            Self::Channel => "different channels",
            Self::EntryMode => "different entry modes",
            Self::Currency => "different currencies",
            Self::EventType => "different event types",
            Self::EmailDomain => "different e-mail domains",
            Self::Session => "different sessions",
            Self::Attribute(name) => return Cow::Owned(format!("different values of {name}")),
        })
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = CATEGORIES.iter().find(|(_, have)| have == self) {
            return f.write_str(name);
        }
        match self {
            Self::Attribute(name) => write!(f, "{ATTRIBUTE_PREFIX}{name}"),
            Self::Entity(kind) => f.write_str(kind.as_str()),
            // Every other one stands in the list above; a test walks them all.
            other => write!(f, "{other:?}"),
        }
    }
}

const fn plural_of_kind(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Account => "different accounts",
        EntityKind::Card => "different cards",
        EntityKind::Device => "different devices",
        EntityKind::Merchant => "different merchants",
        EntityKind::Ip => "different IP addresses",
        EntityKind::IpNetwork => "different IP networks",
        EntityKind::Customer => "different customers",
        EntityKind::Terminal => "different terminals",
        EntityKind::Counterparty => "different payees",
        EntityKind::Email => "different e-mail addresses",
        EntityKind::Bin => "different card issuers",
        EntityKind::Mcc => "different merchant categories",
        EntityKind::AccountMerchant => "different pairs of account and merchant",
        EntityKind::AccountDevice => "different pairs of account and device",
        EntityKind::CardCountry => "different pairs of card and country",
    }
}

fn of_country<'t>(country: Option<&Country>) -> CategoryValue<'t> {
    country.map_or(CategoryValue::Absent, |country| {
        CategoryValue::Code(letters(country.as_str()))
    })
}

fn of_code<'t>(code: Option<u8>) -> CategoryValue<'t> {
    // Codes of these vocabularies start at 1.
    code.map_or(CategoryValue::Absent, |code| {
        CategoryValue::Code(u32::from(code))
    })
}

fn of_word(word: Option<&str>) -> CategoryValue<'_> {
    word.map_or(CategoryValue::Absent, |word| {
        CategoryValue::Word(Cow::Borrowed(word))
    })
}

/// Two or three letters as one number, below 2^24.
fn letters(code: &str) -> u32 {
    let byte = |code: u32, letter: u8| code << 8 | u32::from(letter);
    code.bytes().fold(0, byte)
}

/// The largest magnitude below which every whole number is a float of its own.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// One spelling for each value: a whole number is spelled without a fraction however it was sent.
#[allow(
    clippy::cast_possible_truncation,
    reason = "whole and below 2^53 by the condition above it"
)]
pub(crate) fn spelled(value: &Scalar) -> Cow<'_, str> {
    match value {
        Scalar::Text(text) => Cow::Borrowed(text),
        Scalar::Boolean(true) => Cow::Borrowed("true"),
        Scalar::Boolean(false) => Cow::Borrowed("false"),
        Scalar::Integer(value) => Cow::Owned(value.to_string()),
        Scalar::Number(value) if value.trunc() == *value && value.abs() < WHOLE_MAX => {
            Cow::Owned((*value as i64).to_string())
        }
        Scalar::Number(value) => Cow::Owned(value.to_string()),
    }
}

#[cfg(test)]
mod tests;
