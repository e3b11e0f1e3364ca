//! A sample: rows of features by name, with what another program says of them.
//!
//! **Promises** the columns in the order that was asked for, and the line of a cell that is no number.
//! **Must never** hold more than [`VALUES_MAX`] numbers, or take a word for a number: missing is an empty
//! cell or one of a few spellings.

use std::path::Path;

use crate::commands::analyze::cells::{CellRows, Cells};
use crate::commands::usage;

/// The most numbers of a sample: half a gigabyte.
const VALUES_MAX: usize = 1 << 26;

/// How a missing value may be spelt, besides by an empty cell.
const MISSING: [&str; 6] = ["nan", "NaN", "NA", "null", "NULL", "None"];

/// Rows of numbers.
#[derive(Debug, Default)]
pub struct Sample {
    /// The features, row after row; not-a-number is missing.
    pub features: Vec<f64>,
    /// The margin, if there is a column of it.
    pub raw: Option<Vec<f64>>,
    /// The probability, if there is a column of it.
    pub prediction: Option<Vec<f64>>,
    /// Whether each row is fraud, if there is a column of it.
    pub fraud: Option<Vec<bool>>,
    /// How many rows.
    pub rows: usize,
    /// How many values an f32 cannot hold: the engine rounds them, the other program may not.
    pub rounded: usize,
}

/// The places of the columns.
struct Columns {
    features: Vec<usize>,
    raw: Option<usize>,
    prediction: Option<usize>,
    label: Option<usize>,
}

impl Sample {
    /// Reads the features, and `raw`, `prediction` and the label where they are there.
    pub fn read(path: &Path, features: &[String], label: Option<&str>) -> anyhow::Result<Self> {
        let mut keys: Vec<&str> = features.iter().map(String::as_str).collect();
        keys.extend(["raw", "prediction"]);
        keys.extend(label);
        let mut table = CellRows::open(path, &keys)?;
        let place = |name: &str| table.columns().iter().position(|column| column == name);
        let columns = Columns {
            features: features
                .iter()
                .map(|name| {
                    place(name)
                        .ok_or_else(|| usage(format!("{} has no column {name:?}", path.display())))
                })
                .collect::<anyhow::Result<_>>()?,
            raw: place("raw"),
            prediction: place("prediction"),
            label: label.and_then(place),
        };
        if let (Some(name), None) = (label, columns.label) {
            return Err(usage(format!("{} has no column {name:?}", path.display())));
        }
        let mut sample = Self {
            raw: columns.raw.map(|_| Vec::new()),
            prediction: columns.prediction.map(|_| Vec::new()),
            fraud: columns.label.map(|_| Vec::new()),
            ..Self::default()
        };
        let mut fault = None;
        table.each(&mut |cells| {
            if fault.is_none() {
                fault = sample.take(cells, &columns).err();
            }
        })?;
        if let Some(problem) = fault {
            let row = sample.rows + 1;
            return Err(usage(format!("{}, row {row}: {problem}", path.display())));
        }
        if table.broken > 0 {
            let broken = table.broken;
            return Err(usage(format!(
                "{}: {broken} rows do not fit the header",
                path.display()
            )));
        }
        if sample.rows == 0 {
            return Err(usage(format!("{} has no rows", path.display())));
        }
        Ok(sample)
    }

    fn take(&mut self, cells: &Cells<'_>, columns: &Columns) -> Result<(), String> {
        if self.features.len() + columns.features.len() > VALUES_MAX {
            return Err(format!("a sample holds at most {VALUES_MAX} values"));
        }
        for place in &columns.features {
            let value = number(cells.get(*place))?;
            #[allow(clippy::cast_possible_truncation, reason = "that is what is asked")]
            let single = f64::from(value as f32);
            self.rounded += usize::from(!value.is_nan() && single != value);
            self.features.push(value);
        }
        for (values, place) in [
            (&mut self.raw, columns.raw),
            (&mut self.prediction, columns.prediction),
        ] {
            if let (Some(values), Some(place)) = (values, place) {
                values.push(number(cells.get(place))?);
            }
        }
        if let (Some(fraud), Some(place)) = (&mut self.fraud, columns.label) {
            fraud.push(match cells.get(place) {
                Some("1" | "1.0" | "true" | "True") => true,
                None | Some("0" | "0.0" | "false" | "False") => false,
                Some(other) => return Err(format!("{other:?} is no label: 1 or 0")),
            });
        }
        self.rows += 1;
        Ok(())
    }
}

fn number(cell: Option<&str>) -> Result<f64, String> {
    match cell {
        None => Ok(f64::NAN),
        Some(word) if MISSING.contains(&word) => Ok(f64::NAN),
        Some("true" | "True") => Ok(1.0),
        Some("false" | "False") => Ok(0.0),
        Some(word) => word
            .parse()
            .map_err(|_| format!("{word:?} is no number; categories are given by their codes")),
    }
}
