//! Replay of what was recorded, on two threads.
//!
//! ```text
//!  log ─▶ take in: repeats, windows, switches ─▶ rows ─▶ score, decide, compare with the decision log
//!         the owner's thread                     bounded    a thread for as long as the replay lasts
//! ```
//!
//! Deciding changes no state, so the windows need not wait for it: a start is done in little more than the
//! longer of the two. Promises that every outcome is compared before it returns, as a worker that records
//! would. Must never record anything.

use std::ops::ControlFlow;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use sentinel_domain::{LogId, Offset, Outcome, Partition};

use super::{Progress, Published, Worker, WorkerError, count_declined};
use crate::backfill::History;
use crate::features::Rows;
use crate::partition::{Deciding, PartitionState, Settled, Undecided};
use crate::record::Recorder;
use crate::statistics::Statistics;

/// Entries taken in at once.
const BATCH_ENTRIES: usize = 512;

/// Batches that wait to be decided and compared, at most.
const QUEUE_BATCHES: usize = 8;

/// A batch that is in the windows.
struct TakenIn {
    settled: Vec<Settled>,
    undecided: Vec<Undecided>,
}

impl Worker {
    /// Applies everything the log holds now, as [`Worker::catch_up`] does; of what was recorded by an earlier
    /// run `publish` hears activations alone.
    pub fn replay(
        &mut self,
        publish: &mut dyn FnMut(&PartitionState, Published),
    ) -> Result<(), WorkerError> {
        self.replay_recorded(publish)?;
        self.catch_up(publish)
    }

    /// The first part of it: what was recorded by an earlier run.
    pub(crate) fn replay_recorded(
        &mut self,
        publish: &mut dyn FnMut(&PartitionState, Published),
    ) -> Result<(), WorkerError> {
        let Some(mut recorder) = self.recorder.take() else {
            return Ok(());
        };
        let compared = self.compare(&mut recorder, publish);
        self.recorder = Some(recorder);
        compared
    }

    fn compare(
        &mut self,
        recorder: &mut Recorder,
        publish: &mut dyn FnMut(&PartitionState, Published),
    ) -> Result<(), WorkerError> {
        let end = recorder.replay_end();
        let place = self.state.place();
        let statistics = Arc::clone(&self.statistics);
        let (taken, to_compare) = bounded(QUEUE_BATCHES);
        let (used, spare) = unbounded();
        std::thread::scope(|scope| {
            let comparing = std::thread::Builder::new()
                .name("compare-0".into())
                .spawn_scoped(scope, move || {
                    decide_and_compare(&to_compare, &used, (recorder, &statistics), place)
                })
                .map_err(WorkerError::Thread)?;
            let taken_in = self.take_in(end, (taken, &spare), publish);
            match comparing.join() {
                // What is wrong with a batch was found before what may be wrong behind it.
                Ok(compared) => compared.and(taken_in),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Takes entries in before `end` and hands them on. Ends early where nobody compares any more: that
    /// has a reason of its own.
    fn take_in(
        &mut self,
        end: Offset,
        (taken, spare): (Sender<TakenIn>, &Receiver<Rows>),
        publish: &mut dyn FnMut(&PartitionState, Published),
    ) -> Result<(), WorkerError> {
        let mut progress = Progress::default();
        let mut told = |done, of| {
            progress.tell(done, of);
            ControlFlow::Continue(())
        };
        while self.state.next() < end {
            let offset = self.state.next();
            let left = usize::try_from(end.0 - offset.0).unwrap_or(BATCH_ENTRIES);
            self.log
                .read(offset, left.min(BATCH_ENTRIES), &mut self.batch)
                .map_err(|source| WorkerError::Log { offset, source })?;
            let (mut settled, mut undecided) = (Vec::new(), Vec::new());
            let mut history = History::new(&self.log, &mut told);
            let deferred = (&mut undecided, spare.try_iter());
            self.state
                .take_in(&self.batch, &mut history, &mut settled, deferred)?;
            let activations: Vec<Settled> = settled.iter().filter_map(activation).collect();
            let latencies_us = vec![0; activations.len()];
            let is_over = taken.send(TakenIn { settled, undecided }).is_err();
            publish(
                &self.state,
                Published {
                    settled: activations,
                    latencies_us,
                },
            );
            if is_over {
                break;
            }
        }
        Ok(())
    }
}

/// An activation that took effect, told once more.
fn activation(settled: &Settled) -> Option<Settled> {
    let Outcome::Activated(versions) = &settled.outcome else {
        return None;
    };
    Some(Settled {
        offset: settled.offset,
        log_time: settled.log_time,
        outcome: Outcome::Activated(Arc::clone(versions)),
        transaction: None,
    })
}

fn decide_and_compare(
    to_compare: &Receiver<TakenIn>,
    used: &Sender<Rows>,
    (recorder, statistics): (&mut Recorder, &Statistics),
    place: (LogId, Partition),
) -> Result<(), WorkerError> {
    let mut deciding = Deciding::default();
    for TakenIn {
        mut settled,
        undecided,
    } in to_compare
    {
        for run in undecided {
            let decider = Arc::clone(run.decider());
            let from = settled.len();
            let rows = run.decide(place, &mut deciding, &mut settled);
            let decided = settled.get(from..).unwrap_or_default();
            count_declined(statistics, &decider, decided);
            // The owner may be done already.
            let _ = used.send(rows);
        }
        settled.sort_by_key(|one| one.offset);
        recorder.record(&settled, 0)?;
        statistics.count(&settled, None);
    }
    Ok(())
}
