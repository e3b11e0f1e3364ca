//! The law of the domain, for tests: a transaction taken apart and built again through a draft.

use sentinel_domain::{Draft, Field, Rejection, Scalar, Transaction, Value};

/// The transaction as a reader would make it of these fields.
pub(crate) fn rebuild(transaction: &Transaction) -> Result<Transaction, Rejection> {
    let mut draft = Draft::new();
    for field in Field::ALL {
        if let Some(text) = text_of(transaction, *field) {
            draft.set(*field, Value::Text(text))?;
        } else if let Some(number) = number_of(transaction, *field) {
            draft.set(*field, Value::Integer(number))?;
        }
    }
    for (name, value) in transaction.attributes.iter() {
        let value = match value {
            Scalar::Boolean(value) => Value::Boolean(*value),
            Scalar::Integer(value) => Value::Integer(*value),
            Scalar::Number(value) => Value::Number(*value),
            Scalar::Text(value) => Value::Text(value),
        };
        draft.set_attribute(name, value)?;
    }
    draft.finish()
}

fn number_of(t: &Transaction, field: Field) -> Option<i64> {
    match field {
        Field::EventTime => Some(t.event_time.micros()),
        Field::AccountOpenedAt => t.account_opened_at.map(|at| at.micros()),
        Field::AmountMinor => Some(t.amount_minor),
        Field::BillingAmountMinor => t.billing_amount_minor,
        Field::Mcc => t.mcc.map(i64::from),
        Field::LatE7 => t.coordinates.map(|place| i64::from(place.lat_e7)),
        Field::LonE7 => t.coordinates.map(|place| i64::from(place.lon_e7)),
        Field::UtcOffsetMinutes => t.utc_offset_minutes.map(i64::from),
        _ => None,
    }
}

fn text_of(t: &Transaction, field: Field) -> Option<&str> {
    match field {
        Field::EventId => Some(t.event_id.as_str()),
        Field::EventType => Some(t.event_type.as_str()),
        Field::AccountId => Some(t.account_id.as_str()),
        Field::CustomerId => t.customer_id.as_ref().map(|id| id.as_str()),
        Field::Currency => Some(t.currency.as_str()),
        Field::BillingCurrency => t.billing_currency.as_ref().map(|c| c.as_str()),
        Field::CardToken => t.card_token.as_ref().map(|id| id.as_str()),
        Field::CardBin => t.card_bin.as_deref(),
        Field::CardBrand => t.card_brand.map(|word| word.as_str()),
        Field::CardFunding => t.card_funding.map(|word| word.as_str()),
        Field::CardCountry => t.card_country.as_ref().map(|c| c.as_str()),
        Field::MerchantId => t.merchant_id.as_ref().map(|id| id.as_str()),
        Field::MerchantName => t.merchant_name.as_deref(),
        Field::MerchantCountry => t.merchant_country.as_ref().map(|c| c.as_str()),
        Field::TerminalId => t.terminal_id.as_ref().map(|id| id.as_str()),
        Field::Channel => t.channel.map(|word| word.as_str()),
        Field::EntryMode => t.entry_mode.map(|word| word.as_str()),
        Field::CounterpartyId => t.counterparty_id.as_ref().map(|id| id.as_str()),
        Field::CounterpartyCountry => t.counterparty_country.as_ref().map(|c| c.as_str()),
        Field::DeviceId => t.device_id.as_ref().map(|id| id.as_str()),
        Field::SessionId => t.session_id.as_ref().map(|id| id.as_str()),
        Field::Ip => t.ip.as_ref().map(|id| id.as_str()),
        Field::EmailHash => t.email_hash.as_deref(),
        Field::EmailDomain => t.email_domain.as_deref(),
        Field::BillingCountry => t.billing_country.as_ref().map(|c| c.as_str()),
        Field::ShippingCountry => t.shipping_country.as_ref().map(|c| c.as_str()),
        Field::AvsResult => t.avs_result.map(|word| word.as_str()),
        Field::CvvResult => t.cvv_result.map(|word| word.as_str()),
        Field::ThreeDs => t.three_ds.map(|word| word.as_str()),
        _ => None,
    }
}
