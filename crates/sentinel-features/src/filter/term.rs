//! Terms: one comparison of a filter.
//!
//! Promises that a term over a field the transaction does not have is false, and that words of closed
//! lists are compared by their codes. Must never know how a filter is written, only how a term is.

use std::cmp::Ordering;
use std::fmt;

use sentinel_domain::transaction::{
    CardBrand, CardFunding, Channel, CheckResult, EntryMode, EventType, ThreeDs,
};
use sentinel_domain::{Country, Currency, Scalar, Text, Transaction, vocabulary};

use super::{AMOUNT_EXPONENT, EarlierAmounts, Flag, MAJOR};
use crate::local_time::{hour, local_seconds, weekday};

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Term {
    /// A flag holds, or does not.
    Flag { flag: Flag, holds: bool },
    /// A word of a closed list, by its code.
    Word { field: WordField, test: Test<u8> },
    /// A country.
    Country {
        field: CountryField,
        test: Test<Country>,
    },
    /// The currency of the amount.
    Currency { test: Test<Currency> },
    /// A text.
    Text { field: TextField, test: Test<Text> },
    /// A whole number.
    Whole { field: WholeField, test: Test<i64> },
    /// An attribute.
    Attribute { name: Text, test: Test<Literal> },
}

/// How a value is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Test<T> {
    /// It is one of these: sorted, none twice, at least one.
    AnyOf(Vec<T>),
    /// It is there and is another.
    Not(T),
    Less(T),
    AtMost(T),
    Greater(T),
    AtLeast(T),
}

impl<T: Ord> Test<T> {
    pub(super) fn any_of(mut values: Vec<T>) -> Self {
        values.sort();
        values.dedup();
        Self::AnyOf(values)
    }

    /// Whether a value of the same type passes.
    fn holds(&self, value: &T) -> bool {
        self.holds_by(|literal| Some(value.cmp(literal)))
    }
}

impl<T> Test<T> {
    /// Whether a value passes that compares to literals so; `None` is different without an order.
    fn holds_by(&self, compare: impl Fn(&T) -> Option<Ordering>) -> bool {
        match self {
            Self::AnyOf(values) => values
                .iter()
                .any(|value| compare(value) == Some(Ordering::Equal)),
            Self::Not(value) => compare(value) != Some(Ordering::Equal),
            Self::Less(value) => compare(value).is_some_and(Ordering::is_lt),
            Self::AtMost(value) => compare(value).is_some_and(Ordering::is_le),
            Self::Greater(value) => compare(value).is_some_and(Ordering::is_gt),
            Self::AtLeast(value) => compare(value).is_some_and(Ordering::is_ge),
        }
    }

    /// Writes operator and literals.
    fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        spell: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
    ) -> fmt::Result {
        let (operator, value) = match self {
            Self::AnyOf(values) => match values.as_slice() {
                [one] => ("=", one),
                several => {
                    f.write_str(" in [")?;
                    for (place, value) in several.iter().enumerate() {
                        f.write_str(if place == 0 { "" } else { ", " })?;
                        spell(f, value)?;
                    }
                    return f.write_str("]");
                }
            },
            Self::Not(value) => ("!=", value),
            Self::Less(value) => ("<", value),
            Self::AtMost(value) => ("<=", value),
            Self::Greater(value) => (">", value),
            Self::AtLeast(value) => (">=", value),
        };
        write!(f, " {operator} ")?;
        spell(f, value)
    }
}

impl Term {
    pub(super) fn holds(
        &self,
        t: &Transaction,
        amount: Option<i64>,
        earlier: EarlierAmounts,
    ) -> bool {
        match self {
            Self::Flag { flag, holds } => flag.holds(t, amount, earlier) == *holds,
            Self::Word { field, test } => field.code_of(t).is_some_and(|code| test.holds(&code)),
            Self::Country { field, test } => {
                field.of(t).is_some_and(|country| test.holds(&country))
            }
            Self::Currency { test } => test.holds(&t.currency),
            Self::Text { field, test } => field.of(t).is_some_and(|text| test.holds(text)),
            Self::Whole { field, test } => {
                field.of(t, amount).is_some_and(|value| test.holds(&value))
            }
            Self::Attribute { name, test } => t
                .attributes
                .get(name)
                .is_some_and(|value| test.holds_by(|literal| literal.compare(value))),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag { flag, holds: true } => write!(f, "{flag}"),
            Self::Flag { flag, holds: false } => write!(f, "not {flag}"),
            Self::Word { field, test } => {
                write!(f, "{field}")?;
                test.write(f, |f, code| f.write_str(field.spelling(*code)))
            }
            Self::Country { field, test } => {
                write!(f, "{field}")?;
                test.write(f, |f, country| write!(f, "{country}"))
            }
            Self::Currency { test } => {
                f.write_str(CURRENCY)?;
                test.write(f, |f, currency| write!(f, "{currency}"))
            }
            Self::Text { field, test } => {
                write!(f, "{field}")?;
                test.write(f, |f, text| write_word(f, text, is_bare(text)))
            }
            Self::Whole { field, test } => {
                write!(f, "{field}")?;
                test.write(f, |f, value| field.write(f, *value))
            }
            Self::Attribute { name, test } => {
                f.write_str(crate::field::ATTRIBUTE_PREFIX)?;
                write_word(f, name, is_bare(name))?;
                test.write(f, |f, literal| write!(f, "{literal}"))
            }
        }
    }
}

