//! Lists: named sets of values that rules may ask for, each value with an end and a reason where it has them.
//!
//! The file is TOML: `name`, `version`, then one `[[list]]` after another:
//!
//! ```toml
//! name = "desk"
//! version = 1
//!
//! [[list]]
//! name = "blocked_cards"           # snake_case, unique; what rules call it
//! description = "Cards reported as stolen."
//! entries = [
//!   { value = "card-17" },
//!   { value = "card-18", expires_at = "2027-01-01T00:00:00Z", reason = "lost in the post" },
//! ]
//! ```
//!
//! A value counts until the log time of its end. A list that is not there is empty, so rules may be written before the
//! first value is. Must never depend on the order of the file: equal sets answer alike.

use std::collections::BTreeMap;

use sentinel_domain::Instant;
use serde::Deserialize;
use toml::Spanned;

use crate::diagnostic::Diagnostic;
use crate::rule_set::{check_name, check_version};
use crate::source::{Fault, Source};

/// The most lists.
pub const LISTS_MAX: usize = 1_000;

/// The most values of all lists together.
pub const VALUES_MAX: usize = 1_000_000;

/// The longest value, in bytes.
const VALUE_BYTES_MAX: usize = 256;

/// Lists by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    lists: BTreeMap<String, List>,
}

/// No lists at all.
pub static NO_LISTS: Lists = Lists {
    lists: BTreeMap::new(),
};

/// One list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// What it is for.
    pub description: String,
    /// Its values.
    pub values: BTreeMap<String, Listed>,
}

/// What is known of a value in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// From this log time on it is in the list no longer.
    pub expires_at: Option<Instant>,
    /// Why it is there.
    pub reason: Option<String>,
}

impl Lists {
    /// Reads a file. `Err` holds every fault that was found, in the order of the file.
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let source = Source::new(text);
        let file: File = toml::from_str(text).map_err(|error| vec![source.of_toml(&error)])?;
        let mut diagnostics = Vec::new();
        diagnostics.extend(check_name(&source, &file.name));
        diagnostics.extend(check_version(&source, &file.version));
        let mut lists = BTreeMap::new();
        let mut values = 0;
        for (at, table) in file.list.iter().enumerate() {
            let span = table.name.span();
            diagnostics.extend(check_name(&source, &table.name));
            values += table.entries.len();
            if at == LISTS_MAX || values > VALUES_MAX {
                let message =
                    format!("more than {LISTS_MAX} lists, or {VALUES_MAX} values in all of them");
                diagnostics.push(source.diagnostic(Fault::new(span, message)));
                break;
            }
            let list = list_of(&source, table, &mut diagnostics);
            if lists.insert(table.name.get_ref().clone(), list).is_some() {
                let message = format!("there is a list `{}` before", table.name.get_ref());
                diagnostics.push(source.diagnostic(Fault::new(span, message)));
            }
        }
        if diagnostics.is_empty() {
            return Ok(Self { lists });
        }
        diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        Err(diagnostics)
    }

    /// The lists by their names, in the order of these.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &List)> {
        self.lists.iter().map(|(name, list)| (name.as_str(), list))
    }

    /// Whether a value is in a list at a log time.
    pub fn contains(&self, list: &str, value: &str, log_time: Instant) -> bool {
        let listed = self.lists.get(list).and_then(|list| list.values.get(value));
        listed.is_some_and(|listed| listed.expires_at.is_none_or(|end| log_time < end))
    }
}

fn list_of(source: &Source<'_>, table: &ListTable, diagnostics: &mut Vec<Diagnostic>) -> List {
    let mut values = BTreeMap::new();
    for entry in &table.entries {
        let span = entry.value.span();
        let mut fault = |message: String| {
            diagnostics.push(source.diagnostic(Fault::new(span.clone(), message)));
        };
        let value = entry.value.get_ref();
        if value.is_empty() || value.len() > VALUE_BYTES_MAX {
            fault(format!("a value has 1 to {VALUE_BYTES_MAX} bytes"));
        }
        let expires_at = entry.expires_at.as_deref().map(Instant::parse_rfc3339);
        if expires_at == Some(None) {
            fault("`expires_at` is no instant such as 2027-01-01T00:00:00Z".to_owned());
        }
        let listed = Listed {
            expires_at: expires_at.flatten(),
            reason: entry.reason.clone(),
        };
        if values.insert(value.clone(), listed).is_some() {
            fault("the list has this value before".to_owned());
        }
    }
    List {
        description: table.description.clone(),
        values,
    }
}

/// The shape of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    version: Spanned<u32>,
    #[serde(default)]
    list: Vec<ListTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListTable {
    name: Spanned<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    entries: Vec<EntryTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryTable {
    value: Spanned<String>,
    expires_at: Option<String>,
    reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESK: &str = r#"
name = "desk"
version = 3

[[list]]
name = "blocked_cards"
description = "Cards reported as stolen."
entries = [
  { value = "card-17" },
  { value = "card-18", expires_at = "2027-01-01T00:00:00Z", reason = "lost" },
]

[[list]]
name = "watched"
"#;

    fn at(text: &str) -> Instant {
        Instant::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_value_counts_until_its_end_and_a_list_that_is_not_there_is_empty() {
        let lists = Lists::parse(DESK).unwrap();
        let before = at("2026-12-31T23:59:59Z");
        let end = at("2027-01-01T00:00:00Z");
        assert!(lists.contains("blocked_cards", "card-17", end));
        assert!(lists.contains("blocked_cards", "card-18", before));
        assert!(!lists.contains("blocked_cards", "card-18", end));
        assert!(!lists.contains("blocked_cards", "card-1", before));
        assert!(!lists.contains("watched", "card-17", before));
        assert!(!lists.contains("nowhere", "card-17", before));
        assert!(!NO_LISTS.contains("blocked_cards", "card-17", before));
        let names: Vec<&str> = lists.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["blocked_cards", "watched"]);
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let faulty = DESK
            .replace("name = \"watched\"", "name = \"blocked_cards\"")
            .replace("2027-01-01T00:00:00Z", "soon")
            .replace("card-17", "card-18");
        let told: Vec<(usize, String)> = Lists::parse(&faulty)
            .unwrap_err()
            .into_iter()
            .map(|one| (one.line, one.message))
            .collect();
        let lines: Vec<usize> = told.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [10, 10, 14], "{told:?}");
        assert!(Lists::parse("name = \"a\"\nversion = 1\nlists = 1\n").is_err());
    }
}
