//! Dead letters: refused input, kept with its bytes.
//!
//! One JSON object a line: source, row, code, field, detail and the bytes (base64 always, as text too
//! where they are UTF-8). Keyed by (source, row): a restart writes the same lines again, not more.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sentinel_domain::{DeadLetter, Rejection};
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    source: &'a str,
    row: u64,
    code: &'a str,
    field: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    bytes_base64: String,
}

/// A file of dead letters, made when the first one comes.
pub struct DeadLetterFile {
    path: PathBuf,
    append: bool,
    file: Option<BufWriter<File>>,
    written: u64,
}

impl DeadLetterFile {
    /// A file that is written anew: a run over a file finds the same letters every time. An earlier one
    /// goes at once, or an old letter would be taken for a new one; what is no plain file (a link, a
    /// device) is emptied, never removed.
    pub fn anew(path: &Path) -> std::io::Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_file() => std::fs::remove_file(path)?,
            Ok(_) => drop(File::options().write(true).truncate(true).open(path)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            path: path.to_owned(),
            append: false,
            file: None,
            written: 0,
        })
    }

    /// A file that grows: a server's letters come once.
    pub fn growing(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            append: true,
            file: None,
            written: 0,
        }
    }

    /// Where the letters are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many were written by this process.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Keeps a letter.
    pub fn keep(&mut self, letter: &DeadLetter) -> std::io::Result<()> {
        self.keep_parts(&letter.source, letter.row, &letter.rejection, &letter.bytes)
    }

    /// Keeps a letter, from its parts.
    pub fn keep_parts(
        &mut self,
        source: &str,
        row: u64,
        rejection: &Rejection,
        bytes: &[u8],
    ) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            slot => {
                let mut options = File::options();
                options
                    .create(true)
                    .write(true)
                    .append(self.append)
                    .truncate(!self.append);
                slot.insert(BufWriter::new(options.open(&self.path)?))
            }
        };
        let line = Line {
            source,
            row,
            code: rejection.code.as_str(),
            field: &rejection.field,
            detail: &rejection.detail,
            text: std::str::from_utf8(bytes).ok(),
            bytes_base64: STANDARD.encode(bytes),
        };
        serde_json::to_writer(&mut *file, &line)?;
        file.write_all(b"\n")?;
        self.written += 1;
        Ok(())
    }

    /// Hands everything to the operating system.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}
