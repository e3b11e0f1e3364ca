//! CSV records: cells of one row, quoted or not, with the physical line on which the row begins.
//!
//! A line without a quote is cut at its delimiters in place; only a record with quotes goes through
//! `csv-core`, which knows the dialect. That is several times faster and gives the raw bytes of a row
//! for its dead letter at no price.
//!
//! **Promises:** one stray quote costs one line. A record of several lines that does not fit (its quote
//! never closes, or it has another number of cells) is refused as its first line alone, and reading
//! goes on with the second; otherwise a quote opened by mistake would swallow every row up to the next
//! one. **Must never:** trim, unescape or otherwise improve a cell.

use std::io::Read;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use sentinel_domain::{Rejection, RejectionCode as Code};

use crate::intake::lines::{Found, LineReader};
use crate::mapping::Cell;

/// The most lines that one record may span. Bounds how often bytes are looked at again after a
/// quote that never closes.
const RECORD_LINES_MAX: u64 = 1_000;

/// Cuts records into cells. Its buffers are reused.
pub struct CsvReader {
    delimiter: u8,
    core: Reader,
    /// Text of the last record without its quotes.
    unquoted: Vec<u8>,
    ends: Vec<usize>,
    cells: Vec<Cell>,
    /// Whether `cells` are places in `unquoted` rather than in the line itself.
    quoted: bool,
}

/// The extent of a record in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Bytes, the last line end included.
    pub bytes: usize,
    /// Bytes of the last line end.
    pub line_end: usize,
    /// Physical lines.
    pub lines: u64,
}

/// A record that cannot be used; what it says goes for its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The first line.
    pub extent: Extent,
    /// Why.
    pub rejection: Rejection,
}

impl CsvReader {
    /// A reader for cells between such delimiters.
    pub fn new(delimiter: u8) -> Self {
        // Line ends are cut off here, so that a lone CR is a character like any other on both ways.
        let terminator = Terminator::Any(b'\n');
        let core = ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(terminator)
            .build();
        Self {
            delimiter,
            core,
            unquoted: Vec::new(),
            ends: Vec::new(),
            cells: Vec::new(),
            quoted: false,
        }
    }

    /// Reads the record whose first line is `first`, as `lines` found it. With a `width` a record of
    /// another number of cells is refused. `Err` is an error of the device.
    pub fn read<R: Read>(
        &mut self,
        lines: &mut LineReader<R>,
        first: Extent,
        width: Option<usize>,
        bytes_max: usize,
    ) -> Result<Result<Extent, Refused>, std::io::Error> {
        let line = lines.peek(first.bytes - first.line_end);
        self.quoted = !self.split(line);
        let extent = if self.quoted {
            match self.unquote(lines, first, bytes_max)? {
                Some(extent) => extent,
                None => {
                    let detail = "a quote opens on this line and does not close";
                    let rejection = Rejection::new(Code::BadRow, "", detail);
                    return Ok(Err(Refused {
                        extent: first,
                        rejection,
                    }));
                }
            }
        } else {
            first
        };
        let found = self.cells.len();
        match width {
            Some(width) if width != found => {
                let spanned = match extent.lines {
                    1 => String::new(),
                    more => format!(" over {more} lines, for a quote opens on this one"),
                };
                let detail = format!("has {found} cells{spanned}; the header has {width}");
                let rejection = Rejection::new(Code::BadRow, "", detail);
                Ok(Err(Refused {
                    extent: first,
                    rejection,
                }))
            }
            _ => Ok(Ok(extent)),
        }
    }

