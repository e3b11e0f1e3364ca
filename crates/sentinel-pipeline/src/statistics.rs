//! Running figures: how many, how fast, how it went.
//!
//! Best effort and never part of a decision. Counters are atomic; latencies go into a histogram with three
//! significant digits.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use sentinel_domain::{Alert, Outcome, RejectionCode, Verdict};

use crate::partition::Settled;

/// The longest latency told apart, microseconds.
const LATENCY_US_MAX: u64 = 60_000_000;

/// Figures of one partition since start.
pub struct Statistics {
    decisions: [AtomicU64; Verdict::ALL.len()],
    rejected: [AtomicU64; RejectionCode::ALL.len() + 1],
    alerts: AtomicU64,
    repeated: AtomicU64,
    conflicts: AtomicU64,
    labels: AtomicU64,
    declined_amount_minor: AtomicU64,
    disk_full: AtomicU64,
    mismatches: AtomicU64,
    to_compare: AtomicU64,
    latency_us: Mutex<Histogram<u64>>,
}

/// The figures at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Transactions decided.
    pub transactions: u64,
    /// Decisions by verdict, in the order of [`Verdict::ALL`].
    pub decisions: [u64; Verdict::ALL.len()],
    /// Decisions that raise an alert.
    pub alerts: u64,
    /// Inputs refused, by reason, reasons without any left out.
    pub rejected_by_code: Vec<(RejectionCode, u64)>,
    /// Inputs refused.
    pub rejected: u64,
    /// Events sent again with the same body.
    pub repeated: u64,
    /// Events sent again with another body.
    pub conflicts: u64,
    /// Labels taken in.
    pub labels: u64,
    /// Amounts of declined transactions, minor units of the reference currency.
    pub declined_amount_minor: u64,
    /// Inputs that were sent away because the disk is nearly full.
    pub disk_full: u64,
    /// Replayed outcomes that were not the recorded ones: each stops the process.
    pub mismatches: u64,
    /// Recorded outcomes of earlier runs that are not compared yet.
    pub to_compare: u64,
    /// Latency from pick-up to record, microseconds: p50, p99, p99.9.
    pub latency_us: [u64; 3],
}

impl Default for Statistics {
    fn default() -> Self {
        #[allow(
            clippy::expect_used,
            reason = "the bounds are constants the histogram accepts"
        )]
        let histogram = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("constant bounds");
        Self {
            decisions: Default::default(),
            rejected: Default::default(),
            alerts: AtomicU64::default(),
            repeated: AtomicU64::default(),
            conflicts: AtomicU64::default(),
            labels: AtomicU64::default(),
            declined_amount_minor: AtomicU64::default(),
            disk_full: AtomicU64::default(),
            mismatches: AtomicU64::default(),
            to_compare: AtomicU64::default(),
            latency_us: Mutex::new(histogram),
        }
    }
}

impl Statistics {
    /// Counts a batch; `latency_us` is `None` for outcomes of earlier runs.
    pub fn count(&self, settled: &[Settled], latency_us: Option<u64>) {
        let mut decided = 0;
        for one in settled {
            match &one.outcome {
                Outcome::Decided(decision) => {
                    decided += 1;
                    if let Some(counter) = self.decisions.get(usize::from(decision.verdict.code()))
                    {
                        counter.fetch_add(1, Relaxed);
                    }
                    self.alerts
                        .fetch_add(u64::from(Alert::is_due(decision)), Relaxed);
                }
                Outcome::Repeated { .. } => {
                    self.repeated.fetch_add(1, Relaxed);
                }
                Outcome::Conflicted { .. } => {
                    self.conflicts.fetch_add(1, Relaxed);
                    self.count_rejected(RejectionCode::Conflict);
                }
                Outcome::Refused(rejection) => self.count_rejected(rejection.code),
                Outcome::Applied if one.is_label => {
                    self.labels.fetch_add(1, Relaxed);
                }
                Outcome::Applied | Outcome::Activated(_) | Outcome::Ignored => {}
            }
        }
        if let Some(latency_us) = latency_us
            && decided > 0
        {
            let mut histogram = self
                .latency_us
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            histogram.saturating_record_n(latency_us.clamp(1, LATENCY_US_MAX), decided);
        }
    }

    /// Counts the amount of a declined transaction, minor units of the reference currency.
    pub fn count_declined(&self, amount_minor: u64) {
        self.declined_amount_minor.fetch_add(amount_minor, Relaxed);
    }

    /// Counts an input that was sent away because the disk is nearly full.
    pub fn count_disk_full(&self) {
        self.disk_full.fetch_add(1, Relaxed);
    }

    /// Counts a replayed outcome that is not the recorded one.
    pub fn count_mismatch(&self) {
        self.mismatches.fetch_add(1, Relaxed);
    }

    /// Says how many recorded outcomes of earlier runs are still to be compared.
    pub fn left_to_compare(&self, entries: u64) {
        self.to_compare.store(entries, Relaxed);
    }

    /// Counts an input that was refused.
    pub fn count_rejected(&self, code: RejectionCode) {
        if let Some(counter) = self.rejected.get(usize::from(code.code())) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// The figures now.
    pub fn figures(&self) -> Figures {
        let decisions: [u64; Verdict::ALL.len()] =
            std::array::from_fn(|n| self.decisions.get(n).map_or(0, |c| c.load(Relaxed)));
        let rejected_by_code: Vec<_> = RejectionCode::ALL
            .iter()
            .filter_map(|code| {
                let count = self.rejected.get(usize::from(code.code()))?.load(Relaxed);
                (count > 0).then_some((*code, count))
            })
            .collect();
        let histogram = self
            .latency_us
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Figures {
            transactions: decisions.iter().sum(),
            decisions,
            alerts: self.alerts.load(Relaxed),
            rejected: rejected_by_code.iter().map(|(_, count)| count).sum(),
            rejected_by_code,
            repeated: self.repeated.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
            labels: self.labels.load(Relaxed),
            declined_amount_minor: self.declined_amount_minor.load(Relaxed),
            disk_full: self.disk_full.load(Relaxed),
            mismatches: self.mismatches.load(Relaxed),
            to_compare: self.to_compare.load(Relaxed),
            latency_us: [0.5, 0.99, 0.999].map(|q| histogram.value_at_quantile(q)),
        }
    }
}
