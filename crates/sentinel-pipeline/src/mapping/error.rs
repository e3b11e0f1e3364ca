//! Faults of a mapping: what is wrong, at which key and line, and what would be right.

use thiserror::Error;

use crate::intake::spelling;

/// Why a mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingError {
    /// The text is not TOML.
    #[error("read the mapping, line {line}: {detail}")]
    Syntax {
        /// The 1-based line.
        line: usize,
        /// What the parser says.
        detail: String,
    },
    /// A key that means nothing.
    #[error("read the mapping, line {line}: unknown key {key}{hint}")]
    UnknownKey {
        /// The 1-based line.
        line: usize,
        /// Section and key.
        key: String,
        /// What was meant, or what there is.
        hint: String,
    },
    /// A key whose value cannot be used, or that is missing.
    #[error("read the mapping, line {line}: {key} {detail}")]
    BadValue {
        /// The 1-based line.
        line: usize,
        /// Section and key.
        key: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A required field that nothing in the mapping gives.
    #[error("read the mapping: nothing gives {field}, which every transaction needs")]
    NothingGives {
        /// The field.
        field: &'static str,
    },
    /// A mapping names a column that the table does not have.
    #[error(
        "fit the mapping to the header: {key} (line {line}) names the column {column:?}, \
         which is not there{hint}; the columns are {}",
        list(columns)
    )]
    AbsentColumn {
        /// Section and key.
        key: String,
        /// The 1-based line of the mapping.
        line: usize,
        /// The column it names.
        column: String,
        /// What was probably meant.
        hint: String,
        /// The columns that are there.
        columns: Vec<String>,
    },
    /// A column that is needed stands in the header twice.
    #[error("fit the mapping to the header: the column {column:?} is there twice")]
    RepeatedColumn {
        /// The column.
        column: String,
    },
    /// A table without a mapping has a column that is no field.
    #[error(
        "read the header: the column {column:?} is not a field of a transaction{hint}; \
         other names and further columns need a mapping"
    )]
    ForeignColumn {
        /// The column.
        column: String,
        /// What was probably meant.
        hint: String,
    },
    /// A table without a mapping lacks required fields.
    #[error("read the header: there is no column {}", list(fields))]
    HeaderLacks {
        /// The fields that are missing.
        fields: Vec<String>,
    },
}

impl MappingError {
    pub(super) fn absent_column(key: &str, line: usize, column: &str, columns: &[&str]) -> Self {
        Self::AbsentColumn {
            key: key.to_owned(),
            line,
            column: column.to_owned(),
            hint: spelling::hint(column, columns.iter().copied()),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        }
    }
}

/// Names for a message, cut where a table has very many.
fn list(names: &[String]) -> String {
    const SHOWN_MAX: usize = 40;
    let shown = names.iter().take(SHOWN_MAX).map(String::as_str);
    let listed = shown.collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN_MAX) {
        None | Some(0) => listed,
        Some(more) => format!("{listed} and {more} more"),
    }
}
