//! Opening the input: plain, compressed or Parquet, file or standard input, with progress.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, stdin};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sentinel_domain::Instant;
use sentinel_pipeline::intake::source::{FileSource, Format, SourceOptions};
use sentinel_pipeline::mapping::Mapping;

use super::parquet::ParquetText;
use crate::commands::{chain_of, usage};

const READ_BYTES: usize = 256 * 1024;
const LINE_BYTES_MAX: usize = 1024 * 1024;
const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The ending of a Parquet file.
const PARQUET: &str = ".parquet";

/// The rows of an input.
pub type Rows = FileSource<Box<dyn Read + Send>>;

/// An open input: bytes that were found readable, and how far they are read.
pub struct Input {
    name: String,
    reader: Option<Box<dyn Read + Send>>,
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
            let file = File::open(path).map_err(|error| usage(format!("open {name}: {error}")))?;
            let total = file.metadata().ok().map(|metadata| metadata.len());
            (Box::new(file), total)
        };
        let read_bytes = Arc::new(AtomicU64::new(0));
        if name.ends_with(PARQUET) {
            return Self::open_parquet(path, read_bytes);
        }
        let counted = Counted {
            inner: raw,
            read_bytes: Arc::clone(&read_bytes),
        };
        let reader = decompressed(&name, BufReader::with_capacity(READ_BYTES, counted))?;
        Ok(Self {
            name,
            reader: Some(reader),
            read_bytes,
            total_bytes,
        })
    }

    /// A Parquet file reads as the table it holds.
    fn open_parquet(path: &Path, read_bytes: Arc<AtomicU64>) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let unreadable =
            |error: &dyn std::fmt::Display| usage(format!("read {name} as Parquet: {error}"));
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let total_bytes = file.metadata().ok().map(|metadata| metadata.len());
        let text = ParquetText::open(file, Arc::clone(&read_bytes));
        let text = text.map_err(|error| unreadable(&error))?;
        Ok(Self {
            reader: Some(Box::new(text)),
            name,
            read_bytes,
            total_bytes,
        })
    }

    /// The bytes as they are, unpacked, and what they are by the name; once.
    pub fn bytes(&mut self) -> (Box<dyn Read + Send>, Format) {
        let reader = self.reader.take();
        let reader = reader.unwrap_or_else(|| Box::new(std::io::empty()));
        (reader, self.format())
    }

    /// What the name says that the rows are.
    fn format(&self) -> Format {
        let plain = self.name.trim_end_matches(".zst").trim_end_matches(".gz");
        if plain.ends_with(".csv") || plain.ends_with(PARQUET) {
            Format::Csv
        } else {
            Format::JsonLines
        }
    }

    /// Its rows, by a mapping, with the clock of the run. The mapping says the format, else the name.
    pub fn read(&mut self, mapping: Option<Mapping>, now: Instant) -> anyhow::Result<Rows> {
        let (reader, by_name) = self.bytes();
        let options = SourceOptions {
            format: mapping
                .as_ref()
                .and_then(Mapping::format)
                .unwrap_or(by_name),
            mapping,
            now: Some(now),
            line_bytes_max: LINE_BYTES_MAX,
            kept_bytes_max: KEPT_BYTES_MAX,
            name: self.name.clone(),
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
        .map_err(|error| usage(format!("read {name}: {error}")))?;
    if !start.starts_with(magic) {
        let kind = if magic.len() == 2 { "gzip" } else { "zstd" };
        return Err(usage(format!(
            "{name} is not a {kind} file, as its name says"
        )));
    }
    if magic.len() == 2 {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(raw)));
    }
    let decoder = zstd::Decoder::with_buffer(raw)
        .map_err(|error| usage(format!("open {name} as zstd: {error}")))?;
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
