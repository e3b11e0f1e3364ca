//! A mapping fitted to a table: columns by number, ready to read rows.
//!
//! The work that is the same for every row is done once: columns are looked up, constants are set in a
//! draft that each row starts from, the exponent of a constant currency is known.

use compact_str::CompactString;
use sentinel_domain::{
    Currency, Draft, Field, Rejection, RejectionCode as Code, Transaction, Value,
};

use crate::mapping::decimal::{Decimal, Fault, Rounding};
use crate::mapping::{Feature, FeatureKind, How, Mapping, MappingError, Rule, Words};

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The number of the data row, from 0.
    pub number: u64,
    /// What the cells are cut from.
    pub text: &'a str,
    /// The cells in the order of the columns.
    pub cells: &'a [Cell],
}

/// Where a cell lies in the text of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Cell {
    /// A cell that is not there at all, as a key that an object lacks.
    pub const ABSENT: Self = Self { start: 1, end: 0 };
}

/// A mapping with the columns of one table.
#[derive(Debug, Clone)]
pub struct BoundMapping {
    /// By number, all columns of the header; for objects the keys that are read.
    columns: Vec<String>,
    missing: Vec<String>,
    /// Constants are set in it already.
    prototype: Draft,
    /// Currencies first: how many decimals an amount has is known only then.
    rules: Vec<Rule<usize>>,
    features: Vec<BoundFeature>,
    label: Option<(usize, Vec<String>)>,
    /// Decimals of the currency and of the billing currency, where they are constants.
    exponents: Exponents,
}

#[derive(Debug, Clone, Copy, Default)]
struct Exponents {
    amount: Option<u32>,
    billing: Option<u32>,
}

#[derive(Debug, Clone)]
struct BoundFeature {
    name: CompactString,
    column: usize,
    kind: FeatureKind,
}

/// Fits a mapping to a header.
pub(super) fn bind(mapping: &Mapping, header: &[&str]) -> Result<BoundMapping, MappingError> {
    let columns = header.iter().map(|&column| column.to_owned()).collect();
    fit(mapping, columns, |key, line, column| {
        let mut found = header
            .iter()
            .enumerate()
            .filter(|(_, have)| **have == column);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (Some(_), Some(_)) => Err(MappingError::RepeatedColumn {
                column: column.to_owned(),
            }),
            (None, _) => Err(MappingError::absent_column(key, line, column, header)),
        }
    })
}

/// Fits a mapping to objects: each key it reads gets a number, sorted so that a key is found by search.
pub(super) fn bind_keys(mapping: &Mapping) -> Result<BoundMapping, MappingError> {
    let mut keys: Vec<String> = Vec::new();
    fit(mapping, Vec::new(), |_, _, column| {
        keys.push(column.to_owned());
        Ok(0)
    })?;
    keys.sort_unstable();
    keys.dedup();
    let known = keys.clone();
    fit(mapping, keys, |key, line, column| {
        let at = known
            .binary_search_by(|have| have.as_str().cmp(column))
            .ok();
        at.ok_or_else(|| MappingError::absent_column(key, line, column, &[]))
    })
}

fn fit(
    mapping: &Mapping,
    columns: Vec<String>,
    mut find: impl FnMut(&str, usize, &str) -> Result<usize, MappingError>,
) -> Result<BoundMapping, MappingError> {
    let mut rules = Vec::with_capacity(mapping.rules.len());
    for rule in &mapping.rules {
        let how = rule.how.bind(|column| find(&rule.key, rule.line, column))?;
        rules.push(Rule {
            field: rule.field,
            key: rule.key.clone(),
            line: rule.line,
            how,
        });
    }
    rules.sort_by_key(|rule| !matches!(rule.field, Field::Currency | Field::BillingCurrency));
    let mut features = Vec::with_capacity(mapping.features.len());
    for Feature {
        name,
        column,
        kind,
        line,
    } in &mapping.features
    {
        let column = find(&format!("features.{name}"), *line, column)?;
        features.push(BoundFeature {
            name: name.as_str().into(),
            column,
            kind: *kind,
        });
    }
    let label = match &mapping.label {
        None => None,
        Some(label) => {
            let column = find("label.column", label.line, &label.column)?;
            Some((column, label.fraud.clone()))
        }
    };
    let mut prototype = Draft::new();
    let mut exponents = Exponents::default();
    for (field, text) in &mapping.constants {
        let set = prototype.set(*field, Value::Cell(text));
        assert!(
            set.is_ok(),
            "a constant was checked when the mapping was read"
        );
        exponents.learn(*field, text);
    }
    let missing = mapping.missing.clone();
    Ok(BoundMapping {
        columns,
        missing,
        prototype,
        rules,
        features,
        label,
        exponents,
    })
}

