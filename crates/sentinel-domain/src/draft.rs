//! Drafts: a transaction on its way in, field by field, with every law checked in one place.
//!
//! **Enters:** named values as some reader found them (JSON, CSV, a form). **Leaves:** a valid
//! [`Transaction`], or a [`Rejection`] that names the field. Every reader goes through here, so a field
//! means the same and fails with the same words whatever the format.

use crate::attribute::{ATTRIBUTES_MAX, Scalar};
use crate::currency::Currency;
use crate::identifier::{
    AccountId, CardToken, CounterpartyId, CustomerId, DeviceId, EventId, ID_BYTES_MAX, IpAddress,
    MerchantId, SessionId, TerminalId, Text,
};
use crate::instant::Instant;
use crate::money::Money;
use crate::place::{Coordinates, Country};
use crate::rejection::{Rejection, RejectionCode as Code};
use crate::transaction::{
    CardBrand, CardFunding, Channel, CheckResult, EntryMode, EventType, ThreeDs, Transaction,
};
use crate::vocabulary;

mod fields;

vocabulary! {
    /// The fields of the canonical transaction, as they are spelled on the wire.
    Field {
        /// Caller's unique id, the idempotency key; at most 64 bytes. Required.
        EventId = 1, "event_id";
        /// What kind of event. Required.
        EventType = 2, "event_type";
        /// When it happened: microseconds UTC or RFC 3339. The only clock features use. Required.
        EventTime = 3, "event_time";
        /// Paying account. Required.
        AccountId = 4, "account_id";
        /// Person behind accounts.
        CustomerId = 5, "customer_id";
        /// When the account was opened.
        AccountOpenedAt = 6, "account_opened_at";
        /// Amount in minor units, not negative. Required.
        AmountMinor = 7, "amount_minor";
        /// ISO 4217 code. Required.
        Currency = 8, "currency";
        /// Amount in the card holder's currency, minor units.
        BillingAmountMinor = 9, "billing_amount_minor";
        /// The card holder's currency.
        BillingCurrency = 10, "billing_currency";
        /// Surrogate of the card number.
        CardToken = 11, "card_token";
        /// Issuer prefix, 6 to 8 digits.
        CardBin = 12, "card_bin";
        /// Brand of the card.
        CardBrand = 13, "card_brand";
        /// Credit, debit or prepaid.
        CardFunding = 14, "card_funding";
        /// Country of the issuer.
        CardCountry = 15, "card_country";
        /// Merchant.
        MerchantId = 16, "merchant_id";
        /// Merchant's name.
        MerchantName = 17, "merchant_name";
        /// Merchant category code, ISO 18245.
        Mcc = 18, "mcc";
        /// Country of the merchant.
        MerchantCountry = 19, "merchant_country";
        /// Merchant's terminal.
        TerminalId = 20, "terminal_id";
        /// Where it was made.
        Channel = 21, "channel";
        /// How card data were entered.
        EntryMode = 22, "entry_mode";
        /// Payee account of a transfer.
        CounterpartyId = 23, "counterparty_id";
        /// Country of the payee.
        CounterpartyCountry = 24, "counterparty_country";
        /// Device print.
        DeviceId = 25, "device_id";
        /// Links login and payment.
        SessionId = 26, "session_id";
        /// IPv4 or IPv6 address.
        Ip = 27, "ip";
        /// Keyed hash of the e-mail address.
        EmailHash = 28, "email_hash";
        /// Domain of the e-mail address.
        EmailDomain = 29, "email_domain";
        /// Latitude, degrees times ten million.
        LatE7 = 30, "lat_e7";
        /// Longitude, degrees times ten million.
        LonE7 = 31, "lon_e7";
        /// Country of the billing address.
        BillingCountry = 32, "billing_country";
        /// Country of the shipping address.
        ShippingCountry = 33, "shipping_country";
        /// Address verification.
        AvsResult = 34, "avs_result";
        /// Security code verification.
        CvvResult = 35, "cvv_result";
        /// 3-D Secure.
        ThreeDs = 36, "three_ds";
        /// The payer's offset from UTC in minutes.
        UtcOffsetMinutes = 37, "utc_offset_minutes";
    }
}

