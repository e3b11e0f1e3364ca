//! The training matrix: one row of features a transaction, as the serving path computes it.
//!
//! ```text
//!  table ─▶ source ─▶ admit (repeats) ─▶ features (rates, windows) ─▶ row, with what was learnt later
//!                 └─ labels, each at its time ─────┘
//! ```
//!
//! **Promises** that `sentinel features export` and `sentinel train` see the same rows, bit for bit, and
//! that these are the rows of the serving path: the stages are the pipeline's own, in its order, with
//! runs cut where it cuts them. What a label says of a transaction stands beside its row; the features
//! of a row know only labels that were known before it. **Must never** compute a feature itself.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context;
use sentinel_domain::{EventId, Instant, Label, LabelKind, Offset, RateTable, Text, Transaction};
use sentinel_features::{FeatureEngine, FeatureSet};
use sentinel_pipeline::features::{self, RUN_TRANSACTIONS_MAX, Rows};
use sentinel_pipeline::idempotency::{Idempotency, Sighting, key_of};
use sentinel_pipeline::intake::source::{SourceBatch, SourceItem};
use sentinel_pipeline::intake::{self, Admitted, Taken};
use sentinel_pipeline::mapping::Mapping;

use crate::clock;
use crate::commands::run::input::Input;

/// Rows read of a table at once.
const BATCH_ROWS: usize = 4_096;

/// One row.
pub struct MatrixRow<'a> {
    /// The transaction's name.
    pub event_id: &'a EventId,
    /// When it happened.
    pub event_time: Instant,
    /// Whether it turned out to be fraud, by all that is known in the end.
    pub fraud: bool,
    /// The features, in the order of the set.
    pub values: &'a [f64],
    /// The transaction with its place, for who decides on it.
    pub admitted: &'a Admitted,
    /// The run that it stands in, and where in it.
    pub run: (&'a Rows, usize),
}

/// Who takes the rows, in the order of the log.
pub type TakeRow<'a> = dyn FnMut(&MatrixRow<'_>) -> anyhow::Result<()> + 'a;

/// What became of the rows of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Transactions with a row.
    pub rows: u64,
    /// Those that turned out to be fraud.
    pub fraud: u64,
    /// Transactions that had come before.
    pub repeated: u64,
    /// Rows of the table that are no transaction.
    pub rejected: u64,
}

/// The stages of the serving path up to the row.
pub struct Stages {
    engine: FeatureEngine,
    rates: RateTable,
    repeats: Idempotency,
    labels: Idempotency,
    next: Offset,
    run: Vec<Admitted>,
    rows: Rows,
    scratch: Vec<u8>,
    fraud: HashSet<Text>,
    counts: Counts,
}

impl Stages {
    /// Stages that have seen nothing. `fraud` holds the names of transactions that turn out to be fraud.
    pub fn new(set: FeatureSet, rates: RateTable, fraud: HashSet<Text>) -> Self {
        Self {
            engine: FeatureEngine::new(set),
            rates,
            repeats: Idempotency::default(),
            labels: Idempotency::default(),
            next: Offset(0),
            run: Vec::new(),
            rows: Rows::default(),
            scratch: Vec::new(),
            fraud,
            counts: Counts::default(),
        }
    }

    /// Takes the next transaction of the log.
    pub fn transaction(
        &mut self,
        transaction: Box<Transaction>,
        log_time: Instant,
        take: &mut TakeRow<'_>,
    ) -> anyhow::Result<()> {
        let place = (self.place(), log_time);
        match intake::admit(transaction, place, &mut self.repeats, &mut self.scratch) {
            Taken::Admitted(admitted) => self.run.push(admitted),
            _ => self.counts.repeated += 1,
        }
        if self.run.len() >= RUN_TRANSACTIONS_MAX {
            self.finish(take)?;
        }
        Ok(())
    }

