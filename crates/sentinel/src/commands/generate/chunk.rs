//! Chunks: a stretch of the stream with its spelling, made on any thread and handed out in order.
//!
//! ```text
//!  stream: plans, one after the other ──▶ thread 1: chunk 0, 2, … ──┐
//!          (a lock hands it round)        thread 2: chunk 1, 3, … ──┴─▶ in order of their numbers
//! ```
//!
//! Promises the same bytes for any number of threads: where a chunk begins depends on the count of
//! payments alone, and spelling one needs nothing but the chunk. The chunks in being are bounded, and
//! their memory is used again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};
use sentinel_domain::{Entry, Instant, Transaction};
use sentinel_eventlog::encode_entry;
use sentinel_pipeline::intake::json;
use sentinel_synth::{Generated, Slice, Stream};

use super::labels::LabelForm;
use super::table;

/// Payments of one chunk.
pub const ROWS: usize = 2_048;

/// Chunks in being for each thread.
const CHUNKS_A_THREAD: usize = 3;

/// How payments are spelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line.
    JsonLines,
    /// One row a line; the attributes that have a column.
    Csv(Vec<String>),
    /// One JSON object each, without line ends.
    Objects,
    /// Entries of a log.
    Entries,
    /// Not at all: the sink reads the values.
    Values,
}

/// One payment of a chunk.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Where its spelling ends in the chunk's bytes.
    pub end: usize,
    /// Where its label, if any, ends in the chunk's labels.
    pub label_end: usize,
    /// When it happened.
    pub event_time: Instant,
    /// Whether it is fraud.
    pub fraud: bool,
}

/// A stretch of the stream.
#[derive(Debug, Default)]
pub struct Chunk {
    number: u64,
    /// Nothing comes after it.
    last: bool,
    /// The values, where the sink reads them.
    pub made: Vec<Generated>,
    /// Their spelling, one after the other.
    bytes: Vec<u8>,
    /// One a value.
    pub rows: Vec<Row>,
    /// The spelled labels of its payments, one after the other.
    labels: Vec<u8>,
}

impl Chunk {
    /// The spelling of the rows from one to before another.
    pub fn spelled(&self, from: usize, to: usize) -> &[u8] {
        let end_of = |row: usize| self.rows.get(row).map_or(0, |row| row.end);
        let start = from.checked_sub(1).map_or(0, end_of);
        let end = to.checked_sub(1).map_or(0, end_of);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The spelled labels of the rows from one to before another.
    pub fn labels_of(&self, from: usize, to: usize) -> &[u8] {
        let end_of = |row: usize| self.rows.get(row).map_or(0, |row| row.label_end);
        let start = from.checked_sub(1).map_or(0, end_of);
        let end = to.checked_sub(1).map_or(0, end_of);
        self.labels.get(start..end).unwrap_or_default()
    }

    /// Makes and spells the payments of a slice, up to an instant.
    fn fill(&mut self, drawn: &Drawn, until: Option<Instant>, (form, labels): (&Form, LabelForm)) {
        self.number = drawn.number;
        self.last = false;
        self.made.clear();
        self.bytes.clear();
        self.rows.clear();
        self.labels.clear();
        for generated in drawn.slice.iter() {
            let event_time = generated.transaction.event_time;
            if until.is_some_and(|until| event_time >= until) {
                self.last = true;
                break;
            }
            labels.write(&generated, &mut self.labels);
            form.spell(&generated.transaction, &mut self.bytes);
            self.rows.push(Row {
                end: self.bytes.len(),
                label_end: self.labels.len(),
                event_time,
                fraud: generated.label.is_some(),
            });
            if form.keeps_values() {
                self.made.push(generated);
            }
        }
    }
}

impl Form {
    /// Whether the sink reads values: a log and a server want labels when they are known.
    fn keeps_values(&self) -> bool {
        matches!(self, Self::Entries | Self::Objects | Self::Values)
    }

    fn spell(&self, transaction: &Transaction, out: &mut Vec<u8>) {
        match self {
            Self::JsonLines => {
                json::write_transaction(transaction, out);
                out.push(b'\n');
            }
            Self::Csv(attributes) => table::write_row(transaction, attributes, out),
            Self::Objects => json::write_transaction(transaction, out),
            Self::Entries => {
                // The codec takes an entry by reference, and an entry owns its transaction.
                encode_entry(&Entry::Transaction(Box::new(transaction.clone())), out);
            }
            Self::Values => {}
        }
    }
}

/// The stream, from which one thread at a time draws: what is planned has an order, what is made of a plan
/// does not.
#[derive(Debug)]
pub struct Draw {
    stream: Stream,
    left: u64,
    until: Option<Instant>,
    next: u64,
}

/// A stretch of plans.
struct Drawn {
    number: u64,
    slice: Slice,
}

impl Draw {
    /// At most so many payments, none of them at or after an instant.
    pub fn new(stream: Stream, count: Option<u64>, until: Option<Instant>) -> Self {
        Self {
            stream,
            left: count.unwrap_or(u64::MAX),
            until,
            next: 0,
        }
    }

