//! Frames: what one append writes, with one checksum over all of it, so that a torn one vanishes whole.
//!
//! ```text
//!  0 magic        4 crc32c of all that follows it   8 version  9 flags  10 zero
//! 12 body length 16 base offset  24 record count   28 producer epoch
//! 32 first log time  40 last log time  48 source  56 source next  64 synced
//! 72 body: per record  length varint · log time after the first, varint · payload
//! ```
//!
//! All integers are little-endian. *Synced* is the length of the segment file that was known to be on disk
//! when the frame was written. It tells a crash from damage: a bad frame before some later frame's synced
//! length was once whole. A frame without records is a *seal*: it says that, and nothing else.

use std::sync::Arc;

use sentinel_domain::Instant;

use crate::event_log::RECORD_BYTES_MAX;
use crate::payloads::{Payloads, SourceProgress};
use crate::varint::{read_varint, write_varint};

/// Not valid UTF-8, so that no text a caller sends can hold the beginning of a frame.
pub(super) const FRAME_MAGIC: [u8; 4] = [0xf5, b'S', b'F', 0xff];

/// The bytes before the body.
pub(super) const FRAME_HEADER_BYTES: usize = 72;

const FRAME_VERSION: u8 = 1;

/// An append is split into frames of about this size, and at most this many records. Only a single
/// record makes a larger one.
const FRAME_BODY_BYTES: usize = 1024 * 1024;
const FRAME_RECORDS_MAX: usize = 4096;

/// More than any frame has: a greater length is damage, and nobody reserves memory for it.
const FRAME_BODY_BYTES_MAX: usize = RECORD_BYTES_MAX + FRAME_BODY_BYTES;

/// What stands before the body, in the words of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub body_bytes: usize,
    pub base: u64,
    pub count: u32,
    pub first_time: Instant,
    pub last_time: Instant,
    pub source: Option<SourceProgress>,
    /// The length of the segment that was on disk when this was written.
    pub synced: u64,
}

impl FrameHeader {
    /// The offset after the last record.
    pub(super) fn end(&self) -> u64 {
        self.base.saturating_add(u64::from(self.count))
    }

    /// The length of the whole frame.
    pub(super) fn frame_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.body_bytes
    }

    /// Reads the header at the front of `bytes`. `Err` says what is wrong with it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut rest = bytes
            .get(..FRAME_HEADER_BYTES)
            .ok_or("the frame's header is cut short")?;
        let cut_short = "the frame's header is cut short";
        if take::<4>(&mut rest).ok_or(cut_short)? != FRAME_MAGIC {
            return Err("no frame begins here");
        }
        take::<4>(&mut rest).ok_or(cut_short)?;
        let [version, _flags, _, _] = take::<4>(&mut rest).ok_or(cut_short)?;
        if version != FRAME_VERSION {
            return Err("the frame has an unknown version");
        }
        let body_bytes = u32::from_le_bytes(take(&mut rest).ok_or(cut_short)?);
        let body_bytes = usize::try_from(body_bytes).unwrap_or(usize::MAX);
        if body_bytes > FRAME_BODY_BYTES_MAX {
            return Err("the frame's length is impossible");
        }
        let base = take_u64(&mut rest).ok_or(cut_short)?;
        let count = u32::from_le_bytes(take(&mut rest).ok_or(cut_short)?);
        let _epoch: [u8; 4] = take(&mut rest).ok_or(cut_short)?;
        let first_time = i64::from_le_bytes(take(&mut rest).ok_or(cut_short)?);
        let last_time = i64::from_le_bytes(take(&mut rest).ok_or(cut_short)?);
        let source = take_u64(&mut rest).ok_or(cut_short)?;
        let next = take_u64(&mut rest).ok_or(cut_short)?;
        Ok(Self {
            body_bytes,
            base,
            count,
            first_time: Instant::from_micros(first_time),
            last_time: Instant::from_micros(last_time),
            source: (source != 0).then_some(SourceProgress { source, next }),
            synced: take_u64(&mut rest).ok_or(cut_short)?,
        })
    }

    /// Writes the header over the first bytes of a frame whose body is already there, and seals it with
    /// the checksum.
    pub(super) fn write_over(&self, frame: &mut [u8]) {
        let body_bytes = u32::try_from(self.body_bytes).unwrap_or(u32::MAX);
        let source = self.source.unwrap_or(SourceProgress { source: 0, next: 0 });
        let mut header = Vec::with_capacity(FRAME_HEADER_BYTES);
        header.extend_from_slice(&FRAME_MAGIC);
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(&[FRAME_VERSION, 0, 0, 0]);
        header.extend_from_slice(&body_bytes.to_le_bytes());
        header.extend_from_slice(&self.base.to_le_bytes());
        header.extend_from_slice(&self.count.to_le_bytes());
        header.extend_from_slice(&0_u32.to_le_bytes());
        header.extend_from_slice(&self.first_time.micros().to_le_bytes());
        header.extend_from_slice(&self.last_time.micros().to_le_bytes());
        header.extend_from_slice(&source.source.to_le_bytes());
        header.extend_from_slice(&source.next.to_le_bytes());
        header.extend_from_slice(&self.synced.to_le_bytes());
        if let Some(place) = frame.get_mut(..FRAME_HEADER_BYTES) {
            place.copy_from_slice(&header);
        }
        let checksum = checksum_of(frame);
        if let Some(place) = frame.get_mut(4..8) {
            place.copy_from_slice(&checksum.to_le_bytes());
        }
    }
}

