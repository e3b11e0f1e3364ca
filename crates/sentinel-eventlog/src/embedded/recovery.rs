//! Recovery: what a directory holds, and whether it may be used.
//!
//! Promises to change nothing but an unfinished tail, whose bytes are kept. Must never guess: whatever is
//! neither whole nor the end of an interrupted write refuses, with file and byte offset.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::LogDirectory;
use super::extent::{EXTENT_FILE, Extent};
use super::scanner::{Found, Scanner, find_later_frame, rest_of};
use super::segment::{Checkpoint, Segment, SegmentHeader};
use super::tail::Tail;
use crate::disk::{Disk, Opening, PlantedBug};
use crate::error::LogError;
use crate::event_log::{EmbeddedOptions, TornTail};

/// A log as it was found.
pub(super) struct Recovered {
    pub segments: Vec<Arc<Segment>>,
    pub tail: Tail,
    pub created: bool,
    pub torn: Option<TornTail>,
}

/// Opens all segments of a directory, or makes the first one.
pub(super) fn recover(
    directory: &LogDirectory,
    options: &EmbeddedOptions,
) -> Result<Recovered, LogError> {
    let (bases, unfinished) = directory.list()?;
    // Nothing in a segment that was never finished was ever acknowledged.
    for path in unfinished {
        directory.remove_segment(&path)?;
    }
    // A process that died between a rename and the sync behind it left names that a power cut would undo.
    directory.sync()?;
    let mut segments = Vec::new();
    for base in bases {
        segments.push(Segment::open(directory, base, Opening::Write)?);
    }
    check_chain(directory, options, &segments)?;
    let extent = directory.read_extent()?;
    let durable_bytes = match &extent {
        Some(extent) => check_extent(directory, extent, &segments)?,
        None => 0,
    };
    let created = segments.is_empty();
    let last = match segments.pop() {
        Some(last) => last,
        None => {
            directory.sync_parents()?;
            Segment::create(directory, first_header(options), |_, _| Ok(()))?
        }
    };
    let (tail, torn) = recover_tail(directory, Arc::new(last), durable_bytes)?;
    let mut segments: Vec<_> = segments.into_iter().map(Arc::new).collect();
    segments.push(Arc::clone(&tail.segment));
    let extent = Extent {
        start: segments.first().map_or(0, |first| first.header.base),
        last: tail.segment.header.base,
        last_bytes: tail.position,
    };
    match directory.tell_extent(extent) {
        // The bound told before holds still; a log on a full disk can be read.
        Err(LogError::Io { attempt, source }) if source.kind() == io::ErrorKind::StorageFull => {
            tracing::warn!(attempt, "no room to tell how far the log reaches");
        }
        told => told?,
    }
    Ok(Recovered {
        segments,
        tail,
        created,
        torn,
    })
}

/// Everything is there that was told to be. Gives how many bytes of the last segment were on disk.
pub(super) fn check_extent(
    directory: &LogDirectory,
    extent: &Extent,
    segments: &[Segment],
) -> Result<u64, LogError> {
    let missing = |base: u64| LogError::Corrupt {
        file: directory.segment_path(base),
        offset_bytes: 0,
        detail: format!("the segment is missing, though {EXTENT_FILE} names it"),
    };
    if segments
        .first()
        .is_none_or(|first| first.header.base > extent.start)
    {
        return Err(missing(extent.start));
    }
    let found = segments.iter().find(|one| one.header.base == extent.last);
    let last = found.ok_or_else(|| missing(extent.last))?;
    let file_bytes = last.file_bytes()?;
    if file_bytes < extent.last_bytes {
        let detail = format!(
            "the file has {file_bytes} bytes, but {} were on disk",
            extent.last_bytes
        );
        return Err(last.corrupt(file_bytes, detail));
    }
    let is_last = segments
        .last()
        .is_some_and(|one| one.header.base == extent.last);
    Ok(if is_last { extent.last_bytes } else { 0 })
}

fn first_header(options: &EmbeddedOptions) -> SegmentHeader {
    SegmentHeader {
        log_id: options.new_log_id,
        partition: options.partition,
        base: options.new_start.0,
        previous: None,
        checkpoint: Checkpoint::default(),
    }
}

/// Every segment belongs to the same log and partition, and follows the one before without a gap.
fn check_chain(
    directory: &LogDirectory,
    options: &EmbeddedOptions,
    segments: &[Segment],
) -> Result<(), LogError> {
    let mut before: Option<&Segment> = None;
    for segment in segments {
        let header = &segment.header;
        if header.partition != options.partition {
            let (found, wanted) = (header.partition.0, options.partition.0);
            return Err(LogError::Mismatch {
                file: segment.path.clone(),
                detail: format!("it belongs to partition {found}, expected {wanted}"),
            });
        }
        if let Some(before) = before {
            if header.log_id != before.header.log_id {
                let (found, wanted) = (header.log_id, before.header.log_id);
                return Err(LogError::Mismatch {
                    file: segment.path.clone(),
                    detail: format!("it belongs to log {found}, the one before to {wanted}"),
                });
            }
            check_link(directory, before, segment)?;
        }
        before = Some(segment);
    }
    Ok(())
}