    /// The next stretch; `None` at the end.
    fn draw(&mut self) -> Option<Drawn> {
        let rows = usize::try_from(self.left).unwrap_or(ROWS).min(ROWS);
        if rows == 0 {
            return None;
        }
        let slice = self.stream.slice(rows);
        self.left -= slice.len() as u64;
        let number = self.next;
        self.next += 1;
        Some(Drawn { number, slice })
    }
}

/// Chunks in the order of the stream, to whoever writes them.
pub struct Chunks {
    spelled: Receiver<Chunk>,
    empty: Sender<Chunk>,
    early: BTreeMap<u64, Chunk>,
    next: u64,
    ended: bool,
}

impl Chunks {
    /// The next chunk; `None` at the end of the stream.
    pub fn next(&mut self) -> Option<Chunk> {
        while !self.ended {
            if let Some(chunk) = self.early.remove(&self.next) {
                self.next += 1;
                self.ended = chunk.last;
                return Some(chunk);
            }
            let chunk = self.spelled.recv().ok()?;
            self.early.insert(chunk.number, chunk);
        }
        None
    }

    /// Gives a chunk back, for its memory.
    pub fn give_back(&self, chunk: Chunk) {
        // Nobody wants it any more at the end.
        let _ = self.empty.send(chunk);
    }
}

/// Makes chunks on so many threads while `write` writes them.
pub fn with_chunks<T>(
    draw: Draw,
    (form, labels): (&Form, LabelForm),
    threads: usize,
    write: impl FnOnce(Chunks) -> T,
) -> T {
    let until = draw.until;
    let draw = Mutex::new(draw);
    let in_being = threads * CHUNKS_A_THREAD + 1;
    let (empty, empties) = bounded::<Chunk>(in_being);
    let (full, spelled) = bounded::<Chunk>(in_being);
    for _ in 0..in_being {
        let _ = empty.send(Chunk::default());
    }
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (empties, full, draw) = (empties.clone(), full.clone(), &draw);
            scope.spawn(move || {
                while let Ok(mut chunk) = empties.recv() {
                    let drawn = draw.lock().unwrap_or_else(PoisonError::into_inner).draw();
                    let Some(drawn) = drawn else {
                        break;
                    };
                    chunk.fill(&drawn, until, (form, labels));
                    if full.send(chunk).is_err() {
                        break;
                    }
                }
            });
        }
        // Only the threads hold the channels' other ends, so that each side learns of the other's end.
        drop((empties, full));
        write(Chunks {
            spelled,
            empty,
            early: BTreeMap::new(),
            next: 0,
            ended: false,
        })
    })
}

#[cfg(test)]
mod tests {
    use sentinel_synth::Options;

    use super::*;

    fn made(threads: usize, count: u64, until: Option<Instant>) -> (Vec<u8>, Vec<u8>, usize) {
        let start = Instant::from_seconds(1_767_614_400);
        let draw = Draw::new(Stream::new(Options::new(5, start)), Some(count), until);
        let forms = (&Form::JsonLines, LabelForm::JsonLines);
        with_chunks(draw, forms, threads, |mut chunks| {
            let (mut bytes, mut labels, mut rows) = (Vec::new(), Vec::new(), 0);
            while let Some(chunk) = chunks.next() {
                let half = chunk.rows.len() / 2;
                bytes.extend_from_slice(chunk.spelled(0, half));
                bytes.extend_from_slice(chunk.spelled(half, chunk.rows.len()));
                labels.extend_from_slice(chunk.labels_of(0, half));
                labels.extend_from_slice(chunk.labels_of(half, chunk.rows.len()));
                rows += chunk.rows.len();
                chunks.give_back(chunk);
            }
            (bytes, labels, rows)
        })
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bytes() {
        let one = made(1, 9_000, None);
        assert_eq!(one.2, 9_000);
        assert_eq!(one.0.iter().filter(|byte| **byte == b'\n').count(), 9_000);
        assert!(!one.1.is_empty());
        for threads in [2, 5] {
            assert!(made(threads, 9_000, None) == one, "{threads} threads");
        }
        let fewer = made(2, 100, None);
        assert!(
            one.0.starts_with(&fewer.0),
            "a longer stream begins as a shorter one"
        );
        assert_eq!(made(2, 0, None).2, 0);
    }

    #[test]
    fn the_stream_ends_at_its_instant() {
        let until = Instant::from_seconds(1_767_614_400 + 60);
        let (bytes, _, rows) = made(2, u64::MAX, Some(until));
        assert!((100..500).contains(&rows), "{rows}");
        for line in bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            assert!(json::parse_transaction(line).unwrap().event_time < until);
        }
    }

    #[test]
    fn a_writer_that_stops_early_stops_the_threads() {
        let start = Instant::from_seconds(1_767_614_400);
        let draw = Draw::new(Stream::new(Options::new(5, start)), None, None);
        let first = with_chunks(draw, (&Form::Values, LabelForm::None), 2, |mut chunks| {
            chunks.next().map(|chunk| chunk.rows.len())
        });
        assert_eq!(first, Some(ROWS));
    }
}
