//! Whether an event passes a filter, read anew from the filter's text.
//!
//! Promises to know a filter by what it says alone: terms joined by `and`, each a flag, a `not` flag, or a
//! field, an operator and literals. Numbers of tests are small, so plain floats compare them.

use sentinel_domain::transaction::{Channel, CheckResult, EntryMode, EventType, ThreeDs};
use sentinel_domain::{Scalar, Transaction};
use sentinel_features::filter::Filter;

use super::local::local;

/// A word, a sign or a quoted text of a filter.
#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    quoted: bool,
}

/// What a term compares.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(f64),
    Word(String),
}

/// What is paid, and what the account paid before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paid {
    pub amount: Option<i64>,
    pub account_count: u64,
    pub account_sum: i128,
}

/// Whether the transaction passes.
pub fn passes(filter: &Filter, t: &Transaction, paid: Paid) -> bool {
    let tokens = tokens(&filter.to_string());
    let and = |token: &Token| !token.quoted && token.text == "and";
    tokens.split(and).all(|term| holds(term, t, paid))
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let mut token = Token {
            text: letter.to_string(),
            quoted: letter == '"',
        };
        match letter {
            ' ' | ',' => continue,
            '"' => {
                token.text.clear();
                while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
                    let escaped = letter == '\\';
                    token.text.push(if escaped {
                        letters.next().unwrap()
                    } else {
                        letter
                    });
                }
            }
            '[' | ']' | '=' => {}
            '!' | '<' | '>' => token.text.extend(letters.next_if_eq(&'=')),
            _ => {
                while let Some(letter) = letters.next_if(|letter| !" ,[]=!<>\"".contains(*letter)) {
                    token.text.push(letter);
                }
            }
        }
        tokens.push(token);
    }
    tokens
}

fn holds(term: &[Token], t: &Transaction, paid: Paid) -> bool {
    let texts: Vec<&str> = term.iter().map(|token| token.text.as_str()).collect();
    match texts.as_slice() {
        [flag] | [flag, "=", "true"] if is_flag(flag) => flag_holds(flag, t, paid),
        ["not", flag] => !flag_holds(flag, t, paid),
        ["attribute.", name, operator, ..] if term[1].quoted => {
            compare(attribute(name, t), operator, &term[3..])
        }
        [field, operator, ..] => {
            let value = match field.strip_prefix("attribute.") {
                Some(name) => attribute(name, t),
                None => field_value(field, t, paid.amount),
            };
            compare(value, operator, &term[2..])
        }
        other => panic!("the oracle cannot read the term {other:?}"),
    }
}

fn compare(value: Option<Value>, operator: &str, literals: &[Token]) -> bool {
    let Some(value) = value else {
        return false;
    };
    let literals: Vec<Value> = literals
        .iter()
        .filter(|token| token.quoted || (token.text != "[" && token.text != "]"))
        .map(|token| match (token.quoted, token.text.parse()) {
            (false, Ok(number)) if matches!(value, Value::Number(_)) => Value::Number(number),
            _ => Value::Word(token.text.clone()),
        })
        .collect();
    let ordered = |test: fn(f64, f64) -> bool| match (&value, &literals[0]) {
        (Value::Number(value), Value::Number(literal)) => test(*value, *literal),
        _ => false,
    };
    match operator {
        "=" | "in" => literals.contains(&value),
        "!=" => literals[0] != value,
        "<" => ordered(|value, literal| value < literal),
        "<=" => ordered(|value, literal| value <= literal),
        ">" => ordered(|value, literal| value > literal),
        ">=" => ordered(|value, literal| value >= literal),
        other => panic!("the oracle cannot read the operator {other}"),
    }
}

fn attribute(name: &str, t: &Transaction) -> Option<Value> {
    Some(match t.attributes.get(name)? {
        Scalar::Boolean(value) => Value::Word(value.to_string()),
        Scalar::Integer(value) => Value::Number(*value as f64),
        Scalar::Number(value) => Value::Number(*value),
        Scalar::Text(text) => Value::Word(text.to_string()),
    })
}

