//! The scanner: walks over the frames of a segment file, each one verified.
//!
//! Promises that every frame it gives has a checksum that holds. Reads the file in large pieces, so that a
//! walk over small frames costs few system calls.

use std::sync::Arc;

use super::frame::{FRAME_HEADER_BYTES, FRAME_MAGIC, Frame, FrameHeader, checksum_holds};
use super::segment::Segment;
use crate::disk::DiskFile;
use crate::error::LogError;

/// How much of the file is read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A walk over the frames of one segment.
pub(super) struct Scanner<'a> {
    segment: &'a Segment,
    /// Where the next frame begins.
    position: u64,
    chunk: Arc<Vec<u8>>,
    chunk_position: u64,
}

/// What stands at a place of a segment file.
pub(super) enum Found {
    /// A whole frame.
    Frame(Frame),
    /// The file ends here.
    End,
    /// Something that is not a whole frame.
    Bad(u64, &'static str),
}

impl<'a> Scanner<'a> {
    /// A walk that begins at a file position.
    pub(super) fn new(segment: &'a Segment, position: u64) -> Self {
        Self {
            segment,
            position,
            chunk: Arc::default(),
            chunk_position: position,
        }
    }

    /// The next frame. After a bad one the walk stays where it is.
    pub(super) fn advance(&mut self) -> Result<Found, LogError> {
        let position = self.position;
        if self.fill(FRAME_HEADER_BYTES)? == 0 {
            return Ok(Found::End);
        }
        let header = match FrameHeader::parse(self.ahead(FRAME_HEADER_BYTES)) {
            Ok(header) => header,
            Err(detail) => return Ok(Found::Bad(position, detail)),
        };
        let frame_bytes = header.frame_bytes();
        if self.fill(frame_bytes)? < frame_bytes {
            return Ok(Found::Bad(position, "the frame is cut short"));
        }
        if !checksum_holds(self.ahead(frame_bytes)) {
            return Ok(Found::Bad(position, "the frame's checksum does not hold"));
        }
        self.position += frame_bytes as u64;
        let start = usize::try_from(position - self.chunk_position).unwrap_or(usize::MAX);
        Ok(Found::Frame(Frame {
            header,
            segment: self.segment.header.base,
            position,
            piece: Arc::clone(&self.chunk),
            start,
        }))
    }

    /// The next bytes of the chunk, fewer where it ends.
    fn ahead(&self, count: usize) -> &[u8] {
        let start = usize::try_from(self.position - self.chunk_position).unwrap_or(usize::MAX);
        let rest = self.chunk.get(start..).unwrap_or_default();
        rest.get(..count).unwrap_or(rest)
    }

    /// Makes the chunk hold the next `count` bytes; gives how many there are before the file ends.
    fn fill(&mut self, count: usize) -> Result<usize, LogError> {
        let have = self.ahead(count).len();
        if have == count {
            return Ok(count);
        }
        // A length that a damaged header claims may be large; the file's own length bounds the memory.
        let left = self.segment.file_bytes()?.saturating_sub(self.position);
        let wanted = u64::try_from(count.max(CHUNK_BYTES)).unwrap_or(u64::MAX);
        let wanted = usize::try_from(wanted.min(left)).unwrap_or(usize::MAX);
        // Where somebody keeps a frame of it, the chunk is theirs.
        let mut chunk = Arc::into_inner(std::mem::take(&mut self.chunk)).unwrap_or_default();
        chunk.resize(wanted, 0);
        let read = self
            .segment
            .file
            .read_at_most(&mut chunk, self.position)
            .map_err(LogError::io("read segment", &self.segment.path))?;
        chunk.truncate(read);
        self.chunk = Arc::new(chunk);
        self.chunk_position = self.position;
        Ok(self.ahead(count).len())
    }
}

/// Reads the rest of a file.
pub(super) fn rest_of(file: &DiskFile, position: u64, file_bytes: u64) -> std::io::Result<Vec<u8>> {
    let count = usize::try_from(file_bytes.saturating_sub(position)).unwrap_or(usize::MAX);
    let mut rest = vec![0; count];
    let read = file.read_at_most(&mut rest, position)?;
    rest.truncate(read);
    Ok(rest)
}

/// Looks for whole frames in what follows a bad one. Gives the place, counted from the beginning of
/// `rest`, of one that says that more than `durable_beyond` bytes of the file were on disk before it.
pub(super) fn find_later_frame(rest: &[u8], durable_beyond: u64) -> Option<usize> {
    let mut at = 1;
    while let Some(candidates) = rest.get(at..) {
        let found = candidates
            .windows(FRAME_MAGIC.len())
            .position(|window| window == FRAME_MAGIC)?;
        at += found;
        let candidate = rest.get(at..).unwrap_or_default();
        let whole = FrameHeader::parse(candidate)
            .ok()
            .and_then(|header| Some((header, candidate.get(..header.frame_bytes())?)))
            .filter(|(_, frame)| checksum_holds(frame));
        match whole {
            Some((header, _)) if header.synced > durable_beyond => return Some(at),
            Some((header, _)) => at += header.frame_bytes(),
            None => at += 1,
        }
    }
    None
}
