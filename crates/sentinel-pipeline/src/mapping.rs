//! Mappings: how the columns of any table become canonical transactions, by configuration alone.
//!
//! **Enters:** a TOML text. **Leaves:** a [`Mapping`], and with the header of a table a
//! [`BoundMapping`] that reads rows. **Promises:** every fault of a mapping is found before the first
//! row and named by key and line; exact numbers (no floating point between a cell and an amount).
//! **Must never:** guess a column, or keep quiet about a key it does not know.
//!
//! ```toml
//! [source]
//! name = "shop"              # names the source; required
//! format = "csv"             # "csv" or "jsonl"; where left out, whatever the reader is told
//! delimiter = ";"            # csv only; one ASCII character, default ","
//! missing = ["NA", "nan"]    # cells that mean absent, beside empty ones
//!
//! [columns]                  # canonical field = column, taken as it stands
//! account_id = "customer"
//! channel = "kind"
//! [constants]                # canonical field = the same text for every row
//! currency = "EUR"
//! [templates]                # canonical field = text with {column}s and {row}, the data row from 0
//! event_id = "shop-{row}"
//!
//! [values.channel]           # words of the table = words of the field, for a field of [columns]
//! internet = "web"           # a word listed here counts even where `missing` lists it too,
//! phone = ""                 # an empty text leaves the field absent,
//! "*" = "pos"                # "*" stands for every other word that is not missing;
//!                            # without it a word that is not listed stands as it is
//!
//! [amount]                   # amount_minor; [billing_amount] alike
//! column = "total"
//! unit = "major"             # "minor": whole cents; "major": decimals of the row's currency
//! rounding = "reject"        # digits below the minor unit: "reject" (default) or "half_even"
//!
//! [time]                     # event_time; [account_opened_at] alike
//! column = "step"
//! unit = "hours"             # microseconds, milliseconds, seconds, minutes, hours, days: counted from
//! base = "2018-04-01T00:00:00Z"  # this instant (default 1970); or "rfc3339"; or "format" with
//! # format = "%d.%m.%Y %H:%M:%S"   # %Y %m %d %H %M %S %f
//!
//! [coordinates]              # lat_e7 and lon_e7 from decimal degrees
//! latitude = "lat"
//! longitude = "lon"
//!
//! [features]                 # further columns that join the feature row; others are ignored
//! age = "numeric"            # kept as the attribute "age"
//! segment = { column = "Customer Segment", kind = "categorical" }
//!
//! [label]                    # what the table knows about fraud
//! column = "is_fraud"
//! fraud = ["1", "true"]      # cells that say fraud; everything else says nothing
//! delay = "7d"               # known so long after the event: s, m, h, d; or "0"
//! source = "table"           # default "table"; else chargeback, issuer_alert, analyst, customer, rule
//! ```
//!
//! An entity that is the same for every row tells nothing apart, so it has no windows:
//! [`Mapping::constant_entities`] lists those fields.

use sentinel_domain::{Field, LabelSource};

use crate::intake::source::Format;
use crate::mapping::decimal::Rounding;
use crate::mapping::template::Template;
use crate::mapping::time::TimeRule;

pub mod error;
pub mod decimal;
pub mod template;
pub mod time;
mod document;
mod parse;
pub mod bind;

pub use bind::{BoundMapping, Cell, Row};
pub use error::MappingError;

/// How one table becomes transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    name: String,
    format: Option<Format>,
    delimiter: u8,
    missing: Vec<String>,
    constants: Vec<(Field, String)>,
    rules: Vec<Rule<String>>,
    features: Vec<Feature>,
    label: Option<LabelRule>,
}

/// How one field is made, over columns named, or numbered, by `C`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule<C> {
    field: Field,
    /// Where the mapping says so, for messages.
    key: String,
    line: usize,
    how: How<C>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How<C> {
    Cell { column: C, words: Words },
    Template(Template<C>),
    MajorAmount { column: C, rounding: Rounding },
    Time { column: C, rule: TimeRule },
    Degrees { column: C },
}

/// Words of a table and what they are in the canonical transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Words {
    /// Sorted by the table's word. An empty text means absent.
    listed: Vec<(String, String)>,
    other: Option<String>,
}

/// A column that joins the feature row as an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// The attribute's name.
    pub name: String,
    /// The column of the table.
    pub column: String,
    /// How its cells are to be read.
    pub kind: FeatureKind,
    line: usize,
}

/// How the cells of a feature are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureKind {
    /// As a number; anything else is refused.
    Numeric,
    /// As a word, digits too.
    Categorical,
    /// As a number where it looks like one, else as a word: a canonical table does not say.
    AsItLooks,
}

/// What a table knows about fraud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelRule {
    /// The column.
    pub column: String,
    /// The cells that say fraud.
    pub fraud: Vec<String>,
    /// How long after the event it became known, in microseconds.
    pub delay_micros: i64,
    /// Who is taken to have said so.
    pub source: LabelSource,
    line: usize,
}

/// Fields that name someone or something with a history of its own.
const ENTITIES: &[Field] = &[
    Field::AccountId,
    Field::CustomerId,
    Field::CardToken,
    Field::CardBin,
    Field::MerchantId,
    Field::Mcc,
    Field::TerminalId,
    Field::CounterpartyId,
    Field::DeviceId,
    Field::SessionId,
    Field::Ip,
    Field::EmailHash,
];

impl Mapping {
    /// Reads a mapping. A fault is named by key and line.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        parse::parse(text)
    }

    /// The mapping of a table whose columns are already named as the fields are; a column
    /// `attributes.NAME` is the attribute of that name, a number where its cell looks like one. `Err`
    /// lists a column that is no field, or a required field without a column.
    pub fn canonical(name: &str, header: &[&str]) -> Result<Self, MappingError> {
        parse::canonical(name, header)
    }

    /// Fits the mapping to the header of a table.
    pub fn bind(&self, header: &[&str]) -> Result<BoundMapping, MappingError> {
        bind::bind(self, header)
    }

    /// Fits the mapping to objects, whose keys come in any order and may be absent.
    pub fn bind_keys(&self) -> Result<BoundMapping, MappingError> {
        bind::bind_keys(self)
    }

    /// The name of the source.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The format of the table, where the mapping states one.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// What separates the cells of a CSV table.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The words that stand for a missing value, beside an empty cell.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The fields alone, neither features nor label: for a reader of a table that looks at the cells itself.
    pub fn without_extras(mut self) -> Self {
        self.features.clear();
        self.label = None;
        self
    }

    /// The same, with labels that are known so long after the event, in microseconds. Without a label rule
    /// nothing changes.
    pub fn with_label_delay(mut self, micros: i64) -> Self {
        if let Some(label) = &mut self.label {
            label.delay_micros = micros;
        }
        self
    }

    /// The columns that join the feature row, sorted by name.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// What the table knows about fraud.
    pub fn label(&self) -> Option<&LabelRule> {
        self.label.as_ref()
    }

    /// Fields that name an entity and are the same for every row: they have no windows.
    pub fn constant_entities(&self) -> Vec<Field> {
        let constant = |field: &Field| {
            let fixed = |rule: &Rule<String>| match &rule.how {
                How::Template(template) => rule.field == *field && template.constant(),
                _ => false,
            };
            self.constants.iter().any(|(have, _)| have == field) || self.rules.iter().any(fixed)
        };
        ENTITIES.iter().copied().filter(constant).collect()
    }
}

#[cfg(test)]
mod tests;
