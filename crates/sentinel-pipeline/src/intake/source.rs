//! A file, or any other stream of bytes, as a sequence of transactions, labels and rejections.
//!
//! **Enters:** CSV or JSON lines, with or without a [`Mapping`]. **Leaves:** [`SourceItem`]s in
//! batches, each with the log time it is to be appended at: the running maximum of `event_time` over
//! the transactions that came before it and its own. **Promises:** the same bytes give the same items,
//! however they arrive and however large the batches are; a bad row costs that row, never the rest of
//! the file; every refused row is kept with its line and its bytes. **Must never:** read a clock, or
//! hold more than one over-long line.
//!
//! ```text
//!  bytes ─ lines ─┬─ csv ────┬─ mapping ─┬─ transaction ──────────────┬─ batch
//!                 └─ object ─┘           ├─ fraud ─ labels (wait) ────┤
//!                    json ───────────────┴─ rejection ────────────────┘
//! ```

use std::io::Read;
use std::ops::Range;

use sentinel_domain::{Instant, Label, Rejection, RejectionCode as Code, Transaction};
use thiserror::Error;

use crate::intake::csv::{CsvReader, Extent};
use crate::intake::json;
use crate::intake::labels::PendingLabels;
use crate::intake::lines::{Found, LineReader};
use crate::intake::object::ObjectReader;
use crate::mapping::{BoundMapping, Mapping, MappingError, Row};

/// How rows are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table with a header.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

/// What a source is and what bounds it has.
#[derive(Debug, Clone)]
pub struct SourceOptions {
    /// A file path, or `-`: the name in dead letters and messages.
    pub name: String,
    /// How rows are spelled.
    pub format: Format,
    /// How rows become transactions; without one, columns and keys are the fields themselves.
    pub mapping: Option<Mapping>,
    /// The longest line, in bytes.
    pub line_bytes_max: usize,
    /// How much of a longer line is kept for its dead letter, in bytes.
    pub kept_bytes_max: usize,
    /// The appender's clock: events more than five minutes ahead of it are refused. Without one no
    /// event is too far ahead.
    pub now: Option<Instant>,
}

impl SourceOptions {
    /// A source of this name and format, with the usual bounds and neither mapping nor clock.
    pub fn new(name: impl Into<String>, format: Format) -> Self {
        Self {
            name: name.into(),
            format,
            mapping: None,
            line_bytes_max: 1024 * 1024,
            kept_bytes_max: 16 * 1024 * 1024,
            now: None,
        }
    }
}

/// How far ahead of the appender's clock an event may lie, in microseconds.
pub const AHEAD_MICROS_MAX: i64 = 5 * 60 * 1_000_000;

/// Who is shown the cells of a row, with the columns they belong to, before a mapping reads them.
pub type SeeRow<'a> = dyn FnMut(&[String], &Row<'_>) + 'a;

