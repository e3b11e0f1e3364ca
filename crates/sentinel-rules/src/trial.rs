//! Trials: one transaction and one row on which unit tests try expressions.

use std::sync::LazyLock;

use sentinel_domain::transaction::{Channel, EventType};
use sentinel_domain::{AccountId, Country, Currency, EventId, Instant, Money, Text, Transaction};

use crate::check;
use crate::inputs::Reading;
use crate::lists::Lists;
use crate::schema::Schema;
use crate::source::Fault;

const FEATURES: &[&str] = &[
    "five",
    "zero",
    "missing",
    "account_count_1m",
    "beyond_the_row",
];
const ROW: &[f64] = &[5.0, 0.0, f64::NAN, 4.0];

/// The account of the transaction is watched, and was on another list.
static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let text = "name = 'trial'\nversion = 1\n\
                [[list]]\nname = 'watched'\nentries = [{ value = 'account-7' }]\n\
                [[list]]\nname = 'ended'\n\
                entries = [{ value = 'account-7', expires_at = '1970-01-01T00:00:00Z' }]\n";
    match Lists::parse(text) {
        Ok(lists) => lists,
        Err(faults) => panic!("{faults:?}"),
    }
});

pub fn schema() -> Schema {
    Schema::new(FEATURES)
}

/// 1,200.50 USD on the web, at a merchant with a hostile name; no device.
pub fn transaction() -> Transaction {
    let amount = Money {
        minor: 120_050,
        currency: Currency::USD,
    };
    let (event, account) = (EventId::new("event-1"), AccountId::new("account-7"));
    let mut made = Transaction::required(
        event,
        EventType::CardAuth,
        Instant::default(),
        account,
        amount,
    );
    made.channel = Some(Channel::Web);
    made.mcc = Some(742);
    made.card_country = Country::parse("NG");
    made.merchant_country = Country::parse("DE");
    made.merchant_name = Some(Text::from("Caf\u{e9}\u{1b}[31m"));
    made
}

pub fn reading(transaction: &Transaction) -> Reading<'_> {
    Reading {
        row: ROW,
        transaction,
        amount: 1200.5,
        reference: Currency::USD,
        lists: &LISTS,
        log_time: Instant::default(),
    }
}

pub fn holds(expression: &str) -> bool {
    match check::condition(expression, &schema()) {
        Ok(condition) => (condition.code)(&reading(&transaction())),
        Err(faults) => panic!("{expression}: {faults:?}"),
    }
}

pub fn faults(expression: &str) -> Vec<Fault> {
    check::condition(expression, &schema())
        .err()
        .unwrap_or_default()
}
