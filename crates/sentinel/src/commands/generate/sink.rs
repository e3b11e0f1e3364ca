//! Where payments go: a file, standard output, the log of a data directory, a running server.
//!
//! Each sink takes rows of a chunk in the order of the stream. Promises that a file has its name only once
//! it is whole. Must never hold back rows that are due: [`Sink::flush`] is called before anyone waits.

mod file;
mod http;
mod log;
mod parquet;

use std::path::{Path, PathBuf};

use super::chunk::{Chunk, Form};
use crate::commands::usage;
use crate::server::address_of;

pub use self::file::Lines;
pub use self::http::Http;
pub use self::log::Log;
pub use self::parquet::ParquetFile;

/// What an output is called and how it is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Standard output, JSON lines.
    Standard,
    /// A file, by its ending.
    File(PathBuf, FileForm),
    /// A data directory.
    Log(PathBuf),
    /// `host:port` of a server.
    Http(String),
}

/// How a file is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileForm {
    /// `.jsonl`, `.ndjson` or `.json`.
    JsonLines,
    /// `.csv`.
    Csv,
    /// `.parquet`.
    Parquet,
}

impl Target {
    /// What `--output` names.
    pub fn parse(output: &str) -> anyhow::Result<Self> {
        if output == "-" {
            return Ok(Self::Standard);
        }
        if let Some(directory) = output.strip_prefix("log:") {
            if directory.is_empty() {
                return Err(usage("--output log: names no directory, as log:DIR does"));
            }
            return Ok(Self::Log(directory.into()));
        }
        if output.contains("://") {
            return address_of("--output", output).map(|address| Self::Http(address.to_owned()));
        }
        let path = Path::new(output);
        let form = FileForm::of(path).ok_or_else(|| {
            usage(format!(
                "--output {output}: the name must end in .jsonl, .csv or .parquet, or be -, log:DIR or \
                 http://HOST:PORT"
            ))
        })?;
        Ok(Self::File(path.to_owned(), form))
    }

    /// How its rows are spelled, with the attributes that a table has columns for.
    pub fn form(&self, attributes: &[String]) -> Form {
        match self {
            Self::Standard | Self::File(_, FileForm::JsonLines) => Form::JsonLines,
            Self::File(_, FileForm::Csv) => Form::Csv(attributes.to_vec()),
            Self::File(_, FileForm::Parquet) => Form::Values,
            Self::Log(_) => Form::Entries,
            Self::Http(_) => Form::Objects,
        }
    }
}

impl FileForm {
    /// By the ending of a name.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// What a sink says at its end, beside the counts.
pub type Told = Option<String>;

/// An open output.
pub enum Sink {
    /// Lines, of a file or of standard output.
    Lines(Lines),
    /// A Parquet file.
    Parquet(Box<ParquetFile>),
    /// A log.
    Log(Box<Log>),
    /// A server.
    Http(Http),
}

impl Sink {
    /// Writes the rows of a chunk from one to before another.
    pub fn write(&mut self, chunk: &Chunk, from: usize, to: usize) -> anyhow::Result<()> {
        match self {
            Self::Lines(lines) => lines.write(chunk.spelled(from, to)),
            Self::Parquet(file) => file.write(chunk.made.get(from..to).unwrap_or_default()),
            Self::Log(log) => log.write(chunk, from, to),
            Self::Http(http) => http.write(chunk, from, to),
        }
    }

    /// Lets whoever reads see what was written.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Lines(lines) => lines.flush(),
            Self::Parquet(_) => Ok(()),
            Self::Log(log) => log.flush(),
            // Each request goes out by itself.
            Self::Http(_) => Ok(()),
        }
    }

    /// Ends it; a file that is not `whole` is removed.
    pub fn finish(self, whole: bool) -> anyhow::Result<Told> {
        match self {
            Self::Lines(lines) => lines.finish(whole).map(|()| None),
            Self::Parquet(file) => file.finish(whole).map(|()| None),
            Self::Log(log) => log.finish(),
            Self::Http(http) => http.finish(whole),
        }
    }
}
