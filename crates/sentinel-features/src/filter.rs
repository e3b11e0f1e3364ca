//! Filters: a conjunction of `field op literal`, such as `channel = web and amount >= 100`.
//!
//! ```text
//! filter   = term { "and" term }                                  at most 16 terms
//! term     = flag | "not" flag | flag ("=" | "!=") ("true" | "false")
//!          | field op literal | field "in" "[" literal { "," literal } "]"    at most 64 literals
//! op       = "=" | "!=" | "<" | "<=" | ">" | ">="                 the last four for numbers
//! literal  = a bare word, a number, or a text in quotes
//! ```
//!
//! Amounts are written in major units of the reference currency with at most two decimals, and held in
//! minor units of a currency with two (USD, the default reference). `hour` (0 to 23) and `weekday`
//! (0 Monday to 6 Sunday) are the payer's. A [`Flag`] is worked out of several fields and is never
//! missing; a term over any other field that the transaction does not have is false, `!=` too.
//!
//! Promises that equal filters compare equal and print the same, and that what is printed reads as the
//! same filter. Matching allocates nothing. Must never hold state: whether an event passes depends on
//! the event and on what the caller says of the account's [earlier amounts](EarlierAmounts).

use std::fmt;

use sentinel_domain::transaction::{Channel, EntryMode, EventType};
use sentinel_domain::vocabulary;
use sentinel_domain::{Scalar, Transaction, transaction::CheckResult, transaction::ThreeDs};

use crate::local_time::{hour, local_seconds};

mod parse;
pub(crate) mod spelling;
mod term;

pub use parse::FilterError;
use term::Term;

vocabulary! {
    /// A yes or no that follows from several fields; no where they are not given.
    Flag {
        /// The security code does not match, 3-D Secure failed, or the attribute `auth_response` is
        /// something else than `00`, `0`, `approved` or `accepted`.
        Declined = 1, "declined";
        /// From midnight to six where the payer is.
        Night = 2, "night";
        /// The amount is a positive multiple of 100 major units.
        RoundAmount = 3, "round_amount";
        /// The amount is below 5 major units.
        SmallAmount = 4, "small_amount";
        /// The merchant's country is not the card's, or, where that is not given, the billing country.
        Foreign = 5, "foreign";
        /// Made from afar: on the web, in an app, by mail or telephone, by a machine interface, or with
        /// card data keyed, typed into a page or stored before.
        CardNotPresent = 6, "card_not_present";
        /// The amount is at most a tenth below 1,000, 3,000 or 10,000 major units.
        UnderLimit = 7, "under_limit";
        /// Cash, or made at a cash machine.
        Cash = 8, "cash";
        /// A transfer from account to account.
        Transfer = 9, "transfer";
        /// The amount is above three times the mean of the account's earlier amounts.
        HighAmount = 10, "high_amount";
    }
}

/// What an account paid before an event, as [`Flag::HighAmount`] asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EarlierAmounts {
    /// How many amounts there were.
    pub count: u64,
    /// What they add up to, minor units of the reference currency.
    pub sum: i64,
}

impl EarlierAmounts {
    /// Whether an amount is above three times their mean; no where there are none.
    fn are_far_below(self, amount: i64) -> bool {
        self.sum > 0 && i128::from(amount) * i128::from(self.count) > 3 * i128::from(self.sum)
    }
}

/// Decimal digits of the reference currency's minor unit, as amounts in filters are read and flags
/// judge them.
pub(crate) const AMOUNT_EXPONENT: u32 = 2;

/// Minor units in one major unit.
const MAJOR: i64 = 10_i64.pow(AMOUNT_EXPONENT);

/// The limits that splitting a payment stays just below, in minor units.
const LIMITS: [i64; 3] = [1_000 * MAJOR, 3_000 * MAJOR, 10_000 * MAJOR];