/// A value as a reader found it. JSON keeps its types; a table has only text, which is read as the
/// field's type wants it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A text that was a text in the input.
    Text(&'a str),
    /// A cell of a table: text that may stand for a number.
    Cell(&'a str),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, or too large for an integer.
    Number(f64),
    /// True or false.
    Boolean(bool),
}

impl Value<'_> {
    fn describe(&self) -> String {
        match self {
            Self::Text(text) | Self::Cell(text) => format!("the text {}", quote(text)),
            Self::Integer(value) => format!("the integer {value}"),
            Self::Number(value) => format!("the number {value}"),
            Self::Boolean(value) => format!("the boolean {value}"),
        }
    }
}

/// A text for an error message: quoted, control characters escaped, cut after 40 characters.
fn quote(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        format!("{short:?}…")
    } else {
        format!("{short:?}")
    }
}

/// A transaction on its way in.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Holds what was set; required fields that were not hold a placeholder until `finish` checks.
    transaction: Transaction,
    /// Bit *n* is set when the field with code *n* was given.
    given: u64,
    lat_e7: i32,
    lon_e7: i32,
}

impl Default for Draft {
    fn default() -> Self {
        Self::new()
    }
}

impl Draft {
    /// An empty draft.
    pub fn new() -> Self {
        let transaction = Transaction::required(
            EventId::new(""),
            EventType::CardAuth,
            Instant::default(),
            AccountId::new(""),
            Money {
                minor: 0,
                currency: Currency::USD,
            },
        );
        Self {
            transaction,
            given: 0,
            lat_e7: 0,
            lon_e7: 0,
        }
    }

    /// Whether a field was set.
    pub fn has(&self, field: Field) -> bool {
        self.given & (1 << field.code()) != 0
    }

    /// Sets one field. A rejection names the field, what was found and what is expected.
    pub fn set(&mut self, field: Field, value: Value<'_>) -> Result<(), Rejection> {
        let t = &mut self.transaction;
        match field {
            Field::EventId => t.event_id = EventId(identifier(field, value)?),
            Field::EventType => {
                t.event_type = word(field, value, EventType::parse, EventType::ALL)?
            }
            Field::EventTime => t.event_time = instant(field, value)?,
            Field::AccountId => t.account_id = AccountId(identifier(field, value)?),
            Field::AmountMinor => t.amount_minor = amount(field, value)?,
            Field::Currency => t.currency = currency(field, value)?,
            Field::LatE7 => self.lat_e7 = degrees_e7(field, value, 900_000_000)?,
            Field::LonE7 => self.lon_e7 = degrees_e7(field, value, 1_800_000_000)?,
            Field::CustomerId => t.customer_id = Some(CustomerId(identifier(field, value)?)),
            Field::AccountOpenedAt => t.account_opened_at = Some(instant(field, value)?),
            Field::BillingAmountMinor => t.billing_amount_minor = Some(amount(field, value)?),
            Field::BillingCurrency => t.billing_currency = Some(currency(field, value)?),
            Field::MerchantId => t.merchant_id = Some(MerchantId(identifier(field, value)?)),
            Field::MerchantName => t.merchant_name = Some(text(field, value, NAME_BYTES_MAX)?),
            Field::Mcc => t.mcc = Some(mcc(field, value)?),
            Field::MerchantCountry => t.merchant_country = Some(country(field, value)?),
            Field::TerminalId => t.terminal_id = Some(TerminalId(identifier(field, value)?)),
            Field::Channel => t.channel = Some(word(field, value, Channel::parse, Channel::ALL)?),
            Field::CounterpartyId => {
                t.counterparty_id = Some(CounterpartyId(identifier(field, value)?));
            }
            Field::CounterpartyCountry => t.counterparty_country = Some(country(field, value)?),
            Field::DeviceId => t.device_id = Some(DeviceId(identifier(field, value)?)),
            Field::SessionId => t.session_id = Some(SessionId(identifier(field, value)?)),
            Field::Ip => t.ip = Some(ip(field, value)?),
            Field::EmailHash => t.email_hash = Some(identifier(field, value)?),
            Field::EmailDomain => t.email_domain = Some(text(field, value, NAME_BYTES_MAX)?),
            Field::BillingCountry => t.billing_country = Some(country(field, value)?),
            Field::ShippingCountry => t.shipping_country = Some(country(field, value)?),
            Field::UtcOffsetMinutes => t.utc_offset_minutes = Some(offset_minutes(field, value)?),
            _ => set_card_field(t, field, value)?,
        }
        self.given |= 1 << field.code();
        Ok(())
    }

