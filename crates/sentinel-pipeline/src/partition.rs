//! One partition: everything that is a function of the log prefix.
//!
//! Enters: a batch of records in log order, and the log itself for a feature set that has to be filled from
//! it. Leaves: one [`Settled`] per record, in the same order. The same prefix gives the same outcomes
//! however it is cut into batches, and the same state: two owners of one log keep equal ones, and one that
//! was written and read back (`codec`) goes on as if it had never been away. Must never: read a clock, wait,
//! or know who asked.

pub(crate) mod codec;
mod deciding;
mod windows;

use std::sync::Arc;

use sentinel_domain::{
    Activation, Instant, Label, LogId, LogOdds, Offset, Outcome, Override, Partition, Rejection,
    RejectionCode, Transaction, Versions,
};
use sentinel_eventlog::RecordBatch;
use sentinel_features::{FeatureEngine, FeatureSet};
use sentinel_scoring::ExplainScratch;

pub(crate) use deciding::{Deciding, Undecided};

use crate::active::{Active, Switched};
use crate::backfill::{BackfillError, Backfilled, History};
use crate::crew::Hands;
use crate::features::{self, Rows};
use crate::idempotency::{self, Idempotency, Sighting};
use crate::intake::{self, Admitted, ReadEntry, Taken};
use crate::planted::{self, Mistake};
use crate::poison::{self, Skips};
use crate::replay::Explained;

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
    /// Whether the entry was a label.
    pub is_label: bool,
}

/// An activation that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// Where it stands.
    pub offset: Offset,
    /// The time stamped on it.
    pub log_time: Instant,
    /// What decisions behind it name.
    pub versions: Arc<Versions>,
}

/// The state of one partition.
pub struct PartitionState {
    log: LogId,
    partition: Partition,
    /// Events and overrides seen, by their own ids.
    idempotency: Idempotency,
    /// Labels seen, by theirs: a row that comes twice labels once.
    labels: Idempotency,
    active: Active,
    /// Every activation that took effect, in log order: recorded decisions name what it put in force.
    switches: Vec<Switch>,
    engine: FeatureEngine,
    /// What the windows have taken in so far.
    fed: Fed,
    backfilled: Option<Backfilled>,
    next: Offset,
    /// What the log says to skip, all of it; looked for before the first entry is applied.
    skips: Option<Skips>,
    /// What the entries taken in say to skip, so that nobody who goes on from here has to look for it again.
    skipped: Vec<Offset>,
    purpose: Purpose,
    run: Run,
}

/// What a walk over the log is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Outcomes.
    Decide,
    /// The state behind the walk's end, and nothing decided on the way: it is equal to one that decided.
    Keep,
    /// The windows of a set that becomes active behind the walk's end: nothing is decided, and feature sets
    /// met on the way do not count.
    Fill,
}

/// Counts of what went into the windows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fed {
    transactions: u64,
    labels: u64,
}

