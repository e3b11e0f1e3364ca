//! The transaction: one payment, login or other event to decide on, in canonical form.
//!
//! Promises that a value that exists is valid: required fields present, amounts not negative, texts
//! within bounds. It is made by [`crate::Draft::finish`] or by reading an entry of a log.

use crate::attribute::{Attributes, Scalar};
use crate::content_hash::ContentHash;
use crate::currency::Currency;
use crate::identifier::{
    AccountId, CardToken, CounterpartyId, CustomerId, DeviceId, EventId, IpAddress, MerchantId,
    SessionId, TerminalId, Text,
};
use crate::instant::Instant;
use crate::money::Money;
use crate::place::{Coordinates, Country};
use crate::vocabulary;

vocabulary! {
    /// What kind of event it is.
    EventType {
        /// A card authorisation.
        CardAuth = 1, "card_auth";
        /// A card capture.
        CardCapture = 2, "card_capture";
        /// Money back to the payer.
        Refund = 3, "refund";
        /// An authorisation undone.
        Reversal = 4, "reversal";
        /// An account-to-account transfer.
        Transfer = 5, "transfer";
        /// Cash at a machine or a counter.
        Cash = 6, "cash";
        /// A login.
        Login = 7, "login";
        /// A change of address, password, phone, …
        AccountChange = 8, "account_change";
    }
}

vocabulary! {
    /// The brand of a card.
    CardBrand {
        /// Visa.
        Visa = 1, "visa";
        /// Mastercard.
        Mastercard = 2, "mastercard";
        /// American Express.
        Amex = 3, "amex";
        /// Any other.
        Other = 4, "other";
    }
}

vocabulary! {
    /// How a card is funded.
    CardFunding {
        /// On credit.
        Credit = 1, "credit";
        /// From an account.
        Debit = 2, "debit";
        /// Loaded before.
        Prepaid = 3, "prepaid";
    }
}

vocabulary! {
    /// Where the payment was made.
    Channel {
        /// A web page.
        Web = 1, "web";
        /// An app.
        App = 2, "app";
        /// A point of sale.
        Pos = 3, "pos";
        /// A cash machine.
        Atm = 4, "atm";
        /// Mail or telephone.
        Moto = 5, "moto";
        /// A machine interface.
        Api = 6, "api";
    }
}

vocabulary! {
    /// How the card data were entered.
    EntryMode {
        /// Chip.
        Chip = 1, "chip";
        /// Contactless.
        Contactless = 2, "contactless";
        /// Magnetic stripe.
        Swipe = 3, "swipe";
        /// Keyed by hand.
        Manual = 4, "manual";
        /// Typed into a page.
        Ecommerce = 5, "ecommerce";
        /// Stored before.
        CredentialOnFile = 6, "credential_on_file";
    }
}

vocabulary! {
    /// What a check of address or security code said.
    CheckResult {
        /// It matches.
        Match = 1, "match";
        /// It matches in part.
        Partial = 2, "partial";
        /// It does not match.
        Mismatch = 3, "mismatch";
        /// It was not made.
        Unavailable = 4, "unavailable";
    }
}

vocabulary! {
    /// What 3-D Secure said.
    ThreeDs {
        /// Not used.
        None = 1, "none";
        /// Tried; the issuer does not take part.
        Attempted = 2, "attempted";
        /// The payer was authenticated.
        Authenticated = 3, "authenticated";
        /// Authentication failed.
        Failed = 4, "failed";
        /// Exempt.
        Exempt = 5, "exempt";
    }
}

/// One event to decide on. Fields are documented with their equivalents in ISO 8583, ISO 20022 and the
/// rivals' interfaces in the book (`concepts/transaction.md`).
#[derive(Debug, Clone, PartialEq)]
#[allow(
    missing_docs,
    reason = "each field is documented once, in `draft::Field`"
)]
pub struct Transaction {
    pub event_id: EventId,
    pub event_type: EventType,
    pub event_time: Instant,
    pub account_id: AccountId,
    pub customer_id: Option<CustomerId>,
    pub account_opened_at: Option<Instant>,
    pub amount_minor: i64,
    pub currency: Currency,
    pub billing_amount_minor: Option<i64>,
    pub billing_currency: Option<Currency>,
    pub card_token: Option<CardToken>,
    pub card_bin: Option<Text>,
    pub card_brand: Option<CardBrand>,
    pub card_funding: Option<CardFunding>,
    pub card_country: Option<Country>,
    pub merchant_id: Option<MerchantId>,
    pub merchant_name: Option<Text>,
    pub mcc: Option<u16>,
    pub merchant_country: Option<Country>,
    pub terminal_id: Option<TerminalId>,
    pub channel: Option<Channel>,
    pub entry_mode: Option<EntryMode>,
    pub counterparty_id: Option<CounterpartyId>,
    pub counterparty_country: Option<Country>,
    pub device_id: Option<DeviceId>,
    pub session_id: Option<SessionId>,
    pub ip: Option<IpAddress>,
    pub email_hash: Option<Text>,
    pub email_domain: Option<Text>,
    pub coordinates: Option<Coordinates>,
    pub billing_country: Option<Country>,
    pub shipping_country: Option<Country>,
    pub avs_result: Option<CheckResult>,
    pub cvv_result: Option<CheckResult>,
    pub three_ds: Option<ThreeDs>,
    pub utc_offset_minutes: Option<i16>,
    pub attributes: Attributes,
}

