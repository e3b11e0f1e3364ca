//! Parquet: plain columns, a bounded number of rows a group.
//!
//! Numbers are stored as they are (no dictionary: one that compares values would take minus zero for
//! zero and every not-a-number for a new word) and packed by zstd.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use anyhow::Context;
use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::{LEADING, Table};
use crate::matrix::MatrixRow;

/// Rows held until they are written: with 200 features 50 MB.
const GROUP_ROWS: usize = 32_768;

/// A Parquet file that is being written.
pub struct ParquetTable {
    writer: SerializedFileWriter<BufWriter<File>>,
    event_ids: Vec<ByteArray>,
    event_times: Vec<i64>,
    labels: Vec<i32>,
    features: Vec<Vec<f64>>,
}

impl ParquetTable {
    /// Writes the head of the file.
    pub fn new(file: BufWriter<File>, features: &[&str]) -> anyhow::Result<Self> {
        let schema = Arc::new(schema(features)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_dictionary_enabled(false)
            .set_created_by(concat!("sentinel ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        Ok(Self {
            writer: SerializedFileWriter::new(file, schema, Arc::new(properties))
                .context("begin the Parquet file")?,
            event_ids: Vec::new(),
            event_times: Vec::new(),
            labels: Vec::new(),
            features: vec![Vec::new(); features.len()],
        })
    }

    fn write_group(&mut self) -> anyhow::Result<()> {
        if self.labels.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        write_column::<ByteArrayType>(&mut group, &mut self.event_ids)?;
        write_column::<Int64Type>(&mut group, &mut self.event_times)?;
        write_column::<Int32Type>(&mut group, &mut self.labels)?;
        for column in &mut self.features {
            write_column::<DoubleType>(&mut group, column)?;
        }
        group.close()?;
        Ok(())
    }
}

impl Table for ParquetTable {
    fn push(&mut self, row: &MatrixRow<'_>) -> anyhow::Result<()> {
        self.event_ids.push(row.event_id.as_str().into());
        self.event_times.push(row.event_time.micros());
        self.labels.push(i32::from(row.fraud));
        for (column, value) in self.features.iter_mut().zip(row.values) {
            column.push(*value);
        }
        if self.labels.len() >= GROUP_ROWS {
            self.write_group().context("write a group of rows")?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<BufWriter<File>> {
        self.write_group().context("write the last rows")?;
        self.writer.into_inner().context("end the Parquet file")
    }
}

/// Writes a column of the group and empties it.
fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, BufWriter<File>>,
    values: &mut Vec<T::T>,
) -> anyhow::Result<()> {
    let mut column = group
        .next_column()?
        .context("the schema has no such column")?;
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()?;
    values.clear();
    Ok(())
}

/// Every column is there in every row.
fn schema(features: &[&str]) -> anyhow::Result<Type> {
    let column = |name: &str, physical: Physical, converted: ConvertedType| {
        let column = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::REQUIRED)
            .with_converted_type(converted)
            .build();
        column.map(Arc::new)
    };
    let [event_id, event_time, label] = LEADING;
    let mut columns = vec![
        column(event_id, Physical::BYTE_ARRAY, ConvertedType::UTF8)?,
        column(event_time, Physical::INT64, ConvertedType::NONE)?,
        column(label, Physical::INT32, ConvertedType::NONE)?,
    ];
    for name in features {
        columns.push(column(name, Physical::DOUBLE, ConvertedType::NONE)?);
    }
    let schema = Type::group_type_builder("matrix").with_fields(columns);
    schema.build().context("lay the columns out")
}
