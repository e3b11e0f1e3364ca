//! Opening the input: plain or compressed, file or standard input, with progress.

use std::fs::File;
use std::io::{BufReader, Read, stdin};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sentinel_domain::Instant;
use sentinel_pipeline::intake::source::{FileSource, Format, SourceOptions};
use sentinel_pipeline::mapping::Mapping;

use crate::commands::{chain_of, usage};

const READ_BYTES: usize = 256 * 1024;
const LINE_BYTES_MAX: usize = 1024 * 1024;
const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An open input.
pub struct Input {
    /// Its rows.
    pub source: FileSource<Box<dyn Read + Send>>,
    /// Compressed bytes read so far.
    pub read_bytes: Arc<AtomicU64>,
    /// How many there are; `None` for a stream.
    pub total_bytes: Option<u64>,
}

impl Input {
    /// Opens a path, `-` for standard input. The mapping says the format, else the file's extension.
    pub fn open(path: &Path, mapping: Option<Mapping>, now: Instant) -> anyhow::Result<Self> {
        let spelled = path.display().to_string();
        let plain = spelled.trim_end_matches(".zst").trim_end_matches(".gz");
        let by_name = match Path::new(plain).extension().and_then(|e| e.to_str()) {
            Some("csv") => Format::Csv,
            _ => Format::JsonLines,
        };
        let format = mapping
            .as_ref()
            .and_then(Mapping::format)
            .unwrap_or(by_name);
        let (raw, total_bytes): (Box<dyn Read + Send>, _) = if spelled == "-" {
            (Box::new(stdin()), None)
        } else {
            let file = File::open(path)
                .map_err(|error| usage(format!("open --input {spelled}: {error}")))?;
            let total = file.metadata().ok().map(|metadata| metadata.len());
            (Box::new(file), total)
        };
        let read_bytes = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            inner: raw,
            read_bytes: Arc::clone(&read_bytes),
        };
        let buffered = BufReader::with_capacity(READ_BYTES, counted);
        let reader: Box<dyn Read + Send> = if spelled.ends_with(".zst") {
            let decoder = zstd::Decoder::with_buffer(buffered)
                .map_err(|error| usage(format!("open --input {spelled} as zstd: {error}")))?;
            Box::new(decoder)
        } else if spelled.ends_with(".gz") {
            Box::new(flate2::bufread::MultiGzDecoder::new(buffered))
        } else {
            Box::new(buffered)
        };
        let options = SourceOptions {
            name: spelled.clone(),
            format,
            mapping,
            line_bytes_max: LINE_BYTES_MAX,
            kept_bytes_max: KEPT_BYTES_MAX,
            now: Some(now),
        };
        let source = FileSource::open(reader, options)
            .map_err(|error| usage(chain_of(&anyhow::Error::new(error))))?;
        Ok(Self {
            source,
            read_bytes,
            total_bytes,
        })
    }
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
