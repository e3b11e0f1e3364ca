//! Poison: an entry on which the owner stops every time it comes to it.
//!
//! ```text
//!  panic 1, 2, 3 at one entry ─▶ the next start appends Skip{entry}, keeps its bytes as a dead letter ─▶ goes on
//! ```
//!
//! Bytes that cannot be decoded are refused without this; here are panics, faults of our own. Which entry it was is
//! not known where a batch was under way, so after one the next owner applies entries one by one for a while. What
//! ends the process without a panic (a kill, no memory) is not counted: it says nothing of the entry.
//!
//! Promises that a skip stands in the log, so every replay makes the same of it; that an entry which was followed by
//! alerts or stands in a snapshot is never skipped. Must never skip on a guess.

use std::fs::File;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sentinel_domain::{Entry, Instant, Offset, Rejection, RejectionCode};
use sentinel_eventlog::{
    EventLog, LogError, Payloads, Record, RecordBatch, encode_entry, skipped_by,
};

use crate::dead_letter::DeadLetterFile;
use crate::intake::ReadEntry;
use crate::planted::{self, Mistake};

/// How often the owner panics at an entry before it is skipped.
pub const STOPS: u32 = 3;

/// How many entries are applied one by one where the note of a panic cannot be read: more than a batch holds.
const CAREFUL_ENTRIES: u64 = 256;

/// The entries of a log that are skipped. A skip stands behind its entry, so it has to be looked for before.
#[derive(Debug, Clone, Default)]
pub struct Skips {
    offsets: Arc<[Offset]>,
}

impl Skips {
    /// Those that the log names from an entry on. A skip of an entry before it is of no interest any more.
    pub(crate) fn of(log: &EventLog, from: Offset) -> Result<Self, (Offset, LogError)> {
        let mut offsets = Vec::new();
        log.walk(from, &mut |record| {
            offsets.extend(skipped_by(record.payload).filter(|skipped| *skipped < record.offset));
        })?;
        offsets.sort_unstable();
        let offsets = offsets.into();
        Ok(Self { offsets })
    }

    /// These and those that were met before.
    pub(crate) fn and(self, known: &[Offset]) -> Self {
        if known.is_empty() {
            return self;
        }
        let mut offsets = [&*self.offsets, known].concat();
        offsets.sort_unstable();
        offsets.dedup();
        let offsets = offsets.into();
        Self { offsets }
    }

    /// Whether an entry is skipped.
    pub(crate) fn contains(&self, offset: Offset) -> bool {
        !self.offsets.is_empty()
            && self.offsets.binary_search(&offset).is_ok()
            && !planted::is(Mistake::IgnoreSkips)
    }
}

/// Reads the bytes of a record, but those of one that is skipped. `scratch` is reused between calls.
pub(crate) fn read(record: &Record<'_>, skips: &Skips, scratch: &mut Vec<u8>) -> ReadEntry {
    if skips.contains(record.offset) {
        ReadEntry::refused(record, rejection())
    } else {
        ReadEntry::of(record, scratch)
    }
}

/// What something gives, or the error that its panic is.
pub(crate) fn unless_it_panics<R, E>(run: impl FnOnce() -> R, panicked: E) -> Result<R, E> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| panicked)
}

/// What becomes of a skipped entry.
pub(crate) fn rejection() -> Rejection {
    let detail =
        format!("deciding on it stopped the engine {STOPS} times; it is in the dead letters");
    Rejection::new(RejectionCode::Skipped, "", detail)
}

/// A note beside the log of where the owner panicked. There is none as long as it never did: a kill, a power cut or a
/// full disk leaves none.
#[derive(Debug)]
pub struct Attempts {
    path: PathBuf,
    note: Option<Note>,
    /// How many entries are still to be applied one by one where the note cannot be read.
    careful: u64,
}

/// Where an owner panicked: somewhere in these entries, and how often so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note {
    from: Offset,
    entries: u64,
    times: u32,
}

impl Note {
    fn holds(self, offset: Offset) -> bool {
        self.from <= offset && offset < self.end()
    }

    /// The first entry behind it.
    fn end(self) -> Offset {
        Offset(self.from.0.saturating_add(self.entries))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let mut next = || words.next()?.parse().ok();
        let (from, entries): (u64, u64) = (next()?, next()?);
        let times = u32::try_from(next()?).ok()?;
        Some(Self {
            from: Offset(from),
            entries,
            times,
        })
    }
}