impl<C> How<C> {
    fn bind<D, E>(&self, mut find: impl FnMut(&C) -> Result<D, E>) -> Result<How<D>, E>
    where
        C: Clone,
    {
        Ok(match self {
            Self::Cell { column, words } => How::Cell {
                column: find(column)?,
                words: words.clone(),
            },
            Self::Template(template) => How::Template(template.bind(find)?),
            Self::MajorAmount { column, rounding } => How::MajorAmount {
                column: find(column)?,
                rounding: *rounding,
            },
            Self::Time { column, rule } => How::Time {
                column: find(column)?,
                rule: rule.clone(),
            },
            Self::Degrees { column } => How::Degrees {
                column: find(column)?,
            },
        })
    }
}

impl Exponents {
    /// Remembers the decimals of a currency.
    fn learn(&mut self, field: Field, text: &str) {
        let slot = match field {
            Field::Currency => &mut self.amount,
            Field::BillingCurrency => &mut self.billing,
            _ => return,
        };
        *slot = Currency::parse(text).map(|currency| currency.exponent());
    }

    /// The decimals of an amount, with the field that gives them.
    fn of(&self, field: Field) -> (Option<u32>, Field) {
        match field {
            Field::BillingAmountMinor => (self.billing, Field::BillingCurrency),
            _ => (self.amount, Field::Currency),
        }
    }
}

impl Words {
    /// The canonical word for a cell; `None` where the field stays absent.
    fn translate<'a>(&'a self, cell: &'a str, missing: bool) -> Option<&'a str> {
        let at = self
            .listed
            .binary_search_by(|(word, _)| word.as_str().cmp(cell));
        let meant = match at.ok().and_then(|at| self.listed.get(at)) {
            Some((_, meant)) => meant,
            None if missing => return None,
            None => self.other.as_deref().unwrap_or(cell),
        };
        (!meant.is_empty()).then_some(meant)
    }
}

impl BoundMapping {
    /// The columns of the header by number; for objects the keys that are read, sorted.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Reads one row: the transaction, and whether the table says that it was fraud. A rejection names
    /// the field and the column. `scratch` is reused between rows.
    pub fn read(
        &self,
        row: &Row<'_>,
        scratch: &mut String,
    ) -> Result<(Box<Transaction>, bool), Rejection> {
        let mut draft = self.prototype.clone();
        let mut exponents = self.exponents;
        for rule in &self.rules {
            self.set(&mut draft, &mut exponents, rule, row, scratch)
                .map_err(|rejection| self.with_column(rejection, rule))?;
        }
        for feature in &self.features {
            self.set_feature(&mut draft, feature, row)?;
        }
        let fraud = self.label.as_ref().is_some_and(|(column, words)| {
            row.cell(*column)
                .is_some_and(|cell| words.iter().any(|word| word == cell))
        });
        match draft.finish() {
            Ok(transaction) => Ok((Box::new(transaction), fraud)),
            Err(rejection) => {
                let named = |rule: &&Rule<usize>| rule.field.as_str() == rejection.field;
                Err(match self.rules.iter().find(named) {
                    Some(rule) => self.with_column(rejection, rule),
                    None => rejection,
                })
            }
        }
    }

    fn set(
        &self,
        draft: &mut Draft,
        exponents: &mut Exponents,
        rule: &Rule<usize>,
        row: &Row<'_>,
        scratch: &mut String,
    ) -> Result<(), Rejection> {
        let field = rule.field;
        match &rule.how {
            How::Cell { column, words } => {
                let cell = row.cell(*column);
                let meant = cell.and_then(|cell| words.translate(cell, self.is_missing(cell)));
                if let Some(meant) = meant {
                    draft.set(field, Value::Cell(meant))?;
                    exponents.learn(field, meant);
                }
                Ok(())
            }
            How::Template(template) => {
                if template.render(row.number, |column| self.present(row, *column), scratch) {
                    draft.set(field, Value::Cell(scratch))?;
                    exponents.learn(field, scratch);
                }
                Ok(())
            }
            How::MajorAmount { column, rounding } => match self.present(row, *column) {
                None => Ok(()),
                Some(cell) => {
                    let minor = minor_units(field, cell, *exponents, *rounding)?;
                    draft.set(field, Value::Integer(minor))
                }
            },
            How::Time { column, rule } => match self.present(row, *column) {
                None => Ok(()),
                Some(cell) => {
                    let micros = rule.micros(cell).map_err(|detail| {
                        Rejection::new(Code::WrongType, field.as_str(), detail)
                    })?;
                    draft.set(field, Value::Integer(micros))
                }
            },
            How::Degrees { column } => match self.present(row, *column) {
                None => Ok(()),
                Some(cell) => draft.set(field, Value::Integer(degrees_e7(field, cell)?)),
            },
        }
    }

