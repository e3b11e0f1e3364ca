//! Entries read ahead of their owner, on a thread of their own: off the disk, checked, decoded, hashed.
//!
//! Promises every entry before the end in log order, or the first error. Must never look at an entry that is to be
//! skipped, or at any state.

use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, bounded};
use sentinel_domain::Offset;
use sentinel_eventlog::{EventLog, RecordBatch};

use super::WorkerError;
use crate::intake::ReadEntry;
use crate::poison::{self, Skips};

/// Entries read at once.
const BATCH_ENTRIES: usize = 512;

/// Batches that wait for the owner, at most.
const QUEUE_BATCHES: usize = 4;

/// Batches of entries, in log order.
pub(super) type Ahead = Receiver<Result<Vec<ReadEntry>, WorkerError>>;

/// Reads what stands from an offset to before another; ends where nobody takes it any more.
pub(super) fn read<'scope>(
    scope: &'scope Scope<'scope, '_>,
    (log, skips): (EventLog, Skips),
    (from, end): (Offset, Offset),
) -> Result<Ahead, WorkerError> {
    let (read, ahead) = bounded(QUEUE_BATCHES);
    let reader = Reader { log, skips, read };
    let thread = std::thread::Builder::new().name("read-0".into());
    let thread = thread.spawn_scoped(scope, move || reader.run(from, end));
    thread.map(|_| ahead).map_err(WorkerError::Thread)
}

struct Reader {
    log: EventLog,
    skips: Skips,
    read: Sender<Result<Vec<ReadEntry>, WorkerError>>,
}

impl Reader {
    fn run(self, from: Offset, end: Offset) {
        let log = self.log.reader_apart();
        let (mut batch, mut scratch, mut next) = (RecordBatch::default(), Vec::new(), from);
        while next < end {
            let left = usize::try_from(end.0 - next.0).unwrap_or(BATCH_ENTRIES);
            let entries = log.read(next, left.min(BATCH_ENTRIES), &mut batch);
            let entries = entries.map_err(|source| WorkerError::Log {
                offset: next,
                source,
            });
            let is_over = entries.is_err();
            next = next.plus(batch.len() as u64);
            let entries = entries.map(|()| {
                let entries = batch.iter();
                let read = |record| poison::read(&record, &self.skips, &mut scratch);
                entries.map(read).collect()
            });
            if self.read.send(entries).is_err() || is_over {
                return;
            }
        }
    }
}
