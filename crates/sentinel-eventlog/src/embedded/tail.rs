//! The tail: the end of the last segment, where frames are written.
//!
//! Promises that a segment is synced before the next one begins, so only the last one can be torn. Must
//! never be used again after an error: nobody knows what the disk holds then.

use std::sync::Arc;

use super::directory::LogDirectory;
use super::frame::{Frame, FrameHeader, UnwrittenFrame};
use super::segment::{Checkpoint, Segment, SegmentHeader, copy_bytes};
use crate::disk::{Disk, PlantedBug};
use crate::error::LogError;

/// Frames are gathered into writes of about this size.
const WRITE_BYTES: usize = 1024 * 1024;

/// Where the next frame goes, and what the frames before say.
pub(super) struct Tail {
    pub segment: Arc<Segment>,
    /// The file position after the last frame, written or still in the buffer.
    pub position: u64,
    /// The length of the file that is known to be on disk.
    synced: u64,
    /// Up to here some frame says that the file is on disk.
    vouched: u64,
    /// Whether everything up to here is vouched for by a seal or a segment's head.
    sealed: bool,
    /// The offset after the last record.
    pub end: u64,
    pub checkpoint: Checkpoint,
    /// Frames that were placed and not yet written.
    buffer: Vec<u8>,
}

impl Tail {
    /// The tail of a segment without frames.
    pub(super) fn at_head_of(segment: Arc<Segment>) -> Self {
        let head = segment.header.bytes_len();
        Self {
            position: head,
            synced: head,
            vouched: head,
            sealed: true,
            end: segment.header.base,
            checkpoint: segment.header.checkpoint.clone(),
            buffer: Vec::new(),
            segment,
        }
    }

    /// Moves behind a frame that is in the file.
    pub(super) fn pass(&mut self, header: &FrameHeader) {
        self.vouched = self.vouched.max(header.synced);
        self.sealed = header.count == 0 && header.synced == self.position;
        self.position += header.frame_bytes() as u64;
        self.end = header.end();
        self.checkpoint.pass(header);
    }

    /// Writes frames, beginning new segments on the way. `begun` is told of each of those.
    pub(super) fn write(
        &mut self,
        directory: &LogDirectory,
        segment_bytes_max: u64,
        frames: Vec<UnwrittenFrame>,
        mut begun: impl FnMut(&Arc<Segment>),
    ) -> Result<Vec<Frame>, LogError> {
        let mut written = Vec::with_capacity(frames.len());
        for frame in frames {
            let frame_bytes = frame.header.frame_bytes() as u64;
            let holds_records = self.end > self.segment.header.base;
            if holds_records && self.position + frame_bytes > segment_bytes_max {
                self.begin_segment(directory)?;
                begun(&self.segment);
            }
            written.push(self.place(frame));
            if self.buffer.len() >= WRITE_BYTES {
                self.write_out()?;
            }
        }
        self.write_out()?;
        Ok(written)
    }

    /// Gives a frame its place and its checksum, and puts it into the buffer.
    fn place(&mut self, frame: UnwrittenFrame) -> Frame {
        let UnwrittenFrame {
            mut header,
            mut bytes,
        } = frame;
        header.synced = self.synced;
        header.write_over(&mut bytes);
        let position = self.position;
        self.buffer.extend_from_slice(&bytes);
        self.segment.note(header.base, position);
        self.pass(&header);
        Frame {
            header,
            segment: self.segment.header.base,
            position,
            piece: Arc::new(bytes),
            start: 0,
        }
    }

    fn write_out(&mut self) -> Result<(), LogError> {
        let written = self.position - self.buffer.len() as u64;
        self.segment
            .file
            .write_all_at(&self.buffer, written)
            .map_err(LogError::io("write segment", &self.segment.path))?;
        self.buffer.clear();
        Ok(())
    }

    /// How much is written and not known to be on the disk.
    pub(super) fn unsynced_bytes(&self) -> u64 {
        self.position - self.synced
    }

    /// Forces everything written to the disk.
    pub(super) fn sync(&mut self) -> Result<(), LogError> {
        self.segment.sync()?;
        self.synced = self.position;
        Ok(())
    }

    /// Forces what a recovery found to the disk. What no frame vouches for is written anew before: a sync
    /// that failed in an earlier process has left pages that read well, count as clean, and are nowhere.
    pub(super) fn secure(&mut self, disk: &Disk) -> Result<(), LogError> {
        let unsure = self.vouched..self.position;
        if !disk.planted(PlantedBug::TrustUnsyncedTail) {
            copy_bytes(&self.segment, unsure, &self.segment.file)?;
        }
        self.sync()
    }

    fn begin_segment(&mut self, directory: &LogDirectory) -> Result<(), LogError> {
        self.write_out()?;
        self.sync()?;
        let header = SegmentHeader {
            base: self.end,
            previous: Some((self.segment.header.base, self.position)),
            checkpoint: self.checkpoint.clone(),
            ..self.segment.header.clone()
        };
        let segment = Segment::create(directory, header, |_, _| Ok(()))?;
        // Before anything in it is acknowledged.
        directory.tell_last(segment.header.base, segment.header.bytes_len())?;
        *self = Self::at_head_of(Arc::new(segment));
        Ok(())
    }

    /// Syncs, and writes a seal behind the last frame unless there is one: after an orderly close, damage
    /// to the last frames is then told from an interrupted write, and a missing file from none.
    pub(super) fn seal(&mut self, directory: &LogDirectory) -> Result<(), LogError> {
        if !self.sealed {
            self.sync()?;
            let time = self.checkpoint.last_log_time.unwrap_or_default();
            self.place(UnwrittenFrame::seal(self.end, time));
            self.write_out()?;
            self.sync()?;
        }
        directory.tell_last(self.segment.header.base, self.position)
    }
}
