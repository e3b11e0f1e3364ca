//! Slow lane, first step: the alert that a decision raises.

use sentinel_domain::{Alert, Decision, Transaction};

/// The alert for a decision; `None` where nobody needs to see it.
pub fn raise(decision: &Decision, transaction: &Transaction) -> Option<Alert> {
    Alert::raised_by(decision, transaction)
}