    /// Sets an attribute: a fact without a field of its own.
    pub fn set_attribute(&mut self, name: &str, value: Value<'_>) -> Result<(), Rejection> {
        let field = || format!("attributes.{name}");
        let scalar = match value {
            Value::Text(text) | Value::Cell(text) if text.len() > NAME_BYTES_MAX => {
                let detail = format!("is {} bytes long, at most {NAME_BYTES_MAX}", text.len());
                return Err(Rejection::new(Code::TooLong, field(), detail));
            }
            Value::Text(text) => Scalar::Text(text.into()),
            Value::Cell(cell) => match (cell.parse::<i64>(), cell.parse::<f64>()) {
                (Ok(integer), _) => Scalar::Integer(integer),
                (_, Ok(number)) if number.is_finite() => Scalar::Number(number),
                _ => Scalar::Text(cell.into()),
            },
            Value::Integer(value) => Scalar::Integer(value),
            Value::Number(value) if value.is_finite() => Scalar::Number(value),
            Value::Number(value) => {
                return Err(Rejection::new(
                    Code::OutOfRange,
                    field(),
                    format!("{value} is not finite"),
                ));
            }
            Value::Boolean(value) => Scalar::Boolean(value),
        };
        if name.is_empty() || name.len() > ID_BYTES_MAX {
            let detail = format!("attribute names have 1 to {ID_BYTES_MAX} bytes");
            return Err(Rejection::new(Code::TooLong, field(), detail));
        }
        if !self.transaction.attributes.insert(name.into(), scalar) {
            let detail = format!("more than {ATTRIBUTES_MAX} attributes");
            return Err(Rejection::new(Code::TooLong, "attributes", detail));
        }
        Ok(())
    }

    /// The transaction, where every required field is there and the parts fit together.
    pub fn finish(mut self) -> Result<Transaction, Rejection> {
        for field in REQUIRED {
            if !self.has(*field) {
                return Err(Rejection::new(
                    Code::MissingField,
                    field.as_str(),
                    "is required",
                ));
            }
        }
        for (one, other) in PAIRS {
            if self.has(*one) != self.has(*other) {
                let (given, missing) = if self.has(*one) {
                    (one, other)
                } else {
                    (other, one)
                };
                let detail = format!("is required where {given} is given");
                return Err(Rejection::new(Code::MissingField, missing.as_str(), detail));
            }
        }
        if self.has(Field::LatE7) {
            self.transaction.coordinates = Coordinates::new(self.lat_e7, self.lon_e7);
        }
        Ok(self.transaction)
    }
}

/// The fields without which nothing can be decided.
pub const REQUIRED: &[Field] = &[
    Field::EventId,
    Field::EventType,
    Field::EventTime,
    Field::AccountId,
    Field::AmountMinor,
    Field::Currency,
];

/// Fields that mean nothing without each other.
const PAIRS: &[(Field, Field)] = &[
    (Field::LatE7, Field::LonE7),
    (Field::BillingAmountMinor, Field::BillingCurrency),
];

/// The longest name, domain or attribute text, in bytes.
const NAME_BYTES_MAX: usize = 256;

fn set_card_field(t: &mut Transaction, field: Field, value: Value<'_>) -> Result<(), Rejection> {
    match field {
        Field::CardToken => t.card_token = Some(CardToken(card_token(field, value)?)),
        Field::CardBin => t.card_bin = Some(card_bin(field, value)?),
        Field::CardBrand => {
            t.card_brand = Some(word(field, value, CardBrand::parse, CardBrand::ALL)?);
        }
        Field::CardFunding => {
            t.card_funding = Some(word(field, value, CardFunding::parse, CardFunding::ALL)?);
        }
        Field::CardCountry => t.card_country = Some(country(field, value)?),
        Field::EntryMode => {
            t.entry_mode = Some(word(field, value, EntryMode::parse, EntryMode::ALL)?);
        }
        Field::AvsResult => {
            t.avs_result = Some(word(field, value, CheckResult::parse, CheckResult::ALL)?);
        }
        Field::CvvResult => {
            t.cvv_result = Some(word(field, value, CheckResult::parse, CheckResult::ALL)?);
        }
        Field::ThreeDs => t.three_ds = Some(word(field, value, ThreeDs::parse, ThreeDs::ALL)?),
        other => unreachable!("{other} is set by Draft::set"),
    }
    Ok(())
}

