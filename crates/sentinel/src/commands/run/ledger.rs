//! The reader: rows become entries of the log, and a ledger tells the writer which row each came from.
//!
//! Entries that the log holds from an earlier, killed run are not appended again; each is compared with
//! the log, so that a changed input is noticed and not spliced on.

use std::io::IsTerminal;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sentinel_domain::{Entry, Instant, Offset, Rejection};
use sentinel_eventlog::{EventLog, Payloads, RecordBatch, SourceProgress, encode_entry};
use sentinel_pipeline::intake::source::{SourceBatch, SourceItem};
use sentinel_pipeline::statistics::Statistics;

use super::input::{Input, Rows};

/// Rows taken at once: one frame of the log, one message to the writer.
const BATCH_ROWS: usize = 512;

/// What the writer must know of a stretch of rows, in their order.
pub struct Ledger {
    /// One item an entry or refused row.
    pub items: Vec<LedgerItem>,
    /// The raw bytes that items point into.
    pub bytes: Vec<u8>,
}

/// One row.
pub enum LedgerItem {
    /// It became an entry.
    Entry {
        /// The line of the input.
        row: u64,
        /// Its bytes.
        raw: Range<usize>,
    },
    /// A label became an entry.
    Label,
    /// It was refused.
    Refused {
        /// The line of the input.
        row: u64,
        /// Why.
        rejection: Rejection,
        /// Its bytes.
        raw: Range<usize>,
    },
}

/// Reads the input to its end.
pub struct Reader {
    /// Where entries go.
    pub log: EventLog,
    /// The source's name as a number.
    pub source: u64,
    /// Entries of the source that the log holds.
    pub already: u64,
    /// Those entries, to be compared with what the input gives.
    pub held: Held,
    /// Counts refused rows.
    pub statistics: Arc<Statistics>,
    /// Turns true when the person wants to stop.
    pub interrupted: Arc<AtomicBool>,
}

impl Reader {
    /// Reads, appends, tells the writer.
    pub fn read(
        mut self,
        (mut rows, input): (Rows, Input),
        ledgers: &crossbeam_channel::Sender<Ledger>,
    ) -> anyhow::Result<()> {
        let progress = progress_bar(input.total_bytes);
        let mut batch = SourceBatch::default();
        let mut payloads = Payloads::default();
        let mut sequence = 0_u64;
        while !self.interrupted.load(Relaxed)
            && rows
                .next_batch(&mut batch, BATCH_ROWS)
                .context("read the input")?
        {
            let ledger = self.append(&mut batch, &mut payloads, &mut sequence)?;
            progress.set_position(input.read_bytes.load(Relaxed));
            if ledgers.send(ledger).is_err() {
                // The writer has ended with an error of its own.
                break;
            }
        }
        self.log.flush()?;
        progress.finish_and_clear();
        Ok(())
    }

    fn append(
        &mut self,
        batch: &mut SourceBatch,
        payloads: &mut Payloads,
        sequence: &mut u64,
    ) -> anyhow::Result<Ledger> {
        payloads.clear();
        let mut items = Vec::with_capacity(batch.items.len());
        let mut log_time = Instant::default();
        for item in batch.items.drain(..) {
            let (entry, at, item) = match item {
                SourceItem::Rejected {
                    row,
                    rejection,
                    raw,
                } => {
                    self.statistics.count_rejected(rejection.code);
                    items.push(LedgerItem::Refused {
                        row,
                        rejection,
                        raw,
                    });
                    continue;
                }
                SourceItem::Transaction {
                    row,
                    log_time,
                    transaction,
                    raw,
                } => {
                    let item = LedgerItem::Entry { row, raw };
                    (Entry::Transaction(transaction), log_time, item)
                }
                SourceItem::Label { log_time, label } => {
                    (Entry::Label(label), log_time, LedgerItem::Label)
                }
            };
            items.push(item);
            *sequence += 1;
            if *sequence <= self.already {
                self.held.compare(&entry)?;
            }
            if *sequence > self.already {
                log_time = at;
                payloads.push_at(at, |out| encode_entry(&entry, out));
            }
        }
        if !payloads.is_empty() {
            let progress = SourceProgress {
                source: self.source,
                next: *sequence,
            };
            self.log
                .append(log_time, Some(progress), payloads)
                .context("append to the log")?;
        }
        Ok(Ledger {
            items,
            bytes: std::mem::take(&mut batch.bytes),
        })
    }
}

/// The entries that the log holds of this source, read in step with the input.
pub struct Held {
    log: EventLog,
    next: Offset,
    records: RecordBatch,
    /// The place of `next` among the records.
    place: usize,
    encoded: Vec<u8>,
}

impl Held {
    /// From the offset of the source's first entry.
    pub fn new(log: EventLog, first: Offset) -> Self {
        Self {
            log,
            next: first,
            records: RecordBatch::default(),
            place: 0,
            encoded: Vec::new(),
        }
    }

    /// The next held entry must be what the input gives now.
    fn compare(&mut self, entry: &Entry) -> anyhow::Result<()> {
        if self.place >= self.records.len() {
            self.log
                .read(self.next, BATCH_ROWS, &mut self.records)
                .context("read the log")?;
            self.place = 0;
        }
        self.encoded.clear();
        encode_entry(entry, &mut self.encoded);
        let held = self.records.get(self.place);
        anyhow::ensure!(
            held.is_some_and(|record| record.payload == self.encoded),
            "the input is not the one this data directory was made with: entry {} differs; name \
             another --data-dir",
            self.next
        );
        self.place += 1;
        self.next = self.next.plus(1);
        Ok(())
    }
}

/// A bar on a terminal, nothing elsewhere.
pub fn progress_bar(total_bytes: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(total_bytes, ProgressDrawTarget::stderr_with_hz(10));
    let template = match total_bytes {
        Some(_) => "{bar:30} {percent}% of {total_bytes}, {elapsed} elapsed, {eta} left",
        None => "{spinner} {bytes} read, {elapsed} elapsed",
    };
    bar.with_style(ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar()))
}
