//! Poison: an entry on which the owner stops every time it comes to it.
//!
//! ```text
//!  stop 1, 2, 3 at one entry ─▶ the next start appends Skip{entry}, keeps its bytes as a dead letter ─▶ goes on
//! ```
//!
//! Bytes that cannot be decoded are refused without this; here are faults of our own, a panic above all. Which
//! entry it was is not known where a batch was under way, so after a stop without warning the first entries are
//! applied one by one, and one that panics is noted on the way out.
//!
//! The note is written while the stack unwinds, not before an entry is begun: a kill from outside would find such a
//! note too, and three kills in a row at a slow entry would cost an innocent one, answered perhaps. The price is that
//! a fault which ends the process at once (a stack that overflows, memory that runs out) is taken for a kill.
//!
//! Promises that a skip stands in the log, so every replay makes the same of it; that an entry whose outcome is
//! recorded is never skipped; and that no kill from outside, no error of a disk and no power cut counts as a stop at an
//! entry. Must never skip on a guess.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sentinel_domain::{Entry, Instant, Offset, Rejection, RejectionCode};
use sentinel_eventlog::{EventLog, LogError, Payloads, RecordBatch, encode_entry, skipped_by};

use crate::dead_letter::DeadLetterFile;

/// How often the owner stops at an entry before it is skipped.
pub const STOPS: u32 = 3;

/// How many entries are applied one by one after a stop without warning: more than a batch holds.
const CAREFUL_ENTRIES: u32 = 256;

/// Entries read at once when skips are looked for.
const BATCH_ENTRIES: usize = 4_096;

/// The entries of a log that are skipped. A skip stands behind its entry, so it has to be looked for before.
#[derive(Debug, Clone, Default)]
pub struct Skips {
    offsets: Arc<[Offset]>,
}

impl Skips {
    /// Those that the log names from an entry on. A skip of an entry before it is of no interest any more.
    pub(crate) fn of(log: &EventLog, from: Offset) -> Result<Self, (Offset, LogError)> {
        let (mut next, end) = (from, log.end());
        let mut batch = RecordBatch::default();
        let mut offsets = Vec::new();
        while next < end {
            log.read(next, BATCH_ENTRIES, &mut batch)
                .map_err(|error| (next, error))?;
            if batch.is_empty() {
                break;
            }
            offsets.extend(batch.iter().filter_map(|record| {
                skipped_by(record.payload).filter(|skipped| *skipped < record.offset)
            }));
            next = next.plus(batch.len() as u64);
        }
        offsets.sort_unstable();
        let offsets = offsets.into();
        Ok(Self { offsets })
    }

    /// Whether an entry is skipped.
    pub(crate) fn contains(&self, offset: Offset) -> bool {
        !self.offsets.is_empty() && self.offsets.binary_search(&offset).is_ok()
    }
}

/// What becomes of a skipped entry.
pub(crate) fn rejection() -> Rejection {
    let detail =
        format!("deciding on it stopped the engine {STOPS} times; it is in the dead letters");
    Rejection::new(RejectionCode::Skipped, "", detail)
}

/// A note beside the log of the entry at which the owner panicked. Its being there at a start, empty as a rule, says
/// that the last owner stopped without warning.
#[derive(Debug)]
pub struct Attempts {
    path: PathBuf,
    file: File,
    /// The entry at which an earlier owner, or this one, panicked, and how often.
    noted: Option<(Offset, u32)>,
    careful: u32,
}

impl Attempts {
    /// Opens the note, or begins one.
    pub fn open(path: &Path) -> io::Result<Self> {
        let unclean = path.exists();
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        let mut text = String::new();
        // A note that cannot be read names nothing.
        let _ = file.read_to_string(&mut text);
        let noted = text.trim().split_once(' ').and_then(|(offset, times)| {
            let offset = Offset(offset.parse().ok()?);
            Some((offset, times.parse().ok()?))
        });
        Ok(Self {
            path: path.to_owned(),
            file,
            noted,
            careful: if unclean { CAREFUL_ENTRIES } else { 0 },
        })
    }

    /// Where the note lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the owner stopped so often at this entry, the first without an outcome, that it has to be skipped. The
    /// stop before the first that is noted was in a batch.
    pub fn is_poison(&self, next: Offset) -> bool {
        let times = self.noted.filter(|(offset, _)| *offset == next);
        times.is_some_and(|(_, times)| times + 1 >= STOPS)
    }

    /// Whether entries are to be applied one by one.
    pub(crate) fn is_careful(&self) -> bool {
        self.careful > 0
    }

