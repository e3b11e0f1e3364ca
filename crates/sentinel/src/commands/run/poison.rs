//! A row at which the engine panics every time a run comes to it.
//!
//! A server has its log skip such an entry. A run does not: its log holds the rows of its input and nothing else, or it
//! could not be taken up again. So the panic is noted as a server's is, entries are applied one by one behind it, and
//! once it is known which row it is, that is said instead of panicking once more. Must never leave a row out by itself.

use anyhow::Context;
use sentinel_domain::Entry;
use sentinel_eventlog::{RecordBatch, decode_entry};
use sentinel_pipeline::RecordedLogs;
use sentinel_pipeline::poison::{Attempts, STOPS};

use crate::compose::{ATTEMPTS, DataDirectory};

/// The note of where a run panicked; an error where it did so at one row often enough.
pub fn noted(directory: &DataDirectory, logs: &RecordedLogs) -> anyhow::Result<Attempts> {
    let path = directory.path(ATTEMPTS);
    let attempts =
        Attempts::open(&path).with_context(|| format!("read the note {}", path.display()))?;
    let next = logs.decisions.end();
    if !attempts.is_poison(next) || next >= logs.transactions.end() {
        return Ok(attempts);
    }
    let mut batch = RecordBatch::default();
    logs.transactions
        .read(next, 1, &mut batch)
        .with_context(|| format!("read entry {next}, at which the engine panicked"))?;
    let entry = batch.get(0).map(|record| decode_entry(record.payload));
    let row = match entry {
        Some(Ok(Entry::Transaction(one))) => format!("the payment {}", one.event_id),
        Some(Ok(Entry::Label(one))) => format!("the label {}", one.label_id.0),
        _ => "no payment".to_owned(),
    };
    anyhow::bail!(
        "the engine panicked {STOPS} times at entry {next}, {row}. Take that row out of the input and run with another \
         --data-dir; please report the row. To try this one again, remove {}",
        path.display()
    )
}
