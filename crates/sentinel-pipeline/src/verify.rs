//! Verifying the store: what lies in it is what the recorded decisions give, no more and no less. And the snapshots:
//! each can be read to its end, or what is wrong with it is told.
//!
//! Reads both logs from the first entry that both keep and looks every alert, case and override up; holds every
//! message against its hash, and the file against itself. What changes (a status, how a delivery went) is not
//! compared: it follows from no log. Must never change a row.

use sentinel_domain::{Alert, AlertStatus, Case, CaseStatus, Entry, Offset, Outcome};
use sentinel_eventlog::{RecordBatch, decode_entry};
use sentinel_store::{CaseQuery, LIMIT_MAX, Overridden, Store, StoreError};

use crate::follow::{self, FollowError};
use crate::recorded::RecordedLogs;
use crate::snapshot::SnapshotError;
use crate::{alert, case};

/// The most findings that are told by name.
const FINDINGS_KEPT: usize = 10;

/// What was found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct StoreFindings {
    /// Alerts that the decisions give.
    pub alerts: u64,
    /// Cases that the decisions give.
    pub cases: u64,
    /// Overrides that the log has.
    pub overrides: u64,
    /// Rows that are missing, damaged, or not what the decisions give; and rows too many.
    pub wrong: u64,
    /// The first of them, each with its name and what is wrong.
    pub told: Vec<String>,
}

impl StoreFindings {
    fn tell(&mut self, finding: String) {
        self.wrong += 1;
        if self.told.len() < FINDINGS_KEPT {
            self.told.push(finding);
        }
    }
}

/// What was found in the folder of snapshots.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SnapshotFindings {
    /// How many there are; each was read to its end.
    pub read: u64,
    /// How many of them are damaged.
    pub damaged: u64,
    /// What is wrong with each that cannot be used, and what to do; one that only does not fit is not damaged.
    pub told: Vec<String>,
    /// The first entry that can be computed again and held against what was recorded; `None` where the log has lost its
    /// beginning and nothing that can be read stands for it.
    pub first: Option<Offset>,
}

/// Reads every snapshot of both logs, the oldest first.
pub fn verify_snapshots(logs: &RecordedLogs) -> Result<SnapshotFindings, SnapshotError> {
    let (log, mut findings) = (&logs.transactions, SnapshotFindings::default());
    let is_whole = log.start() == Offset(0);
    let mut next = is_whole.then_some(Offset(0));
    let mut wrong = Vec::new();
    if let Some(folder) = logs.snapshots() {
        for (offset, file) in folder.list()?.into_iter().rev() {
            findings.read += 1;
            match folder.fault(log, offset, &file) {
                None => next = next.or(Some(offset)),
                Some(fault) => wrong.push((offset, fault)),
            }
        }
    }
    for (offset, fault) in wrong {
        findings.damaged += u64::from(matches!(fault, SnapshotError::Damaged { .. }));
        findings.told.push(advised(&fault, (offset, next)));
    }
    findings.first = next.map(|first| first.max(logs.decisions.start()));
    Ok(findings)
}

/// What is wrong with a snapshot, what it costs, and what to do.
fn advised(fault: &SnapshotError, (offset, first): (Offset, Option<Offset>)) -> String {
    match first {
        Some(first) if offset >= first => match fault {
            SnapshotError::Damaged { .. } => {
                format!(
                    "{fault}. Nothing is lost with it: a start uses the one before, or replays the log"
                )
            }
            _ => fault.to_string(),
        },
        Some(first) => format!(
            "{fault}. The log has lost what came before it, so entries before {first}, where the next one that can be read \
             stands, cannot be computed again without it: restore this file from a backup, or move it away and do without"
        ),
        None => format!(
            "{fault}. Restore this file from a backup: nothing else stands for what the log has lost"
        ),
    }
}

/// Holds the store against the recorded outcomes before `end`, which should be where the store stands.
pub async fn verify_store(
    logs: &RecordedLogs,
    store: &Store,
    end: Offset,
) -> Result<StoreFindings, FollowError> {
    let mut findings = StoreFindings::default();
    let (mut outcomes, mut entries) = (RecordBatch::default(), RecordBatch::default());
    let first = logs.first_kept();
    let mut next = first;
    while next < end {
        follow::read(&logs.decisions, next, &mut outcomes)?;
        follow::read(&logs.transactions, next, &mut entries)?;
        for (outcome, entry) in outcomes.iter().zip(entries.iter()) {
            next = outcome.offset.plus(1);
            if outcome.offset >= end {
                break;
            }
            let outcome = match logs.decode(&outcome) {
                Ok((outcome, _)) => outcome,
                Err(error) => {
                    findings.tell(error.to_string());
                    continue;
                }
            };
            logs.learn(&outcome);
            let decision = match outcome {
                Outcome::Decided(decision) => decision,
                Outcome::Applied => {
                    if let Some(one) = follow::overridden(logs, &entry) {
                        look_override_up(store, &one, &mut findings).await?;
                    }
                    continue;
                }
                _ => continue,
            };
            let Ok(Entry::Transaction(transaction)) = decode_entry(entry.payload) else {
                continue;
            };
            let Some(alert) = alert::raise(&decision, &transaction) else {
                continue;
            };
            if let Some(case) = case::open(&alert, decision.position) {
                look_case_up(store, &case, &mut findings).await?;
            }
            look_alert_up(store, &alert, &mut findings).await?;
        }
    }
    count(store, (logs, first), &mut findings).await?;
    look_messages_up(store, &mut findings).await?;
    for fault in store.faults().await? {
        findings.tell(format!("the store's file: {fault}"));
    }
    Ok(findings)
}

