//! Segments: the files of a log, each named after the offset of its first record.
//!
//! ```text
//!  0 magic  8 format version  10 partition  12 crc32c of the header without these four bytes
//! 16 log id 32 base offset    40 base offset and 48 length of the segment before (all ones: none)
//! 56 log time before 64 whether there was one  68 source count  72 per source: name, next
//! ```
//!
//! The header carries what all earlier segments would say (last log time, progress of every source), so
//! that they can be dropped, and opening reads one segment only. It also names its predecessor and that
//! one's length, so a missing or shortened file is noticed. A segment is made under another name, synced
//! and renamed: its header is never half there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sentinel_domain::{Instant, LogId, Partition};

use super::directory::LogDirectory;
use super::frame::{FrameHeader, take, take_u64};
use crate::disk::{DiskFile, Opening};
use crate::error::LogError;

const SEGMENT_MAGIC: [u8; 8] = *b"SENTLOG\n";
const SEGMENT_VERSION: u16 = 1;

/// The extension of a segment that is being made.
pub(super) const UNFINISHED_EXTENSION: &str = "new";

/// The header without its sources.
const FIXED_BYTES: usize = 72;
const SOURCE_BYTES: usize = 16;
/// More sources than a log ever has; a greater count is damage.
const SOURCES_MAX: usize = 1 << 20;

/// Bytes are copied in pieces of this size.
const COPY_BYTES: usize = 256 * 1024;

/// One entry of the index for about this many bytes of frames.
const INDEX_STEP_BYTES: u64 = 64 * 1024;

/// What a log knows besides its records; follows from the frames before a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub last_log_time: Option<Instant>,
    pub sources: BTreeMap<u64, u64>,
}

impl Checkpoint {
    /// Moves behind a frame.
    pub(super) fn pass(&mut self, header: &FrameHeader) {
        if header.count > 0 {
            self.last_log_time = Some(header.last_time);
        }
        if let Some(progress) = header.source {
            self.sources.insert(progress.source, progress.next);
        }
    }
}

/// The head of a segment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub log_id: LogId,
    pub partition: Partition,
    pub base: u64,
    /// Base offset and file length of the segment before.
    pub previous: Option<(u64, u64)>,
    /// What the segments before say.
    pub checkpoint: Checkpoint,
}

impl SegmentHeader {
    /// The length of the header in the file.
    pub(super) fn bytes_len(&self) -> u64 {
        (FIXED_BYTES + SOURCE_BYTES * self.checkpoint.sources.len()) as u64
    }

    fn encode(&self) -> Vec<u8> {
        let (previous_base, previous_bytes) = self.previous.unwrap_or((u64::MAX, u64::MAX));
        let time = self.checkpoint.last_log_time;
        let count = u32::try_from(self.checkpoint.sources.len()).unwrap_or(u32::MAX);
        let mut before = Vec::with_capacity(12);
        before.extend_from_slice(&SEGMENT_MAGIC);
        before.extend_from_slice(&SEGMENT_VERSION.to_le_bytes());
        before.extend_from_slice(&self.partition.0.to_le_bytes());
        let mut after = Vec::new();
        after.extend_from_slice(&self.log_id.0);
        after.extend_from_slice(&self.base.to_le_bytes());
        after.extend_from_slice(&previous_base.to_le_bytes());
        after.extend_from_slice(&previous_bytes.to_le_bytes());
        after.extend_from_slice(&time.unwrap_or_default().micros().to_le_bytes());
        after.extend_from_slice(&u32::from(time.is_some()).to_le_bytes());
        after.extend_from_slice(&count.to_le_bytes());
        for (source, next) in &self.checkpoint.sources {
            after.extend_from_slice(&source.to_le_bytes());
            after.extend_from_slice(&next.to_le_bytes());
        }
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&before), &after);
        before.extend_from_slice(&checksum.to_le_bytes());
        before.extend_from_slice(&after);
        before
    }

    /// Reads the head of a file and checks it against its name.
    fn read(file: &DiskFile, path: &Path, named: u64) -> Result<Self, LogError> {
        let corrupt = |detail: &str| LogError::Corrupt {
            file: path.to_owned(),
            offset_bytes: 0,
            detail: detail.to_owned(),
        };
        let mut fixed = [0; FIXED_BYTES];
        let read = file
            .read_at_most(&mut fixed, 0)
            .map_err(LogError::io("read the head of segment", path))?;
        if read < FIXED_BYTES {
            return Err(corrupt("the segment's head is cut short"));
        }
        let sources = parse_fixed(&fixed).map_err(|detail| corrupt(&detail))?;
        let mut all = vec![0; FIXED_BYTES + sources * SOURCE_BYTES];
        let read = file
            .read_at_most(&mut all, 0)
            .map_err(LogError::io("read the head of segment", path))?;
        if read < all.len() {
            return Err(corrupt("the segment's head is cut short"));
        }
        let header = parse_all(&all)
            .ok_or_else(|| corrupt("the checksum of the segment's head does not hold"))?;
        if header.base != named {
            let detail = format!("the segment's head names base offset {}", header.base);
            return Err(corrupt(&detail));
        }
        Ok(header)
    }
}

