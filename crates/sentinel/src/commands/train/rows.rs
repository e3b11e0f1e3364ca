//! Training rows: transactions through the feature engine, with what was learnt about them later.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use sentinel_domain::{Instant, LabelKind, RateTable, Transaction};
use sentinel_features::{FeatureEngine, FeatureSet};
use sentinel_pipeline::intake::source::{SourceBatch, SourceItem};
use sentinel_pipeline::mapping::Mapping;
use sentinel_pipeline::rates;
use sentinel_synth::{Options, Stream};

use crate::clock;
use crate::commands::run::input::Input;

/// Rows in the order of the log.
pub struct Rows {
    /// Names of the columns.
    pub features: Vec<String>,
    /// Row after row.
    pub values: Vec<f32>,
    /// Whether each turned out to be fraud.
    pub fraud: Vec<bool>,
}

/// Fills rows one transaction at a time.
struct Filler {
    engine: FeatureEngine,
    rates: RateTable,
    row: Vec<f64>,
    rows: Rows,
}

impl Filler {
    fn new(set: FeatureSet) -> anyhow::Result<Self> {
        let features = set.names().iter().map(|name| (*name).to_owned()).collect();
        let rates = rates::parse(rates::SHIPPED_RATES)
            .map_err(anyhow::Error::msg)?
            .table;
        Ok(Self {
            row: vec![f64::NAN; set.width()],
            engine: FeatureEngine::new(set),
            rates,
            rows: Rows {
                features,
                values: Vec::new(),
                fraud: Vec::new(),
            },
        })
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "models see slots rounded to f32"
    )]
    fn push(&mut self, transaction: &Transaction, fraud: bool) {
        let amount = self.rates.convert(transaction.judged_amount());
        self.engine.apply(transaction, amount, &mut self.row);
        self.rows
            .values
            .extend(self.row.iter().map(|value| *value as f32));
        self.rows.fraud.push(fraud);
    }
}

/// The rows of a labelled table. Every label of the table counts, however late it came.
pub fn of_table(path: &Path, mapping: Option<Mapping>, set: FeatureSet) -> anyhow::Result<Rows> {
    let mut source = Input::open(path)?.read(mapping, clock::now())?;
    let mut filler = Filler::new(set)?;
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut batch = SourceBatch::default();
    while source
        .next_batch(&mut batch, 4_096)
        .context("read the input")?
    {
        for item in batch.items.drain(..) {
            match item {
                SourceItem::Transaction { transaction, .. } => {
                    places.insert(transaction.event_id.to_string(), filler.rows.fraud.len());
                    filler.push(&transaction, false);
                }
                SourceItem::Label { label, .. } if label.kind == LabelKind::Fraud => {
                    let place = places.get(label.event_id.as_str());
                    if let Some(fraud) = place.and_then(|at| filler.rows.fraud.get_mut(*at)) {
                        *fraud = true;
                    }
                }
                SourceItem::Label { .. } | SourceItem::Rejected { .. } => {}
            }
        }
    }
    Ok(filler.rows)
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

/// The rows of a synthetic world. Repeats are left out, as a server would.
pub fn of_world(
    (seed, rate, detail): (u64, f64, Detail),
    count: usize,
    set: FeatureSet,
) -> anyhow::Result<Rows> {
    // Any start will do; this one makes the model a function of the seed.
    let start = Instant::parse_rfc3339("2026-01-05T00:00:00Z").context("a constant instant")?;
    let mut filler = Filler::new(set)?;
    let options = Options {
        repeat_share: 0.0,
        ..Options::for_rate(seed, start, rate)
    };
    for mut generated in Stream::new(options).take(count) {
        detail.reduce(&mut generated.transaction);
        filler.push(&generated.transaction, generated.label.is_some());
    }
    Ok(filler.rows)
}
