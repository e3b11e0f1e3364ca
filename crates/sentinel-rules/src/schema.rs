//! Schema: what a rule may read, and of which type it is.
//!
//! Promises one meaning per name: the transaction's own names come first, then the features in the order
//! of the row; a feature that is called like a name of the transaction cannot be read by a rule.

use std::collections::BTreeMap;
use std::fmt;

use sentinel_domain::Text;

use crate::transaction_name::{Read, TRANSACTION_NAMES, TransactionName};

/// The type of a value in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// A 64-bit floating-point number. Amounts are in major units of the reference currency.
    Number,
    /// A text, compared byte for byte.
    Text,
    /// True or false; never missing.
    Boolean,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Boolean => "true or false",
        })
    }
}

/// Where a named value stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    /// The slot of a feature row.
    Feature(usize),
    /// The transaction itself.
    Own(&'static TransactionName),
}

/// What rules may read: the transaction's own names and a set of features.
#[derive(Debug, Clone)]
pub struct Schema {
    entries: BTreeMap<Text, Entry>,
}

impl Schema {
    /// The transaction's own names plus the features of a row, in the order of its slots. Every feature
    /// is a number, and missing where its slot is NaN or beyond the end of the row.
    pub fn new(features: &[&str]) -> Self {
        let mut entries: BTreeMap<Text, Entry> = TRANSACTION_NAMES
            .iter()
            .map(|own| (Text::from(own.name), Entry::Own(own)))
            .collect();
        for (slot, name) in features.iter().enumerate() {
            entries
                .entry(Text::from(*name))
                .or_insert(Entry::Feature(slot));
        }
        Self { entries }
    }

    /// Every name with its type, sorted.
    pub fn names(&self) -> impl Iterator<Item = (&str, Type)> {
        let entries = self.entries.iter();
        entries.map(|(name, entry)| (name.as_str(), entry.type_of()))
    }

    /// The type of a name; `None` where there is no such name.
    pub fn type_of(&self, name: &str) -> Option<Type> {
        self.find(name).map(Entry::type_of)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Entry> {
        self.entries.get(name).copied()
    }

    /// The name that was probably meant; `None` where nothing is near.
    pub(crate) fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.entries.keys().map(Text::as_str))
    }
}

impl Entry {
    pub fn type_of(self) -> Type {
        match self {
            Self::Feature(_) => Type::Number,
            Self::Own(own) => match own.read {
                Read::Amount | Read::Category(_) => Type::Number,
                Read::Text(..) => Type::Text,
            },
        }
    }
}

/// The candidate with the fewest edits, at most a third of the name's length; the first of several.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let edits_max = (name.chars().count() / 3).clamp(1, 4);
    candidates
        .map(|candidate| (edits(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= edits_max)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, delete or replace to make `b` of `a`, upper and lower case alike (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    strsim::levenshtein(&a.to_ascii_lowercase(), &b.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        let cases = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("amout", "amount", 1),
            ("startswith", "startsWith", 0),
            ("kitten", "sitting", 3),
        ];
        for (a, b, expected) in cases {
            assert_eq!(edits(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let schema = Schema::new(&["account_count_1m", "account_count_1h"]);
        assert_eq!(schema.nearest("merchant_contry"), Some("merchant_country"));
        assert_eq!(
            schema.nearest("account_count_1min"),
            Some("account_count_1m")
        );
        assert_eq!(schema.nearest("weather"), None);
    }

    #[test]
    fn the_transactions_own_names_win_over_features() {
        let schema = Schema::new(&["amount", "speed", "speed", "channel"]);
        assert!(matches!(schema.find("amount"), Some(Entry::Own(_))));
        assert!(matches!(schema.find("speed"), Some(Entry::Feature(1))));
        assert_eq!(schema.type_of("channel"), Some(Type::Text));
        assert_eq!(schema.type_of("nothing"), None);
        assert_eq!(schema.names().count(), TRANSACTION_NAMES.len() + 1);
    }
}
