//! Runs of transactions on their way from rows to decisions.
//!
//! Deciding changes no state, so a run whose rows are filled may be decided at once or later, by the owner or by
//! another thread. Promises the same decisions either way, in log order. Must never ask the windows.

use std::sync::Arc;

use sentinel_domain::{LogId, Outcome, Partition, Score};

use super::Settled;
use crate::active::Decider;
use crate::decide::{self, DecideScratch};
use crate::features::Rows;
use crate::intake::Admitted;
use crate::score;

/// Transactions that are in the windows and wait for their decisions: deciding changes no state, so another
/// thread may do it.
pub(crate) struct Undecided {
    pub(super) decider: Arc<Decider>,
    pub(super) admitted: Vec<Admitted>,
    pub(super) rows: Rows,
}

/// Buffers of deciding, reused between runs.
#[derive(Default)]
pub(crate) struct Deciding {
    scores: Vec<Score>,
    scratch: DecideScratch,
}

impl Undecided {
    /// Decides; the rows may be used again.
    pub(crate) fn decide(
        mut self,
        place: (LogId, Partition),
        deciding: &mut Deciding,
        settled: &mut Vec<Settled>,
    ) -> Rows {
        let Self {
            decider,
            admitted,
            rows,
        } = &mut self;
        decide_run(decider, place, admitted, rows, deciding, settled);
        self.rows
    }

    /// What it is decided with.
    pub(crate) fn decider(&self) -> &Arc<Decider> {
        &self.decider
    }
}

/// Takes a run whose rows are filled through score and decide.
pub(super) fn decide_run(
    decider: &Decider,
    place: (LogId, Partition),
    admitted: &mut Vec<Admitted>,
    rows: &Rows,
    deciding: &mut Deciding,
    settled: &mut Vec<Settled>,
) {
    let Deciding { scores, scratch } = deciding;
    score::compute(decider, rows, scores);
    for (index, (one, score)) in admitted.drain(..).zip(scores.iter()).enumerate() {
        let decision = decide::decide(decider, place, &one, (rows, index), *score, scratch);
        settled.push(Settled {
            offset: one.offset,
            log_time: one.log_time,
            outcome: Outcome::Decided(Box::new(decision)),
            transaction: Some(one.transaction),
            is_label: false,
        });
    }
}