/// The field `currency`.
pub(super) const CURRENCY: &str = "currency";

/// Whether a text is one bare word of the grammar.
fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_bare_letter)
}

/// Whether a letter may stand in a bare word.
pub(super) fn is_bare_letter(letter: char) -> bool {
    let special = matches!(
        letter,
        '[' | ']' | ',' | '=' | '!' | '<' | '>' | '"' | '\'' | '\\'
    );
    !special && !letter.is_whitespace() && !letter.is_control()
}

fn write_word(f: &mut fmt::Formatter<'_>, text: &str, bare: bool) -> fmt::Result {
    if bare {
        return f.write_str(text);
    }
    f.write_str("\"")?;
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{letter}")?;
    }
    f.write_str("\"")
}

vocabulary! {
    /// A field that holds a word of a closed list.
    WordField {
        EventType = 1, "event_type";
        CardBrand = 2, "card_brand";
        CardFunding = 3, "card_funding";
        Channel = 4, "channel";
        EntryMode = 5, "entry_mode";
        AvsResult = 6, "avs_result";
        CvvResult = 7, "cvv_result";
        ThreeDs = 8, "three_ds";
    }
}

impl WordField {
    fn code_of(self, t: &Transaction) -> Option<u8> {
        match self {
            Self::EventType => Some(t.event_type.code()),
            Self::CardBrand => t.card_brand.map(CardBrand::code),
            Self::CardFunding => t.card_funding.map(CardFunding::code),
            Self::Channel => t.channel.map(Channel::code),
            Self::EntryMode => t.entry_mode.map(EntryMode::code),
            Self::AvsResult => t.avs_result.map(CheckResult::code),
            Self::CvvResult => t.cvv_result.map(CheckResult::code),
            Self::ThreeDs => t.three_ds.map(ThreeDs::code),
        }
    }

    /// The words of the field with their codes.
    pub(super) fn words(self) -> Vec<(&'static str, u8)> {
        macro_rules! words {
            ($list:ident) => {
                $list::ALL
                    .iter()
                    .map(|word| (word.as_str(), word.code()))
                    .collect()
            };
        }
        match self {
            Self::EventType => words!(EventType),
            Self::CardBrand => words!(CardBrand),
            Self::CardFunding => words!(CardFunding),
            Self::Channel => words!(Channel),
            Self::EntryMode => words!(EntryMode),
            Self::AvsResult | Self::CvvResult => words!(CheckResult),
            Self::ThreeDs => words!(ThreeDs),
        }
    }

    fn spelling(self, code: u8) -> &'static str {
        let words = self.words();
        let found = words.iter().find(|(_, have)| *have == code);
        // Codes come from `words` alone.
        found.map_or("unknown", |(word, _)| word)
    }
}

vocabulary! {
    /// A field that holds a country.
    CountryField {
        Card = 1, "card_country";
        Merchant = 2, "merchant_country";
        Counterparty = 3, "counterparty_country";
        Billing = 4, "billing_country";
        Shipping = 5, "shipping_country";
    }
}

impl CountryField {
    fn of(self, t: &Transaction) -> Option<Country> {
        match self {
            Self::Card => t.card_country,
            Self::Merchant => t.merchant_country,
            Self::Counterparty => t.counterparty_country,
            Self::Billing => t.billing_country,
            Self::Shipping => t.shipping_country,
        }
    }
}

vocabulary! {
    /// A field that holds a text.
    TextField {
        MerchantId = 1, "merchant_id";
        CardBin = 2, "card_bin";
        EmailDomain = 3, "email_domain";
    }
}