/// Checks magic and version, and gives the number of sources that follow.
fn parse_fixed(bytes: &[u8; FIXED_BYTES]) -> Result<usize, String> {
    let mut rest = bytes.as_slice();
    if take(&mut rest) != Some(SEGMENT_MAGIC) {
        return Err("this is not a segment of an event log".to_owned());
    }
    let version = take(&mut rest).map(u16::from_le_bytes);
    if version != Some(SEGMENT_VERSION) {
        let version = version.unwrap_or_default();
        return Err(format!(
            "segment format {version} is unknown, this program reads {SEGMENT_VERSION}"
        ));
    }
    let count = bytes.last_chunk::<4>().copied().map(u32::from_le_bytes);
    let count = usize::try_from(count.unwrap_or_default()).unwrap_or(usize::MAX);
    if count > SOURCES_MAX {
        return Err("the segment's head has an impossible length".to_owned());
    }
    Ok(count)
}

fn parse_all(bytes: &[u8]) -> Option<SegmentHeader> {
    let (before, mut rest) = bytes.split_first_chunk::<12>()?;
    let stored = u32::from_le_bytes(take(&mut rest)?);
    if crc32c::crc32c_append(crc32c::crc32c(before), rest) != stored {
        return None;
    }
    let partition = Partition(u16::from_le_bytes(*before.last_chunk()?));
    let log_id = LogId(take(&mut rest)?);
    let base = take_u64(&mut rest)?;
    let (previous_base, previous_bytes) = (take_u64(&mut rest)?, take_u64(&mut rest)?);
    let time = Instant::from_micros(i64::from_le_bytes(take(&mut rest)?));
    let timed = u32::from_le_bytes(take(&mut rest)?) != 0;
    let mut checkpoint = Checkpoint {
        last_log_time: timed.then_some(time),
        ..Checkpoint::default()
    };
    let count = u32::from_le_bytes(take(&mut rest)?);
    for _ in 0..count {
        let (source, next) = (take_u64(&mut rest)?, take_u64(&mut rest)?);
        checkpoint.sources.insert(source, next);
    }
    Some(SegmentHeader {
        log_id,
        partition,
        base,
        previous: (previous_base != u64::MAX).then_some((previous_base, previous_bytes)),
        checkpoint,
    })
}

/// An open segment file.
pub(super) struct Segment {
    pub header: SegmentHeader,
    pub path: PathBuf,
    pub file: DiskFile,
    /// (base offset of a frame, its file position), sorted; grows as frames are written or passed.
    index: Mutex<Vec<(u64, u64)>>,
}

