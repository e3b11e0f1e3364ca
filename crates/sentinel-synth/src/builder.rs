//! Builders for tests: a transaction with sensible defaults, its label, and transactions at random.
//!
//! Not for product paths: a text that is no country or currency stops the test with an assertion.

use sentinel_domain::identifier::ID_BYTES_MAX;
use sentinel_domain::transaction::{
    CardBrand, CardFunding, Channel, CheckResult, EntryMode, EventType, ThreeDs,
};
use sentinel_domain::{
    AccountId, CardToken, Coordinates, CounterpartyId, Country, Currency, CustomerId, DeviceId,
    EventId, Instant, IpAddress, Label, LabelId, LabelKind, LabelSource, MICROS_PER_SECOND,
    MerchantId, Money, Scalar, SessionId, TerminalId, Text, Transaction,
};

mod random_transaction;

pub use random_transaction::random_transaction;

/// When a transaction of a builder happens unless told: 2026-01-05T12:00:00Z, a Monday.
pub const FIXED_TIME: Instant = Instant::from_seconds(1_767_614_400);

/// How long after the transaction the label of [`label_for`] is known: three days.
pub const LABEL_DELAY_MICROS: i64 = 3 * 86_400 * MICROS_PER_SECOND;

/// What a label's name ends in, after the name of its event.
const LABEL_SUFFIX: &str = "-fraud";

/// A card authorisation of 12.50 US dollars by account `a1` at [`FIXED_TIME`], all else absent.
pub fn transaction(event_id: &str) -> TransactionBuilder {
    let amount = Money {
        minor: 1_250,
        currency: Currency::USD,
    };
    TransactionBuilder(Transaction::required(
        EventId::new(event_id),
        EventType::CardAuth,
        FIXED_TIME,
        AccountId::new("a1"),
        amount,
    ))
}

/// The label that says the transaction was fraud: a chargeback, known after [`LABEL_DELAY_MICROS`].
pub fn label_for(transaction: &Transaction) -> Label {
    fraud_label(transaction, LabelSource::Chargeback, LABEL_DELAY_MICROS)
}

/// A label of fraud with the entities, amount and time of the transaction inside.
pub fn fraud_label(transaction: &Transaction, source: LabelSource, delay_micros: i64) -> Label {
    let mut label_id = Text::new(transaction.event_id.as_str());
    while label_id.len() > ID_BYTES_MAX - LABEL_SUFFIX.len() {
        label_id.pop();
    }
    label_id.push_str(LABEL_SUFFIX);
    Label {
        label_id: LabelId(label_id),
        event_id: transaction.event_id.clone(),
        kind: LabelKind::Fraud,
        source,
        known_at: transaction.event_time.plus_micros(delay_micros),
        event_time: transaction.event_time,
        amount_minor: transaction.amount_minor,
        currency: transaction.currency,
        account_id: transaction.account_id.clone(),
        card_token: transaction.card_token.clone(),
        merchant_id: transaction.merchant_id.clone(),
        terminal_id: transaction.terminal_id.clone(),
    }
}

/// A transaction being built. Each method sets the field of its name.
#[derive(Debug, Clone)]
#[must_use]
pub struct TransactionBuilder(Transaction);

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($value:ident: $type:ty) => $field:ident = $made:expr;)+) => {
        impl TransactionBuilder {$(
            $(#[$doc])*
            pub fn $name(mut self, $value: $type) -> Self {
                self.0.$field = $made;
                self
            }
        )+}
    };
}