/// A batch ends early when it holds so many bytes of rows.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why a source cannot be read at all, or no further.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The device failed.
    #[error("read {name} after line {line}")]
    Read {
        /// The source.
        name: String,
        /// The last whole line.
        line: u64,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// A table without a usable header.
    #[error("read the header of {name}: {detail}")]
    Header {
        /// The source.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// The mapping does not fit the header.
    #[error("open {name}")]
    Mapping {
        /// The source.
        name: String,
        /// What does not fit.
        #[source]
        source: Box<MappingError>,
    },
    /// The mapping is for another format.
    #[error("open {name}: the mapping {mapping:?} is for another format than the file has")]
    Format {
        /// The source.
        name: String,
        /// The mapping's name.
        mapping: String,
    },
}

/// Items of a source, with the bytes of their rows. Reused between calls.
#[derive(Debug, Default)]
pub struct SourceBatch {
    /// In the order in which they are to be appended.
    pub items: Vec<SourceItem>,
    /// Raw bytes of the rows, without line ends; items point into it.
    pub bytes: Vec<u8>,
}

impl SourceBatch {
    /// The raw bytes of a row.
    pub fn raw(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// One thing that came out of a source.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceItem {
    /// A transaction to append.
    Transaction {
        /// The 1-based line on which the row begins.
        row: u64,
        /// When it counts as appended.
        log_time: Instant,
        /// The transaction.
        transaction: Box<Transaction>,
        /// Its row in the batch's bytes.
        raw: Range<usize>,
    },
    /// A label to append.
    Label {
        /// When it counts as appended: the running maximum before the row that made it due.
        log_time: Instant,
        /// The label.
        label: Box<Label>,
    },
    /// A row that is refused, for the dead letters.
    Rejected {
        /// The 1-based line on which the row begins.
        row: u64,
        /// Why.
        rejection: Rejection,
        /// Its row in the batch's bytes, cut where it is over-long.
        raw: Range<usize>,
    },
}

/// A stream of rows.
pub struct FileSource<R> {
    options: SourceOptions,
    lines: LineReader<R>,
    rows: Rows,
    /// Data rows met, refused ones too.
    rows_met: u64,
    log_time: Option<Instant>,
    labels: Option<PendingLabels>,
    /// A row that was read and waits for labels that go before it.
    held: Option<Held>,
    /// An error that came after items which were handed out first.
    failure: Option<SourceError>,
    scratch: String,
}

/// The ways from a line to a transaction.
enum Rows {
    Table(Box<(CsvReader, BoundMapping)>),
    Canonical,
    Mapped(Box<(ObjectReader, BoundMapping)>),
}

/// A row that was read and is not consumed yet.
struct Held {
    extent: Extent,
    outcome: Result<(Box<Transaction>, bool), Rejection>,
}

/// What one step did.
enum Step {
    Went,
    Ended,
}

impl<R: Read> FileSource<R> {
    /// Opens a source; a table's header is read and fitted to the mapping at once.
    pub fn open(reader: R, options: SourceOptions) -> Result<Self, SourceError> {
        let mut lines = LineReader::new(reader);
        let mapping = options.mapping.as_ref();
        if let Some(mapping) = mapping
            && mapping
                .format()
                .is_some_and(|format| format != options.format)
        {
            let (name, mapping) = (options.name.clone(), mapping.name().to_owned());
            return Err(SourceError::Format { name, mapping });
        }
        let unfit = |fault| SourceError::Mapping {
            name: options.name.clone(),
            source: Box::new(fault),
        };
        let rows = match (options.format, mapping) {
            (Format::Csv, mapping) => {
                let mut csv = CsvReader::new(mapping.map_or(b',', Mapping::delimiter));
                let header = read_header(&mut lines, &mut csv, &options)?;
                let header: Vec<&str> = header.iter().map(String::as_str).collect();
                let bound = match mapping {
                    Some(mapping) => mapping.bind(&header),
                    None => Mapping::canonical(&options.name, &header)
                        .and_then(|mapping| mapping.bind(&header)),
                };
                Rows::Table(Box::new((csv, bound.map_err(unfit)?)))
            }
            (Format::JsonLines, None) => Rows::Canonical,
            (Format::JsonLines, Some(mapping)) => {
                let bound = mapping.bind_keys().map_err(unfit)?;
                Rows::Mapped(Box::new((ObjectReader::default(), bound)))
            }
        };
        let labels = mapping.and_then(Mapping::label).map(PendingLabels::new);
        Ok(Self {
            options,
            lines,
            rows,
            rows_met: 0,
            log_time: None,
            labels,
            held: None,
            failure: None,
            scratch: String::new(),
        })
    }

    /// Fills the batch with the next items, at least one and at most `items_max`. False at the end of
    /// the input, the batch then being empty.
    pub fn next_batch(
        &mut self,
        batch: &mut SourceBatch,
        items_max: usize,
    ) -> Result<bool, SourceError> {
        self.next_batch_seeing(batch, items_max, &mut |_, _| {})
    }

    /// As [`Self::next_batch`], and shows each row that could be cut into cells, before the mapping reads
    /// it: all cells of a table, the mapped keys of an object, nothing of an object without a mapping.
    /// With `items_max` 1 what was shown last belongs to the transaction or rejection that comes next.
    pub fn next_batch_seeing(
        &mut self,
        batch: &mut SourceBatch,
        items_max: usize,
        see: &mut SeeRow<'_>,
    ) -> Result<bool, SourceError> {
        batch.items.clear();
        batch.bytes.clear();
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        while batch.items.len() < items_max.max(1) && batch.bytes.len() < BATCH_BYTES_MAX {
            match self.step(batch, see) {
                Ok(Step::Went) => {}
                Ok(Step::Ended) => break,
                Err(failure) if batch.items.is_empty() => return Err(failure),
                Err(failure) => {
                    self.failure = Some(failure);
                    break;
                }
            }
        }
        Ok(!batch.items.is_empty())
    }

    /// Adds labels from elsewhere. Each is given before the first row whose event is not older than its
    /// `known_at`, what is left at the end of the input.
    pub fn add_labels(&mut self, labels: impl IntoIterator<Item = Label>) {
        let waiting = self.labels.get_or_insert_with(PendingLabels::given);
        for label in labels {
            waiting.push(Box::new(label));
        }
    }

    /// Bytes taken from the stream so far.
    pub fn bytes_read(&self) -> u64 {
        self.lines.bytes_read()
    }

    /// The columns of the table; for objects the keys that the mapping reads; none without a mapping.
    pub fn columns(&self) -> &[String] {
        match &self.rows {
            Rows::Table(rows) => rows.1.columns(),
            Rows::Mapped(rows) => rows.1.columns(),
            Rows::Canonical => &[],
        }
    }

    /// Adds one item at most.
    fn step(&mut self, batch: &mut SourceBatch, see: &mut SeeRow<'_>) -> Result<Step, SourceError> {
        if let Some(held) = self.held.take() {
            self.release(held, batch);
            return Ok(Step::Went);
        }
        let bytes_max = self.options.line_bytes_max;
        match self.lines.find(0, bytes_max) {
            Ok(Found::Line { bytes, line_end }) => {
                let extent = Extent {
                    bytes,
                    line_end,
                    lines: 1,
                };
                let line = self.lines.peek(bytes - line_end);
                let blank = match self.rows {
                    Rows::Table(_) => line.is_empty(),
                    Rows::Canonical | Rows::Mapped(_) => line.trim_ascii().is_empty(),
                };
                if blank {
                    self.lines.consume(bytes, 1);
                    return Ok(Step::Went);
                }
                let held = self
                    .read_row(extent, see)
                    .map_err(|source| self.read_error(source))?;
                self.rows_met += 1;
                self.release(held, batch);
                Ok(Step::Went)
            }
            Ok(Found::TooLong | Found::Broken) => self.skip_line(batch),
            Ok(Found::End) => Ok(self.drain_labels(batch)),
            Err(source) => Err(self.read_error(source)),
        }
    }

    /// Reads the row that begins with this line, without consuming it.
    fn read_row(&mut self, first: Extent, see: &mut SeeRow<'_>) -> Result<Held, std::io::Error> {
        let number = self.rows_met;
        let bytes_max = self.options.line_bytes_max;
        let mut extent = first;
        let outcome = match &mut self.rows {
            Rows::Canonical => {
                let line = self.lines.peek(first.bytes - first.line_end);
                json::parse_transaction(line).map(|transaction| (Box::new(transaction), false))
            }
            Rows::Mapped(rows) => {
                let (reader, mapping) = rows.as_mut();
                let line = self.lines.peek(first.bytes - first.line_end);
                let read = reader.read(line, mapping.columns());
                read.and_then(|(text, cells)| {
                    map(
                        mapping,
                        Row {
                            number,
                            text,
                            cells,
                        },
                        see,
                        &mut self.scratch,
                    )
                })
            }
            Rows::Table(rows) => {
                let (csv, mapping) = rows.as_mut();
                let width = Some(mapping.columns().len());
                match csv.read(&mut self.lines, first, width, bytes_max)? {
                    Err(refused) => Err(refused.rejection),
                    Ok(whole) => {
                        extent = whole;
                        let raw = self.lines.peek(whole.bytes - whole.line_end);
                        match csv.cells(raw) {
                            Ok((text, cells)) => map(
                                mapping,
                                Row {
                                    number,
                                    text,
                                    cells,
                                },
                                see,
                                &mut self.scratch,
                            ),
                            Err(at) => Err(not_utf8(mapping, at)),
                        }
                    }
                }
            }
        };
        let outcome = outcome.and_then(|read| match self.options.now {
            Some(now) => refuse_future(&read.0, now).map(|()| read),
            None => Ok(read),
        });
        Ok(Held { extent, outcome })
    }

    /// Adds one label that goes before the row, and holds the row; or adds the row.
    fn release(&mut self, held: Held, batch: &mut SourceBatch) {
        if let (Ok((transaction, _)), Some(labels)) = (&held.outcome, &mut self.labels)
            && let Some(label) = labels.take_due(transaction.event_time)
        {
            let log_time = self.log_time.unwrap_or(transaction.event_time);
            batch.items.push(SourceItem::Label { log_time, label });
            self.held = Some(held);
            return;
        }
        let row = self.lines.line_number();
        let Extent {
            bytes,
            line_end,
            lines,
        } = held.extent;
        let start = batch.bytes.len();
        batch
            .bytes
            .extend_from_slice(self.lines.peek(bytes - line_end));
        let raw = start..batch.bytes.len();
        self.lines.consume(bytes, lines);
        batch.items.push(match held.outcome {
            Ok((transaction, fraud)) => {
                let event_time = transaction.event_time;
                let log_time = self
                    .log_time
                    .map_or(event_time, |so_far| so_far.max(event_time));
                self.log_time = Some(log_time);
                if let (true, Some(labels)) = (fraud, &mut self.labels) {
                    labels.add(&transaction);
                }
                SourceItem::Transaction {
                    row,
                    log_time,
                    transaction,
                    raw,
                }
            }
            Err(rejection) => SourceItem::Rejected {
                row,
                rejection,
                raw,
            },
        });
    }

    /// Refuses a line that is too long, or in which the stream broke.
    fn skip_line(&mut self, batch: &mut SourceBatch) -> Result<Step, SourceError> {
        let row = self.lines.line_number();
        let start = batch.bytes.len();
        let skipped = self
            .lines
            .skip_line(&mut batch.bytes, self.options.kept_bytes_max);
        let (length, broken) = skipped.map_err(|source| self.read_error(source))?;
        let raw = start..batch.bytes.len();
        self.rows_met += 1;
        let rejection = if broken {
            let reason = self.lines.break_reason();
            let detail = format!("the compressed input ends or is damaged at line {row}: {reason}");
            let rejection = Rejection::new(Code::BadCompression, "", detail);
            self.lines.close();
            rejection
        } else {
            let most = self.options.line_bytes_max;
            let detail = format!("is {length} bytes long, at most {most}; {} kept", raw.len());
            Rejection::new(Code::LineTooLong, "", detail)
        };
        batch.items.push(SourceItem::Rejected {
            row,
            rejection,
            raw,
        });
        Ok(Step::Went)
    }

    /// At the end of the input: the labels that are left, one by one.
    fn drain_labels(&mut self, batch: &mut SourceBatch) -> Step {
        let next = self.labels.as_mut().and_then(PendingLabels::take_any);
        match (next, self.log_time) {
            (Some(label), Some(log_time)) => {
                batch.items.push(SourceItem::Label { log_time, label });
                Step::Went
            }
            _ => Step::Ended,
        }
    }

    fn read_error(&self, source: std::io::Error) -> SourceError {
        let line = self.lines.line_number() - 1;
        SourceError::Read {
            name: self.options.name.clone(),
            line,
            source,
        }
    }
}

fn read_header<R: Read>(
    lines: &mut LineReader<R>,
    csv: &mut CsvReader,
    options: &SourceOptions,
) -> Result<Vec<String>, SourceError> {
    let bytes_max = options.line_bytes_max;
    let name = || options.name.clone();
    let bad = |detail: String| SourceError::Header {
        name: name(),
        detail,
    };
    let failed = |source| SourceError::Read {
        name: name(),
        line: 0,
        source,
    };
    loop {
        let first = match lines.find(0, bytes_max).map_err(failed)? {
            Found::Line { bytes, line_end } => Extent {
                bytes,
                line_end,
                lines: 1,
            },
            Found::TooLong => return Err(bad(format!("it is longer than {bytes_max} bytes"))),
            Found::Broken => {
                let reason = lines.break_reason();
                return Err(bad(format!(
                    "the compressed input is damaged there: {reason}"
                )));
            }
            Found::End => return Err(bad("the input holds nothing".to_owned())),
        };
        if first.bytes == first.line_end {
            lines.consume(first.bytes, 1);
            continue;
        }
        let extent = csv.read(lines, first, None, bytes_max).map_err(failed)?;
        let extent = extent.map_err(|refused| bad(refused.rejection.detail))?;
        let raw = lines.peek(extent.bytes - extent.line_end);
        let (text, cells) = csv
            .cells(raw)
            .map_err(|at| bad(format!("column {} is not UTF-8", at + 1)))?;
        let cells = cells
            .iter()
            .map(|cell| text.get(cell.start..cell.end).unwrap_or_default());
        let header = cells.map(str::to_owned).collect();
        lines.consume(extent.bytes, extent.lines);
        return Ok(header);
    }
}

/// Shows a row's cells, and reads them.
fn map(
    mapping: &BoundMapping,
    row: Row<'_>,
    see: &mut SeeRow<'_>,
    scratch: &mut String,
) -> Result<(Box<Transaction>, bool), Rejection> {
    see(mapping.columns(), &row);
    mapping.read(&row, scratch)
}

fn not_utf8(mapping: &BoundMapping, column: usize) -> Rejection {
    let name = mapping.columns().get(column).map_or("", String::as_str);
    Rejection::new(
        Code::BadUtf8,
        name,
        format!("the bytes of column {} are not UTF-8", column + 1),
    )
}

/// Refuses an event that lies more than [`AHEAD_MICROS_MAX`] ahead of the appender's clock: at every door alike.
pub(crate) fn refuse_future(transaction: &Transaction, now: Instant) -> Result<(), Rejection> {
    let event_time = transaction.event_time;
    if event_time.micros_since(now) <= AHEAD_MICROS_MAX {
        return Ok(());
    }
    let detail = format!("is {event_time}, more than 5 minutes ahead of {now}");
    Err(Rejection::new(Code::FutureEvent, "event_time", detail))
}

#[cfg(test)]
mod tests;
