//! The oracle: a plain list of what was appended, and how much of it was acknowledged.
//!
//! Promises to know nothing of frames, segments or disks.

use sentinel_domain::{Instant, Offset};

use crate::payloads::{Payloads, SourceProgress};
use crate::{EventLog, RecordBatch};

/// Sources are named from 1 to this.
pub(super) const SOURCES: u64 = 3;

/// What a log must hold.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    records: Vec<(Instant, Vec<u8>)>,
    /// Where a batch ends, how many records it has, what it says of its source.
    batches: Vec<(u64, u64, SourceProgress)>,
    /// What lies before was readable, and survives a kill.
    pub acknowledged: u64,
    /// What lies before survives a power cut.
    pub durable: u64,
    /// The log starts no earlier, and no later.
    pub start_least: u64,
    pub start_most: u64,
}

impl Oracle {
    pub(super) fn end(&self) -> u64 {
        self.records.len() as u64
    }

    fn last_time(&self) -> Option<Instant> {
        self.records.last().map(|(time, _)| *time)
    }

    pub(super) fn append(
        &mut self,
        now: Instant,
        source: Option<SourceProgress>,
        payloads: &Payloads,
    ) {
        let first = payloads.first_time(now);
        let first = self.last_time().map_or(first, |last| last.max(first));
        for (after_us, payload) in payloads.timed() {
            let time = first.plus_micros(i64::try_from(after_us).unwrap());
            self.records.push((time, payload.to_vec()));
        }
        if let Some(progress) = source.filter(|_| !payloads.is_empty()) {
            let batch = (self.end(), payloads.len() as u64, progress);
            self.batches.push(batch);
        }
    }

    /// Forgets what lies at and after `end`.
    pub(super) fn cut(&mut self, end: u64) {
        self.records.truncate(usize::try_from(end).unwrap());
        self.batches.retain_mut(|(batch_end, count, progress)| {
            let missing = batch_end.saturating_sub(end).min(*count);
            *batch_end -= missing;
            *count -= missing;
            progress.next = progress.next.saturating_sub(missing);
            *count > 0
        });
        self.acknowledged = self.acknowledged.min(end);
        self.durable = self.durable.min(end);
    }

    pub(super) fn source_next(&self, source: u64) -> u64 {
        let mut of_source = self.batches.iter().rev().map(|(_, _, progress)| progress);
        of_source
            .find(|progress| progress.source == source)
            .map_or(0, |progress| progress.next)
    }

    /// After a recovery: what the log holds must be what was appended, up to somewhere behind what had to
    /// stay. From here on that is all there is.
    pub(super) fn recovered(&mut self, log: &EventLog, must_stay: u64) -> Result<(), String> {
        let end = log.end().0;
        if end < must_stay {
            return Err(format!("the log ends at {end}, {must_stay} had to stay"));
        }
        if end > self.end() {
            return Err(format!(
                "the log ends at {end}, only {} were ever appended",
                self.end()
            ));
        }
        if log.appended_end() != log.end() {
            return Err("a log that was opened has something queued".to_owned());
        }
        self.cut(end);
        self.acknowledged = end;
        self.durable = end;
        let start = log.start().0;
        if start < self.start_least || start > self.start_most {
            return Err(format!(
                "the log starts at {start}, not from {} to {}",
                self.start_least, self.start_most
            ));
        }
        self.start_least = start;
        self.check(log)?;
        self.check_records(log, start, u64::MAX)
    }

    /// What can be asked of a log at any time.
    pub(super) fn check(&self, log: &EventLog) -> Result<(), String> {
        if log.appended_end().0 != self.end() {
            let found = log.appended_end();
            return Err(format!("appended end {found}, expected {}", self.end()));
        }
        if log.last_log_time() != self.last_time() {
            let (found, expected) = (log.last_log_time(), self.last_time());
            return Err(format!("last log time {found:?}, expected {expected:?}"));
        }
        for source in 1..=SOURCES {
            let (found, expected) = (log.source_next(source), self.source_next(source));
            if found != expected {
                return Err(format!(
                    "source {source} is at {found}, expected {expected}"
                ));
            }
        }
        Ok(())
    }

    /// Reads from an offset on and compares; reads at least one record and stops after `count`.
    pub(super) fn check_records(
        &self,
        log: &EventLog,
        from: u64,
        count: u64,
    ) -> Result<(), String> {
        let (mut next, mut batch) = (from, RecordBatch::default());
        let until = from.saturating_add(count).min(log.end().0);
        while next < until {
            log.read(Offset(next), 7, &mut batch)
                .map_err(|error| format!("read at {next}: {}", error.one_line()))?;
            for record in batch.iter() {
                let found = (record.log_time, record.payload);
                let at = usize::try_from(next).unwrap();
                let expected = self.records.get(at);
                let expected = expected.map(|(time, payload)| (*time, payload.as_slice()));
                if record.offset.0 != next || Some(found) != expected {
                    return Err(format!("record {next} is not what was appended"));
                }
                next += 1;
            }
            if batch.is_empty() {
                return Err(format!(
                    "nothing can be read at {next}, the log ends at {until}"
                ));
            }
        }
        Ok(())
    }
}
