//! Cases: an investigation that an alert opened.

use crate::alert::Alert;
use crate::identifier::{AccountId, AlertId, CaseId};
use crate::instant::Instant;
use crate::position::LogPosition;
use crate::tier::Tier;
use crate::vocabulary;

vocabulary! {
    /// Where a case stands.
    CaseStatus {
        /// Waiting for somebody.
        Open = 1, "open";
        /// Settled.
        Closed = 2, "closed";
    }
}

/// An investigation. Opened for every critical alert; what people add to it comes later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Follows from the position of the decision whose alert opened it.
    pub case_id: CaseId,
    /// The alert that opened it.
    pub alert_id: AlertId,
    /// The account under investigation.
    pub account_id: AccountId,
    /// The log time of the entry that opened it.
    pub opened_at: Instant,
    /// How severe.
    pub tier: Tier,
    /// Where it stands.
    pub status: CaseStatus,
}

impl Case {
    /// The case for an alert at a position; `None` where none is due (only critical alerts open one).
    pub fn opened_by(alert: &Alert, position: LogPosition) -> Option<Self> {
        (alert.tier == Tier::Critical).then(|| Self {
            case_id: CaseId::at(position),
            alert_id: alert.alert_id,
            account_id: alert.account_id.clone(),
            opened_at: alert.raised_at,
            tier: alert.tier,
            status: CaseStatus::Open,
        })
    }
}
