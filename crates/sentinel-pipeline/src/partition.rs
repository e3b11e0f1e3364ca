//! One partition: everything that is a function of the log prefix.
//!
//! Enters: a batch of records in log order. Leaves: one [`Settled`] per record, in the same order. The
//! same prefix gives the same outcomes however it is cut into batches. Must never: read a clock, wait,
//! or know who asked.

use sentinel_domain::{
    EventId, Instant, Label, LogId, Offset, Outcome, Partition, Rejection, RejectionCode, Score,
    Transaction,
};
use sentinel_eventlog::{Record, RecordBatch};
use sentinel_features::{FeatureEngine, FeatureSet};

use crate::active::{Active, Switched};
use crate::decide::{self, DecideScratch};
use crate::features::{self, Rows};
use crate::idempotency::{Idempotency, Sighting};
use crate::intake::{self, Admitted, Taken};
use crate::score;

/// An entry with what became of it.
#[derive(Debug)]
pub struct Settled {
    /// Where the entry stands.
    pub offset: Offset,
    /// The time stamped on it.
    pub log_time: Instant,
    /// What became of it.
    pub outcome: Outcome,
    /// The transaction, where the entry was one.
    pub transaction: Option<Box<Transaction>>,
}

/// The state of one partition.
pub struct PartitionState {
    log: LogId,
    partition: Partition,
    idempotency: Idempotency,
    /// Labels seen, by their own ids: a row that comes twice labels once.
    labels: Idempotency,
    active: Active,
    engine: FeatureEngine,
    next: Offset,
    run: Run,
}

/// Buffers of the stages, reused between batches.
#[derive(Default)]
struct Run {
    admitted: Vec<Admitted>,
    rows: Rows,
    scores: Vec<Score>,
    decide: DecideScratch,
    bytes: Vec<u8>,
}

impl PartitionState {
    /// The state before the first entry of a log.
    pub fn new(log: LogId, partition: Partition) -> Self {
        Self {
            log,
            partition,
            idempotency: Idempotency::default(),
            labels: Idempotency::default(),
            active: Active::default(),
            engine: FeatureEngine::new(FeatureSet::shipped()),
            next: Offset(0),
            run: Run::default(),
        }
    }

    /// The offset of the entry to apply next.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// What decisions are made with now.
    pub fn active(&self) -> &Active {
        &self.active
    }

    /// Where an event id was first seen, while it is remembered.
    pub fn offset_of(&self, event_id: &str) -> Option<Offset> {
        self.idempotency.offset_of(event_id)
    }

    /// The window state, for figures about it.
    pub fn engine(&self) -> &FeatureEngine {
        &self.engine
    }

    /// Applies a batch; outcomes are appended to `settled` in log order.
    pub fn apply(&mut self, batch: &RecordBatch, settled: &mut Vec<Settled>) {
        for record in batch.iter() {
            assert_eq!(
                record.offset, self.next,
                "entries are applied in order, each once"
            );
            self.next = record.offset.plus(1);
            let taken = intake::take(&record, &mut self.idempotency, &mut self.run.bytes);
            let (outcome, transaction) = match taken {
                Taken::Admitted(admitted) => {
                    self.run.admitted.push(admitted);
                    continue;
                }
                Taken::Settled(outcome, transaction) => (outcome, transaction),
                Taken::Label(label) => (self.take_label(&label, &record), None),
                Taken::Activation(activation) => {
                    // Entries before the switch are decided with what was active at their place.
                    self.finish_run(settled);
                    (self.switch(*activation), None)
                }
            };
            let (offset, log_time) = (record.offset, record.log_time);
            settled.push(Settled {
                offset,
                log_time,
                outcome,
                transaction,
            });
        }
        self.finish_run(settled);
        // Decisions of a run are settled after the entries between them: put them in log order again.
        settled.sort_by_key(|one| one.offset);
    }

    /// A label counts once; the same again is of no consequence.
    fn take_label(&mut self, label: &Label, record: &Record<'_>) -> Outcome {
        let id = EventId(label.label_id.0.clone());
        match self
            .labels
            .observe(&id, [0; 16], record.offset, record.log_time)
        {
            Sighting::First => Outcome::Applied,
            Sighting::Repeat(_) | Sighting::Conflict(_) => Outcome::Ignored,
        }
    }

    fn switch(&mut self, activation: sentinel_domain::Activation) -> Outcome {
        match self.active.switch(activation) {
            Switched::Refused(rejection) => Outcome::Refused(rejection),
            Switched::Ignored => Outcome::Ignored,
            Switched::Activated(versions) => {
                if let Some(decider) = self.active.decider() {
                    self.engine.replace_set(decider.features.clone());
                }
                Outcome::Activated(versions)
            }
        }
    }

    /// Takes the admitted transactions through features, score and decide.
    fn finish_run(&mut self, settled: &mut Vec<Settled>) {
        let Run {
            admitted,
            rows,
            scores,
            decide: scratch,
            ..
        } = &mut self.run;
        if admitted.is_empty() {
            return;
        }
        let Some(decider) = self.active.decider().cloned() else {
            let detail = "no model, rules, policy, rates and features are active yet";
            let rejection = Rejection::new(RejectionCode::BadEntry, "", detail);
            settled.extend(admitted.drain(..).map(|one| Settled {
                offset: one.offset,
                log_time: one.log_time,
                outcome: Outcome::Refused(rejection.clone()),
                transaction: Some(one.transaction),
            }));
            return;
        };
        features::compute(&mut self.engine, &decider, admitted, rows);
        score::compute(&decider, rows, scores);
        let place = (self.log, self.partition);
        for (index, (one, score)) in admitted.drain(..).zip(scores.iter()).enumerate() {
            let decision = decide::decide(&decider, place, &one, (rows, index), *score, scratch);
            settled.push(Settled {
                offset: one.offset,
                log_time: one.log_time,
                outcome: Outcome::Decided(Box::new(decision)),
                transaction: Some(one.transaction),
            });
        }
    }
}