/// A segment names the one before it, and how long that one was left.
pub(super) fn check_link(
    directory: &LogDirectory,
    before: &Segment,
    segment: &Segment,
) -> Result<(), LogError> {
    let Some((base, file_bytes)) = segment.header.previous else {
        return Err(segment.corrupt(
            40,
            "the segment's head says that no segment comes before it",
        ));
    };
    if base != before.header.base {
        let missing = directory.segment_path(base);
        let detail = format!("the segment before it, {}, is missing", missing.display());
        return Err(segment.corrupt(40, detail));
    }
    let found = before.file_bytes()?;
    if found != file_bytes {
        let detail = format!("the file has {found} bytes, but was left with {file_bytes}");
        return Err(before.corrupt(found.min(file_bytes), detail));
    }
    Ok(())
}

/// Verifies every frame of the last segment and cuts an unfinished tail, where it lies behind the bytes
/// that are known to have been on disk.
pub(super) fn recover_tail(
    directory: &LogDirectory,
    segment: Arc<Segment>,
    durable_bytes: u64,
) -> Result<(Tail, Option<TornTail>), LogError> {
    let (mut tail, bad) = walk(segment)?;
    let torn = match bad {
        None => None,
        Some(detail) => {
            let (position, file_bytes) = (tail.position, tail.segment.file_bytes()?);
            if position < durable_bytes {
                let detail =
                    format!("{detail}, but {durable_bytes} bytes of the file were on disk");
                return Err(tail.segment.corrupt(position, detail));
            }
            let rest = rest_of(&tail.segment.file, position, file_bytes)
                .map_err(LogError::io("read segment", &tail.segment.path))?;
            if let Some(at) = find_later_frame(&rest, position) {
                let later = position + at as u64;
                let detail = format!("{detail}, but later frames are whole (byte {later})");
                return Err(tail.segment.corrupt(position, detail));
            }
            Some(cut_torn_tail(directory, &tail.segment, position, &rest)?)
        }
    };
    // A crash may have left written bytes that no sync has followed; they are about to be read.
    tail.secure(&directory.disk)?;
    Ok((tail, torn))
}

/// Walks over the frames of a segment; says what is wrong where the walk ended before the file did.
fn walk(segment: Arc<Segment>) -> Result<(Tail, Option<&'static str>), LogError> {
    let mut tail = Tail::at_head_of(Arc::clone(&segment));
    let mut scanner = Scanner::new(&segment, tail.position);
    loop {
        match scanner.advance()? {
            Found::End => return Ok((tail, None)),
            Found::Bad(_, detail) => return Ok((tail, Some(detail))),
            Found::Frame(frame) => {
                let (header, position) = (frame.header, frame.position);
                let early = tail
                    .checkpoint
                    .last_log_time
                    .is_some_and(|last| header.first_time < last);
                if header.base != tail.end || early {
                    let end = tail.end;
                    let detail = format!(
                        "a frame with offset {} stands where {end} is expected, or its time goes back",
                        header.base
                    );
                    return Err(segment.corrupt(position, detail));
                }
                segment.note(header.base, position);
                tail.pass(&header);
            }
        }
    }
}

/// Keeps the bytes of an unfinished tail in a file of their own, then cuts them off.
fn cut_torn_tail(
    directory: &LogDirectory,
    segment: &Segment,
    position: u64,
    rest: &[u8],
) -> Result<TornTail, LogError> {
    let kept_as = keep(&directory.disk, &segment.path, rest)?;
    directory.sync()?;
    if !directory.disk.planted(PlantedBug::LeaveTornTail) {
        segment
            .file
            .set_len(position)
            .map_err(LogError::io("cut the unfinished tail of", &segment.path))?;
    }
    tracing::warn!(
        file = %segment.path.display(),
        offset_bytes = position,
        bytes = rest.len(),
        kept_as = %kept_as.display(),
        "cut the unfinished tail of a segment"
    );
    Ok(TornTail {
        file: segment.path.clone(),
        offset_bytes: position,
        bytes: rest.len() as u64,
        kept_as,
    })
}

/// Writes the bytes to `<segment>.torn`, or with a number behind where that is there from an earlier time.
fn keep(disk: &Disk, segment: &Path, bytes: &[u8]) -> Result<PathBuf, LogError> {
    let mut number = 1_u32;
    loop {
        let mut name = segment.as_os_str().to_owned();
        name.push(".torn");
        if number > 1 {
            name.push(format!(".{number}"));
        }
        let path = PathBuf::from(name);
        match disk.open(&path, Opening::New) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(LogError::io("create", &path)(error)),
            Ok(file) => {
                let written = file.write_all_at(bytes, 0).and_then(|()| file.sync_data());
                if written.is_err() {
                    // On a full disk every attempt to open would leave another piece behind.
                    let _ = disk.remove(&path);
                }
                written.map_err(LogError::io("write", &path))?;
                return Ok(path);
            }
        }
    }
}
