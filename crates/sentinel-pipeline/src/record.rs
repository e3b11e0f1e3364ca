//! Fifth stage: outcomes go to the decision log, one per entry, at the entry's own offset.
//!
//! Where the decision log already holds an outcome (a restart replays the transaction log), the computed
//! one is compared with it byte for byte, latency aside: a difference stops the partition.

use sentinel_domain::{Instant, Offset};
use sentinel_eventlog::{LogError, OutcomeEncoder, Payloads, RecordBatch, outcome_body};

use crate::partition::Settled;
use crate::recorded::RecordedLogs;

/// Why outcomes could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The decision log failed.
    #[error("record decisions from offset {from}")]
    Log {
        /// The first offset of the batch.
        from: Offset,
        /// What failed.
        source: LogError,
    },
    /// A replayed outcome is not the recorded one.
    #[error(
        "replay of entry {offset} gives another outcome than the one recorded; the decision log was \
         made by another engine or was altered. Run `sentinel replay` on that decision to see both"
    )]
    Mismatch {
        /// The entry.
        offset: Offset,
    },
    /// The decision log holds outcomes beyond the transaction log.
    #[error("the decision log starts at {start}, but entry {offset} has to be recorded")]
    Gap {
        /// Where the decision log starts.
        start: Offset,
        /// The entry to record.
        offset: Offset,
    },
}

/// Writes outcomes, or compares them with those written before.
pub struct Recorder {
    logs: RecordedLogs,
    encoder: OutcomeEncoder,
    payloads: Payloads,
    recorded: RecordBatch,
    encoded: Vec<u8>,
    /// Everything below was recorded by an earlier run.
    replay_end: Offset,
}

impl Recorder {
    /// A recorder for a pair of logs.
    pub fn new(logs: RecordedLogs) -> Self {
        Self {
            replay_end: logs.decisions.end(),
            logs,
            encoder: OutcomeEncoder::default(),
            payloads: Payloads::default(),
            recorded: RecordBatch::default(),
            encoded: Vec::new(),
        }
    }

    /// Where recorded outcomes of earlier runs end.
    pub fn replay_end(&self) -> Offset {
        self.replay_end
    }

    /// Learns what outcomes behind these may name.
    pub fn learn(&self, settled: &[Settled]) {
        settled.iter().for_each(|one| self.logs.learn(&one.outcome));
    }

    /// Records a batch. Returns for each outcome that was recorded before its latency of then, in order.
    pub fn record(
        &mut self,
        settled: &[Settled],
        latency_us: u32,
    ) -> Result<Vec<u32>, RecordError> {
        let Some(first) = settled.first() else {
            return Ok(Vec::new());
        };
        // Before anybody can read an outcome that names them.
        self.learn(settled);
        let known = self.replay_end.0.saturating_sub(first.offset.0);
        let known = usize::try_from(known)
            .unwrap_or(usize::MAX)
            .min(settled.len());
        let (old, new) = settled.split_at(known);
        let latencies = self.compare(old)?;
        let Some(from) = new.first().map(|one| one.offset) else {
            return Ok(latencies);
        };
        if self.logs.decisions.appended_end() != from {
            return Err(RecordError::Gap {
                start: self.logs.decisions.appended_end(),
                offset: from,
            });
        }
        // Each outcome has the log time of its entry: a decision read back is the decision as made.
        self.payloads.clear();
        for one in new {
            let Self {
                payloads, encoder, ..
            } = self;
            payloads.push_at(one.log_time, |out| {
                encoder.encode(&one.outcome, latency_us, out)
            });
        }
        self.logs
            .decisions
            .append(Instant::default(), None, &self.payloads)
            .map_err(|source| RecordError::Log { from, source })?;
        Ok(latencies)
    }

    fn compare(&mut self, settled: &[Settled]) -> Result<Vec<u32>, RecordError> {
        let Some(first) = settled.first() else {
            return Ok(Vec::new());
        };
        let from = first.offset;
        let mut latencies = Vec::with_capacity(settled.len());
        let mut rest = settled;
        while let Some(next) = rest.first() {
            self.logs
                .decisions
                .read(next.offset, rest.len(), &mut self.recorded)
                .map_err(|source| RecordError::Log { from, source })?;
            let (now, later) = rest.split_at(self.recorded.len().min(rest.len()));
            if now.is_empty() {
                return Err(RecordError::Mismatch {
                    offset: next.offset,
                });
            }
            for (one, recorded) in now.iter().zip(self.recorded.iter()) {
                self.encoded.clear();
                self.encoder.encode(&one.outcome, 0, &mut self.encoded);
                if outcome_body(&self.encoded) != outcome_body(recorded.payload) {
                    return Err(RecordError::Mismatch { offset: one.offset });
                }
                let latency = recorded
                    .payload
                    .first_chunk()
                    .map_or(0, |b| u32::from_le_bytes(*b));
                latencies.push(latency);
            }
            rest = later;
        }
        Ok(latencies)
    }
}