impl Transaction {
    /// A transaction with its required fields and nothing else.
    pub fn required(
        event_id: EventId,
        event_type: EventType,
        event_time: Instant,
        account_id: AccountId,
        amount: Money,
    ) -> Self {
        Self {
            event_id,
            event_type,
            event_time,
            account_id,
            customer_id: None,
            account_opened_at: None,
            amount_minor: amount.minor,
            currency: amount.currency,
            billing_amount_minor: None,
            billing_currency: None,
            card_token: None,
            card_bin: None,
            card_brand: None,
            card_funding: None,
            card_country: None,
            merchant_id: None,
            merchant_name: None,
            mcc: None,
            merchant_country: None,
            terminal_id: None,
            channel: None,
            entry_mode: None,
            counterparty_id: None,
            counterparty_country: None,
            device_id: None,
            session_id: None,
            ip: None,
            email_hash: None,
            email_domain: None,
            coordinates: None,
            billing_country: None,
            shipping_country: None,
            avs_result: None,
            cvv_result: None,
            three_ds: None,
            utc_offset_minutes: None,
            attributes: Attributes::default(),
        }
    }

    /// The amount by which windows and rules judge: the billing amount where given, else the amount.
    pub fn judged_amount(&self) -> Money {
        match (self.billing_amount_minor, self.billing_currency) {
            (Some(minor), Some(currency)) => Money { minor, currency },
            _ => Money {
                minor: self.amount_minor,
                currency: self.currency,
            },
        }
    }

    /// The hash of every field, by which a repeat is told from a conflict. The spelling of the input
    /// (white space, order of keys, time zone) does not matter. `scratch` is reused between calls.
    pub fn fingerprint(&self, scratch: &mut Vec<u8>) -> [u8; 16] {
        scratch.clear();
        self.write_canonical(&mut CanonicalWriter(scratch));
        ContentHash::of(scratch).short()
    }

    fn write_canonical(&self, out: &mut CanonicalWriter<'_>) {
        out.text(Some(self.event_id.as_str()));
        out.byte(Some(self.event_type.code()));
        out.integer(Some(self.event_time.micros()));
        out.text(Some(self.account_id.as_str()));
        out.text(self.customer_id.as_ref().map(CustomerId::as_str));
        out.integer(self.account_opened_at.map(Instant::micros));
        out.integer(Some(self.amount_minor));
        out.text(Some(self.currency.as_str()));
        out.integer(self.billing_amount_minor);
        out.text(self.billing_currency.as_ref().map(Currency::as_str));
        out.text(self.card_token.as_ref().map(CardToken::as_str));
        out.text(self.card_bin.as_deref());
        out.byte(self.card_brand.map(CardBrand::code));
        out.byte(self.card_funding.map(CardFunding::code));
        out.text(self.card_country.as_ref().map(Country::as_str));
        out.text(self.merchant_id.as_ref().map(MerchantId::as_str));
        out.text(self.merchant_name.as_deref());
        out.integer(self.mcc.map(i64::from));
        out.text(self.merchant_country.as_ref().map(Country::as_str));
        out.text(self.terminal_id.as_ref().map(TerminalId::as_str));
        out.byte(self.channel.map(Channel::code));
        out.byte(self.entry_mode.map(EntryMode::code));
        out.text(self.counterparty_id.as_ref().map(CounterpartyId::as_str));
        out.text(self.counterparty_country.as_ref().map(Country::as_str));
        out.text(self.device_id.as_ref().map(DeviceId::as_str));
        out.text(self.session_id.as_ref().map(SessionId::as_str));
        out.text(self.ip.as_ref().map(IpAddress::as_str));
        out.text(self.email_hash.as_deref());
        out.text(self.email_domain.as_deref());
        out.integer(self.coordinates.map(|c| i64::from(c.lat_e7)));
        out.integer(self.coordinates.map(|c| i64::from(c.lon_e7)));
        out.text(self.billing_country.as_ref().map(Country::as_str));
        out.text(self.shipping_country.as_ref().map(Country::as_str));
        out.byte(self.avs_result.map(CheckResult::code));
        out.byte(self.cvv_result.map(CheckResult::code));
        out.byte(self.three_ds.map(ThreeDs::code));
        out.integer(self.utc_offset_minutes.map(i64::from));
        for (name, value) in self.attributes.iter() {
            out.text(Some(name));
            out.scalar(value);
        }
    }
}

/// Writes values so that different lists of values never give the same bytes.
struct CanonicalWriter<'a>(&'a mut Vec<u8>);

impl CanonicalWriter<'_> {
    fn byte(&mut self, value: Option<u8>) {
        // Codes of the vocabularies start at 1, so 0 is free to mean absent.
        self.0.push(value.unwrap_or(0));
    }

    fn integer(&mut self, value: Option<i64>) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "texts of a transaction are below 2^16 bytes"
    )]
    fn text(&mut self, value: Option<&str>) {
        match value {
            None => self.0.extend_from_slice(&u16::MAX.to_le_bytes()),
            Some(text) => {
                self.0.extend_from_slice(&(text.len() as u16).to_le_bytes());
                self.0.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn scalar(&mut self, value: &Scalar) {
        match value {
            Scalar::Boolean(value) => self.0.extend_from_slice(&[1, u8::from(*value)]),
            Scalar::Integer(value) => {
                self.0.push(2);
                self.0.extend_from_slice(&value.to_le_bytes());
            }
            Scalar::Number(value) => {
                self.0.push(3);
                self.0.extend_from_slice(&value.to_bits().to_le_bytes());
            }
            Scalar::Text(value) => {
                self.0.push(4);
                self.text(Some(value));
            }
        }
    }
}