impl TextField {
    fn of(self, t: &Transaction) -> Option<&Text> {
        match self {
            Self::MerchantId => t.merchant_id.as_ref().map(|id| &id.0),
            Self::CardBin => t.card_bin.as_ref(),
            Self::EmailDomain => t.email_domain.as_ref(),
        }
    }
}

vocabulary! {
    /// A field that holds a whole number.
    WholeField {
        /// Minor units of the reference currency.
        Amount = 1, "amount";
        Mcc = 2, "mcc";
        /// Of the payer's clock.
        Hour = 3, "hour";
        /// Of the payer's calendar, 0 on a Monday.
        Weekday = 4, "weekday";
    }
}

impl WholeField {
    fn of(self, t: &Transaction, amount: Option<i64>) -> Option<i64> {
        match self {
            Self::Amount => amount,
            Self::Mcc => t.mcc.map(i64::from),
            Self::Hour => Some(i64::from(hour(local_seconds(t)))),
            Self::Weekday => Some(i64::from(weekday(local_seconds(t)))),
        }
    }

    fn write(self, f: &mut fmt::Formatter<'_>, value: i64) -> fmt::Result {
        match self {
            Self::Amount if value % MAJOR == 0 => write!(f, "{}", value / MAJOR),
            Self::Amount => {
                let digits = AMOUNT_EXPONENT as usize;
                write!(f, "{}.{:0digits$}", value / MAJOR, value % MAJOR)
            }
            Self::Mcc => write!(f, "{value:04}"),
            Self::Hour | Self::Weekday => write!(f, "{value}"),
        }
    }
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Literal {
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(Real),
    /// A word; `true` and `false` stand for booleans too.
    Word(Text),
}

/// A finite number that no `i64` is equal to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Real(f64);

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Real {}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// 2^63: whole floats from its negative to below it are integers.
const INTEGER_END: f64 = 9_223_372_036_854_775_808.0;

impl Literal {
    /// A literal as it was written without quotes: a number where it reads as one.
    pub(super) fn of_bare(text: &str) -> Self {
        if let Ok(value) = text.parse() {
            return Self::Integer(value);
        }
        // What starts otherwise is a word: `inf`, `nan`, `.5`.
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.starts_with(|c: char| c.is_ascii_digit())
            && let Ok(value) = text.parse::<f64>()
            && value.is_finite()
        {
            return Self::of_number(value);
        }
        Self::Word(text.into())
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "whole and within i64 by the condition before it"
    )]
    fn of_number(value: f64) -> Self {
        if value.trunc() == value && (-INTEGER_END..INTEGER_END).contains(&value) {
            Self::Integer(value as i64)
        } else {
            Self::Real(Real(value))
        }
    }

    pub(super) fn is_word(&self) -> bool {
        matches!(self, Self::Word(_))
    }

    /// How an attribute compares to this; `None` where a word meets a number. Numbers compare by their
    /// exact values.
    fn compare(&self, value: &Scalar) -> Option<Ordering> {
        match (self, value) {
            (Self::Integer(literal), Scalar::Integer(value)) => Some(value.cmp(literal)),
            (Self::Integer(literal), Scalar::Number(value)) => {
                compare_mixed(*literal, *value).map(Ordering::reverse)
            }
            (Self::Real(literal), Scalar::Integer(value)) => compare_mixed(*value, literal.0),
            (Self::Real(literal), Scalar::Number(value)) => value.partial_cmp(&literal.0),
            (Self::Word(literal), Scalar::Text(value)) => Some(value.cmp(literal)),
            (Self::Word(literal), Scalar::Boolean(value)) => {
                Some((if *value { "true" } else { "false" }).cmp(literal.as_str()))
            }
            (Self::Word(_), _) | (_, Scalar::Text(_) | Scalar::Boolean(_)) => None,
        }
    }
}

/// Compares a whole number with a float by their exact values.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the integer part lies within i64 by the conditions before it"
)]
fn compare_mixed(whole: i64, number: f64) -> Option<Ordering> {
    if number.is_nan() {
        return None;
    }
    if number >= INTEGER_END {
        return Some(Ordering::Less);
    }
    if number < -INTEGER_END {
        return Some(Ordering::Greater);
    }
    let below = number.floor();
    let fraction_above = if number > below {
        Ordering::Less
    } else {
        Ordering::Equal
    };
    Some(whole.cmp(&(below as i64)).then(fraction_above))
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            // With an exponent where it is short: hundreds of zeros would not fit a literal.
            Self::Real(value) => write!(f, "{:?}", value.0),
            Self::Word(text) => {
                let bare = is_bare(text) && Self::of_bare(text).is_word();
                write_word(f, text, bare)
            }
        }
    }
}
