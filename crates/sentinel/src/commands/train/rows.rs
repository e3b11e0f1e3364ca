//! Training rows: transactions through the stages that serve, with what was learnt about them later.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::Context;
use sentinel_domain::{EventId, Instant, Label, RateTable, Transaction};
use sentinel_features::FeatureSet;
use sentinel_pipeline::mapping::Mapping;
use sentinel_synth::{Options, Stream};

use crate::commands::usage;
use crate::matrix::{self, MatrixRow, Stages};

/// Rows in the order of the log.
pub struct Rows {
    /// Names of the columns.
    pub features: Vec<String>,
    /// Row after row.
    pub values: Vec<f32>,
    /// Whether each turned out to be fraud.
    pub fraud: Vec<bool>,
}

impl Rows {
    fn of(set: &FeatureSet) -> Self {
        Self {
            features: set.names().into_iter().map(str::to_owned).collect(),
            values: Vec::new(),
            fraud: Vec::new(),
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "models see slots rounded to f32"
    )]
    fn push(&mut self, row: &MatrixRow<'_>) {
        self.values
            .extend(row.values.iter().map(|value| *value as f32));
        self.fraud.push(row.fraud);
    }
}

/// The rows of a labelled table. Every label of the table counts, however late it came.
pub fn of_table(
    path: &Path,
    mapping: Option<Mapping>,
    (set, rates): (FeatureSet, RateTable),
) -> anyhow::Result<Rows> {
    if path.as_os_str() == "-" {
        return Err(usage("--input: a table is read twice, so name a file"));
    }
    let mut rows = Rows::of(&set);
    let take = &mut |row: &MatrixRow<'_>| {
        rows.push(row);
        Ok(())
    };
    let heard = &mut |_, _| {};
    matrix::of_table(path, mapping.as_ref(), &[], (set, rates), heard, take)?;
    Ok(rows)
}

/// How much of a payment a sender fills in. A model that saw only full ones would take a table without
/// devices for something strange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Everything the generator knows.
    Full,
    /// Card, merchant and place, as a terminal network sends.
    Placed,
    /// Card, merchant and amount, as a table for research has.
    Thin,
}

impl Detail {
    /// Each, from full to thin.
    pub const ALL: [Self; 3] = [Self::Full, Self::Placed, Self::Thin];

    fn reduce(self, transaction: &mut Transaction) {
        if self == Self::Full {
            return;
        }
        let t = transaction;
        (t.device_id, t.session_id, t.ip) = (None, None, None);
        (t.email_hash, t.email_domain) = (None, None);
        (t.card_country, t.merchant_country) = (None, None);
        (t.billing_country, t.shipping_country) = (None, None);
        (t.account_opened_at, t.customer_id) = (None, None);
        if self == Self::Thin {
            (t.coordinates, t.utc_offset_minutes) = (None, None);
        }
    }
}

/// The rows of a synthetic world. Repeats are left out, as a server would; labels become known at their
/// time.
pub fn of_world(
    (seed, rate, detail): (u64, f64, Detail),
    count: usize,
    (set, rates): (FeatureSet, RateTable),
) -> anyhow::Result<Rows> {
    // Any start will do; this one makes the model a function of the seed.
    let start = Instant::parse_rfc3339("2026-01-05T00:00:00Z").context("a constant instant")?;
    let options = Options {
        repeat_share: 0.0,
        ..Options::for_rate(seed, start, rate)
    };
    let mut rows = Rows::of(&set);
    let take = &mut |row: &MatrixRow<'_>| {
        rows.push(row);
        Ok(())
    };
    let mut stages = Stages::new(set, rates, HashSet::new());
    let mut unknown: BTreeMap<(Instant, EventId), Label> = BTreeMap::new();
    let mut log_time = start;
    for mut generated in Stream::new(options).take(count) {
        detail.reduce(&mut generated.transaction);
        log_time = log_time.max(generated.transaction.event_time);
        while let Some(first) = unknown.first_entry()
            && first.get().known_at <= log_time
        {
            stages.label(&first.remove(), log_time, take)?;
        }
        if let Some(label) = generated.label {
            stages.turns_out_fraud(&generated.transaction.event_id);
            // Each story is found out in its own time, so labels do not queue up by themselves.
            unknown.insert((label.known_at, label.event_id.clone()), label);
        }
        stages.transaction(Box::new(generated.transaction), log_time, take)?;
    }
    stages.finish(take)?;
    Ok(rows)
}