/// Whether the checksum of a whole frame holds.
pub(super) fn checksum_holds(frame: &[u8]) -> bool {
    let stored = frame.get(4..8).and_then(|bytes| bytes.try_into().ok());
    stored.map(u32::from_le_bytes) == Some(checksum_of(frame))
}

fn checksum_of(frame: &[u8]) -> u32 {
    crc32c::crc32c(frame.get(8..).unwrap_or_default())
}

/// Takes bytes off the front.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (chunk, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*chunk)
}

pub(super) fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    take(rest).map(u64::from_le_bytes)
}

/// A frame on its way to the writer: the body is there, room for the header is before it.
pub(super) struct UnwrittenFrame {
    pub header: FrameHeader,
    pub bytes: Vec<u8>,
}

impl UnwrittenFrame {
    fn with_capacity(bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(FRAME_HEADER_BYTES + bytes);
        buffer.resize(FRAME_HEADER_BYTES, 0);
        Self {
            header: FrameHeader {
                body_bytes: 0,
                base: 0,
                count: 0,
                first_time: Instant::default(),
                last_time: Instant::default(),
                source: None,
                synced: 0,
            },
            bytes: buffer,
        }
    }

    /// A frame without records.
    pub(super) fn seal(base: u64, time: Instant) -> Self {
        let mut frame = Self::with_capacity(0);
        frame.header.base = base;
        frame.header.first_time = time;
        frame.header.last_time = time;
        frame
    }

    /// Adds a record, `after` the first of its append. The header's times count from there too, until the
    /// append gets its log time.
    fn push(&mut self, after: Instant, payload: &[u8]) {
        if self.header.count == 0 {
            self.header.first_time = after;
        }
        self.header.last_time = after;
        let later_us = after.micros_since(self.header.first_time);
        write_varint(&mut self.bytes, payload.len() as u64);
        write_varint(&mut self.bytes, u64::try_from(later_us).unwrap_or(0));
        self.bytes.extend_from_slice(payload);
        self.header.count += 1;
        self.header.body_bytes = self.bytes.len() - FRAME_HEADER_BYTES;
    }
}

/// The frames of one append, without offsets and times yet: this is done before any lock is taken.
pub(super) fn frames_of(payloads: &Payloads) -> Vec<UnwrittenFrame> {
    // A length and a time take at most eight bytes beside a payload of usual size.
    let mut left = payloads.bytes_len() + payloads.len() * 8;
    let mut frames: Vec<UnwrittenFrame> = Vec::new();
    for (after_us, payload) in payloads.timed() {
        let after = Instant::from_micros(i64::try_from(after_us).unwrap_or(i64::MAX));
        let full = frames.last().is_none_or(|frame| {
            frame.header.count as usize >= FRAME_RECORDS_MAX
                || frame.header.body_bytes + payload.len() > FRAME_BODY_BYTES
        });
        if full {
            let room = left.min(FRAME_BODY_BYTES.max(payload.len() + 16));
            frames.push(UnwrittenFrame::with_capacity(room));
        }
        if let Some(frame) = frames.last_mut() {
            frame.push(after, payload);
        }
        left = left.saturating_sub(payload.len());
    }
    frames
}

/// A frame with its place. A clone shares its bytes.
#[derive(Clone)]
pub(super) struct Frame {
    pub header: FrameHeader,
    /// The base offset of its segment.
    pub segment: u64,
    /// Where it begins in the segment's file.
    pub position: u64,
    /// What was read or written in one go, and where the frame begins there.
    pub piece: Arc<Vec<u8>>,
    pub start: usize,
}

impl Frame {
    /// The file position after it.
    pub(super) fn position_after(&self) -> u64 {
        self.position + self.header.frame_bytes() as u64
    }

    /// The body from a byte position in it.
    fn body_from(&self, at: usize) -> &[u8] {
        let (from, end) = (FRAME_HEADER_BYTES + at, self.header.frame_bytes());
        self.piece
            .get(self.start + from..self.start + end)
            .unwrap_or_default()
    }

    /// The record that begins at `at` in the body, and moves `at` behind it. `None` where none does.
    #[inline]
    pub(super) fn record(&self, at: &mut usize) -> Option<(Instant, &[u8])> {
        let body = self.body_from(*at);
        let mut rest = body;
        let bytes = usize::try_from(read_varint(&mut rest)?).ok()?;
        let later = i64::try_from(read_varint(&mut rest)?).ok()?;
        let (payload, rest) = rest.split_at_checked(bytes)?;
        *at += body.len() - rest.len();
        Some((self.header.first_time.plus_micros(later), payload))
    }

    /// Where a record begins in the body, found by walking there.
    pub(super) fn find(&self, offset: u64) -> Option<usize> {
        let mut at = 0;
        for _ in self.header.base..offset {
            self.record(&mut at)?;
        }
        Some(at)
    }

    /// The same frame with only the records before `end`; of a source's progress, as much is taken back.
    pub(super) fn shortened(&self, end: u64) -> Option<UnwrittenFrame> {
        let mut frame = UnwrittenFrame::with_capacity(self.header.body_bytes);
        let (mut at, mut last_time) = (0, self.header.first_time);
        let count = end.checked_sub(self.header.base)?;
        for _ in 0..count {
            (last_time, _) = self.record(&mut at)?;
        }
        frame.bytes.extend_from_slice(self.body_from(0).get(..at)?);
        let missing = self.header.end().checked_sub(end)?;
        frame.header = FrameHeader {
            body_bytes: at,
            count: u32::try_from(count).ok()?,
            last_time,
            source: self.header.source.map(|source| source.without(missing)),
            ..self.header
        };
        Some(frame)
    }
}
