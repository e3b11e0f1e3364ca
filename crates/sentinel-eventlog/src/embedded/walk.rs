//! The walk of an examination: segment by segment, frame by frame, record by record.
//!
//! A log that is written to meanwhile grows at its end and loses files at its start. So the extent is read
//! before and after the list of files, and a bad frame at the end is looked at again before it is called
//! anything: what a later frame vouches for was whole before that frame began.

use std::io;
use std::path::{Path, PathBuf};

use sentinel_domain::{LogPosition, Offset};

use super::directory::LogDirectory;
use super::extent::Extent;
use super::frame::Frame;
use super::recovery::{check_extent, check_link};
use super::scanner::{Found, Scanner, find_later_frame, rest_of};
use super::segment::{Checkpoint, Segment};
use crate::disk::{Disk, Opening};
use crate::error::LogError;
use crate::examination::{Examination, Judgement, Place, SegmentFound};
use crate::record_batch::Record;

/// A bad frame at the end is looked at so many times.
const LOOKS_MAX: u32 = 5;
/// A log that gets or loses segments while they are listed is listed again, so many times.
const LISTS_MAX: u32 = 100;

type Judge<'a> = &'a mut dyn FnMut(LogPosition, Record<'_>) -> Judgement;

/// Examines a directory.
pub(crate) fn examine(disk: &Disk, path: &Path, judge: Judge<'_>) -> Result<Examination, LogError> {
    let directory = LogDirectory::to_read(disk, path);
    let mut walk = Walk {
        found: Examination::default(),
        checkpoint: None,
        enough: false,
    };
    let (extent, segments) = walk.list(&directory)?;
    walk.kept(&directory)?;
    let mut durable_bytes = 0;
    if let Some(extent) = extent {
        match check_extent(&directory, &extent, &segments) {
            Ok(bytes) => durable_bytes = bytes,
            Err(error) => walk.damaged(error)?,
        }
    }
    let mut before: Option<&Segment> = None;
    for (at, segment) in segments.iter().enumerate() {
        let is_last = at + 1 == segments.len();
        walk.link(&directory, before, segment)?;
        walk.segment(segment, is_last.then_some(durable_bytes), judge)?;
        if walk.enough {
            break;
        }
        before = Some(segment);
    }
    Ok(walk.found)
}

struct Walk {
    found: Examination,
    /// After the segment before; `None` where that is not known.
    checkpoint: Option<(u64, Checkpoint)>,
    enough: bool,
}

impl Walk {
    /// Keeps what says that bytes are not what was written; hands on what says that nothing could be read.
    fn damaged(&mut self, error: LogError) -> Result<(), LogError> {
        let place = match error {
            LogError::Corrupt {
                file,
                offset_bytes,
                detail,
            } => Place {
                file,
                offset_bytes,
                detail,
            },
            LogError::Mismatch { file, detail } => Place {
                file,
                offset_bytes: 0,
                detail,
            },
            other => return Err(other),
        };
        self.found.damage.push(place);
        Ok(())
    }

    /// The extent and the segments of one moment: nothing was told anew while they were opened.
    fn list(
        &mut self,
        directory: &LogDirectory,
    ) -> Result<(Option<Extent>, Vec<Segment>), LogError> {
        let mut lists = 0;
        loop {
            lists += 1;
            let before = directory.read_extent();
            let mut segments = Vec::new();
            let mut bad_heads = Vec::new();
            for base in directory.list()?.0 {
                match Segment::open(directory, base, Opening::Read) {
                    Ok(segment) => segments.push(segment),
                    // It was old, and is gone by now.
                    Err(LogError::Io { source, .. })
                        if source.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => bad_heads.push(error),
                }
            }
            let same = matches!(
                (&before, directory.read_extent()),
                (Ok(before), Ok(after)) if *before == after
            );
            if !same && before.is_ok() && lists < LISTS_MAX {
                continue;
            }
            for error in bad_heads {
                self.damaged(error)?;
            }
            let extent = match before {
                Ok(extent) => extent.filter(|_| same),
                Err(error) => {
                    self.damaged(error)?;
                    None
                }
            };
            return Ok((extent, segments));
        }
    }

    /// The tails that were cut before.
    fn kept(&mut self, directory: &LogDirectory) -> Result<(), LogError> {
        let listed = directory.disk.list(&directory.path);
        let mut paths: Vec<PathBuf> =
            listed.map_err(LogError::io("list directory", &directory.path))?;
        paths.retain(|path| path.to_str().is_some_and(|name| name.contains(".log.torn")));
        paths.sort();
        for path in paths {
            let file = directory.disk.open(&path, Opening::Read);
            let bytes = file.and_then(|file| file.bytes_len());
            let bytes = bytes.map_err(LogError::io("measure", &path))?;
            self.found.kept.push((path, bytes));
        }
        Ok(())
    }

    /// How a segment follows the one before.
    fn link(
        &mut self,
        directory: &LogDirectory,
        before: Option<&Segment>,
        segment: &Segment,
    ) -> Result<(), LogError> {
        let header = &segment.header;
        let identity = (header.log_id, header.partition);
        if *self.found.identity.get_or_insert(identity) != identity {
            let detail = "the segment belongs to another log or partition than the ones before";
            self.damaged(segment.corrupt(16, detail))?;
        }
        if let Some(before) = before
            && let Err(error) = check_link(directory, before, segment)
        {
            self.damaged(error)?;
        }
        if let Some((end, checkpoint)) = &self.checkpoint
            && (header.base != *end || header.checkpoint != *checkpoint)
        {
            let detail =
                format!("the segment's head does not follow from the records before {end}");
            self.damaged(segment.corrupt(32, detail))?;
        }
        Ok(())
    }

    /// Walks over one segment. `durable_bytes` is known for the last one: what lies behind may be a write
    /// that was interrupted.
    fn segment(
        &mut self,
        segment: &Segment,
        durable_bytes: Option<u64>,
        judge: Judge<'_>,
    ) -> Result<(), LogError> {
        let mut pass = Pass {
            end: segment.header.base,
            checkpoint: segment.header.checkpoint.clone(),
            frames: 0,
            times: None,
        };
        let mut position = segment.header.bytes_len();
        let mut looks = 0;
        let whole = 'looking: loop {
            let mut scanner = Scanner::new(segment, position);
            loop {
                match scanner.advance()? {
                    Found::End => break 'looking true,
                    Found::Frame(frame) => {
                        let judged = pass.frame(segment, &frame, judge);
                        position = frame.position_after();
                        looks = 0;
                        match judged {
                            Ok(enough) => self.enough |= enough,
                            Err(error) => {
                                self.damaged(error)?;
                                break 'looking false;
                            }
                        }
                        if self.enough {
                            break 'looking false;
                        }
                    }
                    Found::Bad(at, detail) => {
                        looks += 1;
                        if durable_bytes.is_some() && looks < LOOKS_MAX {
                            continue 'looking;
                        }
                        self.bad_frame(segment, durable_bytes, at, detail)?;
                        break 'looking false;
                    }
                }
            }
        };
        self.checkpoint = whole.then(|| (pass.end, pass.checkpoint.clone()));
        self.found.segments.push(SegmentFound {
            file: segment.path.clone(),
            bytes: segment.file_bytes()?,
            base: Offset(segment.header.base),
            end: Offset(pass.end),
            frames: pass.frames,
            times: pass.times,
            sources: pass.checkpoint.sources.into_iter().collect(),
        });
        Ok(())
    }

    /// What cannot be a frame: damage, or the unfinished end of the last segment.
    fn bad_frame(
        &mut self,
        segment: &Segment,
        durable_bytes: Option<u64>,
        position: u64,
        detail: &str,
    ) -> Result<(), LogError> {
        let Some(durable_bytes) = durable_bytes.filter(|durable| position >= *durable) else {
            return self.damaged(segment.corrupt(position, detail));
        };
        let rest = rest_of(&segment.file, position, segment.file_bytes()?)
            .map_err(LogError::io("read segment", &segment.path))?;
        if find_later_frame(&rest, position).is_some() {
            let detail = format!("{detail}, but later frames are whole");
            return self.damaged(segment.corrupt(position, detail));
        }
        self.found.unfinished = Some(Place {
            file: segment.path.clone(),
            offset_bytes: position,
            detail: format!(
                "{detail}; {} bytes from here on are being written or were when a crash came, and are \
                 not known to have been on disk (at least {durable_bytes} were)",
                rest.len()
            ),
        });
        Ok(())
    }
}

