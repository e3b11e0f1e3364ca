//! Transaction names: what a rule may read of the transaction itself, one line each.
//!
//! Promises that a text is compared as it is spelled on the wire, and that a field that was not sent is
//! missing. Where a field knows only certain words, a rule that asks for another is refused at load:
//! such a rule would never hit, and nobody would notice.

use sentinel_domain::identifier::{
    CardToken, CounterpartyId, CustomerId, DeviceId, IpAddress, MerchantId, SessionId, TerminalId,
};
use sentinel_domain::transaction::{
    CardBrand, CardFunding, Channel, CheckResult, EntryMode, EventType, ThreeDs,
};
use sentinel_domain::{Country, Currency, Transaction};

/// A name of the transaction's own.
#[derive(Debug)]
pub(crate) struct TransactionName {
    pub name: &'static str,
    pub read: Read,
}

/// How it is read.
#[derive(Debug)]
pub(crate) enum Read {
    /// The amount in major units of the reference currency.
    Amount,
    /// A number that names something and is not counted with; NaN where it was not sent.
    Category(fn(&Transaction) -> f64),
    Text(TextRead, Words),
}

/// Reads a text; `None` where it was not sent.
pub(crate) type TextRead = fn(&Transaction) -> Option<&str>;

/// The words that a text can be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Words {
    /// Whatever the caller sends.
    Any,
    /// One of a list.
    Listed(fn() -> Vec<&'static str>),
    /// Two upper-case letters.
    Country,
    /// A code of ISO 4217.
    Currency,
}

impl Words {
    /// `Err` says what is expected instead.
    pub fn check(self, word: &str) -> Result<(), String> {
        match self {
            Self::Any => Ok(()),
            Self::Listed(words) => {
                let words = words();
                if words.contains(&word) {
                    return Ok(());
                }
                Err(format!("one of {}", words.join(", ")))
            }
            Self::Country => match Country::parse(word) {
                Some(country) if country.as_str() == word => Ok(()),
                Some(country) => Err(format!("countries are upper case: '{country}'")),
                None => Err("a country is two letters, such as 'DE'".to_owned()),
            },
            Self::Currency => match Currency::parse(word) {
                Some(currency) if currency.as_str() == word => Ok(()),
                Some(currency) => Err(format!("currencies are upper case: '{currency}'")),
                None => Err("a currency is a code of ISO 4217, such as 'EUR'".to_owned()),
            },
        }
    }
}

const fn text(name: &'static str, read: TextRead, words: Words) -> TransactionName {
    TransactionName {
        name,
        read: Read::Text(read, words),
    }
}

/// The spellings of a vocabulary of the domain.
macro_rules! words_of {
    ($vocabulary:ty) => {
        Words::Listed(|| {
            let all = <$vocabulary>::ALL.iter();
            all.map(|word| word.as_str()).collect()
        })
    };
}

/// Every name, in the order of the transaction's fields.
#[rustfmt::skip]
pub(crate) const TRANSACTION_NAMES: &[TransactionName] = &[
    text("event_type", |t| Some(t.event_type.as_str()), words_of!(EventType)),
    text("account_id", |t| Some(t.account_id.as_str()), Words::Any),
    text("customer_id", |t| t.customer_id.as_ref().map(CustomerId::as_str), Words::Any),
    TransactionName { name: "amount", read: Read::Amount },
    text("currency", |t| Some(t.currency.as_str()), Words::Currency),
    text("card_token", |t| t.card_token.as_ref().map(CardToken::as_str), Words::Any),
    text("card_bin", |t| t.card_bin.as_deref(), Words::Any),
    text("card_brand", |t| t.card_brand.map(CardBrand::as_str), words_of!(CardBrand)),
    text("card_funding", |t| t.card_funding.map(CardFunding::as_str), words_of!(CardFunding)),
    text("card_country", |t| t.card_country.as_ref().map(Country::as_str), Words::Country),
    text("merchant_id", |t| t.merchant_id.as_ref().map(MerchantId::as_str), Words::Any),
    text("merchant_name", |t| t.merchant_name.as_deref(), Words::Any),
    TransactionName { name: "mcc", read: Read::Category(|t| t.mcc.map_or(f64::NAN, f64::from)) },
    text("merchant_country", |t| t.merchant_country.as_ref().map(Country::as_str), Words::Country),
    text("terminal_id", |t| t.terminal_id.as_ref().map(TerminalId::as_str), Words::Any),
    text("channel", |t| t.channel.map(Channel::as_str), words_of!(Channel)),
    text("entry_mode", |t| t.entry_mode.map(EntryMode::as_str), words_of!(EntryMode)),
    text("counterparty_id", |t| t.counterparty_id.as_ref().map(CounterpartyId::as_str), Words::Any),
    text("counterparty_country", |t| t.counterparty_country.as_ref().map(Country::as_str), Words::Country),
    text("device_id", |t| t.device_id.as_ref().map(DeviceId::as_str), Words::Any),
    text("session_id", |t| t.session_id.as_ref().map(SessionId::as_str), Words::Any),
    text("ip", |t| t.ip.as_ref().map(IpAddress::as_str), Words::Any),
    text("email_domain", |t| t.email_domain.as_deref(), Words::Any),
    text("billing_country", |t| t.billing_country.as_ref().map(Country::as_str), Words::Country),
    text("shipping_country", |t| t.shipping_country.as_ref().map(Country::as_str), Words::Country),
    text("avs_result", |t| t.avs_result.map(CheckResult::as_str), words_of!(CheckResult)),
    text("cvv_result", |t| t.cvv_result.map(CheckResult::as_str), words_of!(CheckResult)),
    text("three_ds", |t| t.three_ds.map(ThreeDs::as_str), words_of!(ThreeDs)),
];
