//! Lines of a stream: found, numbered and bounded, whatever the stream does.
//!
//! **Promises:** memory stays within the longest line allowed plus one read; a longer line is skipped
//! to its end without being held; a line keeps its number however it is read. A stream that breaks
//! in the middle (a truncated or damaged compressed file) still gives every whole line before the
//! break, then the broken one. **Must never:** know what a line holds.

use std::io::{ErrorKind, Read};

/// How much is asked of the stream at once.
const READ_BYTES: usize = 128 * 1024;

/// A stream cut into lines. Lines are looked at first and consumed after, so that a record may span
/// several and still be taken back.
pub struct LineReader<R> {
    reader: R,
    buffer: Vec<u8>,
    /// What is not consumed lies between these two places of the buffer.
    start: usize,
    end: usize,
    line_number: u64,
    bytes_read: u64,
    stream: Stream,
}

enum Stream {
    Open,
    Ended,
    Broken(String),
}

/// What stands at a place of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A line: its bytes with the line end, and how many of them are the line end.
    Line {
        /// Bytes with the line end.
        bytes: usize,
        /// Bytes of the line end: 2 for CR LF, 1 for LF, 0 where the stream ends instead.
        line_end: usize,
    },
    /// A line longer than allowed.
    TooLong,
    /// The stream broke in the middle of this line.
    Broken,
    /// Nothing: the stream has ended.
    End,
}

impl<R: Read> LineReader<R> {
    /// Lines of a stream. A byte order mark at its start is left out.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            line_number: 1,
            bytes_read: 0,
            stream: Stream::Open,
        }
    }

    /// The 1-based number of the line that begins where reading stands.
    pub fn line_number(&self) -> u64 {
        self.line_number
    }

    /// Bytes taken from the stream so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The bytes that begin where reading stands; at most `count`.
    pub fn peek(&self, count: usize) -> &[u8] {
        let end = self.end.min(self.start.saturating_add(count));
        self.buffer.get(self.start..end).unwrap_or_default()
    }

    /// What the stream said when it broke.
    pub fn break_reason(&self) -> &str {
        match &self.stream {
            Stream::Broken(reason) => reason,
            Stream::Open | Stream::Ended => "",
        }
    }

    /// Finds the line that begins `offset` bytes after where reading stands. An error is one of the
    /// device: a stream that merely breaks off is `Found::Broken`.
    pub fn find(&mut self, offset: usize, bytes_max: usize) -> Result<Found, std::io::Error> {
        let mut searched = offset;
        loop {
            let ahead = self.peek(usize::MAX);
            let fresh = ahead.get(searched..).unwrap_or_default();
            if let Some(at) = position(fresh, b'\n') {
                let bytes = searched + at + 1 - offset;
                let before = ahead.get(offset..searched + at).unwrap_or_default();
                let line_end = if before.last() == Some(&b'\r') { 2 } else { 1 };
                let fits = bytes - line_end <= bytes_max;
                return Ok(if fits {
                    Found::Line { bytes, line_end }
                } else {
                    Found::TooLong
                });
            }
            searched = ahead.len().max(offset);
            let bytes = searched - offset;
            // The last byte may yet turn out to be half of a line end.
            if bytes > bytes_max.saturating_add(1) {
                return Ok(Found::TooLong);
            }
            match self.stream {
                Stream::Open => self.fill()?,
                Stream::Broken(_) => return Ok(Found::Broken),
                Stream::Ended if bytes == 0 => return Ok(Found::End),
                Stream::Ended if bytes > bytes_max => return Ok(Found::TooLong),
                Stream::Ended => return Ok(Found::Line { bytes, line_end: 0 }),
            }
        }
    }

    /// Moves past so many bytes, which hold so many lines.
    pub fn consume(&mut self, bytes: usize, lines: u64) {
        self.start = self.end.min(self.start.saturating_add(bytes));
        self.line_number += lines;
    }

    /// Moves past the line where reading stands, however long; its first bytes go to `kept`, at most
    /// `kept_max`. Gives its length without the line end, and whether the stream broke within it.
    pub fn skip_line(
        &mut self,
        kept: &mut Vec<u8>,
        kept_max: usize,
    ) -> Result<(u64, bool), std::io::Error> {
        let room = kept.len().saturating_add(kept_max);
        let (mut length, mut last) = (0_u64, None);
        loop {
            let ahead = self.peek(usize::MAX);
            let newline = position(ahead, b'\n');
            let part = ahead
                .get(..newline.unwrap_or(ahead.len()))
                .unwrap_or_default();
            let keep = part.len().min(room.saturating_sub(kept.len()));
            kept.extend_from_slice(part.get(..keep).unwrap_or_default());
            length += part.len() as u64;
            last = part.last().copied().or(last);
            let taken = part.len();
            if newline.is_some() {
                self.consume(taken + 1, 1);
                let carriage_return = u64::from(last == Some(b'\r'));
                if carriage_return == 1 && kept.len() < room && kept.last() == Some(&b'\r') {
                    kept.pop();
                }
                return Ok((length - carriage_return, false));
            }
            self.consume(taken, 0);
            match self.stream {
                Stream::Open => self.fill()?,
                Stream::Ended => return Ok((length, false)),
                Stream::Broken(_) => return Ok((length, true)),
            }
        }
    }

    /// Treats the stream as ended: nothing comes after a break.
    pub fn close(&mut self) {
        self.start = self.end;
        self.stream = Stream::Ended;
    }

    fn fill(&mut self) -> Result<(), std::io::Error> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + READ_BYTES {
            self.buffer.resize(self.end + READ_BYTES, 0);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.reader.read(room) {
            Ok(0) => self.stream = Stream::Ended,
            Ok(count) => {
                let at_start = self.bytes_read == 0;
                self.end += count;
                self.bytes_read += count as u64;
                if at_start {
                    self.skip_byte_order_mark()?;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The operating system's errors carry its number; what a decompressor finds wrong does not.
            Err(error) if error.raw_os_error().is_none() => {
                self.stream = Stream::Broken(error.to_string());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// At the very start: reads on until a byte order mark would be whole, and leaves it out.
    fn skip_byte_order_mark(&mut self) -> Result<(), std::io::Error> {
        const MARK: &[u8] = b"\xEF\xBB\xBF";
        while self.end < MARK.len()
            && MARK.starts_with(self.peek(MARK.len()))
            && matches!(self.stream, Stream::Open)
        {
            self.fill()?;
        }
        if self.peek(MARK.len()) == MARK {
            self.consume(MARK.len(), 0);
        }
        Ok(())
    }
}

/// Where a byte first stands. Blocks without it are passed over at once, which the compiler turns
/// into vector comparisons.
fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    const BLOCK: usize = 32;
    let mut passed = 0;
    for block in bytes.chunks_exact(BLOCK) {
        if block
            .iter()
            .fold(false, |found, byte| found | (*byte == wanted))
        {
            break;
        }
        passed += BLOCK;
    }
    let rest = bytes.get(passed..).unwrap_or_default();
    rest.iter()
        .position(|byte| *byte == wanted)
        .map(|at| passed + at)
}

#[cfg(test)]
mod tests;