/// Every alert has a message, and each is what was written.
async fn look_messages_up(store: &Store, findings: &mut StoreFindings) -> Result<(), StoreError> {
    let (mut messages, mut last) = (0, String::new());
    loop {
        let page = match store.outbox_behind(&last, LIMIT_MAX).await {
            Err(error @ StoreError::Damaged { .. }) => {
                findings.tell(error.to_string());
                return Ok(());
            }
            page => page?,
        };
        messages += page.len() as u64;
        match page.into_iter().last() {
            Some(newest) => last = newest.outbox_id,
            None => break,
        }
    }
    let alerts = store.counts().await?.alerts;
    if let Some(fewer @ 1..) = alerts.checked_sub(messages) {
        findings.tell(format!("{fewer} alerts have no message"));
    }
    Ok(())
}

async fn look_alert_up(
    store: &Store,
    alert: &Alert,
    findings: &mut StoreFindings,
) -> Result<(), StoreError> {
    findings.alerts += 1;
    let id = alert.alert_id;
    match store.alert(id).await {
        Ok(None) => findings.tell(format!("alert {id} is missing")),
        Ok(Some(stored)) => {
            let stored = Alert {
                status: AlertStatus::Open,
                ..stored
            };
            if stored != *alert {
                findings.tell(format!("alert {id} is not what its decision gives"));
            }
        }
        Err(StoreError::Damaged { .. }) => findings.tell(format!("alert {id} is damaged")),
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn look_case_up(
    store: &Store,
    case: &Case,
    findings: &mut StoreFindings,
) -> Result<(), StoreError> {
    findings.cases += 1;
    let id = case.case_id;
    match store.case(id).await {
        Ok(None) => findings.tell(format!("case {id} is missing")),
        Ok(Some(stored)) => {
            let stored = Case {
                status: CaseStatus::Open,
                ..stored
            };
            if stored != *case {
                findings.tell(format!("case {id} is not what its alert gives"));
            }
        }
        Err(StoreError::Damaged { .. }) => findings.tell(format!("case {id} is damaged")),
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn look_override_up(
    store: &Store,
    one: &Overridden,
    findings: &mut StoreFindings,
) -> Result<(), StoreError> {
    findings.overrides += 1;
    let offset = one.position.offset;
    match store.override_at(one.position).await {
        Ok(None) => findings.tell(format!("the override of entry {offset} is missing")),
        Ok(Some(stored)) if stored == *one => {}
        Ok(Some(_)) => findings.tell(format!("the override of entry {offset} is another one")),
        Err(StoreError::Damaged { .. }) => {
            findings.tell(format!("the override of entry {offset} is damaged"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Rows that no decision gives.
async fn count(
    store: &Store,
    (logs, first): (&RecordedLogs, Offset),
    findings: &mut StoreFindings,
) -> Result<(), StoreError> {
    // What followed from entries that the logs keep no longer cannot be looked up.
    let alerts = store.alerts_from(first).await?;
    if let Some(more @ 1..) = alerts.checked_sub(findings.alerts) {
        findings.tell(format!("{more} alerts follow from no decision"));
    }
    let overrides = store.overrides_from(first).await?;
    if let Some(more @ 1..) = overrides.checked_sub(findings.overrides) {
        findings.tell(format!("{more} overrides follow from no entry"));
    }
    let (mut cases, mut query) = (0, CaseQuery::default());
    query.limit = LIMIT_MAX;
    loop {
        let page = match store.cases(&query).await {
            // It was told by name already, or follows from no decision.
            Err(StoreError::Damaged { .. }) => return Ok(()),
            page => page?,
        };
        let log = logs.transactions.log_id();
        let stands = |case: &&Case| {
            let position = case.case_id.position_in(log);
            position.is_none_or(|position| position.offset >= first)
        };
        cases += page.items.iter().filter(stands).count() as u64;
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    if let Some(more @ 1..) = cases.checked_sub(findings.cases) {
        findings.tell(format!("{more} cases follow from no decision"));
    }
    Ok(())
}
