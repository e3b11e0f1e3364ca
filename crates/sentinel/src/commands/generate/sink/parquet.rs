//! Parquet: one column a field or attribute, absent values as nulls, a bounded number of rows a group.
//!
//! Instants are whole microseconds with the type that data tools read as UTC time. Where a group ends
//! depends on the count of rows alone, so the file's bytes do not depend on how fast it was written.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};
use sentinel_domain::draft::REQUIRED;
use sentinel_domain::{Field, Scalar, Transaction, Value};
use sentinel_synth::Generated;

use crate::commands::generate::attribute::Attribute;
use crate::commands::generate::cell::{attribute_column, attribute_text};
use crate::whole_file::WholeFile;

/// Rows held until they are written.
const GROUP_ROWS: usize = 32_768;

type Output = BufWriter<File>;

/// A Parquet file that is being written.
pub struct ParquetFile {
    writer: SerializedFileWriter<Output>,
    file: WholeFile,
    columns: Vec<Column>,
    rows: usize,
}

/// Where the values of a column come from.
enum Source {
    Field(Field),
    Attribute(String),
}

enum Values {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>),
    Number(Vec<f64>),
}

struct Column {
    source: Source,
    /// Those that are there.
    values: Values,
    /// Whether each row has one; not kept where every row must.
    present: Option<Vec<i16>>,
}

impl ParquetFile {
    /// Writes the head of the file.
    pub fn create(flag: &str, name: &Path, attributes: &[Attribute]) -> anyhow::Result<Self> {
        let mut columns: Vec<Column> = Field::ALL
            .iter()
            .map(|field| Column::field(*field))
            .collect();
        columns.extend(attributes.iter().map(Column::attribute));
        let fields: Result<Vec<TypePtr>, _> = columns.iter().map(Column::schema).collect();
        let schema = Type::group_type_builder("transactions")
            .with_fields(fields.context("lay the columns out")?)
            .build()
            .context("lay the columns out")?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("sentinel ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let (file, opened) = WholeFile::create(flag, name)?;
        let writer = SerializedFileWriter::new(
            BufWriter::with_capacity(1 << 20, opened),
            Arc::new(schema),
            Arc::new(properties),
        );
        Ok(Self {
            writer: writer.with_context(|| format!("write {}", name.display()))?,
            file,
            columns,
            rows: 0,
        })
    }

    /// Adds rows.
    pub fn write(&mut self, made: &[Generated]) -> anyhow::Result<()> {
        for generated in made {
            for column in &mut self.columns {
                column.push(&generated.transaction);
            }
            self.rows += 1;
            if self.rows == GROUP_ROWS {
                self.write_group()?;
            }
        }
        Ok(())
    }

    fn write_group(&mut self) -> anyhow::Result<()> {
        self.rows = 0;
        let mut write = || {
            let mut group = self.writer.next_row_group()?;
            for column in &mut self.columns {
                column.write(&mut group)?;
            }
            group.close()
        };
        write()
            .map(drop)
            .with_context(|| format!("write {}", self.file.name().display()))
    }

    /// Ends the file; one that is not `whole` is removed.
    pub fn finish(mut self, whole: bool) -> anyhow::Result<()> {
        if !whole {
            return Ok(());
        }
        if self.rows > 0 {
            self.write_group()?;
        }
        let attempt = || format!("write {}", self.file.name().display());
        let out = self.writer.into_inner().with_context(attempt)?;
        // Dropping the buffer would swallow the error of its last write.
        out.into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .with_context(attempt)?;
        self.file.keep()
    }
}

impl Column {
    fn field(field: Field) -> Self {
        let values = if field.is_integer() {
            Values::Integer(Vec::new())
        } else {
            Values::Text(Vec::new())
        };
        Self {
            source: Source::Field(field),
            values,
            present: (!REQUIRED.contains(&field)).then(Vec::new),
        }
    }

    fn attribute(attribute: &Attribute) -> Self {
        let values = if attribute.number {
            Values::Number(Vec::new())
        } else {
            Values::Text(Vec::new())
        };
        Self {
            source: Source::Attribute(attribute.name.clone()),
            values,
            present: Some(Vec::new()),
        }
    }

    fn schema(&self) -> parquet::errors::Result<TypePtr> {
        let name = match &self.source {
            Source::Field(field) => field.as_str().to_owned(),
            Source::Attribute(name) => attribute_column(name),
        };
        let instant = matches!(
            self.source,
            Source::Field(Field::EventTime | Field::AccountOpenedAt)
        );
        let (physical, logical) = match self.values {
            Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Values::Integer(_) if instant => {
                let micros = LogicalType::timestamp(true, TimeUnit::MICROS);
                (Physical::INT64, Some(micros))
            }
            Values::Integer(_) => (Physical::INT64, None),
            Values::Number(_) => (Physical::DOUBLE, None),
        };
        let repetition = match self.present {
            Some(_) => Repetition::OPTIONAL,
            None => Repetition::REQUIRED,
        };
        Type::primitive_type_builder(&name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    }

    fn push(&mut self, transaction: &Transaction) {
        let there = match &self.source {
            Source::Field(field) => match (transaction.value(*field), &mut self.values) {
                (Some(Value::Text(text)), Values::Text(values)) => {
                    values.push(text.into());
                    true
                }
                (Some(Value::Integer(value)), Values::Integer(values)) => {
                    values.push(value);
                    true
                }
                _ => false,
            },
            Source::Attribute(name) => match (transaction.attributes.get(name), &mut self.values) {
                (Some(Scalar::Number(value)), Values::Number(values)) => {
                    values.push(*value);
                    true
                }
                (Some(value), Values::Text(values)) => {
                    values.push(attribute_text(value).as_str().into());
                    true
                }
                _ => false,
            },
        };
        if let Some(present) = &mut self.present {
            present.push(i16::from(there));
        }
    }

    fn write(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, Output>,
    ) -> parquet::errors::Result<()> {
        let present = self.present.as_deref();
        match &mut self.values {
            Values::Text(values) => write_column::<ByteArrayType>(group, values, present)?,
            Values::Integer(values) => write_column::<Int64Type>(group, values, present)?,
            Values::Number(values) => write_column::<DoubleType>(group, values, present)?,
        }
        if let Some(present) = &mut self.present {
            present.clear();
        }
        Ok(())
    }
}

/// Writes a column of the group and empties it.
fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Output>,
    values: &mut Vec<T::T>,
    present: Option<&[i16]>,
) -> parquet::errors::Result<()> {
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(values, present, None)?;
        column.close()?;
    }
    values.clear();
    Ok(())
}
