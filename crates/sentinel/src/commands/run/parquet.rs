//! A Parquet file as JSON lines: one object a row, so that every reader of lines reads tables too.
//!
//! **Enters:** a Parquet file of plain columns. **Leaves:** the same values as one JSON object a row, nulls
//! and not-a-numbers left out, instants as microseconds. Without a mapping a column `attributes.NAME` is the
//! attribute of that name. **Promises** to hold one batch of rows, never a group or the file. **Must never:**
//! guess what a nested, decimal or 96-bit column means; it is refused by its name.

use std::fs::File;
use std::io::{Error, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::commands::usage;

/// Rows spelled at once.
const BATCH_ROWS: usize = 1_024;

/// The rows of a Parquet file as lines.
pub struct ParquetLines {
    file: SerializedFileReader<File>,
    columns: Vec<Column>,
    /// The next group of rows, and how many rows of the current one are left.
    next_group: usize,
    rows_left: usize,
    /// Whether columns `attributes.NAME` become one object.
    nested: bool,
    lines: Vec<u8>,
    taken: usize,
    read_bytes: Arc<AtomicU64>,
}

struct Column {
    /// The key with its colon, spelled as JSON.
    key: Vec<u8>,
    /// As [`Column::key`], within `attributes`.
    attribute: Option<Vec<u8>>,
    scale: Scale,
    reader: Option<ColumnReader>,
    values: Values,
    /// Whether each row of the batch has a value; unused where every row must.
    levels: Vec<i16>,
    optional: bool,
    /// The next value.
    at: usize,
}

/// What makes microseconds of a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    None,
    Times1000,
    DividedBy1000,
}

