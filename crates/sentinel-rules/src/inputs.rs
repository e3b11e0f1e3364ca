//! Inputs: what one evaluation reads.

use sentinel_domain::{Currency, Instant, Transaction};

use crate::lists::Lists;

/// What one evaluation reads; nothing else can change its result.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The feature row, in the order of the features that the schema was made with; NaN is missing.
    pub row: &'a [f64],
    /// The transaction itself.
    pub transaction: &'a Transaction,
    /// The amount to judge by, in minor units of the reference currency; `None` where there is no rate.
    pub amount_reference_minor: Option<i64>,
    /// The reference currency.
    pub reference: Currency,
    /// The lists that are active.
    pub lists: &'a Lists,
    /// When the transaction was appended: values of lists end by it.
    pub log_time: Instant,
}

/// The inputs with the amount worked out once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub row: &'a [f64],
    pub transaction: &'a Transaction,
    /// Major units of the reference currency; NaN is missing.
    pub amount: f64,
    pub reference: Currency,
    pub lists: &'a Lists,
    pub log_time: Instant,
}

impl<'a> Reading<'a> {
    #[allow(
        clippy::cast_precision_loss,
        reason = "exact below 2^53 minor units; above, the nearest number will do for a comparison"
    )]
    pub fn of(inputs: &Inputs<'a>) -> Self {
        let amount = match inputs.amount_reference_minor {
            // One division of two exact integers: the nearest number to the decimal, so that an amount
            // of 5000.10 equals the constant 5000.10 in a rule.
            Some(minor) => minor as f64 / major_unit(inputs.reference),
            None => f64::NAN,
        };
        Self {
            row: inputs.row,
            transaction: inputs.transaction,
            amount,
            reference: inputs.reference,
            lists: inputs.lists,
            log_time: inputs.log_time,
        }
    }

    /// The value of a slot; a slot beyond the end is missing.
    #[inline]
    pub fn slot(&self, slot: usize) -> f64 {
        self.row.get(slot).copied().unwrap_or(f64::NAN)
    }
}

/// How many minor units make a major one.
fn major_unit(currency: Currency) -> f64 {
    match currency.exponent() {
        0 => 1.0,
        1 => 10.0,
        2 => 100.0,
        3 => 1_000.0,
        _ => 10_000.0,
    }
}
