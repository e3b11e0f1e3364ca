//! Slow lane, second step: the case that a critical alert opens.

use sentinel_domain::{Alert, Case, LogPosition};

/// The case for an alert; `None` where the alert can be worked alone.
pub fn open(alert: &Alert, position: LogPosition) -> Option<Case> {
    Case::opened_by(alert, position)
}