fn wrong_type(field: Field, value: Value<'_>, expected: &str) -> Rejection {
    let detail = format!("is {}, expected {expected}", value.describe());
    Rejection::new(Code::WrongType, field.as_str(), detail)
}

fn text(field: Field, value: Value<'_>, bytes_max: usize) -> Result<Text, Rejection> {
    let (Value::Text(text) | Value::Cell(text)) = value else {
        return Err(wrong_type(field, value, "a text"));
    };
    if text.is_empty() {
        return Err(Rejection::new(
            Code::MissingField,
            field.as_str(),
            "is empty",
        ));
    }
    if text.len() > bytes_max {
        let detail = format!("is {} bytes long, at most {bytes_max}", text.len());
        return Err(Rejection::new(Code::TooLong, field.as_str(), detail));
    }
    Ok(text.into())
}

fn identifier(field: Field, value: Value<'_>) -> Result<Text, Rejection> {
    text(field, value, ID_BYTES_MAX)
}

/// A surrogate. Thirteen to nineteen digits with a valid check digit are a card number, which has no
/// business here; the number itself is not repeated in the message.
fn card_token(field: Field, value: Value<'_>) -> Result<Text, Rejection> {
    let token = identifier(field, value)?;
    let digits: Vec<u8> = token
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|b| b - b'0')
        .collect();
    let only_digits = token
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b' ' || b == b'-');
    if only_digits && (13..=19).contains(&digits.len()) && luhn_holds(&digits) {
        let detail = "looks like a card number; send a surrogate (a keyed hash or a vault token)";
        return Err(Rejection::new(Code::OutOfRange, field.as_str(), detail));
    }
    Ok(token)
}

fn luhn_holds(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(
            |(at, digit)| match u32::from(*digit) * (1 + u32::from(at % 2 == 1)) {
                doubled if doubled > 9 => doubled - 9,
                plain => plain,
            },
        )
        .sum();
    sum.is_multiple_of(10)
}

fn card_bin(field: Field, value: Value<'_>) -> Result<Text, Rejection> {
    let bin = match value {
        Value::Integer(number) => Text::new(number.to_string()),
        other => identifier(field, other)?,
    };
    if !(4..=8).contains(&bin.len()) || !bin.bytes().all(|b| b.is_ascii_digit()) {
        let detail = format!("is {}, expected 4 to 8 digits", quote(&bin));
        return Err(Rejection::new(Code::OutOfRange, field.as_str(), detail));
    }
    Ok(bin)
}

fn integer(field: Field, value: Value<'_>, expected: &str) -> Result<i64, Rejection> {
    match value {
        Value::Integer(value) => Ok(value),
        Value::Cell(cell) => cell
            .trim()
            .parse()
            .map_err(|_| wrong_type(field, value, expected)),
        _ => Err(wrong_type(field, value, expected)),
    }
}

fn amount(field: Field, value: Value<'_>) -> Result<i64, Rejection> {
    let minor = integer(field, value, "an integer in minor units (cents)")?;
    if minor < 0 {
        let detail = format!("is {minor}; a refund or reversal is an event_type, not a sign");
        return Err(Rejection::new(Code::NegativeAmount, field.as_str(), detail));
    }
    if minor > AMOUNT_MINOR_MAX {
        let detail = format!("is {minor}, at most {AMOUNT_MINOR_MAX}");
        return Err(Rejection::new(Code::OutOfRange, field.as_str(), detail));
    }
    Ok(minor)
}

/// The largest amount: exact in an f64, and 65,536 of them still sum within an i64.
pub const AMOUNT_MINOR_MAX: i64 = 100_000_000_000_000;