    /// Takes the next label of the log: features know it from here on.
    pub fn label(
        &mut self,
        label: &Label,
        log_time: Instant,
        take: &mut TakeRow<'_>,
    ) -> anyhow::Result<()> {
        let key = key_of(&label.label_id.0);
        let place = self.place();
        if self.labels.observe(key, [0; 16], place, log_time) == Sighting::First {
            self.finish(take)?;
            self.engine.apply_label(label);
        }
        Ok(())
    }

    /// Hands out the rows that wait for a full run.
    pub fn finish(&mut self, take: &mut TakeRow<'_>) -> anyhow::Result<()> {
        features::compute(&mut self.engine, &self.rates, &self.run, &mut self.rows);
        for (index, admitted) in self.run.drain(..).enumerate() {
            let transaction = &admitted.transaction;
            let fraud = self.fraud.contains(&transaction.event_id.0);
            self.counts.rows += 1;
            self.counts.fraud += u64::from(fraud);
            take(&MatrixRow {
                event_id: &transaction.event_id,
                event_time: transaction.event_time,
                fraud,
                values: self.rows.row(index),
                admitted: &admitted,
                run: (&self.rows, index),
            })?;
        }
        Ok(())
    }

    /// Says of a transaction that comes later that it is fraud.
    pub fn turns_out_fraud(&mut self, event_id: &EventId) {
        self.fraud.insert(event_id.0.clone());
    }

    /// Counts a row of the table that is no transaction.
    pub fn reject(&mut self) {
        self.counts.rejected += 1;
    }

    /// What came of it so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn place(&mut self) -> Offset {
        let place = self.next;
        self.next = place.plus(1);
        place
    }
}

/// The rows of a labelled table, in two walks: the first learns which transactions turn out to be fraud,
/// so that the second need not hold a row back until its label has come. `labels` are those that stand
/// beside the table. `progress` hears how many bytes of how many both walks have read.
pub fn of_table(
    path: &Path,
    mapping: Option<&Mapping>,
    labels: &[Label],
    (set, rates): (FeatureSet, RateTable),
    progress: &mut dyn FnMut(u64, u64),
    take: &mut TakeRow<'_>,
) -> anyhow::Result<Counts> {
    // One clock for both, so that both refuse the same events from the future.
    let now = clock::now();
    let mut fraud = HashSet::new();
    let given = || labels.iter().cloned();
    walk(path, (mapping, given()), now, &mut |item, (read, total)| {
        if let SourceItem::Label { label, .. } = item {
            match label.kind {
                LabelKind::Fraud => drop(fraud.insert(label.event_id.0)),
                LabelKind::Legitimate => drop(fraud.remove(&label.event_id.0)),
                LabelKind::Suspect => {}
            }
        }
        progress(read, 2 * total);
        Ok(())
    })?;
    let mut stages = Stages::new(set, rates, fraud);
    walk(path, (mapping, given()), now, &mut |item, (read, total)| {
        progress(total + read, 2 * total);
        match item {
            SourceItem::Transaction {
                transaction,
                log_time,
                ..
            } => stages.transaction(transaction, log_time, take),
            SourceItem::Label { label, log_time } => stages.label(&label, log_time, take),
            SourceItem::Rejected { .. } => {
                stages.reject();
                Ok(())
            }
        }
    })?;
    stages.finish(take)?;
    Ok(stages.counts())
}

/// Reads a table from its start to its end, with the labels beside it; each item comes with the bytes read
/// so far and in all.
pub fn walk(
    path: &Path,
    (mapping, labels): (Option<&Mapping>, impl IntoIterator<Item = Label>),
    now: Instant,
    each: &mut dyn FnMut(SourceItem, (u64, u64)) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut input = Input::open(path)?;
    let total = input.total_bytes.unwrap_or(0);
    let mut source = input.read(mapping.cloned(), now)?;
    source.add_labels(labels);
    let mut batch = SourceBatch::default();
    while source
        .next_batch(&mut batch, BATCH_ROWS)
        .context("read the input")?
    {
        let read = input.read_bytes.load(std::sync::atomic::Ordering::Relaxed);
        for item in batch.items.drain(..) {
            each(item, (read, total))?;
        }
    }
    Ok(())
}
