//! What a transaction names and holds: entities, categories, numbers.
//!
//! Promises to restate from the meaning alone who is one entity and what is one value: a name is the list
//! of its parts, compared part by part, so that nothing can run together. Must never ask the crate.

use std::net::IpAddr;

use sentinel_domain::{Scalar, Transaction};
use sentinel_features::EntityKind;
use sentinel_features::field::Category;

/// The name of an entity, or a value of a category: its parts.
pub type Name = Vec<String>;

/// The largest number that windows hold.
const NUMBER_MAX: i64 = i64::MAX / 65_536;

/// The entity of a kind that a transaction names.
pub fn entity(kind: EntityKind, t: &Transaction) -> Option<Name> {
    let account = t.account_id.as_str().to_owned();
    let card = t.card_token.as_ref().map(|id| id.as_str().to_owned());
    let device = t.device_id.as_ref().map(|id| id.as_str().to_owned());
    let merchant = t.merchant_id.as_ref().map(|id| id.as_str().to_owned());
    match kind {
        EntityKind::Account => Some(vec![account]),
        EntityKind::Card => card.map(|card| vec![card]),
        EntityKind::Device => device.map(|device| vec![device]),
        EntityKind::Merchant => merchant.map(|merchant| vec![merchant]),
        EntityKind::Ip => t.ip.as_ref().map(|ip| vec![ip.as_str().to_owned()]),
        EntityKind::IpNetwork => network(t.ip.as_ref()?.as_str()),
        EntityKind::Customer => t
            .customer_id
            .as_ref()
            .map(|id| vec![id.as_str().to_owned()]),
        EntityKind::Terminal => t
            .terminal_id
            .as_ref()
            .map(|id| vec![id.as_str().to_owned()]),
        EntityKind::Counterparty => t
            .counterparty_id
            .as_ref()
            .map(|id| vec![id.as_str().to_owned()]),
        EntityKind::Email => t.email_hash.as_ref().map(|hash| vec![hash.to_string()]),
        EntityKind::Bin => t.card_bin.as_ref().map(|bin| vec![bin.to_string()]),
        EntityKind::Mcc => t.mcc.map(|mcc| vec![mcc.to_string()]),
        EntityKind::AccountMerchant => merchant.map(|merchant| vec![account, merchant]),
        EntityKind::AccountDevice => device.map(|device| vec![account, device]),
        EntityKind::CardCountry => match (card, t.merchant_country) {
            (Some(card), Some(country)) => Some(vec![card, country.as_str().to_owned()]),
            _ => None,
        },
    }
}

/// The network of an address: the first three bytes of version 4, the first six of version 6.
fn network(ip: &str) -> Option<Name> {
    match ip.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Some(vec!["4".into(), format!("{a}.{b}.{c}")])
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(vec!["6".into(), format!("{a:04x}:{b:04x}:{c:04x}")])
        }
    }
}

/// The value of a category.
pub fn category(category: &Category, t: &Transaction) -> Option<Name> {
    let word = |text: String| Some(vec![text]);
    match category {
        Category::Entity(kind) => entity(*kind, t),
        Category::MerchantCountry => word(t.merchant_country?.to_string()),
        Category::CardCountry => word(t.card_country?.to_string()),
        Category::BillingCountry => word(t.billing_country?.to_string()),
        Category::ShippingCountry => word(t.shipping_country?.to_string()),
        Category::CounterpartyCountry => word(t.counterparty_country?.to_string()),
        Category::Channel => word(t.channel?.to_string()),
        Category::EntryMode => word(t.entry_mode?.to_string()),
        Category::Currency => word(t.currency.to_string()),
        Category::EventType => word(t.event_type.to_string()),
        Category::EmailDomain => word(t.email_domain.as_ref()?.to_string()),
        Category::Session => word(t.session_id.as_ref()?.to_string()),
        Category::Attribute(name) => word(match t.attributes.get(name)? {
            Scalar::Text(text) => text.to_string(),
            Scalar::Boolean(value) => value.to_string(),
            Scalar::Integer(value) => value.to_string(),
            // Without a fraction where it is whole, as a whole number is spelled; no `-0`.
            Scalar::Number(value) if *value == 0.0 => "0".to_owned(),
            Scalar::Number(value) => value.to_string(),
        }),
    }
}

/// A numeric attribute in thousandths.
pub fn attribute(name: &str, t: &Transaction) -> Option<i64> {
    match t.attributes.get(name)? {
        Scalar::Integer(value) => {
            let thousandths = i128::from(*value) * 1_000;
            let small = thousandths.abs() <= i128::from(NUMBER_MAX);
            small.then_some(thousandths as i64)
        }
        Scalar::Number(value) => {
            let thousandths = value * 1_000.0;
            let small = thousandths.is_finite() && thousandths.abs() <= NUMBER_MAX as f64;
            small.then(|| thousandths.round_ties_even() as i64)
        }
        Scalar::Boolean(_) | Scalar::Text(_) => None,
    }
}
