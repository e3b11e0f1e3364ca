//! Second stage: the row of each admitted transaction, in log order.

use sentinel_domain::{RateTable, SubjectKind};
use sentinel_features::{Applied, EntityKind, FeatureEngine};

use crate::intake::Admitted;

/// The most transactions taken through the stages at once: their rows stay in the processor's cache.
pub const RUN_TRANSACTIONS_MAX: usize = 64;

/// The rows of one run of transactions, structure of arrays.
#[derive(Debug, Default)]
pub struct Rows {
    /// Row after row, each as wide as the feature set.
    pub values: Vec<f64>,
    /// Numbers a row.
    pub width: usize,
    /// How each event stood in time.
    pub applied: Vec<Applied>,
    /// The amount of each in minor units of the reference currency.
    pub amounts: Vec<Option<i64>>,
}

impl Rows {
    /// One row.
    pub fn row(&self, index: usize) -> &[f64] {
        self.values
            .get(index * self.width..(index + 1) * self.width)
            .unwrap_or_default()
    }
}

/// Fills the rows, which are as wide as the engine's set: while a new set is filled from the log, that is
/// not yet the decider's.
pub fn compute(
    engine: &mut FeatureEngine,
    rates: &RateTable,
    admitted: &[Admitted],
    rows: &mut Rows,
) {
    rows.width = engine.set().width();
    rows.values.clear();
    rows.values.resize(admitted.len() * rows.width, f64::NAN);
    rows.applied.clear();
    rows.amounts.clear();
    let amounts = admitted.iter().map(|one| amount(rates, one));
    rows.amounts.extend(amounts);
    let events = admitted.iter().zip(&rows.amounts);
    let events: Vec<_> = events
        .map(|(one, amount)| (&*one.transaction, *amount))
        .collect();
    engine.apply_batch(&events, &mut rows.values, &mut rows.applied);
}

/// Takes transactions in where nobody asks for their rows.
pub fn absorb(engine: &mut FeatureEngine, rates: &RateTable, admitted: &[Admitted]) {
    let events = admitted
        .iter()
        .map(|one| (&*one.transaction, amount(rates, one)));
    engine.absorb(&events.collect::<Vec<_>>());
}

/// In minor units of the reference currency.
fn amount(rates: &RateTable, one: &Admitted) -> Option<i64> {
    rates.convert(one.transaction.judged_amount())
}

/// What the windows call a kind of subject.
pub(crate) fn entity_of(kind: SubjectKind) -> EntityKind {
    match kind {
        SubjectKind::Account => EntityKind::Account,
        SubjectKind::Card => EntityKind::Card,
        SubjectKind::Device => EntityKind::Device,
        SubjectKind::Merchant => EntityKind::Merchant,
        SubjectKind::Ip => EntityKind::Ip,
        SubjectKind::Customer => EntityKind::Customer,
        SubjectKind::Terminal => EntityKind::Terminal,
        SubjectKind::Counterparty => EntityKind::Counterparty,
        SubjectKind::Email => EntityKind::Email,
        SubjectKind::Bin => EntityKind::Bin,
    }
}