    /// Takes an entry in hand: a panic before it is [`InHand::done`] is noted as a stop at it.
    pub(crate) fn take_in_hand(&mut self, offset: Offset) -> InHand<'_> {
        InHand {
            attempts: self,
            offset,
        }
    }

    /// Removes the note: a stop as it should be.
    pub(crate) fn close(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text.as_bytes())
    }
}

/// An entry that is being applied by itself.
pub(crate) struct InHand<'a> {
    attempts: &'a mut Attempts,
    offset: Offset,
}

impl InHand<'_> {
    /// It was applied: whatever stopped an owner at it before does so no more.
    pub(crate) fn done(self) -> Result<(), PoisonError> {
        let attempts = &mut *self.attempts;
        attempts.careful -= 1;
        if attempts.noted.take().is_some() {
            attempts
                .write("")
                .map_err(PoisonError::io(&attempts.path))?;
        }
        Ok(())
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let offset = self.offset;
        let times = match self.attempts.noted {
            Some((noted, times)) if noted == offset => times + 1,
            _ => 1,
        };
        self.attempts.noted = Some((offset, times));
        if let Err(error) = self.attempts.write(&format!("{offset} {times}\n")) {
            tracing::error!(%offset, %error, "a stop of the engine at an entry could not be noted");
        }
    }
}

/// Why poison could not be put aside.
#[derive(Debug, thiserror::Error)]
pub enum PoisonError {
    /// The log could not be read or written.
    #[error("skip entry {offset}, which stops the engine")]
    Log {
        /// The entry.
        offset: Offset,
        /// What failed.
        source: LogError,
    },
    /// The note or the dead letter could not be written.
    #[error("write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
}

impl PoisonError {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// Where the last owners stopped at the first entry without an outcome often enough: keeps its bytes, then has the
/// log skip it.
pub fn put_aside(
    attempts: &Attempts,
    log: &EventLog,
    next: Offset,
    letters: &mut DeadLetterFile,
    now: Instant,
) -> Result<(), PoisonError> {
    if !attempts.is_poison(next) || next >= log.end() {
        return Ok(());
    }
    let fault = |source| PoisonError::Log {
        offset: next,
        source,
    };
    let mut batch = RecordBatch::default();
    log.read(next, 1, &mut batch).map_err(fault)?;
    let Some(record) = batch.get(0) else {
        return Ok(());
    };
    let kept = letters
        .keep_parts("log", next.0, &rejection(), record.payload)
        .and_then(|()| letters.flush());
    kept.map_err(PoisonError::io(letters.path()))?;
    let mut payloads = Payloads::default();
    payloads.push_with(|out| encode_entry(&Entry::Skip { offset: next }, out));
    log.append(now, None, &payloads).map_err(fault)?;
    log.flush().map_err(fault)?;
    tracing::error!(
        offset = %next, letters = %letters.path().display(),
        "an entry stopped the engine {STOPS} times: it is skipped from here on, and kept in the dead letters; please \
         report it"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn panic_at(attempts: &mut Attempts, offset: Offset) {
        let stopped = catch_unwind(AssertUnwindSafe(|| {
            let _in_hand = attempts.take_in_hand(offset);
            panic!("the planted fault");
        }));
        assert!(stopped.is_err());
    }

    #[test]
    fn three_stops_at_one_entry_make_it_poison_and_nothing_less() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attempts");
        let open = || Attempts::open(&path).unwrap();
        // The first owner stops in a batch: nothing is noted but that it did.
        assert!(!open().is_careful());
        for _ in 1..STOPS {
            let mut attempts = open();
            assert!(attempts.is_careful() && !attempts.is_poison(Offset(7)));
            panic_at(&mut attempts, Offset(7));
        }
        assert!(open().is_poison(Offset(7)));
        assert!(!open().is_poison(Offset(8)));
        // Once it is applied it is an entry as any other.
        open().take_in_hand(Offset(7)).done().unwrap();
        assert!(!open().is_poison(Offset(7)));
        // Stops at different entries do not add up.
        for offset in [7, 8, 7, 8] {
            panic_at(&mut open(), Offset(offset));
            assert!(!open().is_poison(Offset(offset)));
        }
        open().close().unwrap();
        assert!(!path.exists() && !open().is_careful());
    }

    #[test]
    fn kills_while_an_entry_is_in_hand_are_no_stops_at_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attempts");
        for _ in 0..10 {
            let mut attempts = Attempts::open(&path).unwrap();
            assert!(!attempts.is_poison(Offset(7)));
            // SIGKILL: nothing of the process runs any more.
            std::mem::forget(attempts.take_in_hand(Offset(7)));
        }
        // An error that is handed up, of a disk for one, is none either.
        for _ in 0..10 {
            drop(Attempts::open(&path).unwrap().take_in_hand(Offset(7)));
        }
        assert!(!Attempts::open(&path).unwrap().is_poison(Offset(7)));
    }
}