impl Flag {
    /// Whether it holds; `amount` is in minor units of the reference currency.
    pub fn holds(
        self,
        transaction: &Transaction,
        amount: Option<i64>,
        earlier: EarlierAmounts,
    ) -> bool {
        let t = transaction;
        match self {
            Self::Declined => is_declined(t),
            Self::Night => hour(local_seconds(t)) < 6,
            Self::RoundAmount => amount.is_some_and(|a| a > 0 && a % (100 * MAJOR) == 0),
            Self::SmallAmount => amount.is_some_and(|a| a < 5 * MAJOR),
            Self::Foreign => match (t.merchant_country, t.card_country.or(t.billing_country)) {
                (Some(merchant), Some(home)) => merchant != home,
                _ => false,
            },
            Self::CardNotPresent => {
                matches!(
                    t.channel,
                    Some(Channel::Web | Channel::App | Channel::Moto | Channel::Api)
                ) || matches!(
                    t.entry_mode,
                    Some(EntryMode::Manual | EntryMode::Ecommerce | EntryMode::CredentialOnFile)
                )
            }
            Self::UnderLimit => amount.is_some_and(|a| {
                let just_below = |limit: &i64| limit - limit / 10 <= a && a < *limit;
                LIMITS.iter().any(just_below)
            }),
            Self::Cash => t.event_type == EventType::Cash || t.channel == Some(Channel::Atm),
            Self::Transfer => t.event_type == EventType::Transfer,
            Self::HighAmount => amount.is_some_and(|amount| earlier.are_far_below(amount)),
        }
    }
}

/// The attribute that carries the issuer's answer, where the sender knows it.
const AUTH_RESPONSE: &str = "auth_response";

fn is_declined(transaction: &Transaction) -> bool {
    if transaction.cvv_result == Some(CheckResult::Mismatch)
        || transaction.three_ds == Some(ThreeDs::Failed)
    {
        return true;
    }
    match transaction.attributes.get(AUTH_RESPONSE) {
        Some(Scalar::Text(answer)) => !["00", "0", "approved", "accepted"]
            .iter()
            .any(|accepted| answer.eq_ignore_ascii_case(accepted)),
        Some(Scalar::Integer(answer)) => *answer != 0,
        Some(Scalar::Number(answer)) => *answer != 0.0,
        // Neither a word nor a number: nobody can say what it means.
        Some(Scalar::Boolean(_)) | None => false,
    }
}

/// Which events take part in a definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter {
    /// Terms, each of which must hold: sorted, none twice, at least one.
    terms: Vec<Term>,
}

/// The most terms of one filter.
pub const TERMS_MAX: usize = 16;

/// The most literals of one list.
pub const LITERALS_MAX: usize = 64;

/// The longest text of a literal, in bytes: as long as an attribute may be.
pub const LITERAL_BYTES_MAX: usize = 256;

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::terms(text).map(Self::of_terms)
    }

    /// The events for which a flag holds; what `Filter::parse(flag.as_str())` reads.
    pub fn of(flag: Flag) -> Self {
        Self::of_terms(vec![Term::Flag { flag, holds: true }])
    }

    fn of_terms(mut terms: Vec<Term>) -> Self {
        terms.sort();
        terms.dedup();
        Self { terms }
    }

    /// Whether the transaction passes; `amount` is in minor units of the reference currency.
    pub fn matches(
        &self,
        transaction: &Transaction,
        amount: Option<i64>,
        earlier: EarlierAmounts,
    ) -> bool {
        self.terms
            .iter()
            .all(|term| term.holds(transaction, amount, earlier))
    }

    /// Whether the answer depends on the account's earlier amounts.
    pub(crate) fn needs_earlier_amounts(&self) -> bool {
        let high =
            |term: &Term| matches!(term, Term::Flag { flag, .. } if *flag == Flag::HighAmount);
        self.terms.iter().any(high)
    }

    /// The flag that it is, where it is one that must hold and nothing else.
    pub(crate) fn only_flag(&self) -> Option<Flag> {
        match self.terms.as_slice() {
            [Term::Flag { flag, holds: true }] => Some(*flag),
            _ => None,
        }
    }

    /// The flags that must hold, for sentences.
    pub(crate) fn flags(&self) -> impl Iterator<Item = Flag> {
        self.terms.iter().filter_map(|term| match term {
            Term::Flag { flag, holds: true } => Some(*flag),
            _ => None,
        })
    }

    /// What else must hold, as it would be written; `None` where there is nothing else.
    pub(crate) fn beyond_flags(&self) -> Option<String> {
        let others = self.terms.iter();
        let others = others.filter(|term| !matches!(term, Term::Flag { holds: true, .. }));
        let written: Vec<String> = others.map(Term::to_string).collect();
        (!written.is_empty()).then(|| written.join(" and "))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, term) in self.terms.iter().enumerate() {
            if place > 0 {
                f.write_str(" and ")?;
            }
            write!(f, "{term}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
