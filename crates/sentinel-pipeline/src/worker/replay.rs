//! Replay of what was recorded.
//!
//! ```text
//!  log ─▶ decode ─▶ take in: repeats, windows, switches ─▶ rows ─▶ score, decide, compare with the decision log
//!         a thread  the owner's                            a third thread; where outcomes are compared
//!
//!  decode ahead ─▶ take in: a task a kind of entity, nothing decided; where another owner compares
//!  the owner's thread and those beside it (crew), each at what is most wanted
//! ```
//!
//! Deciding changes no state. So the windows need not wait for it where outcomes are compared, and where another
//! owner compares them ([`Worker::compare`], `snapshot/comparing.rs`) nothing is decided at all: the state behind is
//! the same. Promises that every outcome before the given place is compared before it returns. Must never record
//! anything.

use std::ops::ControlFlow;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use sentinel_domain::{LogId, Offset, Outcome, Partition};

use super::ahead::{self, Ahead, Reader};
use super::crew::Crew;
use super::{Progress, Published, Worker, WorkerError, count_declined};
use crate::backfill::History;
use crate::features::Rows;
use crate::partition::{Deciding, PartitionState, Settled, Undecided};
use crate::record::Recorder;
use crate::statistics::Statistics;

/// Batches that wait to be decided and compared, at most.
const QUEUE_BATCHES: usize = 8;

/// A batch that is in the windows.
struct TakenIn {
    settled: Vec<Settled>,
    undecided: Vec<Undecided>,
}

impl Worker {
    /// Applies everything the log holds now. Outcomes recorded by an earlier run are compared before
    /// `compared_before`; those behind it are left to another owner. Of all of them `publish` hears activations
    /// alone.
    pub fn replay(
        &mut self,
        compared_before: Offset,
        publish: &mut dyn FnMut(&PartitionState, Published),
    ) -> Result<(), WorkerError> {
        let recorded = self.recorded_end();
        self.compare(compared_before.min(recorded), &|| false, publish)?;
        self.keep(recorded, publish)?;
        self.catch_up(publish)
    }

    /// Where what an earlier run recorded ends.
    pub fn recorded_end(&self) -> Offset {
        let recorder = self.recorder.as_ref();
        recorder.map_or(self.state.next(), Recorder::replay_end)
    }

    /// Applies what the log holds before `end` and compares each outcome with the recorded one. False where
    /// `stop` said so first.
    pub fn compare(
        &mut self,
        end: Offset,
        stop: &dyn Fn() -> bool,
        publish: &mut dyn FnMut(&PartitionState, Published),
    ) -> Result<bool, WorkerError> {
        let Some(mut recorder) = self.recorder.take() else {
            return Ok(true);
        };
        let compared = self.compare_with(&mut recorder, (end, stop), publish);
        self.recorder = Some(recorder);
        compared?;
        Ok(self.state.next() >= end)
    }

    fn compare_with(
        &mut self,
        recorder: &mut Recorder,
        (end, stop): (Offset, &dyn Fn() -> bool),
        publish: &mut dyn FnMut(&PartitionState, Published),
    ) -> Result<(), WorkerError> {
        let place = self.state.place();
        let (statistics, counted_from) = (Arc::clone(&self.statistics), self.counted_from);
        let (taken, to_compare) = bounded(QUEUE_BATCHES);
        let (used, spare) = unbounded();
        let log = self.log.clone();
        let (log, stretch) = ((&log, self.state.skips()), (self.state.next(), end));
        std::thread::scope(|scope| {
            let ahead = ahead::read(scope, log, stretch)?;
            let comparing = std::thread::Builder::new()
                .name("compare-0".into())
                .spawn_scoped(scope, move || {
                    let counting = (&*statistics, counted_from);
                    decide_and_compare((&to_compare, &used), recorder, counting, place)
                })
                .map_err(WorkerError::Thread)?;
            let taken_in = self.take_in((ahead, stop), (taken, &spare), publish);
            match comparing.join() {
                // What is wrong with a batch was found before what may be wrong behind it.
                Ok(compared) => compared.and(taken_in),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Takes entries in and hands them on. Ends early where nobody compares any more: that has a reason of
    /// its own.
    fn take_in(
        &mut self,
        (ahead, stop): (Ahead, &dyn Fn() -> bool),
        (taken, spare): (Sender<TakenIn>, &Receiver<Rows>),
        publish: &mut dyn FnMut(&PartitionState, Published),
    ) -> Result<(), WorkerError> {
        let mut told = told(stop);
        for entries in ahead {
            let (mut settled, mut undecided) = (Vec::new(), Vec::new());
            let mut history = History::new(&self.log, &mut told);
            let deferred = (&mut undecided, spare.try_iter());
            self.state
                .take_in(entries?, &mut history, &mut settled, deferred)?;
            let activations = activations(&settled);
            let is_over = taken.send(TakenIn { settled, undecided }).is_err();
            publish(&self.state, activations);
            if is_over || stop() {
                break;
            }
        }
        Ok(())
    }

    /// Takes entries in before `end`, all of them recorded, by as many hands as there are, and decides nothing.
    fn keep(
        &mut self,
        end: Offset,
        publish: &mut dyn FnMut(&PartitionState, Published),
    ) -> Result<(), WorkerError> {
        let reader = Reader::new((&self.log, self.state.skips()), (self.state.next(), end));
        self.state.set_keeping(true);
        let kept = std::thread::scope(|scope| {
            let (crew, _end) = Crew::start(scope, reader)?;
            self.state.set_hands(Some(crew.hands()));
            let mut told = told(&|| false);
            loop {
                let entries = crew.next()?;
                if entries.is_empty() {
                    return Ok(());
                }
                let mut settled = Vec::new();
                let mut history = History::new(&self.log, &mut told);
                self.state.apply_read(entries, &mut history, &mut settled)?;
                if let Some(recorder) = &self.recorder {
                    recorder.learn(&settled);
                }
                publish(&self.state, activations(&settled));
            }
        });
        self.state.set_hands(None);
        self.state.set_keeping(false);
        kept
    }
}

/// Tells how far a backfill on the way is, and leaves it where `stop` says so.
fn told(stop: &dyn Fn() -> bool) -> impl FnMut(u64, u64) -> ControlFlow<()> + '_ {
    let mut progress = Progress::default();
    move |done, of| {
        progress.tell(done, of);
        match stop() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// The activations that took effect, told once more.
fn activations(settled: &[Settled]) -> Published {
    let settled: Vec<Settled> = settled.iter().filter_map(activation).collect();
    Published {
        latencies_us: vec![0; settled.len()],
        settled,
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
        is_label: false,
    })
}

fn decide_and_compare(
    (to_compare, used): (&Receiver<TakenIn>, &Sender<Rows>),
    recorder: &mut Recorder,
    (statistics, counted_from): (&Statistics, Offset),
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
            count_declined(statistics, &decider, uncounted(decided, counted_from));
            // The owner may be done already.
            let _ = used.send(rows);
        }
        settled.sort_by_key(|one| one.offset);
        recorder.record(&settled, 0)?;
        statistics.count(uncounted(&settled, counted_from), None);
    }
    Ok(())
}

/// Those that nobody has counted; they are in log order.
fn uncounted(settled: &[Settled], counted_from: Offset) -> &[Settled] {
    let counted = settled.partition_point(|one| one.offset < counted_from);
    settled.get(counted..).unwrap_or_default()
}
