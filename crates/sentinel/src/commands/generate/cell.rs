//! The fields of a transaction as cells of a table: one value a field, in the order of [`Field::ALL`].
//!
//! Promises the spelling that the canonical intake reads back: integers for money, instants and places,
//! words for everything else. Must never round or reformat a value.

use sentinel_domain::{Field, Scalar, Transaction};

/// What stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// A text.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
}

/// Whether a field holds whole numbers; all others hold text.
pub fn is_integer(field: Field) -> bool {
    matches!(
        field,
        Field::EventTime
            | Field::AccountOpenedAt
            | Field::AmountMinor
            | Field::BillingAmountMinor
            | Field::Mcc
            | Field::LatE7
            | Field::LonE7
            | Field::UtcOffsetMinutes
    )
}

/// The value of a field; `None` where it is absent.
pub fn cell(t: &Transaction, field: Field) -> Option<Cell<'_>> {
    let integer = |value: Option<i64>| value.map(Cell::Integer);
    match field {
        Field::EventTime => Some(Cell::Integer(t.event_time.micros())),
        Field::AccountOpenedAt => integer(t.account_opened_at.map(|at| at.micros())),
        Field::AmountMinor => Some(Cell::Integer(t.amount_minor)),
        Field::BillingAmountMinor => integer(t.billing_amount_minor),
        Field::Mcc => integer(t.mcc.map(i64::from)),
        Field::LatE7 => integer(t.coordinates.map(|place| i64::from(place.lat_e7))),
        Field::LonE7 => integer(t.coordinates.map(|place| i64::from(place.lon_e7))),
        Field::UtcOffsetMinutes => integer(t.utc_offset_minutes.map(i64::from)),
        _ => text(t, field).map(Cell::Text),
    }
}

fn text(t: &Transaction, field: Field) -> Option<&str> {
    match field {
        Field::EventId => Some(t.event_id.as_str()),
        Field::EventType => Some(t.event_type.as_str()),
        Field::AccountId => Some(t.account_id.as_str()),
        Field::CustomerId => t.customer_id.as_ref().map(|id| id.as_str()),
        Field::Currency => Some(t.currency.as_str()),
        Field::BillingCurrency => t.billing_currency.as_ref().map(|code| code.as_str()),
        Field::CardToken => t.card_token.as_ref().map(|id| id.as_str()),
        Field::CardBin => t.card_bin.as_deref(),
        Field::CardBrand => t.card_brand.map(|word| word.as_str()),
        Field::CardFunding => t.card_funding.map(|word| word.as_str()),
        Field::CardCountry => t.card_country.as_ref().map(|code| code.as_str()),
        Field::MerchantId => t.merchant_id.as_ref().map(|id| id.as_str()),
        Field::MerchantName => t.merchant_name.as_deref(),
        Field::MerchantCountry => t.merchant_country.as_ref().map(|code| code.as_str()),
        Field::TerminalId => t.terminal_id.as_ref().map(|id| id.as_str()),
        Field::Channel => t.channel.map(|word| word.as_str()),
        Field::EntryMode => t.entry_mode.map(|word| word.as_str()),
        Field::CounterpartyId => t.counterparty_id.as_ref().map(|id| id.as_str()),
        Field::CounterpartyCountry => t.counterparty_country.as_ref().map(|code| code.as_str()),
        Field::DeviceId => t.device_id.as_ref().map(|id| id.as_str()),
        Field::SessionId => t.session_id.as_ref().map(|id| id.as_str()),
        Field::Ip => t.ip.as_ref().map(|ip| ip.as_str()),
        Field::EmailHash => t.email_hash.as_deref(),
        Field::EmailDomain => t.email_domain.as_deref(),
        Field::BillingCountry => t.billing_country.as_ref().map(|code| code.as_str()),
        Field::ShippingCountry => t.shipping_country.as_ref().map(|code| code.as_str()),
        Field::AvsResult => t.avs_result.map(|word| word.as_str()),
        Field::CvvResult => t.cvv_result.map(|word| word.as_str()),
        Field::ThreeDs => t.three_ds.map(|word| word.as_str()),
        _ => None,
    }
}

/// The column of an attribute.
pub fn attribute_column(name: &str) -> String {
    format!("attributes.{name}")
}

/// An attribute as a text: a number with a fraction keeps its point, so that it reads back as one.
pub fn attribute_text(value: &Scalar) -> String {
    match value {
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Integer(value) => value.to_string(),
        Scalar::Number(value) => format!("{value:?}"),
        Scalar::Text(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use sentinel_domain::{Draft, Value};
    use sentinel_synth::Random;
    use sentinel_synth::builder::random_transaction;

    use super::*;

    #[test]
    fn every_field_of_any_transaction_reads_back() {
        let mut random = Random::new(3);
        let mut met = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let mut transaction = random_transaction(&mut random);
            transaction.attributes = Default::default();
            let mut draft = Draft::new();
            for field in Field::ALL.iter().copied() {
                match cell(&transaction, field) {
                    Some(Cell::Text(text)) => {
                        assert!(!is_integer(field), "{field}");
                        draft.set(field, Value::Cell(text)).unwrap();
                    }
                    Some(Cell::Integer(value)) => {
                        assert!(is_integer(field), "{field}");
                        draft.set(field, Value::Cell(&value.to_string())).unwrap();
                    }
                    None => continue,
                }
                met.insert(field.as_str());
            }
            assert_eq!(draft.finish().as_ref(), Ok(&transaction));
        }
        assert_eq!(met.len(), Field::ALL.len(), "{met:?}");
    }
}