/// Buffers of the stages, reused between batches.
#[derive(Default)]
struct Run {
    admitted: Vec<Admitted>,
    rows: Rows,
    deciding: Deciding,
    bytes: Vec<u8>,
    /// Where runs go that are decided on elsewhere, and rows to be filled again.
    deferred: Option<Vec<Undecided>>,
    spare: Vec<Rows>,
    /// Who takes transactions in beside the owner, while nothing is decided.
    hands: Option<Box<dyn Hands>>,
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
            switches: Vec::new(),
            engine: FeatureEngine::new(FeatureSet::shipped()),
            fed: Fed::default(),
            backfilled: None,
            next: Offset(0),
            skips: None,
            skipped: Vec::new(),
            purpose: Purpose::Decide,
            run: Run::default(),
        }
    }

    /// The same state, which from here on decides nothing: entries leave what they leave behind and no
    /// outcome of a transaction that wants a decision.
    pub fn keeping(mut self) -> Self {
        self.set_keeping(true);
        self
    }

    /// Decides nothing from here on, or decides again.
    pub(crate) fn set_keeping(&mut self, is_keeping: bool) {
        self.purpose = match is_keeping {
            true => Purpose::Keep,
            false => Purpose::Decide,
        };
    }

    /// Has others help from here on while nothing is decided, or nobody.
    pub(crate) fn set_hands(&mut self, hands: Option<Box<dyn Hands>>) {
        self.run.hands = hands;
    }

    /// What the entries that it has taken in say to skip.
    pub(crate) fn skipped(&self) -> &[Offset] {
        &self.skipped
    }

    /// The same state, which knows everything that the log says to skip.
    pub(crate) fn skipping(self, skips: Skips) -> Self {
        Self {
            skips: Some(skips),
            ..self
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

    /// Every activation that took effect, in log order.
    pub fn switches(&self) -> &[Switch] {
        &self.switches
    }

    /// Where an event id was first seen, while it is remembered.
    pub fn offset_of(&self, event_id: &str) -> Option<Offset> {
        self.idempotency.offset_of(event_id)
    }

    /// When the oldest id that is remembered was seen, of an event or a label.
    pub fn oldest_id(&self) -> Option<Instant> {
        let oldest = [self.idempotency.oldest(), self.labels.oldest()];
        oldest.into_iter().flatten().min()
    }

    /// The window state, for figures about it.
    pub fn engine(&self) -> &FeatureEngine {
        &self.engine
    }

    /// The rows of the newest run of transactions: what was decided on. A run is at most 64 transactions with
    /// no label and no switch between them.
    pub fn rows(&self) -> &Rows {
        &self.run.rows
    }

    /// What made the newest decision: every feature with its value and its contribution, whatever the verdict.
    pub fn explain_newest(&mut self) -> Option<Explained> {
        let decider = self.active.decider()?;
        let row = self
            .run
            .rows
            .row(self.run.rows.amounts.len().checked_sub(1)?);
        let mut scratch = ExplainScratch::default();
        let mut log_odds = vec![LogOdds::default(); row.len()];
        for one in decider.scorer.explain(row, &mut scratch) {
            if let Some(slot) = log_odds.get_mut(usize::from(one.feature)) {
                *slot = one.log_odds;
            }
        }
        let names = decider.features.names().into_iter().map(str::to_owned);
        let features = names.zip(row).zip(log_odds);
        Some(Explained {
            base: decider.scorer.base(),
            features: features
                .map(|((name, value), log_odds)| (name, *value, log_odds))
                .collect(),
        })
    }

    /// The newest backfill: what the present windows were filled with before they went live.
    pub fn backfilled(&self) -> Option<Backfilled> {
        self.backfilled
    }

    /// Applies a batch; outcomes are appended to `settled` in log order. `history` is read only where a
    /// feature set has to be filled. After an error the state is of no use any more.
    pub fn apply(
        &mut self,
        batch: &RecordBatch,
        history: &mut History<'_>,
        settled: &mut Vec<Settled>,
    ) -> Result<(), BackfillError> {
        let skips = match &self.skips {
            Some(skips) => skips.clone(),
            None => {
                let behind = history.skips(self.next)?;
                self.skips.insert(behind.and(&self.skipped)).clone()
            }
        };
        let mut bytes = std::mem::take(&mut self.run.bytes);
        let entries = batch
            .iter()
            .map(planted::stamped)
            .map(|record| poison::read(&record, &skips, &mut bytes))
            .collect();
        let applied = self.apply_read(entries, history, settled);
        self.run.bytes = bytes;
        applied
    }

    /// Applies entries that were read before: what [`PartitionState::apply`] does behind reading them.
    pub(crate) fn apply_read(
        &mut self,
        entries: Vec<ReadEntry>,
        history: &mut History<'_>,
        settled: &mut Vec<Settled>,
    ) -> Result<(), BackfillError> {
        intake::foresee(&entries, &self.idempotency);
        for entry in entries {
            let (offset, log_time) = (entry.offset, entry.log_time);
            assert_eq!(offset, self.next, "entries are applied in order, each once");
            self.next = offset.plus(1);
            let mut is_label = false;
            let (outcome, transaction) = match intake::take(entry, &mut self.idempotency) {
                Taken::Admitted(admitted) => {
                    self.run.admitted.push(admitted);
                    if self.run.admitted.len()
                        >= features::transactions_max(self.run.hands.is_some())
                    {
                        self.finish_run(settled);
                    }
                    continue;
                }
                Taken::Settled(outcome, transaction) => (outcome, transaction),
                Taken::Skip(skipped) if skipped < offset => {
                    self.skipped.push(skipped);
                    (Outcome::Applied, None)
                }
                Taken::Skip(_) => (Outcome::Ignored, None),
                Taken::Label(label) => {
                    is_label = true;
                    (self.take_label(&label, (offset, log_time), settled), None)
                }
                Taken::Override(order) => (self.take_override(&order, (offset, log_time)), None),
                Taken::Tick => {
                    if !self.passes_over(Mistake::ForgetTicks) {
                        self.idempotency.forget_at(log_time);
                        self.labels.forget_at(log_time);
                    }
                    (Outcome::Applied, None)
                }
                Taken::Erase(erasure) => {
                    // Entries before it are decided with what was known at their place.
                    self.finish_run(settled);
                    if !self.passes_over(Mistake::ForgetErasures) {
                        let kind = features::entity_of(erasure.subject.kind);
                        self.engine.forget(kind, &erasure.subject.value);
                    }
                    (Outcome::Applied, None)
                }
                Taken::Activation(activation) => {
                    // Entries before the switch are decided with what was active at their place.
                    self.finish_run(settled);
                    let outcome = self.switch(*activation, (offset, log_time), history)?;
                    (outcome, None)
                }
            };
            settled.push(Settled {
                offset,
                log_time,
                outcome,
                transaction,
                is_label,
            });
        }
        self.finish_run(settled);
        // Decisions of a run are settled after the entries between them: put them in log order again.
        settled.sort_by_key(|one| one.offset);
        Ok(())
    }

    /// Takes entries in as [`PartitionState::apply_read`] does, and leaves the transactions that want a decision in
    /// `undecided`, in log order; `spare` are rows to use again.
    pub(crate) fn take_in(
        &mut self,
        entries: Vec<ReadEntry>,
        history: &mut History<'_>,
        settled: &mut Vec<Settled>,
        (undecided, spare): (&mut Vec<Undecided>, impl Iterator<Item = Rows>),
    ) -> Result<(), BackfillError> {
        self.run.spare.extend(spare);
        self.run.deferred = Some(std::mem::take(undecided));
        let applied = self.apply_read(entries, history, settled);
        *undecided = self.run.deferred.take().unwrap_or_default();
        applied
    }

    /// What it knows the log says to skip.
    pub(crate) fn skips(&self) -> Skips {
        self.skips.clone().unwrap_or_default()
    }

    /// The log and the partition that it is the state of.
    pub(crate) fn place(&self) -> (LogId, Partition) {
        (self.log, self.partition)
    }

    /// A label counts once; the same again is of no consequence. Features know it from here on: what stands
    /// before it in the log does not.
    fn take_label(
        &mut self,
        label: &Label,
        (offset, log_time): (Offset, Instant),
        settled: &mut Vec<Settled>,
    ) -> Outcome {
        let key = idempotency::key_of(&label.label_id.0);
        match self.labels.observe(key, [0; 16], offset, log_time) {
            Sighting::First => {
                if !planted::is(Mistake::LabelTooEarly) {
                    self.finish_run(settled);
                }
                if !self.passes_over(Mistake::KeepWithoutLabels) {
                    self.engine.apply_label(label);
                }
                self.fed.labels += 1;
                Outcome::Applied
            }
            Sighting::Repeat(_) | Sighting::Conflict(_) => Outcome::Ignored,
        }
    }

    /// An override counts once, and its name stands for its words: other ones are another override. It changes no window
    /// and no decision: what it leaves behind is its name.
    fn take_override(
        &mut self,
        order: &Override,
        (offset, log_time): (Offset, Instant),
    ) -> Outcome {
        self.idempotency.forget_at(log_time);
        let first = self.idempotency.offset_of(order.event_id.as_str());
        // A decision that stands behind the first sighting of its event, while that is remembered, is none. One that was
        // forgotten, or decided again since, is named by its place, and whoever appended the order has looked it up.
        let is_known = order.decision < offset && first.is_none_or(|at| order.decision <= at);
        if !is_known {
            let detail = format!(
                "event {} was not decided at offset {}",
                order.event_id, order.decision
            );
            let code = RejectionCode::UnknownDecision;
            return Outcome::Refused(Rejection::new(code, "event_id", detail));
        }
        let key = idempotency::key_of_override(&order.override_id);
        let fingerprint = idempotency::fingerprint_of_override(order);
        match self.idempotency.observe(key, fingerprint, offset, log_time) {
            Sighting::First => Outcome::Applied,
            _ if planted::is(Mistake::OverrideTwice) => Outcome::Applied,
            Sighting::Repeat(_) => Outcome::Ignored,
            Sighting::Conflict(first) => {
                let detail = format!("came before with another body, at offset {first}");
                let code = RejectionCode::Conflict;
                Outcome::Refused(Rejection::new(code, "override_id", detail))
            }
        }
    }

    /// Whether a mistake is made that only a walk makes which decides nothing.
    fn passes_over(&self, mistake: Mistake) -> bool {
        self.purpose == Purpose::Keep && planted::is(mistake)
    }

    fn switch(
        &mut self,
        activation: Activation,
        (at, log_time): (Offset, Instant),
        history: &mut History<'_>,
    ) -> Result<Outcome, BackfillError> {
        Ok(match self.active.switch(activation) {
            Switched::Refused(rejection) => Outcome::Refused(rejection),
            Switched::Ignored => Outcome::Ignored,
            Switched::Activated(versions) => {
                self.switches.push(Switch {
                    offset: at,
                    log_time,
                    versions: Arc::clone(&versions),
                });
                if let Some(decider) = self.active.decider()
                    && self.purpose != Purpose::Fill
                {
                    let features = decider.features.clone();
                    self.take_over(features, at, history)?;
                }
                Outcome::Activated(versions)
            }
        })
    }

    /// Makes the windows those of a set: as they are where the same state serves it, else filled from the
    /// log.
    fn take_over(
        &mut self,
        set: FeatureSet,
        at: Offset,
        history: &mut History<'_>,
    ) -> Result<(), BackfillError> {
        if self.engine.set().state_hash() == set.state_hash() {
            self.engine.replace_set(set);
        } else if self.fed == Fed::default() || planted::is(Mistake::ForgetHistory) {
            self.engine = FeatureEngine::new(set);
        } else {
            let filled = self.filled(set, at, history)?;
            self.backfilled = Some(Backfilled {
                from: history.start(),
                to: at,
                transactions: filled.fed.transactions,
                labels: filled.fed.labels,
            });
            self.engine = filled.engine;
            self.fed = filled.fed;
        }
        Ok(())
    }

    /// A walk over the log up to `to` that fills the windows of a set and decides nothing.
    fn filled(
        &self,
        set: FeatureSet,
        to: Offset,
        history: &mut History<'_>,
    ) -> Result<Self, BackfillError> {
        let mut walk = Self {
            engine: FeatureEngine::new(set),
            purpose: Purpose::Fill,
            next: history.start(),
            skips: self.skips.clone(),
            ..Self::new(self.log, self.partition)
        };
        if walk.next > Offset(0) {
            // What was activated in the part that is gone: the rates of now are the best that is known.
            walk.active = self.active.clone();
        }
        let (mut batch, mut settled) = (RecordBatch::default(), Vec::new());
        loop {
            history.read(walk.next, to, &mut batch)?;
            if batch.is_empty() {
                return Ok(walk);
            }
            settled.clear();
            walk.apply(&batch, history, &mut settled)?;
        }
    }

    /// Takes the admitted transactions through features, score and decide.
    fn finish_run(&mut self, settled: &mut Vec<Settled>) {
        let Run {
            admitted,
            rows,
            deciding,
            deferred,
            spare,
            hands,
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
                is_label: false,
            }));
            return;
        };
        if planted::is(Mistake::ApplyTwice) && admitted.len() > 1 {
            features::absorb(&mut self.engine, &decider.rates, admitted);
        }
        self.fed.transactions += admitted.len() as u64;
        if self.purpose != Purpose::Decide {
            let engine = &mut self.engine;
            match hands {
                Some(hands) => {
                    features::absorb_by(engine, &decider.rates, admitted, hands.as_mut());
                }
                None => features::absorb(engine, &decider.rates, admitted),
            }
            admitted.clear();
            return;
        }
        features::compute(&mut self.engine, &decider.rates, admitted, rows);
        if let Some(deferred) = deferred {
            deferred.push(Undecided {
                decider,
                admitted: std::mem::take(admitted),
                rows: std::mem::replace(rows, spare.pop().unwrap_or_default()),
            });
            return;
        }
        let place = (self.log, self.partition);
        deciding::decide_run(&decider, place, admitted, rows, deciding, settled);
    }
}
