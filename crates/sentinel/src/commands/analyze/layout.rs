//! Which table it is, and what its columns are to be counted as.
//!
//! Three kinds: the layout of IEEE-CIS, told by its header; a table with a mapping of its own; and the
//! product's own transactions, whose columns are the fields. Names of IEEE-CIS that the product has words
//! of its own for are counted under those, so that profiles of all three compare.

use std::path::Path;

use anyhow::Context;
use sentinel_pipeline::intake::source::Format;
use sentinel_pipeline::mapping::{FeatureKind, LabelRule, Mapping};

use super::cells::CellRows;
use super::fields;
use crate::commands::run::load_mapping;

/// The mapping that ships for IEEE-CIS.
const IEEE_CIS: &str = include_str!("../../../../../fixtures/mappings/ieee-cis.toml");

/// Columns by which the layout is known.
const IEEE_CIS_MARKS: [&str; 4] = [
    "TransactionID",
    "TransactionDT",
    "TransactionAmt",
    "ProductCD",
];

/// Columns of IEEE-CIS, of both tables, that the product calls by another name.
const RENAMED: [(&str, &str); 7] = [
    ("ProductCD", "product"),
    ("card4", "card_brand"),
    ("card6", "card_funding"),
    ("P_emaildomain", "email_domain"),
    ("R_emaildomain", "recipient_email_domain"),
    ("DeviceType", "device_type"),
    ("DeviceInfo", "device_info"),
];

/// What kind of table it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The transaction table of IEEE-CIS.
    IeeeCis,
    /// Any table, through a mapping.
    Mapped,
    /// Transactions in the product's own fields.
    Canonical,
}

impl Kind {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IeeeCis => "IEEE-CIS",
            Self::Mapped => "mapped table",
            Self::Canonical => "canonical transactions",
        }
    }
}

/// What a column is counted as, beside whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// Words, under this name.
    Word(String),
    /// Numbers, under this name.
    Number(String),
    /// Nothing more.
    Presence,
}

/// A table before its rows are read.
pub struct Layout {
    /// What kind it is.
    pub kind: Kind,
    /// How its rows are read.
    pub mapping: Option<Mapping>,
    /// Where it says what is fraud.
    pub label: Option<LabelRule>,
    /// Cells that mean absent, beside empty ones.
    pub missing: Vec<String>,
    features: Vec<(String, Use)>,
}

impl Layout {
    /// The layout of a file: by its mapping, else by its header.
    pub fn of(path: &Path, mapping: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(mapping) = mapping {
            return Ok(Self::mapped(Kind::Mapped, load_mapping(mapping)?));
        }
        if is_ieee_cis(path)? {
            let mapping = Mapping::parse(IEEE_CIS).context("read the mapping that ships")?;
            return Ok(Self::mapped(Kind::IeeeCis, mapping));
        }
        Ok(Self {
            kind: Kind::Canonical,
            mapping: None,
            label: None,
            missing: Vec::new(),
            features: Vec::new(),
        })
    }

    fn mapped(kind: Kind, mapping: Mapping) -> Self {
        let as_used = |kind, name: &str| {
            let name = renamed(name).to_owned();
            match kind {
                FeatureKind::Categorical => Use::Word(name),
                _ => Use::Number(name),
            }
        };
        let features = mapping
            .features()
            .iter()
            .map(|feature| (feature.column.clone(), as_used(feature.kind, &feature.name)))
            // A field of this name is counted from the transaction itself.
            .filter(|(_, counted)| !matches!(counted, Use::Word(name) if fields::is_word(name)))
            .collect();
        let label = mapping.label().cloned();
        let missing = mapping.missing().to_vec();
        // Cells of a table are looked at as they stand. Of an object only mapped keys are seen, so there
        // the extras stay, and a number that is none costs its row.
        let objects = mapping.format() == Some(Format::JsonLines);
        let mapping = if objects {
            mapping
        } else {
            mapping.without_extras()
        };
        Self {
            kind,
            mapping: Some(mapping),
            label,
            missing,
            features,
        }
    }

    /// What each of these columns is counted as.
    pub fn uses(&self, columns: &[String]) -> Vec<Use> {
        columns.iter().map(|column| self.use_of(column)).collect()
    }

    fn use_of(&self, column: &str) -> Use {
        if self.kind == Kind::IeeeCis {
            return ieee_cis_use(column);
        }
        let found = self.features.iter().find(|(have, _)| have == column);
        found.map_or(Use::Presence, |(_, counted)| counted.clone())
    }

    /// Whether a cell says nothing.
    pub fn is_missing(&self, cell: &str) -> bool {
        cell.is_empty() || self.missing.iter().any(|missing| missing == cell)
    }
}

/// The product's name of a column.
fn renamed(column: &str) -> &str {
    let found = RENAMED.iter().find(|(theirs, _)| *theirs == column);
    found.map_or(column, |(_, ours)| ours)
}

/// What a column of either table is: brands and the like, M1 to M9 and id_12 to id_38 are words, distances,
/// C and D are numbers.
pub fn ieee_cis_use(column: &str) -> Use {
    let name = renamed(column);
    let number = |letter: char| {
        let digits = column.strip_prefix(letter)?;
        digits.parse::<u32>().ok()
    };
    let identity = || column.strip_prefix("id_")?.parse::<u32>().ok();
    if name != column || number('M').is_some() || identity().is_some_and(|number| number >= 12) {
        return Use::Word(name.to_owned());
    }
    if number('C').is_some() || number('D').is_some() || matches!(column, "dist1" | "dist2") {
        return Use::Number(column.to_owned());
    }
    Use::Presence
}

/// Whether a header is that of IEEE-CIS. A stream has no second start, so it is never looked at.
fn is_ieee_cis(path: &Path) -> anyhow::Result<bool> {
    let name = path.to_string_lossy();
    let plain = name.trim_end_matches(".zst").trim_end_matches(".gz");
    if !(plain.ends_with(".csv") || plain.ends_with(".parquet")) {
        return Ok(false);
    }
    let rows = CellRows::open(path, &[])?;
    Ok(IEEE_CIS_MARKS
        .iter()
        .all(|mark| rows.find(&[mark]).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_ieee_cis_are_words_numbers_or_merely_there() {
        let word = |name: &str| Use::Word(name.to_owned());
        for (column, expected) in [
            ("ProductCD", word("product")),
            ("card4", word("card_brand")),
            ("M4", word("M4")),
            ("id_31", word("id_31")),
            ("DeviceType", word("device_type")),
            ("D15", Use::Number("D15".to_owned())),
            ("dist2", Use::Number("dist2".to_owned())),
            ("V117", Use::Presence),
            ("id_02", Use::Presence),
            ("DeviceModel", Use::Presence),
            ("TransactionID", Use::Presence),
        ] {
            assert_eq!(ieee_cis_use(column), expected, "{column}");
        }
    }
}
