//! Lines to a file or to standard output.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::fd::AsFd;
use std::path::Path;

use anyhow::Context;

use crate::whole_file::WholeFile;

const BUFFER_BYTES: usize = 256 * 1024;

/// Lines on their way out.
pub struct Lines {
    out: BufWriter<File>,
    /// `None` for standard output.
    file: Option<WholeFile>,
}

impl Lines {
    /// Standard output.
    pub fn standard() -> anyhow::Result<Self> {
        // Not through `Stdout`, which looks for line ends in every buffer.
        let out = std::io::stdout().as_fd().try_clone_to_owned();
        let out = File::from(out.context("open standard output")?);
        Ok(Self {
            out: BufWriter::with_capacity(BUFFER_BYTES, out),
            file: None,
        })
    }

    /// A file that begins with this.
    pub fn file(flag: &str, name: &Path, head: &[u8]) -> anyhow::Result<Self> {
        let (whole, file) = WholeFile::create(flag, name)?;
        let mut lines = Self {
            out: BufWriter::with_capacity(BUFFER_BYTES, file),
            file: Some(whole),
        };
        lines.write(head)?;
        Ok(lines)
    }

    fn attempt(&self) -> String {
        match &self.file {
            Some(file) => format!("write {}", file.name().display()),
            None => "write standard output".to_owned(),
        }
    }

    /// Writes whole lines.
    pub fn write(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        self.out.write_all(lines).with_context(|| self.attempt())
    }

    /// Hands on what is held.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.out.flush().with_context(|| self.attempt())
    }

    /// Ends the lines; a file that is not `whole` is removed.
    pub fn finish(mut self, whole: bool) -> anyhow::Result<()> {
        if !whole && self.file.is_some() {
            return Ok(());
        }
        self.flush()?;
        self.file.take().map_or(Ok(()), WholeFile::keep)
    }
}
