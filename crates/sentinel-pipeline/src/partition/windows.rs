//! The windows of a snapshot, read back: parts side by side, where there is much to read.
//!
//! ```text
//!  sections, checked, in file order ─▶ a queue for each part ─▶ windows-0, windows-1 …: a part each ─▶ the state
//!  the caller                          so many wait in all
//! ```
//!
//! An empty section stands before each part. A file that has none of those is from before, and read in one go.
//!
//! Promises the state that the caller alone would read. Must never hold more of the file than so many sections.

use std::num::NonZero;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use sentinel_features::{CodecError, FeatureEngine, FeatureSet, Part};

use crate::snapshot::SnapshotError;
use crate::snapshot::format::{Section, SectionReader};

/// Sections that wait to be read back, at most: 64 MiB.
const SECTIONS_WAITING: usize = 512;

/// Shorter files are read by the caller alone: threads would take as long to start.
const SHARED_BYTES_MIN: u64 = 4 * 1024 * 1024;

/// Threads, at most: the largest table takes a third of the time.
const THREADS_MAX: usize = 4;

/// A section that waits: where it stands in the file, what it says, and its place among those that wait.
struct Piece {
    at: u64,
    bytes: Vec<u8>,
    _place: Place,
}

/// One of so many places; given back when it goes, whatever became of the section.
struct Place(Receiver<()>);

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.0.try_recv();
    }
}

/// A part that is to be read back, its number and its pieces.
type Task = (usize, Part, Receiver<Piece>);

/// A part that was read back, or what is wrong with the section at a place.
type Restored = (usize, Result<Part, (u64, CodecError)>);

/// Reads the windows of a set, which come next.
pub(super) fn read(
    set: FeatureSet,
    from: &mut SectionReader,
) -> Result<FeatureEngine, SnapshotError> {
    let mut first = Vec::new();
    let is_there = from.next(Section::Windows, &mut first)?;
    let is_parted = is_there && first.is_empty();
    if is_parted && !from.gives_way() && from.file_bytes() >= SHARED_BYTES_MIN {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        read_by_several(set, from, threads.min(THREADS_MAX))
    } else {
        read_alone(set, from, is_there.then_some(first))
    }
}

/// Reads them in one go; `first` is the section that was read already.
fn read_alone(
    set: FeatureSet,
    from: &mut SectionReader,
    mut first: Option<Vec<u8>>,
) -> Result<FeatureEngine, SnapshotError> {
    let mut failed = None;
    let read = FeatureEngine::decode_pieces(set, &mut |piece| match first.take() {
        Some(first) => {
            *piece = first;
            true
        }
        None => from.next(Section::Windows, piece).unwrap_or_else(|error| {
            failed = Some(error);
            false
        }),
    });
    match (failed, read) {
        (Some(error), _) => Err(error),
        (None, Ok(engine)) => Ok(engine),
        (None, Err(error)) => Err(refused(from, (from.last_at(), error))),
    }
}

/// Reads parts side by side; the section before the first was read already.
fn read_by_several(
    set: FeatureSet,
    from: &mut SectionReader,
    threads: usize,
) -> Result<FeatureEngine, SnapshotError> {
    let parts = FeatureEngine::parts(&set);
    let count = parts.len();
    let (begin, tasks) = bounded(count);
    let (done, restored) = unbounded();
    std::thread::scope(|scope| {
        for number in 0..threads {
            let (tasks, done) = (tasks.clone(), done.clone());
            let thread = std::thread::Builder::new().name(format!("windows-{number}"));
            let started = thread.spawn_scoped(scope, move || restore_parts(&tasks, &done));
            started.map_err(|error| from.io("start a thread that reads windows of", error))?;
        }
        drop((tasks, done));
        hand_out(from, parts, begin)?;
        let mut restored: Vec<Restored> = restored.iter().collect();
        restored.sort_by_key(|(number, _)| *number);
        let parts: Result<Vec<Part>, _> = restored.into_iter().map(|(_, part)| part).collect();
        let parts = parts.map_err(|wrong| refused(from, wrong))?;
        if parts.len() < count {
            return Err(from.damaged(format!("{} parts of {count}", parts.len())));
        }
        Ok(FeatureEngine::of_parts(set, parts))
    })
}

/// Reads sections and puts them into the queues of their parts. Ends where nobody takes them any more: that has a reason
/// of its own.
fn hand_out(
    from: &mut SectionReader,
    parts: Vec<Part>,
    begin: Sender<Task>,
) -> Result<(), SnapshotError> {
    // Parts are begun in the order of the file. So while all places are taken, a part in work has sections that wait, or
    // has all of them: nobody waits for ever.
    let (take_place, places) = bounded(SECTIONS_WAITING);
    let mut bytes = Vec::new();
    let mut more = true;
    for (number, part) in parts.into_iter().enumerate() {
        if !more {
            break;
        }
        let (put, pieces) = unbounded();
        if begin.send((number, part, pieces)).is_err() {
            return Ok(());
        }
        loop {
            more = from.next(Section::Windows, &mut bytes)?;
            if !more || bytes.is_empty() {
                break;
            }
            if take_place.send(()).is_err() {
                return Ok(());
            }
            let piece = Piece {
                at: from.last_at(),
                bytes: std::mem::take(&mut bytes),
                _place: Place(places.clone()),
            };
            if put.send(piece).is_err() {
                return Ok(());
            }
        }
    }
    if more {
        return Err(from.damaged("windows of more kinds than there are"));
    }
    Ok(())
}