impl Attempts {
    /// Reads the note, where there is one.
    pub fn open(path: &Path) -> io::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let note = text.as_deref().and_then(Note::parse);
        // One that cannot be read names nothing.
        let is_unreadable = text.is_some() && note.is_none();
        Ok(Self {
            path: path.to_owned(),
            note,
            careful: if is_unreadable { CAREFUL_ENTRIES } else { 0 },
        })
    }

    /// Where the note lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the owner panicked so often at this very entry that it has to be skipped.
    pub fn is_poison(&self, next: Offset) -> bool {
        self.note
            .is_some_and(|note| (note.from, note.entries) == (next, 1) && note.times >= STOPS)
    }

    /// Whether an entry is to be applied by itself: any up to the end of what is noted, however far before it the
    /// owner begins.
    pub(crate) fn is_careful(&self, next: Offset) -> bool {
        match self.note {
            Some(note) => next < note.end(),
            None => self.careful > 0,
        }
    }

    /// Guards the application of so many entries: a panic meanwhile is noted.
    pub(crate) fn applying(&mut self, from: Offset, entries: usize) -> Applying<'_> {
        Applying {
            attempts: self,
            from,
            entries: entries as u64,
        }
    }

    /// Removes the note: what it spoke of is over.
    pub(crate) fn forget(&mut self) -> io::Result<()> {
        (self.careful, self.note) = (0, None);
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Entries that are being applied.
pub(crate) struct Applying<'a> {
    attempts: &'a mut Attempts,
    from: Offset,
    entries: u64,
}

impl Applying<'_> {
    /// They were applied.
    pub(crate) fn done(self) -> Result<(), PoisonError> {
        let attempts = &mut *self.attempts;
        let is_over = match attempts.note {
            Some(note) => self.from.plus(self.entries) >= note.end(),
            None if attempts.careful > 0 => {
                attempts.careful = attempts.careful.saturating_sub(self.entries);
                attempts.careful == 0
            }
            None => false,
        };
        if is_over {
            let forgotten = attempts.forget();
            forgotten.map_err(PoisonError::io(&attempts.path))?;
        }
        Ok(())
    }
}

impl Drop for Applying<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let earlier = self.attempts.note.filter(|note| note.holds(self.from));
        let times = earlier.map_or(1, |note| note.times + 1);
        let text = format!("{} {} {times}\n", self.from, self.entries);
        let written = File::create(&self.attempts.path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        if let Err(error) = written {
            tracing::error!(%error, path = %self.attempts.path.display(), "a panic could not be noted");
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

/// Where the last owners panicked at the first entry without an outcome often enough: keeps its bytes, then has the
/// log skip it. `next` are that entry and the first that alerts have not followed: an entry that they have followed was
/// decided, whatever became of the decision log.
pub fn put_aside(
    attempts: &Attempts,
    log: &EventLog,
    (next, followed): (Offset, Offset),
    letters: &mut DeadLetterFile,
    now: Instant,
) -> Result<(), PoisonError> {
    if !attempts.is_poison(next) || next >= log.end() || next < followed {
        return Ok(());
    }
    let skips =
        Skips::of(log, next).map_err(|(offset, source)| PoisonError::Log { offset, source })?;
    if skips.contains(next) {
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
        .and_then(|()| letters.sync());
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
    use super::*;

    fn panics_at(path: &Path, from: u64, entries: usize) {
        let mut attempts = Attempts::open(path).unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _applying = attempts.applying(Offset(from), entries);
            panic!("planted");
        }));
        assert!(panicked.is_err());
    }

    #[test]
    fn a_panic_is_the_error_that_stands_for_it() {
        let given: Result<u8, &str> = unless_it_panics(|| 7, "panicked");
        assert_eq!(given, Ok(7));
        let given: Result<u8, &str> = unless_it_panics(|| panic!("planted"), "panicked");
        assert_eq!(given, Err("panicked"));
    }

    #[test]
    fn three_panics_at_one_entry_make_it_poison_and_nothing_less() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attempts");
        let open = || Attempts::open(&path).unwrap();
        assert!(!open().is_careful(Offset(0)));
        panics_at(&path, 0, 64);
        assert!(open().is_careful(Offset(63)) && !open().is_careful(Offset(64)));
        assert!(!open().is_poison(Offset(0)));
        panics_at(&path, 7, 1);
        assert!(!open().is_poison(Offset(7)));
        // Elsewhere counts anew.
        panics_at(&path, 80, 1);
        for _ in 0..2 {
            assert!(!open().is_poison(Offset(80)));
            panics_at(&path, 80, 1);
        }
        assert!(open().is_poison(Offset(80)) && !open().is_poison(Offset(81)));
    }

    #[test]
    fn a_kill_leaves_no_note_and_an_entry_that_was_applied_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attempts");
        // A kill ends the process where it is: nothing runs, so nothing is written.
        std::mem::forget(Attempts::open(&path).unwrap().applying(Offset(3), 1));
        assert!(!path.exists());
        panics_at(&path, 3, 1);
        let mut attempts = Attempts::open(&path).unwrap();
        attempts.applying(Offset(2), 1).done().unwrap();
        assert!(path.exists() && attempts.is_careful(Offset(3)));
        attempts.applying(Offset(3), 1).done().unwrap();
        assert!(!path.exists() && !attempts.is_careful(Offset(3)));
    }
}