fn field_value(field: &str, t: &Transaction, amount: Option<i64>) -> Option<Value> {
    let number = |number: f64| Some(Value::Number(number));
    let word = |word: &str| Some(Value::Word(word.to_owned()));
    match field {
        // Written in major units with two decimals.
        "amount" => number(amount? as f64 / 100.0),
        "mcc" => number(f64::from(t.mcc?)),
        "hour" => number(local(t).hour as f64),
        "weekday" => number(local(t).weekday as f64),
        "event_type" => word(t.event_type.as_str()),
        "card_brand" => word(t.card_brand?.as_str()),
        "card_funding" => word(t.card_funding?.as_str()),
        "channel" => word(t.channel?.as_str()),
        "entry_mode" => word(t.entry_mode?.as_str()),
        "avs_result" => word(t.avs_result?.as_str()),
        "cvv_result" => word(t.cvv_result?.as_str()),
        "three_ds" => word(t.three_ds?.as_str()),
        "card_country" => word(t.card_country?.as_str()),
        "merchant_country" => word(t.merchant_country?.as_str()),
        "counterparty_country" => word(t.counterparty_country?.as_str()),
        "billing_country" => word(t.billing_country?.as_str()),
        "shipping_country" => word(t.shipping_country?.as_str()),
        "currency" => word(t.currency.as_str()),
        "merchant_id" => word(t.merchant_id.as_ref()?.as_str()),
        "card_bin" => word(t.card_bin.as_ref()?),
        "email_domain" => word(t.email_domain.as_ref()?),
        other => panic!("the oracle knows no field {other}"),
    }
}

const FLAGS: [&str; 10] = [
    "declined",
    "night",
    "round_amount",
    "small_amount",
    "foreign",
    "card_not_present",
    "under_limit",
    "cash",
    "transfer",
    "high_amount",
];

fn is_flag(word: &str) -> bool {
    FLAGS.contains(&word)
}

fn flag_holds(flag: &str, t: &Transaction, paid: Paid) -> bool {
    let priced = |test: fn(i64) -> bool| paid.amount.is_some_and(test);
    match flag {
        "declined" => {
            t.cvv_result == Some(CheckResult::Mismatch)
                || t.three_ds == Some(ThreeDs::Failed)
                || refused(t)
        }
        "night" => local(t).hour < 6,
        "round_amount" => priced(|minor| minor > 0 && minor % 10_000 == 0),
        "small_amount" => priced(|minor| minor < 500),
        "foreign" => {
            let home = t.card_country.or(t.billing_country);
            t.merchant_country.is_some() && home.is_some() && t.merchant_country != home
        }
        "card_not_present" => {
            let remote = [Channel::Web, Channel::App, Channel::Moto, Channel::Api];
            let keyed = [
                EntryMode::Manual,
                EntryMode::Ecommerce,
                EntryMode::CredentialOnFile,
            ];
            t.channel.is_some_and(|channel| remote.contains(&channel))
                || t.entry_mode.is_some_and(|mode| keyed.contains(&mode))
        }
        "under_limit" => priced(|minor| {
            (90_000..100_000).contains(&minor)
                || (270_000..300_000).contains(&minor)
                || (900_000..1_000_000).contains(&minor)
        }),
        "cash" => t.event_type == EventType::Cash || t.channel == Some(Channel::Atm),
        "transfer" => t.event_type == EventType::Transfer,
        "high_amount" => match (paid.amount, paid.account_sum > 0) {
            (Some(amount), true) => {
                i128::from(amount) * i128::from(paid.account_count) > 3 * paid.account_sum
            }
            _ => false,
        },
        other => panic!("the oracle knows no flag {other}"),
    }
}

/// The issuer's answer says no.
fn refused(t: &Transaction) -> bool {
    match t.attributes.get("auth_response") {
        Some(Scalar::Text(answer)) => {
            let answer = answer.to_lowercase();
            !["00", "0", "approved", "accepted"].contains(&answer.as_str())
        }
        Some(Scalar::Integer(answer)) => *answer != 0,
        Some(Scalar::Number(answer)) => *answer != 0.0,
        Some(Scalar::Boolean(_)) | None => false,
    }
}