/// What the frames of a segment said so far.
struct Pass {
    end: u64,
    checkpoint: Checkpoint,
    frames: u64,
    times: Option<(sentinel_domain::Instant, sentinel_domain::Instant)>,
}

impl Pass {
    /// Takes a frame whose checksum holds; true where the caller has seen enough.
    fn frame(
        &mut self,
        segment: &Segment,
        frame: &Frame,
        judge: Judge<'_>,
    ) -> Result<bool, LogError> {
        let Frame {
            header, position, ..
        } = *frame;
        let last_time = self.checkpoint.last_log_time;
        if header.base != self.end || last_time.is_some_and(|last| header.first_time < last) {
            let detail = format!(
                "a frame with offset {} stands where {} is expected, or its time goes back",
                header.base, self.end
            );
            return Err(segment.corrupt(position, detail));
        }
        let mut at = 0;
        for offset in header.base..header.end() {
            let Some((log_time, payload)) = frame.record(&mut at) else {
                let detail = "the records of a frame do not fill it";
                return Err(segment.corrupt(position, detail));
            };
            let record = Record {
                offset: Offset(offset),
                log_time,
                payload,
            };
            let first = self.times.map_or(log_time, |(first, _)| first);
            self.times = Some((first, log_time));
            let named = LogPosition {
                log: segment.header.log_id,
                partition: segment.header.partition,
                offset: record.offset,
            };
            match judge(named, record) {
                Judgement::Good => {}
                Judgement::Enough => return Ok(true),
                Judgement::Bad(detail) => {
                    let detail = format!("record {offset}: {detail}");
                    return Err(segment.corrupt(position, detail));
                }
            }
        }
        if at != header.body_bytes {
            let detail = "the records of a frame do not fill it";
            return Err(segment.corrupt(position, detail));
        }
        self.frames += 1;
        self.end = header.end();
        self.checkpoint.pass(&header);
        Ok(false)
    }
}
