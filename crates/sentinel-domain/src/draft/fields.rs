//! A transaction taken apart again: each field with the value that a reader would have found for it.
//!
//! Promises that setting every value it gives on a new draft makes the same transaction. Must never round
//! or reformat a value.

use super::{Field, Value};
use crate::transaction::Transaction;

impl Field {
    /// Whether it holds whole numbers; all others hold texts.
    pub const fn is_integer(self) -> bool {
        matches!(
            self,
            Self::EventTime
                | Self::AccountOpenedAt
                | Self::AmountMinor
                | Self::BillingAmountMinor
                | Self::Mcc
                | Self::LatE7
                | Self::LonE7
                | Self::UtcOffsetMinutes
        )
    }
}

impl Transaction {
    /// The value of a field, a text or an integer (instants: microseconds UTC); `None` where it is absent.
    #[inline]
    pub fn value(&self, field: Field) -> Option<Value<'_>> {
        if field.is_integer() {
            self.integer(field).map(Value::Integer)
        } else {
            self.text(field).map(Value::Text)
        }
    }

    /// The text of a field that holds texts; `None` where it is absent.
    pub fn text(&self, field: Field) -> Option<&str> {
        match field {
            Field::EventId => Some(self.event_id.as_str()),
            Field::EventType => Some(self.event_type.as_str()),
            Field::AccountId => Some(self.account_id.as_str()),
            Field::CustomerId => self.customer_id.as_ref().map(|id| id.as_str()),
            Field::Currency => Some(self.currency.as_str()),
            Field::BillingCurrency => self.billing_currency.as_ref().map(|code| code.as_str()),
            Field::CardToken => self.card_token.as_ref().map(|id| id.as_str()),
            Field::CardBin => self.card_bin.as_deref(),
            Field::CardBrand => self.card_brand.map(|word| word.as_str()),
            Field::CardFunding => self.card_funding.map(|word| word.as_str()),
            Field::CardCountry => self.card_country.as_ref().map(|code| code.as_str()),
            Field::MerchantId => self.merchant_id.as_ref().map(|id| id.as_str()),
            Field::MerchantName => self.merchant_name.as_deref(),
            Field::MerchantCountry => self.merchant_country.as_ref().map(|code| code.as_str()),
            Field::TerminalId => self.terminal_id.as_ref().map(|id| id.as_str()),
            Field::Channel => self.channel.map(|word| word.as_str()),
            Field::EntryMode => self.entry_mode.map(|word| word.as_str()),
            Field::CounterpartyId => self.counterparty_id.as_ref().map(|id| id.as_str()),
            Field::CounterpartyCountry => self.counterparty_country.as_ref().map(|c| c.as_str()),
            Field::DeviceId => self.device_id.as_ref().map(|id| id.as_str()),
            Field::SessionId => self.session_id.as_ref().map(|id| id.as_str()),
            Field::Ip => self.ip.as_ref().map(|ip| ip.as_str()),
            Field::EmailHash => self.email_hash.as_deref(),
            Field::EmailDomain => self.email_domain.as_deref(),
            Field::BillingCountry => self.billing_country.as_ref().map(|code| code.as_str()),
            Field::ShippingCountry => self.shipping_country.as_ref().map(|code| code.as_str()),
            Field::AvsResult => self.avs_result.map(|word| word.as_str()),
            Field::CvvResult => self.cvv_result.map(|word| word.as_str()),
            Field::ThreeDs => self.three_ds.map(|word| word.as_str()),
            _ => None,
        }
    }

    fn integer(&self, field: Field) -> Option<i64> {
        match field {
            Field::EventTime => Some(self.event_time.micros()),
            Field::AccountOpenedAt => self.account_opened_at.map(|at| at.micros()),
            Field::AmountMinor => Some(self.amount_minor),
            Field::BillingAmountMinor => self.billing_amount_minor,
            Field::Mcc => self.mcc.map(i64::from),
            Field::LatE7 => self.coordinates.map(|place| i64::from(place.lat_e7)),
            Field::LonE7 => self.coordinates.map(|place| i64::from(place.lon_e7)),
            Field::UtcOffsetMinutes => self.utc_offset_minutes.map(i64::from),
            _ => None,
        }
    }
}
