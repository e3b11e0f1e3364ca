//! A transaction on the wire: the request body of `POST /api/v1/decisions`.
//!
//! Only a description: bodies are read by the pipeline itself, straight from the bytes. A test holds the
//! names here against the domain's list of fields.

use std::collections::BTreeMap;

use utoipa::ToSchema;

/// One event to decide on: a flat object. Unknown keys, keys given twice and values of another type are
/// refused; `null` means absent.
#[derive(Debug, ToSchema)]
pub struct TransactionBody {
    /// Caller's unique id, the idempotency key; at most 64 bytes. Required.
    #[schema(example = "order-1001")]
    pub event_id: String,
    /// What kind of event: `card_auth`, `card_capture`, `refund`, `reversal`, `transfer`, `cash`,
    /// `login`, `account_change`. Required.
    #[schema(example = "card_auth")]
    pub event_type: String,
    /// When it happened: RFC 3339, or an integer of microseconds since 1970 UTC. The only clock
    /// features use. Required.
    #[schema(example = "2026-11-21T13:00:00Z")]
    pub event_time: String,
    /// Paying account. Required.
    #[schema(example = "acct-17")]
    pub account_id: String,
    /// Person behind accounts.
    #[schema(example = "cust-9")]
    pub customer_id: Option<String>,
    /// When the account was opened.
    #[schema(example = "2024-02-01T09:30:00Z")]
    pub account_opened_at: Option<String>,
    /// Amount in minor units, not negative. Required.
    #[schema(example = 12_999)]
    pub amount_minor: i64,
    /// ISO 4217 code. Required.
    #[schema(example = "USD")]
    pub currency: String,
    /// Amount in the card holder's currency, minor units.
    #[schema(example = 11_800)]
    pub billing_amount_minor: Option<i64>,
    /// The card holder's currency.
    #[schema(example = "EUR")]
    pub billing_currency: Option<String>,
    /// Surrogate of the card number.
    #[schema(example = "tok_9f2c")]
    pub card_token: Option<String>,
    /// Issuer prefix, 6 to 8 digits.
    #[schema(example = "424242")]
    pub card_bin: Option<String>,
    /// Brand of the card: `visa`, `mastercard`, `amex`, `other`.
    #[schema(example = "visa")]
    pub card_brand: Option<String>,
    /// Credit, debit or prepaid: `credit`, `debit`, `prepaid`.
    #[schema(example = "debit")]
    pub card_funding: Option<String>,
    /// Country of the issuer.
    #[schema(example = "PT")]
    pub card_country: Option<String>,
    /// Merchant.
    #[schema(example = "shop-4")]
    pub merchant_id: Option<String>,
    /// Merchant's name.
    #[schema(example = "Corner shop")]
    pub merchant_name: Option<String>,
    /// Merchant category code, ISO 18245.
    #[schema(example = 5_411)]
    pub mcc: Option<u16>,
    /// Country of the merchant.
    #[schema(example = "PT")]
    pub merchant_country: Option<String>,
    /// Merchant's terminal.
    #[schema(example = "term-1")]
    pub terminal_id: Option<String>,
    /// Where it was made: `web`, `app`, `pos`, `atm`, `moto`, `api`.
    #[schema(example = "web")]
    pub channel: Option<String>,
    /// How card data were entered: `chip`, `contactless`, `swipe`, `manual`, `ecommerce`,
    /// `credential_on_file`.
    #[schema(example = "ecommerce")]
    pub entry_mode: Option<String>,
    /// Payee account of a transfer.
    #[schema(example = "acct-99")]
    pub counterparty_id: Option<String>,
    /// Country of the payee.
    #[schema(example = "ES")]
    pub counterparty_country: Option<String>,
    /// Device print.
    #[schema(example = "dev-5")]
    pub device_id: Option<String>,
    /// Links login and payment.
    #[schema(example = "sess-7")]
    pub session_id: Option<String>,
    /// IPv4 or IPv6 address.
    #[schema(example = "203.0.113.9")]
    pub ip: Option<String>,
    /// Keyed hash of the e-mail address.
    #[schema(example = "b94d27b9934d3e08")]
    pub email_hash: Option<String>,
    /// Domain of the e-mail address.
    #[schema(example = "example.org")]
    pub email_domain: Option<String>,
    /// Latitude, degrees times ten million.
    #[schema(example = 387_223_000)]
    pub lat_e7: Option<i32>,
    /// Longitude, degrees times ten million.
    #[schema(example = -91_393_000)]
    pub lon_e7: Option<i32>,
    /// Country of the billing address.
    #[schema(example = "PT")]
    pub billing_country: Option<String>,
    /// Country of the shipping address.
    #[schema(example = "PT")]
    pub shipping_country: Option<String>,
    /// Address verification: `match`, `partial`, `mismatch`, `unavailable`.
    #[schema(example = "match")]
    pub avs_result: Option<String>,
    /// Security code verification: `match`, `partial`, `mismatch`, `unavailable`.
    #[schema(example = "match")]
    pub cvv_result: Option<String>,
    /// 3-D Secure: `none`, `attempted`, `authenticated`, `failed`, `exempt`.
    #[schema(example = "authenticated")]
    pub three_ds: Option<String>,
    /// The payer's offset from UTC in minutes.
    #[schema(example = 60)]
    pub utc_offset_minutes: Option<i16>,
    /// Further facts without a field of their own: single values, at most 64 of them.
    #[schema(example = json!({"basket_items": 3}))]
    pub attributes: Option<BTreeMap<String, serde_json::Value>>,
}

#[cfg(test)]
mod tests {
    use sentinel_domain::Field;
    use sentinel_domain::draft::REQUIRED;
    use utoipa::PartialSchema;

    use super::*;

    #[test]
    fn the_description_names_the_fields_of_the_domain() {
        let schema = serde_json::to_value(TransactionBody::schema()).unwrap();
        let described: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        let mut fields: Vec<&str> = Field::ALL.iter().map(|field| field.as_str()).collect();
        fields.push("attributes");
        fields.sort_unstable();
        assert_eq!(described, fields);
        let mut required: Vec<&str> = REQUIRED.iter().map(|field| field.as_str()).collect();
        required.sort_unstable();
        let mut listed: Vec<&str> = schema["required"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|name| name.as_str())
            .collect();
        listed.sort_unstable();
        assert_eq!(listed, required);
    }
}
