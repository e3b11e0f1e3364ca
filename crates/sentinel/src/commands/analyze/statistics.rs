//! What is counted while the rows go by: sums, histograms and samples of bounded size.
//!
//! **Promises** that memory does not grow with the number of rows, and that the order of rows changes
//! nothing: counts and sums are integers, logarithms are summed in fixed point, samples follow from
//! hashes. The one exception is told where it happens: a column of more than
//! [`words::LEVELS_MAX`] levels lists those that it met first. **Must never** know where a row comes from.

pub mod amounts;
pub mod calendar;
pub mod numbers;
pub mod words;

use std::collections::BTreeMap;

use sentinel_domain::{RateTable, Rejection, Transaction};

use self::amounts::AmountCounts;
use self::calendar::Calendar;
use self::numbers::NumberCounts;
use self::words::WordCounts;
use crate::commands::analyze::distinct::Distinct;
use crate::commands::analyze::fields;

/// Clients kept at most.
const CLIENTS_MAX: usize = 65_536;

/// Names kept at most of every other kind of entity.
const ENTITIES_MAX: usize = 16_384;

/// Attributes of unmapped transactions told apart at most.
const ATTRIBUTES_MAX: usize = 256;

/// Rows, and how many of them are fraud.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub rows: u64,
    /// Those that are fraud.
    pub fraud: u64,
}

impl Tally {
    /// One more row.
    pub fn add(&mut self, fraud: bool) {
        self.rows += 1;
        self.fraud += u64::from(fraud);
    }

    /// The share of fraud; 0 where there is no row.
    pub fn fraud_rate(self) -> f64 {
        share(self.fraud, self.rows)
    }
}

/// A part of a whole, 0 of nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Rows that were refused for one reason.
#[derive(Debug, Clone)]
pub struct Refused {
    /// How many.
    pub rows: u64,
    /// The first of them: its line, and what was wrong there.
    pub first: (u64, String),
}

/// Everything that is counted.
pub struct Statistics {
    rates: RateTable,
    /// Transactions, and frauds among them.
    pub all: Tally,
    /// Those in which nothing speaks of a card, such as transfers.
    pub cardless: Tally,
    /// By code of the rejection.
    pub refused: BTreeMap<&'static str, Refused>,
    /// When.
    pub calendar: Calendar,
    /// How much.
    pub amounts: AmountCounts,
    /// Rows by account.
    pub clients: Distinct,
    /// Names of every other kind.
    pub entities: Vec<(&'static str, Distinct)>,
    /// Columns and fields that hold words, by name.
    pub words: BTreeMap<String, WordCounts>,
    /// Columns and attributes that hold numbers, by name.
    pub numbers: BTreeMap<String, NumberCounts>,
    /// Of each column or field the rows that have it, by name.
    pub present: BTreeMap<String, u64>,
    /// Attributes met after there were too many names.
    pub attributes_left_out: u64,
}

impl Statistics {
    /// Nothing counted yet; amounts are converted by these rates.
    pub fn new(rates: RateTable) -> Self {
        let entities = fields::ENTITIES
            .iter()
            .map(|field| (field.as_str(), Distinct::new(ENTITIES_MAX)))
            .collect();
        Self {
            rates,
            all: Tally::default(),
            cardless: Tally::default(),
            refused: BTreeMap::new(),
            calendar: Calendar::default(),
            amounts: AmountCounts::default(),
            clients: Distinct::new(CLIENTS_MAX),
            entities,
            words: BTreeMap::new(),
            numbers: BTreeMap::new(),
            present: BTreeMap::new(),
            attributes_left_out: 0,
        }
    }

    /// The currency of amounts.
    pub fn reference(&self) -> sentinel_domain::Currency {
        self.rates.reference()
    }

    /// Counts what every row has: time, amount, client, entities. Returns the amount in minor units of
    /// the reference currency, where there is a rate.
    pub fn add(&mut self, transaction: &Transaction, fraud: bool) -> Option<i64> {
        self.all.add(fraud);
        if !fields::has_card(transaction) {
            self.cardless.add(fraud);
        }
        self.calendar.add(transaction.event_time, fraud);
        let amount = self.rates.convert(transaction.judged_amount());
        self.amounts.add(amount, fraud);
        self.clients.add(transaction.account_id.as_str());
        for ((_, distinct), field) in self.entities.iter_mut().zip(fields::ENTITIES) {
            if let Some(name) = transaction.text(field) {
                distinct.add(name);
            }
        }
        amount
    }

    /// Counts the fields of a transaction that are words, and its attributes. `every` also counts which
    /// fields are there: for rows that have no columns of their own.
    pub fn add_fields(
        &mut self,
        transaction: &Transaction,
        (amount, fraud): (Option<i64>, bool),
        every: bool,
    ) {
        for field in fields::WORDS {
            self.word(field.as_str(), transaction.text(field), (amount, fraud));
        }
        let category = transaction.mcc.map(|mcc| format!("{mcc:04}"));
        self.word("mcc", category.as_deref(), (amount, fraud));
        if every {
            for (name, there) in fields::OPTIONAL {
                self.count_present(name, there(transaction));
            }
            self.add_attributes(transaction, (amount, fraud));
        }
    }

    fn add_attributes(&mut self, transaction: &Transaction, row: (Option<i64>, bool)) {
        use sentinel_domain::Scalar;
        for (name, value) in transaction.attributes.iter() {
            if !self.present.contains_key(name) && self.present.len() >= ATTRIBUTES_MAX {
                self.attributes_left_out += 1;
                continue;
            }
            self.count_present(name, true);
            match value {
                Scalar::Text(word) => self.word(name, Some(word), row),
                Scalar::Boolean(true) => self.word(name, Some("true"), row),
                Scalar::Boolean(false) => self.word(name, Some("false"), row),
                Scalar::Integer(number) => self.number(name, *number as f64),
                Scalar::Number(number) => self.number(name, *number),
            }
        }
    }

    /// Counts a cell of words. A word that is not there is counted at the end, from what is left.
    pub fn word(&mut self, name: &str, word: Option<&str>, row: (Option<i64>, bool)) {
        let Some(word) = word else { return };
        match self.words.get_mut(name) {
            Some(counts) => counts.add(word, row),
            None => {
                let counts = self.words.entry(name.to_owned()).or_default();
                counts.add(word, row);
            }
        }
    }

    /// Counts a cell of numbers.
    pub fn number(&mut self, name: &str, number: f64) {
        match self.numbers.get_mut(name) {
            Some(counts) => counts.add(number),
            None => self.numbers.entry(name.to_owned()).or_default().add(number),
        }
    }

    /// Counts whether a row has a column.
    pub fn count_present(&mut self, name: &str, there: bool) {
        match self.present.get_mut(name) {
            Some(count) => *count += u64::from(there),
            None => {
                self.present.insert(name.to_owned(), u64::from(there));
            }
        }
    }

    /// Counts a row that is no transaction.
    pub fn refuse(&mut self, row: u64, rejection: &Rejection) {
        let refused = self
            .refused
            .entry(rejection.code.as_str())
            .or_insert_with(|| Refused {
                rows: 0,
                first: (row, rejection.to_string()),
            });
        refused.rows += 1;
    }

    /// Rows that were refused.
    pub fn refused_rows(&self) -> u64 {
        self.refused.values().map(|refused| refused.rows).sum()
    }
}
