//! CSV: a line a row, numbers as the shortest text that reads back as the same bits.

use std::fs::File;
use std::io::{BufWriter, Write};

use super::{LEADING, Table};
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
            write_cell(&mut file, name)?;
        }
        file.write_all(b"\n")?;
        Ok(Self { file })
    }
}

impl Table for TextTable {
    fn push(&mut self, row: &MatrixRow<'_>) -> anyhow::Result<()> {
        let file = &mut self.file;
        write_cell(file, row.event_id.as_str())?;
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

/// A text, in quotes where it would not read back without.
fn write_cell(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    if text.contains([',', '"', '\n', '\r']) {
        write!(out, "\"{}\"", text.replace('"', "\"\""))
    } else {
        out.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_reads_back() {
        let cell = |text| {
            let mut out = Vec::new();
            write_cell(&mut out, text).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(cell("plain-1"), "plain-1");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