/// The values of one batch.
enum Values {
    None,
    Booleans(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

impl ParquetLines {
    /// Opens a file; what it cannot read is wrong usage and names the column.
    pub fn open(path: &Path, file: File, read_bytes: Arc<AtomicU64>) -> anyhow::Result<Self> {
        let name = path.display();
        let file = SerializedFileReader::new(file)
            .map_err(|error| usage(format!("open --input {name} as Parquet: {error}")))?;
        let schema = file.metadata().file_metadata().schema_descr();
        let columns: Result<Vec<Column>, String> = schema
            .columns()
            .iter()
            .map(|column| Column::of(column))
            .collect();
        let columns = columns.map_err(|fault| usage(format!("open --input {name}: {fault}")))?;
        Ok(Self {
            file,
            columns,
            next_group: 0,
            rows_left: 0,
            nested: false,
            lines: Vec::new(),
            taken: 0,
            read_bytes,
        })
    }

    /// Makes one object of the columns `attributes.NAME`, as a canonical transaction has it.
    pub fn with_attributes_nested(mut self) -> Self {
        self.nested = true;
        self
    }

    /// Spells the next rows. False at the end of the file.
    fn spell_batch(&mut self) -> Result<bool, ParquetError> {
        self.lines.clear();
        self.taken = 0;
        while self.rows_left == 0 {
            if self.next_group == self.file.num_row_groups() {
                return Ok(false);
            }
            self.open_group()?;
        }
        let rows = self.rows_left.min(BATCH_ROWS);
        for column in &mut self.columns {
            column.read(rows)?;
        }
        self.rows_left -= rows;
        for row in 0..rows {
            self.spell_row(row);
        }
        Ok(true)
    }

    fn open_group(&mut self) -> Result<(), ParquetError> {
        let group = self.file.get_row_group(self.next_group)?;
        self.next_group += 1;
        self.rows_left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        for (index, column) in self.columns.iter_mut().enumerate() {
            column.reader = Some(group.get_column_reader(index)?);
        }
        let packed = u64::try_from(group.metadata().compressed_size()).unwrap_or(0);
        self.read_bytes.fetch_add(packed, Relaxed);
        Ok(())
    }

    fn spell_row(&mut self, row: usize) {
        let out = &mut self.lines;
        let mut separator = b'{';
        let nested = self.nested;
        for column in &mut self.columns {
            if !nested || column.attribute.is_none() {
                column.spell(row, &column.key.clone(), &mut separator, out);
            }
        }
        if nested {
            let mark = out.len();
            out.push(separator);
            out.extend_from_slice(b"\"attributes\":");
            let mut inner = b'{';
            for column in &mut self.columns {
                if let Some(key) = column.attribute.clone() {
                    column.spell(row, &key, &mut inner, out);
                }
            }
            match inner {
                b'{' => out.truncate(mark),
                _ => {
                    out.push(b'}');
                    separator = b',';
                }
            }
        }
        if separator == b'{' {
            out.push(b'{');
        }
        out.extend_from_slice(b"}\n");
    }
}

impl Read for ParquetLines {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        while self.taken == self.lines.len() {
            if !self.spell_batch().map_err(Error::other)? {
                return Ok(0);
            }
        }
        let rest = self.lines.get(self.taken..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        let (Some(from), Some(to)) = (rest.get(..count), buffer.get_mut(..count)) else {
            return Ok(0);
        };
        to.copy_from_slice(from);
        self.taken += count;
        Ok(count)
    }
}

impl Column {
    fn of(column: &ColumnDescriptor) -> Result<Self, String> {
        let name = column.path().string();
        let plain = column.path().parts().len() == 1 && column.max_rep_level() == 0;
        let decimal = column.converted_type() == ConvertedType::DECIMAL
            || matches!(column.logical_type_ref(), Some(LogicalType::Decimal(_)));
        let fault = match column.physical_type() {
            _ if !plain => "is nested",
            Physical::INT96 => "holds instants of 96 bits; store them as microseconds",
            _ if decimal => "is a decimal; store it as a text or a whole number",
            _ => "",
        };
        if !fault.is_empty() {
            return Err(format!("the column {name:?} {fault}"));
        }
        Ok(Self {
            attribute: name.strip_prefix("attributes.").map(key_of),
            key: key_of(&name),
            scale: scale_of(column),
            reader: None,
            values: Values::None,
            levels: Vec::new(),
            optional: column.max_def_level() > 0,
            at: 0,
        })
    }

    fn read(&mut self, rows: usize) -> Result<(), ParquetError> {
        self.at = 0;
        let levels = &mut self.levels;
        self.values = match &mut self.reader {
            None => Values::None,
            Some(ColumnReader::BoolColumnReader(reader)) => {
                Values::Booleans(values_of(reader, rows, levels)?)
            }
            Some(ColumnReader::Int32ColumnReader(reader)) => {
                Values::Int32(values_of(reader, rows, levels)?)
            }
            Some(ColumnReader::Int64ColumnReader(reader)) => {
                Values::Int64(values_of(reader, rows, levels)?)
            }
            Some(ColumnReader::FloatColumnReader(reader)) => {
                Values::Float(values_of(reader, rows, levels)?)
            }
            Some(ColumnReader::DoubleColumnReader(reader)) => {
                Values::Double(values_of(reader, rows, levels)?)
            }
            Some(ColumnReader::ByteArrayColumnReader(reader)) => {
                Values::Bytes(values_of(reader, rows, levels)?)
            }
            Some(ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
                Values::Fixed(values_of(reader, rows, levels)?)
            }
            Some(ColumnReader::Int96ColumnReader(_)) => Values::None,
        };
        Ok(())
    }

    /// Spells the value of a row, where it has one.
    fn spell(&mut self, row: usize, key: &[u8], separator: &mut u8, out: &mut Vec<u8>) {
        if self.optional && self.levels.get(row).copied() != Some(1) {
            return;
        }
        let at = self.at;
        self.at += 1;
        let mark = out.len();
        out.push(*separator);
        out.extend_from_slice(key);
        let there = match &self.values {
            Values::None => false,
            Values::Booleans(values) => append(values.get(at), out),
            Values::Int32(values) => append(values.get(at), out),
            Values::Int64(values) => append(values.get(at).map(|value| self.scale.of(*value)), out),
            Values::Float(values) => {
                append(values.get(at).filter(|value| value.is_finite()), out)
            }
            Values::Double(values) => {
                append(values.get(at).filter(|value| value.is_finite()), out)
            }
            Values::Bytes(values) => append_text(values.get(at).map(ByteArray::data), out),
            Values::Fixed(values) => append_text(values.get(at).map(|value| value.data()), out),
        };
        match there {
            true => *separator = b',',
            false => out.truncate(mark),
        }
    }
}

impl Scale {
    fn of(self, value: i64) -> i64 {
        match self {
            Self::None => value,
            // An instant beyond all calendars stays one, and is refused as such.
            Self::Times1000 => value.saturating_mul(1_000),
            Self::DividedBy1000 => value.div_euclid(1_000),
        }
    }
}

fn scale_of(column: &ColumnDescriptor) -> Scale {
    match column.logical_type_ref() {
        Some(LogicalType::Timestamp(timestamp)) => match timestamp.unit {
            TimeUnit::MILLIS => Scale::Times1000,
            TimeUnit::MICROS => Scale::None,
            TimeUnit::NANOS => Scale::DividedBy1000,
        },
        _ if column.converted_type() == ConvertedType::TIMESTAMP_MILLIS => Scale::Times1000,
        _ => Scale::None,
    }
}

fn key_of(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    append(Some(name), &mut key);
    key.push(b':');
    key
}

/// The values of the next rows; fewer rows than the file says there are is damage.
fn values_of<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    levels: &mut Vec<i16>,
) -> Result<Vec<T::T>, ParquetError> {
    levels.clear();
    let mut values = Vec::with_capacity(rows);
    let mut read = 0;
    while read < rows {
        let (records, _, _) =
            reader.read_records(rows - read, Some(levels), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::EOF("a column ends before its group of rows".to_owned()));
        }
        read += records;
    }
    Ok(values)
}

/// Spells a value as JSON; false where there is none.
fn append<T: serde::Serialize>(value: Option<T>, out: &mut Vec<u8>) -> bool {
    // Numbers and texts are always written to memory.
    value.is_some_and(|value| serde_json::to_writer(out, &value).is_ok())
}

/// A text. Bytes that are no text are handed on as they are, so that the row is refused for it.
fn append_text(bytes: Option<&[u8]>, out: &mut Vec<u8>) -> bool {
    let Some(bytes) = bytes else {
        return false;
    };
    if let Ok(text) = std::str::from_utf8(bytes) {
        return append(Some(text), out);
    }
    let harmless = bytes
        .iter()
        .filter(|byte| **byte >= b' ' && !matches!(**byte, b'"' | b'\\'));
    out.push(b'"');
    out.extend(harmless);
    out.write_all(b"\"").is_ok()
}