/// Reads parts back until there are no more; ends with the first that makes no sense.
fn restore_parts(tasks: &Receiver<Task>, done: &Sender<Restored>) {
    for (number, mut part, pieces) in tasks {
        let mut at = 0;
        let read = part.restore(&mut |piece| match pieces.recv() {
            Ok(next) => {
                (at, *piece) = (next.at, next.bytes);
                true
            }
            Err(_) => false,
        });
        let wrong = read.is_err();
        let part = read.map(|()| part).map_err(|error| (at, error));
        if done.send((number, part)).is_err() || wrong {
            return;
        }
    }
}

/// What is wrong with the section at a place.
fn refused(from: &SectionReader, (at, error): (u64, CodecError)) -> SnapshotError {
    match error {
        CodecError::OtherFeatures | CodecError::Format => from.unfit(error.to_string()),
        CodecError::Checksum | CodecError::Content(_) => from.damaged_at(at, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sentinel_domain::Instant;
    use sentinel_synth::{Options, Stream};

    use super::*;
    use crate::snapshot::format::{SectionWriter, Stopping};

    fn engine() -> FeatureEngine {
        let mut engine = FeatureEngine::new(FeatureSet::shipped());
        let start = Instant::parse_rfc3339("2026-03-01T06:00:00Z").unwrap();
        for generated in Stream::new(Options::new(7, start)).take(1_500) {
            engine.absorb(&[(&generated.transaction, Some(100))]);
        }
        engine
    }

    /// A file of windows.
    fn write(path: &Path, sections: &[Vec<u8>]) {
        let out = std::fs::File::create(path).unwrap();
        let mut writer = SectionWriter::new(out, Stopping::default());
        for section in sections {
            writer.section(Section::Windows, section);
        }
        writer.finish().unwrap();
    }

    fn sections(engine: &FeatureEngine) -> Vec<Vec<u8>> {
        let mut sections = Vec::new();
        engine.encode_pieces(&mut |piece| sections.push(piece.to_vec()));
        sections
    }

    fn by_several(path: &Path, threads: usize) -> Result<FeatureEngine, SnapshotError> {
        let mut from = SectionReader::open(path, Stopping::default()).unwrap();
        let mut first = Vec::new();
        assert!(from.next(Section::Windows, &mut first).unwrap() && first.is_empty());
        read_by_several(FeatureSet::shipped(), &mut from, threads)
    }

    fn alone(path: &Path) -> Result<FeatureEngine, SnapshotError> {
        let mut from = SectionReader::open(path, Stopping::default()).unwrap();
        read(FeatureSet::shipped(), &mut from)
    }

    #[test]
    fn several_read_what_one_reads() {
        let engine = engine();
        let bytes = engine.encode();
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("windows");
        let mut sections = sections(&engine);
        write(&path, &sections);
        for threads in 1..4 {
            assert!(by_several(&path, threads).unwrap().encode() == bytes);
        }
        assert!(alone(&path).unwrap().encode() == bytes);
        // As files were before parts were marked.
        sections.retain(|section| !section.is_empty());
        write(&path, &sections);
        assert!(alone(&path).unwrap().encode() == bytes);
    }

    #[test]
    fn a_part_that_makes_no_sense_is_told_with_a_place_in_it() {
        let engine = engine();
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("windows");
        let whole = sections(&engine);
        for (number, section) in whole.iter().enumerate().filter(|(_, it)| it.len() > 50) {
            let mut sections = whole.clone();
            // The checksum of the section holds: only what it says is wrong.
            sections[number].truncate(section.len() - 1);
            write(&path, &sections);
            let found = [by_several(&path, 2), by_several(&path, 1), alone(&path)];
            let place_of = |at: usize| -> u64 {
                8 + whole[..at]
                    .iter()
                    .map(|it| it.len() as u64 + 12)
                    .sum::<u64>()
            };
            let behind = whole[number..].iter().position(Vec::is_empty);
            let part = place_of(number)..place_of(number + behind.unwrap_or(whole.len() - number));
            for (way, read) in found.into_iter().enumerate() {
                match read {
                    Err(SnapshotError::Damaged { offset_bytes, .. }) if way < 2 => {
                        assert!(part.contains(&offset_bytes), "section {number}");
                    }
                    // In one go it may be missed a part later.
                    Err(SnapshotError::Damaged { .. }) => {}
                    other => panic!("section {number}: {:?}", other.err()),
                }
            }
        }
    }

    #[test]
    fn parts_that_are_missing_or_too_many_are_refused() {
        let engine = engine();
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("windows");
        let whole = sections(&engine);
        let last = whole.iter().rposition(Vec::is_empty).unwrap();
        write(&path, &whole[..last]);
        assert!(by_several(&path, 2).is_err());
        write(&path, &[&whole[..], &[Vec::new()]].concat());
        assert!(by_several(&path, 2).is_err());
    }
}