    /// The cells of the last record, and the text they are cut from. `line` is the record as it
    /// stands in the stream. A cell that is not UTF-8 is named by its number.
    pub fn cells<'a>(&'a self, line: &'a [u8]) -> Result<(&'a str, &'a [Cell]), usize> {
        let bytes = if self.quoted {
            self.unquoted.as_slice()
        } else {
            line
        };
        match (std::str::from_utf8(bytes), std::str::from_utf8(line)) {
            // The line is looked at too, since cells that are cut within a character could together
            // make a whole one once the quotes between them are gone.
            (Ok(text), Ok(_)) => Ok((text, &self.cells)),
            _ => {
                let damaged = |cell: &Cell| {
                    let bytes = bytes.get(cell.start..cell.end).unwrap_or_default();
                    std::str::from_utf8(bytes).is_err()
                };
                Err(self.cells.iter().position(damaged).unwrap_or(0))
            }
        }
    }

    /// Cuts a line at its delimiters; false where it holds a quote.
    fn split(&mut self, line: &[u8]) -> bool {
        self.cells.clear();
        let (mut start, mut quote) = (0, false);
        for (at, byte) in line.iter().enumerate() {
            quote |= *byte == b'"';
            if *byte == self.delimiter {
                self.cells.push(Cell { start, end: at });
                start = at + 1;
            }
        }
        self.cells.push(Cell {
            start,
            end: line.len(),
        });
        !quote
    }

    /// Reads a record with quotes, over as many lines as it takes; `None` where it does not end.
    fn unquote<R: Read>(
        &mut self,
        lines: &mut LineReader<R>,
        first: Extent,
        bytes_max: usize,
    ) -> Result<Option<Extent>, std::io::Error> {
        self.core.reset();
        let mut progress = Progress::default();
        let mut extent = Extent {
            bytes: 0,
            line_end: 0,
            lines: 0,
        };
        let mut next = Found::Line {
            bytes: first.bytes,
            line_end: first.line_end,
        };
        loop {
            let Found::Line { bytes, line_end } = next else {
                return Ok(None);
            };
            let all = lines.peek(extent.bytes + bytes);
            let line = all.get(extent.bytes..).unwrap_or_default();
            extent.bytes += bytes;
            extent.line_end = line_end;
            extent.lines += 1;
            let mut whole = self.feed(line, &mut progress);
            if line_end == 0 {
                whole = whole || self.feed(b"\n", &mut progress);
            }
            if whole {
                self.keep_cells(&progress, line_end == 2);
                return Ok(Some(extent));
            }
            if line_end == 0 || extent.lines >= RECORD_LINES_MAX || extent.bytes > bytes_max {
                return Ok(None);
            }
            next = lines.find(extent.bytes, bytes_max)?;
        }
    }

    /// Gives bytes to the parser; true where the record is whole.
    fn feed(&mut self, mut input: &[u8], progress: &mut Progress) -> bool {
        loop {
            // Never more comes out than goes in, and one cell more than there are delimiters.
            self.unquoted
                .resize(self.unquoted.len().max(progress.bytes + input.len() + 1), 0);
            self.ends
                .resize(self.ends.len().max(progress.cells + 64), 0);
            let output = self.unquoted.get_mut(progress.bytes..).unwrap_or_default();
            let ends = self.ends.get_mut(progress.cells..).unwrap_or_default();
            let (result, taken, written, ended) = self.core.read_record(input, output, ends);
            progress.bytes += written;
            progress.cells += ended;
            input = input.get(taken..).unwrap_or_default();
            match result {
                ReadRecordResult::Record => return true,
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {}
                // An end without a record cannot come of input that is not empty.
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return false,
            }
        }
    }

    fn keep_cells(&mut self, progress: &Progress, carriage_return: bool) {
        self.cells.clear();
        self.unquoted.truncate(progress.bytes);
        let mut start = 0;
        for &end in self.ends.iter().take(progress.cells) {
            self.cells.push(Cell { start, end });
            start = end;
        }
        if carriage_return
            && let Some(last) = self.cells.last_mut()
            && last.end > last.start
            && self.unquoted.get(last.end - 1) == Some(&b'\r')
        {
            last.end -= 1;
        }
    }
}

/// How far the parser's output has come in its buffers.
#[derive(Default)]
struct Progress {
    bytes: usize,
    cells: usize,
}

#[cfg(test)]
mod tests;
