//! Side tables (identities, labels) as named cells, whatever they name their columns.
//!
//! **Promises** the dialects of the main table, by the same readers: CSV, JSON lines, Parquet, compressed
//! or not; a line that cannot be cut is counted, never fatal. **Must never** hold more than one row.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use sentinel_pipeline::intake::csv::{CsvReader, Extent};
use sentinel_pipeline::intake::lines::{Found, LineReader};
use sentinel_pipeline::intake::object::ObjectReader;
use sentinel_pipeline::intake::source::Format;
use sentinel_pipeline::mapping::Cell;

use crate::commands::run::input::Input;
use crate::commands::usage;

/// The longest line, in bytes.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// The rows of a side table.
pub struct CellRows {
    name: String,
    lines: LineReader<Box<dyn Read + Send>>,
    rows: Rows,
    columns: Vec<String>,
    /// Rows that could not be cut into cells.
    pub broken: u64,
}

enum Rows {
    Table(Box<CsvReader>),
    Objects(ObjectReader),
}

/// One row: its text, and where each column's cell lies in it.
pub struct Cells<'a> {
    text: &'a str,
    cells: &'a [Cell],
}

impl<'a> Cells<'a> {
    /// The cell of a column; `None` where it is empty or not there.
    pub fn get(&self, column: usize) -> Option<&'a str> {
        let Cell { start, end } = *self.cells.get(column)?;
        self.text.get(start..end).filter(|cell| !cell.is_empty())
    }
}

impl CellRows {
    /// Opens a table. Objects have no header, so `keys` says which of theirs are wanted.
    pub fn open(path: &Path, keys: &[&str]) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        if path.is_dir() {
            return Err(usage(format!("{name} is a directory")));
        }
        let (reader, format) = Input::open(path)?.bytes();
        let mut lines = LineReader::new(reader);
        let (rows, columns) = match format {
            Format::JsonLines => {
                let mut keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
                keys.sort_unstable();
                (Rows::Objects(ObjectReader::default()), keys)
            }
            Format::Csv => {
                let mut csv = CsvReader::new(b',');
                let columns = header(&name, &mut lines, &mut csv)?;
                (Rows::Table(Box::new(csv)), columns)
            }
        };
        Ok(Self {
            name,
            lines,
            rows,
            columns,
            broken: 0,
        })
    }

    /// The columns, or the wanted keys.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The number of the first of these columns that is there.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        names
            .iter()
            .find_map(|name| self.columns.iter().position(|have| have == name))
    }

    /// Shows every row to its end.
    pub fn each(&mut self, take: &mut dyn FnMut(&Cells<'_>)) -> anyhow::Result<()> {
        loop {
            let found = self
                .lines
                .find(0, LINE_BYTES_MAX)
                .with_context(|| format!("read {}", self.name))?;
            match found {
                Found::Line { bytes, line_end } => {
                    let first = Extent {
                        bytes,
                        line_end,
                        lines: 1,
                    };
                    if self.lines.peek(bytes - line_end).trim_ascii().is_empty() {
                        self.lines.consume(bytes, 1);
                        continue;
                    }
                    let extent = self.row(first, take)?;
                    self.lines.consume(extent.bytes, extent.lines);
                }
                Found::End => return Ok(()),
                Found::TooLong => {
                    self.lines.skip_line(&mut Vec::new(), 0)?;
                    self.broken += 1;
                }
                Found::Broken => {
                    let reason = self.lines.break_reason();
                    anyhow::bail!(
                        "read {}: the compressed file is damaged: {reason}",
                        self.name
                    );
                }
            }
        }
    }

    fn row(&mut self, first: Extent, take: &mut dyn FnMut(&Cells<'_>)) -> anyhow::Result<Extent> {
        match &mut self.rows {
            Rows::Objects(objects) => {
                let line = self.lines.peek(first.bytes - first.line_end);
                match objects.read(line, &self.columns) {
                    Ok((text, cells)) => take(&Cells { text, cells }),
                    Err(_) => self.broken += 1,
                }
                Ok(first)
            }
            Rows::Table(csv) => {
                let width = Some(self.columns.len());
                let read = csv.read(&mut self.lines, first, width, LINE_BYTES_MAX)?;
                let Ok(extent) = read else {
                    self.broken += 1;
                    return Ok(first);
                };
                match csv.cells(self.lines.peek(extent.bytes - extent.line_end)) {
                    Ok((text, cells)) => take(&Cells { text, cells }),
                    Err(_) => self.broken += 1,
                }
                Ok(extent)
            }
        }
    }
}

fn header(
    name: &str,
    lines: &mut LineReader<Box<dyn Read + Send>>,
    csv: &mut CsvReader,
) -> anyhow::Result<Vec<String>> {
    let unusable = |what: &str| usage(format!("read the header of {name}: {what}"));
    let found = lines
        .find(0, LINE_BYTES_MAX)
        .map_err(|error| unusable(&error.to_string()))?;
    let first = match found {
        Found::Line { bytes, line_end } => Extent {
            bytes,
            line_end,
            lines: 1,
        },
        Found::End => return Err(unusable("the input holds nothing")),
        Found::TooLong => return Err(unusable("it is too long")),
        Found::Broken => return Err(unusable(lines.break_reason())),
    };
    let extent = csv
        .read(lines, first, None, LINE_BYTES_MAX)
        .map_err(|error| unusable(&error.to_string()))?
        .map_err(|refused| unusable(&refused.rejection.detail))?;
    let line = lines.peek(extent.bytes - extent.line_end);
    let (text, cells) = csv
        .cells(line)
        .map_err(|column| unusable(&format!("column {} is not UTF-8", column + 1)))?;
    let cell = |cell: &Cell| {
        text.get(cell.start..cell.end)
            .unwrap_or_default()
            .to_owned()
    };
    let columns = cells.iter().map(cell).collect();
    lines.consume(extent.bytes, extent.lines);
    Ok(columns)
}