setters! {
    /// What kind of event.
    event_type(value: EventType) => event_type = value;
    /// When it happened.
    at(value: Instant) => event_time = value;
    /// The paying account.
    account(value: &str) => account_id = AccountId::new(value);
    /// The person behind the account.
    customer(value: &str) => customer_id = Some(CustomerId::new(value));
    /// When the account was opened.
    account_opened_at(value: Instant) => account_opened_at = Some(value);
    /// The amount in minor units.
    amount_minor(value: i64) => amount_minor = value;
    /// The currency of the amount.
    currency(value: &str) => currency = read_currency(value);
    /// The card.
    card(value: &str) => card_token = Some(CardToken::new(value));
    /// The issuer's prefix.
    card_bin(value: &str) => card_bin = Some(Text::new(value));
    /// The brand of the card.
    card_brand(value: CardBrand) => card_brand = Some(value);
    /// How the card is funded.
    card_funding(value: CardFunding) => card_funding = Some(value);
    /// The country of the issuer.
    card_country(value: &str) => card_country = Some(read_country(value));
    /// The merchant.
    merchant(value: &str) => merchant_id = Some(MerchantId::new(value));
    /// The merchant's name.
    merchant_name(value: &str) => merchant_name = Some(Text::new(value));
    /// The merchant's category.
    mcc(value: u16) => mcc = Some(value);
    /// The country of the merchant.
    merchant_country(value: &str) => merchant_country = Some(read_country(value));
    /// The terminal.
    terminal(value: &str) => terminal_id = Some(TerminalId::new(value));
    /// Where it was made.
    channel(value: Channel) => channel = Some(value);
    /// How card data were entered.
    entry_mode(value: EntryMode) => entry_mode = Some(value);
    /// The payee of a transfer.
    counterparty(value: &str) => counterparty_id = Some(CounterpartyId::new(value));
    /// The country of the payee.
    counterparty_country(value: &str) => counterparty_country = Some(read_country(value));
    /// The device.
    device(value: &str) => device_id = Some(DeviceId::new(value));
    /// The session.
    session(value: &str) => session_id = Some(SessionId::new(value));
    /// The address on the net, in its canonical spelling.
    ip(value: &str) => ip = Some(IpAddress::new(value));
    /// The keyed hash of the e-mail address.
    email_hash(value: &str) => email_hash = Some(Text::new(value));
    /// The domain of the e-mail address.
    email_domain(value: &str) => email_domain = Some(Text::new(value));
    /// Where it happened.
    coordinates(value: Coordinates) => coordinates = Some(value);
    /// The country of the billing address.
    billing_country(value: &str) => billing_country = Some(read_country(value));
    /// The country of the shipping address.
    shipping_country(value: &str) => shipping_country = Some(read_country(value));
    /// What the check of the address said.
    avs(value: CheckResult) => avs_result = Some(value);
    /// What the check of the security code said.
    cvv(value: CheckResult) => cvv_result = Some(value);
    /// What 3-D Secure said.
    three_ds(value: ThreeDs) => three_ds = Some(value);
    /// The payer's offset from UTC.
    utc_offset_minutes(value: i16) => utc_offset_minutes = Some(value);
}

impl TransactionBuilder {
    /// What was billed, in the card holder's currency.
    pub fn billing(mut self, minor: i64, currency: &str) -> Self {
        self.0.billing_amount_minor = Some(minor);
        self.0.billing_currency = Some(read_currency(currency));
        self
    }

    /// [`FIXED_TIME`] and so many seconds.
    pub fn at_second(self, seconds: i64) -> Self {
        self.at(FIXED_TIME.plus_micros(seconds * MICROS_PER_SECOND))
    }

    /// Where it happened, in degrees.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "degrees of the globe fit; others are refused below"
    )]
    pub fn at_degrees(self, lat: f64, lon: f64) -> Self {
        let e7 = |degrees: f64| libm::round(degrees * 1e7) as i32;
        let place = Coordinates::new(e7(lat), e7(lon));
        assert!(place.is_some(), "{lat}, {lon} lies outside the globe");
        Self(Transaction {
            coordinates: place,
            ..self.0
        })
    }

    /// A fact without a field of its own.
    pub fn attribute(mut self, name: &str, value: Scalar) -> Self {
        let fits = self.0.attributes.insert(Text::new(name), value);
        assert!(fits, "attribute {name} is one too many");
        self
    }

    /// The transaction.
    pub fn build(self) -> Transaction {
        self.0
    }
}

fn read_currency(code: &str) -> Currency {
    let parsed = Currency::parse(code);
    assert!(parsed.is_some(), "{code} is no currency");
    parsed.unwrap_or(Currency::USD)
}

#[allow(clippy::expect_used, reason = "a test that names no country must stop")]
fn read_country(code: &str) -> Country {
    Country::parse(code).expect("a country of two letters")
}

#[cfg(test)]
mod tests;
