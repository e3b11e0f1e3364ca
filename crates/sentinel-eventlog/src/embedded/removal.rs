//! Removal: dropping what is old, and cutting what must not stand.
//!
//! Promises that a crash in the middle leaves a log that opens: old segments go oldest first, new ones
//! newest first, and a shortened segment takes the place of the long one in a single rename.

use std::sync::Arc;

use sentinel_domain::Offset;

use super::directory::LogDirectory;
use super::frame::UnwrittenFrame;
use super::recovery::recover_tail;
use super::scanner::{Found, Scanner};
use super::segment::{Segment, copy_bytes};
use super::tail::Tail;
use crate::error::LogError;

/// The oldest segment, where it holds only records before `offset` and is not the last one, and where the log starts
/// without it.
pub(super) fn oldest_before(segments: &[Arc<Segment>], offset: u64) -> Option<(Arc<Segment>, u64)> {
    match segments {
        [oldest, following, ..] if following.header.base <= offset => {
            Some((Arc::clone(oldest), following.header.base))
        }
        _ => None,
    }
}

/// Drops all records at and after `end`, and gives the tail that is left.
pub(super) fn cut_segments(
    directory: &LogDirectory,
    segments: &mut Vec<Arc<Segment>>,
    end: u64,
) -> Result<Tail, LogError> {
    // Those that go are not promised any more.
    let stays = segments.iter().rev().find(|one| one.header.base <= end);
    if let Some(stays) = stays.or(segments.first()) {
        directory.tell_last(stays.header.base, stays.header.bytes_len())?;
    }
    while segments.len() > 1
        && let Some(newest) = segments.pop_if(|newest| newest.header.base > end)
    {
        directory.remove_segment(&newest.path)?;
        directory.sync()?;
    }
    let Some(segment) = segments.pop() else {
        let offset = Offset(end);
        return Err(LogError::BeforeStart {
            offset,
            start: offset,
        });
    };
    let (position, last) = find_cut(&segment, end)?;
    let shortened = Segment::create(directory, segment.header.clone(), |file, head| {
        copy_bytes(&segment, head..position, file)?;
        match last {
            None => Ok(()),
            Some(UnwrittenFrame { header, mut bytes }) => {
                header.write_over(&mut bytes);
                file.write_all_at(&bytes, position)
                    .map_err(LogError::io("write a shortened copy of", &segment.path))
            }
        }
    })?;
    let (tail, _) = recover_tail(directory, Arc::new(shortened), 0)?;
    directory.tell_last(tail.segment.header.base, tail.position)?;
    segments.push(Arc::clone(&tail.segment));
    Ok(tail)
}

/// The position up to which frames stay whole, and the beginning of the frame that `end` divides.
fn find_cut(segment: &Segment, end: u64) -> Result<(u64, Option<UnwrittenFrame>), LogError> {
    let (_, position) = segment.nearest(end);
    let mut scanner = Scanner::new(segment, position);
    loop {
        match scanner.advance()? {
            Found::End => return Ok((segment.file_bytes()?, None)),
            Found::Bad(position, detail) => return Err(segment.corrupt(position, detail)),
            Found::Frame(frame) if frame.header.end() <= end => {}
            Found::Frame(frame) if frame.header.base >= end => return Ok((frame.position, None)),
            Found::Frame(frame) => {
                let position = frame.position;
                let detail = "the records of a frame do not fill it";
                let shortened = frame.shortened(end);
                return shortened
                    .map(|shortened| (position, Some(shortened)))
                    .ok_or_else(|| segment.corrupt(position, detail));
            }
        }
    }
}
