//! CSV: a line a row, numbers as the shortest text that reads back as the same bits.

use std::fs::File;
use std::io::{BufWriter, Write};

use super::{LEADING, Table};
use crate::csv;
use crate::matrix::MatrixRow;

/// A CSV file that is being written.
pub struct TextTable {
    file: BufWriter<File>,
}

impl TextTable {
    /// Writes the header.
    pub fn new(mut file: BufWriter<File>, features: &[&str]) -> anyhow::Result<Self> {
        let names = LEADING.iter().chain(features);
        for (index, name) in names.enumerate() {
            if index > 0 {
                file.write_all(b",")?;
            }
            file.write_all(csv::cell(name).as_bytes())?;
        }
        file.write_all(b"\n")?;
        Ok(Self { file })
    }
}

impl Table for TextTable {
    fn push(&mut self, row: &MatrixRow<'_>) -> anyhow::Result<()> {
        let file = &mut self.file;
        file.write_all(csv::cell(row.event_id.as_str()).as_bytes())?;
        write!(file, ",{},{}", row.event_time.micros(), u8::from(row.fraud))?;
        for value in row.values {
            if value.is_nan() {
                file.write_all(b",")?;
            } else {
                write!(file, ",{value}")?;
            }
        }
        file.write_all(b"\n")?;
        Ok(())
    }

    fn finish(self: Box<Self>) -> anyhow::Result<BufWriter<File>> {
        Ok(self.file)
    }
}
