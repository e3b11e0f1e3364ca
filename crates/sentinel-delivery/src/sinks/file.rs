//! A sink that appends lines to a file.
//!
//! Promises that a batch that was taken is on disk, and that the file holds whole lines only: a write
//! that fails is taken back, and what a crash tore is cut off at the next opening, kept beside the file
//! and reported. After a power loss, lines of a batch that was never taken may be damaged; they are sent
//! again. Must never cut into anything but the last line.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::DeliveryError;

/// The longest last line that is taken for a torn one. Messages are a few kilobytes; a longer end
/// without a line break means that the path names something else, which must not be cut.
const TORN_LINE_BYTES_MAX: u64 = 16 << 20;

/// Bytes read at once when looking for the last line break, backwards.
const BLOCK_BYTES: u64 = 64 << 10;

/// A half-written last line that was found and cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornLine {
    /// The file it was cut from.
    pub path: PathBuf,
    /// Where it began; the file's length now.
    pub offset: u64,
    /// How many bytes it had.
    pub bytes: u64,
    /// The file to which these bytes were appended.
    pub kept_in: PathBuf,
}

#[derive(Debug)]
pub(crate) struct FileSink {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    torn_line: Option<TornLine>,
    /// Where a failed write began that could not be taken back yet.
    take_back_to: Option<u64>,
}

impl FileSink {
    /// Opens or makes the file, and cuts what a crash tore.
    pub(crate) fn open(path: &Path) -> Result<Self, DeliveryError> {
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(State::open(path)?),
        })
    }

    pub(crate) fn torn_line(&self) -> Option<TornLine> {
        self.state().torn_line.clone()
    }

    /// Appends whole lines and waits until they are on disk.
    pub(crate) fn append(&self, lines: &str) -> Result<(), DeliveryError> {
        let mut state = self.state();
        let failed = || DeliveryError::writing(self.path.display().to_string());
        if !is_at(&state.file, &self.path).map_err(failed())? {
            // Rotated or deleted: what is written to the old file may be read by nobody.
            *state = State::open(&self.path)?;
        }
        state.append(lines.as_bytes()).map_err(failed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panic could leave half done is what a crash could: the next write starts afresh.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(path: &Path) -> Result<Self, DeliveryError> {
        let failed = |source: io::Error| DeliveryError::Open {
            path: path.to_owned(),
            source: Arc::new(source),
        };
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(failed)?;
        file.try_lock().map_err(|refused| match refused {
            TryLockError::WouldBlock => DeliveryError::InUse {
                path: path.to_owned(),
            },
            TryLockError::Error(source) => failed(source),
        })?;
        // A file that was just made is safe only once its folder is.
        sync_folder_of(path).map_err(failed)?;
        let torn_line = cut_torn_line(&file, path)?;
        if let Some(torn) = &torn_line {
            tracing::warn!(
                path = %torn.path.display(),
                offset = torn.offset,
                bytes = torn.bytes,
                kept_in = %torn.kept_in.display(),
                "cut a half-written last line"
            );
        }
        Ok(Self {
            file,
            torn_line,
            take_back_to: None,
        })
    }

    /// Appends and syncs; where that fails, takes the bytes back, now or before the next write.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut length = self.file.metadata()?.len();
        if let Some(begin) = self.take_back_to {
            // Never longer: a file that was cut meanwhile must not be filled up with zeros.
            length = length.min(begin);
            self.file.set_len(length)?;
            self.take_back_to = None;
        }
        let written = self
            .file
            .write_all(bytes)
            .and_then(|()| self.file.sync_data());
        if written.is_err() && self.file.set_len(length).is_err() {
            self.take_back_to = Some(length);
        }
        written
    }
}

/// Cuts the bytes after the last line break, after they are safe in `<path>.torn`.
fn cut_torn_line(mut file: &File, path: &Path) -> Result<Option<TornLine>, DeliveryError> {
    let failed = |source: io::Error| DeliveryError::Open {
        path: path.to_owned(),
        source: Arc::new(source),
    };
    let length = file.metadata().map_err(failed)?.len();
    let offset = end_of_last_line(file, length).map_err(failed)?;
    let bytes = length - offset;
    if bytes == 0 {
        return Ok(None);
    }
    if bytes > TORN_LINE_BYTES_MAX {
        let path = path.to_owned();
        return Err(DeliveryError::NotLines { path, bytes });
    }
    let mut torn = Vec::new();
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    file.read_to_end(&mut torn).map_err(failed)?;
    let mut kept_in = path.as_os_str().to_owned();
    kept_in.push(".torn");
    let kept_in = PathBuf::from(kept_in);
    keep(&kept_in, &torn).map_err(failed)?;
    file.set_len(offset).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let path = path.to_owned();
    Ok(Some(TornLine {
        path,
        offset,
        bytes,
        kept_in,
    }))
}

/// The offset after the last line break; 0 where there is none. Looks no further back than a torn line
/// may be long, and gives then where it stopped looking.
fn end_of_last_line(mut file: &File, length: u64) -> io::Result<u64> {
    let mut end = length;
    let mut block = Vec::new();
    while end > 0 && length - end <= TORN_LINE_BYTES_MAX {
        let begin = end.saturating_sub(BLOCK_BYTES);
        block.clear();
        file.seek(SeekFrom::Start(begin))?;
        file.take(end - begin).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + at as u64 + 1);
        }
        end = begin;
    }
    Ok(end)
}

/// Appends bytes to a file and waits until they are on disk.
fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_folder_of(path)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Whether a path still names the file that was opened.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let there = match std::fs::metadata(path) {
        Ok(there) => there,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(cause),
    };
    let open = file.metadata()?;
    Ok((there.dev(), there.ino()) == (open.dev(), open.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_could_not_be_taken_back_is_taken_back_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        let mut state = State::open(&path).unwrap();
        state.append(b"one\n").unwrap();
        // As a full disk leaves it: half a line, and the cut failed as well.
        (&state.file).write_all(b"tw").unwrap();
        state.take_back_to = Some(4);
        state.append(b"two\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n");

        // Somebody emptied the file meanwhile: nothing is filled up.
        state.take_back_to = Some(100);
        std::fs::write(&path, b"").unwrap();
        state.append(b"three\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"three\n");
    }

    #[test]
    fn a_write_that_fails_is_an_error_and_remembers_what_to_take_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        std::fs::write(&path, b"one\n").unwrap();
        // Opened for reading only: neither the write nor the cut can succeed.
        let mut state = State {
            file: File::open(&path).unwrap(),
            torn_line: None,
            take_back_to: None,
        };
        assert!(state.append(b"two\n").is_err());
        assert_eq!(state.take_back_to, Some(4));
        assert!(state.append(b"two\n").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"one\n");
    }
}
