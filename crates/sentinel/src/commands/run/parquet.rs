//! A Parquet file as the text of a table: a header, then a line a row, as CSV has it.
//!
//! **Promises** that a row reads as it would from a CSV file with the same values: numbers in their
//! shortest form, instants as microseconds since 1970, a value that is not there as an empty cell. Holds
//! a page of each column and one batch of lines, however long the file is. **Must never** hold a row group
//! in one piece of text.
//!
//! Going through text costs a second parse, and buys that mappings, rejections and line numbers are those
//! of every other table: row *n* of the file is line *n* + 1.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};

use crate::csv;

/// Text is made for so many bytes before it is handed out.
const TEXT_BYTES: usize = 64 * 1024;

/// The lines of a file.
pub struct ParquetText {
    rows: RowIter<'static>,
    text: String,
    /// Bytes of `text` that were handed out.
    taken: usize,
    /// Rows read, and rows in all.
    progress: (u64, u64),
    file_bytes: u64,
    read_bytes: Arc<AtomicU64>,
}

impl ParquetText {
    /// Opens a file; an error where it is none, or holds columns within columns. `read_bytes` hears how
    /// far it is read, in proportion.
    pub fn open(file: File, read_bytes: Arc<AtomicU64>) -> Result<Self, ParquetError> {
        let file_bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let reader = SerializedFileReader::new(file)?;
        let metadata = reader.metadata().file_metadata();
        let total = u64::try_from(metadata.num_rows()).unwrap_or(0);
        let mut text = String::new();
        for (number, column) in metadata.schema().get_fields().iter().enumerate() {
            if !column.is_primitive() {
                let told = format!("column {:?} holds columns of its own", column.name());
                return Err(ParquetError::General(told));
            }
            if number > 0 {
                text.push(',');
            }
            text.push_str(&csv::cell(column.name()));
        }
        text.push('\n');
        Ok(Self {
            rows: RowIter::from_file_into(Box::new(reader)),
            text,
            taken: 0,
            progress: (0, total),
            file_bytes,
            read_bytes,
        })
    }

    fn fill(&mut self) -> Result<(), ParquetError> {
        self.text.clear();
        self.taken = 0;
        while self.text.len() < TEXT_BYTES {
            let Some(row) = self.rows.next().transpose()? else {
                break;
            };
            push_row(&row, &mut self.text);
            self.progress.0 += 1;
        }
        let (read, total) = self.progress;
        let read = u128::from(read) * u128::from(self.file_bytes) / u128::from(total.max(1));
        self.read_bytes
            .store(u64::try_from(read).unwrap_or(self.file_bytes), Relaxed);
        Ok(())
    }
}

impl Read for ParquetText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken >= self.text.len() {
            self.fill().map_err(io::Error::other)?;
        }
        let left = self.text.as_bytes().get(self.taken..).unwrap_or_default();
        let count = left.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), left.get(..count)) {
            to.copy_from_slice(from);
        }
        self.taken += count;
        Ok(count)
    }
}

fn push_row(row: &Row, text: &mut String) {
    for (number, (_, value)) in row.get_column_iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        match value {
            Field::Null => {}
            Field::Str(word) => text.push_str(&csv::cell(word)),
            Field::Bytes(bytes) => {
                text.push_str(&csv::cell(&String::from_utf8_lossy(bytes.data())));
            }
            Field::TimestampMillis(millis) => push(millis.saturating_mul(1_000), text),
            Field::TimestampMicros(micros) => push(micros, text),
            // Rust spells these in the shortest form that reads back; the crate's own form may not.
            Field::Double(number) if number.is_nan() => {}
            Field::Float(number) if number.is_nan() => {}
            Field::Double(number) => push(number, text),
            Field::Float(number) => push(number, text),
            other => push(other, text),
        }
    }
    text.push('\n');
}

fn push(value: impl std::fmt::Display, text: &mut String) {
    let written = write!(text, "{value}");
    assert!(written.is_ok(), "a scalar is always written to memory");
}