    fn set_feature(
        &self,
        draft: &mut Draft,
        feature: &BoundFeature,
        row: &Row<'_>,
    ) -> Result<(), Rejection> {
        let Some(cell) = self.present(row, feature.column) else {
            return Ok(());
        };
        match feature.kind {
            FeatureKind::Categorical => draft.set_attribute(&feature.name, Value::Text(cell)),
            FeatureKind::AsItLooks => draft.set_attribute(&feature.name, Value::Cell(cell)),
            FeatureKind::Numeric => match cell.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => {
                    draft.set_attribute(&feature.name, Value::Number(number))
                }
                _ => {
                    let field = format!("attributes.{}", feature.name);
                    let detail = format!("is the text {}, expected a number", quoted(cell));
                    Err(Rejection::new(Code::WrongType, field, detail))
                }
            },
        }
    }

    /// An empty cell is always missing: no field can be empty text.
    fn is_missing(&self, cell: &str) -> bool {
        cell.is_empty() || self.missing.iter().any(|missing| missing == cell)
    }

    /// The cell, where it does not stand for a missing value.
    fn present<'a>(&self, row: &Row<'a>, column: usize) -> Option<&'a str> {
        row.cell(column).filter(|cell| !self.is_missing(cell))
    }

    /// The same rejection, with the place in the table it came from.
    fn with_column(&self, mut rejection: Rejection, rule: &Rule<usize>) -> Rejection {
        let column = match &rule.how {
            How::Template(_) => None,
            How::Cell { column, .. }
            | How::MajorAmount { column, .. }
            | How::Time { column, .. }
            | How::Degrees { column } => self.columns.get(*column),
        };
        match column {
            Some(column) if *column == rejection.field => {}
            Some(column) => rejection.detail.push_str(&format!(" (column {column:?})")),
            None => rejection.detail.push_str(&format!(" ({})", rule.key)),
        }
        rejection
    }
}

impl<'a> Row<'a> {
    /// The text of a cell; `None` where there is no such cell.
    pub fn cell(&self, column: usize) -> Option<&'a str> {
        let Cell { start, end } = *self.cells.get(column)?;
        self.text.get(start..end)
    }
}

fn minor_units(
    field: Field,
    cell: &str,
    exponents: Exponents,
    rounding: Rounding,
) -> Result<i64, Rejection> {
    let reject = |code, detail| Err(Rejection::new(code, field.as_str(), detail));
    let (exponent, currency) = exponents.of(field);
    let Some(exponent) = exponent else {
        let detail = format!("is required to read {field} in its units");
        return Err(Rejection::new(
            Code::MissingField,
            currency.as_str(),
            detail,
        ));
    };
    let Some(decimal) = Decimal::parse(cell) else {
        let detail = format!("is the text {}, expected a decimal number", quoted(cell));
        return reject(Code::WrongType, detail);
    };
    match decimal.times(10_i64.pow(exponent), rounding) {
        Ok(minor) => Ok(minor),
        Err(Fault::TooLarge) => reject(Code::OutOfRange, format!("is {}, too large", quoted(cell))),
        Err(Fault::TooFine) => {
            let detail = format!(
                "is {}, but the currency has {exponent} decimals; rounding = \"half_even\" in the \
                 mapping would round it",
                quoted(cell)
            );
            reject(Code::WrongType, detail)
        }
    }
}

fn degrees_e7(field: Field, cell: &str) -> Result<i64, Rejection> {
    let scaled =
        Decimal::parse(cell).and_then(|decimal| decimal.times(10_000_000, Rounding::HalfEven).ok());
    scaled.ok_or_else(|| {
        let detail = format!("is the text {}, expected decimal degrees", quoted(cell));
        Rejection::new(Code::WrongType, field.as_str(), detail)
    })
}

/// A cell for a message: quoted, control characters escaped, cut after 40 characters.
fn quoted(cell: &str) -> String {
    let short: String = cell.chars().take(40).collect();
    let more = if short.len() < cell.len() { "…" } else { "" };
    format!("{short:?}{more}")
}
