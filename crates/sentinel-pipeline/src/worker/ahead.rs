//! Entries read ahead of their owner, on a thread of their own: off the disk, checked, decoded, hashed.
//!
//! Promises every entry before the end in log order, or the first error. Must never look at an entry that is to be
//! skipped, or at any state.

use std::thread::Scope;

use crossbeam_channel::{Receiver, bounded};
use sentinel_domain::Offset;
use sentinel_eventlog::{EventLog, ReaderApart, RecordBatch};

use super::WorkerError;
use crate::intake::ReadEntry;
use crate::planted::{self, ReaderFault};
use crate::poison::{self, Skips};

/// Entries read at once.
const BATCH_ENTRIES: usize = 512;

/// Batches that wait for the owner, at most.
const QUEUE_BATCHES: usize = 4;

/// Entries in log order, or why there are none.
pub(super) type Entries = Result<Vec<ReadEntry>, WorkerError>;

/// Batches of entries, in log order.
pub(super) type Ahead = Receiver<Entries>;

/// Reads what stands from an offset to before another; ends where nobody takes it any more.
pub(super) fn read<'scope>(
    scope: &'scope Scope<'scope, '_>,
    from: (&EventLog, Skips),
    stretch: (Offset, Offset),
) -> Result<Ahead, WorkerError> {
    let (read, ahead) = bounded(QUEUE_BATCHES);
    let mut reader = Reader::new(from, stretch);
    let thread = std::thread::Builder::new().name("read-0".into());
    let thread = thread.spawn_scoped(scope, move || {
        while let Some(entries) = reader.read(BATCH_ENTRIES) {
            if read.send(entries).is_err() {
                return;
            }
        }
    });
    thread.map(|_| ahead).map_err(WorkerError::Thread)
}

/// Reads a stretch of a log, some entries at a time.
pub(super) struct Reader {
    log: ReaderApart,
    skips: Skips,
    batch: RecordBatch,
    scratch: Vec<u8>,
    next: Offset,
    end: Offset,
    fault: Option<ReaderFault>,
}

impl Reader {
    pub fn new((log, skips): (&EventLog, Skips), (next, end): (Offset, Offset)) -> Self {
        Self {
            log: log.reader_apart(),
            skips,
            batch: RecordBatch::default(),
            scratch: Vec::new(),
            next,
            end,
            fault: planted::reader_fault(),
        }
    }

    /// The next entries, so many at most; `None` behind the last, and behind an error.
    pub fn read(&mut self, most: usize) -> Option<Entries> {
        let left = self.end.0.saturating_sub(self.next.0);
        let most = usize::try_from(left).unwrap_or(most).min(most);
        if most == 0 {
            return None;
        }
        let read = self.log.read(self.next, most, &mut self.batch);
        if let Err(source) = read {
            let offset = std::mem::replace(&mut self.next, self.end);
            return Some(Err(WorkerError::Log { offset, source }));
        }
        let from = self.next;
        self.next = from.plus(self.batch.len() as u64);
        if let Some(fault) = &self.fault {
            fault(from);
        }
        let Self { skips, scratch, .. } = self;
        let entries = self.batch.iter();
        let read = |record| poison::read(&record, skips, scratch);
        Some(Ok(entries.map(read).collect()))
    }
}
