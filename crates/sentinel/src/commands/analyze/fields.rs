//! The fields of the canonical transaction, by what can be counted of them.

use sentinel_domain::{Field, Transaction};

/// Fields that name someone or something, beside the account.
pub const ENTITIES: [Field; 8] = [
    Field::CardToken,
    Field::MerchantId,
    Field::TerminalId,
    Field::DeviceId,
    Field::Ip,
    Field::CustomerId,
    Field::CounterpartyId,
    Field::EmailHash,
];

/// Fields that are words. The category is a number and stands by itself.
pub const WORDS: [Field; 14] = [
    Field::EventType,
    Field::Currency,
    Field::CardBrand,
    Field::CardFunding,
    Field::CardCountry,
    Field::MerchantCountry,
    Field::BillingCountry,
    Field::ShippingCountry,
    Field::Channel,
    Field::EntryMode,
    Field::EmailDomain,
    Field::AvsResult,
    Field::CvvResult,
    Field::ThreeDs,
];

/// Columns of words that have keys of their own in a profile: what one looks at first.
pub const NAMED: [&str; 6] = [
    "product",
    "card_brand",
    "card_funding",
    "email_domain",
    "recipient_email_domain",
    "device_type",
];

/// Whether a transaction has a field.
type Has = fn(&Transaction) -> bool;

/// Fields that may be missing.
pub const OPTIONAL: [(&str, Has); 29] = [
    ("customer_id", |t| t.customer_id.is_some()),
    ("account_opened_at", |t| t.account_opened_at.is_some()),
    ("billing_amount_minor", |t| t.billing_amount_minor.is_some()),
    ("billing_currency", |t| t.billing_currency.is_some()),
    ("card_token", |t| t.card_token.is_some()),
    ("card_bin", |t| t.card_bin.is_some()),
    ("card_brand", |t| t.card_brand.is_some()),
    ("card_funding", |t| t.card_funding.is_some()),
    ("card_country", |t| t.card_country.is_some()),
    ("merchant_id", |t| t.merchant_id.is_some()),
    ("merchant_name", |t| t.merchant_name.is_some()),
    ("mcc", |t| t.mcc.is_some()),
    ("merchant_country", |t| t.merchant_country.is_some()),
    ("terminal_id", |t| t.terminal_id.is_some()),
    ("channel", |t| t.channel.is_some()),
    ("entry_mode", |t| t.entry_mode.is_some()),
    ("counterparty_id", |t| t.counterparty_id.is_some()),
    ("counterparty_country", |t| t.counterparty_country.is_some()),
    ("device_id", |t| t.device_id.is_some()),
    ("session_id", |t| t.session_id.is_some()),
    ("ip", |t| t.ip.is_some()),
    ("email_hash", |t| t.email_hash.is_some()),
    ("email_domain", |t| t.email_domain.is_some()),
    ("coordinates", |t| t.coordinates.is_some()),
    ("billing_country", |t| t.billing_country.is_some()),
    ("shipping_country", |t| t.shipping_country.is_some()),
    ("avs_result", |t| t.avs_result.is_some()),
    ("cvv_result", |t| t.cvv_result.is_some()),
    ("utc_offset_minutes", |t| t.utc_offset_minutes.is_some()),
];

/// Whether a field of words has this name.
pub fn is_word(name: &str) -> bool {
    name == "mcc" || WORDS.iter().any(|field| field.as_str() == name)
}

/// Whether anything speaks of a card.
pub fn has_card(t: &Transaction) -> bool {
    t.card_token.is_some()
        || t.card_bin.is_some()
        || t.card_brand.is_some()
        || t.card_funding.is_some()
}
