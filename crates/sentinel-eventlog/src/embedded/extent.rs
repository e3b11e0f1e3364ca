//! The extent: the least that a directory has to hold, in a file of its own.
//!
//! ```text
//!  0 magic  8 base offset of the oldest segment  16 base offset of a late one  24 bytes of that one
//! 32 crc32c of all before
//! ```
//!
//! Frames and heads tell damage in the middle of a log; a log whose first or last files are gone, or whose
//! last file was cut between two frames, looks whole. So the extent is told beforehand: the segment that
//! was the last one is there, with at least so many bytes. It is a lower bound: written when a segment
//! begins, when a log is opened and closed, lowered before anything is dropped. What was appended since
//! may be more. Replaced by a rename, so it is never half there; a directory without one gets one.

use std::path::Path;

use super::frame::{take, take_u64};
use crate::disk::{Disk, Opening};
use crate::error::LogError;

const EXTENT_MAGIC: [u8; 8] = *b"SENTEXT\n";
const EXTENT_BYTES: usize = 36;
/// The name of the file.
pub(super) const EXTENT_FILE: &str = "EXTENT";
const EXTENT_UNFINISHED: &str = "EXTENT.new";

/// What has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The base offset of the oldest segment.
    pub start: u64,
    /// The base offset of the segment that was the last one.
    pub last: u64,
    /// How many bytes of that one were on disk.
    pub last_bytes: u64,
}

impl Extent {
    /// Reads the file; `None` where there is none.
    pub(super) fn read(disk: &Disk, directory: &Path) -> Result<Option<Self>, LogError> {
        let path = directory.join(EXTENT_FILE);
        let file = match disk.open(&path, Opening::Read) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(LogError::io("open", &path))?,
        };
        let mut bytes = [0; EXTENT_BYTES + 1];
        let read = file
            .read_at_most(&mut bytes, 0)
            .map_err(LogError::io("read", &path))?;
        let parsed = bytes.get(..read).and_then(Self::parse);
        parsed.map(Some).ok_or_else(|| LogError::Corrupt {
            file: path,
            offset_bytes: 0,
            detail: "its checksum does not hold. Where `sentinel log verify` finds the segments whole and \
                     none is missing at either end, remove this file: it is made again"
                .to_owned(),
        })
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (told, checksum) = bytes.split_at_checked(EXTENT_BYTES - 4)?;
        if u32::from_le_bytes(checksum.try_into().ok()?) != crc32c::crc32c(told) {
            return None;
        }
        let mut rest = told;
        (take(&mut rest)? == EXTENT_MAGIC).then_some(())?;
        Some(Self {
            start: take_u64(&mut rest)?,
            last: take_u64(&mut rest)?,
            last_bytes: take_u64(&mut rest)?,
        })
    }

    /// Puts this extent in the place of the one before, durable. The caller syncs the directory.
    pub(super) fn write(&self, disk: &Disk, directory: &Path) -> Result<(), LogError> {
        let unfinished = directory.join(EXTENT_UNFINISHED);
        let path = directory.join(EXTENT_FILE);
        let mut bytes = EXTENT_MAGIC.to_vec();
        for number in [self.start, self.last, self.last_bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        let file = disk
            .open(&unfinished, Opening::Empty)
            .map_err(LogError::io("create", &unfinished))?;
        file.write_all_at(&bytes, 0)
            .and_then(|()| file.sync_data())
            .map_err(LogError::io("write", &unfinished))?;
        disk.rename(&unfinished, &path)
            .map_err(LogError::io("rename to", &path))
    }
}
