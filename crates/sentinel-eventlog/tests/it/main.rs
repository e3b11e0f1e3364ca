//! The promises of the event log: one suite for every backend, what only files can suffer, and the codec.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be, its builders included"
)]

mod contract;
mod model;
mod embedded;
mod full_disk;
mod kept;
mod codec;

use sentinel_domain::{Instant, Offset};
use sentinel_eventlog::{EventLog, Payloads, RecordBatch};

/// A batch of payloads from texts.
fn batch_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Payloads {
    let mut payloads = Payloads::default();
    for text in texts {
        payloads.push(text.as_bytes());
    }
    payloads
}

/// Appends one batch of texts at a time.
fn append(log: &EventLog, micros: i64, texts: &[&str]) -> Offset {
    let payloads = batch_of(texts.iter().copied());
    log.append(Instant::from_micros(micros), None, &payloads)
        .unwrap()
}

/// Everything from the start to the end: offset, log time, text. Read in small steps.
fn everything(log: &EventLog) -> Vec<(u64, i64, String)> {
    read_from(log, log.start(), 3)
}

fn read_from(log: &EventLog, from: Offset, step: usize) -> Vec<(u64, i64, String)> {
    let mut found = Vec::new();
    let (mut next, mut batch) = (from, RecordBatch::default());
    loop {
        log.read(next, step, &mut batch).unwrap();
        if batch.is_empty() {
            return found;
        }
        for record in batch.iter() {
            let text = String::from_utf8(record.payload.to_vec()).unwrap();
            found.push((record.offset.0, record.log_time.micros(), text));
        }
        next = next.plus(batch.len() as u64);
    }
}

fn texts(log: &EventLog) -> Vec<String> {
    everything(log)
        .into_iter()
        .map(|(_, _, text)| text)
        .collect()
}