impl Segment {
    /// Opens a segment file and reads its head.
    pub(super) fn open(
        directory: &LogDirectory,
        base: u64,
        opening: Opening,
    ) -> Result<Self, LogError> {
        let path = directory.segment_path(base);
        let file = directory
            .disk
            .open(&path, opening)
            .map_err(LogError::io("open segment", &path))?;
        let header = SegmentHeader::read(&file, &path, base)?;
        Ok(Self::from_parts(header, path, file))
    }

    /// Forces what was written to the disk.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        self.file
            .sync_data()
            .map_err(LogError::io("sync segment", &self.path))
    }

    /// Makes a new segment file that holds its head and what `content` writes behind it, from the file
    /// position it is given: durable as a whole or not there.
    pub(super) fn create(
        directory: &LogDirectory,
        header: SegmentHeader,
        content: impl FnOnce(&DiskFile, u64) -> Result<(), LogError>,
    ) -> Result<Self, LogError> {
        let path = directory.segment_path(header.base);
        let unfinished = path.with_extension(UNFINISHED_EXTENSION);
        let file = directory
            .disk
            .open(&unfinished, Opening::Empty)
            .map_err(LogError::io("create segment", &unfinished))?;
        file.write_all_at(&header.encode(), 0)
            .map_err(LogError::io("write the head of segment", &unfinished))?;
        content(&file, header.bytes_len())?;
        file.sync_data()
            .map_err(LogError::io("sync segment", &unfinished))?;
        directory
            .disk
            .rename(&unfinished, &path)
            .map_err(LogError::io("rename to segment", &path))?;
        directory.sync()?;
        Ok(Self::from_parts(header, path, file))
    }

    /// A segment whose file is open and whose head is known.
    pub(super) fn from_parts(header: SegmentHeader, path: PathBuf, file: DiskFile) -> Self {
        let index = Mutex::new(vec![(header.base, header.bytes_len())]);
        Self {
            header,
            path,
            file,
            index,
        }
    }

    /// Remembers where a frame is, if the last remembered one is far enough before it.
    pub(super) fn note(&self, base: u64, position: u64) {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if index
            .last()
            .is_none_or(|(_, last)| position >= last + INDEX_STEP_BYTES)
        {
            index.push((base, position));
        }
    }

    /// A frame at or before the one that holds the offset, as near as known: its base and position.
    pub(super) fn nearest(&self, offset: u64) -> (u64, u64) {
        let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let after = index.partition_point(|(base, _)| *base <= offset);
        let found = after.checked_sub(1).and_then(|at| index.get(at)).copied();
        found.unwrap_or((self.header.base, self.header.bytes_len()))
    }

    /// The length of the file now.
    pub(super) fn file_bytes(&self) -> Result<u64, LogError> {
        self.file
            .bytes_len()
            .map_err(LogError::io("measure segment", &self.path))
    }

    /// Damage in this file.
    pub(super) fn corrupt(&self, offset_bytes: u64, detail: impl Into<String>) -> LogError {
        LogError::Corrupt {
            file: self.path.clone(),
            offset_bytes,
            detail: detail.into(),
        }
    }
}

/// Copies bytes of a segment to the same place of a file.
pub(super) fn copy_bytes(
    segment: &Segment,
    range: Range<u64>,
    into: &DiskFile,
) -> Result<(), LogError> {
    let mut at = range.start;
    let mut chunk = vec![0; COPY_BYTES];
    while at < range.end {
        let left = usize::try_from(range.end - at).unwrap_or(usize::MAX);
        chunk.resize(left.min(COPY_BYTES), 0);
        let read = segment
            .file
            .read_at_most(&mut chunk, at)
            .map_err(LogError::io("copy segment", &segment.path))?;
        if read < chunk.len() {
            return Err(segment.corrupt(at + read as u64, "the segment became shorter"));
        }
        into.write_all_at(&chunk, at)
            .map_err(LogError::io("copy segment", &segment.path))?;
        at += read as u64;
    }
    Ok(())
}