fn instant(field: Field, value: Value<'_>) -> Result<Instant, Rejection> {
    const EXPECTED: &str = "microseconds since 1970 UTC, or RFC 3339 such as 2026-11-21T13:00:00Z";
    let parsed = match value {
        Value::Integer(micros) => Some(Instant::from_micros(micros)),
        Value::Text(text) => Instant::parse_rfc3339(text),
        Value::Cell(text) => match text.trim().parse() {
            Ok(micros) => Some(Instant::from_micros(micros)),
            Err(_) => Instant::parse_rfc3339(text.trim()),
        },
        _ => None,
    };
    let instant = parsed.ok_or_else(|| wrong_type(field, value, EXPECTED))?;
    if !Instant::RANGE_MICROS.contains(&instant.micros()) {
        let detail = format!("is {} us, outside the years 1900 to 2200", instant.micros());
        return Err(Rejection::new(Code::OutOfRange, field.as_str(), detail));
    }
    Ok(instant)
}

fn currency(field: Field, value: Value<'_>) -> Result<Currency, Rejection> {
    let code = text(field, value, NAME_BYTES_MAX)?;
    Currency::parse(&code).ok_or_else(|| {
        let detail = format!("{} is not an ISO 4217 code such as USD", quote(&code));
        Rejection::new(Code::UnknownCurrency, field.as_str(), detail)
    })
}

fn country(field: Field, value: Value<'_>) -> Result<Country, Rejection> {
    let code = text(field, value, NAME_BYTES_MAX)?;
    Country::parse(&code).ok_or_else(|| {
        let detail = format!(
            "{} is not an ISO 3166-1 alpha-2 code such as PT",
            quote(&code)
        );
        Rejection::new(Code::UnknownValue, field.as_str(), detail)
    })
}

fn word<T: Copy + std::fmt::Display>(
    field: Field,
    value: Value<'_>,
    parse: fn(&str) -> Option<T>,
    all: &[T],
) -> Result<T, Rejection> {
    let (Value::Text(spelled) | Value::Cell(spelled)) = value else {
        return Err(wrong_type(field, value, "a text"));
    };
    parse(spelled).ok_or_else(|| {
        let words: Vec<String> = all.iter().map(ToString::to_string).collect();
        let detail = format!("{} is not one of {}", quote(spelled), words.join(", "));
        Rejection::new(Code::UnknownValue, field.as_str(), detail)
    })
}

fn mcc(field: Field, value: Value<'_>) -> Result<u16, Rejection> {
    let value = match value {
        Value::Text(text) => Value::Cell(text),
        other => other,
    };
    let code = integer(field, value, "a merchant category code, 0 to 9999")?;
    u16::try_from(code)
        .ok()
        .filter(|code| *code <= 9_999)
        .ok_or_else(|| {
            Rejection::new(
                Code::OutOfRange,
                field.as_str(),
                format!("is {code}, expected 0 to 9999"),
            )
        })
}

fn degrees_e7(field: Field, value: Value<'_>, limit: i32) -> Result<i32, Rejection> {
    let degrees = integer(field, value, "an integer, degrees times ten million")?;
    i32::try_from(degrees)
        .ok()
        .filter(|d| d.abs() <= limit)
        .ok_or_else(|| {
            let detail = format!("is {degrees}, expected -{limit} to {limit}");
            Rejection::new(Code::OutOfRange, field.as_str(), detail)
        })
}

fn offset_minutes(field: Field, value: Value<'_>) -> Result<i16, Rejection> {
    let minutes = integer(field, value, "minutes from UTC")?;
    i16::try_from(minutes)
        .ok()
        .filter(|m| m.abs() <= 14 * 60)
        .ok_or_else(|| {
            let detail = format!("is {minutes}, expected -840 to 840");
            Rejection::new(Code::OutOfRange, field.as_str(), detail)
        })
}

fn ip(field: Field, value: Value<'_>) -> Result<IpAddress, Rejection> {
    let spelled = text(field, value, NAME_BYTES_MAX)?;
    let address: std::net::IpAddr = spelled.parse().map_err(|_| {
        let detail = format!("{} is not an IPv4 or IPv6 address", quote(&spelled));
        Rejection::new(Code::WrongType, field.as_str(), detail)
    })?;
    // One spelling per address, or one attacker would be many entities.
    Ok(IpAddress(Text::new(address.to_canonical().to_string())))
}

#[cfg(test)]
mod tests;
