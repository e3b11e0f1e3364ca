//! Second stage: the row of each admitted transaction, in log order.

use sentinel_features::{Applied, FeatureEngine};

use crate::active::Decider;
use crate::intake::Admitted;

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

/// Fills the rows.
pub fn compute(
    engine: &mut FeatureEngine,
    decider: &Decider,
    admitted: &[Admitted],
    rows: &mut Rows,
) {
    rows.width = decider.features.width();
    rows.values.clear();
    rows.values.resize(admitted.len() * rows.width, f64::NAN);
    rows.applied.clear();
    rows.amounts.clear();
    for (one, row) in admitted
        .iter()
        .zip(rows.values.chunks_exact_mut(rows.width.max(1)))
    {
        let amount = decider.rates.convert(one.transaction.judged_amount());
        rows.applied
            .push(engine.apply(&one.transaction, amount, row));
        rows.amounts.push(amount);
    }
}
