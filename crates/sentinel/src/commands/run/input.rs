//! Opening the input: lines, plain or compressed, or Parquet; file or standard input, with progress.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, stdin};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sentinel_domain::Instant;
use sentinel_pipeline::intake::source::{FileSource, Format, SourceOptions};
use sentinel_pipeline::mapping::Mapping;

use super::parquet::ParquetLines;
use crate::commands::{chain_of, usage};

const READ_BYTES: usize = 256 * 1024;
const LINE_BYTES_MAX: usize = 1024 * 1024;
const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The rows of an input.
pub type Rows = FileSource<Box<dyn Read + Send>>;

/// An open input: bytes that were found readable, and how far they are read.
pub struct Input {
    name: String,
    reader: Option<Box<dyn Read + Send>>,
    /// Instead of the reader, where the file is one of Parquet.
    table: Option<ParquetLines>,
    /// Bytes of the file read so far, compressed ones where it is compressed.
    pub read_bytes: Arc<AtomicU64>,
    /// How many there are; `None` for a stream.
    pub total_bytes: Option<u64>,
}

impl Input {
    /// Opens a path, `-` for standard input. The extension says how it is compressed.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let (raw, total_bytes): (Box<dyn Read + Send>, _) = if name == "-" {
            (Box::new(stdin()), None)
        } else {
            let file =
                File::open(path).map_err(|error| usage(format!("open --input {name}: {error}")))?;
            let total = file.metadata().ok().map(|metadata| metadata.len());
            (Box::new(file), total)
        };
        let read_bytes = Arc::new(AtomicU64::new(0));
        if path.extension().is_some_and(|ending| ending == "parquet") {
            let file =
                File::open(path).map_err(|error| usage(format!("open --input {name}: {error}")))?;
            let table = ParquetLines::open(path, file, Arc::clone(&read_bytes))?;
            return Ok(Self {
                name,
                reader: None,
                table: Some(table),
                read_bytes,
                total_bytes,
            });
        }
        let counted = Counted {
            inner: raw,
            read_bytes: Arc::clone(&read_bytes),
        };
        let reader = decompressed(&name, BufReader::with_capacity(READ_BYTES, counted))?;
        Ok(Self {
            name,
            reader: Some(reader),
            table: None,
            read_bytes,
            total_bytes,
        })
    }

    /// Its rows, by a mapping, with the clock of the run. The mapping says the format, else the name.
    pub fn read(&mut self, mapping: Option<Mapping>, now: Instant) -> anyhow::Result<Rows> {
        let plain = self.name.trim_end_matches(".zst").trim_end_matches(".gz");
        let by_name = if plain.ends_with(".csv") {
            Format::Csv
        } else {
            Format::JsonLines
        };
        let said = mapping.as_ref().and_then(Mapping::format);
        let table = self.table.take().map(|table| match &mapping {
            Some(_) => table,
            None => table.with_attributes_nested(),
        });
        let options = SourceOptions {
            format: match table {
                Some(_) => Format::JsonLines,
                None => said.unwrap_or(by_name),
            },
            mapping,
            now: Some(now),
            line_bytes_max: LINE_BYTES_MAX,
            kept_bytes_max: KEPT_BYTES_MAX,
            name: self.name.clone(),
        };
        let reader = match (table, self.reader.take()) {
            (Some(table), _) => Box::new(table),
            (None, Some(reader)) => reader,
            (None, None) => Box::new(std::io::empty()),
        };
        FileSource::open(reader, options)
            .map_err(|error| usage(chain_of(&anyhow::Error::new(error))))
    }
}

/// Unpacks by the extension. A file that is not what its name says is told at once.
fn decompressed(
    name: &str,
    mut raw: BufReader<Counted<Box<dyn Read + Send>>>,
) -> anyhow::Result<Box<dyn Read + Send>> {
    let magic: &[u8] = match name {
        _ if name.ends_with(".zst") => &[0x28, 0xb5, 0x2f, 0xfd],
        _ if name.ends_with(".gz") => &[0x1f, 0x8b],
        _ => return Ok(Box::new(raw)),
    };
    let start = raw
        .fill_buf()
        .map_err(|error| usage(format!("read --input {name}: {error}")))?;
    if !start.starts_with(magic) {
        let kind = if magic.len() == 2 { "gzip" } else { "zstd" };
        return Err(usage(format!(
            "--input {name} is not a {kind} file, as its name says"
        )));
    }
    if magic.len() == 2 {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(raw)));
    }
    let decoder = zstd::Decoder::with_buffer(raw)
        .map_err(|error| usage(format!("open --input {name} as zstd: {error}")))?;
    Ok(Box::new(decoder))
}

/// Counts what passes, for the progress bar.
struct Counted<R> {
    inner: R,
    read_bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read_bytes.fetch_add(count as u64, Relaxed);
        Ok(count)
    }
}
